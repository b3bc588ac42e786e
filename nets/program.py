"""A qnet as a program: flat integer arrays that one kernel runs on a tile, given memory from outside.

It computes what nets/reference.py does, in int16 signals and int32 sums. Layers become rows of `steps`; a signal lives
in a slot, which later signals of the same size take over. Compiled code runs it anywhere (nets/program_kernels.py),
with no Python and no allocation: `prepare` wraps it as a backend for pictures.
"""

import threading
from typing import NamedTuple

import numpy as np

from nets.graph import ARITHMETIC, analyse
from nets.program_layout import (
    ADD,
    CONCAT,
    CONV,
    GRID,
    GROUPED,
    KH,
    KW,
    LANES,
    MUL,
    N_WIRES,
    OUT,
    PITCH,
    REPLICATE,
    ROWS,
    SHUFFLE,
    SLOT,
    STEP_FIELDS,
    UNSHUFFLE,
    VECTOR,
    WIRES,
    ZERO,
)
from nets.run import check_answer, check_inputs

# places behind a row of a signal: four at a time, two apart, read and write over its end
BEHIND = 12
# spare samples behind a slot: a vector may be stored beyond the last channel
SLACK = 16


class Program(NamedTuple):
    """What kernels run. All arrays are contiguous.

    steps       (n, len(STEP_FIELDS)) int64;  wires: int64, signals that steps read;  ups: int32 shifts of summands
    signals     (n, 4) int64: CHANNELS, PITCH, GRID, SLOT
    slots       (n, 2) int64: pitch and grid of each slot
    weights     int16, as codec.base.kernels.convolution wants them, or flat rows of a grouped convolution
    parameters  int32, its rows of eight
    inputs, outputs  (n,) int64 signals, in the net's order
    border      places around every signal: what the largest kernel reaches
    """

    steps: np.ndarray
    wires: np.ndarray
    ups: np.ndarray
    signals: np.ndarray
    slots: np.ndarray
    weights: np.ndarray
    parameters: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray
    border: int


def pitch_of(channels):
    """Samples from one place of a signal to the next: pairs, or whole vectors where there is more than one."""
    return -(-channels // 2) * 2 if channels <= 2 * LANES else -(-channels // LANES) * LANES


def compile_net(net, signals):
    """The Program of a net whose Signals nets.graph.analyse has made."""
    return _Compiler(net, signals).program()


class _Compiler:
    """Collects steps and what they refer to."""

    def __init__(self, net, signals):
        self._net, self._signals = net, signals
        self._index, self._table = {}, []
        self._steps, self._wires, self._ups = [], [], []
        self._weights, self._parameters = [], []

    def program(self):
        for entry in self._net.inputs:
            self._signal(entry.name, entry.channels, entry.grid)
        for layer in self._net.layers:
            self._layer(layer)
        outputs = [self._index[output.source] for output in self._net.outputs]
        slots = self._place(outputs)
        return Program(
            np.array(self._steps, np.int64).reshape(-1, len(STEP_FIELDS)),
            np.array(self._wires, np.int64),
            np.array([*self._ups, 0], np.int32),
            np.array(self._table, np.int64),
            np.array(slots, np.int64),
            np.concatenate([*self._weights, np.zeros(SLACK, np.int16)]),
            np.concatenate([*self._parameters, np.zeros(ROWS * LANES, np.int32)]),
            np.array([self._index[entry.name] for entry in self._net.inputs], np.int64),
            np.array(outputs, np.int64),
            max((max(step[KH], step[KW]) // 2 for step in self._steps), default=0),
        )

    def _signal(self, name, channels, grid):
        self._index[name] = len(self._table)
        self._table.append([channels, pitch_of(channels), grid, -1])
        return self._index[name]

    def _step(self, op, out, inputs, **fields):
        row = dict.fromkeys(STEP_FIELDS, 0) | dict(op=op, out=out, wires=len(self._wires), n_wires=len(inputs))
        self._wires += inputs
        self._steps.append([int((row | fields)[name]) for name in STEP_FIELDS])

    def _layer(self, layer):
        made, inputs = self._signals[layer.name], [self._index[name] for name in layer.inputs]
        if layer.op not in ARITHMETIC:
            op = {"concat": CONCAT, "shuffle": SHUFFLE, "unshuffle": UNSHUFFLE}[layer.op]
            self._step(op, self._signal(layer.name, made.channels, made.grid), inputs)
            return
        shift = self._net.tensors[f"{layer.name}.shift"].astype(np.int32)
        slope = self._net.tensors[f"{layer.name}.slope"].astype(np.int32) if layer.prelu else np.zeros_like(shift)
        common = dict(low=layer.lo, high=layer.hi)
        if layer.op in ("add", "mul"):
            out = self._signal(layer.name, made.channels, made.grid)
            common["parameters"] = self._add_parameters(np.zeros_like(shift), shift, slope)
            if layer.op == "add":
                common["up"] = len(self._ups)
                self._ups += layer.up
            self._step(ADD if layer.op == "add" else MUL, out, inputs, **common)
            return
        weight = self._net.tensors[f"{layer.name}.weight"].astype(np.int16)
        bias = self._net.tensors[f"{layer.name}.bias"].astype(np.int32)
        if layer.op == "fc":
            weight = weight.reshape(*weight.shape, 1, 1)
        if layer.op == "deconv":
            # a convolution for the four phases, and a shuffle
            phases = self._signal(f"{layer.name} phases", 4 * made.channels, self._signals[layer.inputs[0]].grid)
            four = [np.repeat(array, 4) for array in (bias, shift, slope)]
            self._convolution(phases, inputs, phase_weights(weight), *four, pad=ZERO, **common)
            self._step(SHUFFLE, self._signal(layer.name, made.channels, made.grid), [phases])
            return
        out = self._signal(layer.name, made.channels, made.grid)
        pad = ZERO if layer.pad == "zero" else REPLICATE
        more = dict(pad=pad, stride=layer.stride, groups=layer.groups) if layer.op == "conv" else {}
        self._convolution(out, inputs, weight, bias, shift, slope, **more, **common)

    def _convolution(self, out, inputs, weight, bias, shift, slope, *, pad=ZERO, stride=1, groups=1, **common):
        made, inside, kh, kw = weight.shape
        fields = dict(kh=kh, kw=kw, stride=stride, pad=pad, groups=groups, made=made, inside=inside)
        fields["weights"] = sum(map(len, self._weights))
        pitch = self._table[inputs[0]][PITCH]
        if groups == 1:
            self._weights.append(_packed(weight, pitch))
        else:
            self._weights.append(np.ascontiguousarray(weight.transpose(0, 2, 3, 1)).reshape(-1))
        fields["parameters"] = self._add_parameters(bias, shift, slope)
        self._step(CONV if groups == 1 else GROUPED, out, inputs, **fields, **common)

    def _add_parameters(self, bias, shift, slope):
        """Rows of eight for codec.base.kernels.convolution. -> where they begin"""
        at = sum(map(len, self._parameters))
        below = shift + slope
        rows = [bias, shift, below, *(np.where(s > 0, (1 << np.maximum(s - 1, 0)) - 1, 0) for s in (shift, below))]
        rows += [(s > 0).astype(np.int32) for s in (shift, below)]
        table = np.zeros((ROWS, -(-len(bias) // LANES) * LANES), np.int32)
        table[:, : len(bias)] = rows
        self._parameters.append(table.reshape(ROWS, -1, LANES).transpose(1, 0, 2).reshape(-1).copy())
        return at

    def _place(self, outputs):
        """Give every signal a slot; one of the same pitch and grid is taken over once nobody reads it any more."""
        last = {}
        for number, step in enumerate(self._steps):
            for wire in self._wires[step[WIRES] : step[WIRES] + step[N_WIRES]]:
                last[wire] = number
        slots, free = [], []
        for index in range(len(self._net.inputs)):
            self._take(index, slots, [])
        for number, step in enumerate(self._steps):
            self._take(step[OUT], slots, free)
            for index, row in enumerate(self._table):
                if last.get(index) == number and index not in outputs:
                    free.append(row[SLOT])
        return slots

    def _take(self, index, slots, free):
        row = self._table[index]
        found = next((slot for slot in free if slots[slot] == [row[PITCH], row[GRID]]), None)
        if found is None:
            found = len(slots)
            slots.append([row[PITCH], row[GRID]])
        else:
            free.remove(found)
        row[SLOT] = found


def _packed(weight, pitch):
    """Weights for convolve8 and convolve16: sixteen channels at a time, then eight; zeros where there are none."""
    made, inside, kh, kw = weight.shape
    taps = np.zeros((-(-made // LANES) * LANES, kh, kw, pitch), np.int16)
    taps[:made, :, :, :inside] = weight.transpose(0, 2, 3, 1)
    pairs = taps.reshape(len(taps), -1, 2)
    parts, first = [], 0
    while first < len(pairs):
        count = 2 * LANES if len(pairs) - first >= 2 * LANES else LANES
        parts.append(pairs[first : first + count].transpose(1, 0, 2).reshape(-1))
        first += count
    return np.concatenate(parts)


def phase_weights(weight):
    """Weights (in, out, k, k) of a transposed convolution as those of a convolution: (4*out, in, n, n)."""
    inputs, outputs, size, _ = weight.shape
    pad = size // 2 - 1
    reach = (pad + 1) // 2
    taps = np.zeros((outputs, 2, 2, inputs, 2 * reach + 1, 2 * reach + 1), np.int16)
    offsets = [(v, d, v + pad - 2 * d) for v in (0, 1) for d in range(-reach, reach + 1)]
    used = [entry for entry in offsets if 0 <= entry[2] < size]
    for v, dy, ty in used:
        for u, dx, tx in used:
            taps[:, v, u, :, reach + dy, reach + dx] = weight[:, :, ty, tx].T
    return taps.reshape(4 * outputs, inputs, 2 * reach + 1, 2 * reach + 1)


def layout(program, height, width):
    """Where slots lie for a tile of this size on the finest grid. -> (offsets (n,), lines (n,), memory needed)

    lines  samples from one row of a slot to the next
    """
    offsets, lines, total = [], [], SLACK
    for pitch, grid in program.slots.tolist():
        rows, columns = (1, 1) if grid == VECTOR else (-(-height >> grid), -(-width >> grid))
        line = (columns + program.border + BEHIND) * pitch
        offsets.append(total)
        lines.append(line)
        total += (rows + 2 * program.border) * line + SLACK
    return np.array(offsets, np.int64), np.array(lines, np.int64), total


def prepare(net):
    """A runner of `net`. Proves the bound and runs the known-answer test. Raises InvalidNet."""
    program = compile_net(net, analyse(net))
    own = threading.local()

    def runner(inputs):
        from nets.program_kernels import run_program

        height, width = check_inputs(net, inputs)
        offsets, lines, needed = layout(program, height, width)
        memory = getattr(own, "memory", None)
        if memory is None or len(memory) < needed:
            memory = own.memory = np.zeros(needed, np.int16)
        batch = len(next(iter(inputs.values())))
        results = {output.name: [] for output in net.outputs}
        for item in range(batch):
            for index, entry in zip(program.inputs, net.inputs, strict=True):
                given = view(program, memory, offsets, lines, index, height, width)
                given[...] = inputs[entry.name][item].transpose(1, 2, 0)
            run_program(program, memory, offsets, lines, height, width)
            for index, output in zip(program.outputs, net.outputs, strict=True):
                made = view(program, memory, offsets, lines, index, height, width)
                results[output.name].append(made.transpose(2, 0, 1).copy())
        return {name: np.stack(maps) for name, maps in results.items()}

    check_answer(net, runner, "compiled")
    return runner


def view(program, memory, offsets, lines, index, height, width):
    """The samples of a signal in a program's memory: (rows, columns, channels)."""
    channels, pitch, grid, slot = program.signals[index].tolist()
    rows, columns = (1, 1) if grid == VECTOR else (-(-height >> grid), -(-width >> grid))
    start = int(offsets[slot] + program.border * (lines[slot] + pitch))
    item = memory.itemsize
    return np.lib.stride_tricks.as_strided(
        memory[start:], (rows, columns, channels), (int(lines[slot]) * item, pitch * item, item)
    )
