"""`make golden-update`: make golden.csv anew, and say which rows changed.

Run: python -m tests.golden.update [--only TEXT]    rows whose name contains TEXT; the others stay
     python -m tests.golden.update --check          change nothing; exit status 1 when a row would change

The commit that changes a row says why (docs/TESTING.md).
"""

import argparse
import sys
import tempfile
import time

from codec.base.kernels.warm import warm_up
from tests.golden.cases import CASES
from tests.golden.run import TABLE, Workshop, read_table, write_table


def change(old, new):
    """What changed in a row, in words."""
    if old is None:
        return "new"
    if old.exit_code != new.exit_code:
        return f"exit code {old.exit_code} -> {new.exit_code}"
    if old.stream == new.stream:
        return "another decoding of the same stream"
    kept = ", the pictures are the same" if old.pictures == new.pictures else ""
    return f"{old.size} -> {new.size} bytes{kept}"


def main(arguments):
    """Returns an exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.golden.update")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    parser.add_argument("--check", action="store_true", help="do not write the table")
    options = parser.parse_args(arguments)
    warm_up()
    started = time.perf_counter()
    old = read_table()
    rows = {name: row for name, row in old.items() if name in CASES}
    changed = [f"{name}: gone" for name in old if name not in CASES]
    failed = []
    with tempfile.TemporaryDirectory() as folder, Workshop(folder) as workshop:
        futures = {name: workshop.row(name) for name in CASES if options.only in name}
        for name, future in futures.items():
            if error := future.exception():
                failed.append(str(error))
                continue
            rows[name] = future.result()
            if rows[name] != old.get(name):
                changed.append(f"{name}: {change(old.get(name), rows[name])}")
    unequal = [f"{n} is not {c.same_as}" for n, c in CASES.items() if c.same_as and rows.get(n) != rows.get(c.same_as)]
    for line in (*changed, *(f"FAILED {text}" for text in failed + unequal)):
        print(line)
    seconds = time.perf_counter() - started
    print(f"{len(futures)} golden streams in {seconds:.0f} s: {len(changed)} changed, {len(failed + unequal)} failed")
    if failed or unequal:
        print(f"{TABLE.name} stays as it was")
        return 1
    if options.check:
        return int(bool(changed))
    write_table(rows)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
