"""The CSV, read again as YUView reads it: declared types, grouped rows, blocks inside the picture, right values."""

import io

from cli import fail, pydec
from cli.inspect.yuview import TYPES, TraceWriter
from codec.h265.config import DecoderConfig
from codec.h265.decoder.decode import decode_stream
from tests.cli.inspect import blocks
from tests.codec.h265 import small_stream

IDS = {name: number for number, (name, _, _) in enumerate(TYPES)}


def read_again(text):
    """(header {key: fields}, types {id: (name, kind, option keys)}, {(picture, type): rows}) by YUView's rules."""
    assert text.endswith("\n") and " " not in text
    lines = text.splitlines()
    count = next(i for i, line in enumerate(lines) if line[0] != "%")
    header, types = {}, {}
    for line in lines[:count]:
        percent, key, *fields = line.split(";")
        assert percent == "%"
        if key == "type":
            number, name, kind = fields
            assert int(number) not in types
            types[int(number)] = (name, kind, options := [])
        elif types:
            options.append((key, fields))
        else:
            header[key] = fields
    width, height = int(header["seq-specs"][2]), int(header["seq-specs"][3])
    groups, last = {}, None
    for line in lines[count:]:
        index, x, y, w, h, number, *values = map(int, line.split(";"))
        assert len(values) == (2 if types[number][1] == "vector" else 1)
        assert x >= 0 and y >= 0 and w > 0 and h > 0 and x + w <= width and y + h <= height
        if (index, number) != last:
            assert (index, number) not in groups, "rows of one picture and type stand together"
            assert last is None or index >= last[0], "and so do all rows of a picture"
        last = index, number
        groups.setdefault(last, []).append((x, y, w, h, *values))
    return header, types, groups


def trace(*pictures, name="clip"):
    file = io.BytesIO()
    writer = TraceWriter(file, name, 25)
    for index, statistics in enumerate(pictures):
        writer.write(index, statistics)
    return file.getvalue().decode()


def test_the_header_declares_what_yuview_needs():
    header, types, _ = read_again(trace(blocks.statistics(), name="a clip; 1"))
    assert header == {"syntax-version": ["v1.22"], "seq-specs": ["a_clip__1", "0", "64", "64", "25"]}
    assert [types[number][0] for number in sorted(types)] == list(IDS)
    for _, kind, options in types.values():
        keys = {key for key, _ in options}
        allowed = {"map": {"mapColor"}, "range": {"defaultRange"}, "vector": {"vectorColor", "scaleFactor"}}
        assert keys == allowed[kind]
        for key, fields in options:
            assert len(fields) == {"mapColor": 5, "defaultRange": 3, "vectorColor": 4, "scaleFactor": 1}[key]
    assert ("scaleFactor", ["4"]) in types[IDS["MvL0"]][2]


def test_the_rows_of_a_known_picture():
    _, _, groups = read_again(trace(blocks.statistics(), blocks.statistics()))

    def rows(name):
        assert groups.get((0, IDS[name])) == groups.get((1, IDS[name]))
        return groups.get((0, IDS[name]))

    quarters = [(0, 0, 32, 32), (32, 0, 32, 32), (0, 32, 32, 32), (32, 32, 32, 32)]
    assert rows("PredictionMode") == [(*q, v) for q, v in zip(quarters, (0, 0, 2, 1), strict=True)]
    assert rows("QpY") == [(*q, v) for q, v in zip(quarters, (20, 30, 20, -10), strict=True)]
    assert rows("IntraModeLuma")[-1] == (48, 16, 16, 16, 2) and len(rows("IntraModeLuma")) == 5
    assert rows("IntraModeChroma") == [(0, 0, 32, 32, 26), (32, 0, 32, 32, 37)]
    assert rows("MergeFlag") == [(0, 32, 32, 32, 1), (32, 32, 32, 16, 1), (32, 48, 32, 16, 0)]
    assert rows("MergeIdx") == [(0, 32, 32, 32, 2), (32, 32, 32, 16, 0)]
    assert rows("MvL0")[2] == (32, 48, 32, 16, -3, 4) and rows("MvL1") == [(32, 48, 32, 16, 0, 0)]
    assert rows("RefPocL0") == [(0, 32, 32, 32, 4), (32, 32, 32, 16, 4), (32, 48, 32, 16, 0)]
    assert rows("RefIdxL1") == [(32, 48, 32, 16, 0)] and rows("RefPocL1") == [(32, 48, 32, 16, 8)]
    assert rows("CbfLuma")[:2] == [(0, 0, 32, 32, 1), (32, 0, 16, 16, 1)] and len(rows("CbfLuma")) == 7
    assert rows("CbfCb") == rows("CbfCr") == [(0, 0, 32, 32, 1)]
    assert rows("SaoLuma") == [(*q, v) for q, v in zip(quarters, (4, 1, 0, 0), strict=True)]
    assert rows("Pcm") is None and rows("TransformSkipLuma") is None


def test_blocks_are_cut_to_the_conformance_window():
    header, _, groups = read_again(trace(blocks.statistics((8, 4, 40, 30))))
    assert header["seq-specs"][2:4] == ["40", "30"]
    quarters = [(0, 0, 24, 28, 20), (24, 0, 16, 28, 30), (0, 28, 24, 2, 20), (24, 28, 16, 2, -10)]
    assert groups[0, IDS["QpY"]] == quarters
    assert groups[0, IDS["MvL0"]] == [(0, 28, 24, 2, 32, 0), (24, 28, 16, 2, 32, 0)]


def test_trace_file_of_pydec(tmp_path, capsys):
    stream, out = tmp_path / "s.bin", tmp_path / "s.csv"
    stream.write_bytes(small_stream.STREAM)
    assert fail.run("pydec", pydec.run, ["-i", str(stream), f"--TraceFile={out}"]) == 0
    assert capsys.readouterr().out.count("(OK)]") == 4
    header, _, groups = read_again(out.read_text())
    assert header["seq-specs"] == ["s.bin", "0", "64", "64", "12"]
    pictures = list(decode_stream(DecoderConfig(BlockStatistics=True), small_stream.open_stream()))
    assert out.read_text() == trace_of(pictures, "s.bin")
    for index, picture in enumerate(pictures):
        blocks_of = picture.statistics.inter_blocks
        for number in range(2):
            used = blocks_of[blocks_of["ref_idx"][:, number] >= 0]
            expected = [tuple(mv) for mv in used["mv"][:, number].tolist()]
            assert [row[4:] for row in groups.get((index, IDS[f"MvL{number}"]), [])] == expected


def trace_of(pictures, name):
    file = io.BytesIO()
    writer = TraceWriter(file, name)
    for index, picture in enumerate(pictures):
        writer.write(index, picture.statistics, picture.frame_rate)
    return file.getvalue().decode()


def test_trace_must_have_a_file_of_its_own(tmp_path, capsys):
    stream = tmp_path / "s.bin"
    stream.write_bytes(small_stream.STREAM)
    assert fail.run("pydec", pydec.run, ["-i", str(stream), f"--TraceFile={stream}"]) == 2
    assert "is the input and the output as well" in capsys.readouterr().err
    assert stream.read_bytes() == small_stream.STREAM
