"""Intervals by profile likelihood, of parameters and of functions of them, never beyond a bound. Section 8 of
sim/README.md.

The profile of q is ℓ(q) = max log p over all parameters that give q the same value. An interval of 95 % holds those q
with

    2 (max log p − ℓ(q)) < χ²₁(0.95) = 3.84

(S. S. Wilks, Ann. Math. Stat. 9, 60 (1938)). It has no meaning beyond a bound, it follows a function of the parameters
whatever its curvature, and along what the record does not determine it is as long as the bounds allow. Where the truth
is at a bound it holds it more often than stated.

The profile is followed from the maximum: log p − ½ (q − t)²/w² has its maximum where log p is largest among the
parameters of equal q, for any t and w. So t is moved outward, and each maximum is exactly a point of the profile.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri

from cascade_steering.analysis.identification.likelihood import Evaluated, Likelihood
from cascade_steering.analysis.identification.maximum import climb

__all__ = ["Bounded", "Penalised", "Profile", "ProfileEnd", "profile_interval"]

FloatArray = NDArray[np.float64]
# nats: as far as the last moves of a maximum may be from it, and an end of an interval from its own
_GAIN, _CLOSE = 2e-3, 0.02
# the width w of the penalty in units of a step of t
_WIDTH = 0.1
# a step of t that moves q by less than this share of it is stopped: by bounds or, if one that is shorter by this factor
# is stopped as well, by an extreme value of q itself
_STOPPED, _SHORTER = 0.1, 0.2
_MOST_STEPS, _MOST_REFINED, _MOVES = 40, 8, 40


@dataclass(frozen=True, kw_only=True, eq=False)
class Bounded(Evaluated):
    """A penalised likelihood at one point, with log p itself and the quantity."""

    log_likelihood: float
    quantity: float


@dataclass(eq=False, kw_only=True)
class Penalised(Likelihood):
    """log p − ½ (q − t)²/w² with q a function of the parameters (p,), ``target`` t and ``width`` w."""

    quantity: Callable[[FloatArray], float]
    target: float
    width: float

    def __call__(self, point: FloatArray) -> Bounded:
        """The penalised log p at a point. Raises ValueError for parameters that are impossible."""
        found = Likelihood.__call__(self, point)
        return self._bounded(found, found.value, point)

    def recalibrated(self, here: Evaluated, point: FloatArray, ratio: float) -> Bounded:
        """As that of the likelihood, with the penalty at the new point."""
        assert isinstance(here, Bounded)
        found = Likelihood.recalibrated(self, here, point, ratio)
        return self._bounded(found, here.log_likelihood + (found.value - here.value), point)

    def _bounded(self, found: Evaluated, log_likelihood: float, point: FloatArray) -> Bounded:
        value = self.quantity(point)
        away = (value - self.target) / self.width
        return Bounded(
            value=log_likelihood - 0.5 * away**2, whitened=found.whitened, roots=found.roots,
            proportional=found.proportional, log_likelihood=log_likelihood, quantity=value,
        )  # fmt: skip

    def feature(self, here: Evaluated, below: Evaluated, above: Evaluated, span: float) -> FloatArray:
        """As that of the likelihood, with the derivative of the penalty."""
        own = Likelihood.feature(self, here, below, above, span)
        moved = (_quantity(above) - _quantity(below)) / (span * self.width)
        return np.append(own, moved)


def _quantity(found: Evaluated) -> float:
    value: float = getattr(found, "quantity")  # noqa: B009
    return value


@dataclass(frozen=True, kw_only=True)
class ProfileEnd:
    """An end of an interval, and the parameters whose bounds end it.

    None of them do where the record ends it, or where the quantity has its largest or smallest value of all, as E has
    at its best working point.
    """

    value: float
    limited_by: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Profile:
    """An interval by profile likelihood.

    Parameters
    ----------
    low, high : its ends
    converged : whether all maxima on the way were found
    best : the largest log p that was met, nats
    better : the parameters there, (p,), if that is more than at the point that was given, which was no maximum; None
        if it was one
    """

    low: ProfileEnd
    high: ProfileEnd
    converged: bool
    best: float
    better: FloatArray | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """Both ends."""
        return self.low.value, self.high.value

    @property
    def limited_by(self) -> tuple[str, ...]:
        """The parameters whose bounds end the interval on either side."""
        return tuple(dict.fromkeys([*self.low.limited_by, *self.high.limited_by]))


def profile_interval(
    likelihood: Likelihood,
    point: FloatArray,
    quantity: Callable[[FloatArray], float],
    step: float,
    *,
    largest_step: float = math.inf,
    confidence: float = 0.95,
) -> Profile:
    """The interval of a function of the parameters by profile likelihood. Section 8 of sim/README.md.

    Parameters
    ----------
    likelihood : of the record
    point : where it is largest, array of shape (p,)
    quantity : of a point; a ValueError says that it is impossible
    step : where the first value beside the maximum is looked for, about a standard error
    largest_step : between neighbouring values of the profile

    Where a better maximum is met, all falls are counted from that. Raises ValueError for a point that is impossible.
    """
    limit = 0.5 * float(chdtri(1, 1.0 - confidence))
    path = _Path(likelihood, quantity, limit, min(step, largest_step), largest_step, likelihood(point).value)
    ends = [path.end(point, sign) for sign in (-1.0, 1.0)]
    return Profile(low=ends[0], high=ends[1], converged=path.converged, best=path.best, better=path.better)


@dataclass(eq=False)
class _Path:
    """The profile on one side of the maximum after the other."""

    likelihood: Likelihood
    quantity: Callable[[FloatArray], float]
    limit: float
    step: float
    largest_step: float
    best: float
    converged: bool = True
    better: FloatArray | None = None

    def end(self, point: FloatArray, sign: float) -> ProfileEnd:
        """Where the profile has fallen by the limit, or where it ends at bounds."""
        now, drop, step, shortened = self.quantity(point), 0.0, self.step, False
        for _ in range(_MOST_STEPS):
            there, value, fallen = self._at(point, now + sign * step, step)
            if fallen > self.limit:
                return self._between(point, (now, drop), (value, fallen))
            moved = sign * (value - now)
            stopped, before, bounds = moved < _STOPPED * step, drop, self._bounds(there)
            if moved > 0.0:
                point, now, drop = there, value, fallen
            if stopped and (bounds or shortened):
                return ProfileEnd(value=now, limited_by=bounds)
            # if no bound stopped it, it was much too long, or q has its largest or smallest value here
            shortened, step = stopped, _SHORTER * step if stopped else self._next(step, moved, before, fallen)
        self.converged = False
        return ProfileEnd(value=now)

    def _next(self, step: float, moved: float, before: float, after: float) -> float:
        """The next step: √(fall) grows in proportion to the distance where log p is a parabola."""
        slope = (math.sqrt(max(after, 0.0)) - math.sqrt(max(before, 0.0))) / moved
        wanted = (1.05 * math.sqrt(self.limit) - math.sqrt(max(after, 0.0))) / slope if slope > 0.0 else math.inf
        return float(min(max(wanted, 0.25 * step), 2.0 * step, self.largest_step))

    def _between(self, point: FloatArray, inside: tuple[float, float], outside: tuple[float, float]) -> ProfileEnd:
        for _ in range(_MOST_REFINED):
            below, above = (math.sqrt(max(each[1], 0.0)) for each in (inside, outside))
            share = (math.sqrt(self.limit) - below) / (above - below)
            target = inside[0] + min(max(share, 0.1), 0.9) * (outside[0] - inside[0])
            if abs(outside[1] - self.limit) < _CLOSE:
                return ProfileEnd(value=outside[0])
            there, value, fallen = self._at(point, target, abs(target - inside[0]))
            if abs(fallen - self.limit) < _CLOSE:
                return ProfileEnd(value=value)
            if fallen > self.limit:
                outside = (value, fallen)
            else:
                point, inside = there, (value, fallen)
        # on the side of too long
        return ProfileEnd(value=outside[0])

    def _at(self, point: FloatArray, target: float, step: float) -> tuple[FloatArray, float, float]:
        """The point of the profile near q = ``target``: the parameters, q and what log p is below the maximum."""
        own = self.likelihood
        penalised = Penalised(
            own.records, own.interval, own.observed, own.names, own.box, own.problem, own.scale, own.channels,
            correction=own.correction, quantity=self.quantity, target=target, width=_WIDTH * step,
        )  # fmt: skip
        there, found, _, converged = climb(penalised, point, _MOVES, gain_left=_GAIN)
        assert isinstance(found, Bounded)
        own.evaluations += penalised.evaluations
        self.converged &= converged
        if found.log_likelihood > self.best + _GAIN:
            self.best, self.better = found.log_likelihood, there
        return there, found.quantity, self.best - found.log_likelihood

    def _bounds(self, point: FloatArray) -> tuple[str, ...]:
        box = self.likelihood.box
        at = (point == box.low) | (point == box.high)
        return tuple(name for name, each in zip(self.likelihood.names, at, strict=True) if each)
