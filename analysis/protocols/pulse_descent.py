"""The descent to the lowest allowed pulse near a given one."""

import math
import warnings
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.protocols.pulse_search import BY_SEGMENT, PulseCourse, PulseSearch

__all__ = ["MISSED", "ROUGH", "TIGHT", "Objective", "descend_pulse"]

FloatArray = NDArray[np.float64]
Objective = Callable[[PulseCourse], FloatArray]
ROUGH, TIGHT = {"ftol": 1e-6, "maxiter": 40}, {"ftol": 1e-14, "maxiter": 150}
# how far a bound may be missed, relative
MISSED = 1e-10
_DIFFERENCE = 1e-6
# how far a phase may go beyond 0 and 1
_WRAP = 0.3
# a coordinate that differs from its bound by less than the search finds it
_ON_EDGE = 1e-8


def descend_pulse(
    search: PulseSearch,
    objective: Objective,
    start: FloatArray,
    effort: dict[str, float],
    left: Objective | None = None,
    at_end: tuple[int, ...] = (),
    held: tuple[int, ...] = (),
) -> tuple[float, FloatArray]:
    """The lowest allowed point found from ``start``, and its value; infinite where no allowed point is found.

    ``left`` is a further bound, ≥ 0; the coordinates ``at_end`` stay at 1, and those ``held`` where they are.
    """
    # imported here, because the command line imports this module and few commands search
    from scipy.optimize import minimize

    n = search.dimension
    least, most = np.zeros(n), np.ones(n)
    # phases are periodic: a search may cross 0 or 1
    turning = slice(BY_SEGMENT * search.segments, None)
    least[turning], most[turning] = -_WRAP, 1.0 + _WRAP
    least[list(at_end)] = 1.0
    start = np.clip(start, least, most)
    least[list(held)] = most[list(held)] = start[list(held)]
    shifts = _DIFFERENCE * np.eye(n)
    shifts = np.concatenate([np.zeros((1, n)), shifts, -shifts])
    last: dict[bytes, tuple[FloatArray, FloatArray]] = {}

    def nearby(unit: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The objective and all bounds with their derivatives: (1 + m,) and (1 + m, n)."""
        if (key := unit.tobytes()) not in last:
            points = np.clip(unit + shifts, least, most)
            course = search.course(points)
            rows = np.concatenate([objective(course)[:, None], search.room(course)], axis=-1)
            rows = rows if left is None else np.concatenate([rows, left(course)[:, None]], axis=-1)
            width = np.diagonal(points[1 : n + 1] - points[n + 1 :])
            slopes = (rows[1 : n + 1] - rows[n + 1 :]) / np.where(width > 0.0, width, 1.0)[:, None]
            last.clear()
            # SLSQP reads a slope as if its numbers were next to each other
            last[key] = rows[0], np.ascontiguousarray(slopes.T)
        return last[key]

    bounds = {
        "type": "ineq", "fun": lambda unit: nearby(unit)[0][1:], "jac": lambda unit: nearby(unit)[1][1:]
    }  # fmt: skip
    with warnings.catch_warnings():
        # SLSQP of older SciPy steps over a bound by a rounding error, puts the point back, and warns
        warnings.filterwarnings("ignore", "Values in x were outside bounds", RuntimeWarning)
        result = minimize(
            lambda unit: (float(nearby(unit)[0][0]), nearby(unit)[1][0]), start, jac=True, method="SLSQP",
            bounds=np.stack([least, most], axis=-1), constraints=[bounds], options=effort,
        )  # fmt: skip
    unit = np.clip(result.x, least, most)
    unit[np.abs(unit) < _ON_EDGE] = 0.0
    unit[np.abs(unit - 1.0) < _ON_EDGE] = 1.0
    found = [(float(rows[0]), each) for each in (start, unit) if (rows := nearby(each)[0])[1:].min() > -MISSED]
    return min(found, key=lambda each: each[0], default=(math.inf, start))
