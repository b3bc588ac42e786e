"""Lagrangian multipliers (reference: HM's encoder): how much squared error a bit is worth."""

from typing import NamedTuple

from codec.h265.recon.dequant import chroma_qp


def chroma_weight(qp, offset):
    """Distortion weight of a chroma component: 2^((QP - QPc) / 3), QPc by table 8-10 with the component's offset."""
    return 2.0 ** ((qp - int(chroma_qp(qp, offset, 8))) / 3)


class Multipliers(NamedTuple):
    """What a bit is worth at the coded bit depth; distortion weights of Cb and Cr."""

    lam: float
    weight_cb: float
    weight_cr: float

    @property
    def by_component(self):
        """Squared error of Y, Cb and Cr that a bit is worth: RDOQ of all of them then speaks of the same J."""
        return self.lam, self.lam / self.weight_cb, self.lam / self.weight_cr


def multipliers(lam, qp, cb_offset, cr_offset, bit_depth):
    """The Multipliers of blocks; errors are at `bit_depth`.

    lam  of the picture, for errors of 8-bit samples (gop.picture_lambda); qp: of the slice
    cb_offset, cr_offset   chroma QP offsets of PPS and slice together
    """
    return Multipliers(lam * 4.0 ** (bit_depth - 8), chroma_weight(qp, cb_offset), chroma_weight(qp, cr_offset))
