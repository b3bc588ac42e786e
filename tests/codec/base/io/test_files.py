"""The files of a run: no output is an input or another output, however its name is spelled."""

import ast
import os

import pytest

from codec.base.errors import InputError, UsageError
from codec.base.io import files
from codec.base.io.writer import announce_outputs, whole_file
from tests.codec.test_floors import MODULES

BOTH = "is the input and the output as well"
TWICE = "two outputs have the same name"
# what is opened elsewhere is no input: devices, locks, caches, logs of programs that a point has run
OWN_FILES = {"codec.base.io.files", "cli.fail", "cli.measure.point_run", "codec.base.kernels.warm"}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    files.forget()
    (tmp_path / "a").write_bytes(b"precious")
    (tmp_path / "d").mkdir()
    (tmp_path / "soft").symlink_to("a")
    (tmp_path / "folder").symlink_to("d")
    os.link("a", "hard")
    yield tmp_path
    assert (tmp_path / "a").read_bytes() == b"precious"
    assert not list(tmp_path.rglob("*.part"))
    files.forget()


@pytest.mark.parametrize("name", ["a", "./a", "d/../a", "soft", "hard", "folder/../a", os.path.abspath("/") + "{}/a"])
def test_an_input_is_no_output_in_either_order(folder, name):
    name = name.format(folder)
    with files.open_input("a"), pytest.raises(UsageError, match=BOTH):
        announce_outputs(name)
    with pytest.raises(UsageError, match=BOTH), whole_file(name) as file:
        file.write(b"lost")
    files.forget()
    announce_outputs(name)
    with pytest.raises(UsageError, match=BOTH):
        files.open_input("a")


@pytest.mark.parametrize(
    "pair",
    [("x", "x"), ("x", "./x"), ("d/x", "folder/x"), ("a", "soft"), ("a", "hard"), ("x", "link"), ("-", "-"),
     ("y%d.png", "./y3.png"), ("./y1.png", "d/../y%d.png")],
)  # fmt: skip
def test_outputs_are_told_apart_also_before_they_exist(pair):
    os.symlink("x", "link")
    with pytest.raises(UsageError, match=TWICE):
        announce_outputs(*pair)


def test_what_may_be_several_things():
    announce_outputs(os.devnull, os.devnull, "x", "d/x", "", None)
    with files.open_input(os.devnull) as file:
        assert file.read() == b""
    with whole_file("x") as file:
        file.write(b"new")


def test_a_sequence_covers_its_pictures():
    (open("y007.png", "wb")).close()
    files.know_input("y007.png")
    announce_outputs("y%d.png", "z%03d.png")  # it writes y7.png
    files.forget()
    files.know_input("y007.png")
    with pytest.raises(UsageError, match=BOTH):
        announce_outputs("./y%03d.png")


def test_pipes_are_files_too():
    os.mkfifo("p")
    announce_outputs("p")
    with pytest.raises(UsageError, match=BOTH):
        files.open_input("./p")  # which would wait for ever


@pytest.mark.parametrize(
    ("name", "reason"),
    [("no/x", "No such file"), ("d", "Is a directory"), ("new/", "Is a directory"), ("a/x", "Not a directory"),
     ("n" * 300, "name too long"), ("/proc/x", "No such file"), ("no/y%d.png", "No such file")],
)  # fmt: skip
def test_places_that_cannot_be_written_are_told_early(name, reason):
    with pytest.raises(InputError, match=f"cannot write .*{reason}"):
        announce_outputs(name)


def test_a_file_of_its_own_may_have_been_read(folder):
    (folder / "state").write_bytes(b"1")
    files.open_input("state").close()
    with whole_file("state", own=True) as file:
        file.write(b"2")
    assert (folder / "state").read_bytes() == b"2"


def test_a_number_that_was_given_to_another_file(folder):
    """Most file systems give the number of a file that is gone to the next one."""
    for _ in range(50):
        (folder / "gone").write_bytes(b"")
        files.open_input("gone").close()
        (folder / "gone").unlink()
        (folder / "later").write_bytes(b"")
        files.check_output("later")
        (folder / "later").unlink()


def test_closed_streams(monkeypatch):
    monkeypatch.setattr("sys.__stdin__", None)
    monkeypatch.setattr("sys.__stdout__", None)
    with pytest.raises(InputError, match="standard input is closed"):
        files.standard_input()
    with pytest.raises(InputError, match="standard output is closed"):
        announce_outputs("-")


def opens(path):
    calls = (node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call))
    return [call for call in calls if isinstance(call.func, ast.Name) and call.func.id == "open"]


@pytest.mark.parametrize("module", sorted(set(MODULES) - OWN_FILES))
def test_nobody_opens_files_on_his_own(module):
    assert not opens(MODULES[module]), "inputs: codec.base.io.files.open_input; outputs: codec.base.io.writer"
