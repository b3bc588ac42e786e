"""(docs/BITSTREAM.md) The tool CnnMpm: an integer net ranks the 35 luma modes of a prediction block.

The stream tells a mode by its rank; here the rank becomes a mode. Inputs are in recon/mode_inputs.py. The net has one
hidden layer. Most of its inputs are 0, as are many of the hidden values, so weights stand by input, and those of a 0
are passed over. |sums| stay below 2^24, which nets/graph.py proves of every net that is loaded.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.base.records import record
from codec.h265.intra_modes import MODES
from codec.h265.recon.mode_inputs import INPUTS, MODE_INPUT_SCRATCH, gather_inputs
from codec.h265.recon.mpm import chroma_mode
from codec.h265.structs import PART_NxN

HIDDEN = 64
# of the second layer, so that its loops have a length that suits vectors
_PADDED = 40

_I32, _I64, _U64 = np.int32, np.int64, np.uint64

MODE_RANKING = record(
    [
        # the net, written once (tools/modes/apply.py): weights by input, then output; of sums: bias, shift, range
        ("first", np.int16, (INPUTS * HIDDEN,)),
        ("first_bias", np.int32, (HIDDEN,)),
        ("first_shift", np.int32, (HIDDEN,)),
        ("second", np.int16, (HIDDEN * _PADDED,)),
        ("second_bias", np.int32, (_PADDED,)),
        ("second_shift", np.int32, (_PADDED,)),
        ("highest", np.int32),  # of the hidden layer; its least is 0
        ("lowest_score", np.int32),
        ("highest_score", np.int32),
        ("pad", np.int32),
        # scratch
        ("inputs", MODE_INPUT_SCRATCH),
        ("sums", np.int32, (HIDDEN,)),
        ("scores", np.int32, (_PADDED,)),
        # the modes by rank, and the rank of each mode, of the block that was ranked last
        ("modes", np.int64, (MODES,)),
        ("ranks", np.int64, (MODES,)),
    ]
)


@kernel(inline=True)
def _shifted(total, shift):
    """total / 2^shift, rounded to the nearest integer, ties to the even one."""
    if shift == 0:
        return total
    half = _I32((_I32(1) << _I32(shift - 1)) - 1)
    return _I32(_I32(total + half + _I32(_I32(total >> shift) & _I32(1))) >> shift)


@kernel
def _score(count, r):
    """r.scores of the modes from the inputs gathered, `count` of them active."""
    sums, scores = r.sums, r.scores
    for j in range(_U64(HIDDEN)):
        sums[j] = r.first_bias[j]
    for k in range(count):
        i = r.inputs.active[k]
        value, at = _I32(r.inputs.values[i]), _U64(_I64(i) * HIDDEN)
        for j in range(_U64(HIDDEN)):
            sums[j] = _I32(sums[j] + _I32(value * _I32(r.first[at + j])))
    for j in range(_U64(_PADDED)):
        scores[j] = r.second_bias[j]
    for k in range(_U64(HIDDEN)):
        value = min(max(_shifted(sums[k], r.first_shift[k]), _I32(0)), r.highest)
        if value > 0:
            at = k * _U64(_PADDED)
            for j in range(_U64(_PADDED)):
                scores[j] = _I32(scores[j] + _I32(value * _I32(r.second[at + j])))
    for j in range(_U64(MODES)):
        scores[j] = min(max(_shifted(scores[j], r.second_shift[j]), r.lowest_score), r.highest_score)


@kernel
def rank_modes(f, x, y, log2_size, r):
    """Rank the modes of the luma prediction block at (x, y): r.modes and r.ranks. Of equals the lower mode is first.

    f   reconstructed up to the block, before the in-loop filters;  r: MODE_RANKING
    """
    count = gather_inputs(f, x, y, log2_size, r.inputs)
    _score(count, r)
    for mode in range(_U64(MODES)):
        own = r.scores[mode]
        rank = _I32(0)
        for other in range(mode):
            rank = _I32(rank + _I32(r.scores[other] >= own))
        for other in range(mode + _U64(1), _U64(MODES)):
            rank = _I32(rank + _I32(r.scores[other] > own))
        r.ranks[mode] = rank
        r.modes[_U64(rank)] = _I64(mode)


@kernel
def resolve_mode(f, x, y, unit, r):
    """Turn the rank of the intra prediction block that begins at luma (x, y) into its mode; nothing inside a block.

    With the first block of a coding unit goes its chroma mode.
    """
    log2_size = _I64(unit.log2_cb_size) - _I64(unit.part_mode == PART_NxN)
    mask = (_I64(1) << log2_size) - 1
    if ((x | y) & mask) != 0:
        return
    rank_modes(f, x, y, log2_size, r)
    mode = r.modes[_I64(unit.mode_rank)]
    row, column, n = y >> 2, x >> 2, _I64(1) << (log2_size - 2)
    for v in range(row, row + n):
        for u in range(column, column + n):
            f.units[v, u].intra_luma_mode = np.int8(mode)
    whole = _I64(1) << _I64(unit.log2_cb_size)
    if f.params[0].chroma_format_idc != 0 and ((x | y) & (whole - 1)) == 0:
        of_chroma = np.int8(chroma_mode(_I64(unit.chroma_pred_idc), mode))
        for v in range(row, row + (whole >> 2)):
            for u in range(column, column + (whole >> 2)):
                f.units[v, u].intra_chroma_mode = of_chroma
