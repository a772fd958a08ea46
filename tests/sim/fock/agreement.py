"""One Fock trajectory against the moments of a linear model: no Monte-Carlo noise, so small wrong factors show."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.fock.qutip.qutip_sme import QutipEngine, QutipSME
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, thermal_state
from cascade_steering.sim.model.linear_model import LinearModel
from tests.sim.fock import reference
from tests.sim.fock.systems import cascade, monitored

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """Largest differences over the run: conditional covariance, and mean against the filter on the same record."""

    covariance: float
    mean: float


def disagreement(
    simulated: LinearModel,
    believed: LinearModel,
    initial: InitialState,
    grid: TimeGrid,
    noise: FloatArray,
    *,
    recorded_noise: FloatArray | None = None,
    cutoffs: tuple[int, int] = (8, 8),
) -> Disagreement:
    """``simulated`` is integrated with dW = ``noise``; ``believed`` is what Riccati and filter hold true.

    ``recorded_noise`` takes the place of the noise in the record.
    """
    run = QutipSME(cutoffs=cutoffs).prepare(simulated, grid, initial).run_path(noise)
    record = run.record[0] + (0.0 if recorded_noise is None else recorded_noise - noise)
    covariances = reference.covariances(believed, initial.covariance, grid.times, conditional=True)
    means = reference.filter_means(believed, covariances, record, grid.step)
    return Disagreement(
        covariance=float(np.max(np.abs(run.covariances[0] - covariances))),
        mean=float(np.max(np.abs(run.means[0] - means))),
    )


MODEL = monitored(cascade(occupations=(0.05, 0.1)))
START = thermal_state((0.1, 0.05))
SHORT = TimeGrid(step=0.02, steps_per_save=1, saves=20)


def engine(
    method: str = "platen",
    grid: TimeGrid = SHORT,
    model: LinearModel = MODEL,
    initial: InitialState = START,
    cutoffs: tuple[int, int] = (6, 6),
) -> QutipEngine:
    return QutipSME(cutoffs=cutoffs, method=method).prepare(model, grid, initial)
