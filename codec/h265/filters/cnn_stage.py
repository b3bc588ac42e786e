"""The CNN loop filter as a stage of the in-loop filters (docs/TOOLS.md)."""

from codec.h265.filters.deblock_edges import derive_strengths
from codec.h265.filters.pipeline import DEBLOCKING, SAMPLE_ADAPTIVE_OFFSET, STAGES, Stage, for_ctb_rows

CNN_LOOP_FILTER = "cnn_loop_filter"


def net_strengths(loop_filter, frame, workspace, ref_poc, pool):
    """Boundary strengths for nets that ask for them, whether deblocking is on or not; else None."""
    if not loop_filter.wants_strengths:
        return None
    slices = frame.slices.copy()
    slices["deblocking_disabled"] = 0
    rows = int(frame.params[0]["height_in_ctbs"])
    for_ctb_rows(pool, rows, derive_strengths, frame._replace(slices=slices), ref_poc, workspace.strengths)
    return workspace.strengths


def filter_stages(loop_filter, before_sao):
    """The stages of a sequence; loop_filter: its CnnLoopFilter, or None."""
    if loop_filter is None:
        return STAGES

    def keep(frame, workspace, ref_poc, pool):
        loop_filter.keep_reconstructed(frame)

    def apply(frame, workspace, ref_poc, pool):
        if frame.ctbs["cnn_filter"].any():
            loop_filter.filter(frame, net_strengths(loop_filter, frame, workspace, ref_poc, pool))

    stage = Stage(CNN_LOOP_FILTER, apply)
    behind = (stage, SAMPLE_ADAPTIVE_OFFSET) if before_sao else (SAMPLE_ADAPTIVE_OFFSET, stage)
    return (Stage("keep_reconstructed", keep), DEBLOCKING, *behind)
