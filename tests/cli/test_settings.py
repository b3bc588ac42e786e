"""HM's grammar on the command line and in cfg files: order, forms, errors with their place."""

from fractions import Fraction
from pathlib import Path

import pytest

from cli import cfgfile
from cli.options import DECODER_OPTIONS, ENCODER_OPTIONS
from cli.settings import parse_command_line
from codec.base.errors import UsageError
from codec.h265.config import EncoderConfig, GopEntry, validated
from codec.h265.tools.loop_filter.tool import ARCHITECTURES

OUR_CFGS = sorted((Path(__file__).resolve().parents[2] / "cli" / "cfg").glob("*.cfg"))
HM_CFGS = Path(__file__).resolve().parents[3] / "shared" / "reference" / "hm_cfg"


def parse(*arguments):
    return parse_command_line(ENCODER_OPTIONS, arguments)


@pytest.fixture
def cfg(tmp_path):
    def write(text, name="a.cfg"):
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return write


@pytest.mark.parametrize(
    "words", [["--QP=30"], ["--QP", "30"], ["-q", "30"], ["-q30"], ["-q=30"], ["--QP=30.0"], ["--QP=22", "-q30"]]
)
def test_forms_of_a_number(words):
    assert parse(*words)["QP"] == 30


@pytest.mark.parametrize(
    ("words", "value"),
    [
        (["--SAO"], True),
        (["--SAO=0"], False),
        (["--SAO", "0"], False),
        (["--SAO", "1", "-q", "3"], True),
        (["--SAO", "-q", "3"], True),
        (["--SAO=false"], False),
        (["-SBH"], None),
    ],
)
def test_forms_of_a_flag(words, value):
    settings = parse(*words)
    assert settings["SAO" if value is not None else "SignHideFlag"] is (True if value is None else value)


def test_hms_short_flags():
    files = "-i in.yuv -b s.bin -o r.yuv"
    words = "-wdt 416 -hgt 240 -fr 29.97 -fs 2 -f 8 -q 37 -ip 1 -g 1 -s 32 -h 3 -d 10 -aq -dqd 1 -cbqpofs -3 -SBH 0"
    settings = parse(*files.split(), *words.split())
    names = "SourceWidth SourceHeight FrameSkip FramesToBeEncoded QP MaxCUWidth MaxCUHeight"
    assert [settings[name] for name in names.split()] == [416, 240, 2, 8, 37, 32, 32]
    assert [settings[name] for name in ("InputFile", "BitstreamFile", "Output")] == ["in.yuv", "s.bin", "r.yuv"]
    assert settings["FrameRate"] == Fraction(2997, 100)
    assert (settings["MaxPartitionDepth"], settings["OutputBitDepth"], settings["CbQpOffset"]) == (3, 10, -3)
    assert settings["AdaptiveQP"] is True
    assert settings["SignHideFlag"] is False


def test_negative_values_and_dash():
    assert parse("--CbQpOffset", "-3")["CbQpOffset"] == -3
    assert parse("-i", "-", "-o", "-")["InputFile"] == "-"


@pytest.mark.parametrize("words", [["-h"], ["--help"], ["-q", "3", "-h"]])
def test_help(words):
    assert parse(*words)["help"] is True
    assert parse("-h", "2")["help"] is False


def test_order_decides(cfg):
    a, b = cfg("QP : 20\nSAO: 0"), cfg("QP : 25", "b.cfg")
    assert parse("-c", a)["QP"] == 20
    assert parse("-c", a, "-c", b)["QP"] == 25
    assert parse("-c", b, "-c", a)["QP"] == 20
    assert parse("-c", a, "-q", "30")["QP"] == 30
    assert parse("-q", "30", "-c", a)["QP"] == 20
    assert parse("-q", "30", "-c", a, "--QP=31", "-c", b, "--SAO=1").config_values() == {"QP": 25, "SAO": True}


@pytest.mark.parametrize(
    "name", ["InputFile", "BitstreamFile", "Output", "ReconFile", "json", "csv", "TraceFile", "QPFile"]
)
def test_the_name_of_a_file_that_is_typed_stays(cfg, name):
    a, b = cfg(f"{name} : a\n"), cfg(f"{name} : b\n", "b.cfg")
    assert parse("-c", a, "-c", b)[name] == "b"
    for words in ((f"--{name}=typed", "-c", a), ("-c", a, f"--{name}", "typed", "-c", b)):
        settings = parse(*words)
        assert settings[name] == "typed" and settings.typed(name)
    assert parse(f"--{name}=first", "-c", a, f"--{name}=typed")[name] == "typed"


def test_short_flags_of_files_stay_as_their_names_do(cfg):
    a = cfg("InputFile : a\nBitstreamFile : a\nOutput : a\nReconFile : a\nScalingListFile : a\n")
    settings = parse("-i", "i", "-b", "b", "-o", "o", "-r", "r", "--ScalingListFile=s", "-c", a)
    names = ("InputFile", "BitstreamFile", "Output", "ReconFile", "ScalingListFile")
    assert [settings[name] for name in names] == ["i", "b", "o", "r", "s"]


def test_a_cfg_that_names_itself(cfg):
    a = cfg("ConfigFile : b.cfg\n")
    b = cfg(f"QP : 3\nConfigFile : {a}\n", "b.cfg")
    cfg(f"ConfigFile : {b}\n")
    with pytest.raises(UsageError, match="b.cfg:2: cfg file .* is being read already"):
        parse("-c", a)


def test_cfg_grammar(cfg):
    path = cfg(
        "# comment\n\n   \t\n"
        "QP            : 20      # base QP\n"
        "SAO:0\n"
        "RDOQ = 0\n"
        'InputFile : "a b.yuv"\n'
        "TileColumnWidthArray : 2 3\n"
        "TileRowHeightArray : 4,5 # commas too\n"
        "ScalingListFile :\n"
        "Level : 4.1\r\n"
        "Profile : Main10\n"
    )
    settings = parse("-c", path)
    assert settings["InputFile"] == "a b.yuv"
    assert settings.config_values() == {
        "QP": 20,
        "SAO": False,
        "RDOQ": False,
        "TileColumnWidthArray": (2, 3),
        "TileRowHeightArray": (4, 5),
        "ScalingListFile": "",
        "Level": "4.1",
        "Profile": "main10",
    }
    assert settings.origin("SAO") == f"{path}:5"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("QPP : 3", "unknown option QPP; did you mean QP?"),
        ("qp : 3", "did you mean QP?"),
        ("MaxCuWidth : 64", "did you mean MaxCUWidth?"),
        ("Xyzzy : 3", "unknown option Xyzzy"),
        ("QP 3", '"QP 3" is not "Name : value"'),
        ("QP two : 3", "is not"),
        (": 3", "is not"),
        ("QP :", "QP= is not a whole number"),
        ("QP : abc", "QP=abc is not a whole number"),
        ("QP : 30.5", "QP=30.5 is not a whole number"),
        ("QP : 99", "QP=99 is outside -12..51"),
        ("SAO : 2", "SAO=2 is not 0 or 1"),
        ("MaxCUWidth : 48", "MaxCUWidth=48 is not one of 16, 32, 64"),
        ("Profile : high", "Profile=high is not one of"),
        ("FrameRate : 30/0", "is not a rate"),
        ("SaoEncodingRate : x", "is not a number"),
        ("TileRowHeightArray : 3 x", "is not a whole number"),
        ("Frame1 : B 8", "is not a GOP row"),
    ],
)
def test_errors_tell_file_and_line(cfg, line, words):
    path = cfg(f"# one\nQP : 30\n{line}\n")
    with pytest.raises(UsageError) as caught:
        parse("-c", path)
    assert str(caught.value).startswith(f"{path}:3: ")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--Qp=3"], "command line: unknown option Qp; did you mean QP?"),
        (["--QP"], "--QP needs a value"),
        (["-q"], "-q needs a value"),
        (["--QP", "--SAO"], "--QP needs a value"),
        (["in.yuv"], 'unexpected "in.yuv"'),
        (["-q", "3", "4"], 'unexpected "4"'),
        (["-zz", "3"], "unknown option -zz"),
        (["-foo"], "unknown option -foo"),
        (["-output", "x"], "unknown option -output"),
        (["-f", "-3"], "FramesToBeEncoded=-3 is outside"),
        (["-d", "2"], "OutputBitDepth=2 is not one of 0, 8"),
        (["-c", "nowhere.cfg"], "cfg file nowhere.cfg not found"),
    ],
)
def test_errors_on_the_command_line(words, message):
    with pytest.raises(UsageError) as caught:
        parse(*words)
    assert message in str(caught.value)


def test_nearest_of_several_known_names():
    assert cfgfile.nearest("LoopFilterBetaOffset", ["LoopFilterBetaOffset_div2", "QP"]).endswith("_div2?")
    assert cfgfile.nearest("zzzzzz", ["QP", "SAO"]) == ""


def test_cfg_that_cannot_be_read(tmp_path):
    binary = tmp_path / "b.cfg"
    binary.write_bytes(b"QP : 3\0\n")
    with pytest.raises(UsageError, match="not a text file"):
        parse("-c", str(binary))
    with pytest.raises(UsageError, match="not found"):
        parse("-c", str(tmp_path))


def test_own_cfg_wins_over_ours_of_the_same_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert parse("-c", "encoder_intra_main.cfg")["QP"] == 32
    assert parse("-c", "encoder_intra_main10")["InternalBitDepth"] == 10
    (tmp_path / "encoder_intra_main.cfg").write_text("QP : 11\n")
    assert parse("-c", "encoder_intra_main.cfg")["QP"] == 11


def test_gop_rows():
    row = "B 8 5 -4.88 0.2061 1 -1 0.57 2 -2 1 2 3 -8 -24 8 1 8 3 1 0 1"
    settings = parse(f"--Frame1={row}", "--Frame2=P 1 5 -6.5 0.2590 0 0 1.0 0 0 0 4 4 -1 -5 -9 -13 0")
    first, second = settings.gop_rows()
    assert first == GopEntry("B", 8, 5, -4.88, 0.2061, 1, -1, 0.57, 2, -2, 1, 2, (-8, -24, 8), 1, 8, (1, 0, 1))
    assert second == GopEntry("P", 1, 5, -6.5, 0.259, 0, 0, 1.0, 0, 0, 0, 4, (-1, -5, -9, -13))


@pytest.mark.parametrize(
    "row",
    ["", "X 1 5 0 0 0 0 1 0 0 0 4 1 -1 0", "P 1 5 0 0 0 0 1 0 0 0 4 3 -1", "P 1 5 0 0 0 0 1 0 0 0 4 1 -1 1 0 3 1 1"],
)
def test_bad_gop_rows(row):
    with pytest.raises(UsageError, match="Frame1 is not a GOP row"):
        parse(f"--Frame1={row}")


def test_gap_in_the_gop():
    row = "P 1 5 0 0 0 0 1 0 0 0 4 1 -1 0"
    with pytest.raises(UsageError, match="Frame2 is missing"):
        parse(f"--Frame1={row}", f"--Frame3={row}").gop_rows()


@pytest.mark.parametrize("path", OUR_CFGS, ids=lambda path: path.name)
def test_our_cfgs(path):
    settings = parse("-c", str(path))
    settings.refuse_what_we_lack()
    assert len(settings.gop_rows()) == (settings["GOPSize"] if settings["IntraPeriod"] != 1 else 0)
    config = EncoderConfig(SourceWidth=416, SourceHeight=240, GOP=settings.gop_rows(), **settings.config_values())
    assert validated(config).Profile == ("main10" if "main10" in path.name else "main")


def test_there_are_eight_cfgs_and_one_per_cnn_filter():
    assert len(OUR_CFGS) == 8 + len(ARCHITECTURES)


@pytest.mark.skipif(not HM_CFGS.is_dir(), reason="HM's own cfg files are not here (../shared/reference/hm_cfg)")
def test_our_cfgs_say_what_hms_say():
    for path in sorted(HM_CFGS.glob("*.cfg")):
        both = (OUR_CFGS[0].parent / path.name, path)
        ours, hms = ([(key, value.split()) for key, value, _ in cfgfile.read_cfg(str(file))] for file in both)
        assert ours == hms


def test_defaults_are_those_of_the_intra_cfg():
    values = parse("-c", "encoder_intra_main.cfg").config_values()
    changed = {name for name, value in values.items() if getattr(EncoderConfig(), name) != value}
    assert changed == {
        "Profile",
        "InternalBitDepth",
        "SearchRange",
        "TileColumnWidthArray",
        "TileRowHeightArray",
        "ScalingListFile",
    }


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--SAOLcuBoundary"], "command line: SAOLcuBoundary=1 is not implemented; it is accepted at 0"),
        (["--CostMode=lossless"], "CostMode=lossless is not implemented; it is accepted at lossy"),
        (["--DeltaQpRD=1"], "DeltaQpRD=1 is not implemented"),
        (["-m", "dqp.txt"], "dQPFile=dqp.txt is not implemented"),
        (["--IntraReferenceSmoothing=0"], "IntraReferenceSmoothing=0 is not implemented; it is accepted at 1"),
    ],
)
def test_what_we_lack_is_refused_by_name(words, message):
    with pytest.raises(UsageError) as caught:
        parse(*words).refuse_what_we_lack()
    assert message in str(caught.value)


def test_a_later_neutral_value_makes_it_good(cfg):
    path = cfg("SAOLcuBoundary : 1")
    with pytest.raises(UsageError, match=r"a\.cfg:1: SAOLcuBoundary=1"):
        parse("-c", path).refuse_what_we_lack()
    parse("-c", path, "--SAOLcuBoundary=0").refuse_what_we_lack()


def test_strengths_of_the_temporal_filter():
    settings = parse("-c", "encoder_randomaccess_main.cfg", "--TemporalFilter=1", "--TemporalFilterStrengthFrame64=2")
    settings.refuse_what_we_lack()
    assert settings.without_effect() == parse("-c", "encoder_randomaccess_main.cfg").without_effect()
    config = EncoderConfig(**settings.config_values())
    assert config.TemporalFilter and config.TemporalFilterFutureReference
    assert config.temporal_filter_strengths == ((8, 0.95), (16, 1.5), (64, 2.0))
    config = EncoderConfig(**parse("-c", "encoder_lowdelay_P_main.cfg").config_values())
    assert not config.TemporalFilterFutureReference
    assert config.temporal_filter_strengths == ((4, 0.4),)
    with pytest.raises(UsageError, match="TemporalFilterStrengthFrame8=11 is outside"):
        parse("--TemporalFilterStrengthFrame8=11")


def test_what_has_no_effect_is_known():
    settings = parse("--RestrictMESampling=1", "--WeightedPredMethod=2", "--QP=3")
    settings.refuse_what_we_lack()
    assert settings.without_effect() == ["RestrictMESampling", "WeightedPredMethod"]


def test_lambda_modifiers_of_intra_pictures():
    assert parse("--LambdaModifierI=0.9,1.1").config_values()["LambdaModifierI"] == (0.9, 1.1)
    with pytest.raises(UsageError, match="LambdaModifierI=x is not a number"):
        parse("--LambdaModifierI=x")


def test_aliases():
    assert parse("--TransquantBypassEnableFlag=1")["TransquantBypassEnable"] is True
    assert parse("--ColumnWidthArray=2 3")["TileColumnWidthArray"] == (2, 3)


def test_decoder_spellings():
    long = "--BitstreamFile=s.bin --ReconFile=r.yuv"
    for words in ("-i s.bin -o r.yuv", "-b s.bin -o r.yuv", "-b s.bin -r r.yuv", long):
        settings = parse_command_line(DECODER_OPTIONS, words.split())
        assert (settings["BitstreamFile"], settings["ReconFile"]) == ("s.bin", "r.yuv")
    assert parse_command_line(DECODER_OPTIONS, ["-d", "10", "-t", "2"])["OutputBitDepth"] == 10


SEPARATORS = ["\u2028", "\u2029", "\x85", "\f", "\v", "\r", "\x1c", "\x1e"]


@pytest.mark.parametrize("separator", SEPARATORS)
def test_a_comment_goes_to_the_line_feed(tmp_path, separator):
    path = tmp_path / "a.cfg"
    path.write_bytes(f"QP : 40 # not{separator}QP : 50\nSAO : 0 # see{separator}the table\n".encode())
    settings = parse("-c", str(path))
    assert settings["QP"] == 40 and settings["SAO"] is False
    path.write_bytes(f"QP : 40{separator}QP : 50\n".encode())
    with pytest.raises(UsageError, match="is not a whole number"):
        parse("-c", str(path))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_cfgs_of_other_editors(tmp_path, encoding, end):
    path = tmp_path / "a.cfg"
    path.write_bytes(end.join(["QP : 40", "InputFile : é.yuv # ü", "bad"]).encode(encoding))
    with pytest.raises(UsageError, match='a.cfg:3: "bad" is not'):
        parse("-c", str(path))
    path.write_bytes(end.join(["QP : 40", "InputFile : é.yuv # ü", ""]).encode(encoding))
    settings = parse("-c", str(path))
    assert settings["QP"] == 40 and settings["InputFile"] == "é.yuv"
