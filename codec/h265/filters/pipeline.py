"""(8.7) The in-loop filters in their order: one list of stages that encoder and decoder both run.

A stage is a name and a function ``apply(frame, workspace, ref_poc, pool)`` that changes the frame's planes. A CNN
filter is one more stage in the tuple, before, after or instead of another. What the encoder has to decide about a
stage it decides right before that stage runs, on the samples that the stage will see: the `decide` mapping.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from codec.h265.filters.deblock import deblock_horizontal_edges, deblock_vertical_edges
from codec.h265.filters.deblock_edges import make_strengths
from codec.h265.filters.sao import sao_rows


class Workspace(NamedTuple):
    """Scratch of the filters, made once per sequence.

    strengths    (2, height, width in units) int8 boundary strengths
    luma, cb, cr int16 planes of the picture's size: what a stage reads while it writes the frame
    """

    strengths: np.ndarray
    luma: np.ndarray
    cb: np.ndarray
    cr: np.ndarray


class Stage(NamedTuple):
    """One in-loop filter: its name in `decide`, and apply(frame, workspace, ref_poc, pool)."""

    name: str
    apply: Callable


def make_workspace(params):
    """The scratch for pictures of these parameters; `params` is one PARAMS record."""
    height, width = int(params["pic_height"]), int(params["pic_width"])
    chroma_shape = (height // 2, width // 2) if params["chroma_format_idc"] else (0, 0)
    return Workspace(
        strengths=make_strengths(params),
        luma=np.zeros((height, width), np.int16),
        cb=np.zeros(chroma_shape, np.int16),
        cr=np.zeros(chroma_shape, np.int16),
    )


def for_ctb_rows(pool, n_rows, function, *arguments):
    """Call function(*arguments, row_begin, row_end) for all CTB rows: at once, or row by row in the threads of `pool`.

    The pool must not be the one whose thread is running the caller: waiting for itself it would never end.
    """
    if pool is None:
        function(*arguments, 0, n_rows)
        return
    for task in [pool.submit(function, *arguments, row, row + 1) for row in range(n_rows)]:
        task.result()


def _n_ctb_rows(frame):
    return int(frame.params[0]["height_in_ctbs"])


def _deblock(frame, workspace, ref_poc, pool):
    """(8.7.2) All vertical edges of the picture, then all horizontal ones."""
    if frame.slices["deblocking_disabled"].all():
        return
    rows = _n_ctb_rows(frame)
    for_ctb_rows(pool, rows, deblock_vertical_edges, frame, ref_poc, workspace.strengths)
    for_ctb_rows(pool, rows, deblock_horizontal_edges, frame, workspace.strengths)


def _sao(frame, workspace, ref_poc, pool):
    """(8.7.3) Sample adaptive offset from a copy of the deblocked picture."""
    slices = frame.slices
    if not frame.params[0]["sao_enabled"] or not (slices["slice_sao_luma"].any() or slices["slice_sao_chroma"].any()):
        return
    workspace.luma[:] = frame.luma
    workspace.cb[:] = frame.cb
    workspace.cr[:] = frame.cr
    for_ctb_rows(pool, _n_ctb_rows(frame), sao_rows, frame, workspace.luma, workspace.cb, workspace.cr)


DEBLOCKING = Stage("deblocking", _deblock)
SAMPLE_ADAPTIVE_OFFSET = Stage("sample_adaptive_offset", _sao)
STAGES = (DEBLOCKING, SAMPLE_ADAPTIVE_OFFSET)


def apply_filters(frame, workspace, ref_poc, *, stages=STAGES, decide=None, pool=None):
    """(8.7) Run the in-loop filters on a reconstructed picture, in place.

    workspace  from `make_workspace`; one per picture in flight
    ref_poc    (n slices, 2, 16) int32, see `deblock_edges.derive_strengths`; `intra_ref_poc()` without inter pictures
    stages     the filters in their order
    decide     {stage name: function(frame, workspace)}: called right before that stage, when its input is final
    pool       a concurrent.futures executor of threads (not the caller's own), or None
    """
    for stage in stages:
        if decide and stage.name in decide:
            decide[stage.name](frame, workspace)
        stage.apply(frame, workspace, ref_poc, pool)
