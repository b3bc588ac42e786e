"""Maps of choices: from the kept streams of a sweep to pictures with a legend in the report."""

import re

import cv2
import numpy as np
import pytest

from cli.inspect import layers
from cli.measure.maps import maps_of
from cli.measure.page import _maps_section
from cli.measure.plan import read_plan
from cli.measure.store import Store
from tests.cli.measure.test_sweep import fake, folder, write_plan  # noqa: F401 (folder is a fixture)
from tests.codec.h265 import small_stream


@pytest.fixture
def kept(folder):  # noqa: F811
    """A plan of two configurations; of clip "one" both have a stream at QP 32, the second not of H.265."""
    plan = read_plan(str(write_plan(folder, fake("a<b"), fake("other", 1))))
    store = Store(plan.out)
    for task in plan.tasks():
        if task["clip"].name.startswith("one") and task["qp"] == 32:
            stream = small_stream.STREAM if task["config"].name == "a<b" else b"DKIF" + bytes(99)
            store.keep(task["key"], {"log": "", "stream": stream, "row": {"qp": 32}})
    return plan, store


def test_a_map_shows_the_middle_picture(kept):
    (found,) = maps_of(*kept, 32)
    assert (found.clip, found.config) == ("one_48x32_25.yuv", "a<b")
    assert found.words.startswith("B picture 1, QP ")
    image = cv2.imdecode(np.frombuffer(found.png, np.uint8), cv2.IMREAD_COLOR)
    assert image.shape[0] == image.shape[1] == 64 * 13
    labels = [key.label for key in found.keys]
    assert {"coding unit", "coding tree block"} <= set(labels) and set(labels) & {"skip", "merge"}
    assert all(key.kind in ("area", "line") for key in found.keys), "the page knows no others"
    assert (image == layers.CTB_LINE).all(axis=2).any() or image.std() > 5
    assert maps_of(*kept, 40) == []


def test_the_section_has_pictures_and_their_legend(kept):
    text = _maps_section(*kept)
    assert text.count("<img ") == 1 and "a&lt;b" in text and "<h3>one_48x32_25.yuv</h3>" in text
    keys = re.findall(r'<li><span class="(\w+)" style="--mark: #([0-9a-f]{6})"></span>([^<]+)</li>', text)
    blue, green, red = layers.CTB_LINE
    assert ("line", f"{red:02x}{green:02x}{blue:02x}", "coding tree block") in keys
    assert len(keys) == len({label for _, _, label in keys}) > 2


def test_nothing_to_show_is_no_section(folder):  # noqa: F811
    plan = read_plan(str(write_plan(folder, fake("a"))))
    assert _maps_section(plan, Store(plan.out)) == ""


def test_a_damaged_stream_of_another_encoder_is_left_out(kept):
    plan, store = kept
    task = next(task for task in plan.tasks() if store.row(task["key"]))
    (store.point_folder(task["key"]) / "stream.bin").write_bytes(small_stream.STREAM[:60])
    assert maps_of(plan, store, 32) == []
