"""prepare_modes, count_mode and set_luma_mode: what a mode costs to tell is what its bins cost, with list and ranks."""

import numpy as np
import pytest

from codec.h265.encoder.search.intra.mode_rates import count_mode, prepare_modes, set_luma_mode
from codec.h265.intra_modes import MODES, MPMS
from codec.h265.syntax.walk import new_walk
from codec.h265.tools.modes.apply import Application
from tests.codec.h265.encoder.search.intra import test_rough_modes as rough
from tests.codec.h265.recon.test_mode_ranking import loaded
from tests.codec.h265.tools.small_nets import mode_net


@pytest.mark.parametrize("ranks", [0, 1])
@pytest.mark.parametrize("log2_size", [2, 4])
def test_rates_are_what_counting_counts(ranks, log2_size):
    frame, search = rough.make_search("noise", 3)
    frame.params["mode_ranks"] = ranks
    frame.ctbs["slice_addr"] = 0
    application = Application.__new__(Application)
    application._ranking = loaded(mode_net(1))
    application.prepare(search.work["block"]["recon"])
    walk, g, e = new_walk(), search.work[0], search.estimator
    walk[0]["left_available"] = walk[0]["up_available"] = 1
    x, y = 64 - (1 << log2_size), 32
    prepare_modes(frame, search, walk, x, y, log2_size)
    rates, contexts = g["intra"]["rates"].tolist(), e.state[0]["contexts"].copy()
    for mode in range(MODES):
        e.state[0]["contexts"][:] = contexts
        e.state[0]["bits"] = 0
        count_mode(frame, search, log2_size, mode)
        assert int(e.state[0]["bits"]) == rates[mode], mode
    first = g["intra"]["mpm"].tolist()
    assert len(set(first)) == MPMS
    set_luma_mode(frame, search, x, y, 1 << log2_size, first[1])
    unit = frame.units[y >> 2, x >> 2]
    assert int(unit["intra_luma_mode"]) == first[1] and int(unit["mode_rank"]) == (1 if ranks else 0)
    assert np.count_nonzero(frame.units["mode_rank"]) == ranks << 2 * (log2_size - 2)
