"""Every golden stream is what golden.csv says: pyenc's bytes, and the pictures that pydec makes of them.

A row that differs is a change of the stream. Where that is meant, `make golden-update` writes the table anew, and the
commit says why (docs/TESTING.md).
"""

import pytest

from codec.base.kernels.warm import warm_up
from tests.golden.cases import CASES
from tests.golden.clips import Clip, picture_bytes
from tests.golden.run import Row, Workshop, read_table
from tests.golden.update import change

TABLE = read_table()


@pytest.fixture(scope="module")
def made(request, tmp_path_factory):
    """{case: future of its Row} of the cases that this run asks for, in work on two lines."""
    parameters = [item.callspec.params for item in request.session.items if hasattr(item, "callspec")]
    names = {given["golden"] for given in parameters if "golden" in given}
    names |= {CASES[name].same_as for name in names} - {""}
    warm_up()
    with Workshop(tmp_path_factory.mktemp("golden")) as workshop:
        yield {name: workshop.row(name) for name in CASES if name in names}


@pytest.mark.parametrize("golden", CASES)
def test_stream_and_pictures_are_those_of_the_table(golden, made):
    row, other = made[golden].result(), CASES[golden].same_as
    assert golden in TABLE, f"{golden} has no row in golden.csv: make golden-update"
    assert row == TABLE[golden], f"{golden}: {change(TABLE[golden], row)}; meant? make golden-update, and say why"
    assert not other or row == made[other].result(), f"{golden} is not {other}"


def test_the_table_is_sorted_and_holds_no_other_rows():
    assert list(TABLE) == sorted(TABLE)
    assert set(TABLE) <= set(CASES)


def test_no_two_cases_are_one():
    """Two cases with one stream prove no more than one, unless that is what they are for."""
    streams = {}
    for name, row in TABLE.items():
        # cfg files and filters come in by themselves
        if row.exit_code == 0 and not CASES[name].same_as and not name.startswith(("cfg/", "cnn/", "threads/")):
            streams.setdefault((row.stream, CASES[name].decoder), []).append(name)
    assert [names for names in streams.values() if len(names) > 1] == []


def test_clips_are_those_of_every_machine():
    """Were a clip another one, all its rows would differ for no fault of the codec."""
    clip = Clip("noise", 6, 4, depth=10)
    words = memoryview(picture_bytes(clip, 1)).cast("H").tolist()
    assert len(words) == 6 * 4 * 3 // 2
    assert words[:6] == [306, 337, 323, 610, 608, 605] and words[24:] == [
        *(255, 257, 596, 395, 424, 687),
        *(764, 772, 750, 691, 634, 535),
    ]


def test_changes_are_told_in_words():
    old = Row(0, 100, "a", "b")
    assert change(None, old) == "new"
    assert change(old, Row(7, 0, "", "")) == "exit code 0 -> 7"
    assert change(old, old._replace(size=90, stream="c")) == "100 -> 90 bytes, the pictures are the same"
    assert change(old, old._replace(size=90, stream="c", pictures="d")) == "100 -> 90 bytes"
    assert change(old, old._replace(pictures="d")) == "another decoding of the same stream"
