"""A coding tool beyond a standard: what it says of itself, and what it is asked while pictures are coded.

A tool is one package of a standard's `tools`: module `tool` declares it, `apply` has its Application, which both sides
use, `decide` its Decision, which encoders use. One line in the registry of the standard makes it known. Both sides ask
all tools of a sequence through the standard's `applied` and `decide_tools`, and no tool by its name.
"""

from types import MappingProxyType
from typing import NamedTuple


class Tool:
    """What the codec must know of a tool that may be off.

    name       of its flag in the SPS, and of its records;  flag: which of the SPS's flags that is, from 0
    package    of the modules `apply` and `decide`, imported by name where the tool is on
    Options    frozen dataclass of its settings, which the encoder's config inherits; the first one switches it on,
               with any value but "off"
    Sequence   dataclass of its syntax elements in the SPS
    Slice      dataclass of those in slice headers, all off by default; None: there are none
    inter_only, intra_only   whether slice headers of I slices say nothing of it; those of P and B slices
    params     names of integers of Sequence that kernels read of a sequence, in PARAMS; 0 with the tool off
    slice_params   names of integers of `slice_values` that kernels read of a slice, in SLICE; 0 with the tool off
    sizes_ctus whether its Application makes CtuSizes
    has_nets   whether it needs nets that run on whole pictures: their settings are for it too
    ctu_flags  range of its bits in CTB.tool_flags: what slices switch on, off, or CTU by CTU
    """

    name = ""
    flag = -1
    package = ""
    Options = None
    Sequence = None
    Slice = None
    inter_only = False
    intra_only = False
    params = ()
    slice_params = ()
    ctu_flags = range(0)
    sizes_ctus = False
    has_nets = True

    @property
    def option(self):
        """The name of the setting that switches it on."""
        return next(iter(self.Options.__dataclass_fields__))

    def is_on(self, config):
        """Whether an encoder's config asks for it."""
        return getattr(config, self.option) != "off"

    def loads_nets(self, config):
        """Whether a config makes it load nets."""
        return self.has_nets and self.is_on(config)

    def adjusted(self, config):
        """The config with what follows from the tool being on."""
        return config

    def check(self, config):
        """Raise UsageError, or Unsupported, for a config with the tool on that cannot be coded."""

    def code_sequence(self, s, record, sps):
        """Its part of the SPS, in both directions. s: a SerDes;  record: a Sequence"""

    def code_slice(self, s, record, of_sequence, sps):
        """Its part of a slice header. record: a Slice;  of_sequence: the Sequence in force"""

    def ctu_masks(self, record):
        """(on, coded) of a Slice: which of its CTU flags may be set at all, and which have a flag in every CTU.

        Bit 0 is the first of `ctu_flags`. A flag that is on and not coded is set everywhere.
        """
        return 0, 0

    def slice_values(self, record, of_sequence):
        """{name of slice_params: integer} of a Slice, as far as it is not 0."""
        return {}


class Surroundings(NamedTuple):
    """What an Application is made with.

    sps, params  the sequence parameter set and the kernels' record of it
    nets         a NetStore;  pool, threads: an executor for tiles of nets and its size, or None and 1
    """

    sps: object
    params: object
    nets: object
    pool: object = None
    threads: int = 1


class Application:
    """A tool at work on the pictures of a sequence, one at a time: the same on both sides. Does nothing by itself.

    longest_run     how many CTUs may be reconstructed before it is asked again; None: any number
    samples_first   whether the syntax of a CTU needs the samples of those before it
    follows_ctus    whether `reconstructed` is called
    changes_stages  whether `stages` gives others, which need whole pictures
    references      {field of the kernels' References: array}: what it adds to those of every picture
    """

    longest_run = None
    samples_first = False
    follows_ctus = False
    changes_stages = False
    references = MappingProxyType({})

    def __init__(self, record, surroundings):
        """record: the Sequence of the tool;  surroundings: Surroundings"""

    def prepare(self, scratch):
        """Memory in which pictures of the sequence will be reconstructed: (1,) record of the standard."""

    def begin_picture(self):
        """Another picture comes."""

    def new_ctu_sizes(self):
        """What reads, writes and reconstructs CTUs of a picture where these have sizes of their own, or None.

        h265/tools/intra_sr/apply.py: CtuSizes says what it must have.
        """
        return None

    def reconstructed(self, frame, ctb_addr, coeffs):
        """The samples of a CTU are made, from these coefficients: asked only where `follows_ctus`."""

    def stages(self, stages, slices):
        """The in-loop filters of a picture in their order, with its own.

        slices  function without arguments: the Slice records by slice_idx, which an encoder decides right before
        """
        return stages

    def output(self, output, first_slice, bit_depths, qp):
        """What leaves the codec instead of an Output: planes inside the conformance window, and RGB.

        first_slice, qp: the Slice and SliceQpY of the picture's first slice
        """
        return output

    def statistics(self, frame, slices):
        """{field of PictureStatistics: value}: what was chosen where."""
        return {}


class Decision:
    """The encoder's side of a tool: what it makes of a config, and chooses for a picture. Decides nothing by itself."""

    def __init__(self, sequence, application):
        """sequence: the encoder's Sequence;  application: the tool's"""

    @staticmethod
    def sequence(config, nets):
        """The Sequence record that a config asks for: every tool says this itself. nets: a NetStore"""
        raise NotImplementedError

    @staticmethod
    def slice(config, of_sequence, plan):
        """The Slice record with which a slice of a picture begins; None: all off. plan: what is known of the picture"""
        return None

    def before_stages(self, picture, lambdas, workspace, pool):
        """{stage name: function(frame, workspace)}: what is decided right before an in-loop filter of a picture.

        picture   the CodingPicture; its headers take the tool's Slice records
        lambdas   (3,) squared error that a bit of each component is worth
        """
        return {}

    def output(self, output, original, picture):
        """What a decoder will output instead of an Output; original: the source's planes. Sets the Slice records."""
        return output

    def figures(self, frame):
        """{column: number} for the report of the picture."""
        return {}
