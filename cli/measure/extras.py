"""Packages that only measuring needs: imported when they are used, with one clear line when they are missing."""

import importlib

from codec.errors import UsageError


def need(module, purpose):
    """The imported module; UsageError that says how to install it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.split(".")[0]
        if error.name and error.name.split(".")[0] != package:
            raise
        raise UsageError(f"{purpose} needs {package}, which is not installed: pip install 'pyenc[measure]'") from None
