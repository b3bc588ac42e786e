"""What the methods found, as figures: of the set, of each item, and of the model against the truth."""

import math
from dataclasses import dataclass

from cli.alloc.budget import pixels_of
from cli.alloc.objective import Objective, level_of_mse, ms_ssim_of, mse_of, psnr_of_level


@dataclass(frozen=True)
class Outcome:
    """results: {method: cli.alloc.methods.Result}; method: the one whose streams are taken."""

    plan: object
    problem: object
    budget: object
    bench: object
    results: dict
    method: str

    def rows(self, method):
        """The store's row of each item."""
        return [self.bench.row(item, way) for item, way in enumerate(self.results[method].ways)]

    def items(self, method):
        """A dict an item: name, tool set, QP, bytes, bits a pixel, share of the bytes, PSNR and MS-SSIM."""
        rows, colour = self.rows(method), self.problem.objective.colour
        total = sum(row["bits"] for row in rows)
        found = []
        for clip, way, row in zip(self.plan.clips, self.results[method].ways, rows, strict=True):
            found.append({
                "item": clip.name,
                "tools": self.plan.configs[way.config].name,
                "qp": way.qp,
                "bytes": row["bits"] // 8,
                "bpp": row["bits"] / (clip.width * clip.height * clip.frames),
                "share": row["bits"] / total,
                "psnr": psnr_of_level(level_of_mse(mse_of(row, colour))),
                "ms_ssim": ms_ssim_of(row, colour),
                "key": self.bench.task(len(found), way)["key"],
            })  # fmt: skip
        return found

    def total(self, method):
        """The set's figures: bytes, bits a pixel, share of the budget, pooled and mean PSNR, MS-SSIM, points."""
        return set_figures(self.rows(method), self.plan, self.problem) | {
            "points": sum(len(points) for configs in self.results[method].known.figures for points in configs)
        }

    def model(self):
        """How far the hyperbolic model was from the truth, None where it was not asked."""
        result = self.results.get("hyperbolic")
        if not result:
            return None
        model, objective = result.model, self.problem.objective
        expected, found = model.bytes
        losses = [
            objective.total(
                [objective.loss(n, each.level) for n, each in zip(self.problem.samples, figures, strict=True)],
                self.problem.samples,
            )
            for figures in (model.expected, model.found)
        ]
        errors = model.item_errors
        return {
            "expected_bytes": expected,
            "bytes": found,
            "bytes_error": found / expected - 1,
            "expected_figure": losses[0],
            "figure": losses[1],
            "rms_item_bytes_error": math.sqrt(sum(a * a for a, _ in errors) / len(errors)),
            "rms_item_level_error": math.sqrt(
                sum((b.level - a.level) ** 2 for a, b in zip(model.expected, model.found, strict=True)) / len(errors)
            ),
            "sigma_rate": model.sigma[0],
            "sigma_level": model.sigma[1],
        }

    def document(self):
        """All of it, for JSON."""
        problem, objective = self.problem, self.problem.objective
        return {
            "budget": {"kind": self.budget.kind, "value": self.budget.value, "wanted": problem.wanted},
            "objective": {"kind": objective.kind, "colour": objective.colour, "words": objective.words},
            "method": self.method,
            "pixels": pixels_of(self.plan),
            "commit": self.plan.commit,
            "methods": {name: self.total(name) | {"items": self.items(name)} for name in self.results},
            "model": self.model(),
        }


def set_figures(rows, plan, problem):
    """Figures of a set from its items' rows."""
    colour, samples = problem.objective.colour, problem.samples
    levels = [level_of_mse(mse_of(row, colour)) for row in rows]
    likeness = [ms_ssim_of(row, colour) for row in rows]
    size = sum(row["bits"] for row in rows) // 8

    def psnr(kind):
        objective = Objective(kind, colour)
        return objective.total([objective.loss(n, x) for n, x in zip(samples, levels, strict=True)], samples)

    return {
        "bytes": size,
        "bpp": 8 * size / pixels_of(plan),
        "used": None if problem.by_quality else size / problem.limit,
        "pooled": psnr("pooled"),
        "mean": psnr("mean"),
        "ms_ssim": None if None in likeness else sum(likeness) / len(likeness),
    }
