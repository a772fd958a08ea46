"""The entropic and the metrological criterion of steering, from a density matrix.

Both are given on the scale of Reid's E: there is steering where a value is below ½, for a Gaussian state both are E,
and for any other state neither is above it.

    entropic       exp[h(u·x|w·x_A) + h(v·x|w'·x_A)] / 2πe    uᵀΣv = 1
    metrological   √( uᵀVu / uᵀFu )

V is the covariance of the steered oscillator given the outcome of one homodyne measurement, averaged over outcomes, F
likewise its quantum Fisher information given the outcome of another one. Axes and measured quadratures are searched
for; at any of them a value below ½ shows steering. Section 8 of sim/README.md.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.beyond_moments.conditional_states import FramedState, HomodynedStates
from cascade_steering.analysis.criteria.beyond_moments.newton_descent import STENCIL, LocalModel, descend
from cascade_steering.analysis.criteria.steering import (
    STEERING_BOUND,
    AnyDirection,
    inference_order,
    inferred_covariance,
    optimal_gains,
    steering_parameter,
)

__all__ = ["DensityInFrame", "HomodyneSetting", "NonGaussianSteering", "non_gaussian_steering", "require_two"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# Axes and measured quadratures that are tried before the best of them are refined.
_ANGLES = 12
_TIE = 9
_AROUND = STENCIL * np.array([-1.0, 0.0, 1.0])


class DensityInFrame(Protocol):
    """What the criteria take: a state of ``density_state``, or one after a click, ``StateInFrame``."""

    @property
    def density(self) -> ComplexArray:
        """ρ of ξ in the frame x = 𝖲ξ + x̄, array of shape (D, D)."""

    @property
    def cutoffs(self) -> tuple[int, ...]:
        """The levels of each mode of the frame."""

    @property
    def symplectic(self) -> FloatArray:
        """𝖲, array of shape (d, d)."""

    @property
    def covariance(self) -> FloatArray:
        """V of x, array of shape (d, d)."""

    @property
    def mean(self) -> FloatArray | None:
        """⟨x⟩, array of shape (d,)."""


@dataclass(frozen=True, kw_only=True)
class HomodyneSetting:
    """What is measured in one setting: ``steering``·x of the steering oscillator, ``steered``·x of the steered one."""

    steering: tuple[float, float]
    steered: tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class NonGaussianSteering:
    """E of second moments, and the entropic and metrological criterion on the same scale: steering below ½.

    ``settings`` are the two of the entropic criterion. ``error`` is the larger change of a value from the grid of the
    search, of spacing 1/4 or less, to one of spacing 0.06. Section 8 of sim/README.md.
    """

    moments: float
    entropic: float
    metrological: float
    settings: tuple[HomodyneSetting, HomodyneSetting]
    error: float

    @property
    def missed(self) -> bool:
        """Whether this state is seen to steer, and not by E."""
        return min(self.entropic, self.metrological) < STEERING_BOUND <= self.moments


def non_gaussian_steering(
    state: DensityInFrame, direction: AnyDirection = "plus_given_minus", modes: Sequence[str] = ()
) -> NonGaussianSteering:
    """The criteria for two oscillators in any state. Section 8 of sim/README.md.

    Walborn et al., Phys. Rev. Lett. 106, 130402 (2011); Yadin, Fadel and Gessner, Nat. Commun. 12, 2410 (2021).

    Parameters
    ----------
    state : of ``density_state``, or one after a click, ``StateInFrame``, with its frame; a mean has no influence
    direction : which oscillator is steered; ``modes`` names them as for ``steering_parameter``

    Raises ValueError for a state of other than two oscillators and an unknown direction.
    """
    require_two(state)
    search = _Search.of(state, direction, modes)
    (angles, entropic), (pair, metrological) = search.best()
    fine = search.refined
    refined = fine.sum_of_entropies(angles), fine.ratio(pair)
    return NonGaussianSteering(
        moments=search.moments,
        entropic=refined[0],
        metrological=refined[1],
        settings=(search.setting(*angles[:2]), search.setting(*angles[2:])),
        error=max(abs(refined[0] - entropic), abs(refined[1] - metrological)),
    )


def require_two(state: DensityInFrame) -> None:
    """Raise ValueError unless the state is one of two oscillators."""
    if len(state.cutoffs) != 2:
        raise ValueError(
            f"the criteria beyond second moments are for two oscillators, the state has {len(state.cutoffs)}: "
            "trace out the others"
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Search:
    """The search for axes, in coordinates in which the best linear inference looks the same along all of them.

    An angle β of the steered oscillator is the axis Q⁻¹(cos β, sin β) with U = E Q², an angle α of the steering one
    likewise with its covariance.
    """

    moments: float
    steered: FloatArray
    steering: FloatArray
    seeds: FloatArray
    framed: FramedState
    order: tuple[int, ...]

    @classmethod
    def of(cls, state: DensityInFrame, direction: AnyDirection, modes: Sequence[str]) -> "_Search":
        order = inference_order(direction, 4, modes)
        measured = order[:2]
        moments = float(steering_parameter(state.covariance, direction, modes))
        steered = _root(inferred_covariance(state.covariance, direction, modes))
        steering = _root(state.covariance[np.ix_(measured, measured)])
        gains = steering @ optimal_gains(state.covariance, direction, modes) @ np.linalg.inv(steered)
        seeds = [math.atan2(*(gains @ _unit(beta))[::-1]) for beta in _grid()] if np.any(np.abs(gains) > 1e-9) else []
        return cls(
            moments=moments,
            steered=np.asarray(np.linalg.inv(steered), dtype=np.float64),
            steering=np.asarray(np.linalg.inv(steering), dtype=np.float64),
            seeds=np.array([*seeds, *_grid()]),
            framed=FramedState.of(state.density, state.cutoffs, state.symplectic),
            order=tuple(order),
        )

    @property
    def refined(self) -> "_Search":
        """The same on the grid of a result."""
        return replace(self, framed=self.framed.refined)

    @cached_property
    def given(self) -> Callable[[float], HomodynedStates]:
        """The states given the outcome along α; the stencil of one point is kept."""
        rows = np.eye(4)[list(self.order)]

        @lru_cache(maxsize=6)
        def given(alpha: float) -> HomodynedStates:
            return self.framed.given(rows[:2].T @ self.steering @ _unit(alpha), rows[2:])

        return given

    def setting(self, alpha: float, beta: float) -> HomodyneSetting:
        steering, steered = self.steering @ _unit(alpha), self.steered @ _unit(beta)
        return HomodyneSetting(
            steering=(float(steering[0]), float(steering[1])), steered=(float(steered[0]), float(steered[1]))
        )

    def entropies(self, alpha: float, betas: FloatArray) -> FloatArray:
        return self.given(float(alpha)).entropies(np.array([self.steered @ _unit(float(beta)) for beta in betas]))

    def sum_of_entropies(self, angles: FloatArray) -> float:
        """The entropic criterion at α, β of the first and of the second setting."""
        total = sum(float(self.entropies(alpha, np.array([beta]))[0]) for alpha, beta in (angles[:2], angles[2:]))
        return math.exp(total) / (2.0 * math.pi * math.e * abs(math.sin(angles[3] - angles[1])))

    def entropies_around(self, angles: FloatArray) -> LocalModel:
        """The logarithm of the entropic criterion, but for a constant, about α, β of both settings."""
        first, second = (
            LocalModel.of_table(np.array([self.entropies(each, beta + _AROUND) for each in alpha + _AROUND]))
            for alpha, beta in (angles[:2], angles[2:])
        )
        apart = angles[3] - angles[1]
        if abs(math.sin(apart)) < 1e-3:
            return LocalModel(value=math.inf, slope=np.zeros(4), curvature=np.eye(4))
        cotangent = 1.0 / math.tan(apart)
        axes = np.array([0.0, -1.0, 0.0, 1.0])
        curvature = (1.0 + cotangent**2) * np.outer(axes, axes)
        curvature[:2, :2] += first.curvature
        curvature[2:, 2:] += second.curvature
        return LocalModel(
            value=first.value + second.value - math.log(abs(math.sin(apart))),
            slope=np.concatenate([first.slope, second.slope]) - cotangent * axes,
            curvature=curvature,
        )

    def ratio_around(self, angles: FloatArray) -> LocalModel:
        """The logarithm of the metrological criterion about the angle of V and that of F."""
        variances, information = (
            [getattr(self.given(float(each)), what)() for each in angle + _AROUND]
            for angle, what in zip(angles, ("variance", "information"), strict=True)
        )
        return LocalModel.of_table(np.log([[_least_ratio(v, f) for f in information] for v in variances]))

    def best(self) -> tuple[tuple[FloatArray, float], tuple[FloatArray, float]]:
        """The best angles of the entropic criterion and the value there, then those of the metrological one."""
        entropies, variances, information = [], [], []
        for alpha in self.seeds:
            entropies.append(self.entropies(alpha, _grid()))
            variances.append(self.given(float(alpha)).variance())
            information.append(self.given(float(alpha)).information())
        table = np.round(entropies, _TIE)
        places, best = np.argmin(table, axis=0), np.min(table, axis=0)
        with np.errstate(divide="ignore"):
            area = np.log(np.abs(np.sin(np.subtract.outer(_grid(), _grid()))))
        first, second = _least(best[:, None] + best - area)
        axes = [self.seeds[places[first]], _grid()[first], self.seeds[places[second]], _grid()[second]]
        first, second = _least(np.array([[_least_ratio(v, f) for f in information] for v in variances]))
        pair = [self.seeds[first], self.seeds[second]]
        angles, turns = descend(self.entropies_around, np.array(axes)), descend(self.ratio_around, np.array(pair))
        return (angles, self.sum_of_entropies(angles)), (turns, self.ratio(turns))

    def ratio(self, angles: FloatArray) -> float:
        """The metrological criterion with V at the first of the angles, and F at the second; the best axis."""
        return _least_ratio(self.given(float(angles[0])).variance(), self.given(float(angles[1])).information())


def _least(table: FloatArray) -> tuple[int, int]:
    """The place of the least entry; of entries that are equal to nine digits the first."""
    row, column = np.unravel_index(np.argmin(np.round(table, _TIE)), table.shape)
    return int(row), int(column)


def _least_ratio(variance: FloatArray, information: FloatArray) -> float:
    """The root of the least uᵀVu/uᵀFu over u."""
    root = np.linalg.inv(np.linalg.cholesky(variance))
    return float(1.0 / math.sqrt(np.linalg.eigvalsh(root @ information @ root.T)[-1]))


def _root(covariance: FloatArray) -> FloatArray:
    """The symmetric root of a covariance (2, 2) over that of its determinant."""
    scale = math.sqrt(float(np.linalg.det(covariance)))
    square = covariance / scale
    return np.asarray((square + np.eye(2)) / math.sqrt(float(np.trace(square)) + 2.0))


def _grid() -> FloatArray:
    return np.pi * np.arange(_ANGLES) / _ANGLES


def _unit(angle: float) -> FloatArray:
    return np.array([math.cos(angle), math.sin(angle)])
