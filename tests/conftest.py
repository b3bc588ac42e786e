"""What a test needs beside Python packages: skipped where it is missing, failed where PYENC_REQUIRE_FOREIGN=1."""

import pytest

from tests.conformance import foreign


def pytest_configure(config):
    """The marks of this project."""
    config.addinivalue_line("markers", "needs(*programs): programs of others, see tests/conformance/foreign.py")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Before fixtures are made, which may need the programs as well."""
    for mark in item.iter_markers("needs"):
        foreign.require(*mark.args)
