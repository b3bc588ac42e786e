"""Lagrangian multipliers (reference: HM's encoder): how much squared error a bit is worth."""

from codec.recon.dequant import chroma_qp

# of an intra picture whose GOP has no B pictures
_INTRA_QP_FACTOR = 0.57


def intra_lambda(qp):
    """lambda = 0.57 * 2^((QP - 12) / 3), for squared error of 8-bit samples."""
    return _INTRA_QP_FACTOR * 2.0 ** ((qp - 12) / 3)


def chroma_weight(qp, offset):
    """Distortion weight of a chroma component: 2^((QP - QPc) / 3), QPc by table 8-10 with the component's offset."""
    return 2.0 ** ((qp - int(chroma_qp(qp, offset, 8))) / 3)


def set_multipliers(work, qp, cb_offset, cr_offset, bit_depth):
    """Fill the multipliers of a search's WORK record for a slice QP; errors are at `bit_depth`.

    RDOQ of chroma weighs a bit by the component's distortion weight, so that both speak of the same J.
    """
    scale = 4.0 ** (bit_depth - 8)
    lam = intra_lambda(qp) * scale
    work["lambda_mode"] = lam
    work["sqrt_lambda"] = lam**0.5
    work["weight_cb"] = chroma_weight(qp, cb_offset)
    work["weight_cr"] = chroma_weight(qp, cr_offset)
    work["lambda_rdoq"] = lam, lam / work["weight_cb"], lam / work["weight_cr"]
