"""The folder of an allocation: streams, tables, figures, plot, page."""

from collections import Counter
from pathlib import Path

from cli.alloc.page import page_of
from cli.alloc.plots import curves_figure
from cli.alloc.tables import items_table, methods_table
from cli.measure.plots import save as save_figure
from cli.measure.point_run import run_check
from cli.measure.tables import csv_text, markdown
from cli.records import json_text
from codec.base.errors import CodecError, InputError
from codec.base.io.writer import announce_outputs, whole_file, write_text

_STREAMS = "streams"
_TABLE, _CSV, _JSON, _PLOT, _PAGE = "table.md", "table.csv", "result.json", "curves.svg", "report.html"
# the store rounds figures to six places
_TOLERANCE = 1.5e-6


def stream_names(plan):
    """A file name for the stream of each item: the item's without its ending, with it where two are alike."""
    stems = Counter(Path(clip.name).stem for clip in plan.clips)
    return [f"{p.stem if stems[p.stem] == 1 else p.name}.bin" for p in (Path(clip.name) for clip in plan.clips)]


def begin(folder, plan):
    """Make the folder of an allocation; InputError, before anything is measured, where it cannot be written."""
    try:
        (folder / _STREAMS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}") from None
    names = [_TABLE, _CSV, _JSON, _PLOT, _PAGE, *(f"{_STREAMS}/{name}" for name in stream_names(plan))]
    announce_outputs(*(str(folder / name) for name in names))


def check(outcome, pool):
    """Decode the chosen streams, each in a process of its own; CodecError where one is not what was measured."""
    tasks = [outcome.bench.task(item, way) for item, way in enumerate(outcome.results[outcome.method].ways)]
    streams = [outcome.bench.stream(task["key"]) for task in tasks]
    waiting = [pool.submit(run_check, task, stream) for task, stream in zip(tasks, streams, strict=True)]
    rows = outcome.rows(outcome.method)
    for task, future, stream, row in zip(tasks, waiting, streams, rows, strict=True):
        name, found = task["clip"].name, future.result()
        if "error" in found:
            raise CodecError(f"{name}: the stream that was chosen cannot be decoded: {found['error']}")
        wrong = [key for key, value in found["row"].items() if abs(value - row[key]) > _TOLERANCE]
        if wrong or 8 * len(stream) != row["bits"]:
            raise CodecError(
                f"{name}: the stream that was chosen is not the one that was measured; remove {task['key']}"
            )


def save(outcome, folder, title):
    """Write streams, tables, figures, plot and page."""
    for name, item in zip(stream_names(outcome.plan), outcome.items(outcome.method), strict=True):
        with whole_file(str(folder / _STREAMS / name)) as file:
            file.write(outcome.bench.stream(item["key"]))
    write_text(str(folder / _TABLE), f"{markdown(methods_table(outcome))}\n{markdown(items_table(outcome))}")
    write_text(str(folder / _CSV), csv_text(items_table(outcome)))
    write_text(str(folder / _JSON), json_text(outcome.document()))
    with whole_file(str(folder / _PLOT)) as file:
        save_figure(curves_figure(outcome), file, "svg")
    write_text(str(folder / _PAGE), page_of(outcome, title))
    return folder / _PAGE
