"""The gates count right: a failure is never lost, whatever a program prints."""

import pytest

from tests import gates


@pytest.mark.parametrize(
    ("said", "status", "expected"),
    [
        ("3 passed in 0.02s", 0, (3, 0)),
        ("1 failed, 12 passed, 3 skipped, 2 warnings in 112.38s (0:01:52)", 1, (12, 1)),
        ("182 deselected, 4 warnings, 248 errors in 20.70s", 1, (0, 248)),
        ("2 passed, 1 error in 1.00s", 1, (2, 1)),
        ("5 passed in 1.00s", 1, (5, 1)),  # it ended badly behind its tests
        ("no tests ran in 0.01s", 5, (0, 1)),
        ("All checks passed!", 0, (1, 0)),
        ("Found 1 error.", 1, (0, 1)),
        ("500 damaged versions of 3 streams in 0m19s: 1 findings; exit codes 0: 499; slowest 0.1 s", 1, (0, 1)),
        ("Segmentation fault", -11, (0, 1)),
    ],
)
def test_counts(said, status, expected):
    assert gates.counted(["something else", said], status) == expected


def test_the_last_line_counts_all_gates(monkeypatch, capsys):
    given = {
        "good": gates.Gate("platform"),
        "bad": gates.Gate("no_such_module_here"),
        "other": gates.Gate("platform", "PYENC_TEST_GATE=1"),
    }
    monkeypatch.setattr(gates, "GATES", given)
    assert gates.main([]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "2 passed, 1 failed"
    assert gates.main(["good"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "1 passed, 0 failed"
    assert gates.main(["unheard"]) == 2
