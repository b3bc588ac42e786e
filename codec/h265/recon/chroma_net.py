"""(docs/BITSTREAM.md) Chroma from luma by a net: CCCM's prediction of Cb and Cr, corrected by an integer net.

The net sees a window: the block and the four lines above and left of it, on chroma's grid; and a vector of what the
template tells as a whole. Its Program stands in the scratch record, so that nothing is handed on where it is off.
"""

import numpy as np

from codec.base.kernels.jit import kernel
from codec.base.records import record
from codec.h265.intra_modes import CCCM, INTRA_PLANAR, MMLM
from codec.h265.recon.cross_component import LINES, is_usable, predict_from_luma, prepare_model, template_errors
from codec.h265.recon.intra import predict_intra
from codec.h265.recon.intra_reference import fetch_reference
from nets.program_kernels import run_program
from nets.program_layout import PITCH, SLOT, STEP_FIELDS

WINDOW_CHANNELS, SIDE_CHANNELS = 14, 8
# of the window: four phases of luma; Cb and Cr; then of both CCCM's error in the template, and in the block what MMLM
# and planar prediction have more than CCCM; what the place is, and how far inside
_CHROMA, _ERROR, _LINES, _PLANAR, _KIND, _DEPTH = 4, 6, 8, 10, 12, 13
# corrections have this fraction: quarters of a 10-bit step
FRACTION = 11
_SIZES = 4
_LARGEST = 32
MEMORY = 1 << 18

_I32, _U64 = np.int32, np.uint64

CHROMA_NET_SCRATCH = record(
    [
        # the Program, as nets/program.py describes it; behind the last step one with operation END
        ("steps", np.int64, (32, len(STEP_FIELDS))),
        ("wires", np.int64, (64,)),
        ("ups", np.int32, (64,)),
        ("signals", np.int64, (40, 4)),
        ("slots", np.int64, (16, 2)),
        ("weights", np.int16, (1 << 16,)),
        ("parameters", np.int32, (1 << 13,)),
        ("inputs", np.int64, (2,)),  # window and vector
        ("outputs", np.int64, (1,)),
        ("border", np.int64),
        # where slots lie by log2 size - 2, and their lines; the memory of all
        ("offsets", np.int64, (_SIZES, 16)),
        ("lines", np.int64, (_SIZES, 16)),
        ("memory", np.int16, (MEMORY,)),
        ("predictions", np.int16, (2, _LARGEST * _LARGEST)),  # Cb and Cr
        ("other", np.int16, (2, _LARGEST * _LARGEST)),
        ("errors", np.int16, (2 * (LINES + _LARGEST) * (LINES + _LARGEST),)),
    ]
)


@kernel(inline=True)
def _ten_bits(value, up):
    """A difference of samples as 10 bits, clipped to what a net takes."""
    return np.int16(min(max(_I32(value) << up, _I32(-512)), _I32(511)))


@kernel
def _planar_of(f, plane, c_idx, x, y, log2_size, bit_depth, scratch, out):
    fetch_reference(f, plane, c_idx, x, y, log2_size, scratch.reference)
    predict_intra(scratch.reference, np.int64(INTRA_PLANAR), log2_size, c_idx, bit_depth, out, scratch.intra)


@kernel
def _fill_luma(f, x, y, n, middle, up, out, start, line, pitch, c):
    """The four phases of luma in block and template; 0 where it may not be used."""
    side = LINES + n
    luma = f.luma
    for row in range(side):
        for column in range(0, side, 4):
            at = start + row * line + column * pitch
            if not is_usable(c, row, column):
                for k in range(4):
                    for channel in range(4):
                        out[at + k * pitch + channel] = 0
                continue
            v, u = 2 * (y - LINES + row), 2 * (x - LINES + column)
            top, bottom = luma[v], luma[v + 1]
            for k in range(_U64(4)):
                o, i = _U64(at) + k * _U64(pitch), _U64(u) + k + k
                out[o] = _ten_bits(_I32(top[i]) - middle, up)
                out[o + _U64(1)] = _ten_bits(_I32(top[i + _U64(1)]) - middle, up)
                out[o + _U64(2)] = _ten_bits(_I32(bottom[i]) - middle, up)
                out[o + _U64(3)] = _ten_bits(_I32(bottom[i + _U64(1)]) - middle, up)


@kernel
def _fill_places(n, out, start, line, pitch, c):
    """What kind of place each is, and its distance from the template; no differences in the template."""
    side = LINES + n
    for row in range(side):
        for column in range(side):
            at = start + row * line + column * pitch
            inside = row >= LINES and column >= LINES
            usable = is_usable(c, row, column)
            out[at + _KIND] = np.int16(0 if inside else 511 if usable else -512)
            out[at + _DEPTH] = np.int16(16 * min(row - LINES, column - LINES) if inside else 0)
            if not inside:
                for channel in range(_CHROMA, _KIND):
                    out[at + channel] = 0


@kernel
def _fill_chroma(plane, x, y, n, k, up, cccm, lines, planar, errors, out, start, line, pitch, c):
    """Component k: its samples and CCCM's errors in the template, the predictions in the block."""
    side, mean = LINES + n, _I32(c.chroma)
    for row in range(side):
        for column in range(0, LINES if row >= LINES else side, 4):
            if is_usable(c, row, column):
                for i in range(4):
                    at = start + row * line + (column + i) * pitch + k
                    sample = _I32(plane[y - LINES + row, x - LINES + column + i])
                    out[at + _CHROMA] = _ten_bits(sample - mean, up)
                    out[at + _ERROR] = _ten_bits(_I32(errors[row * side + column + i]), up)
    for row in range(_U64(n)):
        at = _U64(start + (_I32(row) + LINES) * line + LINES * pitch + k)
        for column in range(_U64(n)):
            base = _I32(cccm[row * _U64(n) + column])
            out[at + _U64(_CHROMA)] = _ten_bits(base - mean, up)
            out[at + _U64(_ERROR)] = 0
            out[at + _U64(_LINES)] = _ten_bits(_I32(lines[row * _U64(n) + column]) - base, up)
            out[at + _U64(_PLANAR)] = _ten_bits(_I32(planar[row * _U64(n) + column]) - base, up)
            at += _U64(pitch)


@kernel(inline=True)
def _mean_size(total, count, up, weight):
    """A mean of sizes of differences, as 10 bits times a weight, at most 511."""
    return np.int16(min(((weight * total) << up) // count if count else np.int64(0), 511))


@kernel
def fill_window(f, x, y, log2_size, bit_depth, scratch, out, start, line, pitch, side, side_at):
    """What the net takes of the chroma block at (x, y), behind prepare_luma(..., CCCM, ...).

    out   int16: places of the window from `start` on, rows `line` apart, places `pitch`;  side[side_at...]: the vector
    Leaves CCCM's predictions in scratch.net.predictions.
    """
    c, w = scratch.cross, scratch.net
    n, up = np.int64(1) << log2_size, _I32(10 - bit_depth)
    prepare_model(log2_size, np.int64(CCCM), bit_depth, c)
    if c.samples == 0:
        c.middle = np.int64(1) << (bit_depth - 1)
    _fill_luma(f, x, y, n, _I32(c.middle), up, out, start, line, pitch, c)
    _fill_places(n, out, start, line, pitch, c)
    for k in range(2):
        plane = f.cb if k == 0 else f.cr
        predict_from_luma(plane, x, y, log2_size, np.int64(CCCM), bit_depth, c, w.predictions[k])
        spread, missed = np.int64(0), np.int64(0)
        if c.samples > 0:
            spread, missed = template_errors(n, w.errors, c)
        else:
            c.chroma = np.int64(1) << (bit_depth - 1)
        predict_from_luma(plane, x, y, log2_size, np.int64(MMLM), bit_depth, c, w.other[0])
        _planar_of(f, plane, np.int64(k + 1), x, y, log2_size, bit_depth, scratch, w.other[1])
        _fill_chroma(
            plane, x, y, n, np.int64(k), up, w.predictions[k], w.other[0], w.other[1], w.errors,
            out, start, line, pitch, c,
        )  # fmt: skip
        side[side_at + 2 + k] = _mean_size(missed, c.samples, up, 8)
        side[side_at + 4 + k] = _mean_size(spread, c.samples, up, 4)
    p = f.params[0]
    ctb = ((2 * y) >> p.log2_ctb_size) * p.width_in_ctbs + ((2 * x) >> p.log2_ctb_size)
    qp = np.int64(f.slices[f.ctbs[ctb].slice_idx].slice_qp_y)
    side[side_at] = np.int16(min(max(8 * qp, 0), 511))
    side[side_at + 1] = np.int16(64 * log2_size)
    total = np.int64(0)
    for i in range(c.samples):
        total += abs(np.int64(c.template[0, i]))
    side[side_at + 6] = _mean_size(total, c.samples, up, 4)
    # of the template as it is in the middle of a picture
    side[side_at + 7] = np.int16((511 * c.samples) // (LINES * (4 * n + LINES)))


@kernel(inline=True)
def _place(w, index, size):
    """(first sample, line, pitch) of a signal in the program's memory."""
    slot, pitch = w.signals[index, SLOT], w.signals[index, PITCH]
    line = w.lines[size, slot]
    return w.offsets[size, slot] + w.border * (line + pitch), line, pitch


@kernel
def predict_by_net(f, x, y, log2_size, bit_depth, scratch):
    """Prediction of Cb and Cr of the chroma block at (x, y) into scratch.net.predictions, behind prepare_luma."""
    w, size = scratch.net, log2_size - 2
    n, side = np.int64(1) << log2_size, (np.int64(1) << log2_size) + LINES
    start, line, pitch = _place(w, w.inputs[0], size)
    side_at, _, _ = _place(w, w.inputs[1], size)
    fill_window(f, x, y, log2_size, bit_depth, scratch, w.memory, start, line, pitch, w.memory, side_at)
    run_program(w, w.memory, w.offsets[size], w.lines[size], side, side)
    start, line, pitch = _place(w, w.outputs[0], size)
    shift = _I32(FRACTION + 1 - bit_depth)
    half, most = _I32(_I32(1) << _I32(shift - 1)), _I32((1 << bit_depth) - 1)
    for k in range(2):
        made = w.predictions[k]
        for row in range(_U64(n)):
            at = _U64(start + (np.int64(row) + LINES) * line + LINES * pitch + k)
            for column in range(_U64(n)):
                i = row * _U64(n) + column
                value = _I32(_I32(made[i]) + (_I32(_I32(w.memory[at]) + half) >> shift))
                made[i] = np.int16(min(max(value, _I32(0)), most))
                at += _U64(pitch)


@kernel(inline=True)
def take_component(scratch, k, count, out):
    """out[0:count] = the prediction of Cb or Cr that predict_by_net made."""
    made = scratch.net.predictions[k]
    for i in range(_U64(count)):
        out[i] = made[i]
