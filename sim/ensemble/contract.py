"""The contract of an engine: what it declares of itself, and what it does. All that runs trajectories reads this alone.

An engine is a small frozen object such as ``Gaussian()`` or ``QutipSME(...)``. Nothing outside asks which one it is.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from cascade_steering.sim.ensemble.block import Engine
from cascade_steering.sim.ensemble.discretisation import Check
from cascade_steering.sim.ensemble.measured import ConditionalStates, Measured
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["Filtering", "Method", "filtering"]


class Method(Protocol):
    """How trajectories are computed, before it is known of what.

    An engine of one's own needs no base class: an object with these members will do. On the command line it is found
    by its entry in ``analysis.cli.options.engines``.
    """

    @property
    def exact(self) -> bool:
        """Whether it has no error of step or truncation, so that only sampling and rounding leave anything open.

        Such an engine takes a save interval at once, whatever the step.
        """

    @property
    def strong_order(self) -> float:
        """p, where the state on a given Brownian path is off by O(stepᵖ); infinite if exact."""

    @property
    def average_order(self) -> float:
        """p, where averages over records are off by O(stepᵖ); infinite if exact."""

    @property
    def random_covariances(self) -> bool:
        """Whether every trajectory has a conditional covariance of its own: (n, saves + 1, d, d) in ``Trajectories``.

        Otherwise all share one, (saves + 1, d, d).
        """

    @property
    def block(self) -> int:
        """Trajectories to a block: enough work to be worth sending, little enough to share out."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """What the numbers depend on besides ``block``: a name and settings, in numbers, text and arrays of them."""

    def suggested_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> float:
        """The longest step it can be trusted with, seconds; of ``grid`` only the duration matters."""

    def require_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> None:
        """Raise ValueError for a step of the grid that it cannot take at a reasonable cost."""

    def holds(self, initial: InitialState) -> bool:
        """Whether it can start from such a state, and carry it, at a reasonable cost."""

    def prepare(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> Engine:
        """Check everything that can be checked, compute everything that is shared.

        What it returns may also give purity, QuTiP operators and states: see ``sim.ensemble.saving.Observing``.
        """

    def check(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> Check | None:
        """What measures its errors of step and truncation, see ``sim.ensemble.discretisation``; None if it has none
        or cannot.

        If it cannot, intervals leave these errors out, and datasets and reports say so.
        """


class Filtering(Protocol):
    """What an engine may do beside ``Method``: find the conditional states given measured records."""

    def filter(self, measured: Measured, jobs: int = 1) -> ConditionalStates:
        """The conditional states given the records, computed by ``jobs`` worker processes.

        Where the engine does not hold a state it may give that of the exact filter, ``measured.exact``, and says so.

        Raises ValueError for records that it cannot filter at a reasonable cost.
        """


def filtering(method: Method) -> Callable[[Measured, int], ConditionalStates]:
    """How an engine filters records, ``Filtering.filter``.

    Raises ValueError for an engine that has no such method.
    """
    found: Callable[[Measured, int], ConditionalStates] | None = getattr(method, "filter", None)
    if found is None:
        raise ValueError(f"the engine {method.identity['engine']!r} cannot filter a record: it has no method filter")
    return found
