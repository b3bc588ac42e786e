"""Where the report goes, and the progress bar."""

import sys

from tqdm import tqdm

_STANDARD_OUTPUT = ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1")


def report_stream(*output_names):
    """stdout, or stderr when one of the outputs is written to standard output."""
    return sys.stderr if any(name in _STANDARD_OUTPUT for name in output_names) else sys.stdout


def progress(total, unit, title):
    """A bar on stderr, shown on a terminal only; total None when it is not known."""
    return tqdm(total=total, unit=unit, desc=title, disable=not sys.stderr.isatty(), leave=False, file=sys.stderr)


def warm_up(program, which):
    """Compile the kernels that `which` ("decoder", "encoder", "all") calls and that are not in the cache.

    At once back when there are none; else a line and, on a terminal, a progress bar on stderr. -> number compiled
    """
    from codec.base.kernels.warm import cold_groups, warm_up

    if not cold_groups(which):
        return 0
    print(f"{program}: first use, compiling kernels (about a minute)", file=sys.stderr, flush=True)
    with progress(None, "kernel", f"{program}: compiling kernels") as bar:

        def show(done, total, name):
            bar.total = total
            bar.set_postfix_str(name, refresh=False)
            bar.update(done - bar.n)

        return warm_up(which, show)
