"""Windows of chroma blocks for training, made by the codec's kernels of what shards hold."""

import numpy as np

from codec.h265.intra_modes import LINEAR_MODELS
from codec.h265.recon.chroma_material import OTHER_MODES, mode_errors, windows
from codec.h265.recon.chroma_net import SIDE_CHANNELS, WINDOW_CHANNELS
from codec.h265.recon.cross_component import LINES
from codec.h265.recon.reconstruct import new_scratch
from codec.h265.structs import CTB, MODE_INTRA, MOTION, PARAMS, SLICE, UNIT, Frame

_LOG2_CTB = 6


class Windows:
    """Makes windows; one per thread. All arguments `planes` are [Y, Cb, Cr] before the in-loop filters, int16."""

    def __init__(self):
        self._scratch = new_scratch()

    def make(self, planes, bit_depth, qp, places, log2_size):
        """(windows (n, channels, rows, columns), vectors (n, channels, 1, 1), what is corrected (n, 2, rows, columns)).

        places   (n, 2) x and y of chroma blocks, at multiples of their size;  qp: SliceQpY. All results are int16.
        A crop is taken for a picture of its own: what its blocks may use is what is before them in coding order.
        """
        n, count = 1 << log2_size, len(places)
        width = n + LINES
        out = np.zeros((count, width, width, WINDOW_CHANNELS), np.int16)
        side = np.zeros((count, SIDE_CHANNELS), np.int16)
        base = np.zeros((count, 2, n * n), np.int16)
        frame = picture_of(planes, bit_depth, qp)
        windows(frame, places, log2_size, bit_depth, self._scratch, out.reshape(-1), side.reshape(-1), base)
        return out.transpose(0, 3, 1, 2), side[:, :, None, None], base.reshape(count, 2, n, n)

    def others(self, planes, original, bit_depth, qp, places, log2_size):
        """Squared errors (n, 2, modes) of planar, vertical, horizontal and DC, and of the linear models.

        original   [Cb, Cr] int16
        """
        errors = np.zeros((len(places), 2, OTHER_MODES + LINEAR_MODELS), np.int64)
        frame = picture_of(planes, bit_depth, qp)
        mode_errors(frame, places, log2_size, bit_depth, *original, self._scratch, errors)
        return errors


def picture_of(planes, bit_depth, qp):
    """A Frame of intra units, all decoded, in one slice."""
    luma, cb, cr = planes
    height, width = luma.shape
    ctbs = np.zeros((-(-height >> _LOG2_CTB)) * (-(-width >> _LOG2_CTB)), CTB)
    ctbs["addr_ts"] = np.arange(len(ctbs))
    params, slices = np.zeros(1, PARAMS), np.zeros(1, SLICE)
    values = dict(
        pic_width=width, pic_height=height, chroma_format_idc=1, bit_depth_y=bit_depth, bit_depth_c=bit_depth,
        log2_ctb_size=_LOG2_CTB, log2_min_cb_size=3, log2_min_tb_size=2, log2_max_tb_size=5,
        width_in_ctbs=-(-width >> _LOG2_CTB), height_in_ctbs=-(-height >> _LOG2_CTB),
        width_in_units=-(-width >> 2), height_in_units=-(-height >> 2),
    )  # fmt: skip
    for name, value in values.items():
        params[name] = value
    slices["slice_qp_y"] = qp
    units = np.zeros((-(-height >> 2), -(-width >> 2)), UNIT)
    units["pred_mode"] = MODE_INTRA
    return Frame(params, slices, units, ctbs, np.zeros((0, 0), MOTION), np.zeros((4, 6, 1024), np.int16), luma, cb, cr)
