"""Python's collector of cyclic garbage, kept away from what stays: modules and kernels, some hundred thousand objects.

Going through them while they load took a tenth of a program's start, and an eighth of pydec's time afterwards.
"""

import gc


def hold():
    """Collect nothing until release()."""
    gc.disable()


def release():
    """Collect from now on, but never what there is."""
    gc.freeze()
    gc.enable()
