"""Parameter sets as they arrive and as they come into force (7.4.2.4.2)."""

from typing import NamedTuple

import numpy as np

from codec import limits
from codec.errors import CorruptStream
from codec.syntax.params import CtbLayout, ctb_layout, make_params, scaling_factors
from codec.syntax.pps import Pps, check_pps, pic_parameter_set_rbsp
from codec.syntax.serdes import read_rbsp
from codec.syntax.sps import Sps, seq_parameter_set_rbsp
from codec.syntax.sub_streams import SubStreams
from codec.syntax.vps import Vps, video_parameter_set_rbsp


class Active(NamedTuple):
    """The parameter sets of a picture, and what follows from them."""

    sps: Sps
    pps: Pps
    params: np.ndarray
    scaling: np.ndarray
    layout: CtbLayout
    sub_streams: SubStreams


class ParameterSets:
    """The parameter sets received so far, and the ones in force.

    A set that is sent again with the same bytes changes nothing. A PPS is tied to its SPS only when a picture uses it,
    so that the two may arrive in any order, and either may be replaced.
    """

    def __init__(self):
        self.vps, self.sps, self.pps = {}, {}, {}
        self._bytes = {}
        self._active = None

    def store_vps(self, rbsp):
        """Take in a video parameter set."""
        return self._store(self.vps, "vps_video_parameter_set_id", video_parameter_set_rbsp, Vps, rbsp)

    def store_sps(self, rbsp):
        """Take in a sequence parameter set."""
        return self._store(self.sps, "sps_seq_parameter_set_id", seq_parameter_set_rbsp, Sps, rbsp)

    def store_pps(self, rbsp):
        """Take in a picture parameter set."""
        return self._store(self.pps, "pps_pic_parameter_set_id", pic_parameter_set_rbsp, Pps, rbsp)

    def _store(self, store, id_name, function, factory, rbsp):
        limits.check("the size in bytes of a parameter set", len(rbsp), "MAX_PARAMETER_SET_BYTES")
        received = read_rbsp(function, factory(), rbsp)
        key = getattr(received, id_name)
        if self._bytes.get((id_name, key)) == rbsp:
            return store[key]
        self._bytes[id_name, key] = rbsp
        store[key] = received
        return received

    @property
    def has_tools(self):
        """Whether a sequence parameter set speaks of CNN tools."""
        return any(sps.tools for sps in self.sps.values())

    def lookup(self, pps_id):
        """(sps, pps) of a slice_pic_parameter_set_id; raises CorruptStream when either has not arrived."""
        pps = self.pps.get(pps_id)
        if pps is None:
            raise CorruptStream(f"(7.4.2.4.2) a slice refers to PPS {pps_id}, which has not arrived")
        sps = self.sps.get(pps.pps_seq_parameter_set_id)
        if sps is None:
            raise CorruptStream(
                f"(7.4.2.4.2) PPS {pps_id} refers to SPS {pps.pps_seq_parameter_set_id}, which has not arrived"
            )
        return sps, pps

    def activate(self, pps_id, new_sequence):
        """(7.4.2.4.2) Bring the sets of a picture's first slice into force; returns the Active ones.

        `new_sequence` is true for an IRAP picture with NoRaslOutputFlag equal to 1, where alone the SPS may change.
        """
        sps, pps = self.lookup(pps_id)
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
        sps, pps = self.lookup(pps_id)
        if self._active is None or sps is not self._active.sps or pps is not self._active.pps:
            raise CorruptStream(f"(7.4.7.1) a slice changes the parameter sets inside a picture, to PPS {pps_id}")
