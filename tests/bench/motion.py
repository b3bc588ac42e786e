"""Time the motion search: costs, reference planes, methods. Run: python -m tests.bench.motion"""

import time

import numpy as np

from codec.base.kernels.jit import kernel
from codec.h265.encoder.search.inter.block_match import NO_LIMIT, sad_block, satd_block
from codec.h265.encoder.search.inter.motion_search import (
    SEARCH_DIAMOND,
    SEARCH_FULL,
    SEARCH_TSS,
    SEARCH_TZ,
    new_motion_search,
    refine_vector,
    search_vector,
)
from codec.h265.encoder.search.inter.reference_planes import fill_planes, new_plane_memory, new_planes
from codec.h265.structs import PARAMS

WIDTH, HEIGHT = 416, 240
RNG = np.random.default_rng(1)


@kernel
def _sad(times, a, b, width, height):
    total = np.int64(0)
    for k in range(times):
        total += sad_block(a, 0, 64, b, 3 * (k & 1023), 1000, width, height, NO_LIMIT)
    return total


@kernel
def _satd(times, a, b, width, height, narrow):
    total = np.int64(0)
    for k in range(times):
        total += satd_block(a, 0, 64, b, 3 * (k & 1023), 1000, width, height, narrow, NO_LIMIT)
    return total


@kernel
def _search(m, luma, planes, radius):
    """Every block of the picture, the vector before as prediction; searched, or refined where there is a radius."""
    size = m.width
    for y in range(0, luma.shape[0] - size + 1, size):
        for x in range(0, luma.shape[1] - size + 1, size):
            m.x, m.y = x, y
            for j in range(size):
                for i in range(size):
                    m.source[64 * j + i] = luma[y + j, x + i]
            m.mvp[0], m.mvp[1] = m.mv[0], m.mv[1]
            if radius:
                refine_vector(m, planes, 0, radius)
            else:
                search_vector(m, planes, 0)


def _least(function, *arguments):
    """Least CPU seconds of five runs."""
    function(*arguments)
    return min(_run(function, arguments) for _ in range(5))


def _run(function, arguments):
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def _scene():
    """Two noisy views of one texture, displaced by (9, -5), and the planes of the first."""
    texture = np.kron(RNG.normal(size=(40, 60)), np.ones((8, 8)))
    for axis in (0, 1):
        texture = sum(np.roll(texture, k, axis) for k in range(-4, 5)) / 9
    texture = 128 + 80 * texture
    views = [texture[20 + dy : 20 + dy + HEIGHT, 30 + dx : 30 + dx + WIDTH] for dy, dx in ((0, 0), (-5, 9))]
    first, second = (np.clip(view + 3 * RNG.normal(size=view.shape), 0, 255).astype(np.int16) for view in views)
    params = np.zeros(1, PARAMS)
    params["pic_width"], params["pic_height"] = WIDTH, HEIGHT
    planes = new_planes(params[0], 1)
    return first, second, planes


def main():
    """Print one line a kernel."""
    a, b = RNG.integers(0, 256, 4096).astype(np.int16), RNG.integers(0, 256, 100000).astype(np.int16)
    for width, height in ((8, 4), (8, 8), (16, 12), (16, 16), (32, 32), (48, 64), (64, 64)):
        times = (1 << 22) // (width * height)
        sad = _least(_sad, times, a, b, width, height)
        satd, narrow = (_least(_satd, times, a, b, width, height, narrow) for narrow in (0, 1))
        sad, satd, narrow = (f"{seconds / times * 1e9:7.1f} ns" for seconds in (sad, satd, narrow))
        print(f"{f'{width}x{height}':8} SAD {sad}   SATD {satd}, of 8 bit {narrow}", flush=True)
    first, second, planes = _scene()
    seconds = _least(fill_planes, first, planes[0], 8, 0, planes.shape[2], new_plane_memory(planes))
    print(f"reference planes {seconds * 1e3:.2f} ms, {seconds / planes.size * 1e9:.2f} ns per sample of a plane")
    m = new_motion_search()[0]
    m.sqrt_lambda, m.start_count, m.fast, m.narrow = 7.0, 1, 1, 1
    methods = (("TZ", SEARCH_TZ, 64, 0), ("diamond", SEARCH_DIAMOND, 64, 0), ("three-step", SEARCH_TSS, 64, 0))
    methods += (("full, 16", SEARCH_FULL, 16, 0), ("refine, 4", SEARCH_FULL, 0, 4))
    print("microseconds per block" + "".join(f"{f'{size}x{size}':>9}" for size in (8, 16, 32, 64)))
    for name, method, search_range, radius in methods:
        m.method, m.search_range = method, search_range
        cells = []
        for size in (8, 16, 32, 64):
            m.width = m.height = size
            m.mv[:] = 0
            blocks = (WIDTH // size) * (HEIGHT // size)
            cells.append(_least(_search, m, second, planes, radius) / blocks * 1e6)
        print(f"{name:22}" + "".join(f"{value:9.1f}" for value in cells), flush=True)


if __name__ == "__main__":
    main()
