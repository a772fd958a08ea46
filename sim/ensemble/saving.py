"""What is kept of a simulation beyond conditional means and records: a value object, and what an engine has to do."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np

from cascade_steering.sim.ensemble.observables import Operator, Quadratic, observable
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.runs.identity import numbers_of

if TYPE_CHECKING:
    import qutip

    from cascade_steering.sim.ensemble.block import Engine

__all__ = ["MOST_BYTES", "NOTHING", "Observing", "Save", "StatesKept", "gaussian_purity", "observing"]

StatesKept = Literal["none", "end", "saves"]
# of all trajectories kept, together: a file of a run in the classic format holds as much
MOST_BYTES = 2_000_000_000
_BYTES = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Save:
    """What ``sim.ensemble.simulate.simulate`` keeps, at each save, beside means, covariances and records.

    Purity and observables are averaged over all trajectories, with a standard error, and kept one by one for the
    trajectories that are kept (``keep``). Covariances and states are those of the trajectories kept. Standard errors
    are of sampling alone: what step and truncation cost is measured for means and covariances only
    (``sim.ensemble.discretisation``). Section 7 of sim/README.md.

    Parameters
    ----------
    covariances : the conditional covariance of each trajectory kept
    purity : Tr ρ² of the conditional state
    observables : by name; ``sim.ensemble.observables.Quadratic``, which is exact in every state, or a Hermitian QuTiP
        operator on the Fock levels of x, one space for each oscillator, which is taken as zero above its levels. All
        QuTiP operators must have the same levels
    states : the conditional density matrix at every save, at the end, or not at all

    Raises ValueError for an observable that is neither, and for levels that differ.
    """

    covariances: bool = False
    purity: bool = False
    observables: "Mapping[str, qutip.Qobj | Operator | Quadratic]" = field(default_factory=dict)
    states: StatesKept = "none"

    def __post_init__(self) -> None:
        if self.states not in get_args(StatesKept):
            raise ValueError(f"states must be one of {', '.join(get_args(StatesKept))}, got {self.states!r}")
        read = {str(name): observable(each, str(name)) for name, each in self.observables.items()}
        object.__setattr__(self, "observables", read)
        found = {each.levels for each in self.operators}
        if len(found) > 1:
            raise ValueError(f"QuTiP operators among observables must all have the same levels, got {sorted(found)}")

    @cached_property
    def operators(self) -> tuple[Operator, ...]:
        """The observables given as QuTiP operators, in order."""
        return tuple(each for each in self.observables.values() if isinstance(each, Operator))

    @property
    def levels(self) -> tuple[int, ...] | None:
        """The levels of the QuTiP operators; None if there are none."""
        return self.operators[0].levels if self.operators else None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the observables, in order."""
        return tuple(self.observables)

    @property
    def of_state(self) -> bool:
        """Whether an engine has to give more than mean, covariance and record."""
        return self.purity or bool(self.operators) or self.states != "none"

    @property
    def anything(self) -> bool:
        """Whether anything is to be kept."""
        return self.of_state or self.covariances or bool(self.observables)

    def states_of(self, grid: TimeGrid) -> list[int]:
        """At which saves states are kept."""
        return {"none": [], "end": [grid.saves], "saves": list(range(grid.saves + 1))}[self.states]

    @property
    def identity(self) -> Mapping[str, Any]:
        """What it is, in numbers and text, by which a run knows it again."""
        return {
            "covariances": self.covariances,
            "purity": self.purity,
            "states": self.states,
            "observables": {name: numbers_of(each) for name, each in self.observables.items()},
        }

    def require(self, dimension: int, keep: int) -> None:
        """Raise ValueError unless it suits ``dimension`` quadratures and ``keep`` trajectories kept."""
        for name, each in self.observables.items():
            modes = len(each.levels) if isinstance(each, Operator) else len(each.quadratic) // 2
            if modes != dimension // 2:
                raise ValueError(f"observable {name} is one of {modes} oscillators, and the model has {dimension // 2}")
        if not keep and (self.covariances or self.states != "none"):
            raise ValueError("covariances and states are those of trajectories kept: keep must be at least 1, got 0")

    def require_memory(self, grid: TimeGrid, dimension: int, keep: int, entries: int) -> None:
        """Raise ValueError if what is kept of ``keep`` trajectories takes more than ``MOST_BYTES``.

        ``entries`` is the number of entries of a density matrix, 0 where none is kept.
        """
        each = dimension + self.covariances * dimension**2 + self.purity + len(self.observables)
        numbers = keep * ((grid.saves + 1) * each + len(self.states_of(grid)) * 2 * entries)
        if self.anything and numbers * _BYTES > MOST_BYTES:
            raise ValueError(
                f"what is to be saved of {keep} trajectories takes {numbers * _BYTES / 1e9:.3g} GB, more than "
                f"{MOST_BYTES / 1e9:.3g} GB: keep fewer trajectories, take fewer saves, or states at the end only"
            )


NOTHING = Save()


class Observing(Protocol):
    """A prepared engine that can say more of a state than its mean and covariance."""

    @property
    def state_entries(self) -> int:
        """The number of entries of the density matrix it keeps of a state; 0 if its states are Gaussian."""

    def observing(self, save: Save, keep: int) -> "Engine":
        """The same engine, whose ``run`` also gives purity, operators and, of the first ``keep``, states.

        Raises ValueError for what it cannot give.
        """


def observing(engine: "Engine", save: Save, keep: int, grid: TimeGrid, dimension: int) -> "Engine":
    """The engine that gives what ``save`` asks for.

    Raises ValueError for what does not fit in memory, and what the engine cannot give.
    """
    able = engine if hasattr(engine, "observing") else None
    if save.of_state and able is None:
        raise ValueError(
            "this engine gives means, covariances and records, and neither purity nor QuTiP operators nor states: "
            "it has no method observing"
        )
    entries = int(getattr(engine, "state_entries", 0))
    save.require_memory(grid, dimension, keep, entries)
    if able is None or not save.of_state:
        return engine
    prepared: Engine = able.observing(save, keep)
    return prepared


def gaussian_purity(root: "np.ndarray[Any, np.dtype[np.float64]]") -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Tr ρ² = 1/(2ⁿ √det V) of Gaussian states of n oscillators, from roots of V (..., d, d); array of shape (...)."""
    d = root.shape[-1]
    return np.asarray(1.0 / (2.0 ** (d // 2) * np.abs(np.linalg.det(root))))
