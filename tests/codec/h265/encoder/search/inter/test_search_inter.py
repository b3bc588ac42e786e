"""The search in P and B slices leaves in the planes what reconstruction makes of its decisions, and finds motion."""

import io

import numpy as np
import pytest

from codec.h265.encoder.encode import encode_sequence
from codec.h265.encoder.search import ctu_search
from codec.h265.structs import CTU_COEFFS, MODE_INTER
from tests.codec.h265.encoder.plan.gops import cfg_config

WIDTH, HEIGHT = 96, 80


def moving_pictures(count, shift=(3, 1), noise=2, seed=1):
    """A smooth random texture that moves by `shift` whole samples a picture, with a little noise."""
    rng = np.random.default_rng(seed)
    rough = rng.integers(0, 256, (40, 40)).astype(float)
    texture = np.kron(rough, np.ones((8, 8)))
    for axis in (0, 1):
        texture = sum(np.roll(texture, k, axis) for k in range(-3, 4)) / 7
    for index in range(count):
        x, y = 20 + shift[0] * index, 20 + shift[1] * index
        luma = texture[y : y + HEIGHT, x : x + WIDTH] + rng.normal(0, noise, (HEIGHT, WIDTH))
        luma = np.clip(np.round(luma), 0, 255).astype(np.int16)
        chroma = np.ascontiguousarray(luma[::2, ::2])
        yield [luma, chroma, np.ascontiguousarray(255 - chroma)]


def encode(config, pictures):
    return list(encode_sequence(config, pictures, io.BytesIO()))


@pytest.mark.parametrize("changes", [{}, dict(TransformSkipFast=False, QP=12), dict(MaxCUWidth=16, MaxCUHeight=16,
                         MaxPartitionDepth=2, QuadtreeTULog2MaxSize=4)])  # fmt: skip
@pytest.mark.parametrize("cfg", ["lowdelay_P_main", "lowdelay_main", "randomaccess_main"])
def test_search_leaves_what_reconstruction_makes(monkeypatch, cfg, changes):
    """Every CTU: predict_inter_ctu and reconstruct_ctu, run on the decided blocks, change no sample."""
    search, reconstruct = ctu_search._search, ctu_search._reconstruct
    left, compared = {}, []

    def planes_of(frame):
        return [plane.copy() for plane in (frame.luma, frame.cb, frame.cr)]

    def recorded_search(frame, refs, state, walk, coeffs):
        assert coeffs.size == CTU_COEFFS
        cost = search(frame, refs, state, walk, coeffs)
        left["planes"] = planes_of(frame)
        return cost

    def compared_reconstruct(frame, addr, coeffs, scratch):
        reconstruct(frame, addr, coeffs, scratch)
        for before, after in zip(left["planes"], planes_of(frame), strict=True):
            np.testing.assert_array_equal(before, after)
        compared.append(int((frame.units["pred_mode"] == MODE_INTER).sum()))

    monkeypatch.setattr(ctu_search, "_search", recorded_search)
    monkeypatch.setattr(ctu_search, "_reconstruct", compared_reconstruct)
    config = cfg_config(cfg, SourceWidth=WIDTH, SourceHeight=HEIGHT, Threads=1, **changes)
    encode(config, moving_pictures(4))
    assert len(compared) >= 4 and max(compared) > 0


def test_motion_is_found():
    """A texture that moves by whole samples: vectors tell so, and a picture costs a fraction of an intra one."""
    config = cfg_config("lowdelay_P_main", SourceWidth=WIDTH, SourceHeight=HEIGHT, BlockStatistics=True)
    reports = encode(config, moving_pictures(4, noise=0))
    blocks = reports[1].statistics.inter_blocks
    area = blocks["width"].astype(int) * blocks["height"]
    # the texture is read ever farther to the right and down, so blocks come from the right and from below
    moved = (np.abs(blocks["mv"][:, 0, 0] - 12) <= 1) & (np.abs(blocks["mv"][:, 0, 1] - 4) <= 1)
    assert area[moved].sum() > 0.8 * WIDTH * HEIGHT
    assert reports[1].bits < reports[0].bits / 8


def test_still_pictures_are_skipped():
    config = cfg_config("lowdelay_main", SourceWidth=WIDTH, SourceHeight=HEIGHT, BlockStatistics=True)
    first = next(moving_pictures(1))
    reports = encode(config, [first, first, first])
    for report in reports[1:]:
        assert report.bits < 300
        assert report.statistics.coding_units["skip"].mean() > 0.9


@pytest.mark.parametrize("method", ["full", "tss", "diamond"])
def test_every_search_method_beats_standing_still(method):
    """Each method finds most of what the default finds on a slow motion."""
    sizes = {}
    for name, changes in {"tz": {}, method: dict(MotionSearch=method, SearchRange=8)}.items():
        config = cfg_config("lowdelay_P_main", SourceWidth=WIDTH, SourceHeight=HEIGHT, **changes)
        sizes[name] = sum(report.bits for report in encode(config, moving_pictures(3))[1:])
    assert sizes[method] < 1.15 * sizes["tz"]
