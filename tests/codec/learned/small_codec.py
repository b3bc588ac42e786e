"""Learned codecs that a test makes in a second: small nets as they begin, on made-up pictures; weights of their own."""

import functools

import numpy as np

from nets.train.codec import one_hot, quantise, to_integers
from nets.train.codec_export import export_codec
from nets.train.codec_module import make_codec_module
from nets.train.codec_recipe import CodecRecipe
from nets.train.codec_start import start_as_transform
from nets.weights import begin_directory, publish

SETTINGS = {
    "factorized": dict(fine=12, coarse=12, latent=16, blocks=1),
    "hyperprior": dict(fine=12, coarse=12, latent=16, blocks=1, hyper=8, z=6),
}


def picture(height, width, seed=0):
    """uint8 RGB: slopes, edges and a little noise."""
    rng = np.random.default_rng(seed)
    y, x = np.indices((height, width))
    planes = []
    for _ in range(3):
        slope = 90 + rng.uniform(-1, 1) * y + rng.uniform(-1, 1) * x
        bars = 40 * ((x // 9 + y // 13) % 3) * rng.uniform(0.5, 1)
        planes.append(slope + bars + rng.normal(0, 3, (height, width)))
    return np.clip(np.stack(planes, -1), 0, 255).astype(np.uint8)


@functools.cache
def small_codec(architecture):
    """A LatentCodec."""
    import torch

    recipe = CodecRecipe(name=f"small_{architecture}.toml", architecture=architecture, settings=SETTINGS[architecture])
    torch.manual_seed(1)
    module = make_codec_module(recipe)
    pictures = [picture(128, 128, seed) for seed in range(6)]
    real = torch.from_numpy(to_integers(np.stack(pictures)).astype(np.float32) / 512)
    start_as_transform(module, real)
    qualities = torch.arange(6)
    quantise(module, [(real, qualities, torch.from_numpy(one_hot(qualities).astype(np.float32) / 512))])
    info = dict(name=f"small_{architecture}", architecture=architecture, placement="codec")
    return export_codec(module, info, pictures[:2])


def install(folder, *architectures):
    """A folder of weights that holds small codecs. -> {architecture: id}"""
    begin_directory(folder)
    names = architectures or SETTINGS
    return {name: publish(small_codec(name), f"small_{name}", "made by a test", "none", folder).id for name in names}
