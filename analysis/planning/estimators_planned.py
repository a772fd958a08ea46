"""What the runs of an experiment that is planned will say about E and d, and how well. See sim/README.md, section 8.

In the first experiment the conditional means of every run are known, as from simulated trajectories, and E is that of
their exact covariance and their scatter. In the second, one quadrature of each oscillator is measured at the end of
each run, and E is what gains fitted to the outcomes leave, as in a laboratory. The standard errors follow from the laws
of the estimators, and nothing is simulated.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, AnyDirection, Direction, Scheme
from cascade_steering.analysis.estimation.residuals import BestInference
from cascade_steering.analysis.estimation.sampling import FEWEST_TO_STOP
from cascade_steering.analysis.verification.inference import FEWEST_RUNS, exact_steering, settings_of
from cascade_steering.analysis.verification.save_intervals import SaveIntervals
from cascade_steering.analysis.verification.standard_errors import (
    error_of_independent_reduction,
    error_of_nested_reduction,
    error_of_product,
)
from cascade_steering.sim.ensemble.local_measurements import Verification
from cascade_steering.sim.gaussian.covariance import transient_roots
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import require

__all__ = ["Estimator", "FromOutcomes", "FromTrajectories", "Planned", "PlannedRun"]

FloatArray = NDArray[np.float64]
Planned = Literal["unconditional", "conditional", "d"]
# the coefficients of the regressions without and with the record, intercept included
_COEFFICIENTS: dict[Scheme, int] = {"unconditional": 2, "conditional": 4}


@dataclass(frozen=True, kw_only=True, eq=False)
class PlannedRun:
    """One run at a working point.

    Parameters
    ----------
    model, initial : of the run; the initial state is Gaussian
    duration : how long the light is on and measured, seconds, > 0
    dead_time : between two runs, seconds, ≥ 0

    Raises ValueError for a value out of its range.
    """

    model: LinearModel
    initial: InitialState
    duration: float
    dead_time: float = 0.0

    def __post_init__(self) -> None:
        require(self.duration, "duration", low=0.0, low_open=True)
        require(self.dead_time, "dead time per run", low=0.0)
        self.initial.require_gaussian("a plan")


class Estimator(Protocol):
    """What the runs of a working point say about E and d, and how well."""

    @property
    def run(self) -> PlannedRun:
        """One of these runs."""

    @property
    def settings(self) -> int:
        """How many different runs take turns: numbers of runs are multiples of that."""

    @property
    def fewest(self) -> int:
        """The fewest runs from which there is an estimate."""

    @property
    def intervals(self) -> SaveIntervals | None:
        """Over which the record is summed; None where it is not, or has no use."""

    def value(self, scheme: Scheme, direction: Direction) -> float:
        """E that the estimate tends to."""

    def error(self, quantity: Planned, direction: Direction, runs: int) -> float:
        """The standard error of E of a scheme, or of d, from so many runs."""

    def error_of_pair(self, other: Any, direction: Direction, runs: int) -> float:
        """That of d = 1 − E_c/E_u with E_u from these runs and E_c from as many of another estimator of this kind."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FromTrajectories:
    """E from conditional means that are known: E_c is exact, and the scatter of M means is sampled.

    To first order in the scatter S, with B = Q⁻¹TᵀST, the standard error of E_u is (E_u/2) √(2 tr B²/(M−1)), that of
    ``analysis.estimation.residuals.SampledScatter``. From fewer than ``FEWEST_TO_STOP`` means the first order is not
    sufficient.
    """

    run: PlannedRun
    settings: int = 1
    fewest: int = FEWEST_TO_STOP
    intervals: SaveIntervals | None = None

    def value(self, scheme: Scheme, direction: Direction) -> float:
        """E at the end of a run."""
        return self._inferences[scheme, direction].value

    def error(self, quantity: Planned, direction: Direction, runs: int) -> float:
        """The standard error; 0 for E given the record, of which nothing is sampled."""
        if quantity == "conditional":
            return 0.0
        inference = self._inferences["unconditional", direction]
        whitened = inference.whitened(self._scatter)
        of_unconditional = (
            inference.value / 2 * math.sqrt(2.0 / (runs - 1)) * float(np.linalg.norm(whitened.T @ whitened))
        )
        if quantity == "unconditional":
            return of_unconditional
        return self.value("conditional", direction) / inference.value**2 * of_unconditional

    def error_of_pair(self, other: "FromTrajectories", direction: Direction, runs: int) -> float:
        """The standard error of d, E_c being exact at the ``other`` point."""
        e_u, e_c = self.value("unconditional", direction), other.value("conditional", direction)
        return e_c / e_u**2 * self.error("unconditional", direction, runs)

    @cached_property
    def _roots(self) -> dict[Scheme, FloatArray]:
        run, times = self.run, np.array([self.run.duration])
        whole = np.concatenate([run.initial.covariance_root, run.initial.scatter_root])
        return {
            "unconditional": transient_roots(run.model, whole, times, conditional=False)[0],
            "conditional": transient_roots(run.model, run.initial.covariance_root, times, conditional=True)[0],
        }

    @cached_property
    def _scatter(self) -> FloatArray:
        """A root of the scatter of the means, V_u − V_c."""
        return _root_of_difference(self._roots["unconditional"], self._roots["conditional"])

    @cached_property
    def _inferences(self) -> dict[tuple[Scheme, Direction], BestInference]:
        return {
            (scheme, direction): BestInference.of(root, direction)
            for scheme, root in self._roots.items()
            for direction in DIRECTIONS
        }


def _root_of_difference(larger: FloatArray, smaller: FloatArray) -> FloatArray:
    """A root of RᵀR − rᵀr ≥ 0 from roots (d, d): with r = X R it is that of Rᵀ(1 − XᵀX)R, in which nothing cancels."""
    share = np.linalg.solve(larger.T, smaller.T).T
    values, vectors = np.linalg.eigh(np.eye(len(larger)) - share.T @ share)
    root: FloatArray = np.sqrt(np.clip(values, 0.0, None))[:, None] * (vectors.T @ larger)
    return root


@dataclass(frozen=True, kw_only=True, eq=False)
class FromOutcomes:
    """E from one quadrature of each oscillator, measured at the end of each run, with fitted gains.

    Parameters
    ----------
    run : one run
    saves : over how many equal intervals the record is summed before it is filtered
    scheme : the one scheme that is verified; None for both in turn
    compared_with : E without the record of another working point, by direction, with which d is formed

    ``fewest`` runs leave at least three degrees of freedom without the record. Raises ValueError as
    ``Verification.of`` does.
    """

    run: PlannedRun
    saves: int
    scheme: Scheme | None = None
    compared_with: Mapping[AnyDirection, float] | None = None

    @cached_property
    def verification(self) -> Verification:
        """The experiment."""
        return Verification.of(self.run.model, TimeGrid.over(self.run.duration, saves=self.saves), self.run.initial)

    @cached_property
    def intervals(self) -> SaveIntervals | None:
        """The save intervals and what they cost; None if E is verified without the record alone."""
        if self.scheme == "unconditional":
            return None
        return SaveIntervals(verification=self.verification, compared_with=self.compared_with)

    @property
    def settings(self) -> int:
        """X and P, of one scheme or of both."""
        return 2 if self.scheme is not None else len(self.verification.settings)

    @property
    def fewest(self) -> int:
        """Five in each setting."""
        return FEWEST_RUNS * self.settings

    def value(self, scheme: Scheme, direction: Direction) -> float:
        """E of the two quadratures that are measured; that given the record is for the filter of its sums."""
        found: dict[str, dict[str, float]] = self._exact["measured"]
        return found[scheme][f"E_{direction}"]

    def error(self, quantity: Planned, direction: Direction, runs: int) -> float:
        """The standard error, exact."""
        u, c = (self.freedoms(scheme, runs) for scheme in SCHEMES)
        if quantity != "d":
            return self.value(quantity, direction) * error_of_product(u if quantity == "unconditional" else c)
        if self._shared:
            return error_of_nested_reduction(u, c, self._explained(direction))
        left = self.value("conditional", direction) / self.value("unconditional", direction)
        return left * error_of_independent_reduction(u, c)

    def error_of_pair(self, other: "FromOutcomes", direction: Direction, runs: int) -> float:
        """The standard error of d, with E_c from as many runs at the ``other`` point."""
        left = other.value("conditional", direction) / self.value("unconditional", direction)
        freedoms = self.freedoms("unconditional", runs), other.freedoms("conditional", runs)
        return left * error_of_independent_reduction(*freedoms)

    def freedoms(self, scheme: Scheme, runs: int) -> tuple[int, int]:
        """The degrees of freedom of the residual variances of X and P."""
        freedom = runs // self.settings - _COEFFICIENTS[scheme]
        return freedom, freedom

    @cached_property
    def _exact(self) -> dict[str, dict[str, dict[str, float]]]:
        return exact_steering(self.verification)

    @property
    def _shared(self) -> bool:
        """Whether both schemes are verified in the same runs."""
        first, second = (settings_of(self.verification, scheme) for scheme in SCHEMES)
        return first == second

    def _explained(self, direction: Direction) -> tuple[float, float]:
        """What of the residual variances of X and P the record explains."""
        inferred, measured = (1, 0) if direction == "plus_given_minus" else (0, 1)
        shares = []
        for setting in settings_of(self.verification, "conditional"):
            whole, rest = (
                _residual(setting.axes @ v @ setting.axes.T, inferred, measured)
                for v in (self.verification.unconditional, self.verification.conditional)
            )
            shares.append(max(1.0 - rest / whole, 0.0))
        return shares[0], shares[1]


def _residual(covariance: FloatArray, inferred: int, measured: int) -> float:
    return float(covariance[inferred, inferred] - covariance[0, 1] ** 2 / covariance[measured, measured])
