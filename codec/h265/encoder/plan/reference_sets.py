"""Reference picture sets of the encoder (7.3.7): the cheapest way to code each, in the SPS and in slice headers."""

from codec.base.serdes import Writer
from codec.h265.syntax.short_term_rps import ShortTermRps, explicit_rps, st_ref_pic_set


def code_sets(sps, sets):
    """Put the sets, each a tuple of (POC difference, used), into the SPS, predicted from one another where it pays."""
    sps.short_term_ref_pic_sets = []
    sps.num_short_term_ref_pic_sets = len(sets)
    for rps in sets:
        sps.short_term_ref_pic_sets.append(cheapest_set(sps, rps, len(sps.short_term_ref_pic_sets)))


def set_reference_picture_set(header, sps, rps):
    """(7.3.6.1) Fill the elements of a slice header that say the set: an index into the SPS, or the set itself."""
    for index, known in enumerate(sps.short_term_ref_pic_sets):
        if _pictures(known) == dict(rps):
            header.short_term_ref_pic_set_sps_flag = 1
            header.short_term_ref_pic_set_idx = index
            header.short_term_rps = known
            return
    header.short_term_ref_pic_set_sps_flag = 0
    header.short_term_rps = cheapest_set(sps, rps, sps.num_short_term_ref_pic_sets)


def cheapest_set(sps, rps, idx):
    """The ShortTermRps with the fewest bits for position `idx`: explicit, or predicted from an earlier set.

    Position num_short_term_ref_pic_sets is that of a slice header, which may be predicted from every set of the SPS.
    """
    unused = [delta for delta, used in rps if not used]
    candidates = [explicit_rps([delta for delta, _ in rps], unused)]
    in_slice = idx == sps.num_short_term_ref_pic_sets
    for distance in range(1, (idx if in_slice else min(idx, 1)) + 1):
        reference = sps.short_term_ref_pic_sets[idx - distance]
        candidates += _predictions(dict(rps), reference, distance)
    return min(candidates, key=lambda candidate: _bits(candidate, idx, sps))


def _pictures(rps):
    deltas = rps.delta_poc_s0 + rps.delta_poc_s1
    used = rps.used_by_curr_pic_s0 + rps.used_by_curr_pic_s1
    return {delta: bool(flag) for delta, flag in zip(deltas, used, strict=True)}


def _predictions(wanted, reference, distance):
    """(7-61), (7-62) All ways to predict the set `wanted`, {POC difference: used}, from a set."""
    deltas = [*reference.delta_poc_s0, *reference.delta_poc_s1, 0]
    for delta_rps in sorted({want - delta for want in wanted for delta in deltas}):
        shifted = [delta + delta_rps for delta in deltas]
        if delta_rps == 0 or not set(wanted) <= set(shifted):
            continue
        used = [int(wanted.get(delta, False)) for delta in shifted]
        yield ShortTermRps(
            inter_ref_pic_set_prediction_flag=1,
            delta_idx_minus1=distance - 1,
            delta_rps_sign=int(delta_rps < 0),
            abs_delta_rps_minus1=abs(delta_rps) - 1,
            used_by_curr_pic_flag=used,
            use_delta_flag=[int(delta in wanted) for delta in shifted],
        )


def _bits(rps, idx, sps):
    """Bits of the set at position `idx`; derives what it stands for, as writing does."""
    s = Writer()
    st_ref_pic_set(s, rps, idx, sps)
    return s.position
