"""(8.7) What becomes of rows of CTUs that are searched: they are filtered, and then later pictures may refer to them.

Deblocking and SAO are those of filters/pipeline.py, but each row as soon as it can be had, so that the next picture may
begin before this one is whole. Rows below are predicted from samples before the filters: the frame's planes keep
those, and filtered ones are made in other planes. With a row searched, the row above it becomes final: its last
samples were not deblocked before, and SAO looks at those of its neighbours.
"""

import threading

from codec.h265.encoder.picture.decide_sao import start_contexts
from codec.h265.filters.deblock import deblock_horizontal_edges, deblock_vertical_edges
from codec.h265.filters.sao import sao_rows

# lines of luma at the end of a row of CTUs that deblocking the next row may change are three, of chroma one
_OPEN_LINES = 4


class RowFinisher:
    """Finishes the rows of one CodingPicture after another; rows are told of by any thread, in any order."""

    def __init__(self, sequence, workspace, sao):
        """workspace: pipeline.Workspace, for deblocked samples;  sao: SaoDecision, or None where SAO is off"""
        params = sequence.params[0]
        self._rows, self._ctb_size = int(params["height_in_ctbs"]), 1 << int(params["log2_ctb_size"])
        self._workspace, self._sao = workspace, sao
        self._lock = threading.Lock()

    def begin(self, picture, lambdas):
        """All slices of the picture are begun. lambdas: (3,) squared error that a bit of each component is worth"""
        store, slot = picture.references.store, picture.references.slot
        luma, cb, cr = store.planes(slot)
        workspace = self._workspace
        self._picture, self._searched, self._begun = picture, set(), 0
        self._filtered = picture.frame._replace(luma=luma, cb=cb, cr=cr)
        self._deblocked = picture.frame._replace(luma=workspace.luma, cb=workspace.cb, cr=workspace.cr)
        self._picture_ids = picture.picture_ids
        self._deblocks = not picture.frame.slices["deblocking_disabled"].all()
        if self._sao:
            self._sao.begin(picture.frame, lambdas, start_contexts(picture.frame.slices))

    def row_searched(self, row):
        """All CTUs of a row are reconstructed."""
        with self._lock:
            self._searched.add(row)
            while self._begun in self._searched:
                self._take_row(self._begun)
                self._begun += 1

    def _take_row(self, row):
        """The next row from above, and what is final with it."""
        picture, last = self._picture, row + 1 == self._rows
        _copy_lines(picture.frame, self._filtered, row * self._ctb_size, None if last else (row + 1) * self._ctb_size)
        picture.keep_motion(row, row + 1)
        if self._deblocks:
            strengths = self._workspace.strengths
            deblock_vertical_edges(self._filtered, self._picture_ids, strengths, row, row + 1)
            deblock_horizontal_edges(self._filtered, strengths, row, row + 1)
        begin, end = max(row - 1, 0), self._rows if last else row
        if self._sao:
            self._offset_rows(row, begin, end)
        if last:
            picture.frame = self._filtered
        picture.references.keep_rows(begin, end)

    def _offset_rows(self, row, begin, end):
        """SAO of rows begin .. end - 1; `row`: the last one that is deblocked, but for its last lines"""
        size, last = self._ctb_size, end == self._rows
        first = max(row * size - _OPEN_LINES, 0)
        _copy_lines(self._filtered, self._deblocked, first, None if last else (row + 1) * size - _OPEN_LINES)
        self._sao.decide(self._deblocked, self._picture.source, begin, end)
        if last:
            self._sao.end(self._filtered)
        workspace = self._workspace
        sao_rows(self._filtered, workspace.luma, workspace.cb, workspace.cr, begin, end)


def _copy_lines(source, target, begin, end):
    """Luma lines begin <= y < end of a Frame's planes, and the chroma lines beside them; end None: all that follow."""
    target.luma[begin:end] = source.luma[begin:end]
    begin, end = begin // 2, end if end is None else end // 2
    target.cb[begin:end] = source.cb[begin:end]
    target.cr[begin:end] = source.cr[begin:end]
