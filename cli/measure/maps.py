"""Maps of what was chosen where, drawn from the kept streams by what pyinspect draws overlays with."""

import html
from typing import NamedTuple

from cli.inspect.overlay import draw_layers
from cli.inspect.stream import decoded_pictures
from cli.measure.choices import is_h265
from codec.base.errors import CodecError
from codec.base.io.files import open_input

LAYERS = ("skip", "cu", "filters")
# clips in the order of the plan: a page of many would be too heavy
MOST_CLIPS = 8
_WIDTH = 640
# of the luma below the marks: finer levels are of no use to the reader, but most of the file
_BITS = 4


class Map(NamedTuple):
    """words: what is told below the picture, HTML; keys: cli.inspect.layers.Key of each thing that is drawn."""

    clip: str
    config: str
    png: bytes
    words: str
    keys: list


def maps_of(plan, store, qp):
    """[Map, ...] of the middle picture of every finished stream at this QP, clip by clip; only streams of H.265."""
    wanted = [clip.name for clip in plan.clips[:MOST_CLIPS]]
    tasks = [task for task in plan.tasks() if task["qp"] == qp and task["clip"].name in wanted]
    found = [_map(task, store) for task in tasks if store.row(task["key"])]
    return sorted(filter(None, found), key=lambda one: wanted.index(one.clip))


def _map(task, store):
    path = store.point_folder(task["key"]) / "stream.bin"
    if not path.is_file() or not is_h265(path):
        return None
    clip, config = task["clip"], task["config"]
    number = clip.frames // 2
    try:
        with open_input(path) as source:
            options = {"WeightsDir": config.weights_dir or ""}
            ((_, picture),) = decoded_pictures(str(path), source, number, number, options)
    except CodecError:
        if config.is_pyenc:
            raise
        # an encoder of the plan may use what pydec has not
        return None
    shift = picture.bit_depths[0] - _BITS
    picture.planes = [picture.planes[0] >> shift << shift]
    image, keys = draw_layers(picture, LAYERS, max(1, round(_WIDTH / clip.width)))
    words = f"{html.escape(picture.slice_type)} picture {number}, QP {picture.qp}"
    return Map(clip.name, config.name, _png(image), words, keys)


def _png(image):
    import cv2

    return cv2.imencode(".png", image, [cv2.IMWRITE_PNG_COMPRESSION, 9])[1].tobytes()
