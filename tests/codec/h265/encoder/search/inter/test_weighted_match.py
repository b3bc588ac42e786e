"""codec.h265.encoder.search.inter.weighted_match and the costs that use it, against clause 8.5.3.3.4.3."""

import numpy as np
import pytest

from codec.h265.encoder.search.inter.motion_cost import load_source, sad_to, satd_to, satd_to_both
from codec.h265.encoder.search.inter.motion_search import refine_vector, search_vector
from codec.h265.encoder.search.inter.reference_planes import BORDER, fill_planes, new_plane_memory, new_planes
from codec.h265.encoder.search.inter.weighted_match import aim_unweighted, aim_unweighted_rest
from codec.h265.encoder.search.search_state import new_search
from codec.h265.structs import PARAMS, REFERENCE
from tests.codec.h265.encoder.search.inter.motion_reference import slow_sad, slow_satd, vector_bits

HEIGHT, WIDTH = 64, 96
DENOMINATOR = 6
BLOCKS = ((16, 8, 32, 16), (64, 32, 16, 32), (0, 0, 64, 64), (88, 60, 8, 4))


def picture(seed, depth):
    """Waves that repeat nowhere near, with some noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    wave = np.sin(x / 5.3 + seed) + np.sin(y / 4.1 + x / 17) + 0.2 * rng.normal(size=(HEIGHT, WIDTH))
    return np.clip((wave + 2.5) * 2**depth / 5, 0, 2**depth - 1).astype(np.int16)


def new_state(depth, references):
    """A Search for weighted pictures whose slots show `references`."""
    params = np.zeros(1, PARAMS)
    params["pic_height"], params["pic_width"] = HEIGHT, WIDTH
    planes = new_planes(params[0], len(references))
    for slot, luma in enumerate(references):
        fill_planes(luma, planes[slot], depth, 0, planes.shape[2], new_plane_memory(planes))
    chroma = np.zeros((HEIGHT // 2, WIDTH // 2), np.int16)
    samples = np.zeros((HEIGHT, WIDTH), np.int16), chroma, chroma
    s = new_search(*samples, np.zeros((1, 1, 1), np.int8), samples, planes)
    settings = s.work[0]["settings"]
    settings["weighted"], settings["sample_max"] = 1, (1 << depth) - 1
    motion = s.motion[0]
    motion.search_range, motion.sqrt_lambda = 6, 2.0
    return s


def new_reference(slot, weight, offset):
    reference = np.zeros(1, REFERENCE)
    reference["slot"], reference["weight"], reference["offset"] = slot, weight, offset
    reference["log2_denominator"] = DENOMINATOR
    return reference[0]


def put_block(s, x, y, width, height):
    b = s.inter.block[0]
    b.x, b.y, b.width, b.height, b.cb_size = x, y, width, height, max(width, height)
    load_source(s)


def predicted(s, reference, mv):
    """Default prediction of the block by a vector."""
    b = s.inter.block[0]
    row, column = int(b.y) + (mv[1] >> 2) + BORDER, int(b.x) + (mv[0] >> 2) + BORDER
    plane = s.reference_planes[int(reference["slot"]), 4 * (mv[1] & 3) + (mv[0] & 3)]
    return plane[row : row + b.height, column : column + b.width].astype(np.int64)


def weighted(s, reference, mv):
    """(8-251) for samples instead of intermediate ones."""
    scaled = predicted(s, reference, mv) * int(reference["weight"][0])
    value = ((scaled + (1 << (DENOMINATOR - 1))) >> DENOMINATOR) + int(reference["offset"][0])
    return np.clip(value, 0, s.work["settings"]["sample_max"][0])


def weighted_both(s, reference_0, mv_0, reference_1, mv_1):
    """(8-254) likewise."""
    total = predicted(s, reference_0, mv_0) * int(reference_0["weight"][0])
    total += predicted(s, reference_1, mv_1) * int(reference_1["weight"][0])
    offsets = int(reference_0["offset"][0]) + int(reference_1["offset"][0]) + 1
    return np.clip((total + (offsets << DENOMINATOR)) >> (DENOMINATOR + 1), 0, s.work["settings"]["sample_max"][0])


def source_of(s):
    b = s.inter.block[0]
    return s.luma[b.y : b.y + b.height, b.x : b.x + b.width].astype(np.int64)


@pytest.mark.parametrize("depth", [8, 10])
def test_costs_follow_the_formulas(depth):
    rng = np.random.default_rng(depth)
    s = new_state(depth, [picture(1, depth), picture(2, depth)])
    s.luma[:] = rng.integers(0, 1 << depth, s.luma.shape)
    for weight_0, offset_0, weight_1, offset_1 in (
        (64, 0, 64, 0),
        (-64, 508, 191, -512),
        (0, 80, 100, -7),
        (37, 5, 90, -9),
    ):
        first, second = new_reference(0, weight_0, offset_0), new_reference(1, weight_1, offset_1)
        for block in BLOCKS:
            put_block(s, *block)
            (x_0, y_0), (x_1, y_1) = rng.integers(-40, 41, (2, 2)).tolist()
            source, one = source_of(s), weighted(s, first, (x_0, y_0))
            assert sad_to(s, first, x_0, y_0) == slow_sad(source, one)
            assert satd_to(s, first, x_0, y_0) == slow_satd(source, one)
            both = weighted_both(s, first, (x_0, y_0), second, (x_1, y_1))
            assert satd_to_both(s, first, x_0, y_0, second, x_1, y_1) == slow_satd(source, both)


def test_default_weights_change_no_cost():
    s = new_state(8, [picture(1, 8), picture(2, 8)])
    s.luma[:] = picture(3, 8)
    first, second = new_reference(0, 64, 0), new_reference(1, 64, 0)
    put_block(s, *BLOCKS[0])
    costs = []
    for flag in (0, 1):
        s.work["settings"]["weighted"] = flag
        costs.append((sad_to(s, first, 5, -7), satd_to(s, first, 5, -7), satd_to_both(s, first, 5, -7, second, 6, 2)))
    assert costs[0] == costs[1]
    aim_unweighted(s, first)
    m = s.motion[0]
    assert m.distortion_scale == 1.0 and (m.source.reshape(64, 64)[:16, :32] == source_of(s)).all()


# weights and offsets: a fade down, one up, towards white
@pytest.mark.parametrize(("weight", "offset"), [(40, 6), (96, -30), (20, 120)])
@pytest.mark.parametrize("depth", [8, 10])
def test_a_faded_block_is_found(weight, offset, depth):
    shift = depth - 8
    base = (picture(4, depth).astype(np.int64) * 3 >> 3) + (50 << shift)
    s = new_state(depth, [base.astype(np.int16)])
    reference = new_reference(0, weight, offset << shift)
    for block, mv in zip(BLOCKS[:2], ((9, -6), (-20, 13)), strict=True):
        put_block(s, *block)
        x, y, width, height = block
        s.luma[y : y + height, x : x + width] = weighted(s, reference, mv)
        load_source(s)
        m = s.motion[0]
        m.mvp[:] = 4 * (mv[0] // 4) + 8, 4 * (mv[1] // 4) - 4
        aim_unweighted(s, reference)
        search_vector(m, s.reference_planes, 0)
        assert tuple(m.mv) == mv
        # distortion is what rounding leaves, at the scale of the source: below a sample value or two
        assert m.cost - m.sqrt_lambda * vector_bits(mv, m.mvp.tolist()) < 4 * width * height


@pytest.mark.parametrize("depth", [8, 10])
def test_the_second_vector_is_found(depth):
    shift = depth - 8
    bases = [(picture(seed, depth).astype(np.int64) * 3 >> 3) + (50 << shift) for seed in (5, 6)]
    s = new_state(depth, [base.astype(np.int16) for base in bases])
    first, second = new_reference(0, 40, 9 << shift), new_reference(1, 90, -20 << shift)
    x, y, width, height = BLOCKS[0]
    put_block(s, *BLOCKS[0])
    s.luma[y : y + height, x : x + width] = weighted_both(s, first, (3, 6), second, (-5, 2))
    load_source(s)
    m = s.motion[0]
    for reference, other, mv, other_mv in ((first, second, (3, 6), (-5, 2)), (second, first, (-5, 2), (3, 6))):
        aim_unweighted_rest(s, reference, other, *other_mv)
        m.mv[:] = m.mvp[:] = mv[0] - 5, mv[1] + 4
        refine_vector(m, s.reference_planes, int(reference["slot"]), 3)
        assert tuple(m.mv) == mv
        assert m.distortion_scale == reference["weight"][0] / 128


def test_a_weight_of_zero_makes_all_vectors_equal():
    s = new_state(8, [picture(1, 8)])
    s.luma[:] = picture(2, 8)
    put_block(s, *BLOCKS[0])
    m = s.motion[0]
    m.mvp[:] = 8, 4
    aim_unweighted(s, new_reference(0, 0, 100))
    search_vector(m, s.reference_planes, 0)
    assert tuple(m.mv) == (8, 4)
    assert m.cost == m.sqrt_lambda * 2
