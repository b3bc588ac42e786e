"""What a set is given: bits a pixel, bytes, or a PSNR to reach; and the Problem that this makes of a plan."""

import math
from dataclasses import dataclass

from cli.alloc.bench import has_fine_qps
from cli.alloc.objective import samples_of
from cli.alloc.problem import Problem
from codec.base.errors import UsageError


@dataclass(frozen=True)
class Budget:
    """kind: "bpp", "bytes" or "dB"; value: above 0."""

    kind: str
    value: float

    @property
    def label(self):
        """As folders are named: 0.15bpp."""
        return f"{self.value:.12g}{self.kind}"

    def bytes(self, pixels):
        """The most bytes, None where a PSNR is asked for."""
        return {"bpp": math.floor(self.value * pixels / 8), "bytes": math.floor(self.value)}.get(self.kind)


def budget_of(bpp, size, psnr):
    """The Budget of the options, of which exactly one is not None."""
    given = [(kind, value) for kind, value in (("bpp", bpp), ("bytes", size), ("dB", psnr)) if value is not None]
    if len(given) != 1:
        raise UsageError("say what the set is given: one of --bpp, --bytes and --psnr")
    kind, value = given[0]
    if not 0 < value < math.inf:
        raise UsageError(f"the budget must be above 0, not {value:g}")
    return Budget(kind, value)


def pixels_of(plan):
    """Luma samples of all pictures of a plan's items."""
    return sum(clip.width * clip.height * clip.frames for clip in plan.clips)


def problem_of(plan, objective, budget, lowest, highest):
    """The Problem of a plan's items; lowest, highest: QPs. UsageError for a PSNR of what is no PSNR."""
    samples = tuple(samples_of(clip, objective.colour) for clip in plan.clips)
    size = budget.bytes(pixels_of(plan))
    if size is None:
        if objective.kind == "ms-ssim":
            raise UsageError("--psnr needs the objective pooled or mean")
        limit, wanted = objective.limit(budget.value, samples), f"{budget.value:g} dB"
    else:
        limit, wanted = size, f"{size} bytes"
    return Problem(
        objective, samples, tuple(clip.name for clip in plan.clips), limit, wanted, size is None, lowest, highest,
        tuple(map(has_fine_qps, plan.configs)),
    )  # fmt: skip
