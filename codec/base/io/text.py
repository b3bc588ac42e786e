"""Text files as people have them: of any editor and shell, read whole or refused."""

import codecs

from codec.base.errors import InputError
from codec.base.io.files import open_input

_MIB = 1 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


def read_text(path, called, error=InputError, most=64 * _MIB):
    """The whole text of a file in UTF-8, or in UTF-16 with its mark (Windows' editors, PowerShell's >).

    called  how messages name the file;  most: bytes that such a file may have
    Raises `error` for a file that cannot be read or is larger. What is no UTF-8 is escaped as Python does it in file
    names, so that a text may name any file.
    """
    try:
        with open_input(path) as file:
            data = file.read(most + 1)
    except OSError as fault:
        raise error(f"{called}: {fault.strerror}") from None
    if len(data) > most:
        raise error(f"{called}: larger than {most // _MIB} MiB, which no such file is: is it a clip or a bitstream?")
    return decoded(data)


def decoded(data, errors="surrogateescape"):
    """The text of bytes, by their byte order mark; UTF-8 without one."""
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            # only UTF-8 has bytes that names of files may have
            return data[len(mark) :].decode(encoding, errors if encoding == "utf-8" else "replace")
    return data.decode("utf-8", errors)


def lines(text):
    """The lines of a text: LF, or CR LF, ends one, and nothing else does.

    str.splitlines() also ends them at form feeds and at what Unicode calls line separators, which people paste into
    comments.
    """
    return [line.removesuffix("\r") for line in text.split("\n")]
