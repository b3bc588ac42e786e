"""QPs between the whole ones, and who has them."""

import pytest

from cli.alloc.bench import Bench, has_fine_qps
from cli.alloc.objective import Objective, mse_of, psnr_of_level
from cli.alloc.problem import Way
from cli.measure.plan import read_plan
from tests.cli.measure.test_sweep import fake, write_clip

HEAD = 'clips = ["*.yuv"]\nframes = {}\n'


def plan_of(folder, *configs, frames=1):
    write_clip(folder / "one_48x32_25.yuv")
    (folder / "mine.cfg").write_text("LambdaModifier1 : 0.9\n")
    (folder / "plan.toml").write_text(HEAD.format(frames) + "".join(configs))
    return read_plan(str(folder / "plan.toml"))


def pyenc(name, more=""):
    return f'[[config]]\nname = "{name}"\n{more}'


def test_a_part_of_a_qp_is_lambda(tmp_path):
    bench = Bench(plan_of(tmp_path, pyenc("a")), Objective("pooled", "yuv"), None, None, None, None)
    whole, part = bench.task(0, Way(0, 37)), bench.task(0, Way(0, 36.75))
    assert (whole["qp"], part["qp"]) == (37, 37)
    assert [word for word in part["config"].words if word not in whole["config"].words] == [
        f"--LambdaModifier0={2 ** (-0.25 / 3):.6f}"
    ]
    keys = {bench.task(0, Way(0, qp))["key"] for qp in (36, 36.25, 36.5, 36.75, 37)}
    assert len(keys) == 5
    # a sweep of the plan knows the whole ones
    assert whole["key"] not in {task["key"] for task in bench.plan.tasks() if task["qp"] != 37}
    assert bench.task(0, Way(0, 37.0))["key"] == whole["key"]


def test_all_layers_of_a_clip_have_it(tmp_path):
    bench = Bench(plan_of(tmp_path, pyenc("a"), frames=2), Objective("pooled", "yuv"), None, None, None, None)
    words = bench.task(0, Way(0, 30.5))["config"].words
    assert sum(word.startswith("--LambdaModifier") for word in words) == 7


def test_who_has_none(tmp_path):
    cfg = 'cfg = ["encoder_intra_main.cfg", "mine.cfg"]\n'
    own = 'options = ["--LambdaModifierI=0.9"]\n'
    plan = plan_of(tmp_path, pyenc("a"), pyenc("b", cfg), pyenc("c", own), fake("d"))
    assert list(map(has_fine_qps, plan.configs)) == [True, False, False, False]


def test_the_error_of_all_samples():
    row = {"psnr_seq_y": 30.0, "psnr_seq_u": 40.0, "psnr_seq_v": 40.0, "psnr_rgb": 28.0, "bits": 800}
    y, c = 255**2 / 10**3, 255**2 / 10**4
    assert mse_of(row, "yuv") == pytest.approx((4 * y + c + c) / 6)
    assert mse_of(row, "rgb") == pytest.approx(255**2 / 10**2.8)
    figures = Objective("pooled", "rgb").figures(row)
    assert figures.bytes == 100
    assert psnr_of_level(figures.level) == pytest.approx(28.0)
    # luma alone; lossless
    assert mse_of({"psnr_seq_y": 30.0}, "yuv") == pytest.approx(y)
    lossless = Objective("mean", "yuv").figures({"psnr_seq_y": 999.99, "bits": 8})
    assert Objective("mean", "yuv").total([Objective("mean", "yuv").loss(9, lossless.level)], [9]) == 100
