"""The folder of a sweep: one folder a finished point, named by the hash of its content, and the table of them all.

OUT/points/KEY/{point.json, encode.log, stream.bin}; point.json comes last: a point is there whole or not at all.
OUT/results.csv has the plan's points in the plan's order and is written anew whenever one is finished.
"""

import csv
import io
import json

from codec.base.errors import InputError
from codec.base.io.files import know_input
from codec.base.io.writer import announce_outputs, encoded, whole_file, write_text

TABLE = "results.csv"


_LOG, _STREAM, _POINT = "encode.log", "stream.bin", "point.json"


def announce_report(plan, name):
    """As announce_outputs, of a report on a plan's points: the files that hold them are its inputs."""
    if not plan.out.is_dir():
        raise InputError(f"nothing of this plan is measured yet: no {plan.out}")
    store = Store(plan.out)
    know_input(plan.out / TABLE)
    for task in plan.tasks():
        for file in (_LOG, _STREAM, _POINT):
            know_input(store.point_folder(task["key"]) / file)
    announce_outputs(name)


class Store:
    """Finished points of one folder."""

    def __init__(self, folder):
        self.folder = folder
        self._rows = {}

    def begin(self):
        """Make the folder. InputError, before anything is measured, where it cannot be written."""
        _make(self.folder / "points")
        announce_outputs(str(self.folder / TABLE))

    def point_folder(self, key):
        """Where a point's files are."""
        return self.folder / "points" / key

    def row(self, key):
        """The figures of a finished point, None when it is not finished."""
        if key not in self._rows:
            try:
                text = (self.point_folder(key) / _POINT).read_text(encoding="utf-8")
                self._rows[key] = json.loads(text)
            except (OSError, ValueError):
                return None
        return self._rows[key]

    def stream(self, key):
        """The bytes of a finished point's stream."""
        return (self.point_folder(key) / _STREAM).read_bytes()

    def keep(self, key, result):
        """Write what run_point returned."""
        folder = self.point_folder(key)
        _make(folder)
        for name, content in (
            (_LOG, encoded(result["log"])),
            (_STREAM, result["stream"]),
            (_POINT, (json.dumps(result["row"], indent=1) + "\n").encode()),
        ):
            with whole_file(str(folder / name)) as file:
                file.write(content)

    def rows(self, tasks):
        """The figures of the tasks that are finished, under the plan's names."""
        found = []
        for task in tasks:
            row = self.row(task["key"])
            if row:
                # a point may have been measured under another name or by another plan
                names = {"clip": task["clip"].name, "config": task["config"].name, "qp": task["qp"]}
                found.append(row | names | {"anchor": int(task["config"].anchor)})
        return found

    def write_table(self, tasks):
        """Write results.csv of the tasks that are finished; the number of these."""
        rows = self.rows(tasks)
        titles = list(dict.fromkeys(title for row in rows for title in row))
        file = io.StringIO()
        writer = csv.DictWriter(file, titles, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
        if rows:
            write_text(str(self.folder / TABLE), file.getvalue(), own=True)
        return len(rows)


def _make(folder):
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot write {folder}: {error.strerror}") from None
