"""Points of a plan measured for the methods: tasks of the sweep's store, in its pool."""

import math
from dataclasses import replace
from itertools import pairwise

from cli.measure.identity import hash_of
from cli.measure.plan import task_of
from cli.measure.sweep import run_tasks
from codec.base.errors import CodecError
from codec.base.io.text import read_text

_LAYERS = 7


class Bench:
    """plan, objective: what is measured, and what of it counts; store, pool: as of sweeps; show: as for run_sweep, and
    begin(number): before points are measured."""

    def __init__(self, plan, objective, store, pool, show, begin):
        self.plan, self.objective = plan, objective
        self._store, self._pool, self._show, self._begin = store, pool, show, begin
        self.measured = 0

    def task(self, item, way):
        """The task of an item coded in a Way."""
        clip, whole = self.plan.clips[item], math.ceil(way.qp)
        config = with_lambda(self.plan.configs[way.config], whole - way.qp, 1 if clip.frames == 1 else _LAYERS)
        return task_of(self.plan, clip, config, whole)

    def row(self, item, way):
        """The row of a point that was measured."""
        return self._store.row(self.task(item, way)["key"])

    def stream(self, key):
        """The bytes of a point's stream."""
        return self._store.stream(key)

    def measure(self, wanted):
        """[Figures] of (item, Way) pairs, from the store where they are there. CodecError when points fail."""
        tasks = [self.task(item, way) for item, way in wanted]
        missing = list({task["key"]: task for task in tasks if self._store.row(task["key"]) is None}.values())
        if missing:
            self._begin(len(missing))
            errors = run_tasks(self._pool, missing, self._store, self._show)
            self.measured += len(missing) - len(errors)
            if errors:
                raise CodecError(f"{len(errors)} of {len(missing)} points failed; the first: {errors[0]}")
        return [self.objective.figures(self._store.row(task["key"])) for task in tasks]


def has_fine_qps(config):
    """Whether a tool set takes QPs between the whole ones: pyenc's do, unless they set lambda themselves."""
    if not config.is_pyenc:
        return False
    cfgs = [read_text(word, word) for before, word in pairwise(config.words) if before == "-c"]
    return not any(
        name in text for text in [*config.words, *cfgs] for name in ("LambdaModifier", "-LM", "LambdaFromQp")
    )


def with_lambda(config, part, layers):
    """The Config with the lambda of a QP that is `part` (0 to below 1) less: lambda doubles every three QPs.

    layers  temporal layers that may be there
    """
    if not part:
        return config
    factor = f"{2 ** (-part / 3):.6f}"
    options = tuple(f"--LambdaModifier{layer}={factor}" for layer in range(layers))
    return replace(config, words=config.words + options, identity=hash_of([config.identity, *options]))
