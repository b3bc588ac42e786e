"""codec.h265.encoder.picture.weight_estimation: fades are found, ordinary motion gets no weights; what is coded."""

from types import SimpleNamespace

import numpy as np
import pytest

from codec.base.serdes import Reader, Writer
from codec.h265.encoder.picture.weight_estimation import NO_WEIGHTS, PictureWeights, estimate_weights, weight_table
from codec.h265.structs import SLICE_B, SLICE_P
from codec.h265.syntax.pred_weight import PredWeightList, PredWeightTable, pred_weight_table, weights_and_offsets
from tests.encode.test_streams import source_pictures

WIDTH, HEIGHT = 320, 192


def clip(bit_depth=8, chroma=1, count=5):
    return [[plane.astype(np.float64) for plane in p] for p in source_pictures(WIDTH, HEIGHT, count, bit_depth, chroma)]


def faded(planes, gains, offsets, bit_depth=8):
    """Planes of gain * sample + offset, the offset at 8 bits."""
    top = (1 << bit_depth) - 1
    return [
        np.clip(np.round(gain * plane + offset * 2 ** (bit_depth - 8)), 0, top).astype(np.int16)
        for plane, gain, offset in zip(planes, gains, offsets, strict=False)
    ]


def plain(planes):
    return faded(planes, (1, 1, 1), (0, 0, 0))


@pytest.mark.parametrize("bit_depth", [8, 10])
@pytest.mark.parametrize(
    ("gain", "offset", "denominator"),
    [(0.5, 8, 7), (0.8, -20, 7), (0.9, 60, 7), (1.5, -10, 7), (2.0, -70, 6), (1.0, 12, 7)],
)
def test_a_fade_is_recovered(gain, offset, denominator, bit_depth):
    first = clip(bit_depth, count=1)[0]
    # with room for all gains in the range of samples
    first = faded(first, 3 * [0.4], (60, 77, 77), bit_depth)
    around = 128 * (1 - gain)
    current = faded(first, 3 * [gain], (offset, around, around), bit_depth)
    weights = estimate_weights(current, {4: first}, 5, bit_depth)
    assert weights
    assert weights.denominators[0] == denominator
    ((weight, found),) = weights.luma[4]
    assert weight / 2**denominator == pytest.approx(gain, abs=0.02)
    # a rounded offset is made up for by the weight: the means agree
    mean = first[0].mean() / 2 ** (bit_depth - 8)
    assert weight / 2**denominator * mean + found == pytest.approx(gain * mean + offset, abs=0.5)
    if gain == 1.0:
        assert not weights.chroma
    else:
        for plane, (weight, found) in zip(first[1:], weights.chroma[4], strict=True):
            scaled, mean = weight / 2 ** weights.denominators[1], plane.mean() / 2 ** (bit_depth - 8)
            assert scaled == pytest.approx(gain, abs=0.06)
            assert scaled * mean + found == pytest.approx(gain * mean + around, abs=0.5)


def test_each_reference_has_its_own_weights():
    pictures = clip()
    gains = 1.0, 0.8, 0.6, 0.4, 0.2
    coded = [
        faded(planes, 3 * [gain], (16 * (1 - gain), 128 * (1 - gain), 128 * (1 - gain)))
        for planes, gain in zip(pictures, gains, strict=True)
    ]
    weights = estimate_weights(coded[2], {poc: coded[poc] for poc in (0, 1, 3, 4)}, 2, 8)
    one = 1 << weights.denominators[0]
    for poc in (0, 1, 3):
        assert weights.luma[poc][0][0] / one == pytest.approx(gains[2] / gains[poc], abs=0.03)
    # the nearest picture decides how precise weights are: a gain of 3 does not fit beside it
    assert one == 128 and 4 not in weights.luma


def test_moving_pictures_keep_the_default():
    pictures = [plain(p) for p in clip()]
    assert not estimate_weights(pictures[4], dict(enumerate(pictures[:4])), 4, 8)
    moved = [np.roll(plane, (6, -10), (0, 1)) for plane in pictures[0]]
    assert not estimate_weights(moved, {0: pictures[0]}, 1, 8)


def test_between_the_pictures_of_a_cross_fade_the_default_stays():
    """The mean of both sides is the picture; weights would spoil it."""
    first = clip(count=1)[0]
    last = [plane[::-1, ::-1] for plane in first]
    mixed = [plain([part * a + (1 - part) * b for a, b in zip(first, last, strict=True)]) for part in (0.8, 0.5, 0.2)]
    assert not estimate_weights(mixed[1], {0: mixed[0], 2: mixed[2]}, 1, 8)


def test_other_content_keeps_the_default():
    rng = np.random.default_rng(3)
    noise = [rng.integers(0, 256, (64, 64)).astype(np.int16) for _ in range(3)]
    stripes = [np.broadcast_to(np.arange(64, dtype=np.int16) % 32 * 8, (64, 64)) for _ in range(3)]
    assert not estimate_weights(noise, {0: stripes}, 1, 8)


def test_extreme_pictures():
    """Flat, black, white and tiny ones: whatever is found can be coded."""
    picture = plain(clip(count=1)[0])
    black, white = ([np.full_like(plane, value) for plane in picture] for value in (0, 255))
    for current in (picture, black, white):
        for reference in (picture, black, white):
            weights = estimate_weights(current, {0: reference}, 1, 8)
            coded_and_read(weights, [[0], []])
    # to black and to white: what is left of the picture is nothing
    assert estimate_weights(black, {0: picture}, 1, 8).luma[0][0][0] == 0
    tiny = [np.full((8, 8), 30, np.int16), *2 * [np.full((4, 4), 128, np.int16)]]
    darker = [tiny[0] - 20, *tiny[1:]]
    assert estimate_weights(darker, {0: tiny}, 1, 8).luma == {0: [(128, -20)]}


def test_monochrome_has_no_chroma_weights():
    first = clip(chroma=0, count=1)[0]
    weights = estimate_weights(faded(first, [0.5], [8]), {0: plain(first)}, 1, 8)
    assert weights.luma and not weights.chroma
    coded_and_read(weights, [[0, 0], []], chroma=0)


# --- what is coded --------------------------------------------------------------------------------------------------


def coded_and_read(weights, lists, chroma=1):
    """The table of a slice, written and read. -> (2, 16, 3, 2) weights and offsets, (3,) denominators"""
    header = SimpleNamespace(
        slice_type=SLICE_B if lists[1] else SLICE_P,
        num_ref_idx_l0_active_minus1=len(lists[0]) - 1,
        num_ref_idx_l1_active_minus1=len(lists[1]) - 1,
    )
    writer, table = Writer(), PredWeightTable()
    pred_weight_table(writer, weight_table(weights, lists), header, chroma)
    writer.rbsp_trailing_bits()
    pred_weight_table(Reader(writer.rbsp()), table, header, chroma)
    return weights_and_offsets(table, SimpleNamespace(bit_depth_y=8, bit_depth_c=8))


WEIGHTS = PictureWeights((7, 6), {3: [(0, 127)], 8: [(255, -128)]}, {3: [(64, 0), (160, -100)]})


def test_the_decoder_reads_what_was_chosen():
    values, denominators = coded_and_read(WEIGHTS, [[3, 4], [8, 3]])
    assert denominators.tolist() == [7, 6, 6]
    assert values[0, 0].tolist() == [[0, 127], [64, 0], [160, -100]]
    assert values[0, 1].tolist() == [[128, 0], [64, 0], [64, 0]]
    assert values[1, 0].tolist() == [[255, -128], [64, 0], [64, 0]]
    assert values[1, 1].tolist() == values[0, 0].tolist()


def test_every_chroma_offset_can_be_coded():
    for weight, offset in ((0, -128), (0, 127), (191, -128), (191, 100), (64, 127)):
        weights = PictureWeights((0, 6), {}, {0: [(weight, offset)] * 2})
        assert coded_and_read(weights, [[0], []])[0][0, 0, 1].tolist() == [weight, offset]


def test_without_weights_a_list_costs_two_bits_an_entry():
    table = weight_table(NO_WEIGHTS, [[3, 4, 5], []])
    assert table == PredWeightTable(
        lists=[PredWeightList([0] * 3, [0] * 3, [0] * 3, [0] * 3, [0] * 6, [0] * 6), PredWeightList()]
    )


def test_no_more_weights_than_may_be_coded():
    """A picture that stands in both lists has the same weights in both, or none."""
    pocs = list(range(10))
    weights = PictureWeights((7, 7), {poc: [(120, 3)] for poc in pocs}, {poc: [(110, 5), (111, 6)] for poc in pocs})
    values, _ = coded_and_read(weights, [pocs, pocs[::-1]])
    assert (values[0, :10] == values[1, 9::-1]).all()
    # four pictures in both lists, with luma and chroma
    assert (values[0, :10, :, 1] != 0).sum() == 12
    assert (values[0, :4, :, 1] != 0).all()
