"""pybd from its arguments to tables, JSON and plots; readers of logs, JSON and CSV."""

import csv
import json
import math
from pathlib import Path

import pytest

from cli import fail, pybd
from cli.measure import commands
from cli.measure.groups import groups_of
from cli.measure.logs import name_without_qp, read_points
from cli.measure.points import class_of
from codec.base.errors import InputError
from codec.base.picture import PictureReport

DATA = Path(__file__).parent / "data"
HM = DATA / "hm_dev.csv"
HEADER = "clip,config,qp,frames,bits,psnr_y,psnr_u,psnr_v,user_s"


def run(*arguments):
    return fail.run("pybd", lambda a: commands.run(pybd.command, "pybd", a), [str(a) for a in arguments])


def table(path, factor=1.0, config="ai", rows=None):
    """A table like hm_dev.csv's part of one configuration, its bits times `factor`."""
    lines = [row for row in csv.DictReader(HM.open()) if row["config"] == config]
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, HEADER.split(","))
        writer.writeheader()
        for row in lines[:rows]:
            writer.writerow(row | {"bits": round(int(row["bits"]) * factor), "user_s": 2 * float(row["user_s"])})
    return path


@pytest.fixture(autouse=True)
def own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_two_tables_to_json(tmp_path, capsys):
    test = table(tmp_path / "test.csv", 0.95)
    assert run(HM, test, "--json", "out.json") == 0
    document = json.loads(Path("out.json").read_text())
    assert len(document["clips"]) == 8
    for values in [*document["clips"].values(), document["mean"], *document["classes"].values()]:
        for plane in ("y", "u", "v", "yuv"):
            assert values[f"bd_rate_{plane}"] == pytest.approx(-5, abs=0.01)
        assert values["time_ratio"] == pytest.approx(2)
    assert document["clips"]["foreman_352x288_30.yuv"]["class"] == "352x288"
    assert document["classes"]["352x288"]["clips"] == 3
    captured = capsys.readouterr()
    assert "| -5.00 |" in captured.out
    assert captured.err == "pybd: warning: only in " + f"{HM}: " + captured.err.split(": ", 3)[3]


@pytest.mark.parametrize(
    ("how", "sign"), [("markdown", "| class"), ("csv", "class,clip,BD-rate Y %"), ("latex", r"\hline")]
)
def test_formats(tmp_path, capsys, how, sign):
    assert run(HM, table(tmp_path / "t.csv"), "--config", "ai", "--format", how) == 0
    out = capsys.readouterr().out
    assert sign in out
    assert ("akiyo\\_176x144" if how == "latex" else "akiyo_176x144") in out


def test_configurations_of_one_table_are_sides(capsys):
    assert run(HM, "--anchor", "ldp", "--mean-only", "--json", "o.json") == 0
    tests = json.loads(Path("o.json").read_text())["tests"]
    assert set(tests) == {"ai", "ra"}
    assert tests["ra"]["mean"]["bd_rate_y"] < 0 < tests["ai"]["mean"]["bd_rate_y"]
    assert "akiyo" not in capsys.readouterr().out


def test_several_configurations_of_two_tables(tmp_path):
    assert run(HM, HM, "--json", "o.json") == 0
    clips = json.loads(Path("o.json").read_text())["clips"]
    assert len(clips) == 24
    assert clips["ra/akiyo_176x144_30.yuv"]["bd_rate_y"] == 0


def test_logs_of_hm_and_vtm(capsys):
    files = [DATA / f"{side}_{qp}.log" for side in ("hm_ldp_bikes416", "vtm_ai2_bikes416") for qp in (22, 27, 32, 37)]
    assert run(*files, "--json", "o.json") == 0
    document = json.loads(Path("o.json").read_text())
    assert (document["anchor"], document["test"]) == ("hm_ldp_bikes416", "vtm_ai2_bikes416")
    assert document["clips"]["bikes_416x240_25.yuv"]["bd_rate_y"] == pytest.approx(224.065, abs=0.001)
    err = capsys.readouterr().err
    for text in ("taken for the same clip", "2 and 17 pictures", "barely overlap: 1 %"):
        assert text in err


def test_what_logs_say():
    (hm,) = read_points(str(DATA / "hm_ldp_bikes416_27.log"))
    assert (hm.clip, hm.qp, hm.frames, hm.bits) == ("bikes_416x240_25.yuv", 27, 17, 8 * 24873)
    assert hm.values == {"psnr_y": 38.0021, "psnr_u": 46.1129, "psnr_v": 44.6935, "user_s": 32.051}
    assert hm.get("psnr_yuv") == pytest.approx((6 * 38.0021 + 46.1129 + 44.6935) / 8)
    (vtm,) = read_points(str(DATA / "vtm_ai2_bikes416_22.log"))
    assert (vtm.clip, vtm.qp, vtm.frames, vtm.bits) == ("vtm_ai2_bikes416", 22, 2, 90704 + 91472)
    assert (vtm.values["psnr_y"], vtm.values["user_s"]) == (44.8165, 77.655)
    with pytest.raises(InputError, match="does not tell the bytes of its file"):
        read_points(str(DATA / "vtm_ai2_bikes416_22.log"), "file")


def test_folders_are_sides_and_our_own_lines_are_read(capsys):
    """Points of pyenc as log, JSON and CSV of one encoding agree."""
    from cli import records, report
    from codec.h265.config import EncoderConfig, validated

    config = validated(EncoderConfig(SourceWidth=64, SourceHeight=64, QP=27, FrameRate=30))
    pictures = [coded_picture(n) for n in range(3)]
    arguments = ["-i", "in/clip_64x64_30.yuv", "-q", "27"]
    document = {"arguments": arguments, "config": {"QP": 27}, "bytes": 400, "seconds": 2.5}
    document |= {"pictures": [records.picture_record(p) for p in pictures], "summary": report.means(pictures, config)}
    Path("a_27.json").write_text(records.json_text(document))
    Path("a_27.csv").write_text(records.csv_text(pictures))
    head = "Input          File                    : in/clip_64x64_30.yuv\nQP                     : 27\n"
    lines = "".join(report.encoder_line(p) + "\n" for p in pictures)
    Path("a_27.log").write_text(head + lines + report.summary(pictures, config, 400, 2.5))
    log, from_json, table = (read_points(f"a_27.{kind}")[0] for kind in ("log", "json", "csv"))
    assert (log.clip, from_json.clip, table.clip) == ("clip_64x64_30.yuv", "clip_64x64_30.yuv", "a")
    for point in (log, from_json, table):
        assert (point.qp, point.frames, point.bits) == (27, 3, 3003)
        assert point.values["psnr_v"] == pytest.approx(log.values["psnr_v"], abs=1e-4)
    assert log.values["user_s"] == from_json.values["user_s"] == 2.5
    assert read_points("a_27.log", "file")[0].bits == read_points("a_27.json", "file")[0].bits == 3200


def coded_picture(number):
    psnr = (40.0 + number, 42.0, 43.5 - number)
    return PictureReport(number, number, 0, "I", True, 27, 27, 1000 + number, psnr, (6.5, 4.1, 2.9), 1.0)


def test_shell_sweep_in_two_folders():
    for side, prefix in (("anchor", "hm_ai_foreman"), ("test", "hm_ai_foreman")):
        Path(side).mkdir()
        for qp in (22, 27, 32, 37):
            (Path(side) / f"f_{qp}.log").write_text((DATA / f"{prefix}_{qp}.log").read_text())
    files = sorted(map(str, Path().glob("*/*.log")))
    assert [group.name for group in groups_of(files, "pictures")] == ["anchor", "test"]
    assert [group.name for group in groups_of(["test", "anchor"], "pictures")] == ["test", "anchor"]
    assert run("anchor", "test", "--json", "o.json") == 0
    assert json.loads(Path("o.json").read_text())["mean"]["bd_rate_y"] == 0


@pytest.mark.parametrize("kind", ["png", "svg", "pdf"])
def test_plot(tmp_path, kind):
    assert run(HM, table(tmp_path / "t.csv", 0.9, rows=8), "--plot", f"curves.{kind}") == 0
    magic = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[kind]
    assert Path(f"curves.{kind}").read_bytes().startswith(magic)


def test_classes(tmp_path):
    assert class_of("BasketballDrive_1920x1080_50.yuv") == "B"
    assert (class_of("RaceHorses_832x480_30.yuv"), class_of("RaceHorses_416x240_30.yuv")) == ("C", "D")
    assert class_of("kodim03.png") == "other"
    Path("classes.csv").write_text("akiyo_176x144_30.yuv,E\n")
    assert run(HM, HM, "--config", "ai", "--classes", "classes.csv", "--json", "o.json") == 0
    document = json.loads(Path("o.json").read_text())
    assert document["clips"]["akiyo_176x144_30.yuv"]["class"] == "E"
    assert document["classes"]["E"]["clips"] == 1


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x/foreman_22.log", ("foreman", 22)),
        ("people_352x288_30_qp37.json", ("people_352x288_30", 37)),
        ("a-q27.log", ("a", 27)),
        ("clip.log", ("clip", None)),
        ("22.log", ("22", None)),
    ],
)
def test_name_without_qp(name, expected):
    assert name_without_qp(name) == expected


@pytest.mark.parametrize(
    ("text", "suffix", "message"),
    [
        ("", ".csv", "has no rows"),
        ("clip,qp\na,1\n", ".csv", "lacks the column frames"),
        (f"{HEADER}\na,c,22,0,10,1,1,1,1\n", ".csv", "must be above zero"),
        (f"{HEADER}\na,c,22,1,ten,1,1,1,1\n", ".csv", "bits is not a number: 'ten'"),
        (f"{HEADER}\na,c,22,1\n", ".csv", "fewer cells"),
        ("a,b\n1,2\n", ".csv", "neither a table of points"),
        ("{}", ".json", "is not the JSON of pyenc"),
        ("POC    0 TId: 0 ( I-SLICE, nQP 22 QP 22 )  100 bits [Y 1 dB    U 1 dB    V 1 dB]\n", ".log", "no SUMMARY"),
    ],
)
def test_bad_files_end_in_one_line(tmp_path, capsys, text, suffix, message):
    path = tmp_path / f"bad{suffix}"
    path.write_text(text)
    assert run(path, HM) == 3
    err = capsys.readouterr().err
    assert message in err
    assert err.startswith("pybd: error: ")
    assert err.count("\n") == 1


def test_usage_errors(tmp_path, capsys):
    assert run() == 2
    assert run(HM, "--config", "ai") == 2
    assert run(HM, HM, "--method", "cubic") == 2
    assert run(HM, HM, "--config", "none") == 2
    assert run(HM, "missing.csv") == 3
    twice = tmp_path / "twice.csv"
    twice.write_text(HM.read_text() + HM.read_text().splitlines()[1] + "\n")
    assert run(HM, twice) == 3
    assert "QP 22 of akiyo_176x144_30.yuv ai is also in" in capsys.readouterr().err


def test_a_lossless_point_makes_no_number_up(tmp_path):
    rows = HM.read_text().splitlines()
    lossless = [rows[0]] + [row.replace("45.4855", "nan") for row in rows[1:5]]
    (tmp_path / "l.csv").write_text("\n".join(lossless) + "\n")
    assert run(HM, tmp_path / "l.csv", "--json", "o.json") == 0
    mean = json.loads(Path("o.json").read_text())["mean"]
    assert "bd_rate_u" not in mean
    assert math.isfinite(mean["bd_rate_y"])


def spreadsheet(path, target, change, encoding="utf-8"):
    target.write_bytes(change(path.read_text()).encode(encoding))
    return target


@pytest.mark.parametrize(
    ("change", "encoding"),
    [
        (lambda text: text, "utf-8-sig"),
        (lambda text: text, "utf-16"),
        (lambda text: text.replace("\n", "\r\n"), "utf-8"),
        (lambda text: text.replace("\n", "\r"), "utf-8"),
        (lambda text: text.replace(",", ", "), "utf-8"),
        (lambda text: text.replace(",", " ,"), "utf-8"),
        (lambda text: text.replace(",", "\t"), "utf-16"),
        (lambda text: text.replace(",", ";").replace(".", ",").replace(",yuv", ".yuv"), "utf-8-sig"),
        (lambda text: "sep=;\r\n" + text.replace(",", ";"), "utf-8"),
        (lambda text: text + "\n,,,,\n\n", "utf-8"),
    ],
)
def test_tables_of_spreadsheets(tmp_path, change, encoding):
    right = table(tmp_path / "right.csv", 0.9)
    other = spreadsheet(right, tmp_path / "other.csv", change, encoding)
    assert [p.values for p in read_points(str(other))] == [p.values for p in read_points(str(right))]
    assert [p.clip for p in read_points(str(other))] == [p.clip for p in read_points(str(right))]
    assert run(HM, other, "--config", "ai", "--json", "o.json") == 0
    assert json.loads(Path("o.json").read_text())["mean"]["bd_rate_y"] == pytest.approx(-10, abs=0.01)


def test_a_table_tells_the_line_of_a_fault(tmp_path, capsys):
    Path("a.csv").write_text(HEADER + "\n\n\nx,ai,22,1,nan,30,30,30,1\n")
    assert run(HM, "a.csv") == 3
    assert "a.csv:4: frames 1 and bits nan must be above zero" in capsys.readouterr().err


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_logs_of_windows(tmp_path, encoding):
    other = tmp_path / "other"
    other.mkdir()
    for log in DATA.glob("hm_ai_foreman_*.log"):
        text = log.read_text()
        line = next(line for line in text.splitlines() if line.startswith("Input "))
        name = Path(line.split(":", 1)[1].strip()).name
        windows = line.split(":", 1)[0] + ": D:\\my seq\\" + name
        text = text.replace(line, windows).replace("\n", "\r\n")
        (other / log.name).write_bytes(text.encode(encoding))
    logs = sorted(DATA.glob("hm_ai_foreman_*.log"))
    assert [p.clip for log in sorted(other.iterdir()) for p in read_points(str(log))] == [
        p.clip for log in logs for p in read_points(str(log))
    ]
    assert run(*logs, other, "--json", "o.json") == 0
    assert json.loads(Path("o.json").read_text())["mean"]["bd_rate_y"] == pytest.approx(0, abs=1e-9)


def test_classes_of_a_spreadsheet(tmp_path):
    Path("classes.csv").write_bytes("akiyo_176x144_30.yuv; E\r\n".encode("utf-16"))
    assert pybd.read_classes("classes.csv") == {"akiyo_176x144_30.yuv": "E"}


def test_options_without_effect_are_told(tmp_path, capsys):
    assert run(HM, table(tmp_path / "t.csv"), "--config", "ai", "--quality", "psnr_u") == 0
    assert capsys.readouterr().err == "pybd: warning: --quality has no effect without --plot\n"
    Path("classes.csv").write_text("akiyo_176x144_30.yuv,E\nno_such.yuv,E\n")
    assert run(HM, tmp_path / "t.csv", "--config", "ai", "--classes", "classes.csv") == 0
    assert capsys.readouterr().err == "pybd: warning: classes.csv: no_such.yuv is no clip that is compared\n"
