"""Rules of the coding structure that need no more than the GOP's rows; encoder/plan/structure.py checks the rest."""

from codec.base.errors import UsageError

MAX_TEMPORAL_ID = 6
# (A.4.2) what the buffer holds at most beside the picture being coded
MAX_REFERENCE_PICTURES = 15


def check_gop(config):
    """UsageError unless intra period and GOP rows of an EncoderConfig make sense together."""
    period, size = config.IntraPeriod, config.GOPSize
    if period == 1:
        return
    _require(period != 0, "IntraPeriod=0 is not a distance: use 1 for all intra, -1 for one intra picture")
    _require(
        len(config.GOP) == size,
        f"GOPSize={size} needs the rows Frame1..Frame{size}, {len(config.GOP)} are given: use a cfg such as "
        "encoder_randomaccess_main.cfg, or IntraPeriod=1",
    )
    _require(
        period < 0 or period % size == 0,
        f"IntraPeriod={period} is no multiple of GOPSize={size}, nor -1",
    )
    seen = {}
    for number, entry in enumerate(config.GOP, 1):
        _check_entry(config, f"Frame{number}", entry)
        other = seen.setdefault(entry.poc, number)
        _require(other == number, f"Frame{other} and Frame{number} have the same POC {entry.poc}")
    key = f"Frame{seen[size]}"
    _require(
        config.GOP[seen[size] - 1].temporal_id == 0,
        f"{key}: the picture that ends the GOP (POC {size}) must be of temporal layer 0",
    )


def _check_entry(config, name, entry):
    size = config.GOPSize
    _require(1 <= entry.poc <= size, f"{name}: POC {entry.poc} is outside 1..{size} (GOPSize)")
    deepest = MAX_TEMPORAL_ID
    _require(0 <= entry.temporal_id <= deepest, f"{name}: temporal id {entry.temporal_id} is outside 0..{deepest}")
    references = entry.reference_pictures
    _require(
        len(references) <= MAX_REFERENCE_PICTURES,
        f"{name}: {len(references)} reference pictures are above {MAX_REFERENCE_PICTURES}",
    )
    _require(len(set(references)) == len(references), f"{name}: a reference picture is named twice")
    _require(0 not in references, f"{name}: a picture cannot refer to itself (reference 0)")
    if entry.slice_type != "I":
        _require(references, f"{name}: a {entry.slice_type} picture needs reference pictures")
        _require(
            1 <= entry.num_ref_pics_active <= MAX_REFERENCE_PICTURES,
            f"{name}: {entry.num_ref_pics_active} active references are outside 1..{MAX_REFERENCE_PICTURES}",
        )
    _require(entry.qp_factor > 0, f"{name}: QP factor {entry.qp_factor} is not above 0")
    for what, base, offset, limit in (
        ("Cb QP offset", config.CbQpOffset, entry.cb_qp_offset, 12),
        ("Cr QP offset", config.CrQpOffset, entry.cr_qp_offset, 12),
        ("tc offset", config.LoopFilterTcOffset_div2, entry.tc_offset_div2, 6),
        ("beta offset", config.LoopFilterBetaOffset_div2, entry.beta_offset_div2, 6),
    ):
        in_range = -limit <= offset <= limit and -limit <= base + offset <= limit
        _require(in_range, f"{name}: {what} {offset} makes {base + offset}, outside {-limit}..{limit}")


def _require(condition, message):
    if not condition:
        raise UsageError(message)
