"""Descriptions of nets: their costs, and that the trainable module and the integer graph are the same thing."""

import numpy as np
import pytest

from nets import program, reference
from nets.arch.describe import SAMPLES, Describe
from nets.arch.filters import ARCHITECTURES, cnnif, cnnif_s, lop, rrcnn
from nets.container import InvalidNet
from nets.graph import cost, halo, net_stride
from nets.quantise import to_real
from nets.torch_backend import import_torch
from tests.nets.random_nets import random_inputs


def make(description, seed=1):
    """A module with random weights and biases, calibrated."""
    pytest.importorskip("torch")
    from nets.arch.module import make_module
    from nets.quantise import calibrate

    torch = import_torch()
    torch.manual_seed(seed)
    module = make_module(description)
    for bias in module.biases.values():
        torch.nn.init.normal_(bias, std=0.05)
    calibrate(module, [random_inputs(description, seed, 48, 48)])
    return module


def random_filter(name):
    """The net of a filter with random weights."""
    from nets.quantise import export

    return export(make(ARCHITECTURES[name]()))


def everything():
    """A net with every kind of layer, vectors included."""
    net = Describe("everything", 9, "replicate")
    v = net.fc(net.fc(net.input("v", 12, -1), 8, act="leaky", slope=2), 8, act="linear")
    a, b = net.input("a", 3), net.unshuffle(net.input("b", 1))
    x = net.conv(a, 8, (1, 3), stride=2)
    x = net.conv(x, 8, (5, 1), groups=4, act="leaky", slope=1)
    x = net.mul(x, v)
    x = net.concat(net.add(x, v, x), b, net.conv(b, 4, 3, act="linear"))
    net.output("z", net.shuffle(net.conv(x, 4, 1, act="leaky")), 5)
    x = net.deconv(x, 4, 6, act="leaky")
    net.output("y", net.conv(x, 1, 3, **SAMPLES))
    return net.done()


@pytest.mark.parametrize(
    "name, kmac, parameters",
    [
        ("vrcnn", 56.11, 56273), ("vrcnn_s", 8.63, 8697), ("cnnif", 773.22, 775683), ("cnnif_s", 43.57, 44227),
        ("cnnif_xs", 11.29, 11619),
    ],
)  # fmt: skip
def test_costs_are_those_of_the_papers(name, kmac, parameters):
    """VRCNN: 54,512 weights, 1,600 for the QP plane, 161 biases; CNNIF: 773 and 43.7 kMAC/pixel."""
    description = ARCHITECTURES[name]()
    costs = cost(description, description.signals())
    assert (round(costs.macs_per_pixel / 1000, 2), costs.parameters) == (kmac, parameters)


def test_lop_is_below_17_kmac_per_pixel():
    description = lop()
    assert 15000 < cost(description, description.signals()).macs_per_pixel < 17000
    assert net_stride(description, description.signals()) == 2
    assert halo(description, description.signals()) == (12, 12, 12, 12)


@pytest.mark.parametrize("name", ["vrcnn_s", "rrcnn_s", "cnnif_s", "lop", "everything", "cnnif_rgb"])
def test_the_quantised_module_is_the_integer_net(name):
    others = {"everything": everything, "cnnif_rgb": lambda: cnnif(1, 8, "rgb")}
    description = {**ARCHITECTURES, **others}[name]()
    module = make(description)
    from nets.quantise import export, to_real

    net = export(module)
    inputs = random_inputs(description, 7, 32, 40, batch=2)
    expected = reference.run(net, inputs)
    module.quantised = True
    results = module(to_real(description, inputs))
    for output in net.outputs:
        whole = results[output.name].detach().numpy() * 2**output.fraction
        np.testing.assert_array_equal(whole, expected[output.name])
    sum(result.square().mean() for result in results.values()).backward()
    assert all(float(weight.grad.abs().sum()) > 0 for weight in module.weights.values())
    runner = program.prepare(net)
    for output, array in runner(inputs).items():
        np.testing.assert_array_equal(array, expected[output])


def test_fine_tuning_with_rounding_lowers_the_loss():
    torch = pytest.importorskip("torch")
    from nets.quantise import export, to_real

    description = ARCHITECTURES["vrcnn_s"]()
    module = make(description)
    inputs = random_inputs(description, 3, 32, 32)
    real = to_real(description, inputs)
    target = real["rec_y"] * 0.25
    module.quantised = True
    optimiser = torch.optim.Adam(module.parameters(), 1e-3)
    losses = []
    for _ in range(12):
        loss = (module(real)["y"] - target).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.8 * losses[0]
    result = reference.run(export(module), inputs)["y"] / 2.0**11
    np.testing.assert_array_equal(result, module(real)["y"].detach().numpy())


def test_the_loss_by_rounding_is_reported():
    module = make(ARCHITECTURES["vrcnn_s"]())
    from nets.quantise import compare, export

    net = export(module)
    batches = [random_inputs(module.description, seed, 32, 32) for seed in range(2)]
    difference = compare(module, lambda inputs: reference.run(net, inputs), batches)["y"]
    assert 0 < difference.rms < 0.1 * difference.float_rms
    assert difference.rms < difference.largest


def test_checkpoints_keep_the_fractions(tmp_path):
    torch = pytest.importorskip("torch")
    from nets.arch.module import make_module
    from nets.qnet import net_id
    from nets.quantise import export

    module = make(lop(8, 2))
    torch.save(module.state_dict(), tmp_path / "state")
    again = make_module(lop(8, 2))
    again.load_state_dict(torch.load(tmp_path / "state", weights_only=True))
    assert net_id(export(again)) == net_id(export(module))


def test_weights_that_float32_could_not_carry_are_made_smaller():
    torch = pytest.importorskip("torch")
    from nets.graph import analyse, bound
    from nets.quantise import calibrate, export

    net = Describe("wide", 12, "zero")
    x = net.conv(net.input("rec_y"), 64, 1)
    net.output("y", net.conv(x, 1, 5, **SAMPLES))
    module = make(net.done())
    with torch.no_grad():
        module.weights["conv2"].fill_(0.01)
    calibrate(module, [random_inputs(module.description, 1)])
    qnet = export(module)
    signals = analyse(qnet)
    assert int(np.abs(qnet.tensors["conv2.weight"]).max()) < 127
    assert 1 << 22 < int(bound(qnet, qnet.layers[1], [signals["conv1"]]).max()) < 1 << 24


def test_weights_far_too_large_are_refused():
    torch = pytest.importorskip("torch")
    from nets.quantise import export

    module = make(ARCHITECTURES["vrcnn_s"]())
    with torch.no_grad():
        module.biases["conv6"].fill_(1e6)
    with pytest.raises(InvalidNet, match="conv6 are too large"):
        export(module)


def test_a_description_that_cannot_be_is_refused():
    net = Describe("wrong", 8, "zero")
    net.add(net.input("a"), net.input("b", 1, 1))
    with pytest.raises(InvalidNet, match="different grids"):
        net.done()


def test_sizes_are_free():
    for description in (rrcnn(4, 1), cnnif_s("rgb"), lop(8, 2)):
        assert cost(description, description.signals()).parameters > 0


@pytest.mark.parametrize("name", sorted(set(ARCHITECTURES) - {"cnnif", "cnnif_rgb"}))
def test_without_repeated_borders_all_is_the_same_behind_the_receptive_field(name):
    module = make(ARCHITECTURES[name]())
    description, side, torch = module.description, 96, import_torch()
    inputs = to_real(description, random_inputs(description, 5, side, side))
    edge = max(halo(description, description.signals()))
    with torch.no_grad():
        everywhere, inside = module(inputs), module(inputs, inner_only=True)
    for output in description.outputs:
        one, other = everywhere[output.name][0], inside[output.name][0]
        lost = -(-edge * one.shape[-1] // side)
        difference, size = (one - other).abs(), float(one.abs().max())
        assert float(difference[:, lost:-lost, lost:-lost].max()) <= 1e-5 * size
        assert float(difference.max()) > 1e-3 * size
