"""What is kept of a simulation beside conditional means and records, and what an engine must offer for it."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import numpy as np

from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.identity import numbers_of
from cascade_steering.sim.outputs.observables import Operator, Quadratic, observable

if TYPE_CHECKING:
    import qutip

    from cascade_steering.sim.ensemble.block import Engine

__all__ = [
    "MOST_BYTES",
    "NOTHING",
    "Observing",
    "Save",
    "StatesKept",
    "gaussian_purity",
    "observing",
    "with_final_states",
]

StatesKept = Literal["none", "end", "saves"]
# The most memory for all kept trajectories together: a file of a run in the classic format holds as much.
MOST_BYTES = 2_000_000_000
_BYTES = 8


@dataclass(frozen=True, kw_only=True, eq=False)
class Save:
    """What ``sim.ensemble.simulate.simulate`` keeps at each save beside means, covariances and records.

        save = cs.Save(purity=True, observables={"n": cs.quanta(0)}, states="end")
        result = point.simulate(duration_units=1, keep=1, save=save)

    Purity and observables are averaged over all trajectories, with a standard error, and their values are kept for the
    first ``keep`` trajectories. Covariances and states are kept for these trajectories only. Standard errors include
    the sampling error alone: errors of step and truncation are measured for means and covariances only
    (``sim.ensemble.discretisation``). Section 7 of sim/README.md.

    Parameters
    ----------
    covariances : whether the conditional covariance of each kept trajectory is kept
    purity : whether Tr ρ² of the conditional state is kept
    observables : observables by name: ``sim.outputs.observables.Quadratic``, which is exact in every state, or a
        Hermitian QuTiP operator on the Fock levels of x, one space for each oscillator, which is taken as zero above
        its levels. All QuTiP operators must have the same levels
    states : whether conditional density matrices are kept at every save (``saves``), at the ``end``, or not (``none``)

    Raises ValueError for an observable of another kind, for levels that differ, and for other ``states``.
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
        """Whether the engine must return more than mean, covariance and record."""
        return self.purity or bool(self.operators) or self.states != "none"

    @property
    def anything(self) -> bool:
        """Whether anything is to be kept."""
        return self.of_state or self.covariances or bool(self.observables)

    def states_of(self, grid: TimeGrid) -> list[int]:
        """The numbers of the saves at which states are kept."""
        return {"none": [], "end": [grid.saves], "saves": list(range(grid.saves + 1))}[self.states]

    @property
    def identity(self) -> Mapping[str, Any]:
        """All settings as numbers and text, by which a run directory recognises them."""
        return {
            "covariances": self.covariances,
            "purity": self.purity,
            "states": self.states,
            "observables": {name: numbers_of(each) for name, each in self.observables.items()},
        }

    def require(self, dimension: int, keep: int) -> None:
        """Raise ValueError unless this fits ``dimension`` quadratures and ``keep`` kept trajectories."""
        for name, each in self.observables.items():
            modes = len(each.levels) if isinstance(each, Operator) else len(each.quadratic) // 2
            if modes != dimension // 2:
                raise ValueError(f"observable {name} must be one of {dimension // 2} oscillators, got {modes}")
        if not keep and (self.covariances or self.states != "none"):
            raise ValueError("covariances and states are those of trajectories kept: keep must be at least 1, got 0")

    def require_memory(self, grid: TimeGrid, dimension: int, keep: int, entries: int) -> None:
        """Raise ValueError if the values of ``keep`` kept trajectories take more than ``MOST_BYTES``.

        ``entries`` is the number of entries of a density matrix, 0 if none is kept.
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
    """A prepared engine that can return more of a state than its mean and covariance."""

    @property
    def state_entries(self) -> int:
        """The number of entries of the density matrix of a state; 0 if all states are Gaussian."""

    def observing(self, save: Save, keep: int) -> "Engine":
        """The same engine, whose ``run`` also returns purity, operators, and states of the first ``keep`` trajectories.

        Raises ValueError for what it cannot return.
        """


def observing(engine: "Engine", save: Save, keep: int, grid: TimeGrid, dimension: int) -> "Engine":
    """The engine that returns what ``save`` asks for.

    Raises ValueError for what takes too much memory, and for what the engine cannot return.
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


def with_final_states(engine: "Engine", save: Save) -> "Engine":
    """The engine of ``observing`` whose ``run`` also returns the final state of each trajectory, for an experiment.

    They are those of a block at a time, so that memory does not grow with the ensemble.
    """
    able = engine if hasattr(engine, "observing") else None
    if able is None:
        raise ValueError("this engine gives no states for an experiment: it has no method observing")
    prepared: Engine = able.observing(save if save.states != "none" else replace(save, states="end"), sys.maxsize)
    return prepared


def gaussian_purity(root: "np.ndarray[Any, np.dtype[np.float64]]") -> "np.ndarray[Any, np.dtype[np.float64]]":
    """Tr ρ² = 1/(2ⁿ √det V) of Gaussian states of n oscillators, from roots of V (..., d, d); array of shape (...).

    Section 7 of sim/README.md.
    """
    d = root.shape[-1]
    return np.asarray(1.0 / (2.0 ** (d // 2) * np.abs(np.linalg.det(root))))
