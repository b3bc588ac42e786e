"""TOML files: plans of sweeps and of training material, recipes."""

import sys

from codec.base.errors import InputError, UsageError
from codec.base.io.files import open_input
from codec.base.io.text import decoded

if sys.version_info >= (3, 11):
    import tomllib as toml
else:
    import tomli as toml


def read_toml(name):
    """The document of a TOML file. Raises InputError, UsageError."""
    try:
        with open_input(name) as file:
            return toml.loads(decoded(file.read(), "strict"))
    except OSError as error:
        raise InputError(f"{name}: {error.strerror}") from None
    except (toml.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"{name}: {error}") from None
