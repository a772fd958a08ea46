"""The verification of Fig. 1: a projective measurement of one quadrature of each of two oscillators, at the end of each
trajectory.

The two are − and + of the paper, or any two of more oscillators, called − and + here. X or P of + is measured, and the
correlated quadrature of −. In the rotating wave the correlations are those of a reflection and a rotation by a phase,
that of ⟨a₋a₊⟩, which differs with and without the record. So for each scheme the local oscillator of − has its own
angle α,

    X₊ with cos α X₋ + sin α P₋,   P₊ with cos α P₋ − sin α X₋.

The settings alternate from trajectory to trajectory. The record enters by the mean x̂(T) of a filter that has the sums
of dY over the save intervals and does not know the initial mean of a trajectory. The covariance of that filter is a
little larger than the covariance given the continuous record. Section 8 of sim/README.md.
"""

import cmath
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import Mode, mode_index, quadrature_indices
from cascade_steering.sim.ensemble.pooling import Moments
from cascade_steering.sim.gaussian.covariance import transient
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.propagator import apply
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.noise import standard_normals
from cascade_steering.sim.roots import root_of

__all__ = ["KNOWN", "PREFIX", "SAMPLE", "Known", "Quadrature", "Setting", "Verification"]

FloatArray = NDArray[np.float64]
Known = Literal["unconditional", "conditional"]
KNOWN: tuple[Known, ...] = ("unconditional", "conditional")
Quadrature = Literal["X", "P"]
# The variables of a sample: the outcome less its filtered mean, and this mean, which may be 1e3 times larger.
SAMPLE = ("error_minus", "error_plus", "filtered_minus", "filtered_plus")
PREFIX = "verification_"
# The key of the random numbers of outcomes, which are independent of those of the trajectories.
_OWN_NOISE = 0x766572
# Decimals of an angle, and the difference at which two count as equal: an error of 1e-8 π adds 1e-15 of the variance of
# −, at most 1e-8 for a variance of 1e7.
_DIGITS, _SAME = 9, 1e-8
# Correlations this small, relative to the variances, are rounding and have no phase.
_UNCORRELATED = 1e-12


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting: ``quadrature`` of + is measured, and that of − rotated by ``angle_pi`` π.

    ``name`` is the name of its tally without the prefix; ``serves`` holds the schemes for which it is meant.
    """

    name: str
    quadrature: Quadrature
    angle_pi: float
    serves: tuple[Known, ...]

    @property
    def tally(self) -> str:
        """The name of the moments of this setting."""
        return PREFIX + self.name

    @property
    def axes(self) -> FloatArray:
        """Rows u₋, u₊ of the two measured quadratures u·x, x those of the pair; array of shape (2, 4)."""
        cosine, sine = math.cos(math.pi * self.angle_pi), math.sin(math.pi * self.angle_pi)
        rows = {"X": [[cosine, sine, 0, 0], [0, 0, 1, 0]], "P": [[-sine, cosine, 0, 0], [0, 0, 0, 1]]}
        return np.array(rows[self.quadrature], dtype=float)


@dataclass(frozen=True, kw_only=True, eq=False)
class Verification:
    """The verification, for ``sim.ensemble.simulate.simulate(experiment=...)``. Use ``Verification.of``.

    Section 8 of sim/README.md.

    Parameters
    ----------
    model, grid, initial : as for the ensemble
    pair : the names of − and +, the two oscillators that are measured
    settings : trajectory i is measured in setting number i modulo their count
    unconditional : exact covariance of the pair at the last save without the record, array of shape (4, 4)
    conditional : the same for the filter of the saved record, from the unconditional initial state
    continuous : the same given the continuous record and the initial mean of each trajectory
    """

    model: LinearModel | Schedule
    grid: TimeGrid
    initial: InitialState
    pair: tuple[str, str]
    settings: tuple[Setting, ...]
    unconditional: FloatArray
    conditional: FloatArray
    continuous: FloatArray

    @classmethod
    def of(
        cls,
        model: LinearModel | Schedule,
        grid: TimeGrid,
        initial: InitialState,
        pair: tuple[Mode, Mode] | None = None,
    ) -> Self:
        """The verification at the end of ``grid``, with the best angles for the model.

        ``pair`` may be left out for two oscillators. Raises ValueError for an initial state that is not Gaussian or has
        another number of quadratures, for oscillators that the model has not, for a model without a detected channel,
        and without a pair for a model of more or fewer than two oscillators.
        """
        if not initial.gaussian:
            raise ValueError(
                f"outcomes are drawn from Gaussian states: verification cannot start from {initial.name}, which is not "
                f"Gaussian"
            )
        first, second = _names(model, pair)
        where = np.ix_(*2 * [quadrature_indices((first, second), model.modes)])
        end = grid.times[-1:]
        unconditional = transient(model, initial.unconditional, end, conditional=False)[0][where]
        nothing = np.zeros((1, grid.saves, len(model.record_names)))
        conditional = filter_record(model, nothing, grid.save_interval, initial).covariances[-1][where]
        return cls(
            model=model,
            grid=grid,
            initial=initial,
            pair=(first, second),
            settings=_settings({"unconditional": _angle(unconditional), "conditional": _angle(conditional)}),
            unconditional=unconditional,
            conditional=conditional,
            continuous=transient(model, initial.covariance, end, conditional=True)[0][where],
        )

    @property
    def identity(self) -> dict[str, Any]:
        """The name and the settings. Angles are left out: they follow from model, grid and initial state."""
        names = [each.name for each in self.settings]
        # Two oscillators form only one pair.
        named = {} if self.pair == self.model.modes else {"pair": list(self.pair)}
        return {"experiment": "verification", "settings": names, **named}

    def tally(self, entropy: int, indices: range, trajectories: Trajectories) -> dict[str, Moments]:
        """The moments of ``SAMPLE`` for each setting; the outcomes of a trajectory depend on (entropy, index) alone.

        Raises ValueError for trajectories on another grid.
        """
        if trajectories.record.shape[:2] != (len(indices), self.grid.saves):
            raise ValueError(
                f"records must be of {len(indices)} trajectories over {self.grid.saves} save intervals, got shape "
                f"{trajectories.record.shape}"
            )
        order = quadrature_indices(self.pair, self.model.modes)
        known = filter_record(self.model, trajectories.record, self.grid.save_interval, self.initial).means
        filtered = known[:, -1, order]
        # Differences come first, so that means of 1e3 do not cost digits of errors of order 1.
        ahead = trajectories.means[:, -1, order] - filtered
        number = len(self.settings)
        outcomes = standard_normals(entropy, indices, 2, _OWN_NOISE)
        tallies = {}
        for place, setting in enumerate(self.settings):
            mine = slice((place - indices.start) % number, None, number)
            normals = outcomes[mine]
            covariances = trajectories.covariances[..., -1, :, :][..., order, :][..., order]
            if covariances.ndim > 2:
                covariances = covariances[mine]
            errors = apply(setting.axes, ahead[mine]) + _spread(setting.axes, covariances, normals)
            tallies[setting.tally] = Moments.of(np.hstack([errors, apply(setting.axes, filtered[mine])]))
        return tallies


def _names(model: LinearModel | Schedule, pair: tuple[Mode, Mode] | None) -> tuple[str, str]:
    if pair is None:
        if len(model.modes) != 2:
            raise ValueError(
                f"verification measures two oscillators, the model has {len(model.modes)}: pair must say which of "
                f"{', '.join(model.modes)}"
            )
        pair = (0, 1)
    first, second = (model.modes[mode_index(each, model.modes)] for each in pair)
    return first, second


def _spread(axes: FloatArray, covariances: FloatArray, normals: FloatArray) -> FloatArray:
    """Outcomes less their means from ``normals`` (n, 2), for one V (4, 4) or one for each outcome (n, 4, 4)."""
    measured = axes @ covariances @ axes.T
    if measured.ndim == 2:
        return apply(root_of(measured).T, normals)
    each = [apply(root_of(one).T, pair) for one, pair in zip(measured, normals, strict=True)]
    return np.array(each).reshape(normals.shape)


def _angle(covariance: FloatArray) -> float | None:
    """α/π in [0, 1) at which X₊ is most correlated with X₋(α), and P₊ with P₋(α).

    It is that of the reflection or rotation, times a number, which is nearest to the block of − and +; None if there
    are no correlations.
    """
    block = covariance[:2, 2:]
    reflected = complex(block[0, 0] - block[1, 1], block[1, 0] + block[0, 1])
    rotated = complex(block[0, 0] + block[1, 1], block[1, 0] - block[0, 1])
    larger = max(reflected, rotated, key=abs)
    if abs(larger) <= _UNCORRELATED * math.sqrt(np.trace(covariance[:2, :2]) * np.trace(covariance[2:, 2:])):
        return None
    # Half a turn is a change of sign, which the gain takes up. Rounding removes digits that differ between machines.
    return round(cmath.phase(larger) / math.pi % 1.0, _DIGITS) % 1.0


def _settings(angles: Mapping[Known, float | None]) -> tuple[Setting, ...]:
    """X and P for both schemes together if their angles are equal, otherwise X and P for each scheme."""
    given = [angle for angle in angles.values() if angle is not None] or [0.0]
    apart = abs((given[0] - given[-1] + 0.5) % 1.0 - 0.5)
    plan = {"": (given[0], KNOWN)} if apart <= _SAME else {f"_{each}": (angles[each], (each,)) for each in KNOWN}
    return tuple(
        Setting(name=quadrature + suffix, quadrature=quadrature, angle_pi=angle or 0.0, serves=serves)
        for suffix, (angle, serves) in plan.items()
        for quadrature in ("X", "P")
    )
