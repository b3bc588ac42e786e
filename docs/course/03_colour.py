"""Colour models and sampling: BT.601, YIQ, 4:4:4 to 4:2:0."""

# %% [markdown]
# # Colour models and sampling
#
# Red, green and blue of a picture are nearly the same picture three times. A change of axes puts most of it into one
# component, luma; the eye lets us send the other two at a quarter of the resolution.

# %%
import numpy as np

from cli.course.figures import ORANGE, QUIET, bare, new_figure
from cli.course.lab import clip, grey, psnr, typed
from cli.course.shown import Panels, Rows
from codec.base.io.colour import KR_KB, rgb_to_yuv420
from codec.base.io.matrices import Colour
from codec.base.io.rgb import shown as eight_bits
from codec.base.io.rgb import to_rgb

luma, cb, cr = (plane.astype(float) for plane in clip()[0])
# luma at half its size beside chroma as it is: a small picture with all three components in each place
small = np.stack([luma.reshape(luma.shape[0] // 2, 2, -1, 2).mean((1, 3)), cb, cr], -1)[:92]

kr, kb = KR_KB["bt601"]
kg = 1 - kr - kb


def bt601(scale_luma=219, scale_chroma=224):
    """The matrix from R'G'B' of 0..255 to Y'CbCr less its offsets, times 256/255 as it is printed."""
    y = np.array([kr, kg, kb])
    u, v = (np.eye(3)[2] - y) / (2 * (1 - kb)), (np.eye(3)[0] - y) / (2 * (1 - kr))
    return np.stack([scale_luma * y, scale_chroma * u, scale_chroma * v]) * 256 / 255


def tex(matrix, digits=3):
    """Rows of a matrix in LaTeX."""
    return r" \\ ".join(" & ".join(f"{value:.{digits}f}" for value in row) for row in np.atleast_2d(matrix))


ycc = bt601()
offsets = np.array([16, 128, 128])
red_green_blue = np.clip((small - offsets) @ np.linalg.inv(ycc / 256).T, 0, 255)

# %% [markdown]
# ## Y'CbCr of BT.601
#
# Luma is a weighted mean of the three, $Y = {{kr}} R + {{kg:.3f}} G + {{kb}} B$: the weights say how bright each looks.
# Chroma is what blue and red differ from it. For samples of eight bits with luma from {{offsets[0]}} to {{offsets[0] +
# 219}} and chroma from {{offsets[0]}} to {{offsets[0] + 224}},
#
# $$ \begin{bmatrix} Y \\ C_B \\ C_R \end{bmatrix} = \begin{bmatrix} {{tex(offsets[:, None], 0)}} \end{bmatrix} +
# \frac{1}{256} \begin{bmatrix} {{tex(ycc)}} \end{bmatrix} \begin{bmatrix} R \\ G \\ B \end{bmatrix} . $$

# %%
ranges = [("R", red_green_blue[..., 0]), ("G", red_green_blue[..., 1]), ("B", red_green_blue[..., 2])]
Panels(
    [(name, grey(np.round(values))) for name, values in ranges]
    + [
        ("Y'", grey(np.round(small[..., 0]))),
        ("Cb", grey(np.round(small[..., 1]))),
        ("Cr", grey(np.round(small[..., 2]))),
    ],
    "The first picture of the clip at half its size: three pictures that are much alike, and then one picture with "
    "two faint ones.",
    least=200,
)

# %% [markdown]
# ## YIQ
#
# The colour television of NTSC turned the two chroma axes by {{33}} degrees, so that one of them, I, lies along the
# colours of skin, for which the eye is sharper. It was given more bandwidth.

# %%
angle = np.deg2rad(33)
u, v = 0.492 * (np.eye(3)[2] - np.array([kr, kg, kb])), 0.877 * (np.eye(3)[0] - np.array([kr, kg, kb]))
yiq = np.stack([[kr, kg, kb], v * np.cos(angle) - u * np.sin(angle), v * np.sin(angle) + u * np.cos(angle)])
back = np.linalg.inv(yiq)

# %% [markdown]
# $$ \begin{bmatrix} Y \\ I \\ Q \end{bmatrix} = \begin{bmatrix} {{tex(yiq)}} \end{bmatrix} \begin{bmatrix} R \\ G \\ B
# \end{bmatrix} $$
#
# $$ \begin{bmatrix} R \\ G \\ B \end{bmatrix} = \begin{bmatrix} {{tex(back)}} \end{bmatrix} \begin{bmatrix} Y \\ I \\ Q
# \end{bmatrix} $$

# %%
flat = red_green_blue.reshape(-1, 3)
full = flat @ (bt601(255, 255) / 256 * 255 / 256).T
spaces = {
    "R, G, B": flat,
    "Y', Cb, Cr": full,
    "Y, I, Q": flat @ yiq.T,
    "principal axes of this picture": (flat - flat.mean(0)) @ np.linalg.eigh(np.cov(flat.T))[1][:, ::-1],
}


def correlation(values):
    """Mean size of the correlation of two components."""
    found = np.corrcoef(values.T)
    return float(np.abs(found[np.triu_indices(3, 1)]).mean())


facts = {}
for name, values in spaces.items():
    variance = values.var(0)
    facts[name] = (100 * variance / variance.sum(), correlation(values))
Rows(
    ["components", "variance of each, % of all", "mean correlation"],
    [[name, " + ".join(f"{s:.1f}" for s in shares), f"{rho:.2f}"] for name, (shares, rho) in facts.items()],
    "How much of the picture is in each component. The principal axes are the best that any rotation can do, and are "
    "those of this picture alone.",
)

# %% [markdown]
# ## Sampling
#
# The eye sees detail in brightness better than in colour. So chroma is stored at half the width (4:2:2), or half the
# width and half the height (4:2:0). Where exactly the chroma samples lie differs between standards.


# %%
def grid(name, step_x, step_y, left, top):
    """Drawing of eight by four luma samples and the chroma samples that belong to them."""
    figure, axes = new_figure(2.6, 1.55)
    bare(axes)
    y, x = np.mgrid[0:4, 0:8]
    axes.plot(x.ravel(), y.ravel(), "x", color=QUIET, markersize=7, markeredgewidth=1.3)
    cy, cx = np.mgrid[0:4:step_y, 0:8:step_x]
    axes.plot(cx.ravel() + left, cy.ravel() + top, "o", color=ORANGE, markersize=5.5)
    axes.set(xlim=(-0.6, 7.6), ylim=(3.6, -0.6), aspect="equal")
    share = 1 + 2 / (step_x * step_y)
    return f"{name}: {share:g} samples a pixel", figure


Panels(
    [
        grid("4:4:4", 1, 1, 0, 0),
        grid("4:2:2", 2, 1, 0, 0),
        grid("4:2:0 as in MPEG-1", 2, 2, 0.5, 0.5),
        grid("4:2:0 as in MPEG-2 and H.265", 2, 2, 0, 0.5),
    ],
    "Crosses are luma samples, dots are places of a Cb and a Cr sample.",
    least=180,
)

# %% [markdown]
# What does it cost? The small picture has chroma in every place. Halve it, double it again, and look.

# %%
small_8 = np.round(red_green_blue).astype(np.uint8)
planes_420 = rgb_to_yuv420(small_8, 8, 8, "bt601")
again_420 = eight_bits(to_rgb(planes_420, (8, 8), Colour()))


def halved_across(plane):
    """Half the width with the weights 1 2 1, and back by the mean of neighbours."""
    wide = np.pad(plane, ((0, 0), (1, 1)), mode="edge")
    half = (wide[:, :-2:2] + 2 * wide[:, 1:-1:2] + wide[:, 2::2]) / 4
    after = np.concatenate([half[:, 1:], half[:, -1:]], 1)
    return np.stack([half, (half + after) / 2], -1).reshape(plane.shape)


def to_rgb_444(planes):
    values = np.stack(planes, -1)
    return np.clip(np.round((np.round(values) - offsets) @ np.linalg.inv(ycc / 256).T), 0, 255).astype(np.uint8)


full_444 = [small_8.astype(float) @ ycc[k] / 256 + offsets[k] for k in range(3)]
versions = {
    "4:4:4": to_rgb_444(full_444),
    "4:2:2": to_rgb_444([full_444[0], *(halved_across(c) for c in full_444[1:])]),
    "4:2:0": again_420,
}
quality = {name: psnr(made, small_8) for name, made in versions.items()}
samples = {"4:4:4": 3, "4:2:2": 2, "4:2:0": sum(p.size for p in planes_420) / planes_420[0].size}
difference = np.clip(128 + 4 * (again_420.astype(int) - small_8), 0, 255).astype(np.uint8)
Panels(
    [
        (f"{name}: {samples[name]:g} samples a pixel, RGB {quality[name]:.1f} dB", made)
        for name, made in versions.items()
    ]
    + [("what 4:2:0 changed, four times as strong", difference)],
    "Luma is never touched; what is lost is at edges between colours. In 4:4:4 the loss is that of rounding to whole "
    "numbers.",
    least=330,
)

# %% [markdown]
# Half of all samples are gone, and few people would see it. From here on everything is Y'CbCr 4:2:0.

# %% [markdown]
# ## To type
#
# A stream is decoded to PNG by the same conversion, in exact integers; and a PNG is coded as Y'CbCr 4:2:0.

# %%
typed(
    "pyenc -c encoder_intra_main.cfg -i media/CiscoVT2people_320x192_12.yuv -o people.bin -q 27 -f 1 | grep ^POC; "
    "pydec -i people.bin -o photo%03d.png",
    picture="photo000.png",
)  # fmt: skip

# %%
typed("pyenc -c encoder_intra_main.cfg -i photo000.png -o photo.bin -q 27 | grep -E 'Format|format|depth|^POC'")
