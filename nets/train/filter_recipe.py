"""What a recipe with task = "interpolate" says: how many interpolation filters, on which material. docs/TRAINING.md."""

import hashlib
import json
from dataclasses import asdict, dataclass

from codec.base.errors import UsageError
from nets.filter_bank import MAX_BANDS, MAX_SETS
from nets.train.recipe import AnyRecipe, checked
from nets.weights import is_name

TASK = "interpolate"
ARCHITECTURE = "fir"


@dataclass(frozen=True)
class FilterRecipe(AnyRecipe):
    """name: of the file; task: TASK; architecture: ARCHITECTURE, which CnnInterpolation asks for.

    dump, evaluate   plans of the material, with motion = true, and that of the clips to measure
    validation       patterns of sources' names that are not fitted to
    sets, bands      how many sets of filters, and for how many bands of QP
    rounds           of choosing and solving, whenever a set has come;  ridge: holds filters to the standard's
    share, seed      of the prediction blocks, this part is fitted to, drawn by the seed
    published        the name in weights/, in place of the recipe's own
    """

    name: str
    dump: tuple
    task: str = TASK
    architecture: str = ARCHITECTURE
    evaluate: str = ""
    validation: tuple = ()
    sets: int = 3
    bands: int = 5
    rounds: int = 4
    ridge: float = 5e-4
    share: float = 1.0
    seed: int = 1
    published: str = ""

    def identity(self):
        """Hash of all that decides what the filters are."""
        values = {key: value for key, value in asdict(self).items() if key not in ("name", "evaluate", "published")}
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def make_filter_recipe(document, name):
    """The FilterRecipe of a TOML document. Raises UsageError."""
    document = {key: [value] if key == "dump" and isinstance(value, str) else value for key, value in document.items()}
    values = checked(document, FilterRecipe, name)
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in values.items()}
    if not values.get("dump"):
        raise UsageError(f"{name}: needs dump")
    recipe = FilterRecipe(name=name, **values)
    if any(not isinstance(word, str) for word in recipe.dump + recipe.validation):
        raise UsageError(f"{name}: dump and validation are texts")
    if recipe.architecture != ARCHITECTURE:
        raise UsageError(f"{name}: architecture {recipe.architecture!r} is not {ARCHITECTURE}, the one of filters")
    if not (1 <= recipe.sets <= MAX_SETS and 1 <= recipe.bands <= MAX_BANDS and recipe.rounds >= 1):
        raise UsageError(f"{name}: 1 to {MAX_SETS} sets, 1 to {MAX_BANDS} bands, at least one round")
    if not (0 < recipe.share <= 1 and 0 <= recipe.ridge < 1 and recipe.seed >= 0):
        raise UsageError(f"{name}: 0 < share <= 1, 0 <= ridge < 1, and no negative seed")
    if not is_name(recipe.net_name):
        raise UsageError(f"{name}: {recipe.net_name!r} is no name of a net (letters, digits, _ . -): set published")
    return recipe
