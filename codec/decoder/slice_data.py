"""(7.3.8.1, 9.3.1) Slice segment data: the CTU loop with its sub-streams, context storage and synchronisation."""

import numpy as np

from codec.cabac.contexts import initial_contexts
from codec.cabac.engine import new_reader, reader_byte_position, start_reader
from codec.errors import CorruptStream
from codec.recon.inter import new_inter_scratch, predict_inter_ctu
from codec.recon.reconstruct import new_scratch, reconstruct_ctu
from codec.structs import CTU_COEFFS, SLICE_I
from codec.syntax.coding_tree import coding_tree_unit
from codec.syntax.walk import ERROR_TEXT, new_walk


class SliceDataDecoder:
    """Decodes slice segments of one picture after another; keeps what outlives a slice segment (9.3.2.4)."""

    def __init__(self):
        self._walk = new_walk()
        self._coeffs = np.zeros(CTU_COEFFS, np.int16)
        self._scratch = new_scratch()
        self._inter_scratch = new_inter_scratch()
        self._row_contexts = None  # TableStateIdxWpp
        self._segment_contexts = None  # TableStateIdxDs
        self._segment_qp_y = 0  # QpY of the last coding unit of the previous slice segment

    def decode(self, picture, header, slice_idx, data):
        """(7.3.8.1) All CTUs of one slice segment into `picture`. -> number of CTUs

        picture  decoder.coded_picture.CodedPicture
        header   its slice segment header
        data     uint8 array: the slice segment data without emulation prevention bytes
        Raises CorruptStream.
        """
        frame, layout = picture.frame, picture.active.layout
        pps = picture.active.pps
        record = frame.slices[slice_idx]
        slice_addr, slice_qp_y = int(record["slice_addr"]), int(record["slice_qp_y"])
        width = int(frame.params[0]["width_in_ctbs"])
        walk = self._walk[0]
        walk["slice_idx"] = slice_idx

        def fresh_contexts():
            return initial_contexts(int(record["slice_type"]), int(record["cabac_init_flag"]), slice_qp_y)

        reader = new_reader(data)
        state = reader.state[0]
        addr_ts = int(layout.ctb_addr_rs_to_ts[header.slice_segment_address])
        first_ts, total = addr_ts, len(layout.ctb_addr_ts_to_rs)
        while True:
            addr = int(layout.ctb_addr_ts_to_rs[addr_ts])
            if frame.ctbs[addr]["slice_addr"] >= 0:
                raise CorruptStream(f"(7.4.7.1) CTU {addr} of the picture with POC {picture.poc} is coded twice")
            tile_start = addr_ts == 0 or layout.tile_id[addr] != layout.tile_id[layout.ctb_addr_ts_to_rs[addr_ts - 1]]
            row_start = pps.entropy_coding_sync_enabled_flag and (
                addr % width == 0 or layout.tile_id[addr] != layout.tile_id[addr - 1]
            )
            ctb = frame.ctbs[addr]
            ctb["slice_addr"], ctb["slice_idx"] = slice_addr, slice_idx

            segment_start = addr_ts == first_ts
            if tile_start or row_start or segment_start:
                if not segment_start:
                    start_reader(reader, reader_byte_position(reader))
                walk["last_qp_y"] = slice_qp_y
                if tile_start:
                    contexts = fresh_contexts()
                elif row_start:
                    contexts = self._row_contexts if _above_right_available(frame, addr, width) else fresh_contexts()
                elif header.dependent_slice_segment_flag:
                    contexts = self._segment_contexts
                    walk["last_qp_y"] = self._segment_qp_y
                else:
                    contexts = fresh_contexts()
                if contexts is None:
                    raise CorruptStream("(9.3.2) a dependent slice segment has no slice segment before it")
                reader.contexts[:] = contexts

            walk["ctb_addr"] = addr
            walk["end_of_subset"] = _ends_subset(layout, pps, addr_ts, width)
            walk["qp_y"] = walk["last_qp_y"]
            coding_tree_unit(reader, frame, self._walk, self._coeffs)
            if state["error"] or reader_byte_position(reader) > len(data):
                reason = ERROR_TEXT.get(int(state["error"]), "(9.3.4.3) the slice segment ends inside a CTU")
                raise CorruptStream(f"{reason}, in CTU {addr} of the picture with POC {picture.poc}")
            if header.slice_type != SLICE_I:
                predict_inter_ctu(frame, picture.references, addr, self._inter_scratch)
            reconstruct_ctu(frame, addr, self._coeffs, self._scratch)

            if pps.entropy_coding_sync_enabled_flag and _is_second_in_row(layout, addr, width):
                self._row_contexts = reader.contexts.copy()
            addr_ts += 1
            if walk["end_of_slice_segment"]:
                break
            if addr_ts >= total:
                raise CorruptStream(f"(7.4.9.1) the slice at CTU {slice_addr} runs on behind the last CTU of the picture")
        self._segment_contexts = reader.contexts.copy()
        self._segment_qp_y = int(walk["last_qp_y"])
        return addr_ts - first_ts


def _ends_subset(layout, pps, addr_ts, width):
    """(7.3.8.1) Whether end_of_subset_one_bit follows this CTU when the slice segment goes on."""
    if addr_ts + 1 >= len(layout.ctb_addr_ts_to_rs):
        return False
    addr, following = int(layout.ctb_addr_ts_to_rs[addr_ts]), int(layout.ctb_addr_ts_to_rs[addr_ts + 1])
    if layout.tile_id[following] != layout.tile_id[addr]:
        return True
    return bool(
        pps.entropy_coding_sync_enabled_flag
        and (following % width == 0 or layout.tile_id[following] != layout.tile_id[following - 1])
    )


def _above_right_available(frame, addr, width):
    """(9.3.1, 6.4.1) availableFlagT: the CTB above right of `addr`, in the same slice and tile."""
    if addr < width or addr % width + 1 >= width:
        return False
    here, other = frame.ctbs[addr], frame.ctbs[addr - width + 1]
    return other["slice_addr"] == here["slice_addr"] and other["tile_id"] == here["tile_id"]


def _is_second_in_row(layout, addr, width):
    """(9.3.2.4) Whether the contexts behind this CTU are stored for the row below."""
    column = addr % width
    if column == 0:
        return False
    if layout.tile_id[addr] != layout.tile_id[addr - 1]:
        return False
    return column == 1 or layout.tile_id[addr] != layout.tile_id[addr - 2]
