"""docs/STRUCTURE.md has a row for every file, and what is named as a file in docs and sources exists."""

import re
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("cli", "codec/base", "codec/common", "codec/h265", "codec/learned", "nets")
_NAME = re.compile(r"`([\w/]+\.py)`")


def rows(package):
    """[files] of each row of a package's table in "One row per file", as paths below the package."""
    text = (ROOT / "docs" / "STRUCTURE.md").read_text().split("## One row per file")[1]
    section = text.split(f"\n### {package}\n")[1].split("\n### ")[0]
    for line in section.splitlines():
        names = _NAME.findall(line.split("|")[1]) if line.startswith("| `") else []
        # the folder of the first name in a row is that of all that name none
        folder = PurePosixPath(names[0]).parent if names else None
        if names:
            yield [str(PurePosixPath(name) if "/" in name else folder / name) for name in names]


def files(package):
    """The modules of a package, below it."""
    found = (path.relative_to(ROOT / package).as_posix() for path in (ROOT / package).rglob("*.py"))
    return sorted(name for name in found if not name.endswith("__init__.py"))


@pytest.mark.parametrize("package", PACKAGES)
def test_every_file_has_its_row(package):
    named = [name for row in rows(package) for name in row]
    assert sorted(named) == files(package)


def sources():
    """Texts that name files: docs, and the modules themselves."""
    yield from [*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "Makefile"]
    for package in (*PACKAGES, "tests"):
        yield from (path for path in (ROOT / package).rglob("*.py") if path.name != Path(__file__).name)


def test_files_that_are_named_exist():
    wrong = []
    for path in sources():
        for name in re.findall(r"(?<![\w/])(?:cli|codec|nets|tests|docs)/[\w/]+\.(?:py|md|toml)\b", path.read_text()):
            if not (ROOT / name).exists():
                wrong.append(f"{path.relative_to(ROOT)}: {name}")
    assert wrong == []


def test_the_documents_of_the_readme_are_all():
    read_on = set(re.findall(r"\(docs/(\w+\.md)\)", (ROOT / "README.md").read_text()))
    assert read_on == {path.name for path in (ROOT / "docs").glob("*.md")}
