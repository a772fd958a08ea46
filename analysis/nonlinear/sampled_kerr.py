"""E beside a Kerr term from trajectories of the Gaussian approximation, with 95 % intervals.

Section 5 of sim/README.md.
Conditional means of a Kerr oscillator at many quanta are not Gaussian: what they leave to E goes as the cube of the
number of quanta. The intervals of ``analysis.estimation`` assume Gaussian means. Here each trajectory i contributes

    u_i = (variance of a₊† − g a₋ given its record) + |⟨a₊†⟩ − g⟨a₋⟩|²      E = average of u_i

with the gain g that makes the average smallest, and the interval is that of an average: g does not matter to first
order.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import steering_parameter
from cascade_steering.analysis.estimation.estimators import Estimate
from cascade_steering.analysis.nonlinear.kerr_pair import KerrPair
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.gaussian.nonlinear.approximation import ApproximationWarning, GaussianApproximation
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.parameters import Detection, require_count

__all__ = ["SampledKerr", "sampled_kerr"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# Memory of + and of the filter: e^{−γ₊ t/2} is below 1e-3 after this time in units of 1/γ̃₀, and the amplitude of −
# begins in its stationary state, which a Kerr term does not change.
_DURATION = 1.0
# The step times (Γ₋ + Γ₊).
_STEP = 0.06


@dataclass(frozen=True, kw_only=True)
class SampledKerr:
    """E₊|₋ of an ensemble: without the record, given it, and the largest departure from Gaussian states in nats."""

    without_record: Estimate
    given_record: Estimate
    departure: float


def sampled_kerr(pair: KerrPair, detection: Detection, *, trajectories: int, seed: int) -> SampledKerr:
    """E₊|₋ from ``trajectories`` of the Gaussian approximation, begun in the stationary ensemble without Kerr terms.

    Given the record E is the average of that of each trajectory. Raises ValueError for fewer than two.
    """
    require_count(trajectories, "trajectories", low=2)
    steps = int(np.ceil(_DURATION * (pair.c_minus + pair.cooperativity) / _STEP))
    grid = TimeGrid(step=_DURATION / steps / pair.unit, steps_per_save=steps, saves=1)
    start = stationary_state(pair.linear_model(detection))
    engine = GaussianApproximation().prepare(pair.model(detection), grid, start)
    with warnings.catch_warnings():
        # the departure is part of the result
        warnings.simplefilter("ignore", ApproximationWarning)
        found = engine.run(seed, range(trajectories))
    means, covariances = found.means[:, -1], found.covariances[:, -1]
    return SampledKerr(
        without_record=Estimate.of_average(_contributions(means, covariances)),
        given_record=Estimate.of_average(np.asarray(steering_parameter(covariances, "plus_given_minus"))),
        departure=float(np.max(found.diagnostics["departure"])),
    )


def _contributions(means: FloatArray, covariances: FloatArray) -> FloatArray:
    """u_i, array of shape (n,)."""
    minus = (means[:, 0] + 1j * means[:, 1]) / np.sqrt(2.0)
    plus = (means[:, 2] - 1j * means[:, 3]) / np.sqrt(2.0)
    first = 0.5 * (covariances[:, 0, 0] + covariances[:, 1, 1])
    second = 0.5 * (covariances[:, 2, 2] + covariances[:, 3, 3])
    # ⟨a₊†a₋†⟩ of the deviations
    both = 0.5 * (covariances[:, 0, 2] - covariances[:, 1, 3])
    both = both - 0.5j * (covariances[:, 0, 3] + covariances[:, 1, 2])
    gain = np.mean(both + plus * minus.conj()) / np.mean(first + np.abs(minus) ** 2)
    left = second - 2.0 * np.real(np.conj(gain) * both) + np.abs(gain) ** 2 * first
    return np.asarray(left + np.abs(plus - gain * minus) ** 2)
