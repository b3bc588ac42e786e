"""What a recipe says: which net, on which material, how long, and under which name. docs/TRAINING.md."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from codec.base.errors import UsageError
from nets.arch.chroma import CHROMA_NETS
from nets.arch.filters import ARCHITECTURES as FILTERS
from nets.arch.interpolation import INTERPOLATION_NETS
from nets.arch.modes import MODE_NETS
from nets.container import InvalidNet
from nets.train.pace import PRECISIONS
from nets.weights import is_name

# what nets are for
TASKS = {"filter": FILTERS, "chroma": CHROMA_NETS, "interpolate": INTERPOLATION_NETS, "modes": MODE_NETS}
ARCHITECTURES = {name: make for made in TASKS.values() for name, make in made.items()}
PLACEMENTS = {"reconstructed": "raw", "deblocked": "dbk", "filtered": "rec"}


@dataclass(frozen=True)
class Phase:
    """A stretch of training: `steps` of `batch` patches of patch x patch samples, the rate falling as a cosine.

    precision   of convolutions: float32, bfloat16 (autocast), or auto: the quicker one here
    average  decay of the moving average of the weights, which is what is measured and kept; 0: the weights themselves
    report   steps between two looks at the validation sources, each with a checkpoint
    """

    steps: int = 20000
    batch: int = 16
    patch: int = 96
    learning_rate: float = 4e-3
    last_rate: float = 4e-5
    warm_up: int = 100
    precision: str = "auto"
    average: float = 0.0
    report: int = 500


class AnyRecipe:
    """What recipes of nets and of filters have in common."""

    @property
    def measured(self):
        """The plan of the clips to measure."""
        return self.evaluate or self.dump[0]

    @property
    def net_name(self):
        """The name under which the net is published."""
        return self.published or Path(self.name).stem


@dataclass(frozen=True)
class Recipe(AnyRecipe):
    """name: of the file; architecture, settings: a function of nets/arch and its arguments.

    task             what the net is for: one of TASKS
    dump, evaluate   plans of the material to train on (a file may name just one), and that of the clips to measure
    validation       patterns of sources' names that are not trained on;  placement: what is filtered, see PLACEMENTS
    weight           of the components' relative errors in the loss
    start            the recipe of a finished run with the same architecture, whose weights are the first ones
    published        the name in weights/, in place of the recipe's own
    """

    name: str
    architecture: str
    dump: tuple
    task: str = "filter"
    evaluate: str = ""
    validation: tuple = ()
    placement: str = "filtered"
    settings: dict = field(default_factory=dict)
    weight: dict = field(default_factory=lambda: {"y": 0.75, "u": 0.125, "v": 0.125})
    seed: int = 1
    start: str = ""
    published: str = ""
    fit: Phase = Phase()
    quantised: Phase = Phase(steps=1000, learning_rate=2e-4, last_rate=1e-5, warm_up=0, precision="float32")

    def describe(self):
        """The Description of its net. UsageError for arguments that the architecture does not have or cannot take."""
        try:
            return ARCHITECTURES[self.architecture](**self.settings)
        except (TypeError, ValueError, LookupError, ArithmeticError, InvalidNet) as error:
            raise UsageError(f"{self.name}: settings of {self.architecture}: {error}") from None

    def identity(self):
        """Hash of all that decides what the fit computes."""
        values = {key: value for key, value in asdict(self).items() if key not in ("name", "evaluate", "published")}
        if not self.start:
            del values["start"]
        if self.task == "filter":
            del values["task"]
        return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def make_recipe(document, name):
    """The Recipe of a TOML document. Raises UsageError."""
    if isinstance(document.get("dump"), str):
        document = {**document, "dump": [document["dump"]]}
    values = make_phases(checked(document, Recipe, name), Recipe, name)
    for key in ("architecture", "dump"):
        if not values.get(key):
            raise UsageError(f"{name}: needs {key}")
    values["validation"] = tuple(values.get("validation", ()))
    values["dump"] = tuple(values["dump"])
    recipe = Recipe(name=name, **{key: value for key, value in values.items() if key != "name"})
    if recipe.architecture not in ARCHITECTURES:
        raise UsageError(f"{name}: architecture {recipe.architecture!r} is not one of {', '.join(ARCHITECTURES)}")
    if recipe.architecture not in TASKS.get(recipe.task, ()):
        raise UsageError(f"{name}: task {recipe.task!r} is not what {recipe.architecture} is for")
    if recipe.placement not in PLACEMENTS:
        raise UsageError(f"{name}: placement {recipe.placement!r} is not one of {', '.join(PLACEMENTS)}")
    if any(not isinstance(pattern, str) for pattern in recipe.validation):
        raise UsageError(f"{name}: validation is a list of patterns")
    if not recipe.dump or any(not isinstance(plan, str) for plan in recipe.dump):
        raise UsageError(f"{name}: dump is a plan's file, or a list of them")
    _check_settings(recipe)
    if recipe.seed < 0:
        raise UsageError(f"{name}: seed={recipe.seed} must not be negative")
    if not is_name(recipe.net_name):
        raise UsageError(f"{name}: {recipe.net_name!r} is no name of a net (letters, digits, _ . -): set published")
    if recipe.task != "modes":
        _check_weight(recipe)
    return recipe


def make_phases(values, kind, name):
    """The values of a recipe with Phases for their tables. Raises UsageError."""
    for phase in ("fit", "quantised"):
        default = kind.__dataclass_fields__[phase].default
        given = checked(values.get(phase, {}), Phase, f"{name}: [{phase}]")
        values[phase] = Phase(**{**asdict(default), **given})
        _check_phase(values[phase], f"{name}: [{phase}]")
    return values


def _check_settings(recipe):
    """Numbers of channels and layers, and a format."""
    for key, value in recipe.settings.items():
        counts = value if isinstance(value, list) else [value]
        are_counts = bool(counts) and all(type(n) is int and n > 0 for n in counts)
        if not are_counts and (key, value) not in (("form", "yuv"), ("form", "rgb")):
            raise UsageError(f"{recipe.name}: settings: {key}={value!r} is no whole number above 0")


def _check_weight(recipe):
    """Weights for the components that the net corrects, of which one at least counts."""
    corrected = "".join(output.name for output in recipe.describe().outputs)
    known = {"rgb": "rgb", "uv": "uv"}.get(corrected, "yuv")
    weights = recipe.weight
    numbers = [w for w in weights.values() if isinstance(w, (int, float)) and not isinstance(w, bool)]
    if set(weights) != set(known) or len(numbers) < len(known):
        raise UsageError(f"{recipe.name}: weight has {', '.join(known[:-1])} and {known[-1]}")
    if not all(0 <= w < math.inf for w in numbers) or not any(weights[c] for c in corrected):
        which = ", ".join(corrected)
        raise UsageError(
            f"{recipe.name}: no weight is negative, and of {which}, which the net corrects, one is above 0"
        )


def checked(table, kind, where):
    """The table, its keys and types compared with the fields of a dataclass."""
    known = {entry.name: entry for entry in fields(kind) if entry.name != "name"}
    types = {"str": str, "int": int, "float": (int, float), "bool": bool, "tuple": list, "dict": dict}
    values = {}
    for key, value in table.items():
        if key not in known:
            raise UsageError(f"{where}: unknown key {key} (known: {', '.join(known)})")
        wanted = types.get(getattr(known[key].type, "__name__", known[key].type), dict)
        if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
            raise UsageError(f"{where}: {key} has the wrong type")
        values[key] = value
    return values


def _check_phase(phase, where):
    if min(phase.steps, phase.batch, phase.report) < 1 or phase.warm_up < 0:
        raise UsageError(f"{where}: steps, batch and report are at least 1, warm_up not negative")
    if phase.patch < 16 or phase.patch % 8:
        raise UsageError(f"{where}: patch is a multiple of 8")
    if not 0 <= phase.average < 1:
        raise UsageError(f"{where}: 0 <= average < 1")
    if phase.precision not in PRECISIONS:
        raise UsageError(f"{where}: precision is one of {', '.join(PRECISIONS)}")
    if not 0 < phase.last_rate <= phase.learning_rate < 1:
        raise UsageError(f"{where}: 0 < last_rate <= learning_rate < 1")
