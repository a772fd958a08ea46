"""The best pulse for a given C₋: the smallest E within a duration, or the shortest duration to a given E.

θ₋, θ₊ and C₊ of every segment and its duration are free, and one LO phase and one angle of squeezed light. A lattice
over all of them comes first, together with the best pulse of one segment fewer, one of whose segments is divided in
two; sequential quadratic programming starts from the lowest of these. So a further segment never makes E larger. A
pulse with one segment fewer, with θ₊ = π/2, with phases on an axis, ψ = π first, or that is shorter by more than a
hundredth is taken if it is as good up to 1e-8 of E.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction
from cascade_steering.analysis.protocols.described_pulse import BestPulse, pulse_of_search
from cascade_steering.analysis.protocols.pulse_descent import MISSED, ROUGH, TIGHT, Objective, descend_pulse
from cascade_steering.analysis.protocols.pulse_search import BY_SEGMENT, THETA_PLUS, TIME, PulseCourse, PulseSearch
from cascade_steering.analysis.protocols.pulse_starts import divided_pulses, lowest_pulses, pulse_lattice
from cascade_steering.sim.parameters import require

__all__ = ["best_pulse", "best_pulses", "fastest_pulse"]

FloatArray = NDArray[np.float64]
# of these, how many are followed to the end, where they differ by more than this in log E
_POLISHED, _DIFFERENT = 2, 1e-4
# two searches that agree this well in log E have found equally good pulses
_TIE = 1e-8
_SHORTER = 0.01
# E counts as below a bound by more than this share of it
_BELOW = 1e-9
_OCTAVE = math.log(2.0)
# how many times a shorter pulse is looked for, and how much shorter
_ROUNDS, _LESS = 8, 1e-3
# ψ, in units of π, at which E is stationary without a path phase
_AXES = (1.0, 0.0)


def best_pulse(search: PulseSearch) -> dict[Direction, BestPulse]:
    """The smallest E of each direction that a pulse reaches within ``search``. Section 5 of sim/README.md."""
    return {direction: pulse_of_search(direction, *_best(search, row)) for row, direction in enumerate(DIRECTIONS)}


def best_pulses(search: PulseSearch, durations_units: Sequence[float]) -> list[dict[Direction, BestPulse]]:
    """``best_pulse`` for each of several longest durations, in units of 1/γ̃₀ of the first oscillator.

    A pulse that is allowed within a shorter one of the durations is never better than that of a longer one.
    """
    found: dict[float, dict[Direction, BestPulse]] = {}
    before: dict[Direction, BestPulse] = {}
    for duration in sorted(set(map(float, durations_units))):
        now = best_pulse(replace(search, longest_units=duration))
        # the pulse of a shorter duration is allowed as well
        before = {
            way: now[way] if way not in before or now[way].value < before[way].value else before[way] for way in now
        }
        found[duration] = before
    return [found[float(duration)] for duration in durations_units]


def fastest_pulse(search: PulseSearch, below: float = 0.5) -> dict[Direction, BestPulse]:
    """The shortest pulse of each direction after which E is smaller than ``below``.

    In a direction in which no pulse within ``search`` does that the best one is given, and ``reached`` is False.

    Raises ValueError if ``below`` is reached in neither direction, with the best E; if E is smaller already at t = 0;
    and if a pulse of any duration does it, because there are no thermal quanta that enter at first.
    """
    require(below, "below", low=0.0, low_open=True)
    found = {direction: _fastest(search, row, direction, below) for row, direction in enumerate(DIRECTIONS)}
    if not any(each.reached for each in found.values()):
        best = ", ".join(f"{each.value:.6g} ({way})" for way, each in found.items())
        raise ValueError(
            f"E below {below:g} is not reached within {search.longest_units:g} times 1/gamma~_0: the best E is {best}"
        )
    return found


def _fastest(search: PulseSearch, row: int, direction: Direction, below: float) -> BestPulse:
    at_start = float(search.start.steering[row])
    if at_start < below * (1.0 - _BELOW):
        raise ValueError(f"below must be at most E at t = 0, which is {at_start:g} ({direction}), got {below!r}")
    if at_start <= below and _falls_at_once(search, row, math.log(at_start)):
        raise ValueError(
            f"E ({direction}) falls below {below:g} at once, in a time as short as one likes: give a smaller one"
        )
    target = math.log(below * (1.0 - _BELOW))

    def left(course: PulseCourse) -> FloatArray:
        difference: FloatArray = target - course.log_steering[row]
        return difference

    if search.free_squeezing_angle:
        # pulses that do it in a thousandth of the time allowed are not found from a lattice of all angles
        trials = [_fastest(replace(search, squeezing_angle_pi=each), row, direction, below) for each in _AXES]
        trials.append(_shortened(search, row, direction, target, left))
        reached = [each for each in trials if each.reached]
        if not reached:
            return min(trials, key=lambda each: round(math.log(each.value), 8))
        return min(reached, key=lambda each: round(math.log(each.duration_s), 8))
    return _shortened(search, row, direction, target, left)


def _shortened(search: PulseSearch, row: int, direction: Direction, target: float, left: Objective) -> BestPulse:
    """The best pulse, made shorter while log E is below ``target``; ``left`` is what is left of that."""
    search, unit = _best(search, row, by_rule=False)
    if left(search.course(unit)) < 0.0:
        return replace(pulse_of_search(direction, search, unit), reached=False)
    for _ in range(_ROUNDS):
        search, unit = _least_duration(search, unit, row, target)
        shorter = _within(search, unit, 1.0 - _LESS)
        again, other = _best(shorter, row, by_rule=False)
        if left(again.course(other)) < 0.0:
            break
        search, unit = again, other
    else:
        search, unit = _least_duration(search, unit, row, target)
    # among pulses that are as short
    return pulse_of_search(direction, search, _at_edges(search, lambda course: course.log_steering[row], unit, MISSED))


def _duration(course: PulseCourse) -> FloatArray:
    return course.duration


def _on_axes(search: PulseSearch, unit: FloatArray) -> Iterable[FloatArray]:
    """The same pulse with its free phases on axes, in the order of preference: ψ = π or 0, the nearest one for ϑ."""
    phases = [np.round(2 * unit[-1]) / 2 % 1.0, unit[-1]] if search.free_phase else [None]
    turns = [0.5, 0.0, None] if search.free_squeezing_angle else [None]
    for turn in turns:
        for phase in phases:
            trial = unit.copy()
            if turn is not None:
                trial[BY_SEGMENT * search.segments] = turn
            if phase is not None:
                trial[-1] = phase
            yield trial


def _least_duration(search: PulseSearch, unit: FloatArray, row: int, target: float) -> tuple[PulseSearch, FloatArray]:
    """The shortest pulse near one whose log E is below ``target``: the smallest E falls with the duration allowed."""
    # imported here, because the command line imports this module and few commands search
    from scipy.optimize import brentq

    def steering(course: PulseCourse) -> FloatArray:
        value: FloatArray = course.log_steering[row]
        return value

    unit = unit.copy()
    longest = search.longest_units * float(search.shares(unit).sum())
    unit[TIME : BY_SEGMENT * search.segments : BY_SEGMENT] *= np.cbrt(search.longest_units / longest)
    found = {0.0: (replace(search, longest_units=longest), unit)}

    def above(logarithm: float) -> float:
        trial = replace(search, longest_units=longest * math.exp(logarithm))
        nearest = found[min(found, key=lambda each: abs(each - logarithm))][1]
        value, found_unit = descend_pulse(trial, steering, nearest, TIGHT)
        if value <= target:
            # pulses that do less are no start: a search may end at one that does nothing
            found[logarithm] = trial, found_unit
        return value - target

    low = -_OCTAVE
    while above(low) < 0.0:
        low -= _OCTAVE
    brentq(above, low, low + _OCTAVE, xtol=1e-13, rtol=1e-13)
    return found[min(found)]


def _falls_at_once(search: PulseSearch, row: int, at_start: float) -> bool:
    """Whether E falls in a time far below that of any rate."""
    rate = (
        search.c_minus
        * max(1.0, search.largest_ratio)
        * max(1.0, search.bath_plus.decoherence_rate / search.bath_minus.decoherence_rate)
    )
    brief = replace(search, longest_units=1e-6 / rate, segments=1)
    # within a time t a drop is of second order, 1e-12, a rise by the thermal quanta of first order
    return bool(np.min(brief.course(pulse_lattice(brief)).log_steering[row]) < at_start - 1e-15)


def _within(search: PulseSearch, unit: FloatArray, factor: float) -> PulseSearch:
    """The search for pulses that last at most ``factor`` times as long as this one."""
    return replace(search, longest_units=factor * float(search.shares(unit).sum()) * search.longest_units)


def _best(search: PulseSearch, row: int, *, by_rule: bool = True) -> tuple[PulseSearch, FloatArray]:
    """The best pulse in one direction, and the search that it belongs to; of equally good ones that of the rules."""

    def steering(course: PulseCourse) -> FloatArray:
        value: FloatArray = course.log_steering[row]
        return value

    best: tuple[float, PulseSearch, FloatArray] | None = None
    before: tuple[PulseSearch, FloatArray] | None = None
    for segments in range(1, search.segments + 1):
        trial = search.of_segments(segments)
        starts = lowest_pulses(trial, steering)
        if before is not None:
            starts = np.concatenate([divided_pulses(*before), starts])
        near = _sorted(descend_pulse(trial, steering, start, ROUGH) for start in starts)
        followed = [near[0], *(each for each in near[1:_POLISHED] if each[0] > near[0][0] + _DIFFERENT)]
        if search.free_squeezing_angle:
            followed = _of_each_angle(trial, near)
        value, unit = _sorted(descend_pulse(trial, steering, start, TIGHT) for _, start in followed)[0]
        before = trial, unit
        if best is None or value < best[0] - _TIE:
            best = value, trial, unit
    assert best is not None
    _, found, unit = best
    return _by_rule(found, steering, unit) if by_rule else (found, unit)


def _of_each_angle(search: PulseSearch, near: list[tuple[float, FloatArray]]) -> list[tuple[float, FloatArray]]:
    """The lowest of these pulses near each quarter turn of ψ: basins that may be as deep as each other."""
    found: dict[float, tuple[float, FloatArray]] = {}
    for each in near:
        found.setdefault(float(np.round(4.0 * each[1][BY_SEGMENT * search.segments]) % 4.0), each)
    return list(found.values())


def _by_rule(search: PulseSearch, steering: Objective, unit: FloatArray) -> tuple[PulseSearch, FloatArray]:
    """Of pulses as good as this one that with θ₊ = π/2, the LO phase on an axis, and a shorter duration."""
    best = float(steering(search.course(unit)))
    unit = _at_edges(search, steering, unit, _TIE)
    # a duration without effect on E is cut off
    brief = _within(search, unit, 1.0 - _SHORTER)
    held = _on_axis(search, unit)
    value, other = descend_pulse(brief, steering, unit, TIGHT, held=held)
    if value > best + _TIE:
        return search, unit

    def left(course: PulseCourse) -> FloatArray:
        difference: FloatArray = best + _TIE - steering(course)
        return difference

    value, shortest = descend_pulse(brief, _duration, other, TIGHT, left, held=held)
    return brief, shortest if value < math.inf else other


def _on_axis(search: PulseSearch, unit: FloatArray) -> tuple[int, ...]:
    """The coordinate of ψ if it is free and at 0 or π."""
    place = BY_SEGMENT * search.segments
    return (place,) if search.free_squeezing_angle and 2.0 * unit[place] % 1.0 == 0.0 else ()


def _at_edges(search: PulseSearch, steering: Objective, unit: FloatArray, tie: float) -> FloatArray:
    """The pulse with θ₊ = π/2 and the phases on axes where that makes log E larger by ``tie`` at most."""
    best = float(steering(search.course(unit)))
    for segment in reversed(range(search.segments if search.conditional else 0)):
        place = BY_SEGMENT * segment + THETA_PLUS
        if unit[place] < 1.0:
            value, other = descend_pulse(search, steering, unit, TIGHT, at_end=(place,))
            unit = other if value < best + tie else unit
    return next((each for each in _on_axes(search, unit) if float(steering(search.course(each))) < best + tie), unit)


def _sorted(found: Iterable[tuple[float, FloatArray]]) -> list[tuple[float, FloatArray]]:
    return sorted(found, key=lambda each: each[0])
