"""The kernels that Python calls, each with sample arguments: what is compiled ahead (see base/kernels/warm.py).

A new one is a function here that returns [(kernel, arguments), ...], under the decorator that says which program calls
it and how many seconds it takes to compile, roughly. Arguments need the types of the real call only, not its values;
tests/codec/base/kernels/test_warm.py tells when they do not match. Kernels that share most of what they call belong
into one group, because two groups are compiled at the same time. Imports stand inside the functions: the list itself is
light.
"""

import importlib
from collections.abc import Callable
from typing import NamedTuple


class Group(NamedTuple):
    """Kernels that are compiled in one process.

    sides    the programs that call them: "decoder", "encoder", "trainer" (pytrain, which calls the encoder's too),
             "learned" (learned codecs)
    seconds  about how long that takes; the longest begin first
    module   the module that holds them; what it imports decides when they are out of date
    samples  function() -> [(kernel, arguments), ...]
    """

    sides: tuple
    seconds: int
    module: str
    samples: Callable


GROUPS = {}


def group(sides, seconds, module):
    """Register the decorated function as a group under its name."""

    def register(function):
        GROUPS[function.__name__] = Group(tuple(sides.split()), seconds, module, function)
        return function

    return register


def sample_frame():
    """A Frame with one empty CTU."""
    import numpy as np

    from codec.h265.structs import CTB, MOTION, PARAMS, SLICE, UNIT, Frame

    size = 64
    return Frame(
        params=np.zeros(1, PARAMS),
        slices=np.zeros(1, SLICE),
        units=np.zeros((size // 4, size // 4), UNIT),
        ctbs=np.zeros(1, CTB),
        motion=np.zeros((0, 0), MOTION),
        scaling=np.zeros((4, 6, 1024), np.int16),
        luma=np.zeros((size, size), np.int16),
        cb=np.zeros((size // 2, size // 2), np.int16),
        cr=np.zeros((size // 2, size // 2), np.int16),
    )


def _coefficients():
    import numpy as np

    from codec.h265.structs import CTU_COEFFS

    return np.zeros(CTU_COEFFS, np.int16)


@group("decoder", 11, "codec.h265.syntax.coding_tree")
def parse():
    """Slice segment data: read CTUs."""
    import numpy as np

    from codec.h265.cabac.engine import new_reader, reader_byte_position, start_reader
    from codec.h265.syntax.coding_tree import read_ctus
    from codec.h265.syntax.ctu_head import ctu_head
    from codec.h265.syntax.walk import new_walk

    reader = new_reader(np.frombuffer(bytes(64), np.uint8))  # read-only, as a NAL unit's payload is
    return [
        (start_reader, (reader, 0)),
        (reader_byte_position, (reader,)),
        (read_ctus, (reader, sample_frame(), new_walk(), _coefficients())),
        (ctu_head, (reader, sample_frame(), new_walk())),
    ]


@group("encoder", 11, "codec.h265.syntax.coding_tree")
def write():
    """Slice segment data: write a CTU."""
    import numpy as np

    from codec.h265.cabac.engine import finish_writer, new_writer, start_writer
    from codec.h265.syntax.coding_tree import coding_tree_unit
    from codec.h265.syntax.ctu_head import ctu_head
    from codec.h265.syntax.walk import new_walk

    writer = new_writer(np.zeros(64, np.uint8))
    return [
        (start_writer, (writer,)),
        (finish_writer, (writer,)),
        (coding_tree_unit, (writer, sample_frame(), new_walk(), _coefficients())),
        (ctu_head, (writer, sample_frame(), new_walk())),
    ]


@group("encoder", 10, "codec.h265.syntax.coding_tree")
def count():
    """The rate of a CTU, for slices that are limited by bytes."""
    from codec.h265.cabac.engine import new_estimator
    from codec.h265.syntax.coding_tree import coding_tree_unit
    from codec.h265.syntax.walk import new_walk

    return [(coding_tree_unit, (new_estimator(), sample_frame(), new_walk(), _coefficients()))]


@group("decoder encoder", 11, "codec.h265.recon.reconstruct")
def reconstruct():
    """Prediction and residual of a CTU."""
    from codec.h265.recon.dequant import chroma_qp
    from codec.h265.recon.reconstruct import new_scratch, reconstruct_ctu

    return [
        (chroma_qp, (0, 0, 8)),
        (reconstruct_ctu, (sample_frame(), 0, _coefficients(), new_scratch())),
    ]


@group("trainer", 5, "codec.h265.recon.residual_plane")
def residual_plane():
    """The residual of a CTU on its own."""
    from codec.h265.recon.reconstruct import new_scratch
    from codec.h265.recon.residual_plane import residual_ctu

    frame = sample_frame()
    return [(residual_ctu, (frame, 0, _coefficients(), new_scratch(), frame.luma))]


@group("trainer", 15, "codec.h265.recon.chroma_material")
def chroma_material():
    """What nets of chroma from luma take, and what other modes miss."""
    import numpy as np

    from codec.h265.recon.chroma_material import mode_errors, windows
    from codec.h265.recon.reconstruct import new_scratch

    frame, places, samples = sample_frame(), np.zeros((0, 2), np.int64), np.zeros(1, np.int16)
    predictions, errors = np.zeros((1, 2, 16), np.int16), np.zeros((1, 2, 10), np.int64)
    return [
        (windows, (frame, places, 2, 8, new_scratch(), samples, samples, predictions)),
        (mode_errors, (frame, places, 2, 8, frame.cb, frame.cr, new_scratch(), errors)),
    ]


@group("trainer", 15, "codec.h265.encoder.search.intra.mode_material")
def mode_material():
    """What the net that ranks modes takes, and what modes cost."""
    import numpy as np

    from codec.h265.encoder.search.inter.reference_planes import new_planes
    from codec.h265.encoder.search.intra.mode_material import mode_material
    from codec.h265.encoder.search.search_state import new_search

    frame = sample_frame()
    samples, numbers = (frame.luma, frame.cb, frame.cr), np.zeros((0, 1), np.int16)
    state = new_search(*samples, np.zeros((1, 1, 1), np.int8), samples, new_planes(frame.params[0], 0))
    return [(mode_material, (frame, state, numbers, numbers, np.zeros((0, 1), np.float32), np.zeros((0, 1), np.int8)))]


@group("trainer learned", 4, "nets.program_kernels")
def nets():
    """The nets of CNN tools."""
    import numpy as np

    from nets.program import Program
    from nets.program_kernels import run_program
    from nets.program_layout import STEP_FIELDS

    numbers = np.zeros(1, np.int64)
    steps, signals = np.zeros((0, len(STEP_FIELDS)), np.int64), np.zeros((1, 4), np.int64)
    samples, parameters = np.zeros(1, np.int16), np.zeros(1, np.int32)
    program = Program(
        steps, numbers, parameters, signals, np.zeros((1, 2), np.int64), samples, parameters, numbers, numbers, 1
    )
    return [(run_program, (program, samples, numbers, numbers, 8, 8))]


@group("trainer", 5, "codec.h265.recon.two_sizes")
def two_sizes():
    """CTUs of two sizes: samples and block data of either for the other."""
    from codec.common.blocks.resample import new_lines
    from codec.h265.recon.two_sizes import grow_samples, grow_units, pass_modes_on, shrink_samples, shrink_units

    frame, lines = sample_frame(), new_lines()
    return [
        (grow_units, (frame, frame, 0, 0)),
        (shrink_units, (frame, frame, 0, 0)),
        (pass_modes_on, (frame, frame, 0, True)),
        (grow_samples, (frame, frame, 0, False, lines)),
        (shrink_samples, (frame, frame, 0, False, lines)),
    ]


@group("decoder", 9, "codec.h265.recon.inter")
def inter():
    """Motion and prediction of a CTU in P and B slices."""
    from codec.h265.frame_store import FrameStore
    from codec.h265.recon.inter import new_inter_scratch, predict_inter_ctu
    from codec.h265.recon.temporal_motion import compress_motion
    from codec.h265.syntax.references import no_references

    frame = sample_frame()
    store = FrameStore(frame.params[0], 1)
    lists = no_references()
    return [
        (predict_inter_ctu, (frame, store.references(lists), 0, 1, new_inter_scratch())),
        (compress_motion, (frame, lists, store.col_motion(0), 0, 1)),
    ]


@group("decoder encoder", 7, "codec.h265.filters.pipeline")
def filters():
    """Deblocking and SAO."""
    from codec.h265.filters.deblock import deblock_edges
    from codec.h265.filters.deblock_edges import derive_strengths, intra_ref_poc
    from codec.h265.filters.pipeline import make_workspace
    from codec.h265.filters.sao import sao_rows

    frame = sample_frame()
    strengths = make_workspace(frame.params[0]).strengths
    return [
        (derive_strengths, (frame, intra_ref_poc(), strengths, 0, 1)),
        (deblock_edges, (frame, strengths, 0, 0, 1)),
        (sao_rows, (frame, frame.luma, frame.cb, frame.cr, 0, 1)),
    ]


@group("encoder", 7, "codec.h265.encoder.picture.decide_sao")
def decide_sao():
    """Statistics and decision of SAO."""
    import numpy as np

    from codec.h265.encoder.picture.decide_sao import decide_rows, make_sao_search, propose
    from codec.h265.encoder.picture.sao_statistics import gather_statistics

    frame = sample_frame()
    search = make_sao_search(frame.params[0])
    lambdas, contexts, merge = np.zeros(3), np.zeros((1, 2), np.uint8), np.zeros(1, np.int8)
    return [
        (gather_statistics, (frame, frame.luma, frame.cb, frame.cr, search.statistics, 0, 1)),
        (propose, (frame.params, search.statistics, lambdas, search.proposals, search.costs, search.bands)),
        (decide_rows, (frame, search, contexts, lambdas, merge, 0, 1)),
    ]


@group("encoder", 3, "codec.h265.encoder.search.inter.reference_planes")
def reference_planes():
    """Reference pictures at quarter-sample positions, for the motion search."""
    from codec.h265.encoder.search.inter.reference_planes import fill_planes, new_plane_memory, new_planes

    frame = sample_frame()
    planes = new_planes(frame.params[0], 1)
    return [(fill_planes, (frame.luma, planes[0], 8, 0, 1, new_plane_memory(planes)))]


@group("encoder", 4, "codec.common.source.temporal_filter")
def temporal_filter():
    """Motion between source pictures, and their weighted sum."""
    import numpy as np

    from codec.common.source.source_filter import add_moved
    from codec.common.source.source_motion import refine, search_level
    from codec.common.source.source_samples import new_block_memory

    plane, vectors, errors = np.zeros((8, 8), np.int16), np.zeros((1, 1, 2), np.int32), np.zeros((1, 1), np.int64)
    numbers, memory = np.zeros((1, 1), np.int32), new_block_memory()
    return [
        (search_level, (plane, plane, vectors, vectors, 8, 1)),
        (refine, (plane, plane, vectors, errors, 255, memory)),
        (add_moved, (plane, plane, 32, 8, vectors, numbers, numbers[0], 255, numbers, numbers, memory)),
    ]


@group("encoder", 60, "codec.h265.encoder.search.search_cu")
def search():
    """Mode decision of a CTU."""
    import numpy as np

    from codec.h265.encoder.search.inter.reference_planes import new_planes
    from codec.h265.encoder.search.search_cu import search_ctu
    from codec.h265.encoder.search.search_state import new_search
    from codec.h265.frame_store import FrameStore
    from codec.h265.syntax.references import no_references
    from codec.h265.syntax.walk import new_walk

    frame = sample_frame()
    references = FrameStore(frame.params[0], 1).references(no_references())
    planes = new_planes(frame.params[0], 0)
    samples = frame.luma, frame.cb, frame.cr
    state = new_search(*samples, np.zeros((1, 1, 1), np.int8), samples, planes)
    return [(search_ctu, (frame, references, state, new_walk(), _coefficients()))]


def compile_group(name):
    """Compile one group, or load it from the cache."""
    jit = importlib.import_module("codec.base.kernels.jit")
    for kernel, arguments in GROUPS[name].samples():
        if hasattr(kernel, "compile"):
            kernel.compile(tuple(jit.typeof(argument) for argument in arguments))
