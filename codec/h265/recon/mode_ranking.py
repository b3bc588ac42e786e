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
        # the net, written once (tools/modes/apply.py): weights by input, then output; of sums their bias, their shift,
        # what is added before it, and 1 where there is one
        ("first", np.int16, ((INPUTS + 1) * HIDDEN,)),  # the last row is of a 0
        ("first_bias", np.int32, (HIDDEN,)),
        ("first_shift", np.int32, (HIDDEN,)),
        ("first_half", np.int32, (HIDDEN,)),
        ("first_odd", np.int32, (HIDDEN,)),
        ("second", np.int16, ((HIDDEN + 1) * _PADDED,)),
        ("second_bias", np.int32, (_PADDED,)),
        ("second_shift", np.int32, (_PADDED,)),
        ("second_half", np.int32, (_PADDED,)),
        ("second_odd", np.int32, (_PADDED,)),
        ("highest", np.int32),  # of the hidden layer; its least is 0
        ("lowest_score", np.int32),
        ("highest_score", np.int32),
        ("pad", np.int32),
        # scratch
        ("inputs", MODE_INPUT_SCRATCH),
        ("sums", np.int32, (HIDDEN,)),
        ("hidden", np.int16, (HIDDEN + 1,)),
        ("active", np.int32, (HIDDEN + 3,)),
        ("scores", np.int32, (_PADDED,)),
        # the modes by rank, and the rank of each mode, of the block that was ranked last
        ("modes", np.int64, (MODES,)),
        ("ranks", np.int64, (MODES,)),
    ]
)


@kernel(inline=True)
def _shifted(total, shift, half, odd):
    """total / 2^shift, rounded to the nearest integer, ties to the even one."""
    return _I32(_I32(_I32(total + half) + _I32(_I32(total >> shift) & odd)) >> shift)


@kernel
def _add_rows(weights, columns, values, active, count, sums):
    """sums[:] += value * row of weights, of the active values; four at a time, for which some of a 0 stand behind."""
    for k in range(_U64(0), _U64(count), _U64(4)):
        i, j, m, n = active[k], active[k + _U64(1)], active[k + _U64(2)], active[k + _U64(3)]
        a, b, c, d = _U64(i) * columns, _U64(j) * columns, _U64(m) * columns, _U64(n) * columns
        p, q, s, t = _I32(values[i]), _I32(values[j]), _I32(values[m]), _I32(values[n])
        for o in range(columns):
            first = _I32(_I32(p * _I32(weights[a + o])) + _I32(q * _I32(weights[b + o])))
            second = _I32(_I32(s * _I32(weights[c + o])) + _I32(t * _I32(weights[d + o])))
            sums[o] = _I32(sums[o] + _I32(first + second))


@kernel
def _score(count, r):
    """r.scores of the modes from the inputs gathered, `count` of them active."""
    for j in range(_U64(HIDDEN)):
        r.sums[j] = r.first_bias[j]
    _add_rows(r.first, _U64(HIDDEN), r.inputs.values, r.inputs.active, count, r.sums)
    for j in range(_U64(HIDDEN)):
        value = _shifted(r.sums[j], r.first_shift[j], r.first_half[j], r.first_odd[j])
        r.hidden[j] = np.int16(min(max(value, _I32(0)), r.highest))
    active = _I64(0)
    for j in range(HIDDEN):
        r.active[active] = _I32(j)
        active += _I64(r.hidden[j] > 0)
    for k in range(3):
        r.active[active + k] = _I32(HIDDEN)
    for j in range(_U64(_PADDED)):
        r.scores[j] = r.second_bias[j]
    _add_rows(r.second, _U64(_PADDED), r.hidden, r.active, active, r.scores)
    # no two are equal: of equal scores the lower mode is first
    for j in range(_U64(MODES)):
        score = _shifted(r.scores[j], r.second_shift[j], r.second_half[j], r.second_odd[j])
        score = min(max(score, r.lowest_score), r.highest_score)
        r.scores[j] = _I32(_I32(score << _I32(6)) + _I32(_I32(63) - _I32(j)))
    for j in range(_U64(MODES), _U64(_PADDED)):
        r.scores[j] = _I32(-(1 << 30))


@kernel(inline=True)
def _rank_of(mode, r):
    """How many scores are higher than that of a mode."""
    own, rank = r.scores[mode], _I32(0)
    for other in range(_U64(_PADDED)):
        rank = _I32(rank + _I32(r.scores[other] > own))
    return rank


@kernel
def rank_modes(f, x, y, log2_size, r):
    """Rank the modes of the luma prediction block at (x, y): r.modes and r.ranks. Of equals the lower mode is first.

    f   reconstructed up to the block, before the in-loop filters;  r: MODE_RANKING
    """
    _score(gather_inputs(f, x, y, log2_size, r.inputs), r)
    for mode in range(_U64(MODES)):
        r.ranks[mode] = _rank_of(mode, r)
    for mode in range(_U64(MODES)):
        r.modes[_U64(r.ranks[mode])] = _I64(mode)


@kernel
def mode_of_rank(f, x, y, log2_size, rank, r):
    """The mode that rank_modes puts at a rank."""
    _score(gather_inputs(f, x, y, log2_size, r.inputs), r)
    mode = _U64(0)
    while mode < _U64(MODES - 1) and _rank_of(mode, r) != rank:
        mode += _U64(1)
    return _I64(mode)


@kernel
def resolve_mode(f, x, y, unit, r):
    """Turn the rank of the intra prediction block that begins at luma (x, y) into its mode; nothing inside a block.

    With the first block of a coding unit goes its chroma mode.
    """
    log2_size = _I64(unit.log2_cb_size) - _I64(unit.part_mode == PART_NxN)
    mask = (_I64(1) << log2_size) - 1
    if ((x | y) & mask) != 0:
        return
    mode = mode_of_rank(f, x, y, log2_size, _I32(unit.mode_rank), r)
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
