"""(7.3.6, 7.3.8.1) Slice segments of a decided picture, written as NAL units."""

from dataclasses import replace

import numpy as np

from codec.base.byte_stream import escape, unescape
from codec.base.serdes import Writer
from codec.h265.cabac.engine import finish_writer, new_writer, start_writer
from codec.h265.nal import TOOLS_LAYER, nal_unit
from codec.h265.structs import CTU_COEFFS
from codec.h265.syntax.coding_tree import coding_tree_unit
from codec.h265.syntax.slice_header import set_entry_points, slice_segment_header
from codec.h265.syntax.sub_streams import ContextStorage
from codec.h265.syntax.walk import new_walk
from codec.h265.tools.extension import ctu_flag_masks

# more than any CTU can take: 32 bits a coefficient, and its syntax
_MAX_CTU_BYTES = CTU_COEFFS * 4 + 4096


class SliceWriter:
    """Writes pictures with the writing engine; keeps its buffer."""

    def __init__(self, sequence):
        self._q = sequence
        self._walk = new_walk()
        self._engine = new_writer(np.zeros(16 * _MAX_CTU_BYTES, np.uint8))

    def write(self, frame, headers, coeffs, plan, sizes=None):
        """All slices of a picture. -> list of NalUnit

        headers  one SliceHeader a slice, in coding order; what SAO decided is taken from frame.slices
        coeffs   (n CTUs, CTU_COEFFS) int16 by raster address
        plan     the PlannedPicture, for the NAL unit headers;  sizes: the picture's CtuSizes, or None
        """
        order = self._q.layout.ctb_addr_ts_to_rs
        first = [int(self._q.layout.ctb_addr_rs_to_ts[header.slice_segment_address]) for header in headers]
        storage = ContextStorage(self._q.sub_streams)
        units = []
        for i, (header, begin, end) in enumerate(zip(headers, first, [*first[1:], len(order)], strict=True)):
            header.slice_sao_luma_flag = int(frame.slices[i]["slice_sao_luma"])
            header.slice_sao_chroma_flag = int(frame.slices[i]["slice_sao_chroma"])
            frame.slices[i]["tool_flags_on"], frame.slices[i]["tool_flags_coded"] = ctu_flag_masks(header)
            of_slice = sizes if sizes and sizes.are_in(frame.slices[i]) else None
            data, ends = self._write_data(frame, i, range(begin, end), coeffs, storage, of_slice)
            units.append(self._nal(header, data, ends, plan))
        return units

    def _write_data(self, frame, slice_idx, addresses, coeffs, storage, sizes):
        """(7.3.8.1) slice_segment_data. -> (bytes, end position of each sub-stream)"""
        streams, order, walk = self._q.sub_streams, self._q.layout.ctb_addr_ts_to_rs, self._walk[0]
        walk["slice_idx"] = slice_idx
        write = sizes.write if sizes else coding_tree_unit
        engine = self._engine
        engine.state[0]["pos"] = 0
        start_writer(engine)
        ends = []
        for addr_ts in addresses:
            addr = int(order[addr_ts])
            engine = self._with_room(engine)
            storage.enter_ctu(engine, walk, frame, addr, addr_ts, addr_ts == addresses[0], False)
            walk["ctb_addr"] = addr
            walk["qp_y"] = walk["last_qp_y"]
            walk["end_of_slice_segment"] = addr_ts == addresses[-1]
            walk["end_of_subset"] = streams.ends[addr_ts]
            write(engine, frame, self._walk, coeffs[addr])
            storage.leave_ctu(engine, addr_ts)
            if walk["end_of_slice_segment"] or streams.ends[addr_ts]:
                ends.append(int(finish_writer(engine)))
                start_writer(engine)
        self._engine = engine
        return engine.data[: ends[-1]].tobytes(), ends

    @staticmethod
    def _with_room(engine):
        """The engine with room for one more CTU."""
        if len(engine.data) - engine.state[0]["pos"] >= _MAX_CTU_BYTES:
            return engine
        return engine._replace(data=np.concatenate([engine.data, np.zeros_like(engine.data)]))

    def _nal(self, header, data, ends, plan):
        """Header and data as a NAL unit, with entry points that count emulation prevention bytes (7.4.7.1)."""
        if len(ends) > 1:
            # a header ends in a byte that is not zero, so nothing in front changes what is escaped in the data
            _, removed = unescape(escape(data))
            inserted = removed - np.arange(len(removed))
            escaped_ends = [end + int(np.searchsorted(inserted, end)) for end in ends]
            set_entry_points(header, np.diff([0, *escaped_ends]).tolist())
        s = Writer()
        slice_segment_header(s, header, plan.nal_unit_type, lambda pps_id: (self._q.sps, self._q.pps))
        return in_layer(nal_unit(plan.nal_unit_type, s.rbsp() + data, plan.temporal_id), self._q.sps)


def in_layer(unit, sps):
    """(docs/BITSTREAM.md) A NalUnit that belongs to a picture, in the layer where the sequence's pictures are."""
    return replace(unit, nuh_layer_id=TOOLS_LAYER) if sps.tools else unit
