"""The trajectories of a block from runs, one of each, of any engine in a Fock space."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.fock.observing.observer import Observer, all_observed
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import Trajectories

__all__ = ["FinishedRun", "block_of_runs"]

FloatArray = NDArray[np.float64]


class FinishedRun(Protocol):
    """What a run of one trajectory has kept."""

    label: str
    record: FloatArray

    @property
    def means(self) -> Sequence[FloatArray]:
        """x̂ (d,) at each save."""

    @property
    def covariances(self) -> Sequence[FloatArray]:
        """V (d, d) at each save."""

    @property
    def displacement(self) -> FloatArray | None:
        """What a controller has added in each save interval, (saves, d)."""


def block_of_runs(
    runs: Sequence[FinishedRun],
    observers: Sequence[Observer],
    diagnostics: dict[str, FloatArray],
    grid: TimeGrid,
    *,
    dimension: int,
    channels: int,
    controlled: bool,
    stacklevel: int,
) -> Trajectories:
    """The block of the trajectories ``runs``, each with its observer; ``controlled`` in a closed loop.

    Warns as ``all_observed`` does, at ``stacklevel`` as seen by the caller.
    """
    n, d, saves = len(runs), dimension, grid.saves
    observed = all_observed(observers, [run.label for run in runs], stacklevel=stacklevel + 1)
    return Trajectories(
        means=np.array([run.means for run in runs]).reshape(n, saves + 1, d),
        covariances=np.array([run.covariances for run in runs]).reshape(n, saves + 1, d, d),
        record=np.array([run.record for run in runs]).reshape(n, saves, channels),
        diagnostics=diagnostics,
        purity=observed.purity,
        expectations=observed.expectations,
        outside=observed.outside,
        states=observed.states,
        displacement=np.array([run.displacement for run in runs]).reshape(n, saves, d) if controlled else None,
    )
