"""Learnt interpolation, applied: by the kernels of recon/inter.py, which take the bank of filters from here."""

from codec.base.errors import Unsupported
from codec.common.tools import tool
from codec.h265.structs import MODE_INTER

OPTION = "CnnInterpolation"


class Application(tool.Application):
    """The bank, where kernels find it."""

    def __init__(self, record, surroundings):
        bank = surroundings.nets.bank(record.bank, OPTION)
        if (bank.sets, bank.bands) != (record.sets, record.bands):
            raise Unsupported(
                f"filters {record.bank} ({bank.name}) have {bank.bands} bands of {bank.sets} sets, and the stream says "
                f"{record.bands} of {record.sets}"
            )
        self.references = {"filters": bank.filters.flatten()}


def share(frame):
    """How much of the inter-predicted samples trained filters make."""
    inter = frame.units["pred_mode"] == MODE_INTER
    if not frame.motion.size or not inter.any():
        return 0.0
    return float((frame.motion["filter_set"][inter] > 0).mean())
