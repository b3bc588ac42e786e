"""Shards of made-up material: smooth pictures, and the same with blocks of error."""

import numpy as np


def write_shards(folder, sources=("a", "b"), qps=(27, 37), side=64, depth=8):
    """Shards as cli/train/dump.py writes them, of 2 crops each."""
    for number, source in enumerate(sources):
        for qp in qps:
            rng = np.random.default_rng([number, qp])
            arrays = {"bit_depth": np.int32(depth), "slice_qp": np.full(2, qp, np.int32)}
            for name, size in (("y", side), ("u", side // 2), ("v", side // 2)):
                slope = rng.uniform(-1, 1, (2, 2))
                y, x = np.indices((size, size))
                plane = 128 + slope[:, :1, None] * y + slope[:, 1:, None] * x + rng.normal(0, 2, (2, size, size))
                plane = np.clip(plane, 20, 235) * 2 ** (depth - 8)
                steps = rng.integers(-qp // 6, qp // 6 + 1, (2, size // 4, size // 4)) * 2 ** (depth - 8)
                error = np.repeat(np.repeat(steps, 4, 1), 4, 2)
                dtype = np.uint8 if depth == 8 else np.uint16
                arrays[f"org_{name}"] = plane.astype(dtype)
                for stage, share in (("raw", 1.0), ("dbk", 0.9), ("rec", 0.8)):
                    arrays[f"{stage}_{name}"] = (arrays[f"org_{name}"] + share * error).astype(dtype)
            # what grey of BT.709 in limited range stands for, as if the source had been RGB
            grey = np.clip((arrays["org_y"].astype(float) / 2 ** (depth - 8) - 16) * 255 / 219, 0, 255)
            arrays["org_rgb"] = np.repeat(np.rint(grey).astype(np.uint8)[:, None], 3, 1)
            arrays["res_y"] = rng.integers(-9, 10, (2, side, side)).astype(np.int16)
            arrays["log2_tb"] = (
                rng.integers(2, 6, (2, side // 16, side // 16)).astype(np.int8).repeat(4, 1).repeat(4, 2)
            )
            arrays["strengths"] = np.zeros((2, 2, side // 4, side // 4), np.int8)
            arrays["strengths"][:, 0, :, ::2] = 2
            arrays["strengths"][:, 1, ::2] = 1
            np.savez_compressed(folder / f"{source}_qp{qp}.npz", **arrays)
