"""Fields of settings: each carries the range of its values, and what help says of it."""

from dataclasses import field


def number(default, low, high, text=""):
    """A whole or broken number; low, high: the least and the largest that is allowed; text: for help."""
    return field(default=default, metadata={"range": (low, high), "help": text})


def choice(default, *choices, text=""):
    """One of `choices`."""
    return field(default=default, metadata={"choices": choices, "help": text})


def words(default="", text=""):
    """Any text."""
    return field(default=default, metadata={"help": text})
