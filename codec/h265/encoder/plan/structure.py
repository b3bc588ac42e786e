"""What a coding structure asks of the parameter sets: some of its pictures are planned, and the buffer is watched."""

from bisect import bisect
from collections import Counter
from copy import copy
from dataclasses import dataclass, replace

from codec.base.errors import UsageError
from codec.h265.encoder.plan.gop import Planner
from codec.h265.levels import by_name, faults
from codec.h265.nal import IDR_W_RADL
from codec.h265.syntax.short_term_rps import MAX_REFERENCE_PICTURES

# what a reference picture set costs in a slice header that codes it itself, roughly
_EXPLICIT_RPS_BITS = 16


@dataclass(frozen=True)
class Structure:
    """Properties of all pictures that a config makes.

    ordering        per temporal layer, from 0: (pictures in the buffer, the current one included; reordered pictures)
    nested          (7.4.3.1) sps_temporal_id_nesting_flag: layers can be switched up at every picture
    farthest        largest POC distance that a decoder has to tell apart
    rps             the reference picture sets worth a place in the SPS, as PlannedPicture.rps
    num_active      usual lengths of lists 0 and 1
    init_qp         the QP against which slice QPs take the fewest bits
    """

    ordering: tuple[tuple[int, int], ...]
    nested: bool
    farthest: int
    rps: tuple
    num_active: tuple[int, int]
    init_qp: int

    @property
    def dpb_pictures(self):
        """(A.4.2) How many pictures the decoded picture buffer must hold."""
        return self.ordering[-1][0]


def analyse(config):
    """The Structure of a validated EncoderConfig; UsageError when its GOP cannot be coded."""
    if config.IntraPeriod == 1:
        return Structure(((1, 0),), True, 1, ((),), (1, 1), config.QP)
    _check_references(config)
    farthest = max(config.GOPSize, _reach(config))
    settled = (_reach(config) // config.GOPSize + 3) * config.GOPSize
    # what an intra picture unsettles is settled again after `settled` pictures: a longer period shows nothing new
    period = min(config.IntraPeriod, settled) if config.IntraPeriod > 0 else -1
    shorter, count = replace(config, IntraPeriod=period), 2 * settled + config.GOPSize
    pictures = _plan(shorter, count)
    layers = range(max(picture.temporal_id for picture in pictures) + 1)
    reordered = [_reordered([p for p in pictures if p.temporal_id <= layer]) for layer in layers]
    ordering = tuple(zip(_buffer_sizes(shorter, count, reordered), reordered, strict=True))
    cycle = pictures[-(period if period > 0 else config.GOPSize) :]
    structure = Structure(
        ordering,
        _is_nested(pictures),
        farthest,
        _frequent_sets(cycle, period > 0 and config.ReWriteParamSetsFlag),
        _usual_lengths(cycle),
        _cheapest_init_qp(cycle),
    )
    _check_buffer(config, structure)
    return structure


def _plan(config, count):
    planner, pictures = Planner(config), []
    while len(pictures) < count:
        begin = len(pictures)
        pictures += planner.group(begin, planner.group_size(begin))
    return pictures


def _reach(config):
    """The largest POC distance between a picture and one of its references."""
    return max((abs(delta) for entry in config.GOP for delta in entry.reference_pictures), default=0)


def _check_references(config):
    """Every reference of a row must be in the buffer once the sequence has run for a while."""
    size = config.GOPSize
    pictures = _plan(replace(config, IntraPeriod=-1), (2 * _reach(config) // size + 4) * size + 1)
    for number, (entry, picture) in enumerate(zip(config.GOP, pictures[-size:], strict=True), 1):
        found = {delta for delta, _ in picture.rps}
        for delta in entry.reference_pictures:
            if delta not in found:
                where = f"Frame{number}: reference {delta} (POC {entry.poc + delta} of the GOP)"
                raise UsageError(f"{where} is not in the buffer when the picture is coded")


def _check_buffer(config, structure):
    """(A.4.2) The buffer against the standard's limit, and against a level that was asked for."""
    most = MAX_REFERENCE_PICTURES + 1
    pictures = structure.dpb_pictures
    if pictures > most:
        raise UsageError(f"the GOP needs a buffer of {pictures} pictures, above {most}: name fewer reference pictures")
    if config.Level in ("auto", "8.5"):
        return
    tiles = (config.NumTileColumnsMinus1 + 1, config.NumTileRowsMinus1 + 1)
    found = faults(by_name(config.Level), *config.coded_size, config.FrameRate, *tiles, config.Tier == "high", pictures)
    if found:
        raise UsageError(f"level {config.Level}: {'; '.join(found)}")


def _reordered(pictures):
    """(7.4.3.1) How many pictures come before one in coding order and behind it in output order, at most."""
    most, seen = 0, []  # display indices, ascending
    for picture in pictures:
        at = bisect(seen, picture.index)
        most = max(most, len(seen) - at)
        seen.insert(at, picture.index)
    return most


class _Buffer:
    """(C.5.2) The pictures of the lower layers that a decoder holds, by display index."""

    def __init__(self, reordered, held=frozenset(), waiting=frozenset()):
        self._reordered = reordered
        self._held, self._waiting = held, waiting
        self.most = 0

    def copy(self):
        """A buffer in the same state."""
        return _Buffer(self._reordered, self._held, self._waiting)

    def take(self, picture):
        """Decode a picture; `most` is how many were in the buffer with it."""
        kept = {picture.index + delta for delta, _ in picture.rps}
        self._held = self._held & kept
        self.most = max(self.most, len(self._held | self._waiting) + 1)
        self._held |= {picture.index}
        self._waiting |= {picture.index}
        if len(self._waiting) > self._reordered:
            self._waiting -= {min(self._waiting)}


def _buffer_sizes(config, count, reordered):
    """Per layer the pictures in the buffer, at most, of sequences that end anywhere before picture `count`."""
    planner, buffers, begin = Planner(config), [_Buffer(number) for number in reordered], 0
    sizes = [1] * len(reordered)
    while begin < count:
        size = planner.group_size(begin)
        for length in range(1, size + 1):
            # the last length is that of the whole group, from which the next one goes on
            ahead, tail = copy(planner), [buffer.copy() for buffer in buffers]
            for picture in ahead.group(begin, length):
                for buffer in tail[picture.temporal_id :]:
                    buffer.take(picture)
            sizes = [max(size, buffer.most) for size, buffer in zip(sizes, tail, strict=True)]
        planner, buffers, begin = ahead, tail, begin + size
    return sizes


def _is_nested(pictures):
    """(7.4.2.2, 7.4.3.1) Whether all pictures above layer 0 can be TSA pictures, and layers are nested.

    No picture may refer to one of a layer above 0, or keep it, across or from a picture of the same or a lower layer.
    """
    position = {picture.index: at for at, picture in enumerate(pictures)}
    for at, picture in enumerate(pictures):
        for delta, _ in picture.rps:
            reference = position.get(picture.index + delta, 0)
            layer = pictures[reference].temporal_id
            if layer and any(between.temporal_id <= layer for between in pictures[reference + 1 : at + 1]):
                return False
    return True


def _frequent_sets(pictures, repeated):
    """The reference picture sets of a cycle whose index saves bits against coding them in every slice header.

    repeated  every cycle has an SPS of its own
    """
    # IDR pictures code none
    counts = Counter(picture.rps for picture in pictures if picture.nal_unit_type != IDR_W_RADL).most_common()

    def cost(size):
        index_bits = (size - 1).bit_length()
        bits = sum(count * (index_bits if i < size else _EXPLICIT_RPS_BITS) for i, (_, count) in enumerate(counts))
        return bits + (size * _EXPLICIT_RPS_BITS if repeated else 0)

    size = min(range(1, min(len(counts), 64) + 1), key=cost)
    return tuple(rps for rps, _ in counts[:size])


def _usual_lengths(pictures):
    """The most frequent number of active references, of P and B pictures and of B pictures alone."""
    lengths = []
    for types in ("PB", "B"):
        counts = Counter(picture.num_active for picture in pictures if picture.slice_type in types)
        lengths.append(counts.most_common(1)[0][0] if counts else 1)
    return tuple(lengths)


def _cheapest_init_qp(pictures):
    qps = Counter(picture.qp for picture in pictures)

    def cost(init_qp):
        return sum(count * _se_bits(qp - init_qp) for qp, count in qps.items())

    return min(sorted(qps), key=cost)


def _se_bits(value):
    """(9.2.2) Length of se(v)."""
    return 2 * (2 * abs(value)).bit_length() - 1 if value else 1
