"""Working memory and settings of the mode search: one set per thread."""

from typing import NamedTuple

import numpy as np

from codec.base.records import record
from codec.h265.cabac.contexts import CONTEXT_COUNT
from codec.h265.cabac.engine import Estimator, new_estimator
from codec.h265.encoder.search.inter.motion_search import new_motion_search
from codec.h265.encoder.search.residual.forward_transform import TMP_SAMPLES as TRANSFORM_SCRATCH
from codec.h265.encoder.search.residual.rdoq import RDOQ_SCRATCH
from codec.h265.intra_modes import MODES, MPMS
from codec.h265.recon.inter import InterScratch, new_inter_scratch
from codec.h265.recon.merge import MAX_MERGE_CANDIDATES
from codec.h265.recon.reconstruct import RECON_SCRATCH
from codec.h265.structs import CTU_COEFFS, MAX_CTB_SIZE, MOTION, PREDICTION_UNIT, UNIT
from codec.h265.syntax.references import MAX_REF_IDX
from codec.h265.syntax.walk import WALK

# saved states: one per quadtree depth, and one per residual quadtree level
DEPTHS = 5
_BLOCK = 1024
_CTU_UNITS = (MAX_CTB_SIZE // 4) ** 2

# rows of `contexts`
CTX_NODE_START = 0  # + depth: before the quadtree node
CTX_CU_START = CTX_NODE_START + DEPTHS  # + depth: before the coding unit, behind split_cu_flag
CTX_CU_BEST = CTX_CU_START + DEPTHS  # + row of the saved states: behind the best coding so far
CTX_TREE_START = CTX_CU_BEST + DEPTHS + 1  # + residual quadtree level
CTX_TREE_BEST = CTX_TREE_START + DEPTHS
CTX_BLOCK_START = CTX_TREE_BEST + DEPTHS
CTX_BLOCK_BEST = CTX_BLOCK_START + 1
CTX_MODE_START = CTX_BLOCK_BEST + 1
CTX_KNOWN_BLOCK = CTX_MODE_START + 1
_CONTEXT_ROWS = CTX_KNOWN_BLOCK + 1

# a prediction block: its syntax, its motion, its merge_flag
BLOCK_CHOICE = record([("unit", PREDICTION_UNIT), ("motion", MOTION), ("merge_flag", np.int8), ("pad", np.int8, (3,))])

# All of it is written by search_settings.py, before a row or a picture is searched; kernels only read it.
SETTINGS = record(
    [
        # Lagrangian multipliers of a bit against squared error at the coded bit depth
        ("lambda_mode", np.float64),
        ("lambda_rdoq", np.float64, (3,)),
        ("sqrt_lambda", np.float64),  # against SATD
        ("weight_cb", np.float64),  # distortion weights of chroma
        ("weight_cr", np.float64),
        ("rdoq", np.int64),
        ("rdoq_transform_skip", np.int64),
        ("transform_skip_fast", np.int64),
        ("modes_small", np.int64),  # intra modes that are coded in full, of blocks up to 8x8
        ("modes_large", np.int64),
        ("all_modes", np.int64),  # SATD of all modes; or only of those that rough_tree and the neighbours make likely
        ("try_probable_modes", np.int64),  # and the most probable modes too
        ("mode_limit", np.float64, (5,)),  # if their SATD cost is not above this times the least; by log2 size - 2
        ("full_limit", np.float64, (4,)),  # nor their rough_cost above this times the least
        ("skip_limit", np.float64),  # transform skip is tried if its rough_cost is not above this times the transform's
        ("chroma_modes", np.int64),
        ("chroma_limit", np.float64),  # if their rough cost is not above this times the least
        ("rough_first", np.int64),  # rough_tree decides what is worth coding
        ("rough_bits", np.float64, (4,)),  # added to both of its costs, which brings small ones nearer to each other
        ("rough_least", np.float64),  # an intra node of which the rough cost is worth fewer bits is not divided
        ("whole_from", np.float64, (4,)),  # a node as a whole if its rough ratio is not below this; by log2 size - 3
        ("divided_to", np.float64, (4,)),  # in four if it is not above this
        ("split_bits", np.float64),  # a coding unit whose J is worth fewer bits is not split
        ("parts_bits", np.float64),  # nor into intra NxN
        ("part_share", np.float64, (4,)),  # that is given up when its first parts cost more than this of the best
        ("tree_bits", np.float64),  # a residual quadtree is not split where its J is worth fewer bits
        ("always_bypass", np.int64),  # every coding unit is lossless
        ("may_bypass", np.int64),  # lossless coding units are tried
        ("max_delta_qp", np.int64),
        ("bi_range", np.int64),  # full samples around a vector in bi-prediction
        ("early_skip", np.int64),  # no vectors are searched where a skipped unit is the best merged one (ESD)
        ("fast_cbf", np.int64),  # nor partitions (CFM)
        ("early_cu", np.int64),  # a unit that is best skipped is not split (ECU)
        ("reference_limit", np.float64),  # partitions search pictures that cost the unit up to this times the best one
        ("raster_least", np.int64),  # width of a unit from which on test zones may scan the window
        ("bi_rounds", np.int64),  # how often the two vectors of a bi-predicted block are refined in turn
        ("intra_in_inter", np.int64),  # intra units are tried in P and B slices
        ("merge_trials", np.int64),  # merge candidates that are coded with a residual
        ("merge_limit", np.float64),  # if their rough cost is below this times the least
        ("intra_limit", np.float64),  # intra modes are tried if the best rough cost is below this times that of inter
        ("part_trials", np.int64),  # partitions beside 2Nx2N that are coded in full
        ("part_limit", np.float64),  # if their rough cost is below this times that of 2Nx2N
        ("amp_limit", np.float64),  # asymmetric ones are searched if a symmetric one's is below this times it
        ("filter_limit", np.float64),  # a unit with other filters is coded too if its rough cost is below this times
        ("weighted", np.int64),  # the picture gives its references weights
        ("sample_max", np.int64),
    ]
)

# Written by rough_tree.py once a CTU, where settings.rough_first asks for it; read by all that ask worth_trying.
ROUGH = record(
    [
        ("planned", np.int64),  # whether it was asked for this CTU (search_cu.py)
        ("modes", np.int8, (4, 16, 16)),  # of luma blocks, by log2 size - 2 and place in 4x4 blocks
        ("vectors", np.int64, (4, 8, 8, 2)),  # the same
        ("ratio", np.float64, (4, 8, 8)),  # of nodes, by log2 size - 3 and place in 8x8 blocks
    ]
)

# The unit at hand. Written by search_cu.py (slice, group's QP) and search_unit.py.
UNIT_AT_HAND = record(
    [
        ("slice_idx", np.int64),
        ("bypass", np.int64),  # its cu_transquant_bypass_flag
        ("qp_y", np.int64),  # QpY of the quantisation group
        ("inter", np.int64),  # it is predicted from Search.predicted
    ]
)

# Written and read in pairs: search_cu.py and saved_unit.py by quadtree depth, residual_tree.py by its level.
SAVED = record(
    [
        ("contexts", np.uint8, (_CONTEXT_ROWS, CONTEXT_COUNT)),
        ("node_walks", WALK, (DEPTHS,)),  # per depth the walk state before the quadtree node
        # what a coding unit's best coding so far left: per depth, and one more for the search over QPs
        ("walks", WALK, (DEPTHS + 1,)),
        ("units", UNIT, (DEPTHS + 1, _CTU_UNITS)),
        ("motion", MOTION, (DEPTHS + 1, _CTU_UNITS)),
        ("prediction_units", PREDICTION_UNIT, (DEPTHS + 1, _CTU_UNITS)),
        ("coeffs", np.int16, (DEPTHS + 1, CTU_COEFFS)),
        ("samples", np.int16, (DEPTHS + 1, CTU_COEFFS)),
        ("tree_levels", np.int16, (DEPTHS, _BLOCK)),  # per residual quadtree level a luma block
        ("tree_samples", np.int16, (DEPTHS, _BLOCK)),
        ("tree_fields", np.int64, (DEPTHS, 2)),  # its cbf and transform skip
    ]
)

# The block being tried: scratch of search_block.py, residual_tree.py and the rough costs.
BLOCK = record(
    [
        ("source", np.int16, (_BLOCK,)),
        ("residual", np.int16, (_BLOCK,)),
        ("transformed", np.int16, (_BLOCK,)),
        ("stage", np.int16, (TRANSFORM_SCRATCH,)),
        ("levels", np.int16, (3, _BLOCK)),  # by slot; slot 2 is for transform skip
        ("samples", np.int16, (3, _BLOCK)),
        ("recon", RECON_SCRATCH),
        ("quantiser", RDOQ_SCRATCH),
    ]
)

# A luma block that has been coded as a whole. Its levels and samples are in BLOCK by slot, its contexts in row
# CTX_KNOWN_BLOCK: search_intra.py hands it on to luma_tree, which begins with this block.
KNOWN = record(
    [
        ("cost", np.float64),  # J without the bits of the mode
        ("coded", np.int64),  # how many levels are not 0
        ("skip", np.int64),  # transform_skip_flag
        ("slot", np.int64),
    ]
)

# Of rough_modes.py: its candidates are what search_intra.py codes in full.
INTRA = record(
    [
        # of the block at hand, by search_intra.py: candModeList or the first by rank, bits of each mode in 1/32768
        ("mpm", np.int64, (MPMS,)),
        ("rates", np.int64, (MODES,)),
        ("rank_context", np.int64),  # of intra_mode_rank
        ("looked_at", np.int8, (MODES,)),  # whether the mode has a prediction
        ("predictions", np.int16, (MODES, _BLOCK)),
        ("costs", np.float64, (MODES,)),
        ("candidates", np.int64, (MODES + MPMS,)),
        ("least", np.float64),  # of `costs`: search_unit.py compares it with motion.least
        ("refined", np.float64, (MODES + MPMS,)),  # by place in `candidates`, see rough_cost.py
    ]
)

# Of search_inter.py and search_motion.py.
MOTION_AT_HAND = record(
    [
        # merge candidates of the unit, and of the prediction block at hand
        ("merge_list", MOTION, (MAX_MERGE_CANDIDATES + 1,)),
        ("merge_costs", np.float64, (MAX_MERGE_CANDIDATES,)),
        ("merge_tried", np.int64, (MAX_MERGE_CANDIDATES,)),  # with a residual
        ("least", np.float64),  # rough cost of the unit's inter coding
        # best motion of the prediction block at hand by list and ref_idx: vector, which predictor, SATD, rate, J
        ("vectors", np.int64, (2, MAX_REF_IDX, 2)),
        ("predictors", np.int64, (2, MAX_REF_IDX, 2, 2)),
        ("block_source", np.int16, (MAX_CTB_SIZE * MAX_CTB_SIZE,)),
        ("blend", np.int16, (MAX_CTB_SIZE * MAX_CTB_SIZE,)),  # of two predictions, or a weighted one
        ("vector_satd", np.float64, (2, MAX_REF_IDX)),
        ("vector_costs", np.float64, (2, MAX_REF_IDX)),
        ("whole_vectors", np.int64, (DEPTHS, 2, MAX_REF_IDX, 2)),  # per depth those of the latest 2Nx2N unit
        ("wanted", np.int64, (2, MAX_REF_IDX)),  # reference pictures that smaller blocks search too
        # what a prediction block would code and the motion it has, of the block at hand and by part_mode and partIdx
        ("choice", BLOCK_CHOICE),
        ("parts", BLOCK_CHOICE, (8, 4)),
        ("part_costs", np.float64, (8,)),
        # with H.265's interpolation filters and with the best trained ones; the worse of them, of the latest 2Nx2N unit
        ("ways", BLOCK_CHOICE, (2,)),
        ("way_costs", np.float64, (2,)),
        ("other", BLOCK_CHOICE),
        ("other_cost", np.float64),
    ]
)

# all that one thread works in: `g` in kernels
WORK = record(
    [
        ("settings", SETTINGS),
        ("rough", ROUGH),
        ("unit", UNIT_AT_HAND),
        ("saved", SAVED),
        ("block", BLOCK),
        ("known", KNOWN),
        ("intra", INTRA),
        ("motion", MOTION_AT_HAND),
    ]
)


class Planes(NamedTuple):
    """The int16 sample planes of a picture, coded size; chroma (0, 0) in 4:0:0."""

    luma: np.ndarray
    cb: np.ndarray
    cr: np.ndarray


class Search(NamedTuple):
    """What the search kernels work in.

    work       (1,) WORK
    estimator  the counting engine; its contexts are the search's current ones
    luma, cb, cr   the source planes, int16, coded size
    qp_map     (depths, rows, columns) int8 QpY of the quantisation group at each quadtree node: node size CTB >> depth
    predicted  prediction samples of the inter unit at hand, at their place in the picture
    inter      memory of recon/inter.py; its block is the prediction block at hand
    motion     (1,) MOTION_SEARCH
    reference_planes   reference_planes.new_planes: the pictures that vectors point into, by slot
    """

    work: np.ndarray
    estimator: Estimator
    luma: np.ndarray
    cb: np.ndarray
    cr: np.ndarray
    qp_map: np.ndarray
    predicted: Planes
    inter: InterScratch
    motion: np.ndarray
    reference_planes: np.ndarray


def new_search(luma, cb, cr, qp_map, predicted, reference_planes):
    """Working memory for the source planes given (int16, coded size)."""
    return Search(
        np.zeros(1, WORK),
        new_estimator(),
        luma,
        cb,
        cr,
        qp_map,
        Planes(*predicted),
        new_inter_scratch(),
        new_motion_search(),
        reference_planes,
    )
