"""Block transform coding: JPEG's way of a block, then H.265's with the codec's kernels."""

# %% [markdown]
# # Block transform coding
#
# Samples of a block are alike. A cosine transform turns them into a few large numbers and many small ones, quantisation
# makes the small ones zero, and a scan puts the zeros behind each other.
#
# JPEG does this with blocks of 8x8 samples, H.265 with residuals of blocks from 4x4 to 32x32.

# %%
import numpy as np
from scipy.fft import dctn, idctn

from cli.course.figures import BLUE, ORANGE, bare, new_figure, numbers
from cli.course.lab import clip, psnr, stages, typed
from cli.course.shown import Panels, Plot, Rows
from codec.h265.encoder.search.residual.forward_transform import TMP_SAMPLES as FORWARD_TMP
from codec.h265.encoder.search.residual.forward_transform import forward_transform
from codec.h265.encoder.search.residual.quantise import quantise_plain
from codec.h265.recon.dequant import dequantise
from codec.h265.recon.transform import TMP_SAMPLES, inverse_transform
from codec.h265.recon.transform_tables import dct_matrix
from codec.h265.syntax.scan import PLACE

# the table of luma in annex K of the JPEG standard
QUANT = np.array(
    [
        [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55],
        [14, 13, 16, 24, 40, 57, 69, 56], [14, 17, 22, 29, 51, 87, 80, 62],
        [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
        [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
    ]
)  # fmt: skip

luma = clip()[0][0].astype(int)
# of all blocks of the grid, one of strong texture: the third quarter of variances
corners = [(y, x) for y in range(0, 184, 8) for x in range(0, 320, 8)]
by_variance = sorted(corners, key=lambda at: luma[at[0] : at[0] + 8, at[1] : at[1] + 8].var())
row, column = by_variance[int(0.9 * len(by_variance))]
block = luma[row : row + 8, column : column + 8]

# %% [markdown]
# ## The cosine transform
#
# $$ F(u, v) = \frac{C(u) C(v)}{4} \sum_{x, y} f(x, y) \cos\frac{(2x + 1) u \pi}{16} \cos\frac{(2y + 1) v \pi}{16} , $$
#
# where $x$, $y$, $u$ and $v$ go from 0 to 7, $C(0) = 1 / \sqrt{2}$, and every other $C$ is 1.
#
# Each coefficient says how much of one of these pictures is in the block.

# %%
matrix = dct_matrix(3).astype(float)
figure, axes = new_figure(4.5, 4.5)
bare(axes)
tiles = np.ones((8 * 9 + 1, 8 * 9 + 1)) * np.nan
for v in range(8):
    for u in range(8):
        basis = np.outer(matrix[v], matrix[u])
        tiles[1 + 9 * v : 9 + 9 * v, 1 + 9 * u : 9 + 9 * u] = basis / np.abs(basis).max()
axes.imshow(tiles, cmap="gray", vmin=-1, vmax=1)
Plot(
    figure,
    "The 64 pictures that a block of 8x8 is made of, from H.265's integer matrix: waves across to the right, waves "
    "down to the bottom.",
)

# %% [markdown]
# ## A block's way through JPEG
#
# Take 128 from every sample, transform, divide each coefficient by its entry of a table and round. The table has small
# steps for slow waves and large ones for fast waves, which the eye hardly sees.

# %%
coefficients = dctn(block - 128.0, norm="ortho")
levels = np.round(coefficients / QUANT).astype(int)
decoded = np.clip(np.round(idctn(levels * QUANT, norm="ortho") + 128), 0, 255).astype(int)
Panels(
    [
        (f"samples of the block at ({column}, {row})", numbers(block, "grey")),
        ("coefficients, rounded for this figure", numbers(np.round(coefficients).astype(int), size=6.5)),
        ("JPEG's table for luma", numbers(QUANT, most=4 * QUANT.max())),
        (f"levels: {np.count_nonzero(levels)} of 64 are not zero", numbers(levels)),
        (f"decoded: {psnr(decoded, block):.1f} dB", numbers(decoded, "grey")),
        ("decoded less original", numbers(decoded - block)),
    ],
    "Everything between the first picture and the last but one is what the file holds: the levels.",
    least=250,
)

# %% [markdown]
# ## Zigzag, and pairs of run and level
#
# The zigzag scan walks from slow waves to fast ones, so the zeros come last. Then only pairs are left: how many zeros,
# and the level behind them. The first coefficient, DC, is coded apart, as the difference from that of the block before.


# %%
def zigzag(size=8):
    """Places (row, column) in zigzag order: diagonals, each the other way round than the one before."""
    return sorted(np.ndindex(size, size), key=lambda at: (sum(at), at[0] if sum(at) % 2 else -at[0]))


def run_level(block_):
    """Pairs of the AC coefficients, and the scan without the zeros at its end."""
    scan = [int(block_[at]) for at in zigzag()][1:]
    while scan and not scan[-1]:
        scan.pop()
    pairs, run = [], 0
    for level in scan:
        if level:
            pairs.append((run, level))
        run = 0 if level else run + 1
    return pairs, scan


EXAMPLE = np.zeros((8, 8), int)
EXAMPLE[:4, :4] = [[8, 24, -2, 0], [-31, -4, 6, -1], [0, -12, -1, 2], [0, 0, -2, -1]]
example_pairs, example_scan = run_level(EXAMPLE)
our_pairs, our_scan = run_level(levels)

figure, axes = new_figure(3.4, 3.4)
bare(axes)
path = np.array(zigzag())
axes.imshow(np.where(EXAMPLE, np.sign(EXAMPLE) * np.sqrt(np.abs(EXAMPLE)), 0), cmap="RdBu_r", vmin=-9, vmax=9)
axes.plot(path[:, 1], path[:, 0], color="#59626c", linewidth=0.9, alpha=0.5)
for at, value in np.ndenumerate(EXAMPLE):
    axes.text(
        at[1], at[0], str(value) if value else "", ha="center", va="center", fontsize=9, color="#111111", weight="bold"
    )
Plot(figure, "A block of levels, and the way of the scan through it.")

# %% [markdown]
# The scan of this block gives
#
# `{{' '.join(map(str, example_scan))}} EOB`
#
# and as pairs of run and level
#
# `{{', '.join(f'({run}, {level})' for run, level in example_pairs)}}, EOB`.
#
# Our block of the clip gives {{len(our_pairs)}} pairs: `{{', '.join(f'({run}, {level})' for run, level in our_pairs)}},
# EOB`.
#
# A level is then split in two. Its **category** says how many bits its size has; category and run together are one
# symbol, which gets a Huffman code. Which level of the category it is follows in a code of fixed length.

# %%
categories = [(run, level, abs(level).bit_length()) for run, level in example_pairs]
Rows(
    ["pair", "category", "symbol", "fixed bits"],
    [
        [f"({run}, {level})", c, f"{run}/{c}", format(level if level > 0 else level + (1 << c) - 1, f"0{c}b")]
        for run, level, c in categories
    ],
    "The bits of a negative level are those of the positive one, inverted.",
    names=4,
)

# %% [markdown]
# ## How much is in how few coefficients
#
# The transform loses nothing and gains nothing by itself. Its use is that a few coefficients hold most of the energy of
# a block. Over all blocks of the picture:

# %%
blocks = np.stack([luma[y : y + 8, x : x + 8] for y, x in corners]).astype(float)
blocks -= blocks.mean((1, 2), keepdims=True)


def concentrated(values):
    """Share of the energy in the k largest numbers of each block, for k = 1..64."""
    ordered = np.sort(values.reshape(len(values), 64) ** 2, 1)[:, ::-1]
    return 100 * ordered.cumsum(1).sum(0) / ordered.sum()


share_dct, share_samples = concentrated(dctn(blocks, axes=(1, 2), norm="ortho")), concentrated(blocks)
figure, axes = new_figure(4.5, 2.8)
axes.plot(range(1, 65), share_dct, color=BLUE, label="coefficients")
axes.plot(range(1, 65), share_samples, color=ORANGE, label="samples less their mean")
axes.set(xlabel="how many of 64 are kept, the largest first", ylabel="energy, %", xlim=(0, 64), ylim=(0, 102))
axes.legend(loc="lower right")
Plot(
    figure,
    f"The {5} largest coefficients of each block hold {share_dct[4]:.0f} % of the energy, the {5} largest samples "
    f"{share_samples[4]:.0f} %.",
)

# %% [markdown]
# ## H.265: the same with kernels of the codec
#
# H.265 transforms what prediction leaves. The matrices are integers, so that every decoder computes the same; the
# quantiser's step doubles whenever QP grows by six; the scan goes along diagonals of sub-blocks of 4x4. Here the
# residual of the same place, and its way through `forward_transform`, `quantise_plain`, `dequantise` and
# `inverse_transform`.

# %%
record = stages("-c encoder_intra_main.cfg -q 32 -f 1")[0]
prediction = record.reconstructed[0].astype(int) - record.residual
residual = (record.original[0].astype(int) - prediction)[row : row + 8, column : column + 8]


def through(block_, qp):
    """(coefficients, levels, scaled coefficients, residual that comes out) of an 8x8 block of residuals."""
    out, levels_, scaled, made = (np.zeros(64, np.int16) for _ in range(4))
    forward_transform(
        np.ascontiguousarray(block_, np.int16).ravel(), 0, 3, False, 8, out, np.zeros(FORWARD_TMP, np.int16)
    )
    quantise_plain(out, 3, qp, np.full(64, 16, np.int16), False, 8, True, levels_)
    dequantise(levels_, 0, 3, qp, np.full((4, 6, 1024), 16, np.int16), 0, False, 8, scaled)
    inverse_transform(scaled, 0, 3, False, 8, made, np.zeros(TMP_SAMPLES, np.int16))
    return [values.reshape(8, 8).astype(int) for values in (out, levels_, scaled, made)]


forward, quantised, scaled, made = through(residual, 32)
Panels(
    [
        ("residual", numbers(residual)),
        ("coefficients", numbers(forward, size=6)),
        (f"levels at QP 32: {np.count_nonzero(quantised)} are not zero", numbers(quantised)),
        ("scaled coefficients", numbers(scaled, size=6)),
        ("residual that the decoder has", numbers(made)),
        ("what is lost", numbers(made - residual)),
    ],
    "The decoder's half of the way, from the levels on, is defined to the last bit.",
    least=250,
)

# %%
figure, axes = new_figure(3.4, 3.4)
bare(axes)
place = PLACE[1, 0, :64].astype(int)
axes.imshow(np.where(quantised, np.sign(quantised) * np.sqrt(np.abs(quantised)), 0), cmap="RdBu_r", vmin=-9, vmax=9)
axes.plot(place % 8, place // 8, color="#59626c", linewidth=0.9, alpha=0.5)
axes.plot([3.5, 3.5], [-0.5, 7.5], color=ORANGE, linewidth=0.8)
axes.plot([-0.5, 7.5], [3.5, 3.5], color=ORANGE, linewidth=0.8)
for at, value in np.ndenumerate(quantised):
    axes.text(
        at[1], at[0], str(value) if value else "", ha="center", va="center", fontsize=9, color="#111111", weight="bold"
    )
Plot(
    figure,
    "H.265's scan of an 8x8 block, from the codec's table: diagonals inside sub-blocks, and from sub-block to "
    "sub-block. It is coded backwards, from the last level that is not zero.",
)

# %%
rows = []
for qp in (22, 27, 32, 37, 42):
    _, levels_, _, made_ = through(residual, qp)
    rows.append(
        [
            qp,
            f"{2 ** ((qp - 4) / 6):.1f}",
            np.count_nonzero(levels_),
            int(np.abs(levels_).sum()),
            f"{psnr(made_, residual):.1f}",
        ]
    )
Rows(
    ["QP", "step", "levels not zero", "sum of their sizes", "PSNR, dB"],
    rows,
    "The same residual at five QPs. The step is about $2^{(QP - 4) / 6}$.".replace(
        "$2^{(QP - 4) / 6}$", "2 to the power of (QP - 4) / 6"
    ),
    names=0,
)

# %% [markdown]
# ## To type
#
# Where the residual is coded, and with transforms of which size:

# %%
typed(
    "pyenc -c encoder_intra_main.cfg -i media/CiscoVT2people_320x192_12.yuv -o people.bin -q 32 -f 1 | grep -E '^POC'",
    first=4,
)

# %%
typed("pyinspect overlay -i people.bin -o transforms.png --frames 0 --layers tu", picture="transforms.png")
