"""(7.3.8.1) Slice segment data: the decoder's CTU loop, parse and reconstruct."""

import numpy as np

from codec.cabac.engine import new_reader, reader_byte_position, start_reader
from codec.errors import CorruptStream
from codec.kernels.jit import settled
from codec.recon.inter import new_inter_scratch, predict_inter_ctu
from codec.recon.reconstruct import new_scratch, reconstruct_ctu
from codec.structs import CTU_COEFFS, SLICE_I
from codec.syntax.coding_tree import coding_tree_unit
from codec.syntax.sub_streams import ContextStorage
from codec.syntax.walk import ERROR_TEXT, new_walk

_read_ctu = settled(coding_tree_unit)
_byte_position = settled(reader_byte_position)
_predict_inter = settled(predict_inter_ctu)
_reconstruct = settled(reconstruct_ctu)


class SliceDataDecoder:
    """Decodes the slice segments of one picture."""

    def __init__(self, picture):
        self._picture = picture
        self._streams = picture.active.sub_streams
        self._storage = ContextStorage(self._streams)
        self._walk = new_walk()
        self._coeffs = np.zeros(CTU_COEFFS, np.int16)
        self._scratch = new_scratch()
        self._inter_scratch = new_inter_scratch()

    def decode(self, header, slice_idx, data):
        """(7.3.8.1) All CTUs of one slice segment. -> number of CTUs

        header   its slice segment header
        data     uint8 array: the slice segment data without emulation prevention bytes
        Raises CorruptStream.
        """
        frame, layout = self._picture.frame, self._picture.active.layout
        slice_addr = int(frame.slices[slice_idx]["slice_addr"])
        walk = self._walk[0]
        walk["slice_idx"] = slice_idx
        last_qp_y, ended = self._walk["last_qp_y"], self._walk["end_of_slice_segment"]
        ctb_slice_addr, ctb_slice_idx = frame.ctbs["slice_addr"], frame.ctbs["slice_idx"]
        reader, loop_filter = new_reader(data), self._picture.loop_filter
        error = reader.state["error"]
        addr_ts = first_ts = int(layout.ctb_addr_rs_to_ts[header.slice_segment_address])
        while True:
            addr = int(layout.ctb_addr_ts_to_rs[addr_ts])
            if ctb_slice_addr[addr] >= 0:
                raise CorruptStream(f"(7.4.7.1) CTU {addr} of the picture with POC {self._picture.poc} is coded twice")
            ctb_slice_addr[addr], ctb_slice_idx[addr] = slice_addr, slice_idx
            segment_start = addr_ts == first_ts
            if self._streams.begins[addr_ts] and not segment_start:
                start_reader(reader, _byte_position(reader))
            dependent = header.dependent_slice_segment_flag
            if not self._storage.enter_ctu(reader, walk, frame, addr, addr_ts, segment_start, dependent):
                raise CorruptStream("(9.3.2) a dependent slice segment has no slice segment before it")
            walk["ctb_addr"] = addr
            walk["end_of_subset"] = self._streams.ends[addr_ts]
            walk["qp_y"] = last_qp_y[0]
            _read_ctu(reader, frame, self._walk, self._coeffs)
            if error[0] or _byte_position(reader) > len(data):
                reason = ERROR_TEXT.get(int(error[0]), "(9.3.4.3) the slice segment ends inside a CTU")
                raise CorruptStream(f"{reason}, in CTU {addr} of the picture with POC {self._picture.poc}")
            if header.slice_type != SLICE_I:
                _predict_inter(frame, self._picture.references, addr, self._inter_scratch)
            _reconstruct(frame, addr, self._coeffs, self._scratch)
            if loop_filter:
                loop_filter.collect_residual(frame, addr, self._coeffs)
            self._storage.leave_ctu(reader, addr_ts)
            addr_ts += 1
            if ended[0]:
                break
            if addr_ts >= len(layout.ctb_addr_ts_to_rs):
                raise CorruptStream(f"(7.4.9.1) the slice at CTU {slice_addr} runs on behind the end of the picture")
        self._storage.leave_segment(reader, walk)
        return addr_ts - first_ts
