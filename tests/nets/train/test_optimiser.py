"""Muon and Adam behind one step."""

import copy

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from nets.arch.describe import SAMPLES, Describe  # noqa: E402
from nets.arch.module import make_module  # noqa: E402
from nets.train.optimiser import Optimiser  # noqa: E402


def small_module():
    net = Describe("small", 8, "zero")
    net.output("y", net.conv(net.conv(net.input("rec_y"), 6, 3), 1, 3, **SAMPLES))
    torch.manual_seed(3)
    return make_module(net.done())


def give_gradients(module, seed):
    rng = np.random.default_rng(seed)
    for parameter in module.parameters():
        parameter.grad = torch.from_numpy(rng.normal(size=tuple(parameter.shape)).astype(np.float32))


def test_a_step_of_weights_is_nearly_orthogonal_and_against_the_gradient():
    module = small_module()
    optimiser, rate = Optimiser(module), 0.01
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    give_gradients(module, 1)
    gradients = {name: p.grad.clone() for name, p in module.named_parameters()}
    optimiser.step(rate)
    for name, parameter in module.named_parameters():
        step = (parameter.detach() - before[name]).flatten(1) if parameter.dim() > 1 else parameter.detach()
        assert parameter.grad is None
        if parameter.dim() > 1:
            assert float((step * gradients[name].flatten(1)).sum()) < 0
            singular = torch.linalg.svdvals(step) / (rate * 0.2 * max(step.shape) ** 0.5)
            # what five Newton-Schulz iterations leave
            assert float(singular.min()) > 0.6 and float(singular.max()) < 1.3
        else:
            # Adam's first step is the rate itself
            torch.testing.assert_close(step, -gradients[name].sign() * rate / 2, rtol=1e-3, atol=1e-6)


def test_state_continues_where_it_was():
    first = small_module()
    one = Optimiser(first)
    give_gradients(first, 1)
    one.step(0.01)
    second = small_module()
    second.load_state_dict(first.state_dict())
    two = Optimiser(second)
    two.load_state_dict(copy.deepcopy(one.state_dict()))
    for module, optimiser in ((first, one), (second, two)):
        give_gradients(module, 2)
        optimiser.step(0.02)
    for a, b in zip(first.parameters(), second.parameters(), strict=True):
        assert torch.equal(a, b)
