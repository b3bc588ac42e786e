"""(9.3.2.2) Context variables: one flat table of named offsets, and their initialisation.

`NAME` is the first context of the syntax element NAME; the comment in the table gives ctxInc's meaning where it is not
obvious. A context is one byte, see cabac/tables.py.
"""

import numpy as np

# how many flags tools may have in a CTU
CTU_FLAG_COUNT = 5

# name -> initValue rows for initType 0 (I), 1 (P), 2 (B)   (tables 9-5 to 9-37)
_N = 154  # the value for "this slice type never uses it"
_INIT = {
    "SAO_MERGE_FLAG": ((153,), (153,), (153,)),
    "SAO_TYPE_IDX": ((200,), (185,), (160,)),
    "SPLIT_CU_FLAG": ((139, 141, 157), (107, 139, 126), (107, 139, 126)),
    "CU_TRANSQUANT_BYPASS_FLAG": ((154,), (154,), (154,)),
    "CU_SKIP_FLAG": ((_N, _N, _N), (197, 185, 201), (197, 185, 201)),
    "PRED_MODE_FLAG": ((_N,), (149,), (134,)),
    "PART_MODE": ((184, _N, _N, _N), (154, 139, 154, 154), (154, 139, 154, 154)),
    "PREV_INTRA_LUMA_PRED_FLAG": ((184,), (154,), (183,)),
    "INTRA_CHROMA_PRED_MODE": ((63,), (152,), (152,)),
    "RQT_ROOT_CBF": ((_N,), (79,), (79,)),
    "MERGE_FLAG": ((_N,), (110,), (154,)),
    "MERGE_IDX": ((_N,), (122,), (137,)),
    "INTER_PRED_IDC": ((_N,) * 5, (95, 79, 63, 31, 31), (95, 79, 63, 31, 31)),
    "REF_IDX": ((_N, _N), (153, 153), (153, 153)),
    "MVP_FLAG": ((_N,), (168,), (168,)),
    "ABS_MVD_GREATER0_FLAG": ((_N,), (140,), (169,)),
    "ABS_MVD_GREATER1_FLAG": ((_N,), (198,), (198,)),
    "SPLIT_TRANSFORM_FLAG": ((153, 138, 138), (124, 138, 94), (224, 167, 122)),  # 5 - log2TrafoSize
    "CBF_LUMA": ((111, 141), (153, 111), (153, 111)),  # trafoDepth == 0
    "CBF_CHROMA": ((94, 138, 182, 154), (149, 107, 167, 154), (149, 92, 167, 154)),  # trafoDepth
    "CU_QP_DELTA_ABS": ((154, 154), (154, 154), (154, 154)),
    "TRANSFORM_SKIP_FLAG": ((139, 139), (139, 139), (139, 139)),  # luma, chroma
    "LAST_SIG_COEFF_X_PREFIX": (
        (110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63),
        (125, 110, 94, 110, 95, 79, 125, 111, 110, 78, 110, 111, 111, 95, 94, 108, 123, 108),
        (125, 110, 124, 110, 95, 94, 125, 111, 111, 79, 125, 126, 111, 111, 79, 108, 123, 93),
    ),
    "LAST_SIG_COEFF_Y_PREFIX": (
        (110, 110, 124, 125, 140, 153, 125, 127, 140, 109, 111, 143, 127, 111, 79, 108, 123, 63),
        (125, 110, 94, 110, 95, 79, 125, 111, 110, 78, 110, 111, 111, 95, 94, 108, 123, 108),
        (125, 110, 124, 110, 95, 94, 125, 111, 111, 79, 125, 126, 111, 111, 79, 108, 123, 93),
    ),
    "CODED_SUB_BLOCK_FLAG": ((91, 171, 134, 141), (121, 140, 61, 154), (121, 140, 61, 154)),
    "SIG_COEFF_FLAG": (  # 27 luma, 15 chroma
        (
            111, 111, 125, 110, 110, 94, 124, 108, 124, 107, 125, 141, 179, 153, 125, 107, 125, 141, 179, 153, 125,
            107, 125, 141, 179, 153, 125, 140, 139, 182, 182, 152, 136, 152, 136, 153, 136, 139, 111, 136, 139, 111,
        ),
        (
            155, 154, 139, 153, 139, 123, 123, 63, 153, 166, 183, 140, 136, 153, 154, 166, 183, 140, 136, 153, 154,
            166, 183, 140, 136, 153, 154, 170, 153, 123, 123, 107, 121, 107, 121, 167, 151, 183, 140, 151, 183, 140,
        ),
        (
            170, 154, 139, 153, 139, 123, 123, 63, 124, 166, 183, 140, 136, 153, 154, 166, 183, 140, 136, 153, 154,
            166, 183, 140, 136, 153, 154, 170, 153, 138, 138, 122, 121, 122, 121, 167, 151, 183, 140, 151, 183, 140,
        ),
    ),
    "COEFF_ABS_LEVEL_GREATER1_FLAG": (  # 16 luma, 8 chroma
        (
            140, 92, 137, 138, 140, 152, 138, 139, 153, 74, 149, 92, 139, 107, 122, 152,
            140, 179, 166, 182, 140, 227, 122, 197,
        ),
        (
            154, 196, 196, 167, 154, 152, 167, 182, 182, 134, 149, 136, 153, 121, 136, 137,
            169, 194, 166, 167, 154, 167, 137, 182,
        ),
        (
            154, 196, 167, 167, 154, 152, 167, 182, 182, 134, 149, 136, 153, 121, 136, 122,
            169, 208, 166, 167, 154, 152, 167, 182,
        ),
    ),
    "COEFF_ABS_LEVEL_GREATER2_FLAG": (  # 4 luma, 2 chroma
        (138, 153, 136, 167, 152, 152),
        (107, 167, 91, 122, 107, 167),
        (107, 167, 91, 107, 107, 167),
    ),
    # docs/BITSTREAM.md, not H.265
    "CHROMA_FROM_LUMA_FLAG": ((154,), (154,), (154,)),
    "CHROMA_MODEL_IDX": ((154,) * 5,) * 3,  # binIdx
    "INTERPOLATION_IDX": ((_N,) * 6, (154,) * 6, (154,) * 6),  # left one + upper one; then binIdx
    "CHROMA_NET_FLAG": ((154,), (154,), (154,)),
    # first bin by left one + upper one, then binIdx; of 4x4 blocks, and of larger ones
    "INTRA_MODE_RANK": (
        (155, 155, 156, 156, 156, 156, 156, 155, 153, 154, 155, 155, 155, 156, 155, 155, 154, 153),
    ) * 3,
    # three of each flag, left one + upper one
    "CTU_TOOL_FLAG": ((152, 154, 156) * CTU_FLAG_COUNT,) * 3,
}  # fmt: skip


def _offsets():
    offsets, total = {}, 0
    for name, rows in _INIT.items():
        offsets[name] = total
        total += len(rows[0])
    return offsets, total


OFFSETS, CONTEXT_COUNT = _offsets()

SAO_MERGE_FLAG = OFFSETS["SAO_MERGE_FLAG"]
SAO_TYPE_IDX = OFFSETS["SAO_TYPE_IDX"]
SPLIT_CU_FLAG = OFFSETS["SPLIT_CU_FLAG"]
CU_TRANSQUANT_BYPASS_FLAG = OFFSETS["CU_TRANSQUANT_BYPASS_FLAG"]
CU_SKIP_FLAG = OFFSETS["CU_SKIP_FLAG"]
PRED_MODE_FLAG = OFFSETS["PRED_MODE_FLAG"]
PART_MODE = OFFSETS["PART_MODE"]
PREV_INTRA_LUMA_PRED_FLAG = OFFSETS["PREV_INTRA_LUMA_PRED_FLAG"]
INTRA_CHROMA_PRED_MODE = OFFSETS["INTRA_CHROMA_PRED_MODE"]
RQT_ROOT_CBF = OFFSETS["RQT_ROOT_CBF"]
MERGE_FLAG = OFFSETS["MERGE_FLAG"]
MERGE_IDX = OFFSETS["MERGE_IDX"]
INTER_PRED_IDC = OFFSETS["INTER_PRED_IDC"]
REF_IDX = OFFSETS["REF_IDX"]
MVP_FLAG = OFFSETS["MVP_FLAG"]
ABS_MVD_GREATER0_FLAG = OFFSETS["ABS_MVD_GREATER0_FLAG"]
ABS_MVD_GREATER1_FLAG = OFFSETS["ABS_MVD_GREATER1_FLAG"]
SPLIT_TRANSFORM_FLAG = OFFSETS["SPLIT_TRANSFORM_FLAG"]
CBF_LUMA = OFFSETS["CBF_LUMA"]
CBF_CHROMA = OFFSETS["CBF_CHROMA"]
CU_QP_DELTA_ABS = OFFSETS["CU_QP_DELTA_ABS"]
TRANSFORM_SKIP_FLAG = OFFSETS["TRANSFORM_SKIP_FLAG"]
LAST_SIG_COEFF_X_PREFIX = OFFSETS["LAST_SIG_COEFF_X_PREFIX"]
LAST_SIG_COEFF_Y_PREFIX = OFFSETS["LAST_SIG_COEFF_Y_PREFIX"]
CODED_SUB_BLOCK_FLAG = OFFSETS["CODED_SUB_BLOCK_FLAG"]
SIG_COEFF_FLAG = OFFSETS["SIG_COEFF_FLAG"]
COEFF_ABS_LEVEL_GREATER1_FLAG = OFFSETS["COEFF_ABS_LEVEL_GREATER1_FLAG"]
COEFF_ABS_LEVEL_GREATER2_FLAG = OFFSETS["COEFF_ABS_LEVEL_GREATER2_FLAG"]
CHROMA_FROM_LUMA_FLAG = OFFSETS["CHROMA_FROM_LUMA_FLAG"]
CHROMA_MODEL_IDX = OFFSETS["CHROMA_MODEL_IDX"]
INTERPOLATION_IDX = OFFSETS["INTERPOLATION_IDX"]
CHROMA_NET_FLAG = OFFSETS["CHROMA_NET_FLAG"]
INTRA_MODE_RANK = OFFSETS["INTRA_MODE_RANK"]
CTU_TOOL_FLAG = OFFSETS["CTU_TOOL_FLAG"]


def _initial_contexts():
    """(9.3.2.2) All initial context bytes: array (3 initTypes, 52 SliceQpY, CONTEXT_COUNT)."""
    values = np.array([[v for rows in _INIT.values() for v in rows[t]] for t in range(3)], np.int64)[:, None, :]
    qp = np.arange(52)[None, :, None]
    slope = (values >> 4) * 5 - 45
    offset = ((values & 15) << 3) - 16
    state = np.clip(((slope * qp) >> 4) + offset, 1, 126)
    mps = (state > 63).astype(np.int64)
    p_state = np.where(mps == 1, state - 64, 63 - state)
    return ((p_state << 1) | mps).astype(np.uint8)


INITIAL_CONTEXTS = _initial_contexts()


def init_type(slice_type, cabac_init_flag):
    """(9.3.2.2, equation 9-7) initType: 0 for I; 1 for P and 2 for B, exchanged by cabac_init_flag."""
    if slice_type == 2:
        return 0
    if slice_type == 1:
        return 2 if cabac_init_flag else 1
    return 1 if cabac_init_flag else 2


def initial_contexts(slice_type, cabac_init_flag, slice_qp_y):
    """(9.3.2.2) A fresh uint8 array of CONTEXT_COUNT context bytes for a slice."""
    qp = min(max(int(slice_qp_y), 0), 51)
    return INITIAL_CONTEXTS[init_type(slice_type, cabac_init_flag), qp].copy()
