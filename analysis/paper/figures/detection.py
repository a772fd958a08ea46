"""Fig. 8 of arXiv:1901.04250: d for every detection that is possible, because the paper does not state its own.

d = (E_u − E_c)/E_u, each scheme at its own best point; exact against C₋, and from trajectories at some of the C₋.
The search and its cut at the edge of stability have an error of 1e-6 of d: a |d| below ``RESOLUTION`` counts as 0.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, key
from cascade_steering.analysis.estimation.estimators import Estimate
from cascade_steering.analysis.paper.figures.optima import LARGEST_RATIO, cooperativities
from cascade_steering.analysis.working_points.appendix_b import Comparison, Sampling, compare
from cascade_steering.analysis.working_points.optimum import Optimum, Search, best_points
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.parallel.independent_tasks import Progress, in_parallel
from cascade_steering.sim.parameters import BATHS, Bath, require_count

__all__ = ["DETECTIONS", "RESOLUTION", "improvements"]

FloatArray = NDArray[np.float64]
_LIGHT: dict[str, dict[str, Any]] = {
    "best phase": {"lo_phase_pi": None},
    "phase 0": {"lo_phase_pi": 0.0},
    "phase pi/4": {"lo_phase_pi": 0.25},
    "phase pi/2": {"lo_phase_pi": 0.5},
    "heterodyne": {"scheme": "heterodyne", "lo_phase_pi": 0.0},
}
# the fields of ``Search`` in which the detections differ
DETECTIONS: dict[str, dict[str, Any]] = {
    **_LIGHT,
    **{
        f"{name}, efficiency {efficiency}": {**light, "efficiency": efficiency}
        for efficiency in (0.9, 0.5)
        for name, light in _LIGHT.items()
    },
}
RESOLUTION = 1e-5
_DURATION = 10.0

_Pair = tuple[Optimum, Optimum]
_Found = tuple[FloatArray, dict[Direction, _Pair]]
_D = {"long_name": "relative improvement of E by the record, (E_u - E_c)/E_u", "units": "1"}


def improvements(
    *,
    points: int = 41,
    simulated: int = 6,
    trajectories: int = 10_000,
    seed: int = 0,
    detections: Sequence[str] = tuple(DETECTIONS),
    jobs: int = 1,
    progress: Progress | None = None,
) -> xr.Dataset:
    """Fig. 8: d against C₋ in both directions, for both baths of + and every detection.

    Parameters
    ----------
    points : values of C₋
    simulated : number of them, between the first and the last, at which d is also simulated
    trajectories, seed : of these ensembles
    detections : of ``DETECTIONS``; the first is the one simulated
    jobs, progress : number of worker processes; ``progress(done, total)`` is called as they finish

    Variables: ``d``, ``E_c`` (bath, detection, c_minus, direction), ``lo_phase_pi`` of the best point, NaN for
    heterodyne; ``E_u`` (bath, c_minus, direction); ``d_simulated``, ``d_low``, ``d_high`` (bath,
    simulated_c_minus, direction) with 95 % intervals.
    Raises ValueError for counts out of range or an unknown detection.
    """
    unknown = [name for name in detections if name not in DETECTIONS]
    if unknown or not detections:
        raise ValueError(f"detections must be of {', '.join(DETECTIONS)}, got {detections!r}")
    c_minus = cooperativities(points)
    require_count(simulated, "simulated", low=1)
    if simulated > points - 2:
        raise ValueError(f"simulated must be at most points - 2 ({points - 2}), got {simulated}")
    sampling = Sampling(method=Gaussian(), trajectories=trajectories, duration=_DURATION, seed=seed)
    chosen = np.round(np.linspace(0, points - 1, simulated + 2)[1:-1]).astype(int)
    total = len(BATHS) * (points + len(chosen) * len(DIRECTIONS))

    def advance(offset: int) -> Progress | None:
        return None if progress is None else lambda done, _: progress(offset + done, total)

    tasks = [(bath, float(c), tuple(detections)) for bath in BATHS for c in c_minus]
    found = in_parallel(_exact, tasks, jobs, advance(0))
    pairs = [found[b * points + k][1][each] for b in range(len(BATHS)) for k in chosen for each in DIRECTIONS]
    numbered = [(pair, sampling, stream) for stream, pair in enumerate(pairs)]
    comparisons = in_parallel(_simulated, numbered, jobs, advance(len(tasks)))
    exact = np.stack([values for values, _ in found]).reshape(len(BATHS), points, -1, len(DIRECTIONS), 3)
    dataset = _dataset(detections, c_minus, exact, c_minus[chosen], [each.improvement for each in comparisons])
    return dataset.assign_attrs(trajectories=trajectories, seed=str(seed))


def _exact(task: tuple[str, float, tuple[str, ...]]) -> _Found:
    """[E_u, E_c, ϑ/π], array of shape (detections, directions, 3), and the optima of the first detection."""
    bath, c_minus, detections = task
    free = Search(
        c_minus=c_minus, bath_minus=Bath.named("hot"), bath_plus=Bath.named(bath), largest_ratio=LARGEST_RATIO
    )
    unconditional = best_points(free, conditional=False)
    found = [best_points(replace(free, **DETECTIONS[name]), conditional=True) for name in detections]
    values = [
        [[unconditional[each].value, conditional[each].value, _phase(conditional[each])] for each in DIRECTIONS]
        for conditional in found
    ]
    return np.array(values), {each: (unconditional[each], found[0][each]) for each in DIRECTIONS}


def _phase(best: Optimum) -> float:
    if best.detection is None or best.detection.scheme == "heterodyne":
        return np.nan
    return best.detection.lo_phase_pi


def _simulated(task: tuple[_Pair, Sampling, int]) -> Comparison:
    pair, sampling, stream = task
    return compare(pair, sampling, stream=stream)


def _dataset(
    detections: Sequence[str],
    c_minus: FloatArray,
    exact: FloatArray,
    simulated_c_minus: FloatArray,
    simulated: Sequence[Estimate],
) -> xr.Dataset:
    """From [E_u, E_c, ϑ/π], (bath, c_minus, detection, direction, 3), and estimates by bath, C₋ and direction."""
    e_u, e_c, phase = np.moveaxis(exact.swapaxes(1, 2), -1, 0)
    curves = ("bath", "detection", "c_minus", "direction")
    points = ("bath", "simulated_c_minus", "direction")
    shape = (len(BATHS), len(simulated_c_minus), len(DIRECTIONS))
    sampled = {
        name: (points, np.array([getattr(each, field) for each in simulated]).reshape(shape), _D)
        for name, field in (("d_simulated", "value"), ("d_low", "low"), ("d_high", "high"))
    }
    return xr.Dataset(
        {
            "d": (curves, 1.0 - e_c / e_u, _D),
            "E_c": (curves, e_c, {"long_name": "smallest conditional steering parameter", "units": "1"}),
            "lo_phase_pi": (curves, phase, {"long_name": "local-oscillator phase", "units": "pi rad"}),
            "E_u": ((curves[0], *curves[2:]), e_u[:, 0], {"long_name": "smallest unconditional E", "units": "1"}),
            **sampled,
        },
        coords={
            "bath": list(BATHS),
            "detection": list(detections),
            "efficiency": ("detection", [DETECTIONS[name].get("efficiency", 1.0) for name in detections]),
            "c_minus": ("c_minus", c_minus, {"long_name": "cooperativity of -", "units": "1"}),
            "simulated_c_minus": simulated_c_minus,
            "direction": [key(direction) for direction in DIRECTIONS],
        },
        attrs={
            "figure": 8,
            "source": "arXiv:1901.04250",
            "bath": "of the second oscillator; the first is hot",
            "loss": 0.0,
            "largest_ratio": LARGEST_RATIO,
            "simulated_detection": detections[0],
            "intervals": "95 %: d_low to d_high",
        },
    )
