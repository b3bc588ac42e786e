"""From the config and the plan of a picture to the settings of the search: the one place where its flags are read."""

import numpy as np

from codec.h265.encoder.rate.lagrange import multipliers
from codec.h265.encoder.search.inter.motion_search import SEARCH_DIAMOND, SEARCH_FULL, SEARCH_TSS, SEARCH_TZ

_METHODS = {"tz": SEARCH_TZ, "full": SEARCH_FULL, "tss": SEARCH_TSS, "diamond": SEARCH_DIAMOND}

# settings that differ between B, P and I slices
_SLICE_TYPES = "BPI"
_BY_SLICE_TYPE = ("all_modes", "rough_first", "rough_bits", "whole_from", "divided_to", "split_bits", "tree_bits")
_NO_BITS = (0.0, 0.0, 0.0, 0.0)
_FROM_ANY, _TO_ANY = (0.0, 0.0, 0.0, 0.0), (9.0, 9.0, 9.0, 9.0)
# how thorough the search is, beside what HM's options say; measured in docs/LABBOOK.md
_PRESETS = {
    "faster": dict(
        modes_small=2, modes_large=1, mode_limit=(1.4, 1.3, 1.2, 1.2, 1.0), full_limit=(1.0, 1.0, 1.0, 1.0),
        try_probable_modes=1, skip_limit=0.9, chroma_modes=5, chroma_limit=1.0,
        all_modes=(1, 1, 0), rough_first=(1, 1, 1), rough_bits=(_NO_BITS, _NO_BITS, _NO_BITS),
        rough_least=80.0, whole_from=((0.0, 0.65, 0.75, 0.8), (0.0, 0.7, 0.75, 0.8), (0.94, 0.9, 0.9, 1.0)),
        divided_to=((9.0, 1.1, 1.0, 1.0), (9.0, 1.0, 0.95, 0.95), (0.94, 0.9, 0.9, 1.0)),
        split_bits=(8.0, 8.0, 20.0), parts_bits=40.0, part_share=(0.5, 0.75, 0.95, 1.0), tree_bits=(30.0, 30.0, 200.0),
        merge_trials=1, merge_limit=1.0, intra_limit=1.0, part_trials=1, part_limit=1.0, amp_limit=0.0,
        filter_limit=0.0,
        early_skip=0, fast_cbf=1, early_cu=0, reference_limit=1.0, bi_rounds=1, raster_least=32, patience=1,
    ),
    "default": dict(
        modes_small=8, modes_large=3, mode_limit=(2.0, 1.4, 1.25, 1.25, 1.05), full_limit=(1.3, 1.15, 1.1, 1.1),
        try_probable_modes=1, skip_limit=1.0, chroma_modes=5, chroma_limit=1.2,
        all_modes=(1, 1, 1), rough_first=(0, 1, 1), rough_bits=(_NO_BITS, _NO_BITS, (4.0, 16.0, 16.0, 16.0)),
        rough_least=20.0, whole_from=(_FROM_ANY, (0.0, 0.5, 0.6, 0.7), (0.55, 0.65, 0.72, 0.8)),
        divided_to=(_TO_ANY, (9.0, 1.2, 1.1, 1.1), (1.2, 1.1, 1.1, 9.0)),
        split_bits=(3.0, 3.0, 10.0), parts_bits=14.0, part_share=(0.5, 0.75, 0.95, 1.0), tree_bits=(20.0, 20.0, 20.0),
        merge_trials=1, merge_limit=1.0, intra_limit=1.5, part_trials=3, part_limit=1.1, amp_limit=1.08,
        filter_limit=1.15,
        early_skip=0, fast_cbf=0, early_cu=0, reference_limit=1.2, bi_rounds=4, raster_least=8, patience=3,
    ),
    "slower": dict(
        modes_small=10, modes_large=5, mode_limit=(9.0, 9.0, 9.0, 9.0, 9.0), full_limit=(9.0, 9.0, 9.0, 9.0),
        try_probable_modes=1, skip_limit=9.0, chroma_modes=5, chroma_limit=9.0,
        all_modes=(1, 1, 1), rough_first=(0, 0, 0), rough_bits=(_NO_BITS, _NO_BITS, _NO_BITS),
        rough_least=0.0, whole_from=(_FROM_ANY, _FROM_ANY, _FROM_ANY),
        divided_to=(_TO_ANY, _TO_ANY, _TO_ANY),
        split_bits=(0.0, 0.0, 0.0), parts_bits=0.0, part_share=(1.0, 1.0, 1.0, 1.0), tree_bits=(0.0, 0.0, 0.0),
        merge_trials=5, merge_limit=9.0, intra_limit=9.0, part_trials=6, part_limit=9.0, amp_limit=9.0,
        filter_limit=9.0,
        early_skip=0, fast_cbf=0, early_cu=0, reference_limit=np.inf, bi_rounds=8, raster_least=8, patience=3,
    ),
}  # fmt: skip


def _search_range(config, plan):
    """Full samples; with ASR in proportion to how far the farthest reference picture is away (reference: HM)."""
    if not config.ASR or not plan.rps:
        return config.SearchRange
    farthest = max(abs(delta) for delta, _ in plan.rps)
    wanted = (config.SearchRange * farthest + config.GOPSize // 2) // config.GOPSize
    return min(config.SearchRange, max(config.MinSearchWindow, wanted))


def set_up_search(search, config, plan, weighted):
    """Fill the settings and the motion record of a Search for a PlannedPicture.

    weighted  whether it gives weights to reference pictures
    """
    settings, motion = search.work[0]["settings"], search.motion[0]
    set_lambda(search, config, plan, plan.qp, plan.lam)
    search.work[0]["unit"]["qp_y"] = plan.qp
    settings["max_delta_qp"] = config.MaxDeltaQP
    settings["rdoq"], settings["rdoq_transform_skip"] = config.RDOQ, config.RDOQTS
    settings["transform_skip_fast"] = config.TransformSkipFast
    settings["always_bypass"] = config.CUTransquantBypassFlagForce
    settings["may_bypass"] = config.TransquantBypassEnable
    for name, value in _PRESETS[config.Preset].items():
        record = motion if name in motion.dtype.names else settings
        record[name] = value[_SLICE_TYPES.index(plan.slice_type)] if name in _BY_SLICE_TYPE else value
    if config.CUTransquantBypassFlagForce:
        # rough costs count distortion
        settings["rough_first"] = 0
    if not config.FDM:
        settings["merge_trials"], settings["merge_limit"] = config.MaxNumMergeCand, np.inf
    settings["early_skip"] |= config.ESD
    settings["fast_cbf"] |= config.CFM
    settings["early_cu"] |= config.ECU
    settings["intra_in_inter"] = not config.DisableIntraInInter
    settings["bi_range"] = config.BipredSearchRange
    settings["weighted"], settings["sample_max"] = weighted, (1 << config.InternalBitDepth) - 1
    motion["distortion_scale"] = motion["inverse_scale"] = 1.0
    motion["method"] = _METHODS[config.MotionSearch]
    motion["search_range"] = _search_range(config, plan)
    motion["fast"] = config.FEN
    motion["narrow"] = config.InternalBitDepth == 8 and not weighted


def set_lambda(search, config, plan, qp, lam):
    """Fill the multipliers alone, for blocks of a QP and a lambda of their own in the PlannedPicture."""
    found, settings = picture_multipliers(config, plan, qp, lam), search.work[0]["settings"]
    settings["lambda_mode"], settings["sqrt_lambda"] = found.lam, found.lam**0.5
    settings["weight_cb"], settings["weight_cr"] = found.weight_cb, found.weight_cr
    settings["lambda_rdoq"] = found.by_component
    search.motion[0]["sqrt_lambda"] = settings["sqrt_lambda"]


def picture_multipliers(config, plan, qp, lam):
    """The Multipliers of blocks with this QP and lambda in a PlannedPicture."""
    chroma_offsets = config.CbQpOffset + plan.cb_qp_offset, config.CrQpOffset + plan.cr_qp_offset
    return multipliers(lam, qp, *chroma_offsets, config.InternalBitDepth)
