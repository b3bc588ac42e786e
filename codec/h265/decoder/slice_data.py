"""(7.3.8.1) Slice segment data: the decoder's loop over runs of CTUs, parse and reconstruct."""

import queue

import numpy as np

from codec.base.errors import CorruptStream
from codec.base.kernels.jit import settled
from codec.h265.cabac.engine import new_reader, reader_byte_position, start_reader
from codec.h265.recon.inter import new_inter_scratch, predict_inter_ctu
from codec.h265.recon.reconstruct import new_scratch, reconstruct_ctu
from codec.h265.structs import CTU_COEFFS, SLICE_I
from codec.h265.syntax.coding_tree import read_ctus
from codec.h265.syntax.sub_streams import ContextStorage
from codec.h265.syntax.walk import ERROR_TEXT, new_walk

_read_ctus = settled(read_ctus)
_byte_position = settled(reader_byte_position)
_predict_inter = settled(predict_inter_ctu)
_reconstruct = settled(reconstruct_ctu)

# CTUs that are parsed before they are reconstructed: their coefficients stay in the cache
_LONGEST_RUN = 16
# runs that the parser may be ahead of the samples, where these are made in another thread
_RUNS_AHEAD = 32


class Reconstructor:
    """Makes samples of parsed CTUs, in the worker; holds the memory for it, which serves picture after picture."""

    def __init__(self, worker):
        self._worker = worker
        self._scratch = new_scratch()
        self._inter_scratch = new_inter_scratch()
        self._prepared = None
        self._free = queue.SimpleQueue()
        for _ in range(_RUNS_AHEAD if worker.is_thread else 1):
            self._free.put(np.empty(_LONGEST_RUN * CTU_COEFFS, np.int16))

    def take_coefficients(self):
        """Memory for the coefficients of a run of CTUs; waits until there is some."""
        return self._free.get()

    def submit(self, frame, references, is_inter, addr, count, coeffs, tools, sizes):
        """(8.4 - 8.6) Reconstruct `count` CTUs from `addr` on; `coeffs` goes back to the free memory.

        tools  AppliedTools;  sizes: CtuSizes for a single CTU that has one, or None
        """
        self._worker.submit(self._run, frame, references, is_inter, addr, count, coeffs, tools, sizes)
        if tools.samples_first:
            self._worker.wait()

    def _run(self, frame, references, is_inter, addr, count, coeffs, tools, sizes):
        try:
            if tools is not self._prepared:
                tools.prepare(self._scratch)
                self._prepared = tools
            if is_inter:
                _predict_inter(frame, references, addr, count, self._inter_scratch)
            if sizes:
                sizes.reconstruct(frame, addr, coeffs[:CTU_COEFFS], self._scratch)
            else:
                _reconstruct(frame, addr, coeffs[: count * CTU_COEFFS], self._scratch)
            if tools.follows_ctus:
                for i in range(count):
                    tools.reconstructed(frame, addr + i, coeffs[i * CTU_COEFFS : (i + 1) * CTU_COEFFS])
        finally:
            self._free.put(coeffs)


class SliceDataDecoder:
    """Decodes the slice segments of one picture."""

    def __init__(self, picture, reconstructor):
        self._picture = picture
        self._reconstructor = reconstructor
        self._streams = picture.active.sub_streams
        self._storage = ContextStorage(self._streams)
        self._walk = new_walk()
        self._longest_run = min(_LONGEST_RUN, picture.tools.longest_run or _LONGEST_RUN)

    def decode(self, header, slice_idx, data):
        """(7.3.8.1) All CTUs of one slice segment. -> number of CTUs

        header   its slice segment header
        data     uint8 array: the slice segment data without emulation prevention bytes
        Raises CorruptStream.
        """
        picture, walk = self._picture, self._walk[0]
        frame, references = picture.frame, picture.references
        ctb_slice_addr = frame.ctbs["slice_addr"]
        is_inter = header.slice_type != SLICE_I
        addresses = picture.active.layout.ctb_addr_ts_to_rs
        walk["slice_idx"], slice_addr = slice_idx, int(frame.slices[slice_idx]["slice_addr"])
        sizes = picture.sizes if picture.sizes and picture.sizes.are_in(frame.slices[slice_idx]) else None
        ended = self._walk["end_of_slice_segment"]
        reader = new_reader(data)
        addr_ts = first_ts = int(picture.active.layout.ctb_addr_rs_to_ts[header.slice_segment_address])
        while True:
            addr = int(addresses[addr_ts])
            self.check_begin(addr)
            longest = 1 if sizes else self._run_length(ctb_slice_addr, addr, addr_ts)
            ctb_slice_addr[addr] = slice_addr
            segment_start = addr_ts == first_ts
            if self._streams.begins[addr_ts] and not segment_start:
                start_reader(reader, _byte_position(reader))
            dependent = header.dependent_slice_segment_flag
            if not self._storage.enter_ctu(reader, walk, frame, addr, addr_ts, segment_start, dependent):
                raise CorruptStream("(9.3.2) a dependent slice segment has no slice segment before it")
            walk["ctb_addr"] = addr
            walk["end_of_subset"] = self._streams.ends[addr_ts + longest - 1]
            coeffs = self._reconstructor.take_coefficients()
            read = sizes.read if sizes else _read_ctus
            count = read(reader, frame, self._walk, coeffs[: longest * CTU_COEFFS])
            self._check(reader)
            self._reconstructor.submit(frame, references, is_inter, addr, count, coeffs, picture.tools, sizes)
            addr_ts += count
            self._storage.leave_ctu(reader, addr_ts - 1)
            if ended[0]:
                break
            if addr_ts >= len(addresses):
                raise CorruptStream(f"(7.4.9.1) the slice at CTU {slice_addr} runs on behind the end of the picture")
        self._storage.leave_segment(reader, walk)
        return addr_ts - first_ts

    def check_begin(self, addr):
        """(7.4.7.1) Raise CorruptStream when CTU `addr` is there already."""
        if self._picture.frame.ctbs["slice_addr"][addr] >= 0:
            raise CorruptStream(f"(7.4.7.1) CTU {addr} of the picture with POC {self._picture.poc} is coded twice")

    def _run_length(self, ctb_slice_addr, addr, addr_ts):
        """How many CTUs from `addr` on may be parsed at once: up to one that is there already."""
        longest = min(int(self._streams.run_end[addr_ts]) - addr_ts, self._longest_run)
        is_there = ctb_slice_addr[addr : addr + longest] >= 0
        return int(is_there.argmax()) or longest

    def _check(self, reader):
        error = int(reader.state["error"][0])
        if error:
            addr = int(self._walk["ctb_addr"][0])
            raise CorruptStream(f"{ERROR_TEXT[error]}, in CTU {addr} of the picture with POC {self._picture.poc}")
