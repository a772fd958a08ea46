"""The covariance of the filter, and E with it, found from records alone: no oscillator is measured. Section 8 of
sim/README.md.

x̂_F depends on the record before t, x̂_R on the record after. The errors x̂_F − x and x̂_R − x have independent noise, the
first that before t, the second that after t, and both have mean zero, so that for δ = x̂_F − x̂_R

    Cov(δ) = V_F + V_R

whatever x was (Rossi et al., Phys. Rev. Lett. 123, 163601 (2019)). What is found is C − V_R with C = ⟨δδᵀ⟩: the mean
square error of x̂_F, which is V_F if the filter is right, and more if it is not. V_R is that of the model: what is taken
from there is the calibration of the record and the model of what happens after t, and nothing of what happened before.

With the gains g of the filter, y = Tᵀδ the residual of one oscillator (section 8), U = TᵀV_F T and E = √det U,

    Ê = (E/2) tr( U⁻¹( Tᵀ C T − TᵀV_R T ) )

is linear in C, so that its interval is that of a variance; and ½ tr(U⁻¹Û) ≥ √(det Û/det U), so that on average Ê is at
least the E of the mean square error Û. It is equal if the filter is right.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from cascade_steering.analysis.criteria.steering import (
    AnyDirection,
    inference_order,
    inferred_covariance,
    optimal_gains,
    pairwise_directions,
    steering_parameter,
)
from cascade_steering.analysis.estimation.estimators import Estimate
from cascade_steering.analysis.estimation.residuals import CONFIDENCE
from cascade_steering.analysis.past_states.whole_record import PastStates
from cascade_steering.sim.gaussian.covariance import relaxation_time, steady_state
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.past.steady_effect import adjoint_equations, steady_effect
from cascade_steering.sim.gaussian.riccati import steady_covariance
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = [
    "FEWEST_PIECES",
    "Differences",
    "NeededPieces",
    "RecordsAlone",
    "independent_after",
    "needed_pieces",
    "verify_by_records",
]

FloatArray = NDArray[np.float64]
FEWEST_PIECES = 10
# After this many decay times two differences are independent, up to e^{−8} = 3e-4.
_DECAYS = 8.0


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordsAlone:
    """V_F and E as records alone have them.

    Parameters
    ----------
    covariance : C − V_R, array of shape (d, d)
    standard_errors : of its entries, array of shape (d, d)
    steering : E with its 95 % interval, by direction
    exact : E of the filter, by direction
    pieces : how many differences were compared
    needed : how many it takes for a standard error of E of 10 %, by direction
    """

    covariance: FloatArray
    standard_errors: FloatArray
    steering: dict[str, Estimate]
    exact: dict[str, float]
    pieces: int
    needed: dict[str, float]


@dataclass(frozen=True, kw_only=True)
class NeededPieces:
    """What it takes to verify E by an endless record.

    Parameters
    ----------
    E, retrodicted : of the filter and of the effect
    excess : variance that retrodiction adds to the residuals, over that of the filter
    pieces : independent differences for a standard error of E of ``relative`` E
    spacing : time between them, seconds
    """

    E: float
    retrodicted: float
    excess: float
    pieces: float
    spacing: float


def independent_after(model: LinearModel | Schedule) -> float:
    """The time after which differences x̂_F − x̂_R are independent, seconds. Section 8 of sim/README.md.

    Eight times the longer of the times in which the filter and the retrodiction forget. Raises NoSteadyStateError where
    one of them does not.
    """
    last = Schedule.of(model).models[-1]
    backwards = adjoint_equations(moment_equations(last))
    closed = backwards.drift - backwards.gain(steady_covariance(backwards)) @ backwards.readout
    slowest = -float(np.max(np.linalg.eigvals(closed).real))
    return _DECAYS * max(relaxation_time(last), 1.0 / slowest)


def needed_pieces(
    model: LinearModel, direction: AnyDirection, relative: float = 0.1, modes: Sequence[str] = ()
) -> NeededPieces:
    """How many differences verify E in a steady state, given a continuous record. Section 8 of sim/README.md.

    σ(Ê)/E = √(tr B²/2M) with B = U⁻¹TᵀCT and M differences. The pieces are infinite where V_R is. Raises
    NoSteadyStateError where there is no conditional steady state.
    """
    from cascade_steering.analysis.past_states.outcomes import retrodicted_steering

    covariance, root = steady_state(model, conditional=True), steady_effect(model)
    exact = float(steering_parameter(covariance, direction, modes))
    retrodicted = float(retrodicted_steering(root, direction, modes))
    excess, pieces = math.inf, math.inf
    if np.all(np.diagonal(root) > 0.0):
        inverse = np.linalg.inv(root)
        added = _added(covariance, inverse @ inverse.T, direction, modes)
        excess, pieces = float(np.trace(added)) / 2.0, _pieces(added, relative)
    return NeededPieces(
        E=exact, retrodicted=retrodicted, excess=excess, pieces=pieces, spacing=independent_after(model)
    )


def verify_by_records(found: PastStates, spacing: float | None = None) -> RecordsAlone:
    """V_F and E from the differences x̂_F − x̂_R of all records, at times apart. Section 8 of sim/README.md.

    Parameters
    ----------
    found : records looked at as a whole, see ``analysis.past_states.whole_record.look_back``
    spacing : between the times of one record, and from its ends, seconds; ``independent_after`` if left out

    Raises ValueError for fewer than ten differences, where the record after t does not determine all quadratures, and
    for a spacing that is not positive.
    """
    record, model = found.reading.record, found.reading.model
    compared = Differences(model, record.interval, record.values.shape[1], spacing)
    compared.add(found)
    return compared.verified()


class Differences:
    """The sums over differences x̂_F − x̂_R that a record gives, of pieces that come in any order.

    Section 8 of sim/README.md.

    Parameters
    ----------
    model : of the record
    interval : of the record, seconds
    intervals : of the whole record
    spacing : as for ``verify_by_records``

    Raises ValueError for a spacing that is not positive.
    """

    def __init__(
        self, model: LinearModel | Schedule, interval: float, intervals: int, spacing: float | None = None
    ) -> None:
        self._apart = independent_after(model) if spacing is None else float(spacing)
        if not 0.0 < self._apart < math.inf:
            raise ValueError(f"spacing must be positive and finite, got {spacing!r}")
        self._modes, self._interval, self._intervals = model.modes, interval, intervals
        step = max(1, math.ceil(self._apart / interval))
        self._times = np.arange(step, intervals + 1 - step, step)
        d = model.dimension
        self._squares, self._known, self._future = np.zeros((3, d, d))
        self._records = self._compared = 0

    def add(self, found: PastStates, before: int = 0) -> None:
        """Take the times of a piece, those after its start, with so many intervals ``before`` it.

        Times in long gaps, where the record after t does not determine all quadratures, are left out.
        """
        exact, effect = found.reading.exact, found.effect
        times = self._times - before
        times = times[(times > 0) & (times < len(effect.shared.numbers))]
        times = times[effect.determined[times]]
        self._records = len(exact.means)
        self._compared += len(times)
        kinds = effect.shared.numbers[times]
        roots = effect.shared.kinds[kinds]
        off = (exact.means[:, times] - found.retrodicted_mean[:, times]).reshape(-1, exact.means.shape[-1])
        inverse = np.linalg.inv(roots)
        self._squares += off.T @ off
        self._known += exact.covariances[times].sum(axis=0)
        self._future += (inverse @ np.swapaxes(inverse, -1, -2)).sum(axis=0)

    def verified(self) -> RecordsAlone:
        """What the sums say. Raises ValueError as ``verify_by_records`` does."""
        pieces = self._compared * self._records
        if len(self._times) * self._records >= FEWEST_PIECES > pieces:
            raise ValueError("the record after t does not determine all quadratures, so that they cannot be compared")
        if pieces < FEWEST_PIECES:
            raise ValueError(
                f"records must be long enough for {FEWEST_PIECES} differences that are {self._apart:.4g} s apart and "
                f"from the ends, got {pieces} of {self._records} records of {self._intervals * self._interval:.4g} s"
            )
        known, future = self._known / self._compared, self._future / self._compared
        modes, spread = self._modes, self._squares / pieces
        ways, variances = pairwise_directions(modes), np.diagonal(spread)
        return RecordsAlone(
            covariance=spread - future,
            standard_errors=np.sqrt((np.outer(variances, variances) + spread**2) / pieces),
            steering={str(way): _estimate(spread, pieces, known, future, way, modes) for way in ways},
            exact={str(way): float(steering_parameter(known, way, modes)) for way in ways},
            pieces=pieces,
            needed={str(way): _pieces(_added(known, future, way, modes), 0.1) for way in ways},
        )


def _added(known: FloatArray, future: FloatArray, direction: AnyDirection, modes: Sequence[str]) -> FloatArray:
    """U⁻¹TᵀV_R T, what V_R adds to the residuals; array of shape (2, 2)."""
    residual = _residual(known, direction, modes)
    inferred = inferred_covariance(known, direction, modes)
    return np.asarray(np.linalg.solve(inferred, residual.T @ future @ residual), dtype=np.float64)


def _pieces(added: FloatArray, relative: float) -> float:
    """tr B²/2 over ``relative``²: the number of differences for that standard error of E over E."""
    both = np.eye(2) + added
    return float(np.trace(both @ both)) / (2.0 * relative**2)


def _residual(covariance: FloatArray, direction: AnyDirection, modes: Sequence[str]) -> FloatArray:
    """T with Tᵀx = inferred − gᵀ measured, array of shape (d, 2)."""
    order = inference_order(direction, len(covariance), modes)
    residual = np.zeros((len(covariance), 2))
    residual[order[:-2]] = -optimal_gains(covariance, direction, modes)
    residual[order[-2:]] = np.eye(2)
    return residual


def _estimate(
    spread: FloatArray, pieces: int, known: FloatArray, future: FloatArray, direction: AnyDirection,
    modes: Sequence[str]
) -> Estimate:  # fmt: skip
    """Ê and its interval from ⟨δδᵀ⟩ of so many differences: that of the variances, as a χ² of ν degrees of freedom."""
    residual = _residual(known, direction, modes)
    inferred = inferred_covariance(known, direction, modes)
    half = float(steering_parameter(known, direction, modes)) / 2.0
    matrix = np.linalg.solve(inferred, residual.T @ spread @ residual)
    variance = half * float(np.trace(matrix))
    added = half * float(np.trace(_added(known, future, direction, modes)))
    freedom = pieces * float(np.trace(matrix)) ** 2 / float(np.trace(matrix @ matrix))
    tail = (1.0 - CONFIDENCE) / 2.0
    low, high = (variance * freedom / float(chdtri(freedom, each)) for each in (tail, 1.0 - tail))
    return Estimate(value=variance - added, low=max(low - added, 0.0), high=max(high - added, 0.0))
