"""What a net gains: PSNR of the filtered samples against PSNR without, per component, QP and source."""

from typing import NamedTuple

import numpy as np

from nets.quantise import to_real
from nets.train.data import grid_of, target, whole_inputs

# one real unit of an output, which is 512 steps of 10 bits, in steps of 8 bits, in which errors count
REAL = 128.0


class Gain(NamedTuple):
    """PSNR of one crop's component without the net, and what the net adds to it, in dB."""

    source: str
    qp: int
    component: str
    psnr: float
    gain: float


def float_net(module, device="cpu"):
    """A function {input: int16} -> {component: correction in 8-bit steps} by the module as it is set, in float32."""
    import torch

    def corrections(inputs):
        with torch.no_grad():
            real = {name: tensor.to(device) for name, tensor in to_real(module.description, inputs).items()}
            outputs = module(real)
        return _by_component({name: tensor[0].float().cpu().numpy() * REAL for name, tensor in outputs.items()})

    return corrections


def integer_net(net, runner):
    """The same by the integer net: exactly what a decoder computes, in its quarters of a 10-bit step."""
    scale = {output.name: 128.0 / 2**output.fraction for output in net.outputs}

    def corrections(inputs):
        return _by_component(
            {name: array[0].astype(np.float32) * scale[name] for name, array in runner(inputs).items()}
        )

    return corrections


def _by_component(outputs):
    return {component: maps[index] for name, maps in outputs.items() for index, component in enumerate(name)}


def gains(function, crops, grids, lost=0):
    """[Gain] of all crops: samples are rounded and clipped to their bit depth, as in the codec.

    lost    samples at each side that do not count: where crops are no whole pictures, the net's receptive field
    """
    found = []
    for crop in crops:
        for component, correction in function(whole_inputs(crop, grids)).items():
            edge = lost >> grid_of(component)
            inner = (slice(edge, -edge or None),) * 2
            top, scale = (1 << crop.bit_depth) - 1, 1 << (crop.bit_depth - 8)
            rec = crop.rec[component].astype(np.float64)
            filtered = np.clip(np.rint(rec + correction * scale), 0, top)
            before = float(np.square(target(crop, component)[inner]).mean(dtype=np.float64))
            after = float(np.square((filtered - crop.org[component])[inner]).mean()) / scale**2
            if before > 0:
                # a crop that was coded without any error gives no finite figure
                after = max(after, 1e-4)
                found.append(Gain(crop.source, crop.qp, component, _psnr(before), _psnr(after) - _psnr(before)))
    return found


def _psnr(error):
    return float(10 * np.log10(255.0**2 / error))


def mean_gains(found):
    """{component: {QP: mean gain}}"""
    table = {}
    for gain in found:
        table.setdefault(gain.component, {}).setdefault(gain.qp, []).append(gain.gain)
    return {c: {qp: float(np.mean(values)) for qp, values in sorted(by_qp.items())} for c, by_qp in table.items()}


def by_source(found):
    """{(source, QP): {component: (mean PSNR, mean gain)}}"""
    table = {}
    for gain in found:
        table.setdefault((gain.source, gain.qp), {}).setdefault(gain.component, []).append((gain.psnr, gain.gain))
    return {
        key: {c: tuple(float(v) for v in np.mean(values, 0)) for c, values in entry.items()}
        for key, entry in sorted(table.items())
    }
