"""Parameter sets as they arrive and as they come into force (7.4.2.4.2)."""

from functools import cached_property
from typing import NamedTuple

import numpy as np

from codec.base import limits
from codec.base.errors import CodecError, CorruptStream
from codec.base.serdes import read_rbsp
from codec.h265.nal import TOOLS_LAYER
from codec.h265.syntax.params import CtbLayout, ctb_layout, make_params, scaling_factors
from codec.h265.syntax.pps import Pps, check_pps, pic_parameter_set_rbsp, read_pps_id
from codec.h265.syntax.sps import Sps, read_sps_id, seq_parameter_set_rbsp
from codec.h265.syntax.sub_streams import SubStreams


class Active(NamedTuple):
    """The parameter sets of a picture, and what follows from them."""

    sps: Sps
    pps: Pps
    params: np.ndarray
    scaling: np.ndarray
    layout: CtbLayout
    sub_streams: SubStreams


class _Received:
    """A parameter set as it arrived. What it says is read, and judged, when a slice first asks for it."""

    def __init__(self, function, factory, rbsp):
        self._function, self._factory, self.rbsp = function, factory, rbsp

    @cached_property
    def content(self):
        """The Sps or Pps; raises CodecError where it is broken or asks for what we lack."""
        return read_rbsp(self._function, self._factory(), self.rbsp)

    @cached_property
    def may_speak_of_tools(self):
        """Of an SPS: whether it speaks of CNN tools. One that cannot be read may."""
        try:
            return bool(self.content.tools)
        except CodecError:
            return True


class ParameterSets:
    """The parameter sets received so far, and the ones in force.

    A set that is sent again with the same bytes changes nothing. Only a slice that refers to a set brings to light what
    is wrong with it. A PPS is tied to its SPS only when a picture uses it, so that the two may arrive in any order, and
    either may be replaced.
    """

    def __init__(self):
        self._sps, self._pps = {}, {}
        self._active = None

    def store_vps(self, rbsp):
        """Take in a video parameter set: nothing of it decides how the base layer is decoded, so nothing is kept."""
        _check_size(rbsp)

    def store_sps(self, rbsp):
        """Take in a sequence parameter set; raises CorruptStream, and changes nothing, where its id cannot be read."""
        self._store(self._sps, read_sps_id, seq_parameter_set_rbsp, Sps, rbsp)

    def store_pps(self, rbsp):
        """Take in a picture parameter set; likewise."""
        self._store(self._pps, read_pps_id, pic_parameter_set_rbsp, Pps, rbsp)

    def _store(self, store, read_id, function, factory, rbsp):
        _check_size(rbsp)
        key = read_id(rbsp)
        if key not in store or store[key].rbsp != rbsp:
            store[key] = _Received(function, factory, rbsp)

    def knows_layer(self, nal):
        """(F.7.3.1, docs/BITSTREAM.md) The base layer, and ours once a sequence parameter set speaks of CNN tools."""
        ours = nal.nuh_layer_id == TOOLS_LAYER and any(sps.may_speak_of_tools for sps in self._sps.values())
        return nal.nuh_layer_id == 0 or ours

    def has(self, pps_id):
        """Whether a PPS and its SPS have arrived, readable or not."""
        if pps_id not in self._pps:
            return False
        try:
            return self._pps[pps_id].content.pps_seq_parameter_set_id in self._sps
        except CodecError:
            return True

    def lookup(self, pps_id):
        """(sps, pps) of a slice_pic_parameter_set_id.

        Raises CorruptStream when either has not arrived, and what reading them raises.
        """
        if pps_id not in self._pps:
            raise CorruptStream(f"(7.4.2.4.2) a slice refers to PPS {pps_id}, which has not arrived")
        pps = self._pps[pps_id].content
        sps_id = pps.pps_seq_parameter_set_id
        if sps_id not in self._sps:
            raise CorruptStream(f"(7.4.2.4.2) PPS {pps_id} refers to SPS {sps_id}, which has not arrived")
        return self._sps[sps_id].content, pps

    def _lookup_again(self, pps_id):
        """As lookup; a set that says in other bytes what the one in force says is that one."""
        found = self.lookup(pps_id)
        in_force = self._active[:2] if self._active else found
        return tuple(old if new is old or new == old else new for new, old in zip(found, in_force, strict=True))

    def activate(self, pps_id, new_sequence):
        """(7.4.2.4.2) Bring the sets of a picture's first slice into force; returns the Active ones.

        `new_sequence` is true for an IRAP picture with NoRaslOutputFlag equal to 1, where alone the SPS may change.
        """
        sps, pps = self._lookup_again(pps_id)
        active = self._active
        if active is not None and sps is not active.sps and not new_sequence:
            raise CorruptStream(
                f"(7.4.2.4.2) SPS {sps.sps_seq_parameter_set_id} comes into force inside a coded video sequence"
            )
        if active is None or sps is not active.sps or pps is not active.pps:
            check_pps(pps, sps)
            params, scaling = make_params(sps, pps), scaling_factors(sps, pps)
            layout = ctb_layout(sps, pps)
            streams = SubStreams(layout, sps.pic_width_in_ctbs_y, pps.entropy_coding_sync_enabled_flag)
            self._active = Active(sps, pps, params, scaling, layout, streams)
        return self._active

    def check_same_picture(self, pps_id):
        """(7.4.7.1) A later slice segment of a picture must use the sets that its first one brought into force."""
        sps, pps = self._lookup_again(pps_id)
        if self._active is None or sps is not self._active.sps or pps is not self._active.pps:
            raise CorruptStream(f"(7.4.7.1) a slice changes the parameter sets inside a picture, to PPS {pps_id}")


def _check_size(rbsp):
    limits.check("the size in bytes of a parameter set", len(rbsp), "MAX_PARAMETER_SET_BYTES")
