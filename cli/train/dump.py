"""Training material: every source coded at every QP in processes of its own, and kept as npz shards.

OUT/SOURCE_qpNN.npz holds arrays of n crops, without pickle; OUT/index.json says what they were made of. A shard appears
whole or not at all, and one that is there is not made again. docs/TRAINING.md lists the arrays.
"""

import json
import os
from concurrent.futures import as_completed
from pathlib import Path

import numpy as np

from cli import workers
from cli.options import ENCODER_OPTIONS
from cli.settings import parse_command_line
from cli.train.record import records
from cli.train.sources import pictures_of
from codec.base.errors import CodecError, InputError, UsageError
from codec.base.io.matrices import Colour
from codec.base.io.rgb import shown, to_rgb
from codec.base.io.writer import whole_file, write_text
from codec.base.io.yuv import change_depth
from codec.base.picture import SourcePicture
from codec.h265.config import EncoderConfig, validated

INDEX = "index.json"
_PLANES = ("y", "u", "v")
_COLOUR = Colour(1)  # of stills, and as good as any other for clips


def missing_tasks(plan, out):
    """The tasks of the plan that have no shard in `out`. UsageError when `out` holds another plan's."""
    index = Path(out) / INDEX
    if index.exists():
        try:
            identity = json.loads(index.read_text())["identity"]
        except (OSError, ValueError, KeyError, TypeError):
            raise InputError(f"{index}: damaged; remove the folder, or dump into another one") from None
        if identity != plan.identity():
            raise UsageError(f"{out} was dumped in another way than {plan.name} says: remove it, or use another --work")
    return [task for task in plan.tasks() if not shard_path(out, task.source, task.qp).exists()]


def shard_path(out, source, qp):
    """Where the shard of a source at a QP lies."""
    return Path(out) / f"{source}_qp{qp:02d}.npz"


def run_dump(plan, out, jobs, show):
    """Make the shards that are missing; show(task, error or None) after each. Returns the errors.

    A source that fails does not stop the others. When the program is killed, finished shards stay.
    """
    tasks, errors = missing_tasks(plan, out), []
    os.makedirs(out, exist_ok=True)
    about = {"identity": plan.identity(), "plan": Path(plan.name).name, "cfg": plan.cfg, "options": plan.options}
    write_text(str(Path(out) / INDEX), json.dumps(about, indent=1) + "\n")
    if jobs == 1 or len(tasks) < 2:
        for task in tasks:
            show(task, _attempt(plan, out, task, errors))
        return errors
    with workers.processes(jobs) as pool:
        waiting = {pool.submit(make_shard, plan, out, task): task for task in tasks}
        for future in as_completed(waiting):
            show(waiting[future], _outcome(future.result, errors))
    return errors


def _attempt(plan, out, task, errors):
    return _outcome(lambda: make_shard(plan, out, task), errors)


def _outcome(result, errors):
    try:
        result()
    except CodecError as error:
        errors.append(error)
        return error
    return None


def make_config(plan, size, qp, frames):
    """The validated EncoderConfig of a source of (width, height)."""
    settings = parse_command_line(ENCODER_OPTIONS, ["-c", plan.cfg, *plan.options, "-q", str(qp)])
    settings.refuse_what_we_lack()
    values = settings.config_values()
    values.update(SourceWidth=size[0], SourceHeight=size[1], InputBitDepth=8, ChromaFormatIDC=420)
    values.update(GOP=settings.gop_rows(), FramesToBeEncoded=frames, SEIDecodedPictureHash=0)
    return validated(EncoderConfig(**values))


def make_shard(plan, out, task):
    """Code one source at one size and QP and write its shard."""
    path, source, qp, scale = task
    rng = plan.random(source)
    pictures = pictures_of(path, plan.first, plan.step, plan.pictures, scale)
    if plan.rgb:
        pictures = [SourcePicture(picture, _rgb(picture)) for picture in pictures]
    pictures = _windows(plan, pictures, rng)
    height, width = pictures[0][0].shape
    config = make_config(plan, (width, height), qp, len(pictures))
    depth = config.InternalBitDepth
    pictures = [
        _like(planes, [change_depth(plane, 8, depth).astype(np.int16) for plane in planes]) for planes in pictures
    ]
    dtype, rows = np.uint8 if depth == 8 else np.uint16, []
    for number, record in enumerate(records(config, pictures, plan.modes)):
        if plan.modes:
            rows += [record.modes] * (number >= plan.skip)
            continue
        for left, top, size in _places(plan, width, height, rng):
            if number >= plan.skip:
                rows.append(_row(record, left, top, *size, dtype, plan))
    if not rows:
        raise InputError(f"{path}: has {len(pictures)} pictures, of which skip={plan.skip} leaves none")
    together = np.concatenate if plan.modes else np.stack
    arrays = {name: together([row[name] for row in rows]) for name in rows[0]}
    with whole_file(str(shard_path(out, source, qp))) as file:
        np.savez_compressed(file, **arrays, bit_depth=np.int32(depth))


def _windows(plan, pictures, rng):
    """The part of the pictures that is coded: the window at a random place, the same in all of them; even sides."""
    height, width = pictures[0][0].shape
    wide, high = (min(a, b) for a, b in zip(plan.window or (width, height), (width, height), strict=True))
    left, top = (2 * int(rng.integers(0, (space // 2) + 1)) for space in (width - wide, height - high))

    def cut(plane, step=1):
        return np.ascontiguousarray(plane[top // step : (top + high) // step, left // step : (left + wide) // step])

    return [_like(planes, [cut(plane, step) for plane, step in zip(planes, (1, 2, 2), strict=True)], cut)
            for planes in pictures]  # fmt: skip


def _like(picture, planes, cut=lambda rgb: rgb):
    """Other planes for a picture; one that has RGB keeps it."""
    return SourcePicture(planes, cut(picture.rgb)) if isinstance(picture, SourcePicture) else planes


def _rgb(picture):
    """uint8 (rows, columns, 3): what a still was made from, or what a picture of a clip stands for."""
    if not isinstance(picture, SourcePicture):
        return shown(to_rgb(picture, (8, 8), _COLOUR))
    return picture.rgb if picture.rgb.dtype == np.uint8 else (picture.rgb // 257).astype(np.uint8)


def _places(plan, width, height, rng):
    """[(left, top, (width, height))] of the crops of a picture, on the grid of 8x8 blocks, so that all maps align."""
    wide, high = (min(a, b // 8 * 8) for a, b in zip(plan.crop or (width, height), (width, height), strict=True))
    wide, high = wide // 8 * 8, high // 8 * 8
    if min(wide, high) < 8:
        raise InputError(f"pictures of {width}x{height} are too small")
    if not plan.crops:
        return [(0, 0, (width // 8 * 8, height // 8 * 8))]
    spaces = (width - wide) // 8, (height - high) // 8
    return [(8 * int(rng.integers(0, spaces[0] + 1)), 8 * int(rng.integers(0, spaces[1] + 1)), (wide, high))
            for _ in range(plan.crops)]  # fmt: skip


def _row(record, left, top, width, height, dtype, plan):
    """The arrays of one crop, those among them that the plan asks for."""

    def cut(plane, step):
        return plane[..., top // step : (top + height) // step, left // step : (left + width) // step]

    row = {}
    stages = (("org", record.original), ("raw", record.reconstructed), ("dbk", record.deblocked))
    for stage, planes in (*stages, ("rec", record.filtered)):
        for name, plane in zip(_PLANES, planes, strict=True):
            row[f"{stage}_{name}"] = cut(plane, 1 if name == "y" else 2).astype(dtype)
    if plan.rgb:
        row["org_rgb"] = cut(np.moveaxis(record.original.rgb, -1, 0), 1)
    row["res_y"] = cut(record.residual, 1)
    for name in ("strengths", "log2_cb", "log2_tb", "qp_y"):
        row[name] = cut(getattr(record, name), 4)
    for name in ("mv", "ref_poc") if plan.motion else ():
        row[name] = cut(getattr(record, name), 4)
    row["slice_qp"] = np.int32(record.report.qp)
    row["poc"] = np.int32(record.report.poc)
    row["index"] = np.int32(record.report.index)
    row["place"] = np.array([left, top], np.int32)
    return row
