"""What the encoder asks of the tools beyond H.265, it asks here, of all that are on."""

import importlib

from codec.h265.tools.registry import TOOLS, Records


def sequence_records(config, nets):
    """[(Tool, its Sequence)] of the tools that a config asks for. nets: a NetStore"""
    return [(tool, _decisions(tool).sequence(config, nets)) for tool in TOOLS if tool.is_on(config)]


def slice_records(config, sps, plan):
    """The Records with which a slice of a PlannedPicture begins, or None in a sequence without tools."""
    if not sps.tools:
        return None
    on = [(tool, getattr(sps.tools.sequence, tool.name)) for tool in TOOLS]
    return Records(**{tool.name: _decisions(tool).slice(config, record, plan) for tool, record in on if record})


def _decisions(tool):
    return importlib.import_module(f"{tool.package}.decide").Decision


class DecidedTools:
    """The Decisions about the tools of a sequence, in the registry's order."""

    def __init__(self, sequence, applied):
        """sequence: the encoder's Sequence;  applied: its AppliedTools"""
        self._decisions = [_decisions(tool)(sequence, application) for tool, application in applied]

    def before_stages(self, picture, lambdas, workspace, pool):
        """{stage name: function(frame, workspace)} of all tools, see Decision."""
        made = {}
        for decision in self._decisions:
            made |= decision.before_stages(picture, lambdas, workspace, pool)
        return made

    def output(self, output, original, picture):
        """The Output that will leave a decoder."""
        for decision in self._decisions:
            output = decision.output(output, original, picture)
        return output

    def figures(self, frame):
        """{column: number} for the report."""
        return {name: value for decision in self._decisions for name, value in decision.figures(frame).items()}
