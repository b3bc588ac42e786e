"""The coding structure: which picture is coded when, how it is typed, quantised and predicted (reference: HM's cfgs).

Pictures come from an iterator whose end need not be known; no more than one GOP of them is held. A GOP's rows that lie
beyond the end are left out, and references that do not exist are replaced by the nearest ones that do. What a row
names of a higher temporal layer than its own stays in the buffer for later pictures, but is not referred to.
"""

import itertools
from dataclasses import dataclass

from codec.h265.nal import CRA_NUT, IDR_W_RADL, RADL_N, RADL_R, RASL_N, RASL_R, TRAIL_N, TRAIL_R, TSA_N, TSA_R

REFRESH_NONE, REFRESH_CRA, REFRESH_IDR, REFRESH_RECOVERY_POINT = range(4)

_INTRA_TYPES = {
    REFRESH_NONE: TRAIL_R,
    REFRESH_CRA: CRA_NUT,
    REFRESH_IDR: IDR_W_RADL,
    REFRESH_RECOVERY_POINT: TRAIL_R,
}
# nal_unit_type of a picture without and with later pictures that refer to it
_LEADING_TYPES = {CRA_NUT: (RASL_N, RASL_R), IDR_W_RADL: (RADL_N, RADL_R)}
_TRAILING_TYPES, _NESTED_TYPES = (TRAIL_N, TRAIL_R), (TSA_N, TSA_R)


@dataclass(frozen=True)
class PlannedPicture:
    """How one picture is coded.

    index        its number in display order; poc: PicOrderCntVal, which begins again at each IDR picture
    slice_type   "I", "P" or "B"
    qp, lam      SliceQpY; the worth of a bit in squared error of 8-bit samples
    rps          its reference picture set: (POC difference, used by this picture) of each picture, ascending
    num_active   how many entries each of its lists may have
    is_reference whether another picture may refer to it
    recovery     whether a decoder may begin here, by a recovery point SEI message
    The offsets are those of its GOP row, on top of the config's.
    """

    index: int
    poc: int
    slice_type: str
    nal_unit_type: int
    temporal_id: int
    qp: int
    lam: float
    rps: tuple[tuple[int, bool], ...] = ()
    num_active: int = 0
    is_reference: bool = True
    recovery: bool = False
    cb_qp_offset: int = 0
    cr_qp_offset: int = 0
    beta_offset_div2: int = 0
    tc_offset_div2: int = 0

    @property
    def reference_pocs(self):
        """POCs of the pictures that this one may refer to."""
        return [self.poc + delta for delta, used in self.rps if used]


def coding_order(config, sources, nested=True):
    """Pair every picture of the iterable `sources` with its PlannedPicture, in coding order.

    config  validated EncoderConfig; nested: see Planner
    """
    planner, sources, begin = Planner(config, nested), iter(sources), 0
    while group := list(itertools.islice(sources, planner.group_size(begin))):
        for picture in planner.group(begin, len(group)):
            yield picture, group[picture.index - begin]
        begin += len(group)


class Planner:
    """Plans one group of pictures after another; keeps which pictures the buffer holds for reference."""

    def __init__(self, config, nested=True):
        """`nested`: every picture above temporal layer 0 allows switching up to its layer (structure.py finds out)."""
        self._c = config
        self._nested = nested
        self._kept = {}  # PlannedPicture by POC
        self._random_access = None  # the last PlannedPicture where decoding may begin
        self._origin = 0  # index of the picture with POC 0
        self._referenced = [_is_referenced(entry, config) for entry in config.GOP]
        self._referred = {entry.poc: _count_referred(entry, config) for entry in config.GOP}

    def group_size(self, begin):
        """How many pictures the group that begins with picture `begin` has: the first one stands alone."""
        return 1 if begin == 0 or self._c.IntraPeriod == 1 else self._c.GOPSize

    def group(self, begin, count):
        """The PlannedPictures of pictures begin .. begin + count - 1 in coding order."""
        if self.group_size(begin) == 1 and self._is_intra(begin):
            yield self._intra(begin, None, leading=False)
            return
        last_row = len(self._c.GOP) - 1
        for number, entry in enumerate(self._c.GOP):
            index = begin - 1 + entry.poc
            if entry.poc > count:
                continue
            if self._is_intra(index):
                yield self._intra(index, entry, leading=number < last_row)
            else:
                yield self._inter(index, entry, self._referenced[number])

    def _is_intra(self, index):
        period = self._c.IntraPeriod
        return index == 0 or (period > 0 and index % period == 0)

    def _intra(self, index, entry, leading):
        """The first picture, or one of the intra period; `leading`: pictures that come earlier in output may follow."""
        refresh = self._c.DecodingRefreshType
        nal_unit_type = IDR_W_RADL if index == 0 else _INTRA_TYPES[refresh]
        if nal_unit_type == IDR_W_RADL:
            self._kept, self._origin = {}, index
        poc = index - self._origin
        keeps = entry is not None and nal_unit_type != IDR_W_RADL and (leading or nal_unit_type != CRA_NUT)
        # (8.3.2) an IRAP picture refers to nothing; what it keeps is for its leading pictures
        rps = self._reference_picture_set(entry, poc, nal_unit_type == TRAIL_R) if keeps else ()
        qp = self._c.picture_qp(index)
        picture = PlannedPicture(
            index,
            poc,
            "I",
            nal_unit_type,
            temporal_id=0,
            qp=qp,
            lam=picture_lambda(self._c, qp),
            rps=rps,
            recovery=index > 0 and refresh == REFRESH_RECOVERY_POINT,
        )
        if nal_unit_type != TRAIL_R or picture.recovery:
            self._random_access = picture
        return self._keep(picture)

    def _inter(self, index, entry, is_reference):
        poc = index - self._origin
        rps = self._reference_picture_set(entry, poc)
        used = sum(used for _, used in rps)
        slice_type = entry.slice_type if used else "I"
        is_intra = slice_type == "I"
        qp = self._c.picture_qp(index, None if is_intra else entry)
        picture = PlannedPicture(
            index,
            poc,
            slice_type,
            self._nal_unit_type(poc, entry.temporal_id, is_reference),
            entry.temporal_id,
            qp,
            picture_lambda(self._c, qp, None if is_intra else entry),
            rps,
            min(entry.num_ref_pics_active, used),
            is_reference,
            cb_qp_offset=0 if is_intra else entry.cb_qp_offset,
            cr_qp_offset=0 if is_intra else entry.cr_qp_offset,
            beta_offset_div2=0 if is_intra else entry.beta_offset_div2,
            tc_offset_div2=0 if is_intra else entry.tc_offset_div2,
        )
        return self._keep(picture)

    def _nal_unit_type(self, poc, temporal_id, is_reference):
        """(7.4.2.2) Of a picture that is not of the intra period."""
        start = self._random_access
        if poc < start.poc and start.nal_unit_type in _LEADING_TYPES:
            return _LEADING_TYPES[start.nal_unit_type][is_reference]
        return (_NESTED_TYPES if temporal_id and self._nested else _TRAILING_TYPES)[is_reference]

    def _keep(self, picture):
        """(8.3.2) The buffer after the picture: its reference picture set and itself."""
        self._kept = {picture.poc + delta: self._kept[picture.poc + delta] for delta, _ in picture.rps}
        self._kept[picture.poc] = picture
        return picture

    def _reference_picture_set(self, entry, poc, may_refer=True):
        """(8.3.2) The row's pictures that exist, as PlannedPicture.rps; the nearest of layer 0 stand in for others.

        may_refer  false: all are kept for later pictures only, as those of higher layers are (7.4.2.2)
        """
        start = self._random_access.poc
        # (8.3.2) a picture behind a random access point in output order refers to nothing before it
        usable = [p for p in self._kept if p >= start or poc < start]
        pocs = [p for p in usable if p - poc in entry.reference_pictures]
        above = {p for p in pocs if self._kept[p].temporal_id > entry.temporal_id}
        others = (p for p in usable if p not in pocs and self._kept[p].is_reference and not self._kept[p].temporal_id)
        wanted = min(entry.num_ref_pics_active, self._referred[entry.poc])
        nearest = sorted(others, key=lambda p: (abs(p - poc), p > poc))
        stand_ins = nearest[: max(0, wanted - len(pocs) + len(above))]
        return tuple((p - poc, may_refer and p not in above) for p in sorted(pocs + stand_ins))


def higher_layer_references(config, entry):
    """References of a GOP row whose pictures are of a higher temporal layer than its own: it cannot refer to them."""
    layers = {row.poc % config.GOPSize: row.temporal_id for row in config.GOP}
    return [
        delta for delta in entry.reference_pictures if layers[(entry.poc + delta) % config.GOPSize] > entry.temporal_id
    ]


def _count_referred(entry, config):
    """How many of its pictures a row may refer to; one stands in where all are of higher layers."""
    named = len(entry.reference_pictures)
    return min(named, max(1, named - len(higher_layer_references(config, entry))))


def _is_referenced(entry, config):
    """Whether any row of the GOP refers to the picture of this one, or (8.3.1) POCs are counted from it."""
    rows = (other for other in config.GOP if other.temporal_id >= entry.temporal_id)
    referenced = ((other.poc + delta) for other in rows for delta in other.reference_pictures)
    return entry.poc == config.GOPSize or any((poc - entry.poc) % config.GOPSize == 0 for poc in referenced)


_QP_FACTOR = 0.57


def picture_lambda(config, qp, entry=None):
    """The Lagrangian multiplier of a picture (reference: HM): factor * 2^((QP - 12) / 3), modified by temporal layer.

    entry  the GOP row of a P or B picture, None for an I picture
    """
    factor = _QP_FACTOR
    if entry is not None:
        if not config.LambdaFromQpEnable:
            factor = entry.qp_factor
            if entry.poc < config.GOPSize:
                factor *= min(4.0, max(2.0, (qp - 12) / 6))
        if not config.HadamardME:
            factor *= 0.95
    elif config.IQPFactor >= 0:
        factor = config.IQPFactor
    elif not config.LambdaFromQpEnable:
        factor *= 1 - min(0.5, 0.05 * (config.GOPSize - 1))
    temporal_id = entry.temporal_id if entry else 0
    if entry is None and config.LambdaModifierI:
        factor *= config.LambdaModifierI[0]
    else:
        factor *= getattr(config, f"LambdaModifier{temporal_id}")
    return factor * 2.0 ** ((qp - 12) / 3)
