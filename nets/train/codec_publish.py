"""A learned codec from a finished run to installed weights, and its figures by picture and quality."""

from pathlib import Path

import numpy as np

from codec.base.errors import InputError
from nets.arch.codec import QUALITIES
from nets.latent_nets import LatentNets
from nets.latents import PRECISION, load_codec
from nets.torch_backend import prepare
from nets.train.codec import matching, middle, read_8bit
from nets.train.codec_export import export_codec
from nets.train.data import split
from nets.train.publish import finished_module
from nets.weights import begin_directory, publish

PLACEMENT = "codec"
# pictures that frequencies are counted on, and their sides
_COUNTED, _SIDE = 32, 256


def publish_codec_run(recipe, run, images, directory):
    """Export a finished run into a folder of weights. -> its Entry

    images  files of the material: frequencies are counted on those that were trained on
    """
    module, minutes, way = finished_module(recipe, run)
    module.quantised = True
    name = recipe.net_name
    info = {"name": name, "architecture": recipe.architecture, "placement": PLACEMENT, "recipe": Path(recipe.name).name}
    codec = export_codec(module, info, list(_material(recipe, images)))
    rows = figures(codec, _measured(recipe, images))
    phases = f"{recipe.fit.steps} steps in float and {recipe.quantised.steps} quantised"
    begun = f", begun with the weights of {recipe.start}" if recipe.start else ""
    training = (
        f"pytrain {Path(recipe.name).name}: on {len(images)} images, {phases} of {recipe.fit.batch} patches of "
        f"{recipe.fit.patch}x{recipe.fit.patch}, {minutes:.0f} minutes ({way}){begun}"
    )
    means = mean_figures(rows)
    words = ", ".join(f"{q + 1}: {bpp:.3f} {psnr:.2f}" for q, (bpp, psnr) in enumerate(means))
    begin_directory(directory)
    gain = f"bits/pixel and PSNR of RGB by quality on held-out photos: {words}"
    return publish(codec, name, training, gain, directory)


def measure_codec_run(recipe, run, images):
    """{name: [(bits/pixel, PSNR) by quality]} of the codec that was exported into the run's folder."""
    path = Path(run) / "weights" / f"{recipe.net_name}.safetensors"
    if not path.exists():
        raise InputError(f"{path}: not there; run pytrain export {recipe.name}")
    return figures(load_codec(path), _measured(recipe, images))


def _measured(recipe, images):
    return matching(images, recipe.evaluate or recipe.validation)


def _material(recipe, images):
    train, _ = split(recipe.validation)
    rng = np.random.default_rng([recipe.seed, 1 << 42])
    known = [path for path in images if train(path.stem)]
    for at in rng.permutation(len(known))[:_COUNTED]:
        picture = read_8bit(known[at])
        if min(picture.shape[:2]) >= _SIDE:
            top, left = (int(rng.integers(0, side - _SIDE + 1)) for side in picture.shape[:2])
            yield picture[top : top + _SIDE, left : left + _SIDE]


def figures(codec, paths):
    """{name: [(bits/pixel, PSNR of RGB) by quality]} of the middles of images; bits as the tables have them."""
    nets, found = LatentNets(codec, prepare), {}
    for path in paths:
        picture = middle(read_8bit(path))
        found[path.stem] = [_figures(nets, picture, quality) for quality in range(QUALITIES)]
    return found


def _figures(nets, picture, quality):
    groups, centre = nets.encode(picture, quality)
    bits = sum(_bits(nets.codec.tables[name], symbols, numbers) for name, symbols, numbers in groups)
    error = np.square(nets.decode(groups[-1].symbols, centre, quality).astype(float) - picture).mean()
    return bits / (picture.shape[0] * picture.shape[1]), float(10 * np.log10(255**2 / max(error, 1e-4)))


def _bits(tables, symbols, numbers):
    starts, sides = tables.starts[:-1], tables.sides.astype(np.int64)
    side = sides[numbers]
    outside = np.abs(symbols) > side
    at = starts[numbers] + np.where(outside, 2 * side + 1, symbols + side)
    return float((PRECISION - np.log2(tables.frequencies[at])).sum() + 16 * outside.sum())


def mean_figures(rows):
    """[(bits/pixel, PSNR) by quality], means over pictures."""
    return [tuple(float(v) for v in np.mean([row[q] for row in rows.values()], 0)) for q in range(QUALITIES)]
