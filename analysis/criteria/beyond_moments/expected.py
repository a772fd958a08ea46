"""The law of both outcomes as a state predicts it, for ``analysis.verification.outcome_criteria``."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.beyond_moments.conditional_states import FramedState
from cascade_steering.analysis.criteria.beyond_moments.from_state import DensityInFrame, HomodyneSetting, require_two
from cascade_steering.analysis.criteria.steering import AnyDirection, inference_order

__all__ = ["ExpectedLaw", "expected_law"]

FloatArray = NDArray[np.float64]
# The share of a wide Cauchy law, so that no outcome is impossible, and where a density is small enough, relative to the
# largest, for its logarithm to be cut off in a score.
_TAIL_SHARE, _TAIL_WIDTH, _CUT = 0.003, 2.0, 2e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class ExpectedLaw:
    """Tables of the law of y given y₂, (positions, outcomes), and how outcomes (a, b) give both. Use ``expected_law``.

    y₂ = (a − ``center[0]``)/``length``, y = (b − ``center[1]`` − ``slope`` (a − ``center[0]``))/``scale``. The
    probability of y₂ within a step of the grid is in ``probabilities``, (outcomes,); ``mean`` is that of (a, b).
    """

    mean: tuple[float, float]
    center: tuple[float, float]
    length: float
    slope: float
    scale: float
    outcomes: FloatArray
    positions: FloatArray
    density: FloatArray
    probabilities: FloatArray

    @property
    def _step(self) -> float:
        return float(self.positions[1] - self.positions[0])

    def drawn(self, runs: int, stream: np.random.Generator) -> FloatArray:
        """Outcomes (a, b) of ``runs`` runs in this state, (runs, 2), uniform within a cell of the grid."""
        cumulative = np.cumsum(self.probabilities[:, None] * self.density.T)
        places = np.searchsorted(cumulative, cumulative[-1] * stream.random(runs), side="right")
        known, inferred = np.divmod(np.minimum(places, self.density.size - 1), len(self.positions))
        jitter = self._step * (stream.random((2, runs)) - 0.5)
        ahead = self.length * (self.outcomes[known] + jitter[0])
        behind = self.scale * (self.positions[inferred] + jitter[1]) + self.slope * ahead
        return np.stack([ahead + self.center[0], behind + self.center[1]], axis=1)

    def averages(self) -> FloatArray:
        """The averages of ``surprise``, of the square of ``errors``, and of s² and ∂s/∂b of ``scores``, in this state.

        Array of shape (4,). They are sums over the grid, which its spacing s leaves wrong by the order of s²/12.
        """
        weights = self.density * self.probabilities * self._step
        tail = (_TAIL_WIDTH / (np.pi * (_TAIL_WIDTH**2 + self.positions**2)))[:, None]
        surprise = np.log(self.scale) - np.log((1.0 - _TAIL_SHARE) * self.density + _TAIL_SHARE * tail)
        errors = self.scale * (self.positions[:, None] - self._means)
        scores = self._scores / self.scale
        slopes = np.gradient(self._scores, self.positions, axis=0) / self.scale**2
        return np.array([np.sum(weights * each) for each in (surprise, errors**2, scores**2, slopes)])

    @cached_property
    def _means(self) -> FloatArray:
        """⟨y|y₂⟩, (outcomes,)."""
        return np.asarray(self.positions @ self.density * self._step)

    @cached_property
    def _scores(self) -> FloatArray:
        """−∂ ln q/∂y, (positions, outcomes)."""
        slopes = -np.gradient(self.density, self.positions, axis=0)
        # far out, where the density vanishes, that of the vacuum
        floor = _CUT * np.max(self.density, axis=0)
        return np.asarray((slopes + floor * self.positions[:, None]) / (self.density + floor))

    def _at(self, pairs: FloatArray) -> tuple[FloatArray, FloatArray]:
        ahead = pairs[:, 0] - self.center[0]
        return ahead / self.length, (pairs[:, 1] - self.center[1] - self.slope * ahead) / self.scale

    def surprise(self, pairs: FloatArray, bin_width: float) -> FloatArray:
        """−ln q(b|a), q averaged over the bin of b if ``bin_width`` is not 0; array of shape (n,)."""
        known, inferred = self._at(pairs)
        width = bin_width / self.scale
        if width:
            ends = [inferred + side * width / 2 for side in (1, -1)]
            steps = 0.5 * (self.density[1:] + self.density[:-1]) * self._step
            below = np.vstack([np.zeros(len(self.outcomes)), np.cumsum(steps, axis=0)])
            upper, lower = (self._interpolated(below, known, each)[0] for each in ends)
            tail = np.subtract(*[np.arctan(each / _TAIL_WIDTH) for each in ends]) / (np.pi * width)
            found = (upper - lower) / width
        else:
            inside = np.abs(inferred) <= self.positions[-1]
            found = np.where(inside, self._interpolated(self.density, known, inferred)[0], 0.0)
            tail = _TAIL_WIDTH / (np.pi * (_TAIL_WIDTH**2 + inferred**2))
        return np.asarray(np.log(self.scale) - np.log((1.0 - _TAIL_SHARE) * found + _TAIL_SHARE * tail))

    def errors(self, pairs: FloatArray) -> FloatArray:
        """b less the mean of b given a; array of shape (n,)."""
        known, inferred = self._at(pairs)
        return np.asarray(self.scale * (inferred - np.interp(known, self.outcomes, self._means)))

    def scores(self, pairs: FloatArray) -> FloatArray:
        """s, near −∂ ln q/∂b, and its derivative ∂s/∂b; array of shape (2, n)."""
        known, inferred = self._at(pairs)
        value, slope = self._interpolated(self._scores, known, inferred)
        return np.stack([value / self.scale, slope / self.scale**2])

    def _interpolated(
        self, table: FloatArray, known: FloatArray, inferred: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """A table between its points, linear in both variables, and its exact derivative in y; constant beyond."""
        column, across = _place(self.outcomes, known)
        row, along = _place(self.positions, inferred)
        lower, upper = (
            (1 - across) * table[row + shift, column] + across * table[row + shift, column + 1] for shift in (0, 1)
        )
        beyond = (inferred < self.positions[0]) | (inferred > self.positions[-1])
        slope = np.where(beyond, 0.0, (upper - lower) / self._step)
        return (1 - along) * lower + along * upper, slope


def expected_law(
    state: DensityInFrame,
    setting: HomodyneSetting,
    *,
    direction: AnyDirection = "plus_given_minus",
    modes: Sequence[str] = (),
) -> ExpectedLaw:
    """The law of the outcome of the steered oscillator given that of the steering one. Section 8 of sim/README.md.

    Raises ValueError for a state of other than two oscillators.
    """
    require_two(state)
    rows = np.eye(4)[inference_order(direction, 4, modes)]
    measured, axis = rows[:2].T @ setting.steering, np.array(setting.steered)
    framed = FramedState.of(state.density, state.cutoffs, state.symplectic, fine=True)
    given = framed.given(measured, rows[2:])
    joint, scale = given.joint(axis)
    probabilities = np.sum(joint, axis=0) / np.sum(joint)
    slope, mean = float(given.slope @ axis), np.asarray(state.mean).reshape(-1)
    # ξ need not have the mean 0: the tables are around where y₂ and y are 0, and the law has the mean of the state
    ahead = given.length * float(given.outcomes @ probabilities)
    behind = slope * ahead + scale * float(given.positions @ np.sum(joint, axis=1)) / float(np.sum(joint))
    return ExpectedLaw(
        mean=(float(measured @ mean), float(axis @ rows[2:] @ mean)),
        center=(float(measured @ mean) - ahead, float(axis @ rows[2:] @ mean) - behind),
        length=given.length,
        slope=slope,
        scale=scale,
        outcomes=given.outcomes,
        positions=given.positions,
        density=joint / (np.sum(joint, axis=0) * given.step),
        probabilities=probabilities,
    )


def _place(grid: FloatArray, values: FloatArray) -> tuple[NDArray[np.intp], FloatArray]:
    """The index of the interval of an even grid, and the share of it, from 0 to 1."""
    exact = np.clip((values - grid[0]) / (grid[1] - grid[0]), 0.0, len(grid) - 1.0)
    index = np.minimum(exact.astype(np.intp), len(grid) - 2)
    return index, exact - index
