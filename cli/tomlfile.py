"""TOML files: plans of sweeps and of training material, recipes."""

import importlib
import sys

from codec.errors import InputError, UsageError
from codec.io.files import open_input


def read_toml(name):
    """The document of a TOML file. Raises InputError, UsageError."""
    try:
        toml = importlib.import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    except ModuleNotFoundError:
        raise UsageError("a TOML file needs tomli, which is not installed: pip install 'pyenc[measure]'") from None
    try:
        with open_input(name) as file:
            return toml.load(file)
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from None
    except (toml.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{name}: {error}") from None
