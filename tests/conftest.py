"""What holds for all tests: programs of others, skipped where missing or required; signals that are not ignored."""

import signal

import pytest

from tests.conformance import foreign


def pytest_configure(config):
    """The marks of this project; signals as a person's shell leaves them.

    A suite that runs in the background (nohup, &) was started with INT and HUP ignored, which the programs that it
    starts would take over, and heed.
    """
    config.addinivalue_line("markers", "needs(*programs): programs of others, see tests/conformance/foreign.py")
    usual = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: signal.SIG_DFL}
    if hasattr(signal, "SIGHUP"):
        usual[signal.SIGHUP] = signal.SIG_DFL
    for number, handler in usual.items():
        if signal.getsignal(number) == signal.SIG_IGN:
            signal.signal(number, handler)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    """Before fixtures are made, which may need the programs as well."""
    for mark in item.iter_markers("needs"):
        foreign.require(*mark.args)
