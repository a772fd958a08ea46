"""When a run leaves the linear regime, or the range of the arithmetic, because variances grow. Refused beforehand."""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import mode_names
from cascade_steering.sim.gaussian.covariance import transient_mean, transient_roots
from cascade_steering.sim.gaussian.growth import MOST_VARIANCE, DigitsError, GrowthError
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import require

__all__ = ["MOST_EXACT", "MOST_SAMPLED", "first_excess", "require_quanta"]

FloatArray = NDArray[np.float64]
# the most quanta of which exact covariances can be computed
MOST_EXACT = MOST_VARIANCE / 1e3
# The most of a simulation: means are then 1e10, of which rounding leaves 1e-6, less than the vacuum by far.
MOST_SAMPLED = 1e20
# times at which quanta are computed in each part of a schedule, evenly spaced and in geometric progression
_TIMES = 32
_BISECTIONS = 40


def require_quanta(
    model: LinearModel | Schedule,
    initial: InitialState,
    duration: float,
    *,
    unit: float,
    most_quanta: float | None = None,
    sampled: bool = False,
) -> None:
    """Raise ValueError if an oscillator has more than ``most_quanta`` on average at a time before ``duration`` (s).

    The message says which oscillator, and the time in units of ``unit`` seconds. Without ``most_quanta`` the bound is
    that of the arithmetic, ``MOST_EXACT``, or that of trajectories if ``sampled``, ``MOST_SAMPLED``. Raises ValueError
    too for a number of quanta that is not positive.
    """
    if most_quanta is not None:
        require(most_quanta, "most_quanta", low=0.0, low_open=True)
    end = MOST_SAMPLED if sampled else MOST_EXACT
    most = end if most_quanta is None else min(most_quanta, end)
    found = first_excess(model, initial, duration, most)
    if found is None:
        return
    time, mode = found
    when = (
        f"from t = {time / unit:.4g} /gamma~_0 ({time:.4g} s) on" if np.isfinite(unit) else f"from t = {time:.4g} s on"
    )
    if not mode:
        raise ValueError(
            f"oscillators grow at different rates, a slower one before a faster one, and {when} an E of some given "
            "others has fewer than eight digits: end earlier"
        )
    why = (
        f"most_quanta allows {most:g}: end earlier, or allow more"
        if most_quanta is not None and most_quanta <= end
        else f"numbers up to {most:g} keep their digits: end earlier"
    )
    raise ValueError(f"oscillator {mode} has more than {most:g} quanta {when}, and {why}")


def first_excess(
    model: LinearModel | Schedule, initial: InitialState, duration: float, most: float
) -> tuple[float, str] | None:
    """The first time (seconds) before ``duration`` at which an oscillator has more than ``most`` quanta, and its name.

    On average over the ensemble, without the record. None if that does not happen. The name is empty where instead an
    E loses its digits from then on, because several oscillators grow (``sim.gaussian.growth.DigitsError``).
    """
    schedule = Schedule.of(model)
    edges = np.array([0.0, *(each for each in schedule.switches if each < duration), duration])
    shares = np.concatenate([np.geomspace(1e-6, 1.0, _TIMES), np.linspace(0.0, 1.0, _TIMES)])
    parts = edges[:-1, None] + np.diff(edges)[:, None] * shares
    times = np.unique(np.concatenate([edges, parts.ravel()]))
    root, mean, before = np.concatenate([initial.covariance_root, initial.scatter_root]), initial.center, 0.0
    for time in times:
        there, quanta = _after(schedule.after(before), root, mean, time - before)
        above = np.flatnonzero(~(quanta <= most))
        if above.size:
            lost = np.isnan(quanta[above[0]])
            name = "" if lost else (schedule.modes or mode_names(schedule.dimension // 2))[int(above[0])]
            return before + _crossing(schedule.after(before), root, mean, time - before, most), name
        (root, mean), before = there, float(time)
    return None


def _after(
    schedule: Schedule, root: FloatArray, mean: FloatArray, duration: float
) -> tuple[tuple[FloatArray, FloatArray], FloatArray]:
    """Root and mean after ``duration`` seconds, and the quanta of each oscillator.

    They are infinite beyond the arithmetic, and NaN where digits of E would be lost.
    """
    at = np.array([duration])
    try:
        (moved,) = transient_roots(schedule, root, at, conditional=False)
    except DigitsError:
        return (root, mean), np.full(len(mean) // 2, np.nan)
    except GrowthError:
        return (root, mean), np.full(len(mean) // 2, np.inf)
    with np.errstate(over="ignore", invalid="ignore"):
        (center,) = transient_mean(schedule, mean, at)
        squares = np.sum(moved**2, axis=0) + center**2
        quanta = (squares.reshape(-1, 2).sum(axis=1) - 1.0) / 2.0
    return (moved, center), quanta


def _crossing(schedule: Schedule, root: FloatArray, mean: FloatArray, duration: float, most: float) -> float:
    """The time before ``duration`` (seconds) at which the number of quanta reaches ``most``."""
    low, high = 0.0, duration
    for _ in range(_BISECTIONS):
        middle = (low + high) / 2.0
        _, quanta = _after(schedule, root, mean, middle)
        low, high = (middle, high) if np.all(quanta <= most) else (low, middle)
    return high
