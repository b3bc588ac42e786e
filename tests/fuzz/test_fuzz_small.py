"""Two hundred damaged streams end as documented; the same program does ten thousand (`make fuzz`)."""

import io
import subprocess
import sys

import numpy as np
import pytest

from codec.base.byte_stream import unescape
from codec.base.serdes import read_rbsp
from codec.h265.nal import SPS_NUT
from codec.h265.syntax.sps import Sps, seq_parameter_set_rbsp
from tests.conformance.foreign import ROOT
from tests.fuzz import mutate, run


@pytest.fixture(scope="module")
def streams():
    return run.corpus()


def test_two_hundred_damaged_streams_end_as_documented(streams):
    tally = run.fuzz(streams, 10**6, 200, 1)
    assert tally.findings == []
    assert sum(tally.codes.values()) == 200
    # damage that never reaches a decoder proves nothing
    assert tally.codes["4"] > 50 and tally.codes["0"] > 10


def test_a_case_depends_on_its_seed_only(streams):
    assert run.case(7, streams) == run.case(7, streams)
    assert len({run.case(seed, streams)[0] for seed in range(20)}) > 15


def test_program_ends_as_the_decoder_does(streams, tmp_path):
    for seed in range(4):
        path = run.save(tmp_path, seed, streams)
        command = [sys.executable, "-m", "cli.pydec", "-i", str(path), "-o", str(tmp_path / "out.yuv")]
        result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
        # 3: a stream without any picture
        assert result.returncode in {run.outcome(path.read_bytes()), 3}
        assert "Traceback" not in result.stderr
        if result.returncode:
            assert len(result.stderr.strip().splitlines()) == 1


def test_findings_are_told_from_good_ends():
    tally = run.Tally({str(code) for code in run.ALLOWED}, run.TIME_LIMIT)
    for code, seconds in (("0", 0.1), ("4", 0.1), ("1", 0.1), ("IndexError:x", 0.1), ("hang", 0.0), ("0", 11.0)):
        tally.add(1, code, seconds)
    assert [code for _, code in tally.findings] == ["1", "IndexError:x", "hang", "0"]


def test_a_header_field_is_changed_and_nothing_before_it(streams):
    stream = next(stream for name, stream in streams.items() if "hm_ai" in name or "x265" in name)
    rng, changed = np.random.default_rng(1), 0
    original = mutate.nal_units(stream)
    for _ in range(60):
        units = mutate.nal_units(stream)
        what = mutate._header_field(rng, units)
        different = [i for i, unit in enumerate(units) if unit.payload != original[i].payload]
        assert len(different) <= 1
        if different:
            changed += 1
            assert what.endswith(f"in NAL unit {different[0]}")
    assert changed > 40


def test_units_survive_splitting_and_joining(streams):
    for stream in streams.values():
        units = mutate.nal_units(stream)
        assert mutate.nal_units(mutate.join(units)) != []
        sps = next(unit for unit in units if unit.nal_unit_type == SPS_NUT)
        assert read_rbsp(seq_parameter_set_rbsp, Sps(), unescape(sps.payload)[0]).pic_width_in_luma_samples > 0
        again = list(mutate.read_nal_units(io.BytesIO(mutate.join(units))))
        assert [unit.payload for unit in again] == [unit.payload for unit in units]
