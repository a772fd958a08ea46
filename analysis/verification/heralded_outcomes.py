"""Steering after a click as a laboratory finds it: local measurements of the runs that a click selects.

At the end of each simulated run a counter clicks at a rate that depends on the state of that run, so that runs are
selected in proportion to it. Of a selected run one quadrature of each oscillator is measured, in the state after the
click, in four settings in turn: two for each direction. What the record and the clicks say of the means is subtracted
from the outcomes; that is a shift which the observer knows, and the criteria given the record hold for what remains.
Which quadratures are measured, and the laws that outcomes are held against, are those of the state that is expected:
the Gaussian state given the record, with mean 0 and clicks unread, after a click. Section 8 of sim/README.md.
"""

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.beyond_moments.drawn import local_outcomes
from cascade_steering.analysis.criteria.beyond_moments.expected import ExpectedLaw, expected_law
from cascade_steering.analysis.criteria.beyond_moments.from_state import (
    HomodyneSetting,
    NonGaussianSteering,
    non_gaussian_steering,
)
from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, inference_order
from cascade_steering.analysis.estimation.estimators import Estimate
from cascade_steering.analysis.verification.outcome_criteria import (
    LEAST_OUTCOMES,
    OutcomeSteering,
    verify_non_gaussian,
)
from cascade_steering.sim.ensemble.block import Engine, one_thread
from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.ensemble.simulate import ranges
from cascade_steering.sim.fock.counting.heralded import StateInFrame, herald
from cascade_steering.sim.gaussian.covariance import transient
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.counters import CountedChannel
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import generator
from cascade_steering.sim.outputs.saving import Save, observing
from cascade_steering.sim.parallel.independent_tasks import Progress, in_parallel

__all__ = ["AfterClick", "HeraldedVerification"]

FloatArray = NDArray[np.float64]
# The key of the random numbers that select runs.
_OWN_NOISE = 0x73656C
_SETTINGS = 4
_SIGMAS = 1.959964


@dataclass(frozen=True, kw_only=True)
class AfterClick:
    """What the outcomes say in one direction: Reid's E of their second moments, and the criteria that see more."""

    moments: Estimate
    beyond: OutcomeSteering
    runs: tuple[int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class HeraldedVerification:
    """The measurements after a click at the end of runs. Use ``HeraldedVerification.of``.

    Section 8 of sim/README.md.

    Parameters
    ----------
    model : of two oscillators, with one counter
    method, grid, initial : of the ensemble
    expected : the state after a click that settings and laws are made for
    """

    model: LinearModel
    method: Method
    grid: TimeGrid
    initial: InitialState
    expected: StateInFrame

    @classmethod
    def of(cls, model: LinearModel, method: Method, grid: TimeGrid, initial: InitialState) -> Self:
        """The verification at the end of ``grid``.

        Raises ValueError for a model without a counter or with several, for other than two oscillators, for an initial
        state that is not Gaussian, and for an expected state that fills more than 80 levels of a mode.
        """
        if len(model.counted) != 1 or len(model.modes) != 2:
            raise ValueError(
                "a verification after a click is of two oscillators and one counter, the model has "
                f"{len(model.modes)} and {len(model.counted)}"
            )
        initial.require_gaussian("the state that is expected after a click")
        covariance = transient(model, initial.covariance, grid.times[-1:], conditional=True)[0]
        before = InitialState(covariance=covariance, scatter=np.zeros_like(covariance), name="the expected state")
        expected = herald(StateInFrame.of(before), model.counted[0]).state
        return cls(model=model, method=method, grid=grid, initial=initial, expected=expected)

    @property
    def least(self) -> int:
        """The smallest number of trajectories that can be enough."""
        return _SETTINGS * LEAST_OUTCOMES

    @cached_property
    def exact(self) -> dict[Direction, NonGaussianSteering]:
        """The criteria of the expected state."""
        return {each: non_gaussian_steering(self.expected, each) for each in DIRECTIONS}

    @cached_property
    def _plan(self) -> list[tuple[Direction, HomodyneSetting, ExpectedLaw]]:
        return [
            (each, setting, expected_law(self.expected, setting, direction=each))
            for each, found in self.exact.items()
            for setting in found.settings
        ]

    def verify(
        self, trajectories: int, seed: int, *, jobs: int = 1, progress: Progress | None = None
    ) -> dict[Direction, AfterClick]:
        """The criteria from the first ``trajectories`` of the ensemble ``seed`` of this model, grid and initial state.

        They are computed here as ``sim.ensemble.simulate.simulate`` computes them, and only outcomes are kept.

        Raises ValueError if a click selects too few of them, fewer than 100 in a setting.
        """
        outcomes = self._outcomes(trajectories, seed, jobs, progress)
        fewest = min(map(len, outcomes))
        if fewest < LEAST_OUTCOMES:
            raise ValueError(
                f"a click selects {sum(map(len, outcomes))} of {trajectories} trajectories, and {fewest} in a setting: "
                f"{LEAST_OUTCOMES} are needed in each of four, so take more trajectories"
            )
        found = {}
        for place, direction in zip(range(0, _SETTINGS, 2), DIRECTIONS, strict=True):
            pair = outcomes[place], outcomes[place + 1]
            (_, first, law), (_, second, other) = self._plan[place : place + 2]
            area = abs(first.steered[0] * second.steered[1] - first.steered[1] * second.steered[0])
            found[direction] = AfterClick(
                moments=_reid(pair, area),
                beyond=verify_non_gaussian(*pair, area=area, expected=(law, other)),
                runs=(len(pair[0]), len(pair[1])),
            )
        return found

    def _engine(self, keep: int) -> Engine:
        engine = self.method.prepare(self.model, self.grid, self.initial)
        return observing(engine, Save(states="end"), keep, self.grid, self.model.dimension)

    def _outcomes(self, trajectories: int, seed: int, jobs: int, progress: Progress | None) -> list[FloatArray]:
        """Outcomes less their means given the record, of the selected runs of each setting, (runs, 2)."""
        plan = tuple((direction, setting) for direction, setting, _ in self._plan)
        measure = _Measure(
            engine=self._engine(trajectories),
            counter=self.model.counted[0],
            plan=plan,
            seed=seed,
        )
        blocks = ranges(self.method.block, trajectories)
        measured = np.concatenate(in_parallel(measure, blocks, jobs, progress))
        rates = measured[:, 0]
        chosen = generator(seed, _OWN_NOISE, 0).random(len(rates)) * rates.max() < rates
        places = np.arange(len(rates)) % _SETTINGS
        return [measured[chosen & (places == place), 1:] for place in range(_SETTINGS)]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Measure:
    """Rate of the click at the end, and outcomes after it less their means, of the trajectories of a block, (n, 3)."""

    engine: Engine
    counter: CountedChannel
    plan: tuple[tuple[Direction, HomodyneSetting], ...]
    seed: int

    def __call__(self, indices: range) -> FloatArray:
        with one_thread():
            states = self.engine.run(self.seed, indices).states
            assert states is not None
            rows = []
            for place, index in enumerate(indices):
                before = StateInFrame(
                    density=states.densities[place, -1],
                    levels=states.levels,
                    symplectic=states.symplectics[place, -1],
                    origin=states.origins[place, -1],
                )
                after = herald(before, self.counter)
                direction, setting = self.plan[index % len(self.plan)]
                outcome = local_outcomes(after.state, setting, 1, direction=direction, seed=self.seed, part=index)[0]
                rows.append([after.rate, *(outcome - _means(after.state, setting, direction))])
        return np.array(rows)


def _means(state: StateInFrame, setting: HomodyneSetting, direction: Direction) -> FloatArray:
    mean = state.mean[inference_order(direction, 4)]
    return np.array([mean[:2] @ setting.steering, mean[2:] @ setting.steered])


def _reid(pairs: tuple[FloatArray, FloatArray], area: float) -> Estimate:
    """√(s₁²s₂²)/``area`` of the residuals of a regression in each setting, with the scatter of their squares."""
    logarithm, variance = -math.log(area), 0.0
    for pair in pairs:
        a, b = (pair - pair.mean(axis=0)).T
        squares = (b - (a @ b) / (a @ a) * a) ** 2
        freedom = len(pair) - 2
        logarithm += 0.5 * math.log(float(squares.sum()) / freedom)
        variance += 0.25 * float(squares.var()) / float(squares.mean()) ** 2 / freedom
    half = _SIGMAS * math.sqrt(variance)
    return Estimate(value=math.exp(logarithm), low=math.exp(logarithm - half), high=math.exp(logarithm + half))
