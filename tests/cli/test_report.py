"""Report lines, byte for byte as HM prints them."""

import csv
import io
import json
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from cli import records, report
from codec.base.picture import DecodedPicture, PictureReport
from codec.h265.config import EncoderConfig, validated

LOGS = Path(__file__).resolve().parents[3] / "shared" / "reference" / "logs"
CONFIG = validated(EncoderConfig(SourceWidth=352, SourceHeight=288))

LINE = re.compile(
    r"POC +(?P<poc>\d+) TId: (?P<tid>\d) \( (?P<letter>\w)-SLICE, nQP (?P<nqp>\d+) QP (?P<qp>\d+) \) +"
    r"(?P<bits>\d+) bits \[Y (?P<y>\S+) dB +U (?P<u>\S+) dB +V (?P<v>\S+) dB\] \[ET +(?P<et>\d+) \]"
    r" \[L0 (?P<l0>[\d ]*)\] \[L1 (?P<l1>[\d ]*)\]"
    r"(?: \[(?P<hash>\S+)\])?$"
)

SAMPLES = (
    "POC    0 TId: 0 ( I-SLICE, nQP 32 QP 32 )      27672 bits [Y 35.7851 dB    U 40.2255 dB    V 42.7710 dB] "
    "[ET     1 ] [L0 ] [L1 ]",
    "POC    4 TId: 0 ( P-SLICE, nQP 33 QP 33 )      11184 bits [Y 35.9565 dB    U 44.4244 dB    V 43.2406 dB] "
    "[ET     2 ] [L0 3 2 1 0 ] [L1 ] [MD5:47a65e0f,1fd5a463,8feff54c]",
    "POC   13 TId: 2 ( b-SLICE, nQP 41 QP 40 )        104 bits [Y 5.9565 dB    U 999.9900 dB    V 43.2406 dB] "
    "[ET   120 ] [L0 3 2 ] [L1 16 20 ]",
)

COLUMNS = "\tTotal Frames |   Bitrate     Y-PSNR    U-PSNR    V-PSNR    YUV-PSNR  \n"
EMPTY = "        -nan      -nan      -nan      -nan      -nan  \n"
FIGURES = "    852.5067   35.8790   40.3157   42.7319   37.0644  \n"
SUMMARY = (
    "\n\nSUMMARY --------------------------------------------------------\n"
    f"{COLUMNS}\t        9    a {FIGURES}"
    "\n\nI Slices--------------------------------------------------------\n"
    f"{COLUMNS}\t        9    i {FIGURES}"
    "\n\nP Slices--------------------------------------------------------\n"
    f"{COLUMNS}\t        0    p {EMPTY}"
    "\n\nB Slices--------------------------------------------------------\n"
    f"{COLUMNS}\t        0    b {EMPTY}"
    "\nRVM: 0.000\nBytes written to file: 31969 (852.507 kbps)\n\n Total Time:        7.712 sec.\n"
)

FOREMAN_32 = (
    (27672, 35.7851, 40.2255, 42.7710),
    (27928, 35.9024, 40.3732, 42.7475),
    (27816, 35.9091, 40.4598, 42.6053),
    (28248, 35.9403, 40.3613, 42.6998),
    (28560, 35.9164, 40.2070, 42.6349),
    (28688, 35.9025, 40.3282, 42.8886),
    (28608, 35.8990, 40.2396, 42.8992),
    (29416, 35.8544, 40.3046, 42.6039),
    (28816, 35.8022, 40.3418, 42.7365),
)


def mse_of(psnr):
    return 0.0 if psnr == 999.99 else 255**2 * 10 ** (-psnr / 10)


def picture(line):
    """The PictureReport of which HM's line speaks."""
    found = LINE.match(line)
    psnr = tuple(float(found[name]) for name in "yuv")
    return PictureReport(
        index=int(found["poc"]),
        poc=int(found["poc"]),
        temporal_id=int(found["tid"]),
        slice_type=found["letter"].upper(),
        is_reference=found["letter"].isupper(),
        qp=int(found["qp"]),
        nqp=int(found["nqp"]),
        bits=int(found["bits"]),
        psnr=psnr,
        mse=tuple(map(mse_of, psnr)),
        seconds=float(found["et"]),
        refs=tuple(tuple(map(int, found[name].split())) for name in ("l0", "l1")),
        hash=found["hash"] or "",
    )


def intra(poc, bits, y, u, v):
    psnr = (y, u, v)
    return PictureReport(poc, poc, 0, "I", True, 32, 32, bits, psnr, tuple(map(mse_of, psnr)), 1.0)


@pytest.mark.parametrize("line", SAMPLES)
def test_encoder_line(line):
    assert report.encoder_line(picture(line)) == line


def test_summary():
    pictures = [intra(poc, *figures) for poc, figures in enumerate(FOREMAN_32)]
    assert report.summary(pictures, CONFIG, 31969, 7.712) == SUMMARY


@pytest.mark.skipif(not LOGS.is_dir(), reason="HM's logs are not here (../shared/reference/logs)")
def test_whole_logs_of_hm():
    logs = sorted(LOGS.glob("hm_*.log"))
    assert len(logs) == 8
    for log in logs:
        text = log.read_text()
        lines = [line for line in text.splitlines() if line.startswith("POC")]
        pictures = [picture(line) for line in lines]
        assert [report.encoder_line(p) for p in pictures] == lines
        rate = Fraction(re.search(r"Real +Format +: \S+ (\S+)Hz", text)[1])
        config = validated(EncoderConfig(SourceWidth=352, SourceHeight=288, FrameRate=rate))
        byte_count = int(re.search(r"Bytes written to file: (\d+)", text)[1])
        seconds = float(re.search(r"Total Time: +(\S+) sec", text)[1])
        ours, hms = report.summary(pictures, config, byte_count, seconds), text[text.index("\n\nSUMMARY") :]
        # the PSNRs of the log have four digits, so that the last digit of a mean of squared errors may differ
        number = re.compile(r"\d+\.\d+")
        assert number.sub("#", ours) == number.sub("#", hms)
        for a, b in zip(number.findall(ours), number.findall(hms), strict=True):
            assert float(a) == pytest.approx(float(b), abs=1.01e-4)


def test_summary_of_monochrome_has_luma_only():
    config = validated(EncoderConfig(SourceWidth=352, SourceHeight=288, ChromaFormatIDC=400))
    text = report.summary([intra(0, 1000, 40.0, 0.0, 0.0)], config, 125, 0.1)
    assert "\tTotal Frames |   Bitrate     Y-PSNR\n\t        1    a      30.0000   40.0000\n" in text


def test_decoder_lines():
    common = {"planes": [], "bit_depths": (8, 8), "poc": 4, "temporal_id": 0, "slice_type": "P", "qp": 33}
    common["seconds"] = 0.006
    refs = ((3, 2, 1, 0), ())
    ok = DecodedPicture(**common, refs=refs, hash_status="OK", hash="MD5:a,b,c")
    wrong = DecodedPicture(**common, hash_status="ERROR", hash="CRC:1,2,3")
    none = DecodedPicture(**common, is_reference=False)
    assert report.decoder_line(ok) == (
        "POC    4 TId: 0 ( P-SLICE, QP 33 ) [DT  0.006] [L0 3 2 1 0 ] [L1 ] [MD5:a,b,c,(OK)] "
    )
    assert report.decoder_line(wrong).endswith("[L0 ] [L1 ] [CRC:1,2,3,(***ERROR***)] ")
    assert report.decoder_line(none) == "POC    4 TId: 0 ( p-SLICE, QP 33 ) [DT  0.006] [L0 ] [L1 ] [:,(unk)] "


def test_means():
    pictures = [intra(poc, *figures) for poc, figures in enumerate(FOREMAN_32)]
    figures = report.means(pictures, CONFIG)
    assert figures["frames"] == 9
    assert figures["kbps"] == pytest.approx(852.5067, abs=5e-5)
    assert figures["psnr_yuv"] == pytest.approx(37.0644, abs=1e-4)


def test_records():
    pictures = [intra(0, 8, 30.0, 40.0, 50.0), intra(1, 16, 31.0, 41.0, 51.0)]
    rows = list(csv.DictReader(io.StringIO(records.csv_text(pictures))))
    assert [row["bits"] for row in rows] == ["8", "16"]
    assert float(rows[1]["psnr_v"]) == 51.0
    document = {"pictures": [records.picture_record(p) for p in pictures], "rate": Fraction(30), "nan": float("nan")}
    document["numpy"] = np.int64(7)
    back = json.loads(records.json_text(document))
    assert back["nan"] is None
    assert back["rate"] == 30
    assert back["numpy"] == 7
    assert back["pictures"][0]["psnr_u"] == 40.0
    assert "recon" not in back["pictures"][0]
    assert records.csv_text([]) == ""
