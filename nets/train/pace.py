"""How a training step is quickest on this machine: precision, memory layout and torch's threads, found by timing.

bfloat16 is four times as fast as float32 where the processor has instructions for it, and eight times slower where it
has AVX2 only; which memory layout is quicker depends on the net's channels. So nothing is assumed.
"""

import itertools
import os
import time
from typing import NamedTuple

from nets.torch_backend import import_torch

PRECISIONS = ("auto", "float32", "bfloat16")
_REPEATS = 3


class Way(NamedTuple):
    """precision: of convolutions;  layout: "channels_last" or "contiguous_format";  threads: torch's own."""

    precision: str
    layout: str
    threads: int

    def __str__(self):
        layout = "channels last" if self.layout == "channels_last" else "channels first"
        return f"{self.precision}, {layout}, {self.threads} thread{'s' if self.threads > 1 else ''}"


def ways(precision, threads):
    """All Ways that a phase of this precision allows; threads 0: one, or as many as there are cores."""
    precisions = PRECISIONS[1:] if precision == "auto" else (precision,)
    counts = (threads,) if threads else sorted({1, os.cpu_count() or 1})
    return [Way(*way) for way in itertools.product(precisions, ("contiguous_format", "channels_last"), counts)]


def quickest(candidates, step):
    """(Way, seconds a step) of the one with which step(way) takes least; not repeated where that is hopeless."""
    best, least = candidates[0], float("inf")
    for way in candidates:
        set_threads(way)
        step(way)  # the first one makes room
        for _ in range(_REPEATS):
            began = time.perf_counter()
            step(way)
            seconds = time.perf_counter() - began
            if seconds < least:
                best, least = way, seconds
            if seconds > 2 * least:
                break
    set_threads(best)
    return best, least


def set_threads(way):
    """Give torch the Way's threads."""
    import_torch(way.threads)


def machine(device):
    """What a Way was found for: another machine finds its own."""
    torch = import_torch()
    return f"{device} {torch.__version__} {torch.backends.cpu.get_cpu_capability()} {os.cpu_count()}"
