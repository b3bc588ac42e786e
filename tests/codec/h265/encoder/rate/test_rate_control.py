"""Rate control on a codec that is only a formula: targets are met, buffers and limits kept."""

import dataclasses
import itertools
from fractions import Fraction

import numpy as np
import pytest

from cli.options import ENCODER_OPTIONS
from cli.settings import parse_command_line
from codec.base.errors import UsageError
from codec.common.rate.rate_model import RateModel, lambda_of_qp
from codec.h265.config import EncoderConfig, validated
from codec.h265.encoder.plan.gop import coding_order
from codec.h265.encoder.rate.rate_control import RateControl
from codec.h265.encoder.rate.rate_ctus import LAST_REACH, NO_REACH, USUAL_REACH, CtuRates

WIDTH, HEIGHT = 320, 192
SAMPLES = WIDTH * HEIGHT


def make_config(structure="intra", **settings):
    wanted = parse_command_line(ENCODER_OPTIONS, ["-c", f"encoder_{structure}_main.cfg"])
    values = dict(wanted.config_values(), GOP=wanted.gop_rows(), SourceWidth=WIDTH, SourceHeight=HEIGHT)
    values.update(RateControl=True, TargetBitrate=120_000, FrameRate=Fraction(30), Threads=1)
    return validated(EncoderConfig(**{**values, **settings}))


def picture(index, noise=8):
    generator = np.random.default_rng(index % 7)
    ramp = np.add.outer(np.arange(HEIGHT) // 4, np.arange(WIDTH) // 4)
    return [(ramp + generator.integers(0, noise, (HEIGHT, WIDTH))).astype(np.int16)]


def codec_bits(plan, generator):
    """What a made-up codec spends: a power of lambda by kind of picture, some noise, a header."""
    scale, power = (60.0, 0.5) if plan.slice_type == "I" else (60.0 / (1 + plan.temporal_id), 0.8)
    return 80 + SAMPLES * scale * generator.uniform(0.9, 1.1) / 16 * plan.lam**-power


def run(config, count):
    """Codes `count` pictures with the made-up codec. -> [(plan, bits)]"""
    control = RateControl(config, True, [picture(0), picture(1)])
    generator = np.random.default_rng(5)
    coded = []
    for plan, planes in coding_order(config, map(picture, range(count))):
        while control.wants_trial:
            control.trial_coded(codec_bits(control.decide(plan, planes), generator))
        decided = control.decide(plan, planes)
        bits = codec_bits(decided, generator)
        if control.ctus:
            columns, rows = config.size_in_ctbs
            for addr in range(columns * rows):
                control.ctus.before_ctu(addr)
                control.ctus.after_ctu(addr, bits / (columns * rows))
        control.picture_coded(bits)
        coded.append((decided, bits))
    return coded


def rate(coded):
    return sum(bits for _, bits in coded) * 30 / len(coded)


@pytest.mark.parametrize("mode", [0, 1, 2])
@pytest.mark.parametrize("structure", ["intra", "lowdelay_P", "randomaccess"])
@pytest.mark.parametrize("known", [True, False])
def test_the_rate_is_met(structure, mode, known):
    count = 160
    config = make_config(
        structure, KeepHierarchicalBit=mode, LCULevelRateControl=False, FramesToBeEncoded=count if known else 0
    )
    coded = run(config, count)
    if known:
        assert rate(coded) == pytest.approx(120_000, rel=0.01)
    else:
        # the end comes where bits are saved for the next intra picture, or have just gone into one
        largest = max(bits for _, bits in coded)
        assert sum(bits for _, bits in coded) == pytest.approx(count * 4_000, abs=1.5 * largest)


def test_the_hierarchy_of_qps_is_kept():
    coded = run(make_config("randomaccess", KeepHierarchicalBit=2, LCULevelRateControl=False), 97)[-48:]
    of_layers = [[p.qp for p, _ in coded if p.temporal_id in layers] for layers in ((0, 1), (2, 3), (4,))]
    low, middle, high = (np.mean(qps) for qps in of_layers)
    assert low + 1 < middle < high - 1


def test_steps_between_pictures_of_a_level_are_small():
    coded = run(make_config("intra", LCULevelRateControl=False), 30)
    qps = [plan.qp for plan, _ in coded]
    assert max(abs(a - b) for a, b in itertools.pairwise(qps)) <= 3


def test_initial_qp_and_forced_intra_qp():
    coded = run(make_config("randomaccess", InitialQP=35), 65)
    intra = [plan.qp for plan, _ in coded if plan.slice_type == "I"]
    assert intra[0] == 35
    coded = run(make_config("randomaccess", InitialQP=35, RCForceIntraQP=True), 65)
    assert [plan.qp for plan, _ in coded if plan.slice_type == "I"] == [35, 35, 35]


@pytest.mark.parametrize("target", [1, 10**12])
def test_impossible_rates_end_at_the_qp_limits(target):
    coded = run(make_config("lowdelay_P", TargetBitrate=target), 60)
    lam = coded[-1][0].lam
    assert coded[-1][0].qp > 40 if target == 1 else coded[-1][0].qp == 0
    assert lambda_of_qp(0) <= lam <= lambda_of_qp(51)


@pytest.mark.parametrize("structure", ["lowdelay_P", "randomaccess"])
@pytest.mark.parametrize("kbps", [30, 60, 200])
def test_content_that_grows_from_nothing(structure, kbps):
    """The first pictures say that the others will take next to nothing, and get most of the bits."""
    config = make_config(structure, TargetBitrate=1000 * kbps, LCULevelRateControl=False, FramesToBeEncoded=60)
    control = RateControl(config, True, [picture(0), picture(0)])
    coded = []
    for plan, planes in coding_order(config, map(picture, [0] * 60)):
        while True:
            is_trial, decided = control.wants_trial, control.decide(plan, planes)
            growth = 1.0 if plan.slice_type == "I" else min(1.0, plan.index / 20) ** 3
            bits = 100 + SAMPLES * 3 * growth * decided.lam**-0.8
            if not is_trial:
                break
            control.trial_coded(bits)
        control.picture_coded(bits)
        coded.append((decided, bits))
    assert sum(bits for _, bits in coded) == pytest.approx(2000 * kbps, rel=0.05)


@pytest.mark.parametrize("structure", ["lowdelay_P", "randomaccess"])
def test_qp_does_not_fall_while_all_is_over_the_target(structure):
    """A rate below that of the headers, and pictures that hardly differ."""
    config = make_config(structure, TargetBitrate=1500, FramesToBeEncoded=30)
    control = RateControl(config, True, [picture(0), picture(0)])
    qps = []
    for plan, planes in coding_order(config, map(picture, [0] * 30)):
        while control.wants_trial:
            control.decide(plan, planes)
            control.trial_coded(2000)
        qps.append(control.decide(plan, planes).qp)
        for addr in range(15):
            control.ctus.before_ctu(addr)
            control.ctus.after_ctu(addr, 10)
        control.picture_coded(250)
    assert qps[0] == 51 and min(qps[3:]) >= 48


def test_the_buffer_is_kept():
    size = 40_000
    config = make_config("lowdelay_P", RCCpbSaturation=True, RCCpbSize=size, LCULevelRateControl=False)
    full = 0.9 * size
    for number, (_, bits) in enumerate(run(config, 100)):
        assert bits < full
        full += 4_000 - bits
        assert number < 10 or full < 1.02 * size
        full = min(full, size)


def code_by_ctus(config, count, header, weights):
    """As `run`, the bits of each CTU by its own lambda and its weight, and a header. -> the same"""
    control = RateControl(config, True, [picture(0), picture(1)])
    coded = []
    for plan, planes in coding_order(config, map(picture, range(count))):
        while True:
            is_trial, decided = control.wants_trial, control.decide(plan, planes)
            scale, power = (2.0, 0.5) if plan.slice_type == "I" else (3.0, 0.9)
            total = header
            for addr, weight in enumerate(weights):
                _, lam = control.ctus.before_ctu(addr)
                bits = weight * SAMPLES / len(weights) * scale * lam**-power
                control.ctus.after_ctu(addr, bits)
                total += bits
            if not is_trial:
                break
            control.trial_coded(total)
        control.picture_coded(total)
        coded.append((decided, total))
    return coded


@pytest.mark.parametrize("structure", ["lowdelay_P", "randomaccess"])
@pytest.mark.parametrize("header", [0, 100])
@pytest.mark.parametrize("kbps", [30, 100, 400])
@pytest.mark.parametrize("busy", [3, 12])
def test_few_pictures_end_at_the_rate(structure, header, kbps, busy):
    """All of the change is in few CTUs, which are not the first; the last picture is its level's first."""
    weights = np.full(15, 0.2)
    weights[busy : busy + 2] = 6.2
    config = make_config(structure, TargetBitrate=1000 * kbps, FramesToBeEncoded=5)
    assert rate(code_by_ctus(config, 5, header, weights)) == pytest.approx(1000 * kbps, rel=0.03)


def make_ctus(bits, count=24, rate=0.0, reach=USUAL_REACH, model=None):
    plan = next(plan for plan, _ in coding_order(make_config(), [picture(0)]))
    plan = dataclasses.replace(plan, qp=32, lam=lambda_of_qp(32))
    model = model or RateModel(3.2003, -1.367)
    return CtuRates(plan, bits, (0, 51), [4096] * count, [model] * count, [1.0] * count, rate, reach)


def test_ctus_answer_to_what_was_spent():
    model = RateModel(3.2003, -1.367)
    right = model.bpp(lambda_of_qp(32)) * 4096
    for factor, qp in ((1.0, 32), (3.0, 34), (0.1, 30)):
        ctus = make_ctus(right * 24)
        qps = []
        for addr in range(24):
            qps.append(ctus.before_ctu(addr)[0])
            ctus.after_ctu(addr, right * factor)
        assert qps[0] == 32 and qps[12] == qp
        assert max(abs(a - b) for a, b in itertools.pairwise(qps)) <= 1
        assert ctus.bits == pytest.approx(24 * right * factor)


def test_ctus_of_the_last_picture_go_farther():
    right = RateModel(3.2003, -1.367).bpp(lambda_of_qp(32)) * 4096
    ctus = make_ctus(right * 24, reach=LAST_REACH)
    qps = []
    for addr in range(24):
        qps.append(ctus.before_ctu(addr)[0])
        ctus.after_ctu(addr, right * 10)
    assert qps[0] == 32 and max(qps) == 38
    assert max(abs(a - b) for a, b in itertools.pairwise(qps)) == 2


def test_a_trial_stays_at_the_pictures_qp():
    ctus = make_ctus(1000, rate=1.0, reach=NO_REACH)
    for addr in range(24):
        assert ctus.before_ctu(addr) == (32, pytest.approx(lambda_of_qp(32)))
        ctus.after_ctu(addr, 5000)
    assert ctus.mean_lambda == pytest.approx(lambda_of_qp(32))


@pytest.mark.parametrize(
    "settings, words",
    [
        (dict(TargetBitrate=0), "TargetBitrate"),
        (dict(PictureQP=(30,)), "QPFile"),
        (dict(TransquantBypassEnable=True, CUTransquantBypassFlagForce=True), "lossless"),
        (dict(InitialQP=-3), "InitialQP=-3"),
        (dict(RCForceIntraQP=True), "RCForceIntraQP=1 needs an InitialQP"),
        (dict(RCCpbSaturation=True, RCCpbSize=4_000), "RCCpbSize"),
    ],
)
def test_impossible_settings_are_refused(settings, words):
    with pytest.raises(UsageError, match=words):
        make_config(**settings)
