"""The CTU loops of the search: rows side by side, or one CTU after another where each depends on the one before it."""

import threading
from concurrent.futures import CancelledError

from codec.config import SLICES_BY_BYTES
from codec.encoder.adaptive_qp import shift_ctu_qp
from codec.encoder.search_settings import set_lambda
from codec.encoder.slices import SlicePlan
from codec.syntax.sub_streams import ContextStorage, SubStreams


def may_search_rows(sequence):
    """Whether rows of CTUs can be searched side by side, as far as headers tell.

    Slices that are limited by bytes begin where the search finds them full. The first QpY of a row is predicted from
    the end of the row above, except with wavefronts (8.6.1). Tiles come in another order.
    """
    config, pps = sequence.config, sequence.pps
    chained_qp = pps.cu_qp_delta_enabled_flag and not pps.entropy_coding_sync_enabled_flag
    return not (config.SliceMode == SLICES_BY_BYTES or chained_qp or pps.tiles_enabled_flag or config.controls_ctus)


# --- rows side by side ----------------------------------------------------------------------------------------------


class _Progress:
    """How many CTUs of each row are done."""

    def __init__(self, rows):
        self._done = [0] * rows
        self._changed = threading.Condition()
        self._error = None

    def wait(self, row, count):
        """Until `count` CTUs of `row` are done. Raises what another row failed with."""
        with self._changed:
            self._changed.wait_for(lambda: self._error or self._done[row] >= count)
            if self._error:
                raise self._error

    def add(self, row):
        with self._changed:
            self._done[row] += 1
            self._changed.notify_all()

    def fail(self, error):
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()


def decide_by_rows(sequence, picture, crew):
    """Search and reconstruct all CTUs of a CodingPicture, row beside row, each two CTUs behind the one above.

    A row begins with the contexts behind the second CTU of the row above, as in a wavefront (9.3.2.4), whatever the
    stream does: so the result is the same for every number of threads. A row joins the queue of the Crew when it can
    begin, so that a thread with nothing to do in this picture is at work in another one.
    Raises CancelledError when the crew is stopped.
    """
    begins = _begin_slices(sequence, picture)
    frame, refs = picture.frame, picture.refs
    width, rows = sequence.config.size_in_ctbs
    streams = SubStreams(sequence.layout, width, True)
    storages = [ContextStorage(streams)]
    for _ in range(1, rows):
        storages.append(ContextStorage(streams, storages[-1]))
    progress = _Progress(rows)

    def search_row(row, begin_next=None):
        with crew.search() as tools:
            tools.begin_picture(picture, sequence.config)
            for column in range(width):
                if crew.stopped:
                    raise CancelledError
                if row:
                    progress.wait(row - 1, min(column + 2, width))
                addr = row * width + column
                tools.walk[0]["slice_idx"] = frame.ctbs[addr]["slice_idx"]
                storages[row].enter_ctu(tools.estimator, tools.walk[0], frame, addr, addr, addr in begins, False)
                tools.decide(picture, frame, refs, addr)
                tools.reconstruct(picture, frame, refs, addr)
                storages[row].leave_ctu(tools.estimator, addr)
                progress.add(row)
                if begin_next and column == min(1, width - 1) and row + 1 < rows:
                    begin_next(row + 1)

    def begin_row(row):
        crew.pool.submit(search_and_tell, row)

    def search_and_tell(row):
        try:
            search_row(row, begin_row)
        except BaseException as error:
            progress.fail(error)

    if crew.pool is None:
        for row in range(rows):
            search_row(row)
        return
    begin_row(0)
    for row in range(rows):
        progress.wait(row, width)


def _begin_slices(sequence, picture):
    """Begin all slices of the picture and put every CTU into its own. -> addresses where slices begin"""
    plan, begins = SlicePlan(sequence.config, sequence.sub_streams), set()
    for addr in range(len(picture.frame.ctbs)):
        if plan.begins_slice(addr):
            picture.begin_slice(addr)
            begins.add(addr)
        picture.put_in_slice(addr)
    return begins


# --- one after another ----------------------------------------------------------------------------------------------


def decide_in_order(sequence, picture, crew, ctu_rates):
    """Search and reconstruct all CTUs of a CodingPicture in coding order, with the contexts of the stream.

    crew       Crew, of which one CtuSearch is at work
    ctu_rates  rate control's CtuRates, or None
    Raises CancelledError when the crew is stopped.
    """
    slices, storage = SlicePlan(sequence.config, sequence.sub_streams), ContextStorage(sequence.sub_streams)
    count = sequence.config.SliceMode == SLICES_BY_BYTES or ctu_rates is not None

    def search_one(tools, addr, addr_ts, begins):
        picture.put_in_slice(addr)
        frame, refs = picture.frame, picture.refs
        tools.walk[0]["slice_idx"] = frame.ctbs[addr]["slice_idx"]
        storage.enter_ctu(tools.estimator, tools.walk[0], frame, addr, addr_ts, begins, False)
        if count:
            return tools.decide_and_count(picture, frame, refs, addr)
        tools.decide(picture, frame, refs, addr)
        return 0.0

    with crew.search() as tools:
        tools.begin_picture(picture, sequence.config)
        for addr_ts, addr in enumerate(sequence.layout.ctb_addr_ts_to_rs.tolist()):
            if crew.stopped:
                raise CancelledError
            begins = slices.begins_slice(addr_ts)
            if begins:
                picture.begin_slice(addr)
            if ctu_rates:
                _set_ctu_rate(sequence.config, picture, tools, addr, *ctu_rates.before_ctu(addr))
            bits = search_one(tools, addr, addr_ts, begins)
            if slices.overflows(addr_ts, bits):
                slices.restart(addr_ts)
                picture.begin_slice(addr)
                bits = search_one(tools, addr, addr_ts, True)
            slices.add_ctu(bits)
            if ctu_rates:
                ctu_rates.after_ctu(addr, bits)
            tools.reconstruct(picture, picture.frame, picture.refs, addr)
            storage.leave_ctu(tools.estimator, addr_ts)


def _set_ctu_rate(config, picture, tools, addr, qp, lam):
    """The CTU at raster address `addr` is searched at a QP and a lambda of its own."""
    row, column = divmod(addr, config.size_in_ctbs[0])
    lowest = -6 * (config.InternalBitDepth - 8)
    shift_ctu_qp(picture.qp_map, column, row, qp - picture.plan.qp, lowest)
    set_lambda(tools.search, config, picture.plan, qp, lam)
