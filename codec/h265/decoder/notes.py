"""What decoding passes over without harm: counted by kind, and said in one line at the end."""

from collections import Counter
from typing import NamedTuple


class Kind(NamedTuple):
    """What is counted: "skipped 4 pictures before the first random access point" is verb, count, noun, circumstance."""

    verb: str
    noun: str
    circumstance: str


BEFORE_FIRST_IRAP = Kind("skipped", "picture", "before the first random access point")
BEFORE_NEXT_IRAP = Kind("skipped", "picture", "between an end of sequence and the next random access point")
RASL_WITHOUT_REFERENCES = Kind("skipped", "RASL picture", "with references before the random access point (8.1.3)")
BAD_HEADER = Kind("ignored", "NAL unit", "with a broken header")
UNREADABLE_SET = Kind("ignored", "parameter set", "without a readable number")
UNREADABLE_SEI = Kind("ignored", "SEI message", "that cannot be read")


class Notes:
    """The counts of one decoding; false while there are none."""

    def __init__(self):
        self._counts = Counter()

    def add(self, kind):
        """Count one more."""
        self._counts[kind] += 1

    def count(self, kind):
        """How many there are of a kind."""
        return self._counts[kind]

    def __bool__(self):
        return bool(self._counts)

    def __str__(self):
        return "; ".join(
            f"{verb} {count} {noun}{'s' if count > 1 else ''} {circumstance}"
            for (verb, noun, circumstance), count in self._counts.items()
        )
