"""Working memory and settings of the mode search: one set per thread."""

from typing import NamedTuple

import numpy as np

from codec.cabac.contexts import CONTEXT_COUNT
from codec.cabac.engine import Estimator, new_estimator
from codec.encoder.distortion import TMP_SAMPLES as SATD_SCRATCH
from codec.encoder.forward_transform import TMP_SAMPLES as TRANSFORM_SCRATCH
from codec.encoder.rdoq import RDOQ_SCRATCH
from codec.recon.reconstruct import RECON_SCRATCH
from codec.structs import CTU_COEFFS, MAX_CTB_SIZE, UNIT, record
from codec.syntax.walk import WALK

# saved states: one per quadtree depth, and one per residual quadtree level
DEPTHS = 5
_BLOCK = 1024

# rows of `contexts`
CTX_NODE_START = 0  # + depth: before the quadtree node
CTX_CU_START = CTX_NODE_START + DEPTHS  # + depth: before the coding unit, behind split_cu_flag
CTX_CU_BEST = CTX_CU_START + DEPTHS  # + row of the saved states: behind the best coding so far
CTX_TREE_START = CTX_CU_BEST + DEPTHS + 1  # + residual quadtree level
CTX_TREE_BEST = CTX_TREE_START + DEPTHS
CTX_BLOCK_START = CTX_TREE_BEST + DEPTHS
CTX_BLOCK_BEST = CTX_BLOCK_START + 1
CTX_MODE_START = CTX_BLOCK_BEST + 1
_CONTEXT_ROWS = CTX_MODE_START + 1

WORK = record(
    [
        # settings: Lagrangian multipliers of a bit against squared error at the coded bit depth
        ("lambda_mode", np.float64),
        ("lambda_rdoq", np.float64, (3,)),
        ("sqrt_lambda", np.float64),  # against SATD
        ("weight_cb", np.float64),  # distortion weights of chroma
        ("weight_cr", np.float64),
        ("rdoq", np.int64),
        ("rdoq_transform_skip", np.int64),
        ("transform_skip_fast", np.int64),
        ("always_bypass", np.int64),  # every coding unit is lossless
        ("may_bypass", np.int64),  # lossless coding units are tried
        ("max_delta_qp", np.int64),
        # what is being searched: cu_transquant_bypass_flag of the unit, QpY of the quantisation group
        ("bypass", np.int64),
        ("qp_y", np.int64),
        # saved states
        ("contexts", np.uint8, (_CONTEXT_ROWS, CONTEXT_COUNT)),
        ("node_walks", WALK, (DEPTHS,)),  # per depth the walk state before the quadtree node
        # what a coding unit's best coding so far left: per depth, and one more for the search over QPs
        ("saved_walks", WALK, (DEPTHS + 1,)),
        ("saved_units", UNIT, (DEPTHS + 1, (MAX_CTB_SIZE // 4) ** 2)),
        ("saved_coeffs", np.int16, (DEPTHS + 1, CTU_COEFFS)),
        ("saved_samples", np.int16, (DEPTHS + 1, CTU_COEFFS)),
        ("tree_levels", np.int16, (DEPTHS, _BLOCK)),  # per residual quadtree level a luma block
        ("tree_samples", np.int16, (DEPTHS, _BLOCK)),
        ("tree_fields", np.int64, (DEPTHS, 2)),  # its cbf and transform skip
        # the block being tried
        ("source", np.int16, (_BLOCK,)),
        ("residual", np.int16, (_BLOCK,)),
        ("transformed", np.int16, (_BLOCK,)),
        ("stage", np.int32, (TRANSFORM_SCRATCH,)),
        ("levels", np.int16, (3, _BLOCK)),  # by slot; slot 2 is for transform skip
        ("samples", np.int16, (3, _BLOCK)),
        ("recon", RECON_SCRATCH),
        ("quantiser", RDOQ_SCRATCH),
        # rough mode decision
        ("predictions", np.int16, (35, _BLOCK)),
        ("satd", np.int32, (35,)),
        ("satd_scratch", np.int32, (SATD_SCRATCH,)),
        ("costs", np.float64, (35,)),
        ("candidates", np.int64, (38,)),
    ]
)


class Search(NamedTuple):
    """What the search kernels work in.

    work       (1,) WORK
    estimator  the counting engine; its contexts are the search's current ones
    luma, cb, cr   the source planes, int16, coded size
    qp_map     (depths, rows, columns) int8 QpY of the quantisation group at each quadtree node: node size CTB >> depth
    """

    work: np.ndarray
    estimator: Estimator
    luma: np.ndarray
    cb: np.ndarray
    cr: np.ndarray
    qp_map: np.ndarray


def new_search(luma, cb, cr, qp_map):
    """Working memory for the source planes given (int16, coded size)."""
    return Search(np.zeros(1, WORK), new_estimator(), luma, cb, cr, qp_map)
