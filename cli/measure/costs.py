"""What tools cost beside what they bring."""

import math

from cli.measure.tables import Table


def cost_table(comparisons, rows):
    """The Table of all Comparisons: BD-rate, kMAC a pixel, times over the anchor's, peak memory, nets.

    rows: of the sweep, as Store.rows gives them
    """
    lines = []
    for comparison in comparisons:
        of_test = [row for row in rows if row["config"] == comparison.test]
        macs = [row["kmac_per_pixel"] for row in of_test if row["kmac_per_pixel"] != ""]
        values = comparison.mean.values
        peak = f"{max(row['peak_mib'] for row in of_test):.0f}" if of_test else "-"
        lines.append(
            [
                comparison.test,
                comparison.anchor,
                " ".join(dict.fromkeys(net for row in of_test for net in row["weights"].split())) or "-",
                _number(values.get("bd_rate_y"), "+.2f"),
                f"{max(macs):.2f}" if macs else "-",
                _number(values.get("time_ratio"), ".2f"),
                _number(values.get("dec_time_ratio"), ".2f"),
                peak,
            ]
        )
    headings = ["test", "anchor", "nets", "BD-rate Y %", "kMAC/pixel", "enc time", "dec time", "peak MiB"]
    return Table(headings, lines, 3)


def made_with(row):
    """Version, commit and nets of a row of a sweep, as words."""
    words = [row["version"], row["commit"] and f"commit {row['commit']}"]
    words.append(row["weights"] and f"nets {row['weights']}")
    return ", ".join(filter(None, words))


def _number(value, form):
    return "-" if value is None or math.isnan(value) else f"{value:{form}}"
