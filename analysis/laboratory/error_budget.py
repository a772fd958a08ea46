"""What each number of a laboratory is worth: E with one of them changed, and the derivatives of ln E.

A number is changed where the file has it, so that everything that follows from it changes along: with more power the
spring softens the oscillator and − is retuned. E is that of ``SetupTrial``. Section 10 of sim/README.md.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, Scheme
from cascade_steering.analysis.laboratory.setup_trial import NumberPath, SetupTrial, by_scheme
from cascade_steering.sim.parallel.linear_algebra import on_one_thread

__all__ = ["Lever", "error_budget"]

FloatArray = NDArray[np.float64]
# 10 % better
_STEP = 0.1
# how far a number that has no limit is followed, as a factor; by so many points, and halvings of the step at the best
_REACH, _POINTS, _HALVINGS = 10.0, 13, 4
# values of E that differ by less are equal; of equal ones the first counts, so that rounding decides nothing
_TIE = 1e-9
# steps h in ln x of the derivatives, and the error with which the next one is not taken: that of the five-point formula
# is of order h⁴, that of rounding of order 1e-12/h
_DIFFERENCES = (0.01, 0.002, 0.0004)
_PRECISE = 1e-6
# nodes and weights: around the number, and below it
_STENCILS = {
    0: ((-2, -1, 1, 2), (1 / 12, -2 / 3, 2 / 3, -1 / 12)),
    -1: ((-4, -3, -2, -1, 0), (1 / 4, -4 / 3, 3, -4, 25 / 12)),
}
# parts that are better near 1, and stand here for the loss, 1 less them
_PARTS = {"outcoupling", "efficiency"}
_LOSSES = {"loss", "squeezing_loss"}
# numbers of the bath: better if smaller, at best 0, or ten times better where E has no limit at 0
_COLD = {"occupation", "temperature_k"}
_QUIET = {"linewidth_hz": 0.1, "quality": 10.0}
_TUNED = (
    "frequency_hz", "readout_rate_hz", "theta_pi", "detuning_hz", "coupling_hz", "vacuum_coupling_hz", "photons",
    "power_w", "squeezing_db",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Lever:
    """One number of a setup, and what E becomes by it; by scheme and direction, NaN where E grows without bound.

    Parameters
    ----------
    name : the table and the key, joined by a dot; ``1 - plus.cavity.outcoupling`` for a loss that is given by its rest
    value : the number, or the loss
    derivative, error : x ∂ln E/∂x, and a bound on its numerical error
    gain : by how much E falls, as a part of E, if the number is 10 % better; negative if E rises
    better : the number at which it is 10 % better; a number that is tuned stays where neither way is better
    limit : the best that this number alone could be
    limit_gain : by how much E falls, as a part of E, at ``limit``
    """

    name: str
    value: float
    derivative: dict[Scheme, dict[Direction, float]]
    error: dict[Scheme, dict[Direction, float]]
    gain: dict[Scheme, dict[Direction, float]]
    better: dict[Scheme, dict[Direction, float]]
    limit: dict[Scheme, dict[Direction, float]]
    limit_gain: dict[Scheme, dict[Direction, float]]


def error_budget(tables: Mapping[str, Any], name: str) -> tuple[Lever, ...]:
    """The numbers of a setup, given as the tables of its file; first what gains most in E₊|₋ without the record.

    Losses, 1 − κ_ex/κ and 1 − η count as numbers of their own, whose limit is 0, as is that of a temperature or an
    occupation. A linewidth of a bath is followed to a tenth. What can be tuned (θ, rates of readout, light, detuning,
    κ, dB) is followed by a factor of 10 both ways, to the best value. Phases: ``phase_budget``. Raises ValueError as
    ``read_setup`` does for the tables, and NoSteadyStateError where there is no steady state given the record. Section
    10 of sim/README.md.
    """
    # with several threads the linear algebra of small matrices takes several times as long
    with on_one_thread():
        trial = SetupTrial(tables, name)
        found = [_lever(trial, path) for path in _paths(tables)]
    rank = [(-round(each.gain["unconditional"][DIRECTIONS[0]] or 0.0, 9), place) for place, each in enumerate(found)]
    return tuple(found[place] for _, place in sorted(rank))


def _paths(tables: Mapping[str, Any]) -> list[NumberPath]:
    """The numbers that are levers, in the order of the file."""
    known = {*_PARTS, *_LOSSES, *_COLD, *_QUIET, *_TUNED}
    found: list[NumberPath] = []
    for table, content in tables.items():
        for key, value in content.items():
            inside: list[NumberPath] = [(table, key)]
            if isinstance(value, Mapping):
                inside = [(table, key, each) for each in value]
            found += [path for path in inside if path[-1] in known]
    return found


def _lever(trial: SetupTrial, path: NumberPath) -> Lever:
    key, given = path[-1], trial.value(path)
    lost = key in _PARTS
    value = 1.0 - given if lost else given

    def at(number: float) -> FloatArray:
        return trial.at(path, 1.0 - number if lost else number)

    bath = len(path) == 2 and key in _QUIET
    derivative, error = _logarithmic(at, value, trial.now)
    if bath or key in _COLD or key in _LOSSES or lost:
        better = np.full_like(trial.now, value * (1.0 + _STEP if key == "quality" else 1.0 - _STEP))
        limit = np.full_like(trial.now, value * _QUIET[key] if bath else 0.0)
        changed, best = at(float(better[0, 0])), at(float(limit[0, 0]))
    else:
        ways = [value * (1.0 + _STEP), value * (1.0 - _STEP)]
        better, changed = _smallest([(value, trial.now), *((way, at(way)) for way in ways)])
        limit, best = _followed(at, value, trial.now)
    gains = [np.where(np.isfinite(trial.now), 1.0 - each / trial.now, np.nan) for each in (changed, best)]
    columns = (derivative, error, gains[0], better, limit, gains[1])
    names = ("derivative", "error", "gain", "better", "limit", "limit_gain")
    return Lever(
        name=("1 - " if lost else "") + ".".join(path),
        value=value,
        **{name: by_scheme(column) for name, column in zip(names, columns, strict=True)},
    )


def _logarithmic(at: Callable[[float], FloatArray], value: float, now: FloatArray) -> tuple[FloatArray, FloatArray]:
    """∂ln E/∂ln x by five points, and its change from a step twice as long; one-sided at the end of the range."""
    if value == 0.0:
        return np.zeros_like(now), np.zeros_like(now)
    derivative, error = np.full_like(now, np.nan), np.full_like(now, np.inf)
    for step in _DIFFERENCES:
        found, doubt = _five_points(at, value, now, step)
        better = doubt < error
        derivative, error = np.where(better, found, derivative), np.where(better, doubt, error)
        if np.all((error < _PRECISE) | ~np.isfinite(now)):
            break
    return derivative, np.where(np.isfinite(error), error, np.nan)


def _five_points(
    at: Callable[[float], FloatArray], value: float, now: FloatArray, step: float
) -> tuple[FloatArray, FloatArray]:
    def shifted(steps: int) -> FloatArray:
        return at(value * math.exp(step * steps)) if steps else now

    nodes, weights = _STENCILS[0 if np.isfinite(shifted(4)).any() else -1]
    with np.errstate(all="ignore"):
        fine, coarse = (
            np.sum([weight * np.log(shifted(wide * node)) for node, weight in zip(nodes, weights, strict=True)], axis=0)
            / (wide * step)
            for wide in (1, 2)
        )
    return fine, np.where(np.isfinite(fine - coarse), abs(fine - coarse), np.inf)


def _smallest(trials: list[tuple[float, FloatArray]]) -> tuple[FloatArray, FloatArray]:
    """The numbers at which E is smallest, by scheme and direction, and E there; the first of equals."""
    numbers, values = np.array([number for number, _ in trials]), np.array([each for _, each in trials])
    place = np.argmax(values <= values.min(axis=0) * (1.0 + _TIE), axis=0)
    return numbers[place], np.take_along_axis(values, place[None], axis=0)[0]


def _followed(at: Callable[[float], FloatArray], value: float, now: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The best value within a factor of ``_REACH``, and E there: points on a logarithmic scale, the best refined."""
    if value == 0.0:
        return np.zeros_like(now), now
    shifts = np.linspace(-1.0, 1.0, _POINTS)
    trials = [(value, now), *((value * _REACH**shift, at(value * _REACH**shift)) for shift in shifts if shift != 0.0)]
    numbers, values = _smallest(trials)
    width = _REACH ** (2.0 / (_POINTS - 1))
    refined = np.array(values)
    best = np.array(numbers)
    for place in np.ndindex(*now.shape):
        if np.isfinite(values[place]):

            def one(x: float, place: tuple[int, ...] = place) -> float:
                return float(at(x)[place])

            best[place], refined[place] = _refined(one, float(numbers[place]), width)
    return best, refined


def _refined(function: Callable[[float], float], number: float, width: float) -> tuple[float, float]:
    """The smallest value next to a number, by halving steps in ln x."""
    lowest = function(number)
    for _ in range(_HALVINGS):
        width = math.sqrt(width)
        centre = number
        for each in (centre / width, centre * width):
            value = function(each)
            if value < lowest * (1.0 - _TIE):
                number, lowest = each, value
    return number, lowest
