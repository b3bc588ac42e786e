"""Configurations of the tests: the rows of the cfg files that come with pyenc."""

from cli.options import ENCODER_OPTIONS
from cli.settings import parse_command_line
from codec.config import EncoderConfig, GopEntry, validated


def cfg_values(name):
    """The config fields that cli/cfg/encoder_<name>.cfg sets."""
    settings = parse_command_line(ENCODER_OPTIONS, ["-c", f"encoder_{name}.cfg"])
    return {**settings.config_values(), "GOP": settings.gop_rows()}


def cfg_config(name, **changes):
    """The validated config of a cfg file, 128x64 at QP 32, with changes."""
    return validated(EncoderConfig(**{**cfg_values(name), "SourceWidth": 128, "SourceHeight": 64, **changes}))


def row(slice_type, poc, references, temporal_id=0, **changes):
    """A GOP row without offsets."""
    values = dict(
        slice_type=slice_type,
        poc=poc,
        qp_offset=1,
        qp_offset_model_off=0.0,
        qp_offset_model_scale=0.0,
        cb_qp_offset=0,
        cr_qp_offset=0,
        qp_factor=0.5,
        tc_offset_div2=0,
        beta_offset_div2=0,
        temporal_id=temporal_id,
        num_ref_pics_active=len(references),
        reference_pictures=tuple(references),
    )
    return GopEntry(**{**values, **changes})


def rows_config(*rows, size=None, **changes):
    """A validated config of the rows given; -1 is the intra period unless it is changed."""
    values = dict(IntraPeriod=-1, GOPSize=size or len(rows), GOP=rows, SourceWidth=128, SourceHeight=64)
    return validated(EncoderConfig(**{**values, **changes}))
