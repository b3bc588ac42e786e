"""The CTU loops of the search: rows side by side, or one CTU after another where each depends on the one before it."""

from concurrent.futures import CancelledError

from codec.common.pipeline.progress import Progress
from codec.h265.config import SLICES_BY_BYTES
from codec.h265.encoder.plan.slices import SlicePlan
from codec.h265.encoder.rate.adaptive_qp import shift_ctu_qp
from codec.h265.syntax.sub_streams import ContextStorage, SubStreams


def may_search_rows(sequence):
    """Whether rows of CTUs can be searched side by side, as far as headers tell.

    Slices that are limited by bytes begin where the search finds them full. The first QpY of a row is predicted from
    the end of the row above, except with wavefronts (8.6.1). Tiles come in another order.
    """
    config, pps = sequence.config, sequence.pps
    chained_qp = pps.cu_qp_delta_enabled_flag and not pps.entropy_coding_sync_enabled_flag
    return not (config.SliceMode == SLICES_BY_BYTES or chained_qp or pps.tiles_enabled_flag or config.controls_ctus)


# --- rows side by side ----------------------------------------------------------------------------------------------


def decide_by_rows(sequence, picture, crew, reach, row_searched):
    """Search and reconstruct all CTUs of a CodingPicture, row beside row, each two CTUs behind the one above.

    A row begins with the contexts behind the second CTU of the row above, as in a wavefront (9.3.2.4), whatever the
    stream does: so the result is the same for every number of threads. A row joins the queue of the Crew when it can
    begin, so that a thread with nothing to do in this picture is at work in another one.

    reach         Reach: what rows need of reference pictures
    row_searched  called with every row when its CTUs are done, by the thread that did the last of them
    Raises CancelledError when the crew is stopped.
    """
    begins = {header.slice_segment_address for header in picture.headers}
    frame, refs = picture.frame, picture.refs
    width, rows = sequence.config.size_in_ctbs
    streams = SubStreams(sequence.layout, width, True)
    storages = [ContextStorage(streams)]
    for _ in range(1, rows):
        storages.append(ContextStorage(streams, storages[-1]))
    searched = [Progress() for _ in range(rows)]

    def search_row(row):
        with crew.search() as tools:
            tools.begin_picture(picture, sequence.config, reach.bottom(row))
            for column in range(width):
                if crew.stopped:
                    raise CancelledError
                if row:
                    searched[row - 1].wait(min(column + 2, width))
                addr = row * width + column
                tools.walk[0]["slice_idx"] = frame.ctbs[addr]["slice_idx"]
                storages[row].enter_ctu(tools.estimator, tools.walk[0], frame, addr, addr, addr in begins, False)
                tools.decide(picture, frame, refs, addr)
                tools.reconstruct(picture, frame, refs, addr)
                storages[row].leave_ctu(tools.estimator, addr)
                searched[row].reach(column + 1)
        row_searched(row)

    def search_and_tell(row):
        try:
            search_row(row)
        except BaseException as error:
            fail(error)

    def fail(error):
        for progress in searched:
            progress.fail(error)
        picture.references.fail(error)

    for row in range(rows):
        picture.references.wait(reach.rows(row))
        if crew.pool is None:
            search_row(row)
            continue
        if row:
            searched[row - 1].wait(min(2, width))
        crew.pool.submit(search_and_tell, row)
    for progress in searched:
        progress.wait(width)


def begin_slices(sequence, picture):
    """Begin all slices of the picture and put every CTU into its own."""
    plan = SlicePlan(sequence.config, sequence.sub_streams)
    for addr in range(len(picture.frame.ctbs)):
        if plan.begins_slice(addr):
            picture.begin_slice(addr)
        picture.put_in_slice(addr)


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
    tools.set_rate(config, picture.plan, qp, lam)
