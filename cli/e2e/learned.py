"""`make learned`: learned codecs beside the standards, one page and its tables.

python -m cli.e2e.learned PHOTO... [--clips CLIP...] [--hm POINTS.csv] [--bpg POINTS.csv] -o FOLDER
"""

from pathlib import Path

import click

from cli.measure import commands

_PROGRAM = "learned"
_QPS = (24, 30, 36, 42)
# pydec, FFmpeg and libde265 decode streams of about as many bits
_TIMED_QUALITY, _TIMED_PICTURES = 4, 4


def main():
    """Entry point: run on sys.argv and end the process with the exit code."""
    commands.end(command, _PROGRAM)


@click.command(context_settings={"max_content_width": 110, "help_option_names": ["-h", "--help"]})
@click.argument("photos", nargs=-1, required=True, type=click.Path())
@click.option("--clips", multiple=True, help="Raw 4:2:0 clips whose first pictures HM coded; a pattern, or several.")
@click.option("--hm", type=click.Path(), help="HM's points of these clips, all intra: CSV as pybd reads it.")
@click.option("--bpg", type=click.Path(), help="BPG's points of these photos: CSV with image, q, bytes, psnr_rgb.")
@click.option("--weights", default="", help="A folder of weights in place of the installed ones.")
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="Of timing.")
@click.option("-o", "--output", required=True, type=click.Path(), help="A folder: index.html, tables.md, points.")
def command(photos, clips, hm, bpg, weights, rounds, output):
    """Measure the installed learned codecs and pyenc on PHOTOs (patterns), beside HM, BPG and published points."""
    from cli.e2e.page import page_of
    from cli.e2e.run import Asked, run_all
    from cli.measure.tables import markdown
    from codec.base.io.writer import announce_outputs, write_text

    folder = Path(output)
    folder.mkdir(parents=True, exist_ok=True)
    page, tables = str(folder / "index.html"), str(folder / "tables.md")
    announce_outputs(page, tables)
    asked = Asked(
        _files(photos), _files(clips), hm, bpg, folder, weights, _QPS, rounds, _TIMED_QUALITY, _TIMED_PICTURES
    )
    found = run_all(asked)
    parts = list(found.tables())
    write_text(tables, "".join(f"**{title}.** {words}\n\n{markdown(table)}\n" for title, words, table in parts))
    write_text(page, page_of(found, parts))
    for title, words, table in parts:
        print(f"{title}. {words}\n\n{markdown(table)}")
    print(f"wrote {page}")


def _files(patterns):
    """Files of patterns, sorted; InputError for a pattern of none."""
    import glob

    from codec.base.errors import InputError

    found = []
    for pattern in patterns:
        names = sorted(glob.glob(pattern))
        if not names:
            raise InputError(f"{pattern}: no such file")
        found += names
    return [Path(name) for name in dict.fromkeys(found)]


if __name__ == "__main__":
    main()
