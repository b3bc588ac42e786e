"""What a recipe with task = "codec" says: which learned codec, on which pictures, at which rates. docs/TRAINING.md."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path

from codec.base.errors import UsageError
from nets.arch.codec import CODECS, QUALITIES
from nets.container import InvalidNet
from nets.train.recipe import AnyRecipe, Phase, checked, make_phases
from nets.weights import is_name

TASK = "codec"
_RATES = (0.0018, 0.0035, 0.0067, 0.013, 0.025, 0.0483)
# what patches are multiples of: hyper-latents are on a grid of 64 samples
PATCH_UNIT = 64


@dataclass(frozen=True)
class CodecRecipe(AnyRecipe):
    """name: of the file; task: TASK; architecture, settings: a function of nets/arch/codec.py and its arguments.

    data, sources   a folder, relative to the recipe, and patterns of images in it
    scales          whole numbers that sides are divided by: images are drawn from at each
    evaluate        patterns of images in `data` whose figures the published net tells; none: the held-out ones
    validation      patterns of file names (without ending) that are not trained on
    rates           lambda of each quality, worst first: loss = bits/pixel + lambda * squared error of 8-bit RGB
    balance         losses count by (lambda / the first)**-balance
    start           the recipe of another run of the same architecture, whose weights are the first ones
    published       the name in weights/, in place of the recipe's own
    """

    name: str
    architecture: str
    data: str = ""
    sources: tuple = ()
    task: str = TASK
    settings: dict = field(default_factory=dict)
    scales: tuple = (1, 2)
    evaluate: tuple = ()
    validation: tuple = ()
    rates: tuple = _RATES
    balance: float = 0.45
    seed: int = 1
    start: str = ""
    published: str = ""
    fit: Phase = Phase()
    quantised: Phase = Phase(steps=1000, learning_rate=2e-4, last_rate=1e-5, warm_up=0, precision="float32")

    def describe(self):
        """{name: Description} of its nets. UsageError for arguments that the architecture does not have."""
        try:
            return CODECS[self.architecture](**self.settings)
        except (TypeError, ValueError, LookupError, ArithmeticError, InvalidNet) as error:
            raise UsageError(f"{self.name}: settings of {self.architecture}: {error}") from None

    def identity(self):
        """Hash of all that decides what the fit computes."""
        values = {k: v for k, v in asdict(self).items() if k not in ("name", "data", "evaluate", "published")}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]

    def images(self, folder=None):
        """Files of the material, sorted; `folder` in place of its `data`."""
        root = Path(folder) if folder else Path(self.name).resolve().parent / self.data
        found = {path for pattern in self.sources for path in root.glob(pattern)}
        if not found:
            raise UsageError(f"{self.name}: no image of {', '.join(self.sources)} in {root}")
        return sorted(found)


def make_codec_recipe(document, name):
    """The CodecRecipe of a TOML document. Raises UsageError."""
    values = make_phases(checked(document, CodecRecipe, name), CodecRecipe, name)
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    for key in ("architecture", "data", "sources"):
        if not values.get(key):
            raise UsageError(f"{name}: needs {key}")
    recipe = CodecRecipe(name=name, **values)
    if recipe.architecture not in CODECS:
        raise UsageError(f"{name}: architecture {recipe.architecture!r} is not one of {', '.join(CODECS)}")
    if any(not isinstance(word, str) for word in recipe.sources + recipe.validation + recipe.evaluate):
        raise UsageError(f"{name}: sources, evaluate and validation are lists of patterns")
    if not all(type(n) is int and n > 0 for n in recipe.settings.values()):
        raise UsageError(f"{name}: settings are whole numbers above 0")
    if not recipe.scales or not all(type(n) is int and n > 0 for n in recipe.scales):
        raise UsageError(f"{name}: scales are whole numbers above 0")
    _check_numbers(recipe)
    recipe.describe()
    if not is_name(recipe.net_name):
        raise UsageError(f"{name}: {recipe.net_name!r} is no name of a net (letters, digits, _ . -): set published")
    return recipe


def _check_numbers(recipe):
    numbers = [rate for rate in recipe.rates if isinstance(rate, (int, float)) and not isinstance(rate, bool)]
    if len(numbers) != QUALITIES or len(recipe.rates) != QUALITIES or not all(0 < n < math.inf for n in numbers):
        raise UsageError(f"{recipe.name}: rates are {QUALITIES} numbers above 0")
    if sorted(numbers) != numbers:
        raise UsageError(f"{recipe.name}: rates rise with the quality")
    if recipe.seed < 0 or not 0 <= recipe.balance <= 1:
        raise UsageError(f"{recipe.name}: seed is not negative, and 0 <= balance <= 1")
    if any(phase.patch % PATCH_UNIT for phase in (recipe.fit, recipe.quantised)):
        raise UsageError(f"{recipe.name}: patch is a multiple of {PATCH_UNIT}")
