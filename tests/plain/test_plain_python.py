"""Without compilation the kernels are plain Python, and make the streams and pictures that compiled ones make.

`make test-plain` runs this with NUMBA_DISABLE_JIT=1: the golden cases plain/..., and a CNN filter with a small net (the
known answer of a large one takes minutes), in one process, while it is noted which kernels run. All do.
"""

import os

import numpy as np
import pytest

from cli.train.chroma_windows import Windows
from cli.train.record import records
from nets import program, reference
from nets.netfile import with_answer
from tests.codec.h265.encoder.plan.gops import cfg_config
from tests.codec.h265.tools.small_nets import all_nets, chroma_net, mode_net, publish_nets
from tests.encode.test_cnn_streams import decoded, encode, encode_with
from tests.encode.test_streams import SMALL_CTU, source_pictures
from tests.golden.cases import CASES
from tests.golden.run import make_here, read_table, write_side_files
from tests.nets.random_nets import random_inputs, random_net
from tests.plain.kernels_run import all_kernels, watched

PLAIN = [name for name in CASES if name.startswith("plain/")]

pytestmark = pytest.mark.skipif(
    os.environ.get("NUMBA_DISABLE_JIT", "0") in ("", "0"), reason="kernels are compiled; make test-plain runs this"
)


@pytest.fixture(scope="module")
def seen():
    """(file, function) of all that has run so far."""
    return set()


@pytest.mark.parametrize("name", PLAIN)
def test_plain_python_makes_the_golden_stream(name, seen, tmp_path):
    write_side_files(tmp_path)
    with watched() as now:
        row = make_here(name, tmp_path)
    seen |= now
    assert row == read_table()[name]


def test_a_cnn_filter_in_plain_python(seen, tmp_path):
    all_nets(tmp_path / "weights")
    changes = dict(size=(16, 16), CnnBackend="compiled", QP=40, **SMALL_CTU)
    with watched() as now:
        stream, _, reports = encode("intra_main", 1, "lop", changes, str(tmp_path / "weights"))
        pictures = decoded(stream, str(tmp_path / "weights"))
    seen |= now
    assert [picture.hash_status for picture in pictures] == ["OK"]
    assert all((a == b).all() for a, b in zip(pictures[0].planes, reports[0].recon, strict=True))


def test_a_net_of_chroma_in_plain_python(seen, tmp_path):
    publish_nets(tmp_path / "weights", small=chroma_net(shift=9))
    settings = dict(CnnChroma="net", CnnChromaNet="small", WeightsDir=str(tmp_path / "weights"), QP=22)
    with watched() as now:
        stream, reports, _ = encode_with("intra_main", 1, dict(size=(16, 16), **SMALL_CTU), **settings)
        pictures = decoded(stream, str(tmp_path / "weights"))
    seen |= now
    assert [picture.hash_status for picture in pictures] == ["OK"]
    assert all((a == b).all() for a, b in zip(pictures[0].planes, reports[0].recon, strict=True))


def test_material_of_chroma_nets_in_plain_python(seen):
    planes = [np.random.default_rng(k).integers(0, 256, (16 >> k, 16 >> k)).astype(np.int16) for k in (0, 1, 1)]
    places = np.array([[4, 4]], np.int64)
    with watched() as now:
        window, _, base = Windows().make(planes, 8, 32, places, 2)
        errors = Windows().others(planes, planes[1:], 8, 32, places, 2)
    seen |= now
    assert window.shape[2:] == (8, 8) and base.shape == (1, 2, 4, 4) and (errors > 0).all()


def test_modes_by_rank_in_plain_python(seen, tmp_path):
    publish_nets(tmp_path / "weights", small=mode_net())
    settings = dict(CnnMpm="light", CnnMpmNet="small", WeightsDir=str(tmp_path / "weights"), QP=22)
    with watched() as now:
        stream, reports, _ = encode_with("intra_main", 1, dict(size=(16, 16), **SMALL_CTU), **settings)
        pictures = decoded(stream, str(tmp_path / "weights"))
    seen |= now
    assert [picture.hash_status for picture in pictures] == ["OK"]
    assert all((a == b).all() for a, b in zip(pictures[0].planes, reports[0].recon, strict=True))


def test_material_of_modes_in_plain_python(seen):
    config = cfg_config("intra_main", SourceWidth=16, SourceHeight=16, QP=30, **SMALL_CTU)
    with watched() as now:
        (record,) = records(config, source_pictures(16, 16, 1, 8, 1), modes=True)
    seen |= now
    arrays = record.modes
    assert len({len(array) for array in arrays.values()}) == 1 and (arrays["mode_costs"].min(1) == 0).all()


def test_nets_in_plain_python(seen):
    """Small random nets, which hold all kinds of layers together."""
    kinds = set()
    for seed in (4, 5, 11):
        net = with_answer(random_net(seed, 6))
        kinds |= {layer.op for layer in net.layers}
        inputs = random_inputs(net, seed, 8, 8, batch=1, extreme=False)
        with watched() as now:
            found = program.prepare(net)(inputs)
        seen |= now
        for name, expected in reference.run(net, inputs).items():
            assert (found[name] == expected).all()
    assert {"conv", "deconv", "fc", "add", "mul"} <= kinds


def test_every_kernel_has_run(seen, request):
    ran = {item.callspec.params["name"] for item in request.session.items if hasattr(item, "callspec")}
    if ran != set(PLAIN):
        pytest.skip("some of the streams were left out")
    assert len(all_kernels()) > 300
    missing = sorted(all_kernels() - seen)
    assert missing == [], missing
