"""Numbers of a program (nets/program.py) that kernels read as well: they import nothing of nets."""

VECTOR = -1
"""The grid of a vector, which has no places."""

# END stands behind the last step where there is room for more
CONV, GROUPED, ADD, MUL, CONCAT, SHUFFLE, UNSHUFFLE, END = range(8)
ZERO, REPLICATE = range(2)
# channels of a vector, and rows of parameters for them, as in codec/base/kernels/convolution.py, which imports numba
LANES, ROWS = 8, 7
STEP_FIELDS = (
    "op", "out", "wires", "n_wires", "kh", "kw", "stride", "pad", "groups", "made", "inside", "weights",
    "parameters", "low", "high", "up",
)  # fmt: skip
(OP, OUT, WIRES, N_WIRES, KH, KW, STRIDE, PAD, GROUPS, MADE, INSIDE, WEIGHTS, PARAMETERS, LOW, HIGH, UP) = range(
    len(STEP_FIELDS)
)
# of a signal: channels, samples from one place to the next, grid (VECTOR: one place), slot
CHANNELS, PITCH, GRID, SLOT = range(4)
