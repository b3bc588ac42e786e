"""Sixty random sets of options, each stream exact everywhere; the same program does three thousand."""

import numpy as np

from tests.conformance import foreign
from tests.fuzz import settings

FIRST = 10**6


@foreign.needs(*foreign.PROGRAMS.values())
def test_sixty_sets_of_options_are_coded_and_decoded_exactly():
    tally = settings.fuzz(FIRST, 60, 1)
    assert tally.findings == []
    # FFmpeg's SAO is wrong now and then, libde265 across slices: they may differ alone, and seldom
    assert sum(tally.codes.values()) == 60 and tally.codes[settings.CODED] > 55


def test_a_stream_that_no_decoder_shows_as_meant_is_a_finding():
    right, wrong = ("a", lambda stream: "md5"), ("b", lambda stream: "other")
    assert settings.verdict("md5", [right, right], None) == settings.verdict("md5", [], None) == settings.CODED
    assert settings.verdict("md5", [right, wrong], None) == "coded_but_in_b"
    assert settings.verdict("md5", [wrong], None) == "b:differs"
    assert settings.verdict("md5", [wrong, wrong], None) == "b_and_b:differs"


def test_a_case_depends_on_its_seed_only(tmp_path):
    assert settings.command(7, tmp_path) == settings.command(7, tmp_path)
    assert len({settings.command(seed, tmp_path) for seed in range(20)}) == 20


def test_the_whole_table_is_drawn_from():
    """Every option that decides something about the stream turns up, in sets of its own or alone."""
    words = {word.partition("=")[0] for seed in range(2000) for word in settings.draw(seed).words}
    assert {f"--{option.name}" for option in settings._ALONE} <= words
    for name in ("RateControl", "SliceMode", "PCMEnabledFlag", "CnnLoopFilter", "CnnOutputFilter", "MaxCUSize"):
        assert f"--{name}" in words


def test_a_clip_is_what_its_name_says(tmp_path):
    for clip in (settings.Clip(10, 8, 3, 8, False, 4), settings.Clip(8, 12, 2, 10, True, 1)):
        settings.write_clip(clip, tmp_path / clip.name)
        samples = clip.width * clip.height * (2 if clip.mono else 3) // 2 * clip.pictures
        data = np.fromfile(tmp_path / clip.name, np.uint8 if clip.bits == 8 else "<u2")
        assert len(data) == samples and data.max() < 1 << clip.bits
