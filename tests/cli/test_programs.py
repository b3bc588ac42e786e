"""pyenc and pydec from arguments to files and exit codes, with stand-ins for the codec (fakes.py)."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from cli import fail, pydec, pyenc
from cli.encoder_job import read_qp_file
from codec.base.io import reader
from tests.cli import fakes

ROOT = Path(__file__).resolve().parents[2]
CLIP = ROOT / "media" / "CiscoVT2people_320x192_12.yuv"


@pytest.fixture(autouse=True)
def stand_ins(monkeypatch, tmp_path):
    import codec.h265.decoder
    import codec.h265.encoder  # noqa: F401 (the packages into which the stand-ins are put)

    fakes.install(monkeypatch)
    monkeypatch.chdir(tmp_path)


def encode(*arguments):
    return fail.run("pyenc", pyenc.run, [str(a) for a in arguments])


def decode(*arguments):
    return fail.run("pydec", pydec.run, [str(a) for a in arguments])


def files():
    return sorted(path.name for path in Path().iterdir())


@pytest.fixture
def small(tmp_path):
    """Three 8-bit 6x4 pictures whose file name tells the size."""
    path = tmp_path / "small_6x4_25.yuv"
    path.write_bytes(np.random.default_rng(1).integers(0, 256, 3 * 36).astype(np.uint8).tobytes())
    return path


def even(path):
    """What the stand-in makes of a raw 8-bit file."""
    return (np.frombuffer(path.read_bytes(), np.uint8) & 254).tobytes()


def test_encode_and_decode(small, capsys):
    assert encode("-c", "encoder_intra_main.cfg", "-i", small, "-o", "s.bin", "-q", 30) == 0
    out = capsys.readouterr().out
    assert "Real     Format                        : 6x4 25Hz\n" in out
    assert "Note: taken from" in out
    assert out.count("POC ") == 3
    assert out.index("POC    2") < out.index("\nSUMMARY")
    assert f"Bytes written to file: {os.path.getsize('s.bin')} " in out
    assert decode("-i", "s.bin", "-o", "r.yuv") == 0
    assert capsys.readouterr().out.count("(OK)]") == 3
    assert Path("r.yuv").read_bytes() == even(small)
    assert files() == ["r.yuv", "s.bin", "small_6x4_25.yuv"]


def test_the_shipped_clip():
    assert encode("-i", CLIP, "-o", "s.bin", "-f", 2, "-r", "r.yuv") == 0
    assert Path("r.yuv").read_bytes() == even(CLIP)[: 2 * 320 * 192 * 3 // 2]


def test_trace_file_of_pyenc(small, capsys):
    assert encode("-i", small, "-o", "s.bin", "-f", 2, "--TraceFile=t.csv", "--json", "s.json") == 0
    lines = Path("t.csv").read_text().splitlines()
    assert lines[:2] == ["%;syntax-version;v1.22", "%;seq-specs;small_6x4_25.yuv;0;64;64;25"]
    assert {line.split(";")[0] for line in lines} == {"%", "0", "1"}
    assert "statistics" not in json.loads(Path("s.json").read_text())["pictures"][0]
    assert encode("-i", small, "-o", "s.bin", "--TraceFile=s.bin") == 2
    assert "two outputs have the same name" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("-o s.bin", ["s.bin"]),
        ("-o s.bin -r r.yuv", ["r.yuv", "s.bin"]),
        ("-o s.bin --ReconFile=r.yuv", ["r.yuv", "s.bin"]),
        ("-b s.bin -o r.yuv", ["r.yuv", "s.bin"]),
        ("-o r.yuv -b s.bin", ["r.yuv", "s.bin"]),
        ("-b s.bin -r r.yuv", ["r.yuv", "s.bin"]),
        ("-b s.bin", ["s.bin"]),
        ("-c encoder_intra_main.cfg -o s.bin", ["s.bin"]),
        ("-c encoder_intra_main.cfg -b s.bin", ["rec.yuv", "s.bin"]),
        ("-c encoder_intra_main.cfg", ["rec.yuv", "str.bin"]),
        ("-c encoder_intra_main.cfg -b s.bin -o r.yuv", ["r.yuv", "s.bin"]),
        ("-b s.bin -o r.yuv -c encoder_intra_main.cfg", ["r.yuv", "s.bin"]),
        ("-o s.bin --ReconFile=r.yuv -c encoder_intra_main.cfg", ["r.yuv", "s.bin"]),
        ("-o s.bin -r r.yuv -c encoder_intra_main.cfg", ["r.yuv", "s.bin"]),
        ("--BitstreamFile=s.bin -r r.yuv -c encoder_intra_main.cfg", ["r.yuv", "s.bin"]),
        ("-o s.bin -c encoder_intra_main.cfg", ["s.bin"]),
    ],
)
def test_who_names_which_file(small, words, expected):
    assert encode("-i", small, *words.split()) == 0
    assert [name for name in files() if not name.startswith("small")] == expected
    if "r.yuv" in expected:
        assert Path("r.yuv").read_bytes() == even(small)


def test_depths_formats_and_y4m(small, capsys):
    assert encode("-i", small, "-o", "s.bin", "--InternalBitDepth=10", "-r", "r.y4m", "-d", 8) == 0
    assert "Profile                                : main10" in capsys.readouterr().out
    assert Path("r.y4m").read_bytes().startswith(b"YUV4MPEG2 W6 H4 F25:1 Ip A0:0 C420mpeg2\nFRAME\n")
    assert decode("-b", "s.bin", "-o", "r.yuv") == 0
    samples = np.frombuffer(Path("r.yuv").read_bytes(), "<u2")
    assert (samples == np.frombuffer(small.read_bytes(), np.uint8).astype(int) << 2).all()
    assert decode("-b", "s.bin", "-o", "r8.yuv", "-d", 8) == 0
    assert Path("r8.yuv").read_bytes() == small.read_bytes()
    assert encode("-i", small, "-o", "s.bin", "-cf", 400) == 0
    assert decode("-i", "s.bin", "-o", "grey.y4m", "-fr", "30") == 0
    assert Path("grey.y4m").read_bytes().startswith(b"YUV4MPEG2 W6 H4 F30:1 Ip A0:0 Cmono\n")


def test_y4m_source_tells_size_and_rate(capsys):
    Path("a.y4m").write_bytes(b"YUV4MPEG2 W4 H2 F30000:1001 C420\nFRAME\n" + bytes(12))
    assert encode("-i", "a.y4m", "-o", "s.bin") == 0
    out = capsys.readouterr().out
    assert "Real     Format                        : 4x2 29.97Hz" in out
    assert "Note: taken from a.y4m: 29.97 pictures a second" in out
    assert encode("-i", "a.y4m", "-o", "s.bin", "-fr", "15") == 0
    assert "4x2 15Hz" in capsys.readouterr().out


def test_stills_say_how_they_were_converted(capsys):
    cv2 = pytest.importorskip("cv2")
    cv2.imwrite("a.png", np.full((5, 6, 3), 80, np.uint8))
    assert encode("-i", "a.png", "-o", "s.bin", "--InputColour=bt601", "--json", "j.json") == 0
    out = capsys.readouterr().out
    assert "BT.601" in out
    config = json.loads(Path("j.json").read_text())["config"]
    assert (config["Profile"], config["SourceHeight"], config["MatrixCoefficients"]) == ("main-still-picture", 6, 6)
    assert config["VuiParametersPresent"] is True


def test_rows_beyond_the_gop_and_references_of_higher_layers(small, capsys):
    rows = ["--Frame1=P 2 1 0 0 0 0 0.5 0 0 0 1 2 -2 -3 0", "--Frame2=B 1 2 0 0 0 0 0.5 0 0 1 1 2 -1 1 0"]
    words = ("-c", "encoder_randomaccess_main.cfg", "--GOPSize=2", *rows, "--IntraPeriod=-1")
    assert encode("-i", small, "-o", "s.bin", *words) == 0
    out = capsys.readouterr().out
    assert "Note: not referred to, being of a higher temporal layer: references of Frame1 (-3)\n" in out
    assert encode("-i", small, "-o", "s.bin", *words, "--IntraPeriod=1") == 0
    assert "not referred to" not in capsys.readouterr().out


def test_notes_on_the_temporal_filter(small, capsys):
    assert encode("-i", small, "-o", "s.bin", "--TemporalFilter=1") == 0
    assert "Note: TemporalFilter=1 has no effect: no TemporalFilterStrengthFrameN" in capsys.readouterr().out
    words = ("--TemporalFilter=1", "--TemporalFilterStrengthFrame8=0.95")
    assert encode("-i", small, "-o", "s.bin", *words) == 0
    assert "TemporalFilter=1" not in capsys.readouterr().out
    lossless = ("--TransquantBypassEnable=1", "--CUTransquantBypassFlagForce=1")
    assert encode("-i", small, "-o", "s.bin", *words, *lossless) == 0
    assert "what is coded without loss is the filtered source" in capsys.readouterr().out


def test_pipes(small):
    script = (
        f"import sys, pytest; sys.path.insert(0, {str(ROOT)!r}); import codec.h265.encoder, codec.h265.decoder;"
        "from tests.cli import fakes; fakes.install(pytest.MonkeyPatch());"
        "from cli import fail, pyenc, pydec;"
        "run = (pyenc if sys.argv[1] == 'pyenc' else pydec).run;"
        "sys.exit(fail.run(sys.argv[1], run, sys.argv[2:]))"
    )

    def run(*words, data):
        return subprocess.run([sys.executable, "-c", script, *words], input=data, capture_output=True, check=False)

    encoded = run("pyenc", "-i", "-", "-o", "-", "-wdt", "6", "-hgt", "4", data=small.read_bytes())
    assert encoded.returncode == 0
    assert b"POC    2" in encoded.stderr
    decoded = run("pydec", "-i", "-", "-o", "-", data=encoded.stdout)
    assert decoded.returncode == 0
    assert decoded.stdout == even(small)


def test_json_and_csv(small):
    assert encode("-i", small, "-o", "s.bin", "--json", "e.json", "--csv", "e.csv", "-q", 22) == 0
    document = json.loads(Path("e.json").read_text())
    assert document["bytes"] == os.path.getsize("s.bin")
    assert document["summary"]["frames"] == len(document["pictures"]) == 3
    assert document["config"]["QP"] == 22
    assert len(Path("e.csv").read_text().splitlines()) == 4
    assert decode("-i", "s.bin", "--json", "d.json", "--csv", "d.csv") == 0
    assert [p["hash_status"] for p in json.loads(Path("d.json").read_text())["pictures"]] == ["OK"] * 3
    assert Path("d.csv").read_text().startswith("bit_depths,poc")


def test_qp_file(small, capsys):
    Path("qps.txt").write_text("30 31 # two\n\n 45\n")
    assert encode("-i", small, "-o", "s.bin", "--QPFile", "qps.txt") == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("POC")]
    assert [line[33:39] for line in lines] == [" QP 30", " QP 31", " QP 45"]


@pytest.mark.parametrize(
    "content",
    ["30 31 45", "30,31\r\n45\r\n", "30 # of\u202831 pictures\n31\f45", "30\r31\r45"],
)
def test_qp_files_of_other_editors(small, content):
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        Path("qps.txt").write_bytes(content.encode(encoding))
        assert list(read_qp_file("qps.txt")) == [30, 31, 45]


def test_a_long_qp_file_is_read_whole():
    Path("qps.txt").write_text("30 " * 400_000 + "51\n")
    qps = read_qp_file("qps.txt")
    assert len(qps) == 400_001 and qps[-1] == 51


def test_a_qp_file_for_fewer_pictures(small, capsys, monkeypatch):
    Path("qps.txt").write_text("40\n41\n")
    assert encode("-i", small, "-o", "s.bin", "--QPFile=qps.txt") == 2
    assert "QPFile holds 2 QPs for 3 pictures: give one each, or use -f 2" in capsys.readouterr().err
    assert encode("-i", small, "-o", "s.bin", "--QPFile=qps.txt", "-f", 2) == 0
    # of a pipe, the number of pictures is not known before
    with small.open("rb") as file:
        monkeypatch.setattr(reader, "_regular_size", lambda file: None)
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=file))
        assert encode("-i", "-", "-wdt", 6, "-hgt", 4, "-o", "t.bin", "--QPFile=qps.txt") == 2
    assert "QPFile holds 2 QPs for 3 pictures" in capsys.readouterr().err
    assert files() == ["qps.txt", "s.bin", "small_6x4_25.yuv"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("30 x", "qps.txt:1: x is not a QP"),
        ("# none", "holds no QP"),
        ("30\n99", "picture 1=99"),
        (None, "No such file"),
    ],
)
def test_bad_qp_file(small, capsys, content, words):
    if content is not None:
        Path("qps.txt").write_text(content)
    assert encode("-i", small, "-o", "s.bin", "--QPFile=qps.txt") == 2
    assert words in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("-o s.bin", 2, "no input file: give -i FILE"),
        ("-i small_6x4_25.yuv", 2, "no bitstream file: give -o FILE"),
        ("-i nowhere_6x4.yuv -o s.bin", 3, "nowhere_6x4.yuv: No such file or directory"),
        ("-i small_6x4_25.yuv -o s.bin -f 4", 3, "use -f 3"),
        ("-i small_6x4_25.yuv -o s.bin -wdt 8 -hgt 4", 3, "check size"),
        ("-i small_6x4_25.yuv -o s.bin -wdt 8", 2, "give both -wdt and -hgt"),
        ("-i small_6x4_25.yuv -o s.bin -q 70", 2, "QP=70"),
        ("-i small_6x4_25.yuv -o s.bin --RateControl=1", 2, "RateControl=1 needs a TargetBitrate"),
        ("-i small_6x4_25.yuv -o s.bin -c encoder_randomaccess_main.cfg -ip 24", 2, "IntraPeriod=24 is no multiple"),
        ("-i small_6x4_25.yuv -o s.bin -c encoder_lowdelay_P_main.cfg --GOPSize=5", 2, "GOPSize=5 needs the rows"),
        ("-i small_6x4_25.yuv -o s.bin --Profile=main-still-picture", 2, "use -f 1"),
        ("-i small_6x4_25.yuv -o s.bin -r s.bin", 2, "two outputs have the same name"),
        ("-i small_6x4_25.yuv -o small_6x4_25.yuv", 2, "is the input and the output as well"),
        ("-i small_6x4_25.yuv -b s.bin -o r.yuv -r q.yuv", 2, "both name the reconstruction"),
        ("-i small_6x4_25.yuv -o nowhere/s.bin", 3, "cannot write nowhere/s.bin: No such file"),
        ("-i small_6x4_25.yuv -o s.bin --InternalBitDepth=8 --InternalBitDepthC=10", 2, "InternalBitDepthC=10"),
        ("-i small_6x4_25.yuv -o s.bin --MSBExtendedBitDepth=10", 2, "MSBExtendedBitDepth=10"),
        ("-i small_6x4_25.yuv -o s.bin -wdt 17000 -hgt 4", 2, "SourceWidth=17000 is outside"),
        ("-i small_6x4_25.yuv -o s.bin -wdt 16000 -hgt 16000", 8, "above the limit"),
    ],
)
def test_encoder_errors(small, capsys, words, code, message):
    before = small.read_bytes()
    assert encode(*words.split()) == code
    captured = capsys.readouterr()
    assert captured.err.startswith("pyenc: error: ")
    assert captured.err.count("\n") == 1
    assert message in captured.err
    assert files() == ["small_6x4_25.yuv"]
    assert small.read_bytes() == before


def test_failing_input_leaves_no_output(capsys):
    Path("a_6x4.yuv").write_bytes(np.full(36, 0x0FFF, "<u2").tobytes())
    assert encode("-i", "a_6x4.yuv", "-o", "s.bin", "-r", "r.yuv", "--InputBitDepth=10") == 3
    assert "does not fit in 10 bits" in capsys.readouterr().err
    assert files() == ["a_6x4.yuv"]


def test_unused_options_are_named(small, capsys):
    assert encode("-c", "encoder_intra_main.cfg", "-i", small, "-o", "s.bin", "--RestrictMESampling=1") == 0
    assert "Note: without effect here: RestrictMESampling\n" in capsys.readouterr().out


def test_corrupt_stream_keeps_whole_pictures(small, capsys):
    assert encode("-i", small, "-o", "s.bin") == 0
    whole = Path("s.bin").read_bytes()
    Path("s.bin").write_bytes(whole + b"\xff\xff\xff\xff")
    capsys.readouterr()
    assert decode("-i", "s.bin", "-o", "r.yuv") == 4
    error = capsys.readouterr().err
    assert error == (
        "pydec: error: s.bin: (7.3.1.1) picture begins with nonsense; 3 whole pictures before it kept in r.yuv\n"
    )
    assert Path("r.yuv").read_bytes() == even(small)
    Path("s.bin").write_bytes(b"\xff\xff\xff\xff")
    Path("r.yuv").unlink()
    assert decode("-i", "s.bin", "-o", "r.yuv") == 4
    assert "kept" not in capsys.readouterr().err
    assert files() == ["s.bin", "small_6x4_25.yuv"]


def test_hash_mismatch(small, capsys, monkeypatch):
    assert encode("-i", small, "-o", "s.bin") == 0
    monkeypatch.setattr(fakes, "picture_hash", lambda planes, depths, kind: [b"\1"] * 3)
    capsys.readouterr()
    assert decode("-i", "s.bin", "-o", "r.yuv") == 5
    captured = capsys.readouterr()
    assert captured.out.count("(***ERROR***)") == 3
    assert captured.err == "pydec: error: s.bin: 3 of 3 pictures differ from their hash; the first is POC 0\n"
    assert Path("r.yuv").exists()
    assert decode("-i", "s.bin", "--SEIDecodedPictureHash=0") == 0
    assert capsys.readouterr().out.count("(unk)") == 3


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        ("-o r.yuv", 2, "no bitstream: give -i FILE"),
        ("-i nowhere.bin", 3, "error: nowhere.bin: No such file or directory\n"),
        ("-i empty.bin -o r.yuv", 3, "empty.bin: holds no picture"),
        ("-i empty.bin -o empty.bin", 2, "the input and the output"),
        ("-i empty.bin -d 8 --OutputBitDepthC=10", 2, "OutputBitDepthC=10"),
        ("-i empty.bin -s 3", 2, "SkipFrames=3 is not implemented"),
        ("-i empty.bin --Threads=3", 2, "unknown option Threads; did you mean threads?"),
    ],
)
def test_decoder_errors(capsys, words, code, message):
    Path("empty.bin").write_bytes(b"")
    assert decode(*words.split()) == code
    error = capsys.readouterr().err
    assert error.startswith("pydec: error: ")
    assert message in error
    assert files() == ["empty.bin"]


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (KeyboardInterrupt(), 130, "pyenc: interrupted\n"),
        (ValueError("two\nlines"), 1, "internal error (ValueError: two): please report it"),
        (MemoryError(), 1, "out of memory"),
        (OSError(28, "No space left on device"), 3, "No space left on device"),
    ],
)
def test_every_end_is_one_line(capsys, error, code, message):
    def boom(arguments):
        raise error

    assert fail.run("pyenc", boom, []) == code
    captured = capsys.readouterr().err
    assert message in captured
    assert captured.count("\n") == 1
    assert "Traceback" not in captured


def test_debug_shows_the_traceback(capsys):
    def boom(arguments):
        raise ValueError("x")

    assert fail.run("pyenc", boom, ["--debug"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_broken_pipe_is_quiet():
    code = "from cli import fail; import sys\ndef f(a):\n while True: print('x' * 1000)\nsys.exit(fail.run('p', f, []))"
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141


def test_no_arguments_show_help(capsys):
    assert encode() == decode() == 0
    assert "pyenc -c encoder_intra_main.cfg" in capsys.readouterr().out


def test_display_order():
    from codec.base.io.writer import PictureWriter
    from codec.base.picture import PictureReport

    file = io.BytesIO()
    writer = PictureWriter(file, False)
    order = pyenc.DisplayOrder(lambda planes, depths, colour, rgb: writer.write(planes, depths))
    for index in (0, 4, 2, 1, 3, 6):
        recon = [np.full((1, 1), index, np.int16)]
        order.write(PictureReport(index, index, 0, "B", True, 1, 1, 1, (0, 0, 0), (0, 0, 0), 0, recon=recon), (8, 8))
        assert file.getvalue() == bytes(range(len(file.getvalue())))
    order.end()
    assert file.getvalue() == bytes([0, 1, 2, 3, 4, 6])


@pytest.mark.parametrize(
    ("program", "words", "code", "message"),
    [
        (encode, "--TargetBitrate=9999", 2, "error: TargetBitrate has no effect without RateControl=1: add that, or"),
        (encode, "--SearchRange=64", 0, "warning: SearchRange has no effect without inter pictures (IntraPeriod=1)"),
        (encode, "-d 10", 0, "warning: OutputBitDepth has no effect without a reconstruction (-r)"),
        (encode, "--InputColour=bt601", 0, "warning: InputColour has no effect: the source is not in RGB"),
        (decode, "-d 10", 0, "warning: OutputBitDepth has no effect without an output (-o)"),
        (decode, "-fr 30 -o r.yuv", 0, "warning: FrameRate has no effect without a .y4m or a TraceFile"),
        (decode, "--CnnDevice=cuda --CnnBackend=compiled", 2, "error: CnnBackend=compiled computes on the processor"),
    ],
)
def test_settings_without_effect(small, capsys, program, words, code, message):
    assert encode("-i", small, "-o", "s.bin") == 0
    capsys.readouterr()
    given = ["-i", small, "-o", "t.bin"] if program is encode else ["-i", "s.bin"]
    assert program(*given, *words.split()) == code
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and message in error


@pytest.mark.parametrize(
    ("words", "has_torch", "has_cuda", "code", "message"),
    [
        ("--CnnDevice=cuda", False, False, 6, "CnnDevice=cuda needs torch, which is not installed"),
        ("--CnnBackend=torch", False, False, 6, "CnnBackend=torch needs torch, which is not installed"),
        ("--CnnDevice=cuda", True, False, 2, "CnnDevice=cuda: torch finds no such device here"),
        ("--CnnDevice=cuda", True, True, 0, ""),
        ("--CnnBackend=torch", True, False, 0, ""),
        ("--CnnBackend=compiled", False, False, 0, ""),
    ],
)
def test_devices_and_backends_that_are_not_there(small, capsys, monkeypatch, words, has_torch, has_cuda, code, message):
    from nets import torch_backend

    assert encode("-i", small, "-o", "s.bin") == 0
    cuda = SimpleNamespace(is_available=lambda: has_cuda, device_count=lambda: int(has_cuda))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: has_torch or None)
    monkeypatch.setattr(torch_backend, "import_torch", lambda threads=1: SimpleNamespace(cuda=cuda))
    capsys.readouterr()
    assert decode("-i", "s.bin", *words.split()) == code
    assert message in capsys.readouterr().err
