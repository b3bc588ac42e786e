"""Ranked intra modes, applied: by the kernels of recon/mode_ranking.py, which take their net from here."""

import numpy as np

from codec.base.errors import Unsupported
from codec.common.tools import tool
from codec.common.tools.filter_nets import Place
from codec.h265.intra_modes import MODES
from codec.h265.recon.mode_inputs import INPUT_MAX, INPUTS
from codec.h265.recon.mode_ranking import HIDDEN, MODE_RANKING

_VECTOR = -1
_INPUTS, _OUTPUTS = {"block": (INPUTS, (_VECTOR,), 0, INPUT_MAX)}, {"scores": (MODES, _VECTOR)}
PLACE = Place("mode ranking", "CnnMpm", "", _INPUTS, _OUTPUTS, 0)
# the fields of a MODE_RANKING that are a net's
NET_FIELDS = (
    "first", "first_bias", "first_shift", "first_half", "first_odd",
    "second", "second_bias", "second_shift", "second_half", "second_odd",
    "highest", "lowest_score", "highest_score",
)  # fmt: skip


class Application(tool.Application):
    """Gives the net to those who reconstruct."""

    def __init__(self, record, surroundings):
        self._ranking = np.zeros(1, MODE_RANKING)
        load_ranking(surroundings.nets.get([record.net], PLACE)[0], self._ranking)

    def prepare(self, scratch):
        for name in NET_FIELDS:
            scratch["ranking"][name] = self._ranking[name]


def load_ranking(net, memory):
    """Write a FilterNet's weights into (1,) MODE_RANKING. Raises Unsupported for a net of another shape."""
    where, graph, record = f"network weights {net.id} ({net.name}) are no {PLACE.name}", net.net, memory[0]
    layers = graph.layers
    shapes = [(layer.op, layer.channels, layer.prelu) for layer in layers]
    if shapes != [("fc", HIDDEN, False), ("fc", MODES, False)] or layers[0].lo != 0:
        raise Unsupported(f"{where}: they have other layers than two")
    for layer, name, columns in ((layers[0], "first", HIDDEN), (layers[1], "second", None)):
        weight = graph.tensors[f"{layer.name}.weight"].T
        columns = columns or len(record["second_bias"])
        spread = np.zeros((len(weight), columns), np.int16)
        spread[:, : weight.shape[1]] = weight
        record[name][: spread.size] = spread.reshape(-1)
        for part in ("bias", "shift"):
            record[f"{name}_{part}"][: layer.channels] = graph.tensors[f"{layer.name}.{part}"]
        shift = record[f"{name}_shift"]
        record[f"{name}_half"][:] = np.where(shift > 0, (1 << np.maximum(shift - 1, 0)) - 1, 0)
        record[f"{name}_odd"][:] = shift > 0
    record["highest"], record["lowest_score"], record["highest_score"] = layers[0].hi, layers[1].lo, layers[1].hi
