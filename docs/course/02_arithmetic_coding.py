"""Arithmetic coding: the worked example, then CABAC on the bins of a real stream."""

# %% [markdown]
# # Arithmetic coding
#
# A whole message becomes one number. Entropy is reached without a code word for each symbol, and probabilities may
# change from symbol to symbol. It is the last step of H.265 and H.266, and of H.264 where its better coder is chosen.
#
# The coder keeps an interval, which is $[0, 1)$ at first. Each symbol has a part of it that is as wide as it is
# probable; the part of the symbol that is there becomes the interval. With the distribution function $F$ of the
# alphabet,
#
# $$ \begin{array}{rl} \mathrm{range} &= \mathrm{high} - \mathrm{low} \\ \mathrm{high} &= \mathrm{low} + \mathrm{range}
# \cdot F(n) \\ \mathrm{low} &= \mathrm{low} + \mathrm{range} \cdot F(n - 1) . \end{array} $$
#
# At the end any number in the interval, written in binary, stands for the message.

# %%
import math
from fractions import Fraction

import numpy as np

from cli.course.bins import bins_of
from cli.course.figures import BLUE, GREEN, INK, ORANGE, QUIET, bare, new_figure
from cli.course.lab import code_area, typed
from cli.course.shown import Plot, Rows
from codec.h265.cabac.contexts import CONTEXT_COUNT
from codec.h265.cabac.engine import (
    code_bin,
    finish_writer,
    new_estimator,
    new_reader,
    new_writer,
    set_contexts,
)
from codec.h265.cabac.engine import code_terminate as terminate
from codec.h265.cabac.tables import ENTROPY_BITS, ONE_BIT, RANGE_LPS  # noqa: F401 (text uses it)

PROBABILITIES = {"a1": Fraction(7, 10), "a2": Fraction(1, 10), "a3": Fraction(2, 10)}
MESSAGE = ["a1", "a2", "a3"]


def parts(low, high):
    """{symbol: (low, high)} of its part of an interval."""
    found, at = {}, low
    for symbol, probability in PROBABILITIES.items():
        found[symbol] = (at, at + (high - low) * probability)
        at = found[symbol][1]
    return found


def encode(message):
    """The intervals, from [0, 1) on."""
    intervals = [(Fraction(0), Fraction(1))]
    for symbol in message:
        intervals.append(parts(*intervals[-1])[symbol])
    return intervals


def decode(number, count):
    """The first `count` symbols of the message that a number stands for."""
    message, interval = [], (Fraction(0), Fraction(1))
    for _ in range(count):
        symbol, interval = next((s, p) for s, p in parts(*interval).items() if p[0] <= number < p[1])
        message.append(symbol)
    return message


def digits(number, count):
    """The first binary digits of a number below 1."""
    return format(math.floor(number * 2**count), f"0{count}b")


intervals = encode(MESSAGE)
low, high = intervals[-1]
tag, probability = (low + high) / 2, high - low
information = -math.log2(probability)
tag_digits = digits(tag, 9)
# the least number of digits that name a number inside; that stay inside whatever follows; that always suffice
inside = next(n for n in range(1, 20) if math.ceil(low * 2**n) < high * 2**n)
prefix = next(n for n in range(1, 20) if math.ceil(low * 2**n) + 1 <= high * 2**n)
shortest = format(math.ceil(low * 2**inside), f"0{inside}b")
always = math.ceil(information) + 1

# %% [markdown]
# ## A worked example
#
# An alphabet of three letters, with $P(a_1) = {{float(PROBABILITIES['a1'])}}$, $P(a_2) =
# {{float(PROBABILITIES['a2'])}}$, $P(a_3) = {{float(PROBABILITIES['a3'])}}$, so $F = {{', '.join(str(float(p[1])) for p
# in parts(Fraction(0), Fraction(1)).values())}}$. The message is $a_1 a_2 a_3$.

# %%
figure, axes = new_figure(4.6, 3.5)
bare(axes)
width, gap = 0.5, 0.75
colours = {"a1": BLUE, "a2": ORANGE, "a3": GREEN}
for step, (start, stop) in enumerate(intervals[:-1]):
    x = step * (width + gap)
    for symbol, (bottom, top) in parts(start, stop).items():
        y0, y1 = (float((v - start) / (stop - start)) for v in (bottom, top))
        chosen = symbol == MESSAGE[step]
        axes.fill_between([x, x + width], y0, y1, color=colours[symbol], alpha=0.85 if chosen else 0.25, linewidth=0)
        axes.text(x + width / 2, (y0 + y1) / 2, f"${symbol[0]}_{symbol[1]}$", ha="center", va="center", fontsize=10)
        axes.text(x - 0.04, y1, f"{float(top):.4g}", ha="right", va="center", fontsize=8, color=QUIET)
    axes.text(x - 0.04, 0, f"{float(start):.4g}", ha="right", va="center", fontsize=8, color=QUIET)
    if step + 1 < len(MESSAGE):
        for edge, end in zip(parts(start, stop)[MESSAGE[step]], (0, 1)):
            axes.plot(
                [x + width, x + width + gap],
                [float((edge - start) / (stop - start)), end],
                color=QUIET,
                linewidth=0.8,
                linestyle=":",
            )
last = 2 * (width + gap) + width
y0, y1 = (float((v - intervals[2][0]) / (intervals[2][1] - intervals[2][0])) for v in (low, high))
axes.annotate(f"{float(tag)}", (last, (y0 + y1) / 2), (last + 0.18, (y0 + y1) / 2), va="center", fontsize=10, color=INK,
              arrowprops=dict(arrowstyle="->", color=INK))  # fmt: skip
axes.set(xlim=(-0.45, last + 0.75), ylim=(-0.04, 1.04))
Plot(figure, "The interval shrinks: each bar is the chosen part of the one before, drawn at full height.")

# %% [markdown]
# The last interval is $[{{float(low):.3f}}, {{float(high):.3f}})$. Its middle is the **tag**,
#
# $$ T(X) = ({{float(low):.3f}} + {{float(high):.3f}}) / 2 = {{float(tag)}} = (0.{{tag_digits}}\ldots)_2 , $$
#
# and its width is the probability of the message: $P(X) = {{float(probability):.3f}}$, which is {{information:.2f}}
# bits of information.
#
# How many digits must be sent? `{{shortest}}`, {{inside}} digits, names a number inside the interval. If more bits
# follow in the same stream, {{prefix}} digits keep every continuation inside. And $\lceil -\log_2 P(X) \rceil + 1 =
# {{always}}$ digits of the tag are enough for any message. The digits `{{tag_digits}}` of the tag decode to {{',
# '.join(f'$a_{s[1]}$' for s in decode(Fraction(int(tag_digits, 2), 512), 3))}}, as they should.

# %%
rng = np.random.default_rng(1)
names = list(PROBABILITIES)
weights = [float(p) for p in PROBABILITIES.values()]
per_symbol = -sum(p * math.log2(p) for p in weights)
rows = []
for length in (3, 10, 30, 100, 300):
    message = [names[k] for k in rng.choice(3, length, p=weights)]
    bottom, top = encode(message)[-1]
    need = next(n for n in range(1, 2000) if math.ceil(bottom * 2**n) + 1 <= top * 2**n)
    bits = math.log2((top - bottom).denominator) - math.log2((top - bottom).numerator)
    back = decode(Fraction(math.ceil(bottom * 2**need), 2**need), length) == message
    rows.append([length, f"{bits:.1f}", need, f"{need / length:.3f}", "yes" if back else "no"])
Rows(
    ["letters", "information, bits", "digits needed", "digits a letter", "decoded"], rows,
    f"Messages drawn at random with these probabilities, whose entropy is {per_symbol:.3f} bits a letter. The price "
    "of at most two digits is paid once a message.",
    names=0,
)  # fmt: skip

# %% [markdown]
# ## What if probabilities are not fixed?
#
# Nothing in the rule asks that $F$ is the same for each symbol. It must only be the same on both sides. **CABAC**, the
# arithmetic coder of H.264 and H.265, codes symbols of two values, called bins. Each kind of bin has a **context**:
# which value is the more probable one, and one of {{len(RANGE_LPS)}} states that say how much. After each bin the state
# moves. Here is what the states stand for, from the codec's own table.

# %%
states = np.arange(63)
least = 2.0 ** (-ENTROPY_BITS[states << 1 | 1] / ONE_BIT)
figure, axes = new_figure(4.5, 2.7)
axes.plot(states, ENTROPY_BITS[states << 1 | 1] / ONE_BIT, color=ORANGE, label="the less probable value")
axes.plot(states, ENTROPY_BITS[states << 1] / ONE_BIT, color=BLUE, label="the more probable value")
axes.set(xlabel="state", ylabel="bits of one bin", ylim=(0, None))
axes.legend()
Plot(
    figure,
    f"What a bin costs, by the state of its context. The less probable value has a probability of {least[0]:.2f} in "
    f"the first state and of {least[-1]:.3f} in the last.",
)

# %% [markdown]
# ## Real bins
#
# Now a real stream: an area of the clip around a face, coded as one intra picture. The decoder's kernels read it as
# plain Python, and each context coded bin is noted as it comes.

# %%
coded = code_area("-c encoder_intra_main.cfg -q 32 -f 1", 160, 64, 64, 64)
bins = bins_of(coded.stream)
trail = [(state, value) for name, context, state, value in bins if name == "SIG_COEFF_FLAG"]
busiest = max({b[1] for b in bins if b[0] == "SIG_COEFF_FLAG"}, key=lambda c: sum(b[1] == c for b in bins))
trail = [(state, value) for _, context, state, value in bins if context == busiest][:120]
p_one = [float(least[s >> 1] if not s & 1 else 1 - least[s >> 1]) for s, _ in trail]
figure, axes = new_figure(4.5, 2.7)
axes.step(range(len(trail)), p_one, where="post", color=BLUE, label="probability of a 1")
axes.plot(range(len(trail)), [v for _, v in trail], "|", color=ORANGE, markersize=7, label="the bin")
axes.set(xlabel="bins of this context, in order", ylabel="0 or 1", ylim=(-0.05, 1.42), yticks=np.linspace(0, 1, 5))
axes.legend(loc="upper center", ncols=2)
Plot(
    figure,
    f"One context at work: `sig_coeff_flag` number {busiest}, its first {len(trail)} bins. Each bin moves the "
    "probability a little its way.",
)

# %%
kinds = {}
for name, _, state, value in bins:
    count, ones, cost = kinds.get(name, (0, 0, 0.0))
    kinds[name] = (count + 1, ones + value, cost + ENTROPY_BITS[state ^ value] / ONE_BIT)
order = sorted(kinds, key=lambda name: -kinds[name][2])
Rows(
    ["bins", "how many", "ones, %", "bits", "bits a bin"],
    [
        [name.lower(), n, f"{100 * ones / n:.0f}", f"{cost:.0f}", f"{cost / n:.2f}"]
        for name in order[:9]
        for n, ones, cost in [kinds[name]]
    ],
    f"The {min(9, len(order))} costliest kinds of the {len(bins)} context coded bins of this picture.",
)

# %% [markdown]
# The same bins once more, through the codec's writer, its reader, and its estimator, which the encoder's decisions use:
# they all run one function, `code_bin`.

# %%
contexts = np.zeros(CONTEXT_COUNT, np.uint8)
for _, context, state, _ in reversed(bins):
    contexts[context] = state  # the state before the first bin of each context

estimator, writer = new_estimator(), new_writer(np.zeros(1 << 14, np.uint8))
set_contexts(estimator, contexts)
set_contexts(writer, contexts)
for _, context, _, value in bins:
    code_bin(estimator, context, value)
    code_bin(writer, context, value)
terminate(writer, 1)
written = int(finish_writer(writer))
estimated = float(estimator.state[0]["bits"]) / ONE_BIT

reader = new_reader(writer.data)
set_contexts(reader, contexts)
read = [int(code_bin(reader, context, 0)) for _, context, _, _ in bins]
read_right = read == [value for *_, value in bins]

# a fixed code would need a bit each; fixed probabilities, one a context, their entropy
fixed = 0.0
for context in {b[1] for b in bins}:
    mine = np.array([b[3] for b in bins if b[1] == context])
    ones = mine.mean()
    fixed -= sum(len(mine) * p * math.log2(p) for p in (ones, 1 - ones) if p > 0)
Rows(
    ["the same bins", "bits"],
    [
        ["one bit each", len(bins)],
        ["estimated by the codec's estimator", f"{estimated:.0f}"],
        ["written by the codec's writer", 8 * written],
        ["entropy, if both sides knew each context's share of ones for free", f"{fixed:.0f}"],
    ],
    f"The reader reads back {'every bin as it was' if read_right else 'something else'}. The estimate is of the "
    "ideal coder; the writer rounds to whole bytes and multiplies with a table of few entries.",
)

# %% [markdown]
# ## To type
#
# Signs of coefficients are bins that no context can foresee: a bit each. Sign data hiding does not send one sign of a
# group of coefficients. The decoder takes it from the parity of their sum, and the encoder sees to it that the parity
# is right. Without it, and with it:

# %%
typed(
    "pyenc -c encoder_intra_main.cfg -i media/CiscoVT2people_320x192_12.yuv -o signs.bin -q 32 --SignHideFlag=0 | "
    "grep -A3 SUMMARY",
    first=0,
)

# %%
typed(
    "pyenc -c encoder_intra_main.cfg -i media/CiscoVT2people_320x192_12.yuv -o hidden.bin -q 32 --SignHideFlag=1 | "
    "grep -A3 SUMMARY",
    first=0,
)
