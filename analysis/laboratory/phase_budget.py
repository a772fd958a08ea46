"""What the phases of a setup are worth: slope and curvature of ln E, what being off costs, and the best phase.

Section 10 of sim/README.md. At its best a phase has no first derivative, and what it costs is of second order.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Direction, Scheme
from cascade_steering.analysis.laboratory.setup_trial import NumberPath, SetupTrial, by_scheme
from cascade_steering.sim.parallel.linear_algebra import on_one_thread

__all__ = ["PhaseLever", "phase_budget"]

FloatArray = NDArray[np.float64]
# what it is where the file has none, and its period, in units of π; a path longer by π changes the sign of + and no E
_PHASES: dict[NumberPath, tuple[float, float]] = {
    ("link", "path_phase_pi"): (0.0, 1.0),
    ("link", "squeezing_angle_pi"): (0.0, 2.0),
    ("detection", "lo_phase_pi"): (0.5, 1.0),
}
# radians by which a phase is off, and a distance from a stationary point that counts as none
_OFF = 0.1
_NEAR = 0.01
# steps of the derivatives in radians: the error of five points is of order h⁴, that of rounding of 1e-12/h²
_STEPS = (0.08, 0.04, 0.02, 0.01)
_NODES = np.arange(-2, 3)
_FIRST = np.array([1.0, -8.0, 0.0, 8.0, -1.0]) / 12.0
_SECOND = np.array([-1.0, 16.0, -30.0, 16.0, -1.0]) / 12.0
# a slope that is no more than this is none
_NO_SLOPE = 1e-7
# phases at which the best is looked for, and halvings of their distance around it
_POINTS, _HALVINGS = 16, 9
# E that is lower by less is equal: the phase as it is, or the nearer one, is then the best
_TIE = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class PhaseLever:
    """One phase of a setup; by scheme and direction, NaN where E grows without bound. Section 10 of sim/README.md.

    Parameters
    ----------
    name : the table and the key, joined by a dot
    value_pi : the phase, in units of π
    slope, slope_error : ∂ln E/∂φ per radian, and a bound on its numerical error
    curvature, curvature_error : ∂²ln E/∂φ² per radian², likewise
    stationary : whether E is stationary within 0.01 radians of the phase, so that being off costs in second order
    off : by how much E rises, as a part of E, if the phase is 0.1 radians off the worse way
    best_pi : the phase at which E is smallest, in units of π; of equal ones the nearest
    best_gain : by how much E falls, as a part of E, at that phase
    """

    name: str
    value_pi: float
    slope: dict[Scheme, dict[Direction, float]]
    slope_error: dict[Scheme, dict[Direction, float]]
    curvature: dict[Scheme, dict[Direction, float]]
    curvature_error: dict[Scheme, dict[Direction, float]]
    stationary: dict[Scheme, dict[Direction, bool]]
    off: dict[Scheme, dict[Direction, float]]
    best_pi: dict[Scheme, dict[Direction, float]]
    best_gain: dict[Scheme, dict[Direction, float]]


def phase_budget(tables: Mapping[str, Any], name: str) -> tuple[PhaseLever, ...]:
    """The phases of a setup, given as the tables of its file: path, local oscillator, and angle of squeezed light.

    The last only where there is squeezing. Raises as ``SetupTrial`` does. Section 10 of sim/README.md.
    """
    # with several threads the linear algebra of small matrices takes several times as long
    with on_one_thread():
        trial = SetupTrial(tables, name)
        squeezed = trial.value(("link", "squeezing_db"), 0.0) > 0.0
        return tuple(
            _phase(trial, path, default, period)
            for path, (default, period) in _PHASES.items()
            if squeezed or path[-1] != "squeezing_angle_pi"
        )


def _phase(trial: SetupTrial, path: NumberPath, default: float, period_pi: float) -> PhaseLever:
    value = trial.value(path, default)

    def steering(radians: float) -> FloatArray:
        return trial.at(path, value + radians / np.pi) if radians else trial.now

    with np.errstate(all="ignore"):
        slope, curvature = _derivatives(lambda radians: np.log(steering(radians)))
        worse = np.maximum(steering(_OFF), steering(-_OFF))
        shift, lowest = _best(steering, np.pi * period_pi, trial.now)
        near = np.abs(slope[0]) <= np.maximum(_NEAR * np.abs(curvature[0]), _NO_SLOPE + slope[1])
        columns = {
            "slope": slope[0], "slope_error": slope[1], "curvature": curvature[0], "curvature_error": curvature[1],
            "stationary": near, "off": worse / trial.now - 1.0, "best_pi": value + shift / np.pi,
            "best_gain": 1.0 - lowest / trial.now,
        }  # fmt: skip
    grows = ~np.isfinite(trial.now)
    return PhaseLever(
        name=".".join(path),
        value_pi=value,
        **{
            key: by_scheme(each if key == "stationary" else np.where(grows, np.nan, each))
            for key, each in columns.items()
        },
    )


def _derivatives(
    logarithm: Callable[[float], FloatArray],
) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """First and second derivative by five points, each with its change from a step twice as long."""
    by_step = []
    for step in _STEPS:
        values = np.array([logarithm(step * node) for node in _NODES.tolist()])
        by_step.append((np.tensordot(_FIRST, values, 1) / step, np.tensordot(_SECOND, values, 1) / step**2))
    found = []
    for which in (0, 1):
        each = np.array([derivatives[which] for derivatives in by_step])
        doubt = np.nan_to_num(np.abs(np.diff(each, axis=0)), nan=np.inf)
        place = np.argmin(doubt, axis=0)[None]
        chosen, error = (np.take_along_axis(of, place, axis=0)[0] for of in (each[1:], doubt))
        found.append((chosen, error))
    return found[0], found[1]


def _best(steering: Callable[[float], FloatArray], period: float, now: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The shift of the phase, radians, at which E is smallest within a period, and E there, by scheme and direction."""
    # from 0 both ways
    both = [sign * each for each in range(1, _POINTS // 2) for sign in (1, -1)]
    shifts = period * np.array([0, *both, _POINTS // 2]) / _POINTS
    values = np.array([steering(float(each)) for each in shifts])
    best, lowest = np.zeros_like(now), np.array(now)
    for place in np.ndindex(*now.shape):
        column = values[(slice(None), *place)]
        if not np.isfinite(now[place]):
            continue
        at = int(np.argmax(column <= np.nanmin(column) * (1.0 + _TIE)))
        shift, value, width = float(shifts[at]), float(column[at]), period / _POINTS
        for _ in range(_HALVINGS):
            width /= 2.0
            centre = shift
            for trial in (centre - width, centre + width):
                other = float(steering(trial)[place])
                if other < value * (1.0 - _TIE):
                    shift, value = trial, other
        best[place], lowest[place] = shift, value
    return best, lowest
