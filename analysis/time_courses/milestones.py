"""Milestones of E(t): from when and for how long there is steering, when E has settled, when d is largest.

A coarse scan finds intervals with an event, and root finding on the exact flow the time of it. The scan is uniform in
the logarithm of the time since the last switch, from before the fastest rate to long after the slowest one, so it finds
events that last a sixteenth of an octave (5 % of the time since the switch). Faster oscillations, such as those at 2Ω
in the lab frame at late times, are not resolved: if E crosses a bound many times, one of the crossings is found.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import (
    DIRECTIONS,
    SCHEMES,
    STEERING_BOUND,
    AnyDirection,
    Scheme,
    steering_of_root,
)
from cascade_steering.sim.gaussian.covariance import limit, settling_time, transient_roots
from cascade_steering.sim.gaussian.growth import UNLIMITED
from cascade_steering.sim.gaussian.moment_equations import oscillator_equations
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.roots import product

__all__ = ["SETTLED", "Milestones", "Peak", "SteeringCourses", "Window", "milestones", "steering_at"]

FloatArray = NDArray[np.float64]
SteeringCourses = dict[Scheme, dict[AnyDirection, FloatArray]]
# roots of covariances by scheme
_Roots = dict[Scheme, FloatArray]

# E counts as below a bound only by more than rounding: oscillators in their ground states stay at E = ½
_ROUNDING = 1e-12
# differences of d below this are rounding where variances are 1e6 times E: the maximum on a plateau is then at its end
_FLAT = 1e-8
# A maximum is wider than two times of the scan only where the function has settled.
_MOST_AT_A_MAXIMUM = 3
# E has settled when it stays within this fraction of its steady state
SETTLED = 0.01
_PER_OCTAVE = 16
# first time of the scan in units of the inverse of the fastest rate, before any event
_EARLIEST = 1e-2
# last time of the scan in decay times of an amplitude: e⁻⁸⁰ of a covariance is left
_LATEST = 40.0


@dataclass(frozen=True, kw_only=True)
class Window:
    """An interval of time, seconds; ``end`` is infinite if it never ends."""

    start: float
    end: float

    @property
    def width(self) -> float:
        """Its length, seconds."""
        return self.end - self.start


@dataclass(frozen=True, kw_only=True)
class Peak:
    """The largest value and its time in seconds, which is infinite if it is the value of the steady state."""

    value: float
    time: float


@dataclass(frozen=True, kw_only=True)
class Milestones:
    """The milestones of E(t) after t = 0, in seconds.

    Parameters
    ----------
    windows : intervals in which E < ½
    two_way : intervals in which E < ½ in all directions
    settling : time from which on E stays within ``SETTLED`` of its value after infinite time, for a schedule that does
        not settle until the end of the search; None if that never happens
    largest_d : largest value of d(t) = 1 − E_c(t)/E_u(t)
    """

    windows: dict[Scheme, dict[AnyDirection, tuple[Window, ...]]]
    two_way: dict[Scheme, tuple[Window, ...]]
    settling: dict[Scheme, dict[AnyDirection, float | None]]
    largest_d: dict[AnyDirection, Peak]

    def first(self, scheme: Scheme, direction: AnyDirection) -> float | None:
        """The first time at which E < ½; None if that never happens."""
        found = self.windows[scheme][direction]
        return found[0].start if found else None

    def first_ratio(self, direction: AnyDirection) -> float | None:
        """How many times sooner there is steering given the record than without it.

        None if one of the schemes never steers, or if there is steering given the record from t = 0 on.
        """
        unconditional, conditional = (self.first(scheme, direction) for scheme in SCHEMES)
        return unconditional / conditional if unconditional is not None and conditional else None


def steering_at(
    schedule: Schedule, initial: InitialState, times: FloatArray, directions: Sequence[AnyDirection] = DIRECTIONS
) -> SteeringCourses:
    """E at increasing ``times`` ≥ 0 (seconds, (n,)) by scheme and direction; arrays of shape (n,).

    The unconditional covariance includes the scatter of the initial means. Raises ValueError for other times, for an
    initial state that is not Gaussian (its covariance given the record differs from run to run), and for a direction
    with an oscillator that the model does not have.
    """
    initial.require_gaussian("E")
    return _steering(_moved(schedule, _start(initial), times), directions, schedule.modes)


def _start(initial: InitialState) -> _Roots:
    """The roots of a state at t = 0; without the record it includes the scatter of the means."""
    own = initial.covariance_root
    return {"unconditional": np.concatenate([own, initial.scatter_root]), "conditional": own}


def _moved(schedule: Schedule, roots: _Roots, times: FloatArray) -> _Roots:
    """The roots at ``times`` from those at t = 0, arrays of shape (n, d, d)."""
    return {
        scheme: transient_roots(schedule, root, times, conditional=scheme == "conditional")
        for scheme, root in roots.items()
    }


def _steering(roots: _Roots, directions: Sequence[AnyDirection], modes: Sequence[str]) -> SteeringCourses:
    return {
        scheme: {each: steering_of_root(root, each, modes) for each in directions} for scheme, root in roots.items()
    }


def milestones(
    schedule: Schedule, initial: InitialState, horizon: float, directions: Sequence[AnyDirection] = DIRECTIONS
) -> Milestones:
    """The milestones of E(t) at all times; for a schedule that does not settle, until ``horizon`` (seconds).

    Raises ValueError for an initial state that is not Gaussian, and for a direction with an oscillator that the model
    does not have.
    """
    initial.require_gaussian("E")
    settles = math.isfinite(settling_time(schedule))
    times = _scan(schedule, initial, horizon)
    search = _Search(schedule, initial, times, directions, settles=settles)
    found = search.found

    def low(at: SteeringCourses, scheme: Scheme, *ways: AnyDirection) -> FloatArray:
        above: FloatArray = np.maximum.reduce([at[scheme][way] for way in ways]) - STEERING_BOUND
        return above

    def windows(scheme: Scheme, *ways: AnyDirection) -> tuple[Window, ...]:
        return search.windows(scheme, low(found, scheme, *ways), lambda at: low(at, scheme, *ways))

    return Milestones(
        windows={scheme: {way: windows(scheme, way) for way in directions} for scheme in SCHEMES},
        # a single oscillator has no direction
        two_way={scheme: windows(scheme, *directions) if directions else () for scheme in SCHEMES},
        settling={scheme: {way: _settling(search, found, scheme, way) for way in directions} for scheme in SCHEMES},
        largest_d={way: search.peak(_gain(found, way), partial(_gain, direction=way)) for way in directions},
    )


def _gain(at: SteeringCourses, direction: AnyDirection) -> FloatArray:
    gain: FloatArray = 1.0 - at["conditional"][direction] / at["unconditional"][direction]
    return gain


def _settling(search: "_Search", found: SteeringCourses, scheme: Scheme, direction: AnyDirection) -> float | None:
    reached = limit(search.schedule, conditional=scheme == "conditional")
    if reached is None:
        return None
    final = float(steering_of_root(reached, direction, search.schedule.modes))
    if final > UNLIMITED:
        return None

    def off(at: SteeringCourses) -> FloatArray:
        excess: FloatArray = np.abs(at[scheme][direction] / final - 1.0) - SETTLED
        return excess

    stretches = search.windows(scheme, off(found), off)
    return stretches[-1].start if stretches and stretches[-1].end == search.end else None


def _scan(schedule: Schedule, initial: InitialState, horizon: float) -> FloatArray:
    """From 0 to the end, evenly spaced within each octave of the time since the last switch; array of shape (n,)."""
    last = schedule.switches[-1] if schedule.switches else 0.0
    settled = last + _LATEST * settling_time(schedule)
    ends = (*schedule.switches, settled if math.isfinite(settled) else max(horizon, last))
    ladder = 1.0 + np.arange(_PER_OCTAVE) / _PER_OCTAVE
    parts = [np.zeros(1)]
    for model, start, end in zip(schedule.models, schedule.starts, ends, strict=True):
        span = end - start
        if span <= 0.0:
            continue
        earliest = min(_fastest(schedule, model, initial, start), span)
        octaves = np.arange(math.ceil(math.log2(span / earliest)) + 1)
        since = (earliest * 2.0 ** octaves[:, None] * ladder).ravel()
        parts += [start + since[since < span], np.array([end])]
    return np.concatenate(parts)


def _fastest(schedule: Schedule, model: LinearModel, initial: InitialState, start: float) -> float:
    """A time (seconds) in which no entry of the covariance changes much: V̇ is at most the rate times V², or D."""
    equations = oscillator_equations(model)
    rate = (
        np.linalg.norm(equations.drift) + np.linalg.norm(equations.readout) ** 2 + np.linalg.norm(equations.diffusion)
    )
    there = _moved(schedule, _start(initial), np.array([start]))
    # by the uncertainty relation no variance is below a quarter of the inverse of the largest
    largest = max(1.0, *(float(np.max(np.abs(product(each)))) for each in there.values()))
    return _EARLIEST / (4.0 * float(rate) * largest) if rate > 0.0 else math.inf


class _Search:
    """Refines the events of the scan at ``times`` (n,), by the exact flow from the last of these before the event."""

    def __init__(
        self,
        schedule: Schedule,
        initial: InitialState,
        times: FloatArray,
        directions: Sequence[AnyDirection],
        *,
        settles: bool,
    ) -> None:
        self.schedule, self._directions = schedule, directions
        self._times, self._forever = times, settles
        self._roots = _moved(schedule, _start(initial), times)
        # E of each scheme at the times of root finding: a window of both directions ends where one of a single one does
        self._known: dict[tuple[float, Scheme], dict[AnyDirection, FloatArray]] = {}

    @property
    def found(self) -> SteeringCourses:
        """E at the times of the scan."""
        return _steering(self._roots, self._directions, self.schedule.modes)

    def windows(
        self, scheme: Scheme, values: FloatArray, function: Callable[[SteeringCourses], FloatArray]
    ) -> tuple[Window, ...]:
        """Where ``function`` of E in one scheme is negative, given its ``values`` at the times of the scan, (n,)."""
        negative = np.concatenate([[False], values < -_ROUNDING, [False]])
        starts = np.flatnonzero(~negative[:-1] & negative[1:])
        ends = np.flatnonzero(negative[:-1] & ~negative[1:])
        last = len(self._times)
        return tuple(
            Window(
                start=self._crossing((scheme,), start, function) if start else 0.0,
                end=self._crossing((scheme,), end, function) if end < last else self.end,
            )
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        )

    @property
    def end(self) -> float:
        """The end of the search, seconds; infinite if the schedule settles."""
        return math.inf if self._forever else float(self._times[-1])

    def peak(self, values: FloatArray, function: Callable[[SteeringCourses], FloatArray]) -> Peak:
        """The largest of ``function``, given its ``values`` at the times of the scan, (n,)."""
        top = int(np.argmax(values))
        best = Peak(value=float(values[top]), time=float(self._times[top]))
        if best.value - values[0] <= _FLAT:
            return Peak(value=float(values[0]), time=0.0)
        if best.value - values[-1] <= _FLAT:
            return Peak(value=float(values[-1]), time=self.end)
        # every command imports this module, and SciPy's searches take a sixth of a second to load
        from scipy.optimize import minimize_scalar

        level = np.flatnonzero(best.value - values <= _FLAT)
        if len(level) > _MOST_AT_A_MAXIMUM:
            # It has settled before the light changes. Which value is largest is rounding: the first one counts.
            bound = best.value - _FLAT
            first = self._crossing(SCHEMES, int(level[0]), lambda found: function(found) - bound)
            return Peak(value=best.value, time=first)
        around = (float(self._times[top - 1]), float(self._times[top + 1]))
        found = minimize_scalar(
            lambda time: -self._at(time, function, SCHEMES),
            bounds=around,
            method="bounded",
            options={"xatol": 1e-9 * best.time},
        )
        return Peak(value=-float(found.fun), time=float(found.x)) if -found.fun > best.value else best

    def _at(self, time: float, function: Callable[[SteeringCourses], FloatArray], schemes: Sequence[Scheme]) -> float:
        """``function`` of E in the ``schemes`` that it needs; the flow of each takes milliseconds."""
        there: SteeringCourses = {}
        for scheme in schemes:
            if (time, scheme) not in self._known:
                self._known[time, scheme] = self._steering_at(time, scheme)
            there[scheme] = self._known[time, scheme]
        return float(function(there)[0])

    def _steering_at(self, time: float, scheme: Scheme) -> dict[AnyDirection, FloatArray]:
        """E in one scheme at a ``time`` (seconds) of the scan or between two of them, by direction; shape (1,)."""
        place = int(np.searchsorted(self._times, time, side="right")) - 1
        before, roots = float(self._times[place]), self._roots[scheme][place : place + 1]
        if time > before:
            roots = _moved(self.schedule.after(before), {scheme: roots[0]}, np.array([time - before]))[scheme]
        return _steering({scheme: roots}, self._directions, self.schedule.modes)[scheme]

    def _crossing(
        self, schemes: Sequence[Scheme], index: int, function: Callable[[SteeringCourses], FloatArray]
    ) -> float:
        """Where ``function`` changes sign between the times ``index`` − 1 and ``index`` of the scan."""
        low, high = float(self._times[index - 1]), float(self._times[index])
        at = partial(self._at, function=function, schemes=schemes)
        ends = at(low), at(high)
        # at an end that is zero up to rounding the sign need not change
        if ends[0] * ends[1] >= 0.0:
            return low if abs(ends[0]) < abs(ends[1]) else high
        from scipy.optimize import brentq

        return float(brentq(at, low, high, xtol=1e-14 * high))
