"""`make course`: run every chapter of docs/course, write the site into build/course."""

import sys
import time
from pathlib import Path

from cli.course.chapter import CHAPTERS, ROOT, run, sources
from cli.course.page import chapter_html, entries, index_html, text_html


def build(folder, paths=None):
    """Run chapters (all of them, if no paths are given) and write their pages and index.html. -> [Ran]"""
    ran = []
    for path in paths or sources():
        started = time.perf_counter()
        ran.append(run(path, folder / "work" / path.stem))
        print(f"{path.stem:40} {time.perf_counter() - started:6.1f} s", flush=True)
    contents = entries(ran)
    for chapter in ran:
        (folder / f"{chapter.name}.html").write_text(chapter_html(chapter, contents), encoding="utf-8")
    words = text_html((CHAPTERS / "front.md").read_text(encoding="utf-8"))
    (folder / "index.html").write_text(index_html(contents, words), encoding="utf-8")
    return ran


def main():
    """All chapters, or those whose names begin as the arguments do."""
    wanted = tuple(sys.argv[1:])
    paths = [path for path in sources() if not wanted or path.name.startswith(wanted)]
    folder = ROOT / "build" / "course"
    build(folder, paths)
    print(f"wrote {Path(folder, 'index.html')}")


if __name__ == "__main__":
    main()
