"""Covariances whose entries grow without bound, without loss of digits. Section 4 of sim/README.md.

Where γ₋ < 0 the variance of − grows as e^{|γ₋|t}, to 1e100 and beyond, while what − tells about + stays of order 0.1.
The covariance is therefore advanced as V = L diag(s²) Lᵀ with L unit lower triangular in the order of the quadratures:
each y of x = L y is a quadrature less its best estimate from those before it, and has the standard deviation s. The
growth cancels nowhere, because no product of L and s is ever subtracted from another one: over a step x' = Φx + n the
flow itself is taken apart, ΦL = L'U, so that L moves with the growing motion and U has no growing entry outside of its
own oscillator; the noise n adds to y' = U y + L'⁻¹n, whose correlations are small, and a QR decomposition removes them.
Where several of more than two oscillators grow, at different rates, the quadratures are first divided into the motions
themselves, because products of such rates would else enter every row of L.

After a long time only the direction of what grows matters: x = W g + W⊥ r with A W = W A_g, in which r settles and g
has a flat distribution that is not correlated with r. What is inferred from a quadrature that shows g is free of g.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import mode_names
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, adjoint, oscillator_equations
from cascade_steering.sim.gaussian.motions.factors import block_factors, one_way, taken_apart
from cascade_steering.sim.gaussian.motions.growing import SLOWEST, Motions, growing_subspace, motions_apart
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError, riccati_map, steady_covariance
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.roots import coordinates, root_of, triangular

__all__ = [
    "FLAT_DEVIATION",
    "MOST_VARIANCE",
    "NO_LIMIT",
    "UNLIMITED",
    "DigitsError",
    "GrowthError",
    "RootFlow",
    "grown_root",
    "require_conditional_steady_state",
    "settles",
]

FloatArray = NDArray[np.float64]
# Variances above it are refused: squares of entries of roots and sums of them must stay finite.
MOST_VARIANCE = 1e300
# By how much a variance may fall when correlations with the noise of one step, or with its record, are removed.
# Rounding of the noise, relative to its largest entries, grows by this factor: 1e3 leaves 13 digits.
_MOST_REMOVED = 1e3
# The same for the deviation of a state, which is held by its root and is never squared.
_MOST_REMOVED_OF_ROOT = 1e4
# The deviation that stands for an infinite one in ``grown_root``, and the E above which it is without limit: an E of
# 1e15 would need a measured oscillator that shows less than 1e-7 of a growing motion.
FLAT_DEVIATION = 1e100
UNLIMITED = 1e15
NO_LIMIT = (
    "there is no limit at long times: a motion neither grows nor decays and has no noise, so that it stays "
    "what it was; see the transient"
)
# The record shows a motion if it changes by more than this, relative to the largest rates of the system. The
# conditional variance of a motion that is shown less is above 1e14 times the vacuum's.
_SHOWN = 1e-7
# by how much a change of the frame may change the logarithm of the determinant, which it leaves
_MOST_CHANGED = 1e-9
# Entries of roots, relative to the vacuum's, whose rounding leaves eight digits of E.
_MOST_ENTRY = 1e6
# Halvings of a step after which it is taken as it is: what is removed does not become less in shorter steps.
_MOST_HALVINGS = 100


class GrowthError(ValueError):
    """A variance grows beyond what can be computed, or beyond the number of quanta that was allowed."""


class DigitsError(GrowthError):
    """Several variances grow, and an E would have fewer than eight digits. Section 4 of sim/README.md."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Step:
    """The Riccati map of a step in the coordinates of a frame, with roots of 𝖪 and 𝖧; arrays of shape (d, d).

    ``record_root`` is None without detection.
    """

    phi: FloatArray
    record_root: FloatArray | None
    noise_root: FloatArray

    @classmethod
    def of(
        cls, equations: MomentEquations, duration: float, one_way: Callable[[FloatArray], FloatArray]
    ) -> "_Step | None":
        """The step of ``duration`` seconds; None if its entries are not finite."""
        flow = riccati_map(equations, duration)
        if not all(np.all(np.isfinite(each)) for each in (flow.phi, flow.gamma, flow.offset)):
            return None
        if np.any(equations.readout):
            return cls(phi=flow.phi, record_root=root_of(flow.gamma), noise_root=root_of(flow.offset))
        return cls(phi=one_way(flow.phi), record_root=None, noise_root=root_of(flow.offset))


class RootFlow:
    """A covariance in motion, V = L diag(s²) Lᵀ with L = ``frame`` ``shear``. Section 4 of sim/README.md.

    The equations are held in the coordinates of the frame and are valid for many steps. The shear relative to it moves
    with every step, and the frame follows where digits would be lost otherwise. Where several oscillators grow without
    the record the frame is that of ``motions_apart``, and stays.

    Parameters
    ----------
    root : of the covariance at the start, array of shape (r, d)
    """

    def __init__(self, root: FloatArray) -> None:
        self.frame = np.eye(root.shape[-1])
        self.shear, self.deviations = taken_apart(triangular(root))
        self._equations: MomentEquations | None = None
        self._framed: MomentEquations | None = None
        self._steps: dict[float, _Step | None] = {}
        # which y act on which others, and the oscillator of each, as in ``Motions``; None in the order of the light
        self._acts: NDArray[np.bool_] | None = None
        self._own: NDArray[np.intp] | None = None

    @property
    def root(self) -> FloatArray:
        """The root diag(s) Lᵀ, whose rows are the y; upper triangular if one oscillator grows at most; (d, d).

        Raises DigitsError where E of some oscillators given others would lose digits.
        """
        if self._own is None or _kept(self._growing_shear):
            root: FloatArray = self.deviations[:, None] * (self.frame @ self.shear).T
            return root
        return self._fastest_first()

    @property
    def _growing_shear(self) -> FloatArray:
        """The part of L between motions that grow, each with what went before it; (p, p)."""
        assert self._own is not None
        growing = np.flatnonzero(self._own < len(self._own))
        return self.shear[np.ix_(growing, growing)]

    def _fastest_first(self) -> FloatArray:
        """The root whose rows are what is not known from motions that have grown more; (d, d)."""
        assert self._own is not None
        rows = self.deviations[:, None] * self.shear.T
        count = len(self._growing_shear)
        order = np.arange(len(rows))
        order[:count] = np.argsort(-np.linalg.norm(rows[:, :count], axis=0), kind="stable")
        rows, own = triangular(rows[:, order]), self._own[order[:count]]
        if not _kept(np.where(own[:, None] == own, 0.0, rows[:count, :count])):
            raise DigitsError(
                "oscillators that grow at different rates, a slower one before a faster one, are no longer told apart "
                "to eight digits: end earlier"
            )
        root: FloatArray = rows @ self.frame[:, order].T
        return root

    def along(self, equations: MomentEquations, times: FloatArray) -> Iterator[FloatArray]:
        """The roots at increasing ``times`` (seconds ≥ 0 from now) under the given moment equations.

        Raises GrowthError for a variance above ``MOST_VARIANCE``.
        """
        self._equations = replace(equations, drift=one_way(equations.drift))
        several = None if np.any(equations.readout) else motions_apart(self._equations.drift)
        if several is not None:
            self._change_frame(several)
        else:
            if self._acts is not None:
                # the frame in which it grew before
                self._leave_motions()
            self._take_frame()
        steps = np.diff(np.concatenate([[0.0], times]))
        # Equal steps share one map. Steps that differ by rounding alone are equal.
        keys, shared = np.unique([float(f"{step:.12g}") for step in steps], return_inverse=True)
        # The map is that of the average of the equal steps, so that the total time stays exact.
        means = np.bincount(shared, weights=steps, minlength=len(keys)) / np.bincount(shared, minlength=len(keys))
        for number in shared:
            self.advance(float(means[number]))
            yield self.root

    def advance(self, duration: float, halvings: int = 0) -> None:
        """Move on by ``duration`` (seconds ≥ 0), in several pieces where one would lose digits."""
        if duration == 0.0 or self._moved(duration, forced=halvings >= _MOST_HALVINGS):
            return
        if (self._acts is None or np.all(self._acts)) and np.any(self.shear != np.eye(len(self.shear))):
            self._take_frame()
            if self._moved(duration, forced=False):
                return
        self.advance(duration / 2.0, halvings + 1)
        self.advance(duration / 2.0, halvings + 1)

    def _take_frame(self) -> None:
        """Let the frame follow the shear, and transform the equations to it."""
        self.frame, self.shear = self.frame @ self.shear, np.eye(len(self.shear))
        self._transform()

    def _leave_motions(self) -> None:
        """Go on in the frame of before, where any y may now act on others. Raises DigitsError as ``root`` does."""
        if self._own is not None and not _kept(self._growing_shear):
            raise DigitsError("oscillators that grew at different rates are no longer told apart: switch earlier")
        self._acts, self._own = np.ones((len(self.frame),) * 2, dtype=bool), None

    def _change_frame(self, motions: Motions) -> None:
        """Go over to the frame of these motions.

        Raises DigitsError where the variances of now are too different for that: their determinant must stay the same.
        """
        before = np.linalg.slogdet(self.frame)[1] + np.sum(np.log(self.deviations))
        frame = motions.basis
        rows = np.asarray(np.linalg.solve(frame, self.root.T).T, dtype=np.float64)
        rows = rows[np.argsort(-np.linalg.norm(rows, axis=1), kind="stable")]
        self.shear, self.deviations = taken_apart(triangular(rows))
        self.frame, self._acts, self._own = frame, motions.acts, motions.own
        after = np.linalg.slogdet(frame)[1] + np.sum(np.log(self.deviations))
        if not abs(after - before) < _MOST_CHANGED:
            raise DigitsError(
                f"variances from {np.min(self.deviations) ** 2:.2g} to {np.max(self.deviations) ** 2:.2g} at a switch "
                "after which several oscillators grow otherwise than before cannot be told apart: switch earlier"
            )
        self._transform()

    def _transform(self) -> None:
        """Transform the equations to the frame."""
        assert self._equations is not None
        framed = self._equations.in_coordinates(self.frame)
        self._framed = replace(framed, drift=self._one_way(framed.drift))
        self._steps = {}

    def _one_way(self, matrix: FloatArray) -> FloatArray:
        """The ``matrix`` (d, d), exactly zero where it couples what must not be coupled by rounding."""
        return one_way(matrix) if self._acts is None else np.where(self._acts, matrix, 0.0)

    def _step(self, duration: float) -> _Step | None:
        """The map of a step in the frame; equal steps share it."""
        if duration not in self._steps:
            assert self._framed is not None
            with np.errstate(over="ignore", invalid="ignore"):
                try:
                    self._steps[duration] = _Step.of(self._framed, duration, self._one_way)
                except (np.linalg.LinAlgError, ValueError, OverflowError):
                    # the exponential of a time in which the growth overflows
                    self._steps[duration] = None
        return self._steps[duration]

    def _moved(self, duration: float, *, forced: bool) -> bool:
        """Whether one step of ``duration`` keeps the digits, or is ``forced``; if so, it has been taken."""
        step = self._step(duration)
        if step is None:
            return False
        known, told = self._given_record(step)
        if told > _MOST_REMOVED and not forced:
            return False
        whole = step.phi @ self.shear
        # A motion that has been forgotten, or that does not act in one direction, leaves nothing to take apart.
        for lower, upper in (block_factors(whole), (np.eye(len(whole)), whole)):
            found = _shorter(step, known, lower, upper, forced=forced)
            if found is not None:
                shear, deviations = found
                if np.max(deviations) > math.sqrt(MOST_VARIANCE):
                    raise GrowthError(f"a variance grows beyond {MOST_VARIANCE:g}, where the arithmetic ends")
                self.shear, self.deviations = lower @ shear, deviations
                return True
        return False

    def _given_record(self, step: _Step) -> tuple[FloatArray, float]:
        """A root of the covariance of y given what the record of a step says about its start, and how digits fare.

        The second number is the largest product of the information on a y and of its variance that is left. Rounding of
        the information, relative to its largest entries, changes what is left by that factor.
        """
        d = len(self.deviations)
        if step.record_root is None:
            return np.diag(self.deviations), 0.0
        seen = self.deviations[:, None] * (step.record_root @ self.shear).T
        count = seen.shape[1]
        array = np.block([[np.eye(count), np.zeros((count, d))], [seen, np.diag(self.deviations)]])
        known = triangular(array)[-d:, -d:]
        information = np.sum((np.abs(step.record_root) @ np.abs(self.shear)) ** 2, axis=0)
        return known, float(np.max(information * np.sum(known**2, axis=0)))


def _shorter(
    step: _Step, known: FloatArray, lower: FloatArray, upper: FloatArray, *, forced: bool
) -> tuple[FloatArray, FloatArray] | None:
    """L and s after a step, relative to ``lower``, from the root ``known`` (d, d) of what it moves.

    None if entries are not finite, or if more is removed from a variance than digits allow, unless ``forced``.
    """
    with np.errstate(all="ignore"):
        if not np.all(np.isfinite(lower)):
            return None
        try:
            back = np.linalg.inv(lower).T
        except np.linalg.LinAlgError:
            # a motion that has been forgotten, beside one that is slow, leaves entries of any size
            return None
        moved, noise = known @ upper.T, step.noise_root @ back
        rows = np.concatenate([moved, noise])
        if not np.all(np.isfinite(rows)):
            return None
        shear, deviations = taken_apart(triangular(rows))
        by_noise = np.sum((np.abs(step.noise_root) @ np.abs(back)) ** 2, axis=0)
        by_state = np.sum(moved**2, axis=0)
        left = deviations**2
        lossy = (by_noise > _MOST_REMOVED * left) | (by_state > _MOST_REMOVED_OF_ROOT**2 * left)
    return None if np.any(lossy) and not forced else (shear, deviations)


def _kept(entries: FloatArray) -> bool:
    """Whether products of these entries with those of a basis leave eight digits of numbers of order 1."""
    return bool(np.max(np.abs(entries), initial=0.0) < _MOST_ENTRY)


def settles(model: LinearModel) -> bool:
    """Whether the covariance without the record has a steady state. Section 4 of sim/README.md."""
    growing, _ = growing_subspace(oscillator_equations(model).drift)
    return bool(growing.size == 0)


def grown_root(model: LinearModel) -> FloatArray:
    """A root of the covariance without the record after a long time, from which E follows; array of shape (r, d).

    Rows of what grows have a size of 1e100, which stands for infinity: E of ``analysis.criteria.steering`` is then the
    limit of E(t), and above ``UNLIMITED`` where that grows without bound. Section 4 of sim/README.md.

    Raises NoSteadyStateError where the limit depends on the state at the start, because a motion neither grows nor
    decays and has no noise.
    """
    equations = oscillator_equations(model).unmonitored
    growing, others = growing_subspace(equations.drift)
    _require_noise(equations, growing)
    settled = replace(
        equations,
        drift=others.T @ equations.drift @ others,
        diffusion=others.T @ equations.diffusion @ others,
        readout=equations.readout @ others,
        cross=others.T @ equations.cross,
        drive=np.zeros(others.shape[1]),
    )
    flat, least = growing.T.copy(), _rounding_of(equations.drift, growing, others)
    # What an oscillator has of a growing motion by rounding alone does not show it.
    for mode in range(model.dimension // 2):
        own = flat[:, 2 * mode : 2 * mode + 2]
        own[:] = np.where(np.max(np.abs(own), initial=0.0) < least, 0.0, own)
    if not others.shape[1]:
        return FLAT_DEVIATION * flat
    basis = coordinates(steady_covariance(settled))
    rest = root_of(steady_covariance(settled.in_coordinates(basis))) @ basis.T
    return np.concatenate([FLAT_DEVIATION * flat, rest @ others.T])


def _rounding_of(drift: FloatArray, growing: FloatArray, others: FloatArray) -> float:
    """By how much rounding may turn the growing subspace: that of the drift over the distance of the two spectra."""
    scale = np.max(np.abs(drift), initial=0.0)
    rates, rest = (np.linalg.eigvals(basis.T @ drift @ basis) for basis in (growing, others))
    gap = np.min(np.abs(rates[:, None] - rest), initial=scale)
    return max(SLOWEST, 256.0 * np.finfo(float).eps * float(scale / gap)) if gap > 0.0 else SLOWEST


def _require_noise(equations: MomentEquations, growing: FloatArray) -> None:
    """Raise NoSteadyStateError if a motion that neither grows nor decays has no noise."""
    scale = np.max(np.abs(equations.drift), initial=0.0)
    rates, left = np.linalg.eig(equations.drift.T)
    for rate, vector in zip(rates, left.T, strict=True):
        noise = float(np.real(vector.conj() @ equations.diffusion @ vector))
        if growing.size and abs(rate.real) <= SLOWEST * scale and noise <= SLOWEST * scale:
            raise NoSteadyStateError(NO_LIMIT)


def require_conditional_steady_state(model: LinearModel, *, edge: bool = False) -> None:
    """Raise NoSteadyStateError if a motion that grows is not shown by the record. Section 4 of sim/README.md.

    With ``edge`` a motion counts as well that neither grows nor decays.

    By the test of Hautus: (A − λ; F) loses rank for a λ with Re λ ≥ 0. The message names the oscillator whose own
    motion it is, the first in the order of the light that takes part.
    """
    equations = oscillator_equations(model)
    size = np.max(np.abs(equations.drift), initial=0.0) or 1.0
    drift, readout = equations.drift / size, equations.readout / np.sqrt(size)
    for rate in np.linalg.eigvals(drift):
        if rate.real < (-SLOWEST if edge else SLOWEST):
            continue
        shown = np.concatenate([drift - rate * np.eye(len(drift)), readout])
        _, sizes, vectors = np.linalg.svd(shown)
        if sizes[-1] > _SHOWN:
            continue
        weights = np.max(np.abs(adjoint(vectors)[:, -1]).reshape(-1, 2), axis=1)
        first = int(np.argmax(weights > _SHOWN * np.max(weights)))
        name = (model.modes or mode_names(len(drift) // 2))[first]
        raise NoSteadyStateError(
            f"no steady state given the record: the motion of oscillator {name} is not damped (it grows at "
            f"{rate.real * size:.4g} 1/s) and the record does not show it; raise the efficiency, change the "
            "local-oscillator phase, or see the transient"
        )
