"""Where the encoder begins a new slice: by number of CTUs, by bytes, and where tiles and wavefronts ask for it."""

from codec.h265.config import SLICES_BY_BYTES, SLICES_BY_CTUS, SLICES_OFF

# What a CTU may add to a slice beyond the search's estimate: SAO parameters, rounding of the rate, emulation prevention
_CTU_MARGIN_BITS = 96
_HEADER_BYTES = 24


class SlicePlan:
    """Asked before each CTU, in coding order; keeps count of the present slice."""

    def __init__(self, config, sub_streams):
        self._mode, self._argument = config.SliceMode, config.SliceArgument
        self._streams = sub_streams
        self._begin = 0
        self._bits = 0.0

    def begins_slice(self, addr_ts):
        """(6.3.1, 7.4.7.1) Whether CTU `addr_ts` begins a slice, given what `add_ctu` was told of those before it."""
        begins = addr_ts == 0 or self._must_end(addr_ts)
        if begins:
            self._begin, self._bits = addr_ts, 0.0
        return begins

    def _must_end(self, addr_ts):
        if self._mode == SLICES_OFF:
            return False
        # a slice that shares a tile or a wavefront row with another one ends with it
        if self._streams.tile_start[addr_ts]:
            return True
        if self._streams.row_start[addr_ts] and not self._streams.begins[self._begin]:
            return True
        if self._mode == SLICES_BY_CTUS:
            return addr_ts - self._begin >= self._argument
        return False

    def overflows(self, addr_ts, bits):
        """Whether CTU `addr_ts` with an estimate of `bits` would lift the present slice above its bytes."""
        if self._mode != SLICES_BY_BYTES or addr_ts == self._begin:
            return False
        wanted = self._bits + bits + _CTU_MARGIN_BITS
        return wanted * 1.02 / 8 + _HEADER_BYTES > self._argument

    def add_ctu(self, bits):
        """Count a coded CTU of an estimated `bits` into the present slice."""
        self._bits += bits + _CTU_MARGIN_BITS

    def restart(self, addr_ts):
        """CTU `addr_ts` begins a slice after all (`overflows`)."""
        self._begin, self._bits = addr_ts, 0.0
