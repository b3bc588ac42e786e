"""Where the report goes, and the progress bar."""

import sys

from tqdm import tqdm


def report_stream(*output_names):
    """stdout, or stderr when one of the outputs is written to standard output."""
    return sys.stderr if "-" in output_names else sys.stdout


def progress(total, unit, title):
    """A bar on stderr, shown on a terminal only; total None when it is not known."""
    return tqdm(total=total, unit=unit, desc=title, disable=not sys.stderr.isatty(), leave=False, file=sys.stderr)


def warm_up(program):
    """Compile every kernel, with a progress bar on a terminal and a line elsewhere."""
    from codec.warm_up import warm_up as compile_kernels

    with progress(None, "kernel", f"{program}: compiling kernels") as bar:

        def show(done, total, name):
            bar.total = total
            bar.set_postfix_str(name, refresh=False)
            bar.update(done - bar.n)

        compile_kernels(show)
    print(f"{program}: all kernels are compiled")
