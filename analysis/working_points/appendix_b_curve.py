"""Appendix B of arXiv:1901.04250 over a range of C₋: every comparison, the exact curve, and all of it as a dataset."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import xarray as xr

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, Direction, key
from cascade_steering.analysis.working_points.appendix_b import Comparison, Sampling, SamplingProgress, compare
from cascade_steering.analysis.working_points.optimum import Optimum, Search, best_points
from cascade_steering.sim.parallel.independent_tasks import in_parallel

__all__ = ["exact_curve", "optima", "steps", "study", "study_dataset"]

# values of C₋ on the exact curve for each decade: straight lines between them on logarithmic axes are then within 3 %
# of d where the best point switches from one branch to another, and within 1 % elsewhere
_PER_DECADE = 20
# relative difference below which two values of C₋ are the same
_SAME = 1e-9


def optima(
    searches: Sequence[Search], jobs: int = 1, progress: SamplingProgress | None = None
) -> list[dict[Direction, tuple[Optimum, Optimum]]]:
    """The best unconditional and conditional point of each search, by direction. Calls ``progress`` with 1 for each."""
    return in_parallel(_both_schemes, searches, jobs, None if progress is None else lambda *_: progress(1, ""))


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
    return (1 + len(DIRECTIONS)) * len(searches) + len(_curve(searches))


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
    baths = list(dict.fromkeys(bath for bath, _ in searches))
    order = sorted(values, key=lambda point: (baths.index(point[0]), point[1]))
    return xr.Dataset(
        {"d_curve": (("curve_point", "direction"), np.array([values[point] for point in order]))},
        coords={
            "curve_bath": ("curve_point", [bath for bath, _ in order]),
            "curve_c_minus": ("curve_point", [c_minus for _, c_minus in order]),
            "direction": [key(direction) for direction in DIRECTIONS],
        },
    )


def study_dataset(searches: dict[tuple[str, float], Search], comparisons: Sequence[Comparison]) -> xr.Dataset:
    """A study as a dataset over (point, direction), and (point, direction, scheme) for the working points."""
    shape = (len(searches), len(DIRECTIONS))

    def table(pick: Callable[[Comparison], float]) -> tuple[tuple[str, str], np.ndarray]:
        return ("point", "direction"), np.array([pick(c) for c in comparisons]).reshape(shape)

    def points(pick: Callable[[Optimum], float]) -> tuple[tuple[str, str, str], np.ndarray]:
        values = [[pick(c.best_unconditional), pick(c.best_conditional)] for c in comparisons]
        return ("point", "direction", "scheme"), np.array(values).reshape(*shape, 2)

    variables = {
        f"{name}{suffix}": table(lambda c, n=field, e=edge: getattr(getattr(c, n), e))  # type: ignore[misc]
        for name, field in (("E_u", "unconditional"), ("E_c", "conditional"), ("d", "improvement"))
        for suffix, edge in (("", "value"), ("_low", "low"), ("_high", "high"))
    }
    variables["d_exact"] = table(lambda c: c.exact_improvement)
    working_points = {
        "E_exact": points(lambda o: o.value),
        "theta_minus_pi": points(lambda o: o.cascade.minus.angle / np.pi),
        "theta_plus_pi": points(lambda o: o.cascade.plus.angle / np.pi),
        "c_plus_over_c_minus": points(lambda o: o.c_plus_over_c_minus),
        "lo_phase_pi": points(lambda o: o.detection.lo_phase_pi if o.detection else np.nan),
        "trajectories": (
            ("point", "direction", "scheme"),
            np.array([c.trajectories for c in comparisons]).reshape(*shape, 2),
        ),
    }
    return xr.Dataset(
        {**variables, **working_points},
        coords={
            "bath": ("point", [bath for bath, _ in searches]),
            "c_minus": ("point", [c_minus for _, c_minus in searches]),
            "direction": [key(direction) for direction in DIRECTIONS],
            "scheme": list(SCHEMES),
        },
        attrs={
            "intervals": "95 %: *_low to *_high",
            "bath": "bath of the second oscillator",
        },
    )
