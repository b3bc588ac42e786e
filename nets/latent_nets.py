"""The nets of a LatentCodec at work: a picture to symbols and back, in integers (docs/LEARNED.md)."""

from typing import NamedTuple

import numpy as np

from nets.arch.codec import ONE, QUALITIES
from nets.latents import HYPER, OUTER, table_of_channel, table_of_scale, to_latents, to_symbols
from nets.run import run_picture

# of the picture, in samples; results do not depend on it
TILE = 512


class Symbols(NamedTuple):
    """Of one kind of latents, (channels, rows, columns): name "y" or "z", the symbols, and each one's table."""

    name: str
    symbols: np.ndarray
    numbers: np.ndarray


class LatentNets:
    """codec: a LatentCodec;  prepare: a backend's function(net) -> runner;  skipped: names of nets that nobody asks for

    pool, parts  as for nets.run.run_picture: who takes tiles, and how many there are at least
    """

    def __init__(self, codec, prepare, skipped=(), pool=None, parts=1, tile=TILE):
        self.codec = codec
        self._runners = {name: prepare(net) for name, net in codec.nets.items() if name not in skipped}
        self._pool, self._parts, self._tile = pool, parts, tile

    def encode(self, rgb, quality):
        """([Symbols] in the order of coding, centre of y) of uint8 RGB whose sides are whole units."""
        inputs = np.moveaxis(rgb, -1, 0).astype(np.int16) * 4 - 512
        y, steps = self._run(OUTER[0], quality, rgb=inputs)["y"], self.codec.steps
        if not self.codec.has_hyper:
            symbols = to_symbols(y, 0, steps["y"][quality])
            return [Symbols("y", symbols, self.tables_alone("y", quality, y.shape[1:]))], 0
        z = self._run(HYPER[0], quality, y=y)["z"]
        inner = to_symbols(z, 0, steps["z"][quality])
        centre, numbers = self.expected(inner, quality)
        first = Symbols("z", inner, self.tables_alone("z", quality, z.shape[1:]))
        return [first, Symbols("y", to_symbols(y, centre, steps["y"][quality]), numbers)], centre

    def tables_alone(self, name, quality, size):
        """Numbers of the tables of latents with a density of their own; size (rows, columns)."""
        return table_of_channel(quality, (self.codec.steps[name].shape[1], *size))

    def expected(self, symbols, quality):
        """(mean, numbers of tables) of y, by symbols of z."""
        z = to_latents(symbols, 0, self.codec.steps["z"][quality], "z")
        told = self._run(HYPER[1], quality, z=z)
        return told["mean"].astype(np.int64), table_of_scale(told["scale"], self.codec.log_steps[quality])

    def decode(self, symbols, centre, quality):
        """uint8 RGB (rows, columns, 3) of symbols of y."""
        y = to_latents(symbols, centre, self.codec.steps["y"][quality], "y")
        made = self._run(OUTER[1], quality, y=y)["rgb"].astype(np.int32)
        # quarters of an 8-bit step; halves upwards
        return np.ascontiguousarray(np.moveaxis(np.clip((made + 514) >> 2, 0, 255), 0, -1), np.uint8)

    def _run(self, name, quality, **inputs):
        net = self.codec.nets[name]
        hot = np.zeros((1, QUALITIES, 1, 1), np.int16)
        hot[0, quality] = ONE
        given = {key: array[None] for key, array in inputs.items()} | {"quality": hot}
        tile = self._tile and self._tile // (16 if name in HYPER else 1)
        made = run_picture(self._runners[name], net, given, tile, self._pool, self._parts)
        return {key: array[0] for key, array in made.items()}
