"""What differs by the task of a recipe: how it is fitted, and what its net is measured by.

`windows` is a function without arguments that makes what makes windows of chroma blocks; only that task calls it.
"""

import functools

from nets.train import chroma, evaluate
from nets.train.data import load_crops
from nets.train.fit import Fit, input_grids


def fitting_of(recipe, windows):
    """The class of its training, to be called as Fit."""
    return functools.partial(chroma.ChromaFit, maker=windows()) if recipe.task == "chroma" else Fit


class Measure:
    """Gains of nets of a recipe on a folder of shards."""

    def __init__(self, recipe, description, measured, windows):
        self._chroma, grids = recipe.task == "chroma", input_grids(description)
        if self._chroma:
            pictures = chroma.load_pictures(measured)
            sizes = chroma.sizes_of(recipe)
            self._gains = lambda net: chroma.gains(net, pictures, windows(), list(grids), sizes)
        else:
            crops = load_crops(measured, list(grids), recipe.placement)
            self._gains = lambda net: evaluate.gains(net, crops, grids)

    def of_module(self, module):
        """Of a float module, as it is set."""
        return self._gains((chroma.float_net if self._chroma else evaluate.float_filter)(module))

    def of_net(self, net, runner):
        """Of an integer net."""
        return self._gains((chroma.integer_net if self._chroma else evaluate.integer_filter)(net, runner))

    def means(self, found):
        """{component: {QP: mean gain}}"""
        return (chroma if self._chroma else evaluate).mean_gains(found)

    def by_source(self, found):
        """{(source, QP): {component: (figure without the net, gain)}}"""
        return (chroma if self._chroma else evaluate).by_source(found)

    @property
    def words(self):
        """What the gains are."""
        return "error of the best mode of a block in dB by QP" if self._chroma else "PSNR in dB by QP"
