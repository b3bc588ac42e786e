"""Texts of any editor: marks, lines, limits."""

import pytest

from codec.base.errors import InputError, UsageError
from codec.base.io.text import decoded, lines, read_text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_marks(encoding):
    mark = "\ufeff" if encoding == "utf-16-be" else ""
    assert decoded((mark + "a, é\r\nb").encode(encoding)) == "a, é\r\nb"


def test_what_is_no_utf8():
    assert decoded(b"caf\xe9") == "caf\udce9"
    with pytest.raises(UnicodeDecodeError):
        decoded(b"caf\xe9", "strict")


def test_lines_end_at_line_feeds_only():
    assert lines("a\u2028b\x85\fc\vd\re\n\r\nf\r\n") == ["a\u2028b\x85\fc\vd\re", "", "f", ""]


def test_whole_or_refused(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"x" * (1 << 20))
    assert len(read_text(path, "a", most=1 << 20)) == 1 << 20
    path.write_bytes(b"x" * ((1 << 20) + 1))
    with pytest.raises(UsageError, match="a: larger than 1 MiB"):
        read_text(path, "a", UsageError, 1 << 20)
    with pytest.raises(InputError, match="b: No such file"):
        read_text(tmp_path / "none", "b")
