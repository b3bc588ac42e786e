"""Learnt interpolation, decided: bank and band here, the sets of blocks in encoder/search/inter/search_filters.py."""

from codec.common.tools import tool
from codec.common.tools.filter_nets import choose_bank
from codec.h265.tools.interpolation.apply import OPTION, share
from codec.h265.tools.interpolation.tool import Sequence, Slice
from nets.filter_bank import band_of


class Decision(tool.Decision):
    """The filters of the band that the slice's QP is nearest to."""

    @staticmethod
    def sequence(config, nets):
        key = choose_bank(config.CnnInterpolation, config.CnnInterpolationBank, config.WeightsDir, OPTION)
        bank = nets.bank(key, OPTION)
        return Sequence(int(key, 16), bank.sets - 1, bank.bands - 1)

    @staticmethod
    def slice(config, of_sequence, plan):
        used = "P" if config.CnnInterpolationSlices == "p" else "PB"
        return Slice(1, band_of(plan.qp, of_sequence.bands)) if plan.slice_type in used else None

    def figures(self, frame):
        return {"cnn_interpolation_share": share(frame)}
