"""The tools of a sequence at work: what decoder and encoder ask, they ask here, of all of them."""

import importlib
from functools import partial

from codec.base.picture import Output
from codec.h265.tools.registry import TOOLS


class AppliedTools:
    """The Applications of the tools that a sequence has on, in the registry's order.

    longest_run, samples_first, follows_ctus, changes_stages, references   see Application, of all together
    """

    def __init__(self, surroundings):
        """surroundings: common.tools.tool.Surroundings"""
        extension = surroundings.sps.tools
        self._at_work = []
        for tool in TOOLS if extension else ():
            record = getattr(extension.sequence, tool.name)
            if record is not None:
                module = importlib.import_module(f"{tool.package}.apply")
                self._at_work.append((tool, module.Application(record, surroundings)))
        applications = [application for _, application in self._at_work]
        self.longest_run = min((a.longest_run for a in applications if a.longest_run), default=None)
        self.samples_first = any(a.samples_first for a in applications)
        self.changes_stages = any(a.changes_stages for a in applications)
        self.references = {name: array for a in applications for name, array in a.references.items()}
        self._followers = [a.reconstructed for a in applications if a.follows_ctus]
        self.follows_ctus = bool(self._followers)

    def __iter__(self):
        """(Tool, Application) of each."""
        return iter(self._at_work)

    def __bool__(self):
        return bool(self._at_work)

    def prepare(self, scratch):
        """Memory in which the sequence's pictures will be reconstructed: (1,) RECON_SCRATCH."""
        for _, application in self._at_work:
            application.prepare(scratch)

    def begin_picture(self):
        """Another picture comes."""
        for _, application in self._at_work:
            application.begin_picture()

    def new_ctu_sizes(self):
        """CtuSizes for a picture, or None where all its CTUs are of one size."""
        made = (application.new_ctu_sizes() for _, application in self._at_work)
        return next((sizes for sizes in made if sizes is not None), None)

    def reconstructed(self, frame, ctb_addr, coeffs):
        """The samples of a CTU are made, from these coefficients."""
        for follower in self._followers:
            follower(frame, ctb_addr, coeffs)

    def stages(self, stages, headers, sizes=None):
        """The in-loop filters of a picture whose slices have these headers, in their order. sizes: its CtuSizes"""
        for tool, application in self._at_work:
            stages = application.stages(stages, partial(slices_of, tool, headers))
        return stages if sizes is None else sizes.stages(stages)

    def output(self, planes, headers, bit_depths, qp):
        """The Output that leaves a decoder, of planes inside the conformance window."""
        made = Output(planes)
        for tool, application in self._at_work:
            made = application.output(made, slices_of(tool, headers[:1])[0], bit_depths, qp)
        return made

    def statistics(self, frame, headers):
        """{field of PictureStatistics: value} of all tools."""
        made = {}
        for tool, application in self._at_work:
            made |= application.statistics(frame, slices_of(tool, headers))
        return made


def slices_of(tool, headers):
    """[Slice of a tool] by slice_idx."""
    return [getattr(header.tools, tool.name) for header in headers]
