"""What both Fock engines take of the states of a trajectory at its saves, beside their moments."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.diagnostics import warn_of_population_outside
from cascade_steering.sim.fock.basis.levels import Levels
from cascade_steering.sim.fock.basis.states import MAX_LOST_POPULATION
from cascade_steering.sim.fock.observing.laboratory import in_laboratory
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import States
from cascade_steering.sim.outputs.observables import expectations_of
from cascade_steering.sim.outputs.saving import Save

__all__ = ["Observed", "Observer", "all_observed", "purity"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Observed:
    """Values for n trajectories, as in ``sim.initial_state.Trajectories``; None if ``Save`` does not ask for them."""

    purity: FloatArray | None
    expectations: FloatArray | None
    outside: FloatArray | None
    states: States | None


class Observer:
    """Takes what ``Save`` asks for of the states of one trajectory, at one save after the other.

    Parameters
    ----------
    save : what is asked for
    grid : times of the run
    levels : the levels between which the states are given; another value may be assigned before each save
    keeps_states : whether the states themselves are kept
    """

    def __init__(self, save: Save, grid: TimeGrid, levels: Levels, *, keeps_states: bool) -> None:
        self.save, self.levels = save, levels
        self.purity: list[float] = []
        self.expectations: list[FloatArray] = []
        self.outside: list[float] = []
        self.states: list[tuple[ComplexArray, FloatArray, FloatArray]] = []
        self.sizes: list[tuple[int, ...]] = []
        self._stated = save.states_of(grid) if keeps_states else []
        self._saves = 0

    def take(self, density: ComplexArray, symplectic: FloatArray, origin: FloatArray) -> None:
        """Take the state at the next save: ρ (D, D) of ξ between the levels, x = 𝖲ξ + x̄."""
        if self.save.purity:
            self.purity.append(purity(density))
        keeps_states = self._saves in self._stated
        if self.save.operators or keeps_states:
            trace = np.trace(density).real
            box = self.levels.to_box(density / trace)
            if self.save.operators:
                self._observe(box, symplectic, origin)
            if keeps_states:
                self.states.append((box, symplectic.copy(), origin.copy()))
                self.sizes.append(self.levels.cutoffs)
        self._saves += 1

    def require_start(self, density: ComplexArray, symplectic: FloatArray, origin: FloatArray) -> None:
        """Raise ValueError if more than 1e-2 of the initial state lies above the levels of the operators."""
        wanted = self.save.levels
        if wanted is None:
            return
        self._observe(self.levels.to_box(density), symplectic, origin)
        if self.outside[0] > MAX_LOST_POPULATION:
            raise ValueError(
                f"the QuTiP operators among the observables have {' x '.join(map(str, wanted))} levels, and "
                f"{100 * self.outside[0]:.2g} % of the state at the start lies above them: use more levels, or "
                "a Quadratic, which has no levels"
            )

    def _observe(self, box: ComplexArray, symplectic: FloatArray, origin: FloatArray) -> None:
        assert self.save.levels is not None
        found = in_laboratory(box, symplectic, origin, self.levels.cutoffs, self.save.levels)
        values, outside = expectations_of(self.save.operators, found)
        self.expectations.append(values)
        self.outside.append(float(outside))


def purity(density: ComplexArray) -> float:
    """Tr ρ² of a state (D, D), which is normalised first. Section 7 of sim/README.md."""
    return float(np.sum(np.abs(density) ** 2) / np.trace(density).real ** 2)


def all_observed(observers: Sequence[Observer], labels: Sequence[str], stacklevel: int = 3) -> Observed:
    """The values of all observers of a block; warns CutoffWarning of population above the levels of the operators."""
    if not observers:
        return Observed(purity=None, expectations=None, outside=None, states=None)
    save = observers[0].save
    outside = np.array([each.outside for each in observers])
    if save.operators:
        worst = int(np.argmax(np.max(outside, axis=1)))
        warn_of_population_outside(save.levels or (), float(np.max(outside)), f" ({labels[worst]})", stacklevel + 1)
    kept = [each for each in observers if each.states]
    return Observed(
        purity=np.array([each.purity for each in observers]) if save.purity else None,
        expectations=np.array([each.expectations for each in observers]) if save.operators else None,
        outside=outside if save.operators else None,
        states=_states(kept) if kept else None,
    )


def _states(observers: Sequence[Observer]) -> States:
    densities, symplectics, origins = (
        np.array([[state[part] for state in each.states] for each in observers]) for part in range(3)
    )
    return States(levels=observers[0].levels.cutoffs, densities=densities, symplectics=symplectics, origins=origins)
