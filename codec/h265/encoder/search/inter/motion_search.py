"""Motion estimation of one prediction block in one reference picture: a MOTION_SEARCH record in, its vector out.

The best of the start vectors is the centre of an integer search by SAD, and what that finds is refined to half and
quarter samples by SATD. Every cost is the distortion plus sqrt_lambda times the bits of the vector difference.

The integer searches: test zones (Purnachand, Alves and Navarro 2012), the new three-step search (Li, Zeng and Liou
1994), the diamond search (Zhu and Ma 2000), and all positions.
"""

import numpy as np

from codec.base.kernels.jit import flattened, kernel
from codec.base.records import record
from codec.h265.encoder.search.inter.block_match import mvd_bits, sad_block, satd_block
from codec.h265.encoder.search.inter.reference_planes import BORDER, plane_offset
from codec.h265.structs import MAX_CTB_SIZE

SEARCH_FULL, SEARCH_TZ, SEARCH_TSS, SEARCH_DIAMOND = range(4)

SOURCE_STRIDE = MAX_CTB_SIZE
MAX_STARTS = 16

MOTION_SEARCH = record(
    [
        # settings
        ("method", np.int64),  # SEARCH_*
        ("search_range", np.int64),  # full samples around the best start
        ("sqrt_lambda", np.float64),  # distortion units per bit
        ("fast", np.int64),  # SAD of every second row where the block has more than eight
        ("raster", np.int64),  # test zones that end far away scan the window
        ("narrow", np.int64),  # differences of what is matched, source or twice it, from samples are below 512
        ("patience", np.int64),  # rounds without success after which test zones end
        # the block: position in the picture, and what is to be matched, in rows of SOURCE_STRIDE
        ("x", np.int64),
        ("y", np.int64),
        ("width", np.int64),
        ("height", np.int64),
        ("source", np.int16, (MAX_CTB_SIZE * MAX_CTB_SIZE,)),
        ("distortion_shift", np.int64),  # 1 where the source is twice the original less the other prediction
        ("distortion_scale", np.float64),  # what a unit of distortion counts: the weight that the source is without
        ("inverse_scale", np.float64),  # 1 / distortion_scale
        # vectors, in quarter samples; the predicted one is always a start
        ("mvp", np.int64, (2,)),
        ("starts", np.int64, (MAX_STARTS, 2)),
        ("start_count", np.int64),
        ("extra_bits", np.float64),  # counted with those of the vector difference
        # the result: vector in quarter samples, SATD + sqrt_lambda * bits
        ("mv", np.int64, (2,)),
        ("cost", np.float64),
        # how the search stands: best position in full samples, and how far from the centre of its pattern
        ("best_x", np.int64),
        ("best_y", np.int64),
        ("best_cost", np.float64),
        ("distance", np.int64),
        # samples of reference pictures from this row of the picture on may not be there yet: vectors stay above
        ("bottom", np.int64),
        # where it may go, in full samples: what the picture allows, and the search window
        ("limits", np.int64, (4,)),  # left, top, right, bottom
        ("window", np.int64, (4,)),
    ]
)

# a best position this far out, or farther, calls for a raster scan of this step
_RASTER = 5
# vectors may leave the picture by a block and this many samples
_OUTSIDE = 8
_LARGE = 1e300
NO_BOTTOM = 1 << 20
"""MOTION_SEARCH.bottom where all of the reference pictures is there."""


def new_motion_search():
    """(1,) MOTION_SEARCH; kernels take its element."""
    search = np.zeros(1, MOTION_SEARCH)
    search["distortion_scale"] = search["inverse_scale"] = 1.0
    search["raster"], search["patience"], search["bottom"] = 1, 3, NO_BOTTOM
    return search


# --- costs ----------------------------------------------------------------------------------------------------------


@kernel(inline=True)
def _rate_cost(m, mv_x, mv_y):
    """sqrt_lambda * bits of a vector in quarter samples."""
    return m.sqrt_lambda * (m.extra_bits + mvd_bits(mv_x - m.mvp[0], mv_y - m.mvp[1]))


@kernel(inline=True)
def _limit(m, allowed):
    """The least distortion that costs `allowed` or more, before distortion_shift and distortion_scale."""
    return (np.int64(min(max(allowed * m.inverse_scale, 0.0), 1e9)) + 1) << m.distortion_shift


@kernel
def _sad_cost(m, flat, shape, slot, mv_x, mv_y, best):
    """SAD + sqrt_lambda * bits of a vector in quarter samples, exact where it is less than `best`."""
    rate = _rate_cost(m, mv_x, mv_y)
    if rate >= best:
        return rate
    at = plane_offset(shape, slot, m.x, m.y, mv_x, mv_y, m.width, m.height)
    limit, stride = _limit(m, best - rate), np.int64(shape[3])
    half = np.int64(m.fast != 0 and m.height > 8)
    limit, rows = (limit + half) >> half, m.height >> half
    sad = sad_block(m.source, 0, SOURCE_STRIDE << half, flat, at, stride << half, m.width, rows, limit) << half
    return rate + m.distortion_scale * (sad >> m.distortion_shift)


@kernel
def _satd_cost(m, flat, shape, slot, mv_x, mv_y, best):
    """SATD + sqrt_lambda * bits of a vector in quarter samples, exact where it is less than `best`."""
    rate = _rate_cost(m, mv_x, mv_y)
    if rate >= best:
        return rate
    at = plane_offset(shape, slot, m.x, m.y, mv_x, mv_y, m.width, m.height)
    limit = _limit(m, best - rate)
    cost = satd_block(m.source, 0, SOURCE_STRIDE, flat, at, np.int64(shape[3]), m.width, m.height, m.narrow, limit)
    return rate + m.distortion_scale * (cost >> m.distortion_shift)


# --- where vectors may go -------------------------------------------------------------------------------------------


@kernel
def _set_limits(m, shape):
    """Vectors of full samples that keep the block near the picture and above `bottom`, and themselves within 16 bit."""
    reach = np.int64(MAX_CTB_SIZE + _OUTSIDE)
    m.limits[0] = max(-reach - m.x, -8192)
    m.limits[1] = max(-reach - m.y, -8192)
    m.limits[2] = min(np.int64(shape[3]) - 2 * BORDER + _OUTSIDE - m.x, 8191)
    m.limits[3] = min(np.int64(shape[2]) - 2 * BORDER + _OUTSIDE - m.y, 8191, m.bottom - m.height - m.y)


@kernel
def _set_window(m, radius):
    """The square of `radius` around the best position, as far as the limits allow."""
    m.window[0] = max(m.best_x - radius, m.limits[0])
    m.window[1] = max(m.best_y - radius, m.limits[1])
    m.window[2] = min(m.best_x + radius, m.limits[2])
    m.window[3] = min(m.best_y + radius, m.limits[3])


@kernel
def may_refer(m, y, height, mv_y):
    """Whether a vector keeps rows y .. y + height - 1 above `bottom`, with the samples that are filtered into them."""
    return y + height + ((mv_y + 3) >> 2) <= m.bottom


@kernel
def _clipped(m, mv_x, mv_y):
    """A vector in quarter samples, brought within the limits."""
    return (
        min(max(mv_x, 4 * m.limits[0]), 4 * m.limits[2]),
        min(max(mv_y, 4 * m.limits[1]), 4 * m.limits[3]),
    )


# --- patterns of full samples ---------------------------------------------------------------------------------------


@kernel
def _visit(m, flat, shape, slot, x, y, distance):
    """Take position (x, y) if it lies in the window and costs less than the best."""
    if m.window[0] <= x <= m.window[2] and m.window[1] <= y <= m.window[3]:
        cost = _sad_cost(m, flat, shape, slot, 4 * x, 4 * y, m.best_cost)
        if cost < m.best_cost:
            m.best_cost, m.best_x, m.best_y, m.distance = cost, x, y, distance


@kernel
def _visit_cross(m, flat, shape, slot, x, y, d):
    """The four positions at distance d in line with (x, y)."""
    for k in range(4):
        sign = np.int64(1 - (k & 2))
        _visit(m, flat, shape, slot, x + (k & 1) * sign * d, y + (1 - (k & 1)) * sign * d, d)


@kernel
def _visit_corners(m, flat, shape, slot, x, y, reach, d):
    """The four positions `reach` away in both directions; `d` is what their distance is called."""
    for k in range(4):
        _visit(m, flat, shape, slot, x + (2 * (k & 1) - 1) * reach, y + ((k & 2) - 1) * reach, d)


@kernel
def _visit_square(m, flat, shape, slot, x, y, d):
    """The eight positions of a square of radius d."""
    _visit_cross(m, flat, shape, slot, x, y, d)
    _visit_corners(m, flat, shape, slot, x, y, d, d)


@kernel
def _scan(m, flat, shape, slot, step):
    """Every position of the window, or every `step`-th in both directions."""
    for y in range(m.window[1], m.window[3] + 1, step):
        for x in range(m.window[0], m.window[2] + 1, step):
            _visit(m, flat, shape, slot, x, y, step)


# --- methods --------------------------------------------------------------------------------------------------------


@kernel
def _diamond(m, flat, shape, slot):
    """A diamond of radius 2 walks until its centre is best, then one of radius 1 looks around it."""
    moved = True
    while moved:
        x, y = m.best_x, m.best_y
        _visit_cross(m, flat, shape, slot, x, y, np.int64(2))
        _visit_corners(m, flat, shape, slot, x, y, np.int64(1), np.int64(2))
        moved = m.best_x != x or m.best_y != y
    _visit_cross(m, flat, shape, slot, m.best_x, m.best_y, np.int64(1))


@kernel
def _three_step(m, flat, shape, slot):
    """The squares halve; beside the first, the neighbours of the centre are tried, and a win there ends the search."""
    x, y, step = m.best_x, m.best_y, np.int64(1)
    while 4 * step <= m.search_range + 1:
        step *= 2
    _visit_square(m, flat, shape, slot, x, y, step)
    if step > 1:
        _visit_square(m, flat, shape, slot, x, y, np.int64(1))
    if max(abs(m.best_x - x), abs(m.best_y - y)) <= 1:
        if m.best_x != x or m.best_y != y:
            _visit_square(m, flat, shape, slot, m.best_x, m.best_y, np.int64(1))
        return
    while step > 1:
        step >>= 1
        _visit_square(m, flat, shape, slot, m.best_x, m.best_y, step)


@kernel
def _expand(m, flat, shape, slot):
    """Diamonds at doubling distances around the best position; m.distance tells which one won, 0: none."""
    x, y, d, failures = m.best_x, m.best_y, np.int64(1), 0
    m.distance = 0
    while d <= m.search_range and failures < m.patience:
        before = m.best_cost
        _visit_cross(m, flat, shape, slot, x, y, d)
        if d > 1:
            _visit_corners(m, flat, shape, slot, x, y, d >> 1, d)
        failures = failures + 1 if m.best_cost == before else 0
        d *= 2
    if m.distance == 1:
        # the two neighbours of the winner that touch the centre by a corner
        step_x, step_y = m.best_x - x, m.best_y - y
        for side in range(-1, 2, 2):
            _visit(m, flat, shape, slot, x + step_x + side * step_y, y + step_y + side * step_x, np.int64(1))


@kernel
def _test_zones(m, flat, shape, slot):
    """Expanding diamonds; a raster scan where they end far away; then diamonds again until nothing moves."""
    _expand(m, flat, shape, slot)
    if m.raster and m.distance > _RASTER:
        _scan(m, flat, shape, slot, np.int64(_RASTER))
    while m.distance > 1:
        _expand(m, flat, shape, slot)


# --- the search -----------------------------------------------------------------------------------------------------


@kernel
def _take_if_better(m, flat, shape, slot, mv_x, mv_y):
    """Make a vector in quarter samples the result if its SATD cost is less."""
    x, y = _clipped(m, mv_x, mv_y)
    if x == mv_x and y == mv_y:
        cost = _satd_cost(m, flat, shape, slot, mv_x, mv_y, m.cost)
        if cost < m.cost:
            m.cost = cost
            m.mv[0] = mv_x
            m.mv[1] = mv_y


@kernel
def _take_if_less(m, flat, shape, slot, mv_x, mv_y):
    """_take_if_better, by SAD."""
    x, y = _clipped(m, mv_x, mv_y)
    if x == mv_x and y == mv_y:
        cost = _sad_cost(m, flat, shape, slot, mv_x, mv_y, m.cost)
        if cost < m.cost:
            m.cost = cost
            m.mv[0] = mv_x
            m.mv[1] = mv_y


@kernel
def _refine(m, flat, shape, slot, step):
    """The eight neighbours, `step` quarter samples away, of the result so far."""
    x, y = m.mv[0], m.mv[1]
    for k in range(9):
        if k != 4:
            _take_if_better(m, flat, shape, slot, x + (k % 3 - 1) * step, y + (k // 3 - 1) * step)


@kernel
def _to_quarter_samples(m, flat, shape, slot, start_x, start_y):
    """From the best position to the result: half samples, then quarter samples around it; or else the start."""
    m.cost = _LARGE
    _take_if_better(m, flat, shape, slot, 4 * m.best_x, 4 * m.best_y)
    _refine(m, flat, shape, slot, np.int64(2))
    _refine(m, flat, shape, slot, np.int64(1))
    # the search went by SAD and from full samples: it may have lost what the start had
    before = m.cost
    _take_if_better(m, flat, shape, slot, start_x, start_y)
    if m.cost < before:
        _refine(m, flat, shape, slot, np.int64(1))


@kernel
def _best_start(m, flat, shape, slot):
    """The start of least SAD cost, in quarter samples: the predicted vector or one of m.starts."""
    best_x, best_y = _clipped(m, m.mvp[0], m.mvp[1])
    best = _sad_cost(m, flat, shape, slot, best_x, best_y, _LARGE)
    for k in range(m.start_count):
        x, y = _clipped(m, m.starts[k, 0], m.starts[k, 1])
        if x != best_x or y != best_y:
            cost = _sad_cost(m, flat, shape, slot, x, y, best)
            if cost < best:
                best, best_x, best_y = cost, x, y
    return best_x, best_y


@kernel
def search_vector(m, planes, slot):
    """The vector of a block in the reference picture of `slot`: m.mv and m.cost.

    m       element of a MOTION_SEARCH array; settings, block and vectors filled in
    planes  from reference_planes.new_planes, filled for the slot
    """
    flat, shape = flattened(planes), planes.shape
    _set_limits(m, shape)
    start_x, start_y = _best_start(m, flat, shape, slot)
    m.best_x, m.best_y = (start_x + 2) >> 2, (start_y + 2) >> 2
    m.best_cost = _sad_cost(m, flat, shape, slot, 4 * m.best_x, 4 * m.best_y, _LARGE)
    _set_window(m, m.search_range)
    if m.method == SEARCH_TZ:
        _test_zones(m, flat, shape, slot)
    elif m.method == SEARCH_FULL:
        _scan(m, flat, shape, slot, np.int64(1))
    elif m.method == SEARCH_TSS:
        _three_step(m, flat, shape, slot)
    else:
        _diamond(m, flat, shape, slot)
    _to_quarter_samples(m, flat, shape, slot, start_x, start_y)


@kernel
def add_start(m, x, y):
    """One more vector in quarter samples to start from, unless it is there already."""
    for k in range(m.start_count):
        if m.starts[k, 0] == x and m.starts[k, 1] == y:
            return
    m.starts[m.start_count, 0] = x
    m.starts[m.start_count, 1] = y
    m.start_count += 1


@kernel
def search_roughly(m, planes, slot):
    """As search_vector, by SAD alone: a diamond from the best start, then neighbours at half and quarter samples."""
    flat, shape = flattened(planes), planes.shape
    _set_limits(m, shape)
    start_x, start_y = _best_start(m, flat, shape, slot)
    m.best_x, m.best_y = (start_x + 2) >> 2, (start_y + 2) >> 2
    m.best_cost = _sad_cost(m, flat, shape, slot, 4 * m.best_x, 4 * m.best_y, _LARGE)
    _set_window(m, m.search_range)
    _diamond(m, flat, shape, slot)
    m.mv[0], m.mv[1], m.cost = 4 * m.best_x, 4 * m.best_y, m.best_cost
    _take_if_less(m, flat, shape, slot, start_x, start_y)
    for step in (np.int64(2), np.int64(1)):
        x, y = m.mv[0], m.mv[1]
        for k in range(9):
            _take_if_less(m, flat, shape, slot, x + (k % 3 - 1) * step, y + (k // 3 - 1) * step)


@kernel
def refine_vector(m, planes, slot, radius):
    """As search_vector, but over all positions of +-`radius` full samples around the vector already in m.mv."""
    flat, shape = flattened(planes), planes.shape
    _set_limits(m, shape)
    start_x, start_y = _clipped(m, m.mv[0], m.mv[1])
    m.best_x, m.best_y, m.best_cost = (start_x + 2) >> 2, (start_y + 2) >> 2, _LARGE
    _set_window(m, radius)
    _scan(m, flat, shape, slot, np.int64(1))
    _to_quarter_samples(m, flat, shape, slot, start_x, start_y)
