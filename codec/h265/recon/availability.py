"""(6.4.1) Which earlier blocks a block may use."""

from codec.base.kernels.jit import kernel
from codec.h265.recon.order import ZSCAN


@kernel(inline=True)
def ctb_available(frame, ctb_curr, ctb_nb):
    """(6.4.1) Whether CTB `ctb_nb` (raster address) is in the same slice and tile and comes before `ctb_curr`."""
    current = frame.ctbs[ctb_curr]
    neighbour = frame.ctbs[ctb_nb]
    return (
        neighbour.slice_addr == current.slice_addr
        and neighbour.tile_id == current.tile_id
        and neighbour.addr_ts < current.addr_ts
    )


@kernel
def available_z(frame, x_curr, y_curr, x_nb, y_nb):
    """(6.4.1) Whether the block that covers (x_nb, y_nb) is decoded before, or with, the one at (x_curr, y_curr).

    Luma samples of the picture; the neighbour may lie outside it, also at negative coordinates. Inside a CTB the
    order is that of minimum transform blocks.
    """
    params = frame.params[0]
    if x_nb < 0 or y_nb < 0 or x_nb >= params.pic_width or y_nb >= params.pic_height:
        return False
    log2_ctb = params.log2_ctb_size
    ctb_curr = (y_curr >> log2_ctb) * params.width_in_ctbs + (x_curr >> log2_ctb)
    ctb_nb = (y_nb >> log2_ctb) * params.width_in_ctbs + (x_nb >> log2_ctb)
    if ctb_curr != ctb_nb:
        return ctb_available(frame, ctb_curr, ctb_nb)
    mask = (1 << log2_ctb) - 1
    drop = 2 * (params.log2_min_tb_size - 2)
    order_nb = ZSCAN[(y_nb & mask) >> 2, (x_nb & mask) >> 2] >> drop
    order_curr = ZSCAN[(y_curr & mask) >> 2, (x_curr & mask) >> 2] >> drop
    return order_nb <= order_curr
