"""The contract of an engine: what it declares, and what it does. Whatever runs trajectories uses only this.

An engine is a small frozen object such as ``Gaussian()`` or ``QutipSME(...)``. No other code depends on which one it
is.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from cascade_steering.sim.controller import Controller
from cascade_steering.sim.ensemble.block import Engine
from cascade_steering.sim.ensemble.discretisation import Check
from cascade_steering.sim.gaussian.measured import ConditionalStates, Measured
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = [
    "Controllable",
    "Counting",
    "Filtering",
    "Method",
    "Nonlinear",
    "filtering",
    "require_controllable",
    "require_counting",
    "require_nonlinear",
]


class Method(Protocol):
    """An engine before it is prepared for a problem.

    A new engine needs no base class, only these members. The command line finds it by its entry in
    ``analysis.cli.options.engines``.
    """

    @property
    def exact(self) -> bool:
        """Whether the engine has no error of step or truncation, only those of sampling and rounding.

        Such an engine advances by a whole save interval at once, for any step.
        """

    @property
    def strong_order(self) -> float:
        """p, if the error of the state on a given Brownian path is O(stepᵖ); infinite if exact."""

    @property
    def average_order(self) -> float:
        """p, if the error of averages over records is O(stepᵖ); infinite if exact."""

    @property
    def random_covariances(self) -> bool:
        """Whether conditional covariances differ between trajectories: (n, saves + 1, d, d) in ``Trajectories``.

        Otherwise all trajectories share them: (saves + 1, d, d).
        """

    @property
    def block(self) -> int:
        """The number of trajectories in a block, the unit of work that is sent to a worker."""

    @property
    def identity(self) -> Mapping[str, Any]:
        """A name and the settings on which results depend, as numbers, text and arrays of them."""

    def suggested_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> float:
        """The longest step with an acceptable error, seconds; only the duration of ``grid`` matters."""

    def require_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> None:
        """Raise ValueError if the engine cannot take the step of the grid at a reasonable cost."""

    def holds(self, initial: InitialState) -> bool:
        """Whether the engine can start from this state at a reasonable cost."""

    def prepare(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> Engine:
        """Check all arguments, and compute everything that trajectories share.

        The prepared engine may also give purity, QuTiP operators and states: see ``sim.outputs.saving.Observing``.
        """

    def check(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> Check | None:
        """A measurement of the errors of step and truncation, see ``sim.ensemble.discretisation``.

        None if the engine is exact or cannot measure them. In the second case intervals do not include these errors,
        and datasets and reports say so.
        """


class Controllable(Protocol):
    """What an engine may do beside ``Method``: let a digital controller close the loop. Section 9 of sim/README.md.

    After each control interval the controller is given the sum of dY over it, and the quadratures are displaced by what
    it answers (``sim.controller.Acting``). A save at that time comes after the displacement.
    """

    @property
    def controllable(self) -> bool:
        """True."""

    def prepare(
        self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState, control: Controller | None = None
    ) -> Engine:
        """As for ``Method``. Raises ValueError also for a controller that does not fit."""

    def check(
        self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState, control: Controller | None = None
    ) -> Check | None:
        """As for ``Method``, with the same control interval in the finer calculation."""


def require_controllable(method: Method) -> None:
    """Raise ValueError for an engine that cannot close a loop, see ``Controllable``."""
    if not getattr(method, "controllable", False):
        raise ValueError(
            f"the engine {method.identity['engine']!r} cannot close a loop: it does not declare that it is controllable"
        )


class Counting(Protocol):
    """What an engine may do beside ``Method``: simulate photon counters. Section 7 of sim/README.md.

    The trajectories that it returns have ``clicks``.
    """

    @property
    def counts(self) -> bool:
        """True."""


def require_counting(method: Method, model: LinearModel | Schedule) -> None:
    """Raise ValueError for a model with photon counters and an engine that cannot count, see ``Counting``."""
    if not getattr(method, "counts", False):
        model.require_uncounted(str(method.identity["engine"]))


class Nonlinear(Protocol):
    """What an engine may do beside ``Method``: simulate models with a polynomial in the Hamiltonian.

    Section 7 of sim/README.md.
    """

    @property
    def nonlinear(self) -> bool:
        """True."""


def require_nonlinear(method: Method, model: LinearModel | Schedule) -> None:
    """Raise ValueError for a model that is not linear and an engine for linear ones, see ``Nonlinear``."""
    if not getattr(method, "nonlinear", False):
        model.require_linear(f"the engine {method.identity['engine']!r}")


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
