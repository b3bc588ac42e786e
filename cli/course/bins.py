"""The bins of a stream as its decoder reads them: kernels run as plain Python, where every call can be looked on at."""

import json
import os
import subprocess
import sys

from cli.course.chapter import ROOT


def bins_of(stream):
    """[(context's name, number of the context, its state before, bin)] of all context coded bins of a small stream."""
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    made = subprocess.run(
        [sys.executable, "-m", "cli.course.bins"], input=stream, stdout=subprocess.PIPE, check=True,
        env={**os.environ, "PYTHONPATH": path, "NUMBA_DISABLE_JIT": "1"},
    )  # fmt: skip
    return [tuple(entry) for entry in json.loads(made.stdout)]


def main():
    """Decode the stream of standard input; the bins go to standard output as JSON."""
    import bisect
    import io

    from codec.h265.cabac import engine
    from codec.h265.cabac.contexts import OFFSETS
    from codec.h265.config import DecoderConfig, validated
    from codec.h265.decoder.decode import decode_stream

    names, starts = zip(*OFFSETS.items(), strict=True)
    found, read = [], engine._read_bin

    def look_on(e, context, value):
        state = int(e.state[0].contexts[context])
        made = read(e, context, value)
        found.append((names[bisect.bisect(starts, int(context)) - 1], int(context), state, int(made)))
        return made

    choose = engine._choose_bin
    engine._choose_bin = lambda e: look_on if choose(e) is read else choose(e)
    list(decode_stream(validated(DecoderConfig()), io.BytesIO(sys.stdin.buffer.read())))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
