"""(JVET-O0549) The temporal filter: before they are coded, pictures that many others depend on lose their noise.

A picture is averaged with those before and after it in the source, each moved block by block to where it fits
(source_motion.py). The weight of a sample falls with its difference, the wider the coarser the quantiser is.
"""

import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from codec.base.picture import FilteredPicture
from codec.common.source.source_filter import TRUST_ONE, WEIGHT_ONE, add_moved
from codec.common.source.source_motion import find_motion
from codec.common.source.source_samples import BLOCK, BORDER, MULTIPLE, luma_levels, new_block_memory, with_border

RANGE = 4
"""How many pictures before a picture, and after it, take part."""

# the part of another picture by its distance, beginning with 1: where there are pictures on both sides, and on one
_BOTH_SIDES, _ONE_SIDE = (0.85, 0.6, 0.4, 0.3), (1.2, 1.0, 0.7, 0.5)
# of all samples; half the width of the bell of weights over differences of 10-bit samples
_LUMA_PART, _CHROMA_PART = 0.4, 0.55
_CHROMA_WIDTH = 30.0
# mean squared errors of 8-bit samples: where trust begins to fall; what does not tell one picture from another
_POOR_FIT, _ALIKE = 50.0, 10.0


def filter_strength(config, index):
    """How strongly picture number `index` (display order) is filtered: the strength of the largest N it is of."""
    fitting = [strength for n, strength in config.temporal_filter_strengths if index % n == 0]
    return fitting[-1] if config.TemporalFilter and fitting else 0.0


def source_span(config, begin, count):
    """(begin, count) of the pictures that are read for `count` of a clip of known length: the filter's as well."""
    if not config.TemporalFilter:
        return begin, count
    end = begin + count + (RANGE if config.TemporalFilterFutureReference else 0)
    first = max(0, begin - RANGE)
    return first, min(end, config.FramesToBeEncoded) - first


def filtered_pictures(config, pictures, begin=0, first=0):
    """The pictures from number `first` on, in display order, those to be filtered as FilteredPictures.

    config    validated EncoderConfig
    pictures  iterable of [Y, Cb, Cr] or [Y], int16 planes, in display order from number `begin` on: with source_span's
    No more than 2 * RANGE + 1 pictures are held.
    """
    after = RANGE if config.TemporalFilterFutureReference else 0
    window, waiting = deque(), deque()
    with ThreadPoolExecutor(config.Threads or os.cpu_count() or 1) as pool:
        for index, planes in enumerate(pictures, begin):
            window.append(_Source(index, planes))
            waiting.append(window[-1])
            if len(waiting) > after:
                source = waiting.popleft()
                if source.index >= first:
                    yield _made(config, source, window, pool)
                while window[0].index <= source.index - RANGE:
                    window.popleft()
        for source in waiting:
            if source.index >= first:
                yield _made(config, source, window, pool)


def _made(config, source, window, pool):
    """The planes of a _Source, filtered where it is their turn."""
    strength = filter_strength(config, source.index)
    others = [other for other in window if 0 < abs(other.index - source.index) <= RANGE]
    if not strength or not others:
        return source.planes
    return FilteredPicture(_filtered(config, source, others, strength, pool), source.planes)


class _Source:
    """A source picture in the window, and what the filter makes of it when it is needed."""

    def __init__(self, index, planes):
        self.index, self.planes = index, planes
        self._levels = self._chroma = None

    @property
    def levels(self):
        """luma_levels of the picture."""
        if self._levels is None:
            self._levels = luma_levels(self.planes[0])
        return self._levels

    @property
    def chroma(self):
        """The chroma planes with borders that suit vectors of luma."""
        if self._chroma is None:
            self._chroma = [with_border(plane, BORDER // 2, MULTIPLE // 2) for plane in self.planes[1:]]
        return self._chroma


def _filtered(config, source, others, strength, pool):
    """The planes of a _Source, filtered with the help of others; the motion of each is found by a thread of `pool`."""
    depth = config.InternalBitDepth
    rows, columns = (-(-size // BLOCK) for size in source.planes[0].shape)
    top = (1 << depth) - 1
    levels = source.levels
    jobs = [pool.submit(find_motion, levels, other.levels, rows, columns, top) for other in others]
    motion = [job.result() for job in jobs]
    trusts = _trusts([errors for _, errors in motion], depth)
    parts = _BOTH_SIDES if others[0].index < source.index < others[-1].index else _ONE_SIDE
    changes = [np.zeros(plane.shape, np.int32) for plane in source.planes]
    sums = [np.zeros(plane.shape, np.int32) for plane in source.planes]
    qp = config.PictureQP[source.index] if source.index < len(config.PictureQP) else config.QP
    memory = new_block_memory()
    for other, (vectors, _), trust in zip(others, motion, trusts, strict=True):
        part = strength * parts[abs(other.index - source.index) - 1]
        luma = _weights(part * _LUMA_PART, 3.0 * (qp - 10), depth)
        chroma = _weights(part * _CHROMA_PART, _CHROMA_WIDTH, depth)
        for c_idx, plane in enumerate(source.planes):
            reference = other.chroma[c_idx - 1] if c_idx else other.levels[0]
            border, size, weights = (BORDER // 2, BLOCK // 2, chroma) if c_idx else (BORDER, BLOCK, luma)
            add_moved(plane, reference, border, size, vectors, trust, weights, top, changes[c_idx], sums[c_idx], memory)
    return [_rounded(*each) for each in zip(source.planes, changes, sums, strict=True)]


def _weights(part, width, depth):
    """(1 << depth,) int32 of WEIGHT_ONE: part * exp(-difference^2 / 2 width^2), differences as of 10-bit samples."""
    differences = np.arange(1 << depth) * (1 << (10 - depth))
    return np.rint(WEIGHT_ONE * part * np.exp(-0.5 * (differences / max(width, 1.0)) ** 2)).astype(np.int32)


def _trusts(errors, depth):
    """How much each of the others is trusted in each block, int32 of TRUST_ONE, by squared errors of all of them.

    Less the larger its error is: what is left of a motion that does not fit, and what others fit better.
    """
    means = np.array(errors) / (BLOCK * BLOCK << 2 * (depth - 8))
    fits = np.minimum(1.0, 2 * _POOR_FIT / (_POOR_FIT + means))
    better = (means.min(axis=0) + _ALIKE) / (means + _ALIKE)
    return np.rint(TRUST_ONE * fits * better).astype(np.int32)


def _rounded(plane, changes, sums):
    """plane + changes / (1 + sums), rounded."""
    ones = sums.astype(np.int64) + WEIGHT_ONE
    return (plane + (2 * changes + ones) // (2 * ones)).astype(np.int16)
