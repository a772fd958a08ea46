"""Appendix B of arXiv:1901.04250 over a range of C₋: every comparison, the exact curve, and all of it as a dataset.

``beyond_stability`` is the same without the demand γ± > 0 and without trajectories: d, and what the demand costs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, Direction, key
from cascade_steering.analysis.working_points.appendix_b import Comparison, Sampling, SamplingProgress, compare
from cascade_steering.analysis.working_points.optimum import Optimum, Search, best_points
from cascade_steering.sim.parallel.independent_tasks import in_parallel

__all__ = ["beyond_stability", "exact_curve", "exact_steps", "optima", "steps", "study", "study_dataset"]

# values of C₋ on the exact curve for each decade: straight lines between them on logarithmic axes are then within 3 %
# of d where the best point switches from one branch to another, and within 1 % elsewhere
_PER_DECADE = 20
# relative difference below which two values of C₋ are the same
_SAME = 1e-9


def optima(
    searches: Sequence[Search], jobs: int = 1, progress: SamplingProgress | None = None
) -> list[dict[Direction, tuple[Optimum, Optimum]]]:
    """The best unconditional and conditional point of each search, by direction. Calls ``progress`` with 1 for each."""
    _compile(searches, jobs)
    return in_parallel(_both_schemes, searches, jobs, None if progress is None else lambda *_: progress(1, ""))


def _compile(searches: Sequence[Search], jobs: int) -> None:
    from cascade_steering.analysis.working_points.searching.compiled_parts import compile_in_parallel

    if searches:
        compile_in_parallel(searches[0].region(conditional=True), jobs)


def _both_schemes(search: Search) -> dict[Direction, tuple[Optimum, Optimum]]:
    unconditional, conditional = (best_points(search, conditional=wanted) for wanted in (False, True))
    return {direction: (unconditional[direction], conditional[direction]) for direction in DIRECTIONS}


def study(
    searches: dict[tuple[str, float], Search], sampling: Sampling, progress: SamplingProgress | None = None
) -> list[Comparison]:
    """Comparisons in both directions for every search, keyed by (bath of +, C₋), in order.

    ``progress`` is called with the work done, 1 for each search and each comparison (``steps`` in all, together with
    ``exact_curve``), and a line on the estimate so far.
    """
    comparisons: list[Comparison] = []
    for best in optima(list(searches.values()), sampling.jobs, progress):
        for pair in best.values():
            comparisons.append(compare(pair, sampling, stream=len(comparisons), progress=progress))
    return comparisons


def steps(searches: dict[tuple[str, float], Search]) -> int:
    """The sum of what ``study`` and ``exact_curve`` report to ``progress``."""
    return len(DIRECTIONS) * len(searches) + exact_steps(searches)


def exact_steps(searches: dict[tuple[str, float], Search]) -> int:
    """How often ``beyond_stability`` calls ``progress``: once for each C₋ of the searches and of the curve."""
    return len(searches) + len(_curve(searches))


def _curve(searches: dict[tuple[str, float], Search]) -> dict[tuple[str, float], Search]:
    """The same searches on a grid over the range of C₋, without the C₋ that are in ``searches``."""
    given = np.array(sorted({c_minus for _, c_minus in searches}))
    count = 1 + int(np.ceil(_PER_DECADE * np.log10(given[-1] / given[0]) - _SAME))
    grid = np.geomspace(given[0], given[-1], count)
    between = grid[~np.isclose(grid[:, None], given, rtol=_SAME, atol=0.0).any(axis=1)].tolist()
    return {
        (bath, c_minus): replace(search, c_minus=c_minus)
        for (bath, _), search in searches.items()
        for c_minus in between
    }


def exact_curve(
    searches: dict[tuple[str, float], Search],
    comparisons: Sequence[Comparison],
    jobs: int = 1,
    progress: SamplingProgress | None = None,
) -> xr.Dataset:
    """d from the exact optima over the range of C₋: ``d_curve`` (curve_point, direction), by bath and rising C₋.

    At the C₋ of the ``comparisons``, which ``study`` makes of ``searches``, their exact values are used.
    """
    points = _curve(searches)
    known = np.array([each.exact_improvement for each in comparisons]).reshape(-1, len(DIRECTIONS))
    values = dict(zip(searches, known.tolist(), strict=True))
    for point, best in zip(points, optima(list(points.values()), jobs, progress), strict=True):
        values[point] = [1.0 - conditional.value / unconditional.value for unconditional, conditional in best.values()]
    return _curves(searches, {"d_curve": values})


def _curves(
    searches: dict[tuple[str, float], Search], values: Mapping[str, Mapping[tuple[str, float], Sequence[float]]]
) -> xr.Dataset:
    """Values by direction at each (bath, C₋) as variables over (curve_point, direction), by bath and rising C₋."""
    baths = list(dict.fromkeys(bath for bath, _ in searches))
    order = sorted(next(iter(values.values())), key=lambda point: (baths.index(point[0]), point[1]))
    return xr.Dataset(
        {name: (("curve_point", "direction"), np.array([at[point] for point in order])) for name, at in values.items()},
        coords={
            "curve_bath": ("curve_point", [bath for bath, _ in order]),
            "curve_c_minus": ("curve_point", [c_minus for _, c_minus in order]),
            "direction": [key(direction) for direction in DIRECTIONS],
        },
    )


def beyond_stability(
    searches: dict[tuple[str, float], Search], jobs: int = 1, progress: SamplingProgress | None = None
) -> xr.Dataset:
    """Exact optima without the demand γ± > 0, at the C₋ of ``searches`` and on a curve over their range.

    The variables are those of ``study_dataset`` and ``exact_curve`` that are exact, and: ``stable`` (point, direction,
    scheme), whether γ± > 0 at the point; ``E_stable`` (point, direction), the smallest E that a stable pair reaches
    without the record; ``cost_of_stability`` = (E_stable − E_u)/E_stable, and ``cost_curve`` for the curve. At an
    unstable point E_u is the limit at long times, section 5 of sim/README.md. ``progress`` is called ``exact_steps``
    times.
    """
    wanted = searches | _curve(searches)
    told = None if progress is None else lambda *_: progress(1, "")
    _compile(list(wanted.values()), jobs)
    found = dict(zip(wanted, in_parallel(_with_stable, list(wanted.values()), jobs, told), strict=True))
    gains = {at: [1.0 - c.value / u.value for u, c, _ in best.values()] for at, best in found.items()}
    costs = {at: [1.0 - u.value / stable.value for u, _, stable in best.values()] for at, best in found.items()}
    pairs = [found[at][each][:2] for at in searches for each in DIRECTIONS]
    shape = (len(searches), len(DIRECTIONS))
    stable = np.array([found[at][each][2].value for at in searches for each in DIRECTIONS])
    by_direction = ("point", "direction")
    variables = {
        "E_stable": (by_direction, stable.reshape(shape)),
        "d_exact": (by_direction, np.array([gains[at] for at in searches])),
        "cost_of_stability": (by_direction, np.array([costs[at] for at in searches])),
        "stable": (
            (*by_direction, "scheme"),
            np.array([[o.stable for o in pair] for pair in pairs]).reshape(*shape, 2),
        ),
    }
    dataset = xr.Dataset({**_where(pairs, shape), **variables}, coords=_points(searches))
    return dataset.merge(_curves(searches, {"d_curve": gains, "cost_curve": costs}))


_Best = tuple[Optimum, Optimum, Optimum]


def _with_stable(search: Search) -> dict[Direction, _Best]:
    """By direction the best unconditional and conditional point, and the best unconditional one of a stable pair."""
    free = _both_schemes(replace(search, unstable=True))
    stable = best_points(replace(search, unstable=False), conditional=False)
    return {direction: (*free[direction], stable[direction]) for direction in DIRECTIONS}


def study_dataset(searches: dict[tuple[str, float], Search], comparisons: Sequence[Comparison]) -> xr.Dataset:
    """A study as a dataset over (point, direction), and (point, direction, scheme) for the working points."""
    shape = (len(searches), len(DIRECTIONS))
    pairs = [(c.best_unconditional, c.best_conditional) for c in comparisons]

    def table(pick: Callable[[Comparison], float]) -> tuple[tuple[str, str], np.ndarray]:
        return ("point", "direction"), np.array([pick(c) for c in comparisons]).reshape(shape)

    variables = {
        f"{name}{suffix}": table(lambda c, n=field, e=edge: getattr(getattr(c, n), e))  # type: ignore[misc]
        for name, field in (("E_u", "unconditional"), ("E_c", "conditional"), ("d", "improvement"))
        for suffix, edge in (("", "value"), ("_low", "low"), ("_high", "high"))
    }
    variables["d_exact"] = table(lambda c: c.exact_improvement)
    trajectories = np.array([c.trajectories for c in comparisons]).reshape(*shape, 2)
    return xr.Dataset(
        {**variables, **_where(pairs, shape), "trajectories": (("point", "direction", "scheme"), trajectories)},
        coords=_points(searches),
        attrs={
            "intervals": "95 %: *_low to *_high",
            "bath": "bath of the second oscillator",
        },
    )


def _where(pairs: Sequence[tuple[Optimum, Optimum]], shape: tuple[int, int]) -> dict[str, Any]:
    """Exact E and the best points, unconditional and conditional: variables over (point, direction, scheme)."""

    def points(pick: Callable[[Optimum], float]) -> tuple[tuple[str, str, str], np.ndarray]:
        values = [[pick(each) for each in pair] for pair in pairs]
        return ("point", "direction", "scheme"), np.array(values).reshape(*shape, 2)

    squeezed = any(each.cascade.squeezing_db for pair in pairs for each in pair)
    angle = {"squeezing_angle_pi": points(lambda o: o.cascade.squeezing_angle_pi)} if squeezed else {}
    return {
        **angle,
        "E_exact": points(lambda o: o.value),
        "theta_minus_pi": points(lambda o: o.cascade.minus.angle / np.pi),
        "theta_plus_pi": points(lambda o: o.cascade.plus.angle / np.pi),
        "c_plus_over_c_minus": points(lambda o: o.c_plus_over_c_minus),
        "lo_phase_pi": points(lambda o: o.detection.lo_phase_pi if o.detection else np.nan),
    }


def _points(searches: dict[tuple[str, float], Search]) -> dict[str, Any]:
    """The coordinates of a study: bath and C₋ of each point, directions, schemes."""
    return {
        "bath": ("point", [bath for bath, _ in searches]),
        "c_minus": ("point", [c_minus for _, c_minus in searches]),
        "direction": [key(direction) for direction in DIRECTIONS],
        "scheme": list(SCHEMES),
    }
