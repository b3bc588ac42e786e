"""The output filter's arithmetic, and which nets it takes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from codec.base.errors import Unsupported, UsageError, WeightsMissing
from codec.base.io.matrices import Colour
from codec.base.io.rgb import FULL, to_rgb
from codec.common.tools.filter_nets import choose_nets, load_nets
from codec.h265.tools.loop_filter import apply as loop_filter
from codec.h265.tools.output_filter.apply import PLACE, CnnOutputFilter
from nets import reference
from tests.codec.h265.tools.small_nets import luma_net, publish_nets, rgb_net


def load(directory, net, backend="compiled"):
    ids = publish_nets(directory, net=net).values()
    return load_nets(ids, directory, backend, place=PLACE)[0]


def picture(width=50, height=34, depth=8, seed=1):
    rng = np.random.default_rng(seed)
    shapes = ((height, width), (height // 2, width // 2), (height // 2, width // 2))
    return [rng.integers(0, 1 << depth, shape).astype(np.int16) for shape in shapes]


@pytest.mark.parametrize("fraction", [11, 13])
@pytest.mark.parametrize("depth", [8, 10])
def test_corrections_are_added_in_sixteenths(tmp_path, depth, fraction):
    net = rgb_net()
    net = replace(net, outputs=(net.outputs[0]._replace(fraction=fraction),))
    loaded, planes, depths = load(tmp_path, net), picture(depth=depth), (depth, depth)
    correction = CnnOutputFilter(loaded, Colour(1)).prepare(planes, depths, 37)
    before = to_rgb(planes, depths, Colour(1))
    inputs = {
        "rec_rgb": (((before + 2) >> 2) - 512).astype(np.int16)[None],
        "qp": np.full((1, 1, *before.shape[1:]), 8 * 37, np.int16),
    }
    change = reference.run(net, inputs)["rgb"][0].astype(int)
    assert np.abs(change).max() > 100
    for scale in range(4):
        sixteenths = np.floor(change * (4 - scale) / 4 / 2 ** (fraction - 11) + 0.5).astype(int)
        after = np.clip(before + sixteenths, 0, FULL)
        made = correction.output(scale)
        assert np.array_equal(correction.after(scale), after)
        assert np.array_equal(made.rgb, np.moveaxis((after + 8) // 16, 0, 2)) and made.rgb.dtype == np.uint8
        for old, new in zip(planes, made.planes, strict=True):
            assert new.shape == old.shape and new.dtype == np.int16
        assert not np.array_equal(made.planes[0], planes[0])
    off = correction.output()
    assert off.planes is planes and np.array_equal(off.rgb, np.moveaxis((before + 8) // 16, 0, 2))


def test_tiles_and_threads_do_not_show(tmp_path):
    loaded, planes = load(tmp_path, rgb_net()), picture(98, 70)
    whole = CnnOutputFilter(loaded, Colour()).prepare(planes, (8, 8), 30).change
    with ThreadPoolExecutor(2) as pool:
        for tile, threads in ((16, 1), (48, 2), (512, 3)):
            shared = CnnOutputFilter(loaded, Colour(), tile, pool=pool, threads=threads)
            assert np.array_equal(shared.prepare(planes, (8, 8), 30).change, whole)


def test_only_nets_for_it_are_taken(tmp_path):
    with pytest.raises(Unsupported, match="no output filter: input rec_y"):
        load(tmp_path / "a", luma_net())
    ids = publish_nets(tmp_path / "b", net=rgb_net()).values()
    with pytest.raises(Unsupported, match="no loop filter: input rec_rgb"):
        load_nets(ids, tmp_path / "b", "compiled", place=loop_filter.PLACE)
    with pytest.raises(Unsupported, match="matrix_coeffs = 8"):
        CnnOutputFilter(load(tmp_path / "c", rgb_net()), Colour(8))


def test_the_architecture_or_a_name_chooses_the_net(tmp_path):
    ids = publish_nets(tmp_path, one=rgb_net(1), two=rgb_net(2), luma=luma_net(), s=rgb_net(3, "cnnif_s_rgb"))
    assert choose_nets("cnnif_s", "", tmp_path, PLACE, 1) == (ids["s"],)
    assert choose_nets("cnnif_xs", "two", tmp_path, PLACE, 1) == (ids["two"],)
    with pytest.raises(UsageError, match="at most 1 .CnnOutputFilterNets"):
        choose_nets("cnnif_xs", "", tmp_path, PLACE, 1)
    with pytest.raises(WeightsMissing, match="CnnOutputFilter=cnnif: no network weights"):
        choose_nets("cnnif", "", tmp_path, PLACE, 1)
