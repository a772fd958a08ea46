"""Appendix B of arXiv:1901.04250: how much measuring the outgoing light gains, each scheme at its own optimum.

d = (E_u − E_c)/E_u takes two ensembles, one at the best point of each scheme. E_u is E of the mean conditional
covariance plus the scatter of the conditional means of the first ensemble. Any detection gives the same unconditional
state, so the one whose scatter adds least to E_u is taken, which makes the error of d smallest. E_c is the conditional
steering of the second ensemble. Of an engine that is not exact the difference from Gaussian means on the same noise is
sampled, ``analysis.estimation.same_noise``. See sim/README.md, section 8.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cascade_steering.analysis.criteria.steering import Direction
from cascade_steering.analysis.estimation.estimators import (
    Estimate,
    conditional_steering,
    relative_improvement,
    unconditional_steering,
)
from cascade_steering.analysis.estimation.same_noise import SameNoise
from cascade_steering.analysis.estimation.sampled_moments import Ensemble
from cascade_steering.analysis.estimation.sampling import Problem, sample
from cascade_steering.analysis.estimation.stopping import Target
from cascade_steering.analysis.working_points.optimum import Optimum
from cascade_steering.analysis.working_points.unravelling import quietest_detection
from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.ensemble.simulate import grid_for
from cascade_steering.sim.gaussian.covariance import relaxation_time, stationary_state
from cascade_steering.sim.identity import plain
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parallel.workers import require_jobs
from cascade_steering.sim.parameters import Cascade, Detection, require, require_count
from cascade_steering.sim.runs.contents import Contents
from cascade_steering.sim.runs.directory import opened
from cascade_steering.sim.runs.manifest import NAME, Manifest

__all__ = ["COMPARISON", "ENSEMBLES", "Comparison", "Sampled", "Sampling", "SamplingProgress", "begin", "compare"]

_SAVES = 20
# duration in conditional relaxation times: e⁻¹⁰ of the Gaussian start is then left in the state
_RELAXATIONS = 5.0
# units of 1/γ̃₀; the slowest relaxation at hot baths and the edge of stability takes 1e7
_LONGEST = 1e9
# in a run directory: the folder of its ensembles, and the file of the comparison, written at the end
ENSEMBLES, COMPARISON = "ensembles", "comparison.nc"
SamplingProgress = Callable[[float, str], None]


@dataclass(frozen=True, kw_only=True)
class Sampling:
    """How much is simulated at each working point, from the stationary state.

    Parameters
    ----------
    method : engine
    trajectories : number at each working point, ≥ 2
    duration : in units of 1/γ̃₀ of the first oscillator, > 0; left out, five conditional relaxation times
    seed : common to all ensembles, ≥ 0
    jobs : worker processes
    target : of d; ``trajectories`` is then the largest number at a working point
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
    """One direction at one C₋ and one pair of baths: the exact optima, and the estimates from trajectories.

    ``trajectories`` are the numbers of the unconditional and of the conditional ensemble.
    """

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


def begin(sampling: Sampling, configuration: Mapping[str, Any], asked: Mapping[str, Any]) -> None:
    """Begin or continue the run directory of a comparison.

    Raises ValueError as ``sim.runs.directory.opened`` does, and for fewer trajectories than are finished.
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
    ``progress`` is called with shares of the work, whose sum is 1, and a line on the estimate so far. Raises ValueError
    if the second optimum has no detection.
    """
    unconditional, conditional = best
    direction = unconditional.direction
    if conditional.detection is None:
        raise ValueError("the second optimum must be that of the conditional scheme")
    detection = quietest_detection(unconditional.cascade, direction, conditional.detection.efficiency, sampling.method)
    target = None if sampling.target is None or direction not in sampling.target.directions else sampling.target
    # E_c may have half of the error allowed to d, whose size is taken from the exact optima
    allowed = (unconditional.value - conditional.value) * target.relative_half_width / 2 if target else 0.0

    def judge_conditional(sampled: Sampled) -> tuple[Estimate, bool]:
        found = conditional_steering(sampled.ensemble, direction)
        return found, target is not None and (found.high - found.low) / 2 <= allowed

    place = f"C- = {unconditional.cascade.minus.cooperativity:g}, E_{direction}"
    watch = _GrowingEnsemble(judge_conditional, sampling.trajectories, progress, f"{place} conditional")
    second = _ensemble(conditional.cascade, conditional.detection, sampling, 2 * stream + 1, watch)
    e_c = conditional_steering(second.ensemble, direction)

    def judge_unconditional(sampled: Sampled) -> tuple[Estimate, bool]:
        found = sampled.unconditional_steering(direction)
        improvement = relative_improvement(found, e_c)
        return found, target is not None and improvement.relative_half_width <= target.relative_half_width

    watch = _GrowingEnsemble(judge_unconditional, sampling.trajectories, progress, f"{place} unconditional")
    first = _ensemble(unconditional.cascade, detection, sampling, 2 * stream, watch)
    e_u = first.unconditional_steering(direction)
    return Comparison(
        direction=direction,
        best_unconditional=unconditional,
        best_conditional=conditional,
        unconditional=e_u,
        conditional=e_c,
        improvement=relative_improvement(e_u, e_c),
        trajectories=(first.ensemble.trajectories, second.ensemble.trajectories),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Sampled:
    """An ensemble so far, its seed, and the control variate that was measured on it; None for an exact engine."""

    ensemble: Ensemble
    seed: int
    control: SameNoise | None

    def unconditional_steering(self, direction: Direction) -> Estimate:
        """E without the record."""
        if self.control is None:
            return unconditional_steering(self.ensemble, direction)
        return self.control.unconditional_steering(self.ensemble, self.seed, direction)


class _GrowingEnsemble:
    """Follows one of two ensembles block by block: reports progress, and says when its interval is narrow enough."""

    def __init__(
        self,
        judge: Callable[[Sampled], tuple[Estimate, bool]],
        most: int,
        progress: SamplingProgress | None,
        what: str,
    ) -> None:
        self._judge, self._most, self._progress, self._what = judge, most, progress, what
        self._done = 0.0

    def __call__(self, sampled: Sampled) -> bool:
        found, enough = self._judge(sampled)
        state = f"{self._what}: {found.value:.5f} ± {(found.high - found.low) / 2:.1g}"
        self._advance(sampled.ensemble.trajectories / self._most / 2, state)
        return enough

    def close(self) -> None:
        """Report the whole share of this ensemble as done, because it may have stopped before its last trajectory."""
        self._advance(0.5, "")

    def _advance(self, done: float, state: str) -> None:
        if self._progress is not None:
            self._progress(done - self._done, state)
        self._done = done


def _ensemble(
    cascade: Cascade, detection: Detection, sampling: Sampling, stream: int, watch: _GrowingEnsemble
) -> Sampled:
    model = rwa(cascade, detection)
    start = stationary_state(model)
    if sampling.duration is None:
        duration = _RELAXATIONS * relaxation_time(model)
    else:
        duration = sampling.duration * cascade.time_unit
    grid = grid_for(sampling.method, model, start, duration, saves=_SAVES)
    # the exact engine takes 1e4 trajectories in a second, and draws its noise in save intervals
    control = None if sampling.method.exact else SameNoise.of(model, grid, start)
    seed = int(np.random.SeedSequence(sampling.seed, spawn_key=(stream,)).generate_state(1, np.uint64)[0])
    problem = Problem(
        model=model,
        method=sampling.method,
        grid=grid,
        initial=start,
        trajectories=sampling.trajectories,
        seed=seed,
        experiment=control,
    )
    store = None if sampling.run is None else problem.stored(sampling.run / ENSEMBLES / f"{stream:04d}")
    latest: list[Sampled] = []

    def inspect(ensemble: Ensemble) -> bool:
        # a dataset of the ensemble would have no tallies
        latest[:] = [Sampled(ensemble=ensemble, seed=seed, control=control)]
        return watch(latest[0])

    sample(problem, jobs=sampling.jobs, store=store, inspect=inspect)
    watch.close()
    return latest[0]
