"""In low delay pictures begin before those that they refer to are whole: no vector reaches what may be missing."""

import io

import numpy as np
import pytest

from codec.h265.config import DecoderConfig
from codec.h265.decoder.decode import decode_stream
from codec.h265.encoder.encode import encode_sequence
from codec.h265.encoder.picture.picture_encoder import make_sequence
from codec.h265.encoder.picture.reach import Reach
from codec.h265.encoder.search.ctu_search import CtuSearch
from codec.h265.encoder.search.inter.motion_search import NO_BOTTOM
from codec.h265.encoder.search.inter.reference_planes import BORDER, LINES_BELOW
from tests.codec.h265.encoder.plan.gops import cfg_config

WIDTH, HEIGHT, CTB = 96, 256, 16
# with four rows of CTUs below the own one, but for the lines that filters read
REACH = 5 * CTB - 4


def rising_pictures(count, step):
    """A random texture that rises by `step` samples a picture: what predicts a block lies so far below it."""
    rough = np.random.default_rng(1).integers(0, 256, (60 + count * step // 8, WIDTH // 8)).astype(float)
    texture = np.kron(rough, np.ones((8, 8)))
    for axis in (0, 1):
        texture = sum(np.roll(texture, k, axis) for k in range(-3, 4)) / 7
    for index in range(count):
        luma = np.round(texture[index * step : index * step + HEIGHT]).astype(np.int16)
        yield [luma, np.ascontiguousarray(luma[::2, ::2]), np.ascontiguousarray(255 - luma[::2, ::2])]


def config_of(name, **changes):
    blocks = dict(MaxCUWidth=CTB, MaxCUHeight=CTB, MaxPartitionDepth=2, QuadtreeTULog2MaxSize=4)
    size = dict(SourceWidth=WIDTH, SourceHeight=HEIGHT)
    return cfg_config(name, **size, **blocks, QP=34, BlockStatistics=True, **changes)


def encode(name, threads, step=64, **changes):
    sink = io.BytesIO()
    config = config_of(name, Threads=threads, **changes)
    return list(encode_sequence(config, rising_pictures(4, step), sink)), sink.getvalue()


def lowest_lines(reports):
    """(line below the block that predicts, line where the CTU row begins) of all inter blocks."""
    for report in reports[1:]:
        blocks = report.statistics.inter_blocks
        for i in range(2):
            used = blocks[blocks["ref_idx"][:, i] >= 0]
            bottom = used["y"] + used["height"] + ((used["mv"][:, i, 1].astype(int) + 3) >> 2)
            yield from zip(bottom.tolist(), (used["y"] // CTB * CTB).tolist(), strict=True)


@pytest.mark.parametrize("name", ["lowdelay_P_main", "lowdelay_main"])
def test_vectors_stay_above_what_may_be_missing(name):
    reports, stream = encode(name, 1)
    lines = list(lowest_lines(reports))
    limited = [bottom - row for bottom, row in lines if row + 5 * CTB < HEIGHT]
    assert max(limited) <= REACH
    # and they do go for it
    assert sum(reach > REACH - CTB for reach in limited) > 20
    for threads in (2, 5):
        assert encode(name, threads)[1] == stream
    decoded = decode_stream(DecoderConfig(), io.BytesIO(stream))
    assert [picture.hash_status for picture in decoded] == ["OK"] * 4


def test_nothing_is_read_that_may_be_missing(monkeypatch):
    """What reference pictures hold below the limit is garbage while a CTU is searched and reconstructed."""
    _, stream = encode("lowdelay_P_main", 1)
    spoilt = []

    def spoiling(function):
        def call(tools, picture, frame, refs, addr):
            bottom, saved = int(tools.search.motion[0]["bottom"]), []
            for _, other in picture.references.rps.st_curr_before if bottom < NO_BOTTOM else ():
                chroma, motion = (bottom + LINES_BELOW) // 2, (bottom + LINES_BELOW) // 16
                saved += [
                    tools.search.reference_planes[other.slot][:, bottom + BORDER :],
                    refs.luma[other.slot][bottom + LINES_BELOW :],
                    refs.cb[other.slot][chroma:],
                    refs.cr[other.slot][chroma:],
                    refs.motion["mv"][other.slot][motion:],
                ]
            kept = [part.copy() for part in saved]
            for part in saved:
                part[...] = np.random.default_rng(addr).integers(0, 255, part.shape)
            function(tools, picture, frame, refs, addr)
            for part, before in zip(saved, kept, strict=True):
                part[...] = before
            spoilt.append(len(saved))

        return call

    for name in ("decide", "reconstruct"):
        monkeypatch.setattr(CtuSearch, name, spoiling(getattr(CtuSearch, name)))
    assert encode("lowdelay_P_main", 1)[1] == stream
    assert sum(spoilt) > 1000


def test_other_structures_and_weights_are_not_limited():
    for name, changes in (("randomaccess_main", {}), ("lowdelay_P_main", dict(WeightedPredP=True))):
        lines = list(lowest_lines(encode(name, 2, **changes)[0]))
        assert max(bottom - row for bottom, row in lines if row + 5 * CTB < HEIGHT) > REACH


def test_rows_and_bottom():
    sequence = make_sequence(config_of("lowdelay_P_main"))
    limited, free = Reach(sequence, True), Reach(sequence, False)
    assert [limited.rows(row) for row in (0, 10, 11, 15)] == [5, 15, 16, 16]
    assert [limited.bottom(row) for row in (0, 10, 11)] == [76, 236, NO_BOTTOM]
    assert (free.rows(0), free.bottom(0)) == (16, NO_BOTTOM)
