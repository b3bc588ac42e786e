"""Training: first in floating point, then on the integers that the net will have. Resumable at every checkpoint.

A run's folder holds state.pt (the checkpoint), float.pt (the weights at the end of the first phase) and curve.csv (what
the validation sources gained). Which patches a step sees depends on the recipe's seed and the step's number only.
"""

import csv
import io
import math
import os
import time
from pathlib import Path

import numpy as np

from codec.base.errors import InputError, UsageError
from codec.base.io.writer import write_text
from nets.graph import cost, halo
from nets.quantise import calibrate, to_real
from nets.torch_backend import import_torch
from nets.train import checkpoints
from nets.train.average import Average
from nets.train.checkpoints import FLOAT, STATE
from nets.train.data import Patches, check_patterns, grid_of, load_crops, split
from nets.train.evaluate import REAL, float_net, gains, mean_gains
from nets.train.optimiser import Optimiser
from nets.train.pace import Way, machine, quickest, set_threads, ways

CURVE = "curve.csv"
_CALIBRATION_BATCHES = 8
# of a patch that was coded almost without error, in squared 8-bit steps
LEAST_ERROR = 0.05


def new_module(recipe, device="cpu"):
    """The recipe's module with its first weights, which the seed decides. It begins by changing nothing."""
    torch = import_torch()
    from nets.arch.module import make_module

    torch.manual_seed(recipe.seed)
    if recipe.task == "codec":
        from nets.train.codec_module import make_codec_module

        return make_codec_module(recipe).to(device)
    module = make_module(recipe.describe())
    with torch.no_grad():
        for name in module.ends & set(module.weights):
            module.weights[name].zero_()
    return module.to(device)


def _first_module(recipe, runs, device):
    """The module that a fit begins with: new, or with what recipe.start has learnt; `runs`: folder of the runs."""
    module = new_module(recipe, device)
    if recipe.start:
        try:
            checkpoints.begin_with(module, f"{recipe.start}.toml", runs)
        except (KeyError, RuntimeError):
            raise UsageError(f"{recipe.name}: start: {recipe.start} is of another architecture") from None
    return module


def load_module(recipe, path):
    """(module, step) of a checkpoint. Raises InputError when there is none, UsageError when it is of another recipe."""
    module, state = new_module(recipe), checkpoints.load(path, recipe.name)
    if state.get("recipe") != recipe.identity():
        raise UsageError(f"{path} was trained with another recipe than {recipe.name} is now: remove it, or its folder")
    module.load_state_dict(state["module"])
    return module, state


def input_grids(description):
    """{input: grid}"""
    return {entry.name: entry.grid for entry in description.inputs}


def components(description):
    """Those that its outputs correct, in order: y, or y, u and v, or r, g and b."""
    return tuple("".join(output.name for output in description.outputs))


class Fit:
    """One training, from the last checkpoint on. `step` counts both phases."""

    # whether the edges of patches do not matter
    _inner_only = True

    def __init__(self, recipe, material, run, device="cpu", threads=1):
        """material: folders of shards;  run: folder of the checkpoints;  device: torch's name of it.

        threads  torch's own; 0: one or all cores, whichever is quicker
        """
        self._torch, self._threads = import_torch(threads or 1), threads
        self.recipe, self._run, self._device = recipe, Path(run), device
        description = recipe.describe()
        self._components = self._components_of(description)
        self._take_material(description, material, *split(recipe.validation))
        self.module, self.step, self.seconds = _first_module(recipe, self._run.parent, device), 0, 0.0
        self._optimiser, self._average = self._helpers()
        self._machine, self.ways = machine(device), {}
        self._macs = self._macs_of(description)
        self._resume()

    def _take_material(self, description, material, train, held_out):
        """Crops to draw from, those to measure, and what a patch's edges lose. train, held_out: of a source's name"""
        recipe, names = self.recipe, list(input_grids(description))
        crops = [crop for folder in material for crop in load_crops(folder, names, recipe.placement)]
        check_patterns(recipe, {crop.source for crop in crops})
        self._patches = Patches([c for c in crops if train(c.source)], input_grids(description), self._components)
        self._validation = [c for c in crops if held_out(c.source)]
        around = halo(description, description.signals())
        self._lost = -(-max(around) // 2) * 2
        for phase in (recipe.fit, recipe.quantised):
            if phase.patch <= 2 * self._lost:
                raise UsageError(f"{recipe.name}: patches of {phase.patch} lose {self._lost} samples on each side")

    def _components_of(self, description):
        """What outputs correct."""
        return components(description)

    def _macs_of(self, description):
        """Multiplications per pixel of a forward pass."""
        return cost(description, description.signals()).macs_per_pixel

    @property
    def steps(self):
        """Steps of both phases."""
        return self.recipe.fit.steps + self.recipe.quantised.steps

    @property
    def counts(self):
        """(training crops, validation crops)"""
        return len(self._patches.crops), len(self._validation)

    def run(self, show=None, stop=None, tell=None):
        """Train to the end; show(step, loss) after each step, or show(step, loss, gains) where there are new gains.

        gains: {component: {QP: dB}} of the validation sources;  stop: train no further than this step
        tell(text)   is told how steps are done, once it is found out
        """
        started, losses = time.perf_counter() - self.seconds, []
        self._choose_way(tell)
        while self.step < min(self.steps, self.steps if stop is None else stop):
            if self.step == self.recipe.fit.steps:
                self._begin_quantised()
                self._choose_way(tell)
            losses.append(self._one_step())
            self.step += 1
            self.seconds = time.perf_counter() - started
            phase, done = self._phase()
            last = self.step in (self.recipe.fit.steps, self.steps)
            if done % phase.report == 0 or last:
                found = self.validate()
                self._keep(found, float(np.mean(losses)))
                if show:
                    show(self.step, float(np.mean(losses)), found)
                losses = []
            elif show:
                show(self.step, losses[-1])

    def validate(self):
        """{component: {QP: dB}}: mean gain in PSNR of the validation sources; {} without any."""
        if not self._validation:
            return {}
        self._average.swap()
        function = float_net(self.module, self._device)
        found = mean_gains(gains(function, self._validation, input_grids(self.module.description), self._lost))
        self._average.swap()
        return found

    def _helpers(self):
        """The optimiser of a phase, and the average of its weights."""
        return Optimiser(self.module), Average(self.module, self._present.average)

    def _phase(self):
        """The present phase, and its steps so far."""
        first = self.recipe.fit
        return (first, self.step) if self.step <= first.steps else (self.recipe.quantised, self.step - first.steps)

    @property
    def _present(self):
        """The Phase that the next step belongs to."""
        return self.recipe.quantised if self.module.quantised else self.recipe.fit

    def _choose_way(self, tell):
        """How steps of the present phase are done: as before, or the quickest way, which is told."""
        key, phase = "quantised" if self.module.quantised else "fit", self._present
        if key not in self.ways:
            batch = self._batch(phase)
            candidates = ways(phase.precision, self._threads)
            self.ways[key], seconds = quickest(candidates, lambda way: self._forget(self._backward(way, *batch)))
            # forwards once, backwards for the activations and for the weights
            rate = 3 * self._macs * phase.batch * phase.patch**2 / seconds / 1e9
            if tell:
                tell(f"{self.ways[key]}: {seconds:.3f} s a step, {rate:.1f} GMAC/s")
        self._way = self.ways[key]
        set_threads(self._way)

    def _batch(self, phase):
        """(inputs, targets, QPs) of the present step."""
        rng = np.random.default_rng([self.recipe.seed, self.step])
        return self._patches.draw(rng, phase.batch, phase.patch)

    def _calibration(self, phase, number):
        """Inputs of a batch from which fractions are chosen."""
        rng = np.random.default_rng([self.recipe.seed, 1 << 40, number])
        return self._patches.draw(rng, phase.batch, phase.patch)[0]

    def _one_step(self):
        phase = self._present
        done = self.step - (self.recipe.fit.steps if self.module.quantised else 0)
        value = self._backward(self._way, *self._batch(phase))
        self._optimiser.step(learning_rate(phase, done))
        self._average.update()
        if not math.isfinite(value):
            raise InputError(f"step {self.step}: the loss is no number any more: a smaller learning_rate may help")
        return value

    def _backward(self, way, arrays, targets, qps):
        """Gradients of one batch. -> its loss"""
        torch, layout = self._torch, getattr(self._torch, way.layout)
        inputs = to_real(self.module.description, arrays)
        inputs = {name: tensor.to(self._device, memory_format=layout) for name, tensor in inputs.items()}
        kind = torch.device(self._device).type
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=way.precision == "bfloat16"):
            outputs = self.module(inputs, self._inner_only)
        loss = self._loss(outputs, targets, qps)
        loss.backward()
        return float(loss.detach())

    def _forget(self, loss):
        """Drop the gradients of a step that was only timed."""
        self.module.zero_grad(set_to_none=True)

    def _loss(self, outputs, targets, qps):
        """Squared errors in 8-bit steps, over what they are without a filter; about 1 for a net that does nothing.

        "Without a filter": the geometric mean of the patch's own error and what is usual at its QP. The latter alone
        would have the loss follow a few patches of strong texture.
        """
        torch, total, weight = self._torch, 0.0, self.recipe.weight
        everything = sum(weight[c] for c in self._components)
        for name, tensor in outputs.items():
            for channel, component in enumerate(name):
                lost = self._lost >> grid_of(component)
                inner = (slice(None), slice(lost, -lost), slice(lost, -lost))
                wanted = torch.from_numpy(targets[component][:, 0]).to(self._device)[inner]
                each = (tensor[:, channel].float()[inner] * REAL - wanted).square().mean((1, 2))
                usual = torch.tensor([self._patches.error[component, qp] for qp in qps], device=self._device)
                without = (usual * wanted.square().mean((1, 2)).clamp(min=LEAST_ERROR)).sqrt()
                total = total + (each / without).mean() * (weight[component] / everything)
        return total

    def _begin_quantised(self):
        """Fractions from training material; from here on the forward pass is the integer net's."""
        self._average.swap()
        phase = self.recipe.quantised
        calibrate(self.module, [self._calibration(phase, number) for number in range(_CALIBRATION_BATCHES)])
        self.module.quantised = True
        self._optimiser, self._average = self._helpers()

    def _resume(self):
        path = checkpoints.to_go_on_from(self.recipe, self._run)
        if not path:
            return
        self.module, state = load_module(self.recipe, path)
        self.module.to(self._device)
        self.step, self.seconds = int(state["step"]), float(state["seconds"])
        self.module.quantised = self.step > self.recipe.fit.steps
        self._optimiser, self._average = self._helpers()
        self._optimiser.load_state_dict(state["optimiser"])
        self._average.load_state_dict(state["average"])
        if state["machine"] == self._machine:
            self.ways = {key: Way(*way) for key, way in state["ways"].items()}

    def _keep(self, found, loss):
        """The checkpoint and the curve's next line."""
        os.makedirs(self._run, exist_ok=True)
        state = {"recipe": self.recipe.identity(), "step": self.step, "seconds": self.seconds}
        state.update(module=self.module.state_dict(), optimiser=self._optimiser.state_dict())
        state.update(machine=self._machine, ways={key: tuple(way) for key, way in self.ways.items()})
        state.update(average=self._average.state_dict())
        checkpoints.save(state, self._run / STATE)
        if self.step == self.recipe.fit.steps:
            # what comes of the first phase: the weights are the means
            self._average.swap()
            checkpoints.save(state, self._run / FLOAT)
            self._average.swap()
        self._lengthen_curve(found, loss)

    def _lengthen_curve(self, found, loss):
        curve = self._run / CURVE
        new = self.step <= self.recipe.fit.report or not curve.exists()
        text = io.StringIO("" if new else curve.read_text(encoding="utf-8"), newline="")
        text.seek(0, io.SEEK_END)
        columns = {f"{c}_qp{qp}": f"{db:.4f}" for c, table in found.items() for qp, db in sorted(table.items())}
        row = {"step": self.step, "minutes": f"{self.seconds / 60:.2f}", "loss": f"{loss:.5f}", **columns}
        writer = csv.DictWriter(text, row, lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)
        write_text(str(curve), text.getvalue(), own=True)


def learning_rate(phase, done):
    """The rate of step `done` of a phase: a line up, then half a cosine down."""
    if done < phase.warm_up:
        return phase.learning_rate * (done + 1) / phase.warm_up
    way = (done - phase.warm_up) / max(phase.steps - phase.warm_up, 1)
    return phase.last_rate + (phase.learning_rate - phase.last_rate) * 0.5 * (1 + math.cos(math.pi * min(way, 1.0)))
