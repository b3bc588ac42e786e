"""Files that are whole or absent, and pictures written to them."""

import io
import os
import stat
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from codec.base.errors import CorruptStream, InputError, Unsupported, UsageError
from codec.base.io import y4m
from codec.base.io.writer import PictureWriter, StillWriter, whole_file, write_text
from codec.base.io.yuv import Format, unpack

ROOT = Path(__file__).resolve().parents[4]


def listing(folder):
    return sorted(path.name for path in folder.iterdir())


def test_file_appears_when_whole(tmp_path):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with whole_file(str(target)) as file:
        file.write(b"new")
        file.flush()
        assert target.read_bytes() == b"old"
    assert target.read_bytes() == b"new"
    assert listing(tmp_path) == ["a.bin"]


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, CorruptStream])
def test_failure_leaves_what_was_there(tmp_path, error):
    target = tmp_path / "a.bin"
    target.write_bytes(b"old")
    with pytest.raises(error), whole_file(str(target)) as file:
        file.write(b"new")
        raise error("x")
    assert target.read_bytes() == b"old"
    assert listing(tmp_path) == ["a.bin"]


def test_part_is_kept_on_request_unless_empty(tmp_path):
    for name, data in (("full", b"part"), ("empty", b"")):
        with pytest.raises(CorruptStream), whole_file(str(tmp_path / name), keep_on=(CorruptStream,)) as file:
            file.write(data)
            raise CorruptStream("x")
    assert listing(tmp_path) == ["full"]
    assert (tmp_path / "full").read_bytes() == b"part"


def test_links_and_devices(tmp_path):
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    with whole_file(str(tmp_path / "link")) as file:
        file.write(b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"
    with whole_file(os.devnull) as file:
        file.write(b"gone")
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_mode_follows_the_umask(tmp_path):
    with whole_file(str(tmp_path / "a")):
        pass
    with open(tmp_path / "b", "wb"):
        pass
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode


def test_unwritable_place(tmp_path):
    with pytest.raises(InputError, match="cannot write .*No such file"), whole_file(str(tmp_path / "no" / "a")):
        pass


def planes_of(shapes, bit_depth, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 1 << bit_depth, shape).astype(np.int16) for shape in shapes]


COLOUR = [(4, 6), (2, 3), (2, 3)]


@pytest.mark.parametrize(
    ("depths", "wanted", "file_depth"), [((8, 8), 0, 8), ((10, 10), 0, 10), ((8, 8), 10, 10), ((10, 10), 8, 8)]
)
@pytest.mark.parametrize("shapes", [COLOUR, COLOUR[:1]])
def test_written_pictures(depths, wanted, file_depth, shapes):
    file = io.BytesIO()
    writer = PictureWriter(file, False, wanted)
    pictures = [planes_of(shapes, depths[0], seed) for seed in range(2)]
    for planes in pictures:
        writer.write(planes, depths)
    picture_format = Format(6, 4, file_depth, int(len(shapes) > 1))
    assert len(file.getvalue()) == 2 * picture_format.frame_bytes
    second = unpack(file.getvalue()[picture_format.frame_bytes :], picture_format, "x")
    for plane, original in zip(second, pictures[1], strict=True):
        wide = original.astype(int)
        if file_depth >= depths[0]:
            assert (plane == wide << (file_depth - depths[0])).all()
        else:
            assert (plane == np.minimum((wide + 2) >> 2, 255)).all()


def test_unequal_depths_go_into_words(tmp_path):
    file = io.BytesIO()
    planes = planes_of(COLOUR, 8)
    PictureWriter(file, False).write(planes, (8, 9))
    words = np.frombuffer(file.getvalue(), "<u2")
    assert (words == np.concatenate([plane.ravel() for plane in planes])).all()


def test_y4m_output_reads_back():
    file = io.BytesIO()
    writer = PictureWriter(file, True, 0)
    planes = planes_of(COLOUR, 10)
    writer.write(planes, (10, 10), Fraction(50))
    writer.write(planes, (10, 10), Fraction(50))
    file.seek(0)
    picture_format = y4m.read_header(file, "x")
    assert picture_format == Format(6, 4, 10, 1, Fraction(50))
    assert y4m.read_frame_header(file, "x", 0)
    back = unpack(file.read(picture_format.frame_bytes), picture_format, "x")
    assert all((a == b).all() for a, b in zip(back, planes, strict=True))


def test_y4m_rate_given_wins_and_unequal_depths_are_raised():
    file = io.BytesIO()
    PictureWriter(file, True, 0, Fraction(12)).write(planes_of(COLOUR, 8), (8, 9), Fraction(50))
    file.seek(0)
    assert y4m.read_header(file, "x") == Format(6, 4, 9, 1, Fraction(12))


def test_size_change():
    raw, headed = PictureWriter(io.BytesIO(), False), PictureWriter(io.BytesIO(), True)
    for writer in (raw, headed):
        writer.write(planes_of(COLOUR, 8), (8, 8))
    raw.write(planes_of([(2, 2), (1, 1), (1, 1)], 8), (8, 8))
    with pytest.raises(Unsupported, match="picture 1 has another size"):
        headed.write(planes_of([(2, 2), (1, 1), (1, 1)], 8), (8, 8))
    assert raw.count == 2


def test_images_hold_what_was_given(tmp_path):
    cv2 = pytest.importorskip("cv2")
    images = [np.random.default_rng(n).integers(0, 256, (5, 7, 3)).astype(np.uint8) for n in range(3)]
    one, many = StillWriter(str(tmp_path / "one.png")), StillWriter(str(tmp_path / "many%03d.PNG"))
    one.write(images[0])
    with pytest.raises(UsageError, match="one.png holds one picture"):
        one.write(images[1])
    for image in images:
        many.write(image)
    assert listing(tmp_path) == ["many000.PNG", "many001.PNG", "many002.PNG", "one.png"]
    for name, image in zip(listing(tmp_path), (*images, images[0]), strict=True):
        assert (cv2.imread(str(tmp_path / name))[:, :, ::-1] == image).all()
    with pytest.raises(UsageError, match="written as PNG"):
        StillWriter("a.jpg")
    with pytest.raises(InputError, match="cannot write"):
        StillWriter(str(tmp_path / "no" / "a.png")).write(images[0])


FULL = """
import io, resource, signal
import numpy as np
from codec.base.io.writer import StillWriter, open_output, whole_file, write_text

def pickled(name):
    with whole_file(name) as file:
        np.savez(file, a=np.zeros(4000))

def small(name):
    with whole_file(name) as file:
        file.write(bytes(5000))

def plain(name):
    with open_output(name) as file:
        file.write(bytes(5000))

kinds = dict(small=small, pickled=pickled, plain=plain, text=lambda name: write_text(name, "x" * 5000))
noise = np.random.default_rng(1).integers(0, 255, (64, 64, 3), np.uint8)
kinds["y%d.png"] = lambda name: StillWriter(name).write(noise)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
for name, write in kinds.items():
    try:
        write(name)
    except OSError as error:
        print(name, error.filename)
"""


def test_a_full_disk_that_shows_at_the_end(tmp_path):
    """The error names the file; nothing is left of it."""
    done = subprocess.run(
        [sys.executable, "-c", FULL], cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True,
        text=True, check=True,
    )  # fmt: skip
    assert done.stdout.split() == "small small pickled pickled plain plain text text y%d.png y0.png".split()
    assert done.stderr == ""
    assert listing(tmp_path) == ["plain"]


def test_a_part_that_a_killed_process_left(tmp_path):
    (tmp_path / f".a.{os.getpid()}.part").write_bytes(b"longer than what comes")
    with whole_file(str(tmp_path / "a")) as file:
        file.write(b"new")
    assert (tmp_path / "a").read_bytes() == b"new"
    assert listing(tmp_path) == ["a"]


def test_a_target_that_becomes_a_folder(tmp_path):
    with pytest.raises(InputError, match="cannot write .*a: Is a directory"), whole_file(str(tmp_path / "a")) as file:
        file.write(b"new")
        (tmp_path / "a").mkdir()
    assert listing(tmp_path) == ["a"]


def test_text_with_names_that_are_no_utf8(tmp_path):
    write_text(str(tmp_path / "a"), "caf\udce9 \u00e9\n")
    assert (tmp_path / "a").read_bytes() == b"caf\\udce9 \xc3\xa9\n"
