"""Chroma from luma, applied: by the kernels of recon/cross_component.py, and those of recon/chroma_net.py by a net."""

import numpy as np

from codec.base.errors import Unsupported
from codec.common.tools import tool
from codec.common.tools.filter_nets import Place
from codec.h265.recon.chroma_net import CHROMA_NET_SCRATCH, FRACTION, MEMORY, SIDE_CHANNELS, WINDOW_CHANNELS
from codec.h265.recon.cross_component import LINES

_VECTOR = -1
_INPUTS = {"window": (WINDOW_CHANNELS, (0,), -512, 511), "side": (SIDE_CHANNELS, (_VECTOR,), -512, 511)}
PLACE = Place("chroma predictor", "CnnChroma", "", _INPUTS, {"uv": (2, 0)}, FRACTION)
# the fields of a Program that are copied as they are
_FIELDS = ("steps", "wires", "ups", "signals", "slots", "weights", "parameters", "outputs", "border")
PROGRAM_FIELDS = (*_FIELDS, "inputs", "offsets", "lines")


class Application(tool.Application):
    """Gives the program of the net, where there is one, to those who reconstruct."""

    def __init__(self, record, surroundings):
        self._program = None
        if record.net:
            self._program = np.zeros(1, CHROMA_NET_SCRATCH)
            load_program(surroundings.nets.get([record.net], PLACE)[0], self._program)

    def prepare(self, scratch):
        if self._program is not None:
            for name in PROGRAM_FIELDS:
                scratch["net"][name] = self._program[name]


def load_program(net, memory):
    """Write a FilterNet's program into (1,) CHROMA_NET_SCRATCH. Raises Unsupported for a net that is too large."""
    from nets.graph import analyse, net_stride
    from nets.program import compile_net, layout
    from nets.program_layout import END, OP

    signals = analyse(net.net)
    program = compile_net(net.net, signals)
    where = f"network weights {net.id} ({net.name}) are no {PLACE.name}"
    if net.fractions["uv"] != FRACTION or len(net.inputs) < len(_INPUTS) or net_stride(net.net, signals) > LINES:
        raise Unsupported(f"{where}: other inputs, or another fraction")
    record = memory[0]
    record["steps"][:, OP] = END
    for name in _FIELDS:
        if name == "border":
            record[name] = program.border
            continue
        array = getattr(program, name)
        if any(have > room for have, room in zip(array.shape, record[name].shape, strict=True)):
            raise Unsupported(f"{where}: they are too large: {len(array)} {name}")
        record[name][tuple(slice(side) for side in array.shape)] = array
    names = [entry.name for entry in net.net.inputs]
    record["inputs"][:] = [program.inputs[names.index(name)] for name in _INPUTS]
    for index in range(len(record["offsets"])):
        side = (4 << index) + LINES
        offsets, lines, needed = layout(program, side, side)
        if needed > MEMORY:
            raise Unsupported(f"{where}: they need too much memory")
        record["offsets"][index, : len(offsets)], record["lines"][index, : len(lines)] = offsets, lines
