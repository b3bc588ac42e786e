"""Working memory and settings of the mode search: one set per thread."""

from typing import NamedTuple

import numpy as np

from codec.cabac.contexts import CONTEXT_COUNT
from codec.cabac.engine import Estimator, new_estimator
from codec.encoder.distortion import TMP_SAMPLES as SATD_SCRATCH
from codec.encoder.forward_transform import TMP_SAMPLES as TRANSFORM_SCRATCH
from codec.encoder.rdoq import RdoqScratch, new_rdoq_scratch
from codec.recon.reconstruct import ReconScratch, new_scratch
from codec.structs import CTU_COEFFS, MAX_CTB_SIZE, UNIT, record
from codec.syntax.walk import WALK

SETTINGS = record(
    [
        # Lagrangian multipliers at 8-bit scale times 4^(bit depth - 8): J = SSE + lambda * bits
        ("lambda_mode", np.float64),
        ("lambda_rdoq_luma", np.float64),
        ("lambda_rdoq_cb", np.float64),
        ("lambda_rdoq_cr", np.float64),
        ("sqrt_lambda", np.float64),  # for SATD costs
        ("weight_cb", np.float64),  # distortion weights of chroma
        ("weight_cr", np.float64),
        ("rdoq", np.int64),
        ("rdoq_transform_skip", np.int64),
        ("transform_skip_fast", np.int64),
        ("bypass", np.int64),  # every coding unit is lossless (CUTransquantBypassFlagForce)
        ("try_bypass", np.int64),
        ("try_pcm", np.int64),
        ("qp_y", np.int64),  # QpY of the quantisation group being searched
    ]
)

# the search keeps one saved state per quadtree depth; residual quadtrees add their own below
_DEPTHS = 5
_SLOTS = 3


class Search(NamedTuple):
    """What the search kernels work in.

    settings   (1,) SETTINGS
    estimator  the counting engine; its contexts are the search's current ones
    recon      scratch of the shared reconstruction kernels
    rdoq       scratch of the quantiser
    luma, cb, cr     the source planes, int16, coded size
    contexts         (n, CONTEXT_COUNT) saved context sets, see the users
    node_walks       per depth the walk state before the quadtree node
    saved_walks      per depth the walk state behind a coding unit
    saved_units      per depth the units of a coding unit
    saved_coeffs     per depth the coefficients of a coding unit
    saved_samples    per depth the samples of a coding unit, luma then Cb then Cr
    tree_levels, tree_samples, tree_fields   per residual quadtree level a luma block's levels, samples, cbf and skip
    predictions      (35, 1024) luma predictions of a block
    levels, samples  (3, 1024) a trial block's levels and reconstruction, by slot; slot 2 is for transform skip
    source           (1024,) the source block
    residual, transformed   (1024,) int16 forward transform path
    stage            int32 scratch of the forward transform
    satd             (35,) int32 SATD by mode
    satd_scratch     int32 scratch of the SATD
    candidates       (38,) int64 modes to try, best first
    costs            (35,) float64 rough costs
    """

    settings: np.ndarray
    estimator: Estimator
    recon: ReconScratch
    rdoq: RdoqScratch
    luma: np.ndarray
    cb: np.ndarray
    cr: np.ndarray
    contexts: np.ndarray
    node_walks: np.ndarray
    saved_walks: np.ndarray
    saved_units: np.ndarray
    saved_coeffs: np.ndarray
    saved_samples: np.ndarray
    tree_levels: np.ndarray
    tree_samples: np.ndarray
    tree_fields: np.ndarray
    predictions: np.ndarray
    levels: np.ndarray
    samples: np.ndarray
    source: np.ndarray
    residual: np.ndarray
    transformed: np.ndarray
    stage: np.ndarray
    satd: np.ndarray
    satd_scratch: np.ndarray
    candidates: np.ndarray
    costs: np.ndarray


# rows of Search.contexts
CTX_NODE_START = 0  # + depth: before the quadtree node
CTX_CU_START = CTX_NODE_START + _DEPTHS  # + depth: before the coding unit, behind split_cu_flag
CTX_CU_BEST = CTX_CU_START + _DEPTHS  # + depth: behind the best coding so far
CTX_TREE_START = CTX_CU_BEST + _DEPTHS  # + residual quadtree level
CTX_TREE_BEST = CTX_TREE_START + _DEPTHS
CTX_BLOCK_START = CTX_TREE_BEST + _DEPTHS
CTX_BLOCK_BEST = CTX_BLOCK_START + 1
CTX_MODE_START = CTX_BLOCK_BEST + 1
CTX_MODE_BEST = CTX_MODE_START + 1
_CONTEXT_ROWS = CTX_MODE_BEST + 1


def new_search(luma, cb, cr):
    """Working memory for the source planes given (int16, coded size)."""
    block = MAX_CTB_SIZE // 2 * (MAX_CTB_SIZE // 2)
    return Search(
        settings=np.zeros(1, SETTINGS),
        estimator=new_estimator(),
        recon=new_scratch(),
        rdoq=new_rdoq_scratch(),
        luma=luma,
        cb=cb,
        cr=cr,
        contexts=np.zeros((_CONTEXT_ROWS, CONTEXT_COUNT), np.uint8),
        node_walks=np.zeros(_DEPTHS, WALK),
        saved_walks=np.zeros(_DEPTHS, WALK),
        saved_units=np.zeros((_DEPTHS, (MAX_CTB_SIZE // 4) ** 2), UNIT),
        saved_coeffs=np.zeros((_DEPTHS, CTU_COEFFS), np.int16),
        saved_samples=np.zeros((_DEPTHS, CTU_COEFFS), np.int16),
        tree_levels=np.zeros((_DEPTHS, block), np.int16),
        tree_samples=np.zeros((_DEPTHS, block), np.int16),
        tree_fields=np.zeros((_DEPTHS, 2), np.int64),
        predictions=np.zeros((35, block), np.int16),
        levels=np.zeros((_SLOTS, block), np.int16),
        samples=np.zeros((_SLOTS, block), np.int16),
        source=np.zeros(block, np.int16),
        residual=np.zeros(block, np.int16),
        transformed=np.zeros(block, np.int16),
        stage=np.zeros(TRANSFORM_SCRATCH, np.int32),
        satd=np.zeros(35, np.int32),
        satd_scratch=np.zeros(SATD_SCRATCH, np.int32),
        candidates=np.zeros(38, np.int64),
        costs=np.zeros(35, np.float64),
    )
