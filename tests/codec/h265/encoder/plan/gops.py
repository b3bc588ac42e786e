"""Configurations of the tests: the rows of the cfg files that come with pyenc."""

from cli.options import ENCODER_OPTIONS
from cli.settings import parse_command_line
from codec.h265.config import EncoderConfig, GopEntry, validated


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


# (type, POC, layer, references): pictures that the rows name of higher layers are needed by rows that come later
_ABOVE = {
    8: (
        ("B", 8, 0, [-8, -10, -12, -16]),
        ("B", 4, 1, [-4, -6, 4]),
        ("B", 2, 2, [-2, -4, 2, 6]),
        ("B", 1, 3, [-1, 1, 3, 7]),
        ("B", 3, 3, [-1, -3, 1, 5]),
        ("B", 6, 2, [-2, -4, -6, 2]),
        ("B", 5, 3, [-1, -5, 1, 3]),
        ("B", 7, 3, [-1, -3, -7, 1]),
    ),
    16: (
        ("B", 16, 0, [-16, -20, -24]),
        ("B", 8, 1, [-8, -12, 8]),
        ("B", 4, 2, [-4, -8, 4, 12]),
        ("B", 2, 3, [-2, -6, 2, 6, 14]),
        ("B", 1, 4, [-1, 1, 3, 7, 15]),
        ("B", 3, 4, [-1, -3, 1, 5, 13]),
        ("B", 6, 3, [-2, -4, -6, 2, 10]),
        ("B", 5, 4, [-1, -5, 1, 3, 11]),
        ("B", 7, 4, [-1, -3, -7, 1, 9]),
        ("B", 12, 2, [-4, -6, -12, 4]),
        ("B", 10, 3, [-2, -4, -10, 2, 6]),
        ("B", 9, 4, [-1, -3, 1, 3, 7]),
        ("B", 11, 4, [-1, -3, 1, 5]),
        ("B", 14, 3, [-2, -4, -6, 2]),
        ("B", 13, 4, [-1, -5, 1, 3]),
        ("B", 15, 4, [-1, -3, -7, 1]),
    ),
}


def above_rows(size):
    """Rows of a GOP of 8 or 16 that name references of higher temporal layers, as some of HM's cfgs do."""
    return tuple(row(kind, poc, deltas, layer, num_ref_pics_active=2) for kind, poc, layer, deltas in _ABOVE[size])


def above_config(size, **changes):
    """The random access config with these rows."""
    return cfg_config("randomaccess_main", GOPSize=size, GOP=above_rows(size), **changes)
