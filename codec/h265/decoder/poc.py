"""Which pictures are decoded and output, and their order: NoRaslOutputFlag, RASL pictures (8.1.3), POC (8.3.1)."""

from typing import NamedTuple

from codec.base.errors import CorruptStream
from codec.h265.decoder.notes import BEFORE_FIRST_IRAP, BEFORE_NEXT_IRAP, RASL_WITHOUT_REFERENCES
from codec.h265.nal import (
    is_bla,
    is_first_slice_segment,
    is_idr,
    is_irap,
    is_radl,
    is_rasl,
    is_sublayer_non_reference,
)
from codec.h265.syntax.slice_header import read_slice_pps_id


class PictureStart(NamedTuple):
    """What the first slice segment of a picture decides.

    poc                             PicOrderCntVal
    no_rasl_output_flag             the picture begins a coded video sequence
    skip                            the picture is not decoded: a RASL picture whose references are missing, or one
                                    before the first random access point
    pic_output_flag                 PicOutputFlag (8.1.3)
    no_output_of_prior_pics_flag    NoOutputOfPriorPicsFlag (C.5.2.2); only where no_rasl_output_flag is 1
    """

    poc: int
    no_rasl_output_flag: int
    skip: bool
    pic_output_flag: int
    no_output_of_prior_pics_flag: int


class RandomAccess:
    """(8.1.3) Which pictures can be decoded: all that NAL unit types tell, without a look into headers.

    Call `begin_picture` per picture that is decoded, `end_of_sequence` per EOS NAL unit.
    """

    def __init__(self):
        self.is_before_first_picture = True
        self._at_sequence_start = True
        self._no_rasl_output_flag = 0  # of the last IRAP picture

    def end_of_sequence(self):
        """(7.4.2.4.4) An end of sequence or end of bitstream NAL unit: the next picture begins a new sequence."""
        self._at_sequence_start = True

    def begins_sequence(self, nal_unit_type):
        """(8.1.3) NoRaslOutputFlag that a picture of this type would have now."""
        if not is_irap(nal_unit_type):
            return 0
        return int(is_idr(nal_unit_type) or is_bla(nal_unit_type) or self._at_sequence_start)

    def why_skipped(self, nal_unit_type):
        """(8.1.3) Why a picture of this type cannot be decoded now: a kind of decoder/notes.py; None if it can."""
        if self._at_sequence_start and not is_irap(nal_unit_type):
            return BEFORE_FIRST_IRAP if self.is_before_first_picture else BEFORE_NEXT_IRAP
        return RASL_WITHOUT_REFERENCES if is_rasl(nal_unit_type) and self._no_rasl_output_flag else None

    def begin_picture(self, nal_unit_type):
        """Note that a picture is decoded. -> its NoRaslOutputFlag, 0 where it is no IRAP picture"""
        no_rasl = self.begins_sequence(nal_unit_type)
        if is_irap(nal_unit_type):
            self._no_rasl_output_flag = no_rasl
        self._at_sequence_start = self.is_before_first_picture = False
        return no_rasl


class SkippedPictures:
    """(8.1.3) Tells the slice segments of pictures that cannot be decoded from the others; counts these pictures."""

    def __init__(self, access, sets, notes):
        """`access`, `sets`: the RandomAccess and the ParameterSets that the caller keeps up to date."""
        self._access, self._sets, self._notes = access, sets, notes
        self._nal_unit_type = None  # of the picture that is being skipped
        self.missing_pps = None  # the id that a first picture referred to before the sets arrived

    def include(self, nal):
        """Whether the next slice segment is of one of them; call it for each."""
        if is_first_slice_segment(nal):
            why = self._access.why_skipped(nal.nal_unit_type) or self._comes_before_its_sets(nal)
        elif nal.nal_unit_type == self._nal_unit_type:
            return True
        else:
            # the stream was joined inside a picture
            why = BEFORE_FIRST_IRAP if self._access.is_before_first_picture else None
        self._nal_unit_type = nal.nal_unit_type if why else None
        if why:
            self._notes.add(why)
        return why is not None

    def _comes_before_its_sets(self, nal):
        """Where a stream was joined, also an IRAP picture is skipped whose parameter sets were sent earlier."""
        if not self._access.is_before_first_picture:
            return None
        try:
            pps_id = read_slice_pps_id(nal.nal_unit_type, nal.payload)
        except CorruptStream:
            return None  # what is wrong with the header shows when it is read as a whole
        if self._sets.has(pps_id):
            return None
        self.missing_pps = pps_id
        return BEFORE_FIRST_IRAP


class PictureOrder(RandomAccess):
    """State carried over: call `start_picture` per first slice segment, `end_of_sequence` per EOS NAL unit."""

    def __init__(self):
        super().__init__()
        self._prev_tid0_poc = 0

    def start_picture(self, nal_unit_type, temporal_id, header, sps):
        """(8.1.3) The PictureStart of a picture; advances the state."""
        skip, is_first = self.why_skipped(nal_unit_type) is not None, self.is_before_first_picture
        no_rasl = 0 if skip else self.begin_picture(nal_unit_type)
        discard_prior = no_rasl and not is_first
        if discard_prior and (is_idr(nal_unit_type) or is_bla(nal_unit_type)):
            discard_prior = header.no_output_of_prior_pics_flag
        poc = self._picture_order_count(nal_unit_type, temporal_id, header, sps, no_rasl)
        output = 0 if skip else header.pic_output_flag
        return PictureStart(poc, no_rasl, skip, output, int(discard_prior))

    def _picture_order_count(self, nal_unit_type, temporal_id, header, sps, no_rasl_output_flag):
        """(8.3.1) PicOrderCntVal, and prevTid0Pic for the pictures to come."""
        lsb, max_lsb = header.slice_pic_order_cnt_lsb, 1 << sps.log2_max_pic_order_cnt_lsb
        poc = lsb
        if not no_rasl_output_flag:
            previous_lsb = self._prev_tid0_poc & (max_lsb - 1)
            poc += self._prev_tid0_poc - previous_lsb
            if lsb < previous_lsb and previous_lsb - lsb >= max_lsb // 2:
                poc += max_lsb
            elif lsb > previous_lsb and lsb - previous_lsb > max_lsb // 2:
                poc -= max_lsb
        leading = is_rasl(nal_unit_type) or is_radl(nal_unit_type)
        if temporal_id == 0 and not leading and not is_sublayer_non_reference(nal_unit_type):
            self._prev_tid0_poc = poc
        return poc
