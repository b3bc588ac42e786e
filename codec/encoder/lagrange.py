"""Lagrangian multipliers (reference: HM's encoder): how much squared error a bit is worth."""

from codec.recon.dequant import chroma_qp


def chroma_weight(qp, offset):
    """Distortion weight of a chroma component: 2^((QP - QPc) / 3), QPc by table 8-10 with the component's offset."""
    return 2.0 ** ((qp - int(chroma_qp(qp, offset, 8))) / 3)


def set_multipliers(work, lam, qp, cb_offset, cr_offset, bit_depth):
    """Fill the multipliers of a search's WORK record; errors are at `bit_depth`.

    lam  of the picture, for errors of 8-bit samples (gop.picture_lambda); qp: of the slice
    cb_offset, cr_offset   chroma QP offsets of PPS and slice together

    RDOQ of chroma weighs a bit by the component's distortion weight, so that both speak of the same J.
    """
    scale = 4.0 ** (bit_depth - 8)
    lam *= scale
    work["lambda_mode"] = lam
    work["sqrt_lambda"] = lam**0.5
    work["weight_cb"] = chroma_weight(qp, cb_offset)
    work["weight_cr"] = chroma_weight(qp, cr_offset)
    work["lambda_rdoq"] = lam, lam / work["weight_cb"], lam / work["weight_cr"]
