"""Appendix B of arXiv:1901.04250: how much measuring the outgoing light gains, each scheme at its own optimum.

d = (E_u − E_c)/E_u takes two ensembles, one at the best point of each scheme. E_u is what the first observer does
not know plus the scatter of his means; any detection unravels the same unconditional state, so the one whose
scatter adds least to E_u is taken, and with it the smallest error of d. E_c is the conditional steering of the
second ensemble.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import xarray as xr

from analysis.discretisation import with_discretisation
from analysis.estimators import (
    Ensemble,
    Estimate,
    conditional_steering,
    relative_improvement,
    sampled_part,
    unconditional_steering,
)
from analysis.optimum import Optimum, Search, best_points
from analysis.parallel import in_parallel
from analysis.steering import DIRECTIONS, SCHEMES, Direction, steering_parameter
from sim.ensemble import Method, grid_for, require_jobs, simulate
from sim.gaussian.covariance import relaxation_time, stationary_state
from sim.gaussian.trajectories import Gaussian
from sim.model import rwa
from sim.parameters import Cascade, Detection, require, require_count

# LO phases tried for the quietest unravelling of the unconditional state: it need not be the best, only good
_PHASES = np.pi * np.arange(12) / 12
# of E; with 1e4 trajectories its statistical error is then 1e-6 of E, rounding at V = 1e7 some 1e-7. A Fock space cut
# to a dozen levels is good to 1e-4 of E, which some hundred trajectories are for a share of 1e-3
_LEAST_SHARE = {"exact": 1e-4, "truncated": 1e-3}
_SAVES = 20
# conditional relaxation times: what a Fock state forgets of its Gaussian start is then e⁻¹⁰
_RELAXATIONS = 5.0
# units of 1/γ̃₀; the slowest relaxation at hot baths and the edge of stability takes 1e7
_LONGEST = 1e9
# of C₋, for the exact curve
_PER_DECADE = 5


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How much is simulated at each working point, from the stationary state.

    Parameters
    ----------
    method : engine
    trajectories : ≥ 2 to a working point
    duration : in units of 1/γ̃₀ of the first oscillator, > 0; left out, five conditional relaxation times
    seed : of all ensembles together, ≥ 0
    jobs : worker processes
    """

    method: Method
    trajectories: int
    duration: float | None = None
    seed: int = 0
    jobs: int = 1

    def __post_init__(self) -> None:
        require_count(self.trajectories, "trajectories", low=2)
        require_count(self.seed, "seed", low=0)
        require_jobs(self.jobs)
        if self.duration is not None:
            require(self.duration, "duration", low=0.0, high=_LONGEST, low_open=True)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One direction at one C₋ and one pair of baths: what is exact, and what the trajectories say."""

    direction: Direction
    best_unconditional: Optimum
    best_conditional: Optimum
    unconditional: Estimate
    conditional: Estimate
    improvement: Estimate

    @property
    def exact_improvement(self) -> float:
        """d from the exact optima."""
        return 1.0 - self.best_conditional.value / self.best_unconditional.value


def quietest_detection(
    cascade: Cascade, direction: Direction, efficiency: float, method: Method | None = None
) -> Detection:
    """The homodyne detection under which the scatter of the means adds least to the unconditional E.

    Unless it adds next to nothing: what hides from the observer at hot baths is 1e7 times the vacuum, and the
    rounding of that would exceed the statistical error. Where ``method`` cannot hold the conditional state of any but
    some detections, it is one of those; if of none, the detection with the purest state.
    """
    candidates = [Detection(lo_phase=float(phase), efficiency=efficiency) for phase in _PHASES]
    if method is not None:
        states = [stationary_state(rwa(cascade, each)) for each in candidates]
        held = [each for each, state in zip(candidates, states, strict=True) if method.holds(state)]
        purest = min(range(len(states)), key=lambda index: float(np.linalg.det(states[index].covariance)))
        candidates = held or [candidates[purest]]
    shares = np.array([_sampled_share(cascade, detection, direction) for detection in candidates])
    exact = method is None or isinstance(method, Gaussian)
    audible = shares >= _LEAST_SHARE["exact" if exact else "truncated"]
    chosen = np.where(audible, shares, np.inf).argmin() if audible.any() else shares.argmax()
    return candidates[chosen]


def _sampled_share(cascade: Cascade, detection: Detection, direction: Direction) -> float:
    """What part of the unconditional E comes from the scatter of the means."""
    state = stationary_state(rwa(cascade, detection))
    part = sampled_part(state.covariance, state.scatter, direction)
    return part / float(steering_parameter(state.unconditional, direction))


def optima(
    searches: Sequence[Search], jobs: int = 1, progress: Callable[[], None] | None = None
) -> list[dict[Direction, tuple[Optimum, Optimum]]]:
    """The best unconditional and conditional point of each search, by direction; ``progress`` after each search."""
    return in_parallel(_both_schemes, searches, jobs, None if progress is None else lambda *_: progress())


def _both_schemes(search: Search) -> dict[Direction, tuple[Optimum, Optimum]]:
    unconditional, conditional = (best_points(search, conditional=wanted) for wanted in (False, True))
    return {direction: (unconditional[direction], conditional[direction]) for direction in DIRECTIONS}


def compare(best: tuple[Optimum, Optimum], sampling: Sampling, *, stream: int) -> Comparison:
    """d in one direction from simulated records at the best point of each scheme.

    ``stream`` numbers the comparisons of one study, so that each draws its own noise from ``sampling.seed``.
    """
    unconditional, conditional = best
    direction = unconditional.direction
    if conditional.detection is None:
        raise ValueError("the second optimum must be that of the conditional scheme")
    quiet = quietest_detection(unconditional.cascade, direction, conditional.detection.efficiency, sampling.method)
    first = _ensemble(unconditional.cascade, quiet, sampling, 2 * stream)
    second = _ensemble(conditional.cascade, conditional.detection, sampling, 2 * stream + 1)
    e_u, e_c = unconditional_steering(first, direction), conditional_steering(second, direction)
    return Comparison(
        direction=direction,
        best_unconditional=unconditional,
        best_conditional=conditional,
        unconditional=e_u,
        conditional=e_c,
        improvement=relative_improvement(e_u, e_c),
    )


def _ensemble(cascade: Cascade, detection: Detection, sampling: Sampling, stream: int) -> Ensemble:
    model = rwa(cascade, detection)
    start = stationary_state(model)
    if sampling.duration is None:
        duration = _RELAXATIONS * relaxation_time(model)
    else:
        duration = sampling.duration * cascade.time_unit
    grid = grid_for(sampling.method, model, start, duration, saves=_SAVES)
    seed = int(np.random.SeedSequence(sampling.seed, spawn_key=(stream,)).generate_state(1, np.uint64)[0])
    dataset = simulate(
        model,
        sampling.method,
        grid,
        start,
        trajectories=sampling.trajectories,
        seed=seed,
        jobs=sampling.jobs,
    )
    return Ensemble.of(with_discretisation(dataset, model, sampling.method, grid, start, seed))


def study(
    searches: dict[tuple[str, float], Search], sampling: Sampling, progress: Callable[[], None] | None = None
) -> list[Comparison]:
    """Comparisons in both directions for every search, keyed by (bath of +, C₋), in order.

    ``progress`` is called after each search and each comparison, ``steps`` times with that of ``exact_curve``.
    """
    comparisons: list[Comparison] = []
    for best in optima(list(searches.values()), sampling.jobs, progress):
        for pair in best.values():
            comparisons.append(compare(pair, sampling, stream=len(comparisons)))
            if progress is not None:
                progress()
    return comparisons


def steps(searches: dict[tuple[str, float], Search]) -> int:
    """How often ``study`` and ``exact_curve`` together call their ``progress``."""
    return (1 + len(DIRECTIONS)) * len(searches) + len(_curve(searches))


def _curve(searches: dict[tuple[str, float], Search]) -> dict[tuple[str, float], Search]:
    """The same searches on a grid over the range of C₋."""
    given = [c_minus for _, c_minus in searches]
    count = 1 + int(np.ceil(_PER_DECADE * np.log10(max(given) / min(given))))
    grid = np.geomspace(min(given), max(given), count)
    return {
        (bath, float(c_minus)): replace(search, c_minus=float(c_minus))
        for (bath, _), search in searches.items()
        for c_minus in grid
    }


def exact_curve(
    searches: dict[tuple[str, float], Search], jobs: int = 1, progress: Callable[[], None] | None = None
) -> xr.Dataset:
    """d from the exact optima on a grid over the range of C₋: ``d_curve`` (curve_point, direction)."""
    points = _curve(searches)
    values = [
        [1.0 - conditional.value / unconditional.value for unconditional, conditional in best.values()]
        for best in optima(list(points.values()), jobs, progress)
    ]
    return xr.Dataset(
        {"d_curve": (("curve_point", "direction"), np.array(values))},
        coords={
            "curve_bath": ("curve_point", [bath for bath, _ in points]),
            "curve_c_minus": ("curve_point", [c_minus for _, c_minus in points]),
            "direction": [f"E_{direction}" for direction in DIRECTIONS],
        },
    )


def dataset(searches: dict[tuple[str, float], Search], comparisons: Sequence[Comparison]) -> xr.Dataset:
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
        "c_plus_over_c_minus": points(lambda o: o.cascade.plus.cooperativity / o.cascade.minus.cooperativity),
        "lo_phase_pi": points(lambda o: o.detection.lo_phase / np.pi if o.detection else np.nan),
    }
    return xr.Dataset(
        {**variables, **working_points},
        coords={
            "bath": ("point", [bath for bath, _ in searches]),
            "c_minus": ("point", [c_minus for _, c_minus in searches]),
            "direction": [f"E_{direction}" for direction in DIRECTIONS],
            "scheme": list(SCHEMES),
        },
        attrs={
            "intervals": "95 %: *_low to *_high",
            "bath": "bath of the second oscillator",
        },
    )
