"""The law of one outcome given another as a state predicts it, for ``analysis.verification.outcome_criteria``."""

from collections.abc import Sequence
from dataclasses import dataclass

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

    y₂ = (a − ``center[0]``)/``length``, y = (b − ``center[1]`` − ``slope`` (a − ``center[0]``))/``scale``.
    """

    center: tuple[float, float]
    length: float
    slope: float
    scale: float
    outcomes: FloatArray
    positions: FloatArray
    density: FloatArray

    def _at(self, pairs: FloatArray) -> tuple[FloatArray, FloatArray]:
        ahead = pairs[:, 0] - self.center[0]
        return ahead / self.length, (pairs[:, 1] - self.center[1] - self.slope * ahead) / self.scale

    def surprise(self, pairs: FloatArray, bin_width: float) -> FloatArray:
        """−ln q(b|a), q averaged over the bin of b if ``bin_width`` is not 0; array of shape (n,)."""
        known, inferred = self._at(pairs)
        width = bin_width / self.scale
        if width:
            ends = [inferred + side * width / 2 for side in (1, -1)]
            steps = 0.5 * (self.density[1:] + self.density[:-1]) * (self.positions[1] - self.positions[0])
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
        means = self.positions @ self.density * (self.positions[1] - self.positions[0])
        return np.asarray(self.scale * (inferred - np.interp(known, self.outcomes, means)))

    def scores(self, pairs: FloatArray) -> FloatArray:
        """s, near −∂ ln q/∂b, and its derivative ∂s/∂b; array of shape (2, n)."""
        known, inferred = self._at(pairs)
        slopes = -np.gradient(self.density, self.positions, axis=0)
        # far out, where the density vanishes, that of the vacuum
        floor = _CUT * np.max(self.density, axis=0)
        table = (slopes + floor * self.positions[:, None]) / (self.density + floor)
        value, slope = self._interpolated(table, known, inferred)
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
        slope = np.where(beyond, 0.0, (upper - lower) / (self.positions[1] - self.positions[0]))
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
    center = np.asarray(state.mean).reshape(-1)
    return ExpectedLaw(
        center=(float(measured @ center), float(axis @ rows[2:] @ center)),
        length=given.length,
        slope=float(given.slope @ axis),
        scale=scale,
        outcomes=given.outcomes,
        positions=given.positions,
        density=joint / (np.sum(joint, axis=0) * given.step),
    )


def _place(grid: FloatArray, values: FloatArray) -> tuple[NDArray[np.intp], FloatArray]:
    """The index of the interval of an even grid, and the share of it, from 0 to 1."""
    exact = np.clip((values - grid[0]) / (grid[1] - grid[0]), 0.0, len(grid) - 1.0)
    index = np.minimum(exact.astype(np.intp), len(grid) - 2)
    return index, exact - index
