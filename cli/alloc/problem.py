"""The problem that the methods solve: items, tool sets, QPs, an objective, and what must not be exceeded."""

from dataclasses import dataclass
from typing import NamedTuple

from cli.alloc.hull import Option
from cli.alloc.objective import Objective
from codec.base.errors import CodecError

EXIT_BUDGET = 9
# of the budget, where the steps of the QP make it possible
ENOUGH = 0.998


class BudgetMissed(CodecError):
    """A budget, or a PSNR, that the set cannot reach with the QPs and tool sets of the plan."""

    exit_code = EXIT_BUDGET


class Way(NamedTuple):
    """How an item is coded: number of the tool set, QP. A QP of 36.75 is QP 37 with the lambda of QP 36.75."""

    config: int
    qp: float


@dataclass(frozen=True)
class Problem:
    """What is wanted.

    samples      of each item
    limit        bytes of the set; by_quality: the sum of losses that it may have, and bytes become few
    wanted       the same in words
    lowest, highest   the QPs that may be used
    fine         for each tool set, whether it has QPs between the whole ones
    """

    objective: Objective
    samples: tuple
    names: tuple
    limit: float
    wanted: str
    by_quality: bool
    lowest: int
    highest: int
    fine: tuple

    def option(self, item, figures, way):
        """The Option of an item: it costs bytes and loses quality, or, where quality is asked for, the other way."""
        loss = self.objective.loss(self.samples[item], figures.level)
        return Option(loss, figures.bytes, way) if self.by_quality else Option(figures.bytes, loss, way)

    @property
    def cheapest_qp(self):
        """The QP with which an item costs least."""
        return self.lowest if self.by_quality else self.highest

    def missed(self, costs):
        """The BudgetMissed that tells why; costs: each item's least."""
        if self.by_quality:
            best = self.objective.total(costs, self.samples)
            return BudgetMissed(f"the set cannot reach {self.wanted}: at QP {self.lowest} it has {best:.3f} dB")
        most = max(range(len(costs)), key=lambda item: costs[item])
        whole = f"the budget of the whole set is {self.wanted}"
        if costs[most] > self.limit:
            return BudgetMissed(f"{self.names[most]}: takes {costs[most]} bytes at QP {self.highest}, {whole}")
        return BudgetMissed(
            f"the set cannot be coded within its budget: at QP {self.highest} it takes {sum(costs)} bytes, {whole}; "
            f"the largest item is {self.names[most]} with {costs[most]}"
        )
