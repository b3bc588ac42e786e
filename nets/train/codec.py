"""Training of a learned codec: bits of latents and squared errors of RGB, on patches of photos, at all qualities."""

import fnmatch
from dataclasses import replace
from pathlib import Path

import numpy as np

from codec.base.errors import InputError, UsageError
from codec.base.io.stills import read_rgb
from nets.arch.codec import ONE, QUALITIES
from nets.quantise import calibrate
from nets.torch_backend import import_torch
from nets.train.codec_recipe import PATCH_UNIT
from nets.train.codec_start import start_as_transform, start_densities
from nets.train.data import check_patterns
from nets.train.fit import Fit

# real samples are -1..1: a squared error in 8-bit steps is as many times one of them
STEPS_SQUARED = 128.0**2
# patches that the first transform is made of
_FIRST_PATCHES = 128
_CALIBRATION_BATCHES = 8
_VALIDATION_SIDES = (512, 768)


def to_integers(rgb):
    """The analysis' input of 8-bit RGB (..., rows, columns, 3): int16 (..., 3, rows, columns)."""
    return np.moveaxis(rgb, -1, -3).astype(np.int16) * 4 - 512


def one_hot(qualities):
    """The nets' input of qualities: int16 (batch, QUALITIES, 1, 1)."""
    return (np.eye(QUALITIES, dtype=np.int16) * ONE)[np.asarray(qualities)][:, :, None, None]


class CodecFit(Fit):
    """As Fit. Validation tells bits/pixel and PSNR of rounded latents, by quality."""

    def _take_material(self, description, material, train, held_out):
        """material: (file of an image, ...)"""
        recipe = self.recipe
        check_patterns(recipe, {path.stem for path in material}, str(Path(recipe.data)))
        side = max(recipe.fit.patch, recipe.quantised.patch)
        self._pictures = list(_pictures([p for p in material if train(p.stem)], recipe.scales, side))
        self._held_out = [middle(read_8bit(path)) for path in material if held_out(path.stem)]
        if not self._pictures:
            raise InputError(f"{recipe.name}: no image holds a patch of {side} samples beside the validation's")
        self._first_look = replace(recipe.fit, batch=_FIRST_PATCHES)
        areas = np.array([picture.shape[0] * picture.shape[1] for picture in self._pictures], float)
        self._shares = areas / areas.sum()

    @property
    def counts(self):
        return len(self._pictures), len(self._held_out)

    def _components_of(self, description):
        """They correct nothing."""
        return ()

    def _macs_of(self, description):
        """Per pixel of the picture, of all nets: the hyper-nets' finest grid has a 256th of its places."""
        from nets.graph import cost

        inner = {name: 1 / 256 if name.startswith("hyper") else 1.0 for name in description}
        return sum(cost(part, part.signals()).macs_per_pixel * inner[n] for n, part in description.items())

    def _batch(self, phase):
        return self._drawn(np.random.default_rng([self.recipe.seed, self.step]), phase)

    def _drawn(self, rng, phase):
        """(integer RGB, None, qualities)"""
        patches = []
        for index in rng.choice(len(self._pictures), phase.batch, p=self._shares):
            picture = self._pictures[index]
            top, left = (int(rng.integers(0, side - phase.patch + 1)) for side in picture.shape[:2])
            patch = picture[top : top + phase.patch, left : left + phase.patch]
            patch = np.swapaxes(patch, 0, 1) if rng.integers(0, 2) else patch
            patches.append(patch[:, ::-1] if rng.integers(0, 2) else patch)
        first = int(rng.integers(0, QUALITIES))
        qualities = [(first + k) % QUALITIES for k in range(phase.batch)]
        return to_integers(np.stack(patches)), None, qualities

    def _tensors(self, rgb, qualities, layout):
        torch = self._torch
        real = torch.from_numpy(rgb.astype(np.float32) / 512).to(self._device, memory_format=layout)
        chosen = torch.tensor(qualities, device=self._device)
        return real, chosen, torch.from_numpy(one_hot(qualities).astype(np.float32) / 512).to(self._device)

    def _backward(self, way, rgb, targets, qualities):
        torch = self._torch
        torch.manual_seed(self.recipe.seed * (1 << 32) + self.step)
        real, chosen, hot = self._tensors(rgb, qualities, getattr(torch, way.layout))
        kind = torch.device(self._device).type
        with torch.autocast(kind, dtype=torch.bfloat16, enabled=way.precision == "bfloat16"):
            made, bits = self.module(real, chosen, hot)
        loss = self._cost(made, real, bits, chosen)
        loss.backward()
        return float(loss.detach())

    def _cost(self, made, real, bits, chosen):
        torch, recipe = self._torch, self.recipe
        rates = torch.tensor(recipe.rates, device=self._device)[chosen]
        errors = (made - real).square().mean((1, 2, 3)) * STEPS_SQUARED
        weights = (rates / recipe.rates[0]) ** -recipe.balance
        return ((bits / real[0, 0].numel() + rates * errors) * weights).mean()

    def validate(self):
        if not self._held_out:
            return {}
        self._average.swap()
        found = {"bpp": {}, "psnr": {}}
        with self._torch.no_grad():
            for quality in range(QUALITIES):
                rows = [self._figures(picture, quality) for picture in self._held_out]
                for name, values in zip(found, np.mean(rows, 0), strict=True):
                    found[name][quality + 1] = float(values)
        self._average.swap()
        return found

    def _figures(self, picture, quality):
        real, chosen, hot = self._tensors(to_integers(picture[None]), [quality], self._torch.contiguous_format)
        made, bits = self.module(real, chosen, hot, noisy=False)
        shown = lambda t: ((t * 512 + 512) / 4).round().clamp(0, 255)  # noqa: E731
        error = float((shown(made) - shown(real)).square().mean())
        return float(bits) / real[0, 0].numel(), 10 * np.log10(255**2 / max(error, 1e-4))

    def _resume(self):
        rgb, _, qualities = self._drawn(np.random.default_rng([self.recipe.seed, 1 << 41]), self._first_look)
        batch = self._tensors(rgb, qualities, self._torch.contiguous_format)
        if not self.recipe.start:
            start_as_transform(self.module, batch[0])
        elif not self.module.has_hyper:
            start_densities(self.module, batch[0], batch[2])
        self._optimiser, self._average = self._helpers()
        super()._resume()

    def _begin_quantised(self):
        self._average.swap()
        batches = []
        for number in range(_CALIBRATION_BATCHES):
            rng = np.random.default_rng([self.recipe.seed, 1 << 40, number])
            rgb, _, qualities = self._drawn(rng, self.recipe.quantised)
            batches.append(self._tensors(rgb, qualities, self._torch.contiguous_format))
        quantise(self.module, batches)
        self._optimiser, self._average = self._helpers()


def quantise(module, batches):
    """Fractions of all nets' activations from batches of (real RGB, qualities, one-hot); it then is quantised."""
    torch, given = import_torch(), {}

    def watch(name, inputs):
        given.setdefault(name, []).append(inputs)

    with torch.no_grad():
        for batch in batches:
            module(*batch, noisy=False, watch=watch)
    for name, each in given.items():
        part = module.parts[name]
        calibrate(part, [_integers(part.description, inputs) for inputs in each])
    module.quantised = True


def _integers(description, inputs):
    """{input: integers} of real ones."""
    made = {}
    for entry in description.inputs:
        values = inputs[entry.name].float().cpu().numpy() * 2.0**entry.fraction
        made[entry.name] = np.clip(np.rint(values), entry.lo, entry.hi).astype(np.int16)
    return made


def read_8bit(path):
    """8-bit RGB of an image (rows, columns, 3)."""
    rgb = read_rgb(path)
    return rgb if rgb.dtype == np.uint8 else (rgb >> 8).astype(np.uint8)


def _pictures(paths, scales, side):
    """Images at every scale at which they hold a patch."""
    import cv2

    for path in paths:
        whole = read_8bit(path)
        for scale in scales:
            height, width = (length // scale for length in whole.shape[:2])
            if min(height, width) >= side:
                small = cv2.resize(whole, (width, height), interpolation=cv2.INTER_AREA) if scale > 1 else whole
                yield np.ascontiguousarray(small)


def middle(picture):
    """The middle of a picture, of at most 512x768, in whole units."""
    sides = [min(most, have) // PATCH_UNIT * PATCH_UNIT
             for most, have in zip(_VALIDATION_SIDES, picture.shape[:2], strict=True)]  # fmt: skip
    if min(sides) < PATCH_UNIT:
        raise UsageError(f"an image of {picture.shape[1]}x{picture.shape[0]} is too small to validate with")
    top, left = ((have - side) // 2 for have, side in zip(picture.shape[:2], sides, strict=True))
    return picture[top : top + sides[0], left : left + sides[1]]


def matching(paths, patterns):
    """Those whose names, without ending, match one of the patterns."""
    return [path for path in paths if any(fnmatch.fnmatchcase(path.stem, pattern) for pattern in patterns)]
