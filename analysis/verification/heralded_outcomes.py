"""Steering after a click as a laboratory finds it: local measurements of the runs that a click selects.

At the end of each simulated run a counter clicks at a rate that depends on the state of that run, so that runs are
selected in proportion to it. Of a selected run one quadrature of each oscillator is measured, in the state after the
click, in four settings in turn: two for each direction. What record and clicks say of a run is not only its mean: a
click on light with a mean leaves another state than one without. So the law that outcomes are held against, their means
and the gain of a linear inference are those of the state of each run, which the observer knows; the criteria hold given
the record, for laws of a wrong state as well. Which quadratures are measured is decided beforehand, by the state after
a click with the means at 0: the Gaussian state given the record, clicks unread. Section 8 of sim/README.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.beyond_moments.expected import expected_law
from cascade_steering.analysis.criteria.beyond_moments.from_state import (
    HomodyneSetting,
    NonGaussianSteering,
    non_gaussian_steering,
)
from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, inference_order
from cascade_steering.analysis.estimation.estimators import Estimate
from cascade_steering.analysis.verification.averaged_criteria import (
    entropic_estimate,
    metrological_estimate,
    moments_estimate,
    weighted_moments,
)
from cascade_steering.analysis.verification.outcome_criteria import LEAST_OUTCOMES, OutcomeSteering
from cascade_steering.analysis.verification.selection_by_clicks import ClickSelection
from cascade_steering.sim.ensemble.pooling import Moments
from cascade_steering.sim.fock.counting.heralded import Heralded, StateInFrame, herald
from cascade_steering.sim.gaussian.covariance import transient
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import generator

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["AfterClick", "HeraldedVerification"]

FloatArray = NDArray[np.float64]
# The key of the random numbers that select runs and are their outcomes.
_OWN_NOISE = 0x73656C
_SETTINGS = 4
_NAME = "after_click_"
# What is averaged: the squares of linear residuals, −ln q, the squares of errors, s² and ∂s/∂b.
_AVERAGED = 5


@dataclass(frozen=True, kw_only=True)
class AfterClick:
    """What the runs say in one direction: Reid's E with the best linear gain of each run, and what sees more.

    ``runs`` are those in both settings.
    """

    moments: Estimate
    beyond: OutcomeSteering
    runs: tuple[int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class HeraldedVerification:
    """The measurements after a click at the end of runs. Use ``HeraldedVerification.of``.

    For ``sim.ensemble.simulate.simulate(experiment=...)``. Section 8 of sim/README.md.

    Parameters
    ----------
    model : of two oscillators, with one counter
    expected : the state after a click with the means at 0, that settings are made for
    selection : which runs are selected
    nulled : whether the light in front of the counter is displaced at the end, so that what the record says of its mean
        is 0
    """

    model: LinearModel
    expected: StateInFrame
    selection: ClickSelection
    nulled: bool = False

    @classmethod
    def of(cls, model: LinearModel, grid: TimeGrid, initial: InitialState, *, nulled: bool = False) -> Self:
        """The verification at the end of ``grid``.

        Raises ValueError for a model without a counter or with several, for other than two oscillators, for an initial
        state that is not Gaussian, for a counter that never clicks, and for an expected state that fills more than 80
        levels of a mode.
        """
        if len(model.counted) != 1 or len(model.modes) != 2:
            raise ValueError(
                "a verification after a click is of two oscillators and one counter, the model has "
                f"{len(model.modes)} and {len(model.counted)}"
            )
        initial.require_gaussian("the state that is expected after a click")
        end = float(grid.times[-1])
        selection = ClickSelection.of(model, initial, end, nulled=nulled)
        covariance = transient(model, initial.covariance, grid.times[-1:], conditional=True)[0]
        before = InitialState(covariance=covariance, scatter=np.zeros_like(covariance), name="the expected state")
        return cls(
            model=model,
            expected=_clicked(StateInFrame.of(before), model, nulled=nulled).state,
            selection=selection,
            nulled=nulled,
        )

    @property
    def takes_states(self) -> bool:
        """True: outcomes are those of states that need not be Gaussian."""
        return True

    @property
    def identity(self) -> dict[str, Any]:
        """The name and what is displaced. Settings are left out: they follow from model, grid and initial state."""
        return {"experiment": "verification after a click", "nulled": self.nulled}

    @cached_property
    def with_means_at_zero(self) -> dict[Direction, NonGaussianSteering]:
        """The criteria of the state after a click with the means at 0."""
        return {each: non_gaussian_steering(self.expected, each) for each in DIRECTIONS}

    @cached_property
    def settings(self) -> tuple[tuple[Direction, HomodyneSetting], ...]:
        """Direction and quadratures of each setting; trajectory i is measured in setting i modulo their number."""
        return tuple((each, setting) for each, found in self.with_means_at_zero.items() for setting in found.settings)

    @property
    def least(self) -> int:
        """The smallest number of trajectories that can be enough."""
        return self.selection.needed(LEAST_OUTCOMES) * _SETTINGS

    def require(self, trajectories: int) -> None:
        """Raise ValueError if a click cannot be expected to select enough of so many trajectories."""
        each = trajectories / _SETTINGS
        if self.selection.hopeless(each, LEAST_OUTCOMES):
            raise ValueError(
                f"a click is expected to select {self.selection.expected(each):.3g} of {trajectories} trajectories in "
                f"each of {_SETTINGS} settings, and {LEAST_OUTCOMES} are needed: take {self.least} trajectories"
            )

    def tally(self, entropy: int, indices: range, trajectories: Trajectories) -> dict[str, Moments]:
        """Moments of what is averaged, by setting: over outcomes of selected runs, and of all runs over their states.

        The latter are weighted by the rate, as (weight, weight × averages in the state). The outcomes of a trajectory
        depend on (entropy, index) alone.
        """
        states = trajectories.states
        assert states is not None
        drawn: list[list[FloatArray]] = [[np.zeros((0, _AVERAGED))] for _ in range(_SETTINGS)]
        known: list[list[FloatArray]] = [[] for _ in range(_SETTINGS)]
        for place, index in enumerate(indices):
            before = StateInFrame(
                density=states.densities[place, -1],
                levels=states.levels,
                symplectic=states.symplectics[place, -1],
                origin=states.origins[place, -1],
            )
            setting = index % _SETTINGS
            outcomes, averages = self._measured(before, setting, generator(entropy, _OWN_NOISE, index))
            drawn[setting].append(outcomes)
            known[setting].append(averages)
        tallies = {}
        for setting in range(_SETTINGS):
            tallies[f"{_NAME}{setting}"] = Moments.of(np.concatenate(drawn[setting]))
            tallies[f"{_NAME}{setting}_states"] = Moments.of(np.reshape(known[setting], (-1, _AVERAGED + 1)))
        return tallies

    def _measured(
        self, before: StateInFrame, setting: int, stream: np.random.Generator
    ) -> tuple[FloatArray, FloatArray]:
        """What is averaged, of the outcomes of one run (times selected, 5), and its weight and averages (6,)."""
        after = _clicked(before, self.model, nulled=self.nulled)
        direction, axes = self.settings[setting]
        law = expected_law(after.state, axes, direction=direction)
        gain, residual = _linear(after.state, axes, direction)
        pairs = law.drawn(self.selection.copies(after.rate, stream), stream)
        errors, (scores, slopes) = law.errors(pairs), law.scores(pairs)
        linear = (pairs - law.mean) @ [-gain, 1.0]
        outcomes = np.stack([linear**2, law.surprise(pairs, 0.0), errors**2, scores**2, slopes], axis=1)
        weight = after.rate / self.selection.average
        return outcomes, weight * np.array([1.0, residual, *law.averages()])

    def found(self, tallies: Mapping[str, Moments]) -> dict[Direction, AfterClick]:
        """The criteria from the outcomes of the selected runs.

        Raises ValueError if there are fewer than 100 in a setting.
        """
        runs = [tallies[f"{_NAME}{setting}"] for setting in range(_SETTINGS)]
        fewest = min(each.count for each in runs)
        if fewest < LEAST_OUTCOMES:
            of = sum(tallies[f"{_NAME}{setting}_states"].count for setting in range(_SETTINGS))
            raise ValueError(
                f"a click selects {sum(each.count for each in runs)} of {of} trajectories, and {fewest} in a setting: "
                f"{LEAST_OUTCOMES} are needed in each of {_SETTINGS}, so take more trajectories"
            )
        return self._criteria(runs)

    def of_states(self, tallies: Mapping[str, Moments]) -> dict[Direction, AfterClick]:
        """What ``found`` is on average: the same of all outcomes that the simulated states could have had.

        Each run counts in proportion to the rate of the click, so that this is also the selection by clicks. Intervals
        are for the differences between runs, and hold two of them in each setting at least.
        """
        return self._criteria([weighted_moments(tallies[f"{_NAME}{setting}_states"]) for setting in range(_SETTINGS)])

    def _criteria(self, runs: list[Moments]) -> dict[Direction, AfterClick]:
        found = {}
        for place, direction in zip(range(0, _SETTINGS, 2), DIRECTIONS, strict=True):
            first, second = runs[place : place + 2]
            (_, one), (_, other) = self.settings[place : place + 2]
            area = abs(one.steered[0] * other.steered[1] - one.steered[1] * other.steered[0])
            found[direction] = AfterClick(
                moments=moments_estimate(_part(first, 0), _part(second, 0), area),
                beyond=OutcomeSteering(
                    entropic=entropic_estimate(_part(first, 1), _part(second, 1), area),
                    metrological=metrological_estimate(_part(first, 2), _part(second, 3, 4), area),
                ),
                runs=(first.count, second.count),
            )
        return found

    def tallies_of(self, dataset: "xr.Dataset") -> dict[str, Moments]:
        """The tallies of a dataset of ``sim.ensemble.simulate.simulate``."""
        from cascade_steering.sim.ensemble.dataset import tally_in

        names = [f"{_NAME}{setting}{kind}" for setting in range(_SETTINGS) for kind in ("", "_states")]
        return {name: tally_in(dataset, name) for name in names}


def _clicked(before: StateInFrame, model: LinearModel, *, nulled: bool) -> Heralded:
    """The state after a click, with the mean of the light on the counter at 0 if it is ``nulled``."""
    counter = model.counted[0]
    return herald(before, replace(counter, amplitudes=-counter.rows @ before.mean) if nulled else counter)


def _linear(state: StateInFrame, setting: HomodyneSetting, direction: Direction) -> tuple[float, float]:
    """The gain of the best linear inference in this state, and the variance of its residual."""
    rows = np.eye(4)[inference_order(direction, 4)]
    axes = np.stack([setting.steering @ rows[:2], setting.steered @ rows[2:]])
    spread = axes @ state.covariance @ axes.T
    gain = float(spread[0, 1] / spread[0, 0])
    return gain, float(spread[1, 1] - gain * spread[0, 1])


def _part(moments: Moments, *columns: int) -> Moments:
    chosen = list(columns)
    return Moments(count=moments.count, mean=moments.mean[chosen], root=moments.root[:, chosen])
