"""The folder of a sweep: one folder a finished point, named by the hash of its content, and the table of them all.

OUT/points/KEY/{point.json, encode.log, stream.bin}; point.json comes last: a point is there whole or not at all.
OUT/results.csv has the plan's points in the plan's order and is written anew whenever one is finished.
"""

import csv
import io
import json

from codec.errors import InputError
from codec.io.writer import whole_file

TABLE = "results.csv"


class Store:
    """Finished points of one folder."""

    def __init__(self, folder):
        self.folder = folder
        self._rows = {}

    def point_folder(self, key):
        """Where a point's files are."""
        return self.folder / "points" / key

    def row(self, key):
        """The figures of a finished point, None when it is not finished."""
        if key not in self._rows:
            try:
                text = (self.point_folder(key) / "point.json").read_text(encoding="utf-8")
                self._rows[key] = json.loads(text)
            except (OSError, ValueError):
                return None
        return self._rows[key]

    def keep(self, key, result):
        """Write what run_point returned."""
        folder = self.point_folder(key)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"cannot write {folder}: {error.strerror}") from None
        for name, content in (
            ("encode.log", result["log"].encode()),
            ("stream.bin", result["stream"]),
            ("point.json", (json.dumps(result["row"], indent=1) + "\n").encode()),
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
            with whole_file(str(self.folder / TABLE)) as table:
                table.write(file.getvalue().encode())
        return len(rows)
