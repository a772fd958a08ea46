"""Appendix B of arXiv:1901.04250: how much measuring the outgoing light gains, each scheme at its own optimum.

d = (E_u − E_c)/E_u takes two ensembles, one at the best point of each scheme. E_u is what the first observer does
not know plus the scatter of his means; any detection unravels the same unconditional state, so the one whose
scatter adds least to E_u is taken, and with it the smallest error of d. E_c is the conditional steering of the
second ensemble.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Direction, steering_of_root
from cascade_steering.analysis.estimation.estimators import (
    Ensemble,
    Estimate,
    conditional_steering,
    relative_improvement,
    unconditional_steering,
)
from cascade_steering.analysis.estimation.residuals import sampled_part
from cascade_steering.analysis.estimation.sampling import Problem, sample
from cascade_steering.analysis.estimation.stopping import Target
from cascade_steering.analysis.working_points.optimum import Optimum
from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.ensemble.simulate import grid_for
from cascade_steering.sim.gaussian.covariance import relaxation_time, stationary_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parallel.workers import require_jobs
from cascade_steering.sim.parameters import Cascade, Detection, require, require_count
from cascade_steering.sim.roots import triangular
from cascade_steering.sim.runs.contents import Contents
from cascade_steering.sim.runs.directory import opened
from cascade_steering.sim.runs.identity import plain
from cascade_steering.sim.runs.manifest import NAME, Manifest

__all__ = [
    "COMPARISON",
    "ENSEMBLES",
    "Comparison",
    "Sampling",
    "SamplingProgress",
    "begin",
    "compare",
    "quietest_detection",
]

# LO phases tried for the quietest unravelling of the unconditional state: it need not be the best, only good
_PHASES = np.pi * np.arange(12) / 12
# of E; with 1e4 trajectories its statistical error is then 1e-6 of E, rounding at V = 1e7 some 1e-7. A Fock space cut
# to a dozen levels is good to 1e-4 of E, which some hundred trajectories are for a share of 1e-3
_LEAST_SHARE = {"exact": 1e-4, "truncated": 1e-3}
# relative: detections that are equal by a symmetry differ by 1e-9, others by more
_EQUAL = 1e-6
_SAVES = 20
# conditional relaxation times: what a Fock state forgets of its Gaussian start is then e⁻¹⁰
_RELAXATIONS = 5.0
# units of 1/γ̃₀; the slowest relaxation at hot baths and the edge of stability takes 1e7
_LONGEST = 1e9
# in a run directory: its ensembles, and what is written in the end
ENSEMBLES, COMPARISON = "ensembles", "comparison.nc"
SamplingProgress = Callable[[float, str], None]


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
    target : of d: trajectories are then the most to a working point
    run : directory in which every ensemble is a run of its own, begun by ``begin``
    """

    method: Method
    trajectories: int
    duration: float | None = None
    seed: int = 0
    jobs: int = 1
    target: Target | None = None
    run: Path | None = None

    def __post_init__(self) -> None:
        require_count(self.trajectories, "trajectories", low=2)
        require_count(self.seed, "seed", low=0)
        require_jobs(self.jobs)
        if self.duration is not None:
            require(self.duration, "duration", low=0.0, high=_LONGEST, low_open=True)
        if self.target is not None and self.target.quantity != "d":
            raise ValueError(f"a comparison can only have a target of d, got {self.target.quantity}")


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One direction at one C₋ and one pair of baths: what is exact, and what so many trajectories of a scheme say."""

    direction: Direction
    best_unconditional: Optimum
    best_conditional: Optimum
    unconditional: Estimate
    conditional: Estimate
    improvement: Estimate
    trajectories: tuple[int, int]

    @property
    def exact_improvement(self) -> float:
        """d from the exact optima."""
        return 1.0 - self.best_conditional.value / self.best_unconditional.value


def quietest_detection(
    cascade: Cascade, direction: Direction, efficiency: float, method: Method | None = None
) -> Detection:
    """The homodyne detection under which the scatter of the means adds least to the unconditional E.

    Section 8 of sim/README.md.

    Unless it adds next to nothing: then nothing would be sampled, and the comparison one of exact covariances. Of
    detections that are equally good, as those at ϑ and −ϑ are without a path phase, it is the first, whatever rounding
    says. Where ``method`` cannot hold the conditional state of any but
    some detections, it is one of those; if of none, the detection with the purest state.
    """
    candidates = [Detection.si(lo_phase=float(phase), efficiency=efficiency) for phase in _PHASES]
    if method is not None:
        states = [stationary_state(rwa(cascade, each)) for each in candidates]
        held = [each for each, state in zip(candidates, states, strict=True) if method.holds(state)]
        purities = np.array([-np.prod(np.diagonal(triangular(state.covariance_root)) ** 2) for state in states])
        candidates = held or [candidates[_first_of_largest(purities)]]
    shares = np.array([_sampled_share(cascade, detection, direction) for detection in candidates])
    exact = method is None or method.exact
    sampled = shares >= _LEAST_SHARE["exact" if exact else "truncated"]
    return candidates[_first_of_largest(np.where(sampled, -shares, -np.inf) if sampled.any() else shares)]


def _first_of_largest(values: NDArray[np.float64]) -> int:
    """The first of those that differ from the largest by rounding alone."""
    largest = values.max()
    return int(np.flatnonzero(values >= largest - _EQUAL * abs(largest))[0])


def _sampled_share(cascade: Cascade, detection: Detection, direction: Direction) -> float:
    """What part of the unconditional E comes from the scatter of the means."""
    state = stationary_state(rwa(cascade, detection))
    part = sampled_part(state.covariance_root, state.scatter_root, direction)
    return part / float(steering_of_root(np.concatenate([state.covariance_root, state.scatter_root]), direction))


def begin(sampling: Sampling, configuration: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Begin or continue the run directory of a comparison.

    Raises ValueError as ``sim.runs.directory.opened`` does, and for fewer trajectories than are done.
    """
    assert sampling.run is not None
    done = [
        Contents.of(path.parent, Manifest.read(path.parent).digest).end
        for path in (sampling.run / ENSEMBLES).glob(f"*/{NAME}")
    ]
    if sampling.trajectories < max(done, default=0):
        raise ValueError(f"{max(done)} trajectories are done in {str(sampling.run)!r}: fewer cannot be asked for")
    identity = plain({"configuration": configuration, "method": sampling.method.identity, "seed": sampling.seed})
    opened(sampling.run, identity, trajectories=sampling.trajectories, asked=asked)
    (sampling.run / ENSEMBLES).mkdir(exist_ok=True)


def compare(
    best: tuple[Optimum, Optimum], sampling: Sampling, *, stream: int, progress: SamplingProgress | None = None
) -> Comparison:
    """d in one direction from simulated records at the best point of each scheme. Section 8 of sim/README.md.

    ``stream`` numbers the comparisons of one study, so that each draws its own noise from ``sampling.seed``;
    ``progress`` is given shares of the work, 1 in all, and how it stands.
    """
    unconditional, conditional = best
    direction = unconditional.direction
    if conditional.detection is None:
        raise ValueError("the second optimum must be that of the conditional scheme")
    quiet = quietest_detection(unconditional.cascade, direction, conditional.detection.efficiency, sampling.method)
    goal = None if sampling.target is None or direction not in sampling.target.directions else sampling.target
    # of the error allowed to d; E_c is to have half, and the exact optima are near enough to say what that is
    allowed = (unconditional.value - conditional.value) * goal.relative_half_width / 2 if goal else 0.0

    def seen(ensemble: Ensemble) -> tuple[Estimate, bool]:
        found = conditional_steering(ensemble, direction)
        return found, goal is not None and (found.high - found.low) / 2 <= allowed

    place = f"C- = {unconditional.cascade.minus.cooperativity:g}, E_{direction}"
    watch = _Looking(seen, sampling.trajectories, progress, f"{place} conditional")
    second = _ensemble(conditional.cascade, conditional.detection, sampling, 2 * stream + 1, watch)
    e_c = conditional_steering(second, direction)

    def unseen(ensemble: Ensemble) -> tuple[Estimate, bool]:
        found = unconditional_steering(ensemble, direction)
        improvement = relative_improvement(found, e_c)
        return found, goal is not None and improvement.relative_half_width <= goal.relative_half_width

    watch = _Looking(unseen, sampling.trajectories, progress, f"{place} unconditional")
    first = _ensemble(unconditional.cascade, quiet, sampling, 2 * stream, watch)
    e_u = unconditional_steering(first, direction)
    return Comparison(
        direction=direction,
        best_unconditional=unconditional,
        best_conditional=conditional,
        unconditional=e_u,
        conditional=e_c,
        improvement=relative_improvement(e_u, e_c),
        trajectories=(first.trajectories, second.trajectories),
    )


class _Looking:
    """Watches one of two ensembles grow: tells how far it is, and when it is good enough."""

    def __init__(
        self,
        judge: Callable[[Ensemble], tuple[Estimate, bool]],
        most: int,
        progress: SamplingProgress | None,
        what: str,
    ) -> None:
        self._judge, self._most, self._progress, self._what = judge, most, progress, what
        self._done = 0.0

    def __call__(self, ensemble: Ensemble) -> bool:
        found, enough = self._judge(ensemble)
        says = f"{self._what}: {found.value:.5f} ± {(found.high - found.low) / 2:.1g}"
        self._advance(ensemble.trajectories / self._most / 2, says)
        return enough

    def close(self) -> None:
        """What is left of its share is not needed."""
        self._advance(0.5, "")

    def _advance(self, done: float, says: str) -> None:
        if self._progress is not None:
            self._progress(done - self._done, says)
        self._done = done


def _ensemble(cascade: Cascade, detection: Detection, sampling: Sampling, stream: int, looking: _Looking) -> Ensemble:
    model = rwa(cascade, detection)
    start = stationary_state(model)
    if sampling.duration is None:
        duration = _RELAXATIONS * relaxation_time(model)
    else:
        duration = sampling.duration * cascade.time_unit
    grid = grid_for(sampling.method, model, start, duration, saves=_SAVES)
    problem = Problem(
        model=model,
        method=sampling.method,
        grid=grid,
        initial=start,
        trajectories=sampling.trajectories,
        seed=int(np.random.SeedSequence(sampling.seed, spawn_key=(stream,)).generate_state(1, np.uint64)[0]),
    )
    store = None if sampling.run is None else problem.stored(sampling.run / ENSEMBLES / f"{stream:04d}")
    found = Ensemble.of(sample(problem, jobs=sampling.jobs, store=store, look=looking))
    looking.close()
    return found
