"""Short-term reference picture sets (7.3.7)."""

from dataclasses import dataclass, field

from codec.base.serdes import structure

_MAX_DELTA_MINUS1 = (1 << 15) - 1
# The rule is sps_max_dec_pic_buffering_minus1, which some encoders understate (Kvazaar sends 0 with one reference
# picture). What A.4.2 grants at most serves to bound loops and memory as well: MaxDpbSize - 1.
MAX_REFERENCE_PICTURES = 15


@dataclass
class ShortTermRps:
    """st_ref_pic_set(): the elements as coded, and the set they stand for.

    delta_poc_s0, used_by_curr_pic_s0   pictures before the current one, closest first: DeltaPocS0, UsedByCurrPicS0
    delta_poc_s1, used_by_curr_pic_s1   pictures after it
    """

    inter_ref_pic_set_prediction_flag: int = 0
    delta_idx_minus1: int = 0
    delta_rps_sign: int = 0
    abs_delta_rps_minus1: int = 0
    used_by_curr_pic_flag: list = field(default_factory=list)
    use_delta_flag: list = field(default_factory=list)
    num_negative_pics: int = 0
    num_positive_pics: int = 0
    delta_poc_s0_minus1: list = field(default_factory=list)
    used_by_curr_pic_s0_flag: list = field(default_factory=list)
    delta_poc_s1_minus1: list = field(default_factory=list)
    used_by_curr_pic_s1_flag: list = field(default_factory=list)
    delta_poc_s0: list = field(default_factory=list)
    used_by_curr_pic_s0: list = field(default_factory=list)
    delta_poc_s1: list = field(default_factory=list)
    used_by_curr_pic_s1: list = field(default_factory=list)

    @property
    def num_delta_pocs(self):
        """NumDeltaPocs (7-69)"""
        return len(self.delta_poc_s0) + len(self.delta_poc_s1)

    @property
    def num_used_by_curr(self):
        """How many pictures the current one may refer to."""
        return sum(self.used_by_curr_pic_s0) + sum(self.used_by_curr_pic_s1)


def explicit_rps(deltas, unused=()):
    """A ShortTermRps without inter prediction from POC differences; those in `unused` are kept but not referred to."""
    deltas = set(deltas) | set(unused)
    before = sorted((d for d in deltas if d < 0), reverse=True)
    after = sorted(d for d in deltas if d > 0)
    rps = ShortTermRps(num_negative_pics=len(before), num_positive_pics=len(after))
    rps.delta_poc_s0_minus1 = [a - b - 1 for a, b in zip([0] + before, before, strict=False)]
    rps.delta_poc_s1_minus1 = [b - a - 1 for a, b in zip([0] + after, after, strict=False)]
    rps.used_by_curr_pic_s0_flag = [int(d not in unused) for d in before]
    rps.used_by_curr_pic_s1_flag = [int(d not in unused) for d in after]
    _derive_explicit(rps)
    return rps


@structure("7.4.8")
def st_ref_pic_set(s, rps, idx, sps):
    """(7.3.7) st_ref_pic_set(stRpsIdx). `sps` gives the earlier sets."""
    if idx:
        s.flag(rps, "inter_ref_pic_set_prediction_flag")
    else:
        s.infer(rps, "inter_ref_pic_set_prediction_flag", 0)
    if rps.inter_ref_pic_set_prediction_flag:
        reference = _inter_elements(s, rps, idx, sps)
        _derive_predicted(rps, reference)
    else:
        _explicit_elements(s, rps)
        _derive_explicit(rps)
    s.check(rps.num_delta_pocs <= MAX_REFERENCE_PICTURES, f"NumDeltaPocs[{idx}] = {rps.num_delta_pocs} is above 15")


def _inter_elements(s, rps, idx, sps):
    """The elements of a predicted set; returns the set that it is predicted from."""
    if idx == sps.num_short_term_ref_pic_sets:
        s.ue(rps, "delta_idx_minus1", hi=idx - 1)
    else:
        s.infer(rps, "delta_idx_minus1", 0)
    reference = sps.short_term_ref_pic_sets[idx - (rps.delta_idx_minus1 + 1)]
    s.flag(rps, "delta_rps_sign")
    s.ue(rps, "abs_delta_rps_minus1", hi=_MAX_DELTA_MINUS1)
    for j in range(reference.num_delta_pocs + 1):
        if s.flag(rps, "used_by_curr_pic_flag", j):
            if s.reading:
                rps.use_delta_flag.append(1)
        else:
            s.flag(rps, "use_delta_flag", j)
    return reference


def _explicit_elements(s, rps):
    most = MAX_REFERENCE_PICTURES
    s.ue(rps, "num_negative_pics", hi=most)
    s.ue(rps, "num_positive_pics", hi=most - rps.num_negative_pics)
    for name, count in (("s0", rps.num_negative_pics), ("s1", rps.num_positive_pics)):
        for i in range(count):
            s.ue(rps, f"delta_poc_{name}_minus1", i, hi=_MAX_DELTA_MINUS1)
            s.flag(rps, f"used_by_curr_pic_{name}_flag", i)


def _derive_explicit(rps):
    """(7-65) to (7-68)"""
    rps.delta_poc_s0, rps.delta_poc_s1 = [], []
    poc = 0
    for minus1 in rps.delta_poc_s0_minus1:
        poc -= minus1 + 1
        rps.delta_poc_s0.append(poc)
    poc = 0
    for minus1 in rps.delta_poc_s1_minus1:
        poc += minus1 + 1
        rps.delta_poc_s1.append(poc)
    rps.used_by_curr_pic_s0 = list(rps.used_by_curr_pic_s0_flag)
    rps.used_by_curr_pic_s1 = list(rps.used_by_curr_pic_s1_flag)


def _derive_predicted(rps, reference):
    """(7-61), (7-62) Shift the reference set by deltaRps, with the reference picture itself as one more candidate.

    Flag j belongs to the j-th picture of the reference set, S0 then S1, and the last flag to deltaRps.
    """
    delta_rps = (1 - 2 * rps.delta_rps_sign) * (rps.abs_delta_rps_minus1 + 1)
    negative = len(reference.delta_poc_s0)
    s0 = [(j, poc + delta_rps) for j, poc in enumerate(reference.delta_poc_s0)]
    s1 = [(negative + j, poc + delta_rps) for j, poc in enumerate(reference.delta_poc_s1)]
    itself = [(reference.num_delta_pocs, delta_rps)]
    before = [(j, poc) for j, poc in s1[::-1] + itself + s0 if poc < 0 and rps.use_delta_flag[j]]
    after = [(j, poc) for j, poc in s0[::-1] + itself + s1 if poc > 0 and rps.use_delta_flag[j]]
    rps.delta_poc_s0 = [poc for _, poc in before]
    rps.delta_poc_s1 = [poc for _, poc in after]
    rps.used_by_curr_pic_s0 = [rps.used_by_curr_pic_flag[j] for j, _ in before]
    rps.used_by_curr_pic_s1 = [rps.used_by_curr_pic_flag[j] for j, _ in after]
