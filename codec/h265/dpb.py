"""The decoded picture buffer: reference picture sets (8.3.2), reference lists (8.3.4), output order (C.5.2).

Pictures are any objects with the attributes `poc`, `is_reference` ("short", "long" or None), `needed_for_output` and
`pic_latency_count`. Sample data are no concern of this module.
"""

from dataclasses import dataclass, field

from codec.base.errors import CorruptStream

SHORT, LONG = "short", "long"


@dataclass
class RefPicSet:
    """(8.3.2) The five lists of a reference picture set: [poc, picture] pairs; picture is None where it is missing.

    The POC of a missing long-term picture may be its least significant bits only.
    """

    st_curr_before: list = field(default_factory=list)
    st_curr_after: list = field(default_factory=list)
    st_foll: list = field(default_factory=list)
    lt_curr: list = field(default_factory=list)
    lt_foll: list = field(default_factory=list)

    @property
    def short_term(self):
        """All short-term entries."""
        return self.st_curr_before + self.st_curr_after + self.st_foll

    @property
    def long_term(self):
        """All long-term entries."""
        return self.lt_curr + self.lt_foll

    def missing(self):
        """POCs of the pictures that the current one may refer to and that are not there."""
        current = self.st_curr_before + self.st_curr_after + self.lt_curr
        return [poc for poc, picture in current if picture is None]


def long_term_pocs(header, poc, log2_max_lsb):
    """(7-52), (8-5) (pocLt, has_msb, used) of the long-term entries of a slice header."""
    max_lsb = 1 << log2_max_lsb
    entries, cycle = [], 0
    for i, lsb in enumerate(header.poc_lsb_lt):
        if i in (0, header.num_long_term_sps):
            cycle = 0
        cycle += header.delta_poc_msb_cycle_lt[i]
        has_msb = header.delta_poc_msb_present_flag[i]
        poc_lt = lsb + poc - cycle * max_lsb - (poc & (max_lsb - 1)) if has_msb else lsb
        entries.append((poc_lt, has_msb, header.used_by_curr_pic_lt_flag[i]))
    return entries


class Dpb:
    """(C.5.2) The pictures that wait for reference or for output.

    `ordering` of the methods is the SPS's SubLayerOrdering of the highest sub-layer that is decoded.
    """

    def __init__(self):
        self.pictures = []

    # (8.3.2) reference picture sets

    def apply_rps(self, header, poc, log2_max_lsb, no_rasl_output_flag, is_idr):
        """(8.3.2) Derive the RefPicSet of the current picture, and mark the pictures of the buffer by it."""
        if no_rasl_output_flag:
            for picture in self.pictures:
                picture.is_reference = None
        result = RefPicSet()
        if is_idr:
            return result
        for poc_lt, has_msb, used in long_term_pocs(header, poc, log2_max_lsb):
            picture = self._find_long_term(poc_lt, has_msb, log2_max_lsb)
            (result.lt_curr if used else result.lt_foll).append([poc_lt, picture])
        taken = {id(picture) for _, picture in result.long_term}
        rps = header.short_term_rps
        for deltas, used_flags, current in (
            (rps.delta_poc_s0, rps.used_by_curr_pic_s0, result.st_curr_before),
            (rps.delta_poc_s1, rps.used_by_curr_pic_s1, result.st_curr_after),
        ):
            for delta, used in zip(deltas, used_flags, strict=True):
                picture = self._find_short_term(poc + delta, taken)
                (current if used else result.st_foll).append([poc + delta, picture])
        self._mark(result)
        return result

    def _find_long_term(self, poc_lt, has_msb, log2_max_lsb):
        mask = -1 if has_msb else (1 << log2_max_lsb) - 1
        candidates = (p for p in self.pictures if p.is_reference and p.poc & mask == poc_lt)
        return next(candidates, None)

    def _find_short_term(self, poc, taken):
        candidates = (p for p in self.pictures if p.is_reference == SHORT and p.poc == poc and id(p) not in taken)
        return next(candidates, None)

    def _mark(self, rps):
        long_term = {id(picture) for _, picture in rps.long_term}
        short_term = {id(picture) for _, picture in rps.short_term}
        for picture in self.pictures:
            picture.is_reference = LONG if id(picture) in long_term else SHORT if id(picture) in short_term else None

    # (C.5.2) output and removal

    def prepare(self, start, ordering):
        """(C.5.2.2) Make room for the current picture; returns the pictures that are output now, in output order.

        `start` has no_rasl_output_flag and no_output_of_prior_pics_flag. Call it after `apply_rps`.
        """
        output = []
        if start.no_rasl_output_flag:
            if not start.no_output_of_prior_pics_flag:
                output = self.flush()
            self.pictures = []
            return output
        self._remove_unused()
        while self._must_bump(ordering) or len(self.pictures) > ordering.max_dec_pic_buffering_minus1:
            if not any(picture.needed_for_output for picture in self.pictures):
                break
            output.append(self._bump())
        return output

    def insert(self, picture, pic_output_flag, ordering):
        """(C.5.2.3) Store the current picture, decoded; returns the pictures that are output now, in output order."""
        picture.needed_for_output = bool(pic_output_flag)
        picture.pic_latency_count = 0
        picture.is_reference = SHORT
        if pic_output_flag:
            for other in self.pictures:
                if other.needed_for_output and other.poc > picture.poc:
                    other.pic_latency_count += 1
        self.pictures.append(picture)
        output = []
        while self._must_bump(ordering):
            output.append(self._bump())
        return output

    def flush(self):
        """(C.5.2.2) All pictures that still wait for output, in output order; the buffer is empty afterwards."""
        output = sorted((p for p in self.pictures if p.needed_for_output), key=lambda p: p.poc)
        for picture in output:
            picture.needed_for_output = False
        self.pictures = []
        return output

    def _must_bump(self, ordering):
        waiting = [picture for picture in self.pictures if picture.needed_for_output]
        if len(waiting) > ordering.max_num_reorder_pics:
            return True
        if not ordering.max_latency_increase_plus1:
            return False
        longest = ordering.max_num_reorder_pics + ordering.max_latency_increase_plus1 - 1
        return any(picture.pic_latency_count >= longest for picture in waiting)

    def _bump(self):
        """(C.5.2.4) Output the waiting picture with the smallest POC, and drop it if nobody refers to it."""
        picture = min((p for p in self.pictures if p.needed_for_output), key=lambda p: p.poc)
        picture.needed_for_output = False
        self._remove_unused()
        return picture

    def _remove_unused(self):
        self.pictures = [p for p in self.pictures if p.needed_for_output or p.is_reference]


def reference_lists(rps, header):
    """(8.3.4) RefPicList0 and RefPicList1: two lists of (poc, picture, is_long_term); picture None where missing.

    `header` gives list lengths and modifications. Raises CorruptStream when there is nothing to refer to.
    """
    before = [(poc, picture, False) for poc, picture in rps.st_curr_before]
    after = [(poc, picture, False) for poc, picture in rps.st_curr_after]
    long_term = [(poc, picture, True) for poc, picture in rps.lt_curr]
    lists = []
    for x, candidates in enumerate((before + after + long_term, after + before + long_term)):
        length = header.num_ref_idx_active(x)
        if length and not candidates:
            raise CorruptStream("(8.3.4) a P or B slice has no picture to refer to")
        entries = header.list_entry_l1 if x else header.list_entry_l0
        modified = header.ref_pic_list_modification_flag_l1 if x else header.ref_pic_list_modification_flag_l0
        order = entries if modified else range(length)
        lists.append([candidates[i % len(candidates)] for i in order][:length])
    return lists
