"""No program writes over what it reads, or two outputs into one file; a place that forbids writing is told early."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from cli import fail, pybd, pydec, pyenc, pyinspect, pysweep
from cli.measure import commands, results
from codec.base.io.writer import whole_file
from tests.cli import fakes
from tests.cli.measure.test_sweep import fake, write_clip
from tests.codec.h265 import small_stream

BOTH = "is the input and the output as well"
TWICE = "two outputs have the same name"
CLIP = "a_6x4_25.yuv"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(CLIP).write_bytes(np.random.default_rng(1).integers(0, 256, 3 * 36).astype(np.uint8).tobytes())
    os.symlink(CLIP, "l_6x4_25.yuv")
    os.link(CLIP, "h_6x4_25.yuv")
    Path("c.cfg").write_text("QP : 30\n")
    Path("q.txt").write_text("30 31 32\n")
    Path("lists.txt").write_text("none\n")
    Path("nets").mkdir()
    Path("nets/MANIFEST.json").write_text("{}")
    return tmp_path


@pytest.fixture
def fake_codec(monkeypatch):
    import codec.h265.decoder
    import codec.h265.encoder  # noqa: F401 (the packages into which the stand-ins are put)

    fakes.install(monkeypatch)
    assert encode("-i", CLIP, "-o", "s.bin") == 0
    os.symlink("s.bin", "l.bin")


def encode(*words):
    return fail.run("pyenc", pyenc.run, list(words))


def decode(*words):
    return fail.run("pydec", pydec.run, list(words))


def inspect(*words):
    return fail.run("pyinspect", pyinspect.run, list(words))


def bd(*words):
    return fail.run("pybd", lambda arguments: commands.run(pybd.command, "pybd", arguments), list(words))


def contents():
    return {str(path): path.read_bytes() for path in Path().rglob("*") if path.is_file()}


def refused(run, words, message, capsys):
    """A run that ends with exit code 2 and one line before anything is printed or written."""
    before = contents()
    capsys.readouterr()
    assert run(*words) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert "POC" not in captured.out
    assert contents() == before


def places(text):
    return [word.replace("HERE", os.getcwd()) for word in text.split()]


@pytest.mark.parametrize(
    "words",
    [
        f"-i {CLIP} -o ./{CLIP}",
        f"-i {CLIP} -o HERE/{CLIP}",
        f"-i l_6x4_25.yuv -o {CLIP}",
        f"-i {CLIP} -o l_6x4_25.yuv",
        f"-i h_6x4_25.yuv -o {CLIP}",
        f"-i {CLIP} -o x.bin -r ./{CLIP}",
        f"-i {CLIP} -o x.bin --json ./{CLIP}",
        f"-i {CLIP} -o x.bin --csv l_6x4_25.yuv",
        f"-i {CLIP} -o x.bin --TraceFile=./{CLIP}",
        f"-c c.cfg -i {CLIP} -o ./c.cfg",
        f"-c c -i {CLIP} -o x.bin --csv HERE/c.cfg",
        f"-i {CLIP} -o x.bin --QPFile=q.txt --json ./q.txt",
        f"-i {CLIP} -o x.bin --ScalingList=2 --ScalingListFile=lists.txt -r ./lists.txt",
        f"-i {CLIP} -o ./nets/MANIFEST.json --CnnLoopFilter=lop --WeightsDir=nets",
    ],
)
def test_encoder_keeps_its_inputs(fake_codec, words, capsys):
    refused(encode, places(words), BOTH, capsys)


@pytest.mark.parametrize(
    "words",
    ["-o ./s.bin", "-o l.bin", "--json s.bin", "--csv HERE/s.bin", "--TraceFile=./s.bin", "-o y.yuv --csv l.bin"],
)
def test_decoder_keeps_its_input(fake_codec, words, capsys):
    refused(decode, ["-i", "s.bin", *places(words)], BOTH, capsys)


@pytest.mark.parametrize(
    ("run", "words"),
    [
        (encode, f"-i {CLIP} -o x.bin --json ./x.bin"),
        (encode, f"-i {CLIP} -o x.bin -r HERE/x.bin"),
        (encode, f"-i {CLIP} -o - --json -"),
        (decode, "-i s.bin -o o.yuv --json o.yuv"),
        (decode, "-i s.bin --json o --csv ./o"),
        (decode, "-i s.bin -o o%d.png --json ./o1.png"),
        (decode, "-i s.bin -o o.yuv --TraceFile=o.yuv"),
    ],
)
def test_outputs_of_one_name(fake_codec, run, words, capsys):
    refused(run, places(words), TWICE, capsys)


def test_sequences_of_images(fake_codec, capsys):
    cv2 = pytest.importorskip("cv2")
    for number in (1, 2):
        cv2.imwrite(f"x{number:03d}.png", np.full((4, 6, 3), 80, np.uint8))
    for output in ("-r ./x%03d.png", "-r x002.png", "--json ./x002.png"):
        refused(encode, ["-i", "x%03d.png", "-o", "i.bin", *output.split()], BOTH, capsys)
    assert encode("-i", "x%03d.png", "-o", "i.bin", "-r", "y%03d.png") == 0


@pytest.mark.parametrize(
    ("run", "words"),
    [(encode, f"-i {CLIP} -o x.bin {option} no/x") for option in ("--json", "--csv", "-r", "--TraceFile")]
    + [(decode, f"-i s.bin {option} no/x") for option in ("--json", "--csv", "-o", "--TraceFile")]
    + [(encode, f"-i {CLIP} -o x.bin --json {place}") for place in (".", f"{CLIP}/x", "/proc/x", "new/")]
    + [(inspect, "stats -i s.bin -o no/x"), (inspect, "overlay -i s.bin --csv no/x"), (bd, "a.csv b.csv --json no/x")],
)
def test_no_work_for_what_cannot_be_written(fake_codec, run, words, capsys):
    before = contents()
    capsys.readouterr()
    assert run(*words.split()) == 3
    captured = capsys.readouterr()
    assert "error: cannot write " in captured.err
    assert captured.out == ""
    assert contents() == before


def test_devices_and_pipes_are_written_as_ever(fake_codec, capfd):
    null = os.devnull
    assert encode("-i", CLIP, "-o", null, "-r", null, "--json", null, "--csv", null, f"--TraceFile={null}") == 0
    os.mkfifo("p")
    refused(encode, ["-i", "p", "-o", "./p", "-wdt", "6", "-hgt", "4"], BOTH, capfd)
    reader = os.open("p", os.O_RDONLY | os.O_NONBLOCK)
    assert encode("-i", CLIP, "-o", "p") == 0
    assert os.read(reader, 1 << 16) == Path("s.bin").read_bytes()
    os.close(reader)


def test_the_report_makes_room_for_a_stream_on_dev_stdout(fake_codec, capfd):
    assert encode("-i", CLIP, "-o", "x.bin", "-r", "/dev/stdout") == 0
    captured = capfd.readouterr()
    assert "POC" not in captured.out
    assert "SUMMARY" in captured.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("stats -i s.bin -o ./s.bin", BOTH),
        ("stats -i l.bin -o s.bin", BOTH),
        ("overlay -i s.bin --csv ./s.bin", BOTH),
        ("overlay -i s.bin -o HERE/s.png --frames 0", BOTH),
        ("overlay -i s.bin -o out --csv ./out/0000.png", TWICE),
    ],
)
def test_inspecting_keeps_the_stream(words, message, capsys):
    Path("s.bin").write_bytes(small_stream.STREAM)
    os.symlink("s.bin", "l.bin")
    os.symlink("s.bin", "s.png")
    Path("out").mkdir()
    refused(inspect, places(words), message, capsys)


TABLE = "clip,config,qp,frames,bits,psnr_y,psnr_u,psnr_v\n" + "".join(
    f"a.yuv,,{qp},1,{9000 >> n},{40 - 2 * n},40,40\n" for n, qp in enumerate((22, 27, 32, 37))
)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--json ./a.csv", BOTH),
        ("--json HERE/l.csv", BOTH),
        ("--plot p.png", BOTH),
        ("--classes k.csv --json ./k.csv", BOTH),
        ("--json x.png --plot ./x.png", TWICE),
    ],
)
def test_comparing_keeps_tables(words, message, capsys):
    for name in ("a.csv", "b.csv"):
        Path(name).write_text(TABLE)
    Path("k.csv").write_text("a.yuv,A\n")
    os.symlink("a.csv", "l.csv")
    os.symlink("b.csv", "p.png")
    refused(bd, ["a.csv", "b.csv", *places(words)], message, capsys)


def test_reports_keep_what_they_report(capsys):
    write_clip(Path("one_48x32_25.yuv"), 1)
    Path("plan.toml").write_text('clips = ["one*.yuv"]\nqps = [16, 24]\njobs = 1\nmetrics = ["psnr"]\n' + fake("fake"))
    sweep = lambda *words: fail.run("pysweep", pysweep.run, list(words))  # noqa: E731
    tables = lambda *words: fail.run("r", lambda given: commands.run(results.command, "r", given), list(words))  # noqa: E731
    assert sweep("report", "plan.toml") == 3
    assert sweep("plan.toml") == 0
    assert sweep("report", "plan.toml") == 0
    os.symlink("one_48x32_25.yuv", "link.html")
    stream, point = (next(Path("plan.sweep/points").glob(f"*/{name}")) for name in ("stream.bin", "point.json"))
    for output in ("plan.toml", "./one_48x32_25.yuv", "link.html", "plan.sweep/results.csv", str(stream), str(point)):
        refused(sweep, ["report", "plan.toml", "-o", output], BOTH, capsys)
        refused(tables, ["plan.toml", "-o", output], BOTH, capsys)
    shutil.rmtree("plan.sweep")
    Path("plan.sweep").mkdir()
    os.symlink("../one_48x32_25.yuv", "plan.sweep/results.csv")
    refused(sweep, ["plan.toml"], BOTH, capsys)


def test_a_sweep_without_a_place_measures_nothing(capsys):
    write_clip(Path("one_48x32_25.yuv"), 1)
    Path("plan.toml").write_text('out = "c.cfg"\nclips = ["one*.yuv"]\nqps = [16]\njobs = 1\n' + fake("fake"))
    assert fail.run("pysweep", pysweep.run, ["plan.toml"]) == 3
    assert "cannot write" in capsys.readouterr().err


def test_names_that_are_no_utf8(fake_codec, capsys, monkeypatch):
    """(old disks) Coded, with the name in an escaped form wherever it is told."""
    name = os.fsdecode(b"caf\xe9_6x4_25.yuv")
    shutil.copy(CLIP, name)
    outputs = ["-o", f"{name}.bin", f"--TraceFile={name}.trace", "--json", "e.json", "--csv", "e.csv"]
    assert encode("-i", name, *outputs) == 0
    assert "caf\\udce9_6x4_25.yuv\n" in capsys.readouterr().out
    assert Path(f"{name}.trace").read_bytes().startswith(b"%;syntax-version;v1.22\n%;seq-specs;caf\\udce9_6x4_25.yuv;")
    assert name in json.loads(Path("e.json").read_text())["arguments"]
    assert decode("-i", f"{name}.bin", "--json", f"{name}.json") == 0
    assert encode("-i", f"{name}.no", "-o", "x.bin") == 3
    assert "caf\\udce9_6x4_25.yuv.no: No such file" in capsys.readouterr().err


def test_a_full_disk_names_the_output(fake_codec, capsys, monkeypatch):
    from codec.base.io import writer

    write = writer._NamedFile.write

    def full(self, data):
        if self._told_name == os.devnull:
            return write(self, data)
        with self._named():
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer._NamedFile, "write", full)
    before = contents()
    for option, name in (("-r", "r.yuv"), ("-r", "r.png"), ("--json", "j"), ("--csv", "c"), ("--TraceFile", "t")):
        assert encode("-i", CLIP, "-o", os.devnull, "-f", "1", option, name) == 3
        assert f"error: {name}: No space left on device\n" in capsys.readouterr().err
    assert encode("-i", CLIP, "-o", "small.bin") == 3
    assert "error: small.bin: No space left on device\n" in capsys.readouterr().err
    with pytest.raises(OSError, match="No space"), whole_file("late") as file:
        file.write(b"x")  # told when it is closed
    assert contents() == before
