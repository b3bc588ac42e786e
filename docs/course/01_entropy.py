"""A chapter of the course (docs/COURSE.md): text and code in turn, in the percent format of jupytext and editors.

Lines behind `# %% [markdown]` are text, those behind `# %%` code; `{{expression:format}}` in text is a value of the
code above.
"""

# %% [markdown]
# # Entropy, and what prediction does to it
#
# How many bits does a picture need? Entropy gives the answer for samples coded one by one; knowing the neighbour, and
# better still a prediction, lowers it.
#
# An event that happens with probability $p_k$ tells us its **self-information**
#
# $$ i(X = x_k) = -\log_2 \Pr\{X = x_k\} = -\log_2 p_k $$
#
# in bits: what is rare tells much. The mean over all events of a source is its **entropy**
#
# $$ H(X) = \sum_k p_k \log_2 \frac{1}{p_k} , $$
#
# and no code that treats each symbol on its own can do with fewer bits a symbol.

# %%
import numpy as np

from cli.course.figures import BLUE, GREEN, ORANGE, QUIET, new_figure
from cli.course.lab import clip, code, entropy, grey, stages, typed
from cli.course.shown import Panels, Plot, Rows

# %% [markdown]
# ## A source of three letters
#
# Take the letters of this short text, and count.

# %%
letters = "abcbcabcbabcba"


def entropy_of(counts):
    """Bits a symbol of a dictionary of counts."""
    p = np.array(list(counts.values())) / sum(counts.values())
    return float(-(p * np.log2(p)).sum())


def count(symbols):
    return {symbol: sum(other == symbol for other in symbols) for symbol in dict.fromkeys(symbols)}


pairs = list(zip(letters[1:], letters[:-1]))  # (letter, the one before)
h_letter, h_before = entropy_of(count([x for x, _ in pairs])), entropy_of(count([y for _, y in pairs]))
h_pair = entropy_of(count(pairs))
h_given, mutual = h_pair - h_before, h_letter + h_before - h_pair
followers = {y: "` or `".join(sorted({x for x, before in pairs if before == y})) for y in "abc"}

# %% [markdown]
# The text is `{{letters}}`. One letter, the letter before it being unknown, has {{h_letter:.2f}} bits. But behind `a`
# only `{{followers['a']}}` ever comes here, behind `c` only `{{followers['c']}}`, behind `b` `{{followers['b']}}`.
# Whoever knows the letter before pays the **conditional entropy**
#
# $$ H(X_1 | X_2) = H(X_1, X_2) - H(X_2) = {{h_pair:.2f}} - {{h_before:.2f}} = {{h_given:.2f}} \text{ bits}, $$
#
# and the difference is the **mutual information**
#
# $$ I(X_1, X_2) = H(X_1) + H(X_2) - H(X_1, X_2) = {{mutual:.2f}} \text{ bits}. $$
#
# A coder that looks at what it has coded before, and chooses its probabilities by that, does **context modelling**. It
# is half of what an entropy coder does in a video codec. The other half is arithmetic coding, in the next chapter.

# %% [markdown]
# ## Samples of a picture
#
# Now luma of the last picture of the clip. First as it is; then given the sample to the left; then what is left of it
# when something is subtracted that the decoder knows too.

# %%
pictures = clip()
luma, before = (pictures[number][0].astype(int) for number in (-1, -2))


def conditional(x, given):
    """H(X | Y) of two arrays of whole numbers, in bits."""
    return entropy(x.astype(np.int64) * 4096 + given) - entropy(given)


left_known = conditional(luma[:, 1:], luma[:, :-1])
intra = stages("-c encoder_intra_main.cfg -q 22")[-1]
inter = stages("-c encoder_lowdelay_P_main.cfg -q 22")[-1]


def prediction_error(record):
    """What the codec's prediction left: the original less the reconstruction without its residual."""
    return record.original[0].astype(int) - (record.reconstructed[0].astype(int) - record.residual)


errors = {
    "the samples": luma,
    "less the left neighbour": luma[:, 1:] - luma[:, :-1],
    "less the codec's intra prediction": prediction_error(intra),
    "less the picture before": luma - before,
    "less the codec's motion compensation": prediction_error(inter),
}


def gaussian(values):
    """Entropy of a Gaussian of the same variance, in bits; samples are one step apart."""
    return float(np.log2(np.std(values) * np.sqrt(2 * np.pi * np.e)))


table = {name: (float(np.var(values)), entropy(values), gaussian(values)) for name, values in errors.items()}
Rows(
    ["luma of the last picture", "variance", "entropy, bits", "Gaussian, bits"],
    [[name, f"{v:.0f}" if v > 99 else f"{v:.1f}", f"{h:.2f}", f"{g:.2f}"] for name, (v, h, g) in table.items()],
    "Bits a sample, from the histogram of the whole picture. Intra prediction and motion compensation are what the "
    "encoder chose at QP 22.",
)

# %%
figure, axes = new_figure(4.5, 3.1)
colours = dict(zip(errors, (QUIET, ORANGE, GREEN, "C4", BLUE)))
for name in ("the samples", "less the left neighbour", "less the codec's motion compensation"):
    values = errors[name] - (int(np.median(luma)) if name == "the samples" else 0)
    found, counts = np.unique(values, return_counts=True)
    axes.plot(found, counts / counts.sum(), color=colours[name], label=name, linewidth=1.3)
axes.set(
    xlim=(-90, 90), yscale="log", ylim=(1e-5, 1), xlabel="value (samples: less their median)", ylabel="probability"
)
axes.legend(loc="upper left", fontsize=7.5)
Plot(
    figure,
    "The better the prediction, the narrower the histogram: less variance, fewer bits. The axis of probabilities is "
    "logarithmic.",
)

# %%
low = int(np.percentile(np.abs(errors["less the left neighbour"]), 99))
shown = [(name, grey(values if name == "the samples" else 128 + 4 * values)) for name, values in errors.items()]
Panels(
    [(f"{name}: {table[name][1]:.2f} bits", pixels) for name, pixels in shown],
    "The same five signals as pictures; differences four times as strong, grey is no difference.",
    least=230,
)

# %% [markdown]
# Given its left neighbour, a sample has {{left_known:.2f}} bits in place of {{table['the samples'][1]:.2f}}.
# Subtracting the neighbour does much of that without a table of probabilities for each of its values: {{table['less the
# left neighbour'][1]:.2f}} bits. (Part of the gain is none: a picture has too few samples to fill so many tables, and
# what is rare looks certain.)
#
# The codec predicts blocks of up to {{1 << int(intra.log2_tb.max())}}x{{1 << int(intra.log2_tb.max())}} samples from
# those around them, not each sample from the one beside it. That leaves less variance, but not less entropy, and what
# is left is alike within a block. The transform takes care of that: the chapter on block transforms.
#
# Inter prediction has the same purpose as intra prediction: to lower variance. Of all distributions with variance
# $\sigma^2$ the Gaussian has the most (differential) entropy,
#
# $$ h(X) \le \ln(\sigma\sqrt{2\pi e}) \text{ nats}, $$
#
# so with the variance the bound falls. Residuals stay well below it, as the table shows: their histograms have a sharp
# peak and long tails.

# %% [markdown]
# ## The wrong probabilities: relative entropy
#
# A coder that believes in probabilities $q$ where the truth is $p$ pays more, by the **relative entropy**
#
# $$ D(p \| q) = \sum_k p_k \log_2 \frac{p_k}{q_k} . $$

# %%
residual = np.clip(prediction_error(inter), -255, 255).ravel()


def distribution(values, least=0.01):
    """Probabilities of -255..255; a coder must expect everything, so every value counts as seen a little."""
    counts = np.bincount(np.clip(values, -255, 255).ravel() + 255, minlength=511) + least
    return counts / counts.sum()


p = distribution(residual, least=0)
there = p > 0
models = {
    "its own histogram": p,
    "the histogram of intra residuals": distribution(prediction_error(intra)),
    "the histogram of differences to the left": distribution(errors["less the left neighbour"]),
    "all values alike": np.full(511, 1 / 511),
}
paid = {name: float(-np.log2(q[residual + 255]).mean()) for name, q in models.items()}
divergence = {name: float((p[there] * np.log2(p[there] / q[there])).sum()) for name, q in models.items()}
own = paid["its own histogram"]
Rows(
    ["probabilities q", "D(p‖q)", "bits a sample"],
    [[name, f"{divergence[name]:.3f}", f"{paid[name]:.3f}"] for name in models],
    "The residual of motion compensation, coded with four beliefs. What is paid is the entropy of p and D on top of "
    "it.",
)

# %% [markdown]
# ## Context modelling on a residual
#
# Residuals of neighbours are of like size, even where their signs are not. So tell classes of samples apart by how
# large the residuals above and to the left are, and count a histogram for each class.

# %%
field_ = prediction_error(inter)
around = np.abs(field_[1:, :-1]) + np.abs(field_[:-1, 1:])
classes = np.digitize(around, [1, 3, 6, 12])
here = field_[1:, 1:]
plain_bits, context_bits = entropy(here), conditional(here, classes)
Rows(
    ["residuals above and left", "share of samples, %", "entropy, bits"],
    [
        [name, f"{100 * np.mean(classes == number):.1f}", f"{entropy(here[classes == number]):.2f}"]
        for number, name in enumerate(["none", "small", "middle", "large", "very large"])
    ],
    f"One histogram for all: {plain_bits:.2f} bits a sample. One for each class: {context_bits:.2f} bits.",
)

# %%
coded = code("-c encoder_lowdelay_P_main.cfg -q 22")
spent = coded.reports[-1].bits / luma.size

# %% [markdown]
# ## To type
#
# A whole codec gets far below these figures, for it also throws away what is hardly seen: at QP 22 this picture takes
# {{spent:.2f}} bits a luma sample, chroma and all side information included, and has {{coded.reports[-1].psnr[0]:.1f}}
# dB.

# %%
typed("pyenc -c encoder_lowdelay_P_main.cfg -i media/CiscoVT2people_320x192_12.yuv -o people.bin -q 22 | grep ^POC")

# %%
typed("pyinspect stats -i people.bin")
