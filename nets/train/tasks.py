"""What differs by the task of a recipe: how it is fitted, and what its net is measured by.

`windows` is a function without arguments that makes what makes windows of chroma blocks; only that task calls it.
"""

import functools

from nets.train import chroma, evaluate, modes, phases
from nets.train.codec import CodecFit
from nets.train.data import load_crops
from nets.train.fit import Fit, input_grids


def fitting_of(recipe, windows):
    """The class of its training, to be called as Fit."""
    if recipe.task == "chroma":
        return functools.partial(chroma.ChromaFit, maker=windows())
    return {"codec": CodecFit, "interpolate": phases.PhaseFit, "modes": modes.ModesFit}.get(recipe.task, Fit)


def figure_of(recipe):
    """What stands beside gains, in a word."""
    return {"chroma": "used", "modes": "list"}.get(recipe.task, "psnr")


class Measure:
    """Gains of nets of a recipe on a folder of shards."""

    def __init__(self, recipe, description, measured, windows):
        grids = input_grids(description)
        if recipe.task == "chroma":
            pictures, sizes = chroma.load_pictures(measured), chroma.sizes_of(recipe)
            self._gains = lambda net: chroma.gains(net, pictures, windows(), list(grids), sizes)
            self._task, self.words = chroma, "error of the best mode of a block in dB by QP"
        elif recipe.task == "interpolate":
            pairs = phases.load_pairs(measured)
            self._gains = lambda net: phases.gains(net, pairs, list(grids))
            self._task, self.words = phases, "PSNR of predictions, each block taking the better, in dB by QP"
        elif recipe.task == "modes":
            blocks = modes.load_blocks(measured)
            self._gains = lambda net: modes.gains(net, blocks)
            self._task, self.words = modes, "bits saved a block, its mode chosen with them, by QP"
        else:
            crops = load_crops(measured, list(grids), recipe.placement)
            self._gains = lambda net: evaluate.gains(net, crops, grids)
            self._task, self.words = evaluate, "PSNR in dB by QP"

    def of_module(self, module):
        """Of a float module, as it is set."""
        return self._gains(self._task.float_net(module))

    def of_net(self, net, runner):
        """Of an integer net."""
        return self._gains(self._task.integer_net(net, runner))

    def means(self, found):
        """{component: {QP: mean gain}}"""
        return self._task.mean_gains(found)

    def by_source(self, found):
        """{(source, QP): {component: (figure without the net, gain)}}"""
        return self._task.by_source(found)
