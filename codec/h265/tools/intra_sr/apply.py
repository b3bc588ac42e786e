"""Intra super-resolution, applied: CTUs of two sizes read, written and reconstructed."""

import numpy as np

from codec.base.kernels.jit import settled
from codec.common.blocks.resample import new_lines
from codec.common.tools import tool
from codec.common.tools.corrections import WEIGHTS
from codec.common.tools.filter_inputs import INPUTS, SAMPLE_FRACTION, spread_ctbs
from codec.common.tools.filter_nets import Place
from codec.h265.block_statistics import INTRA_SR_BLOCK, ctb_rows
from codec.h265.filters.deblock_edges import intra_ref_poc, make_strengths
from codec.h265.filters.pipeline import DEBLOCKING, Stage, Workspace
from codec.h265.recon.dequant import chroma_qp
from codec.h265.recon.reconstruct import reconstruct_ctu
from codec.h265.recon.two_sizes import MAX_QP, grow_samples, grow_units, pass_modes_on, shrink_samples, shrink_units
from codec.h265.structs import CTB, MOTION, PARAMS, SLICE, UNIT, Frame, PART_2Nx2N
from codec.h265.syntax.coding_tree import coding_tree_unit, read_ctus
from codec.h265.syntax.ctu_head import ctu_head
from codec.h265.tools.intra_sr.tool import HALF_SIZE, Slice
from codec.h265.tools.loop_filter.apply import CnnLoopFilter

# samples around a CTU that say what a net will make of it, roughly
_AROUND = 16
STAGE, NET_STAGE = "intra_sr", "intra_sr_net"
# the samples that a net finds are those before deblocking, scaled up where a CTU is at half size
_INPUTS = {name: INPUTS[name] for name in ("rec_y", "qp")}
PLACE = Place("scaling net", "CnnIntraSr", "_s", _INPUTS, {"y": (1, 0)}, SAMPLE_FRACTION)
# chroma is coded a little coarser at half size than luma: in between what is best for either (docs/LABBOOK.md)
_CHROMA_STEP = 1

_read_head, _write_head = settled(ctu_head), settled(ctu_head)
_read, _write = settled(read_ctus), settled(coding_tree_unit)
_reconstruct = settled(reconstruct_ctu)
_grow_units, _shrink_units = settled(grow_units), settled(shrink_units)
_pass_modes_on = settled(pass_modes_on)
_grow_samples, _shrink_samples = settled(grow_samples), settled(shrink_samples)


class Application(tool.Application):
    """Gives each picture its CtuSizes; corrects CTUs that were scaled up by a net, where there is one."""

    changes_stages = True

    def __init__(self, record, surroundings):
        self._qp_offset, self._params = record.cnn_intra_sr_qp_offset, surroundings.params
        self.scaler = None
        if record.net:
            nets = surroundings.nets.get([record.net], PLACE)
            self.scaler = CnnLoopFilter(self._params, nets, pool=surroundings.pool, threads=surroundings.threads)

    def new_ctu_sizes(self):
        return CtuSizes(self._params, self._qp_offset, self.scaler)

    def begin_picture(self):
        if self.scaler:
            self.scaler.begin_picture()

    def stages(self, stages, slices):
        def apply(frame, workspace, ref_poc, pool):
            if (frame.ctbs["tool_flags"] & HALF_SIZE).any():
                correct(frame, slices(), self.scaler)

        return (Stage(NET_STAGE, apply), *stages) if self.scaler else stages

    def statistics(self, frame, slices):
        rows = ctb_rows(INTRA_SR_BLOCK, frame)
        rows["half"] = frame.ctbs["tool_flags"] & HALF_SIZE != 0
        return {"intra_sr": rows}


def corrected(frame, scaler, scale):
    """Luma with a net's corrections of CTUs at half size, as they count with scale_idx `scale`."""
    (correction,) = scaler.corrections(frame, 0)
    made = scaler.corrected(frame, 0, 0, correction, WEIGHTS[scale])
    return np.where(spread_ctbs(frame, frame.ctbs["tool_flags"] & HALF_SIZE != 0, 0), made, frame.luma)


def correct(frame, slices, scaler):
    """Add the corrections that slices ask for to CTUs at half size. slices: Slices by slice_idx"""
    slices = [record or Slice() for record in slices]
    used = np.array([record.slice_cnn_intra_sr_net_flag for record in slices], bool)[frame.ctbs["slice_idx"]]
    used &= frame.ctbs["tool_flags"] & HALF_SIZE != 0
    scales = np.array([record.slice_cnn_intra_sr_scale_idx for record in slices])[frame.ctbs["slice_idx"]]
    results = [(used & (scales == scale), scale) for scale in np.unique(scales[used]).tolist()]
    for here, made in [(here, corrected(frame, scaler, scale)) for here, scale in results]:
        np.copyto(frame.luma, made, where=spread_ctbs(frame, here, 0))


def half_params(params):
    """PARAMS of the picture at half size: as many CTBs, of half the size. params: (1,) PARAMS"""
    half = np.array(params, PARAMS)
    p = half[0]
    p["log2_ctb_size"] -= 1
    for name in ("log2_min_cb_size", "log2_max_tb_size", "log2_min_pcm_size", "log2_max_pcm_size"):
        p[name] = min(p[name], p["log2_ctb_size"])
    p["log2_min_tb_size"] = min(p["log2_min_tb_size"], p["log2_max_tb_size"])
    depth = int(p["log2_ctb_size"]) - int(p["log2_min_tb_size"])
    p["max_th_depth_intra"] = min(p["max_th_depth_intra"], depth)
    p["diff_cu_qp_delta_depth"] = min(p["diff_cu_qp_delta_depth"], int(p["log2_ctb_size"]) - int(p["log2_min_cb_size"]))
    least = 1 << int(p["log2_min_cb_size"])
    for name, units in (("pic_width", "width_in_units"), ("pic_height", "height_in_units")):
        p[name] = -(-int(p[name]) // (2 * least)) * least
        p[units] = p[name] >> 2
    return half


class CtuSizes:
    """The CTUs of one picture after another, at the size that each has.

    half   Frame of the picture at half size;  whole: the picture's, as the coding quadtree sees it
    scaler  CnnLoopFilter that may correct those at half size, or None
    """

    def __init__(self, params, qp_offset, scaler):
        """params: one PARAMS record of the sequence"""
        self.qp_offset, self.scaler = qp_offset, scaler
        count = int(params["width_in_ctbs"]) * int(params["height_in_ctbs"])
        size = half_params(params.reshape(1))[0]
        height, width = int(size["pic_height"]), int(size["pic_width"])
        chroma = (height // 2, width // 2) if size["chroma_format_idc"] else (0, 0)
        # the quadtree says nothing of SAO and of tools: what the head has read stays
        self._ctbs = np.zeros(count, CTB)
        self._lowest_qp = -6 * (int(size["bit_depth_y"]) - 8)
        self._strengths = Workspace(make_strengths(size), *[np.zeros((0, 0), np.int16)] * 3)
        self.whole = None
        self.half = Frame(
            params=half_params(params.reshape(1)),
            slices=np.zeros(0, SLICE),
            units=np.zeros((height // 4, width // 4), UNIT),
            ctbs=self._ctbs,
            motion=np.zeros((0, 0), MOTION),
            scaling=np.zeros((4, 6, 1024), np.int16),
            luma=np.zeros((height, width), np.int16),
            cb=np.zeros(chroma, np.int16),
            cr=np.zeros(chroma, np.int16),
        )

    def begin(self, frame):
        """A picture begins, or a slice of it: frame has the slices so far."""
        if not len(frame.slices) or self.whole is None:
            self._ctbs["slice_addr"] = -1
            self.half.units[:] = 0
            self._ctbs["tile_id"], self._ctbs["addr_ts"] = frame.ctbs["tile_id"], frame.ctbs["addr_ts"]
        slices = frame.slices.copy()
        for name in ("slice_sao_luma", "slice_sao_chroma", "tool_flags_on", "tool_flags_coded"):
            slices[name] = 0
        smaller = slices.copy()
        smaller["slice_qp_y"] = self.shifted_qp(slices["slice_qp_y"])
        for c in ("cb", "cr"):
            for record, coded in zip(smaller, slices, strict=True):
                offset = int(frame.params[0][f"{c}_qp_offset"]) + int(coded[f"slice_{c}_qp_offset"])
                record[f"slice_{c}_qp_offset"] += self.chroma_shift(int(coded["slice_qp_y"]), offset)
        self.whole = frame._replace(ctbs=self._ctbs, slices=slices)
        self.half = self.half._replace(slices=smaller, params=half_params(frame.params), scaling=frame.scaling)

    @staticmethod
    def are_in(slice_record):
        """Whether CTUs of a slice say which size they have. slice_record: of SLICE"""
        return bool(slice_record["tool_flags_on"] & HALF_SIZE)

    @staticmethod
    def mark(frame, addr, is_half):
        """CTU `addr` is coded at half size, or not."""
        flags = frame.ctbs[addr]["tool_flags"]
        frame.ctbs[addr]["tool_flags"] = flags | HALF_SIZE if is_half else flags & ~HALF_SIZE

    @staticmethod
    def is_half(frame, addr):
        """Whether CTU `addr` is coded at half size."""
        return bool(frame.ctbs[addr]["tool_flags"] & HALF_SIZE)

    def enter(self, frame, walk, addr):
        """The Frame in which CTU `addr` is coded; walk: its record, in front of the quadtree."""
        self._ctbs[addr]["slice_addr"] = frame.ctbs[addr]["slice_addr"]
        self._ctbs[addr]["slice_idx"] = frame.ctbs[addr]["slice_idx"] = walk["slice_idx"]
        if not self.is_half(frame, addr):
            return self.whole
        walk["last_qp_y"] = self._shifted(walk["last_qp_y"], self.qp_offset)
        return self.half

    def leave(self, frame, walk, addr):
        """The CTU is coded: tell the other Frame."""
        if self.is_half(frame, addr):
            walk["last_qp_y"] = self._shifted(walk["last_qp_y"], -self.qp_offset)
            _grow_units(self.half, self.whole, addr, self.qp_offset)
        else:
            _shrink_units(self.whole, self.half, addr, self.qp_offset)

    def _shifted(self, qp, offset):
        return min(max(int(qp) + offset, self._lowest_qp), MAX_QP)

    def shifted_qp(self, qps):
        """QpY at half size, of a number or an array at full size."""
        return np.clip(qps + np.int64(self.qp_offset), self._lowest_qp, MAX_QP)

    def chroma_shift(self, qp, offset):
        """What is added to a chroma QP offset at half size, so that the QP of chroma is lower by one less than QpY.

        qp  SliceQpY;  offset: of PPS and slice together, for the component
        """
        wanted = int(chroma_qp(qp, offset, 8)) + self.qp_offset + _CHROMA_STEP
        lower = max(qp + self.qp_offset, self._lowest_qp)
        missed = [
            (abs(int(chroma_qp(lower, offset + shift, 8)) - wanted), abs(shift), shift) for shift in range(-12, 13)
        ]
        return min(missed)[2]

    @staticmethod
    def flag_context(frame, walk, addr):
        """Which of the contexts of tool flags that of CTU `addr` has; walk: its record, in the CTU."""
        left = walk["left_available"] and CtuSizes.is_half(frame, addr - 1)
        up = walk["up_available"] and CtuSizes.is_half(frame, addr - int(frame.params[0]["width_in_ctbs"]))
        return 3 * (HALF_SIZE.bit_length() - 1) + int(left) + int(up)

    def read(self, reader, frame, walk, coeffs):
        """As syntax.coding_tree.read_ctus, one CTU."""
        w = walk[0]
        addr = int(w["ctb_addr"])
        frame.ctbs[addr]["slice_idx"] = w["slice_idx"]
        _read_head(reader, frame, walk)
        coded_in = self.enter(frame, w, addr)
        count = _read(reader, coded_in, walk, coeffs)
        self.leave(frame, w, addr)
        return count

    def write(self, engine, frame, walk, coeffs):
        """As syntax.coding_tree.coding_tree_unit."""
        w = walk[0]
        addr = int(w["ctb_addr"])
        _write_head(engine, frame, walk)
        coded_in = self.enter(frame, w, addr)
        w["qp_y"] = w["last_qp_y"]
        _write(engine, coded_in, walk, coeffs)
        self.leave(frame, w, addr)

    def reconstruct(self, frame, addr, coeffs, scratch):
        """As recon.reconstruct.reconstruct_ctu, one CTU."""
        if self.is_half(frame, addr):
            _reconstruct(self.half, addr, coeffs, scratch)
            self.grow_samples(addr)
        else:
            _reconstruct(self.whole, addr, coeffs, scratch)
            _shrink_samples(self.whole, self.half, addr, False, new_lines())
        if frame.params[0]["mode_ranks"]:
            _pass_modes_on(*self._from_to(frame, addr), addr, self.is_half(frame, addr))

    def _from_to(self, frame, addr):
        """The Frame in which a CTU is coded, and the other one."""
        return (self.half, self.whole) if self.is_half(frame, addr) else (self.whole, self.half)

    def grow_samples(self, addr):
        """Samples of the picture from a CTU at half size and those before it."""
        _grow_samples(self.half, self.whole, addr, False, new_lines())

    def expected_luma(self, frame, addr):
        """Luma of a CTU that has been scaled up, as a net may leave it, by the samples that are there already."""
        row, column = divmod(addr, int(frame.params[0]["width_in_ctbs"]))
        size = 1 << int(frame.params[0]["log2_ctb_size"])
        top, left = max(row * size - _AROUND, 0), max(column * size - _AROUND, 0)
        luma = frame.luma[top : (row + 1) * size, left : (column + 1) * size]
        if self.scaler:
            index = frame.ctbs[addr]["slice_idx"]
            part = frame._replace(luma=luma, units=frame.units[:0], slices=frame.slices[index : index + 1])
            luma = self.scaler.corrected(part, 0, 0, self.scaler.correction_of(part), WEIGHTS[0])
        return luma[row * size - top :, column * size - left :]

    def halved(self, planes):
        """[Y, Cb, Cr] int16 at half size, of planes of the coded size."""
        luma, cb, cr = planes
        made = [np.zeros_like(plane) for plane in (self.half.luma, self.half.cb, self.half.cr)]
        source = self.whole._replace(luma=luma, cb=cb, cr=cr)
        target = self.half._replace(luma=made[0], cb=made[1], cr=made[2])
        lines = new_lines()
        for addr in range(len(self._ctbs)):
            _shrink_samples(source, target, addr, True, lines)
        return made

    def stages(self, stages):
        """The in-loop filters of the picture, and what comes before them."""
        deblocking = Stage(DEBLOCKING.name, self._deblock)
        return (Stage(STAGE, self._finish), *(deblocking if stage is DEBLOCKING else stage for stage in stages))

    def _finish(self, frame, workspace, ref_poc, pool):
        """CTUs at half size once more: deblocked there, and scaled up with all that is around them."""
        at_half = frame.ctbs["tool_flags"] & HALF_SIZE != 0
        if not at_half.any():
            return
        lines = new_lines()
        for addr in np.flatnonzero(frame.slices["tool_flags_on"][frame.ctbs["slice_idx"]] & HALF_SIZE == 0).tolist():
            # of another slice, which knows nothing of sizes
            self._ctbs[addr] = frame.ctbs[addr]
            _shrink_units(self.whole, self.half, addr, self.qp_offset)
            _shrink_samples(self.whole, self.half, addr, False, lines)
        DEBLOCKING.apply(self.half, self._strengths, intra_ref_poc(), pool)
        for addr in np.flatnonzero(at_half).tolist():
            _grow_samples(self.half, self.whole, addr, True, lines)

    def _deblock(self, frame, workspace, ref_poc, pool):
        """At full size there is nothing to deblock inside CTUs at half size: each is a block."""
        at_half = frame.ctbs["tool_flags"] & HALF_SIZE != 0
        if at_half.any():
            units, log2_size = frame.units.copy(), int(frame.params[0]["log2_ctb_size"])
            inside = spread_ctbs(frame, at_half, 2)
            units["log2_cb_size"][inside] = units["log2_tb_size"][inside] = log2_size
            units["part_mode"][inside] = PART_2Nx2N
            frame = frame._replace(units=units)
        DEBLOCKING.apply(frame, workspace, ref_poc, pool)
