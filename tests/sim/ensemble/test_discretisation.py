"""What step and truncation cost: measured by every engine, kept with the dataset, and counted by the intervals."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.stats import binom

from cascade_steering.analysis.cli.answers import reports
from cascade_steering.analysis.criteria.steering import DIRECTIONS, steering_parameter
from cascade_steering.analysis.estimation.estimators import Steering, conditional_steering, unconditional_steering
from cascade_steering.analysis.estimation.sampled_moments import Ensemble
from cascade_steering.analysis.time_courses.endpoint import endpoint
from cascade_steering.analysis.time_courses.transients import steering_transient
from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.ensemble.discretisation import CHECKED, Check, Checked
from cascade_steering.sim.ensemble.simulate import grid_for, simulate
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.fock.qutip.qutip_sme import QutipSME
from cascade_steering.sim.gaussian.covariance import stationary_state, steady_state
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories, ground_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import generator
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator
from cascade_steering.sim.runs.directory import RunDirectory
from tests.sim.fock.framed import fock_state
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
MODEL = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
EXACT = steady_state(MODEL, conditional=True)
GRID = TimeGrid(step=0.1, steps_per_save=1, saves=1)
ENSEMBLES = 400
# of ENSEMBLES intervals of 95 %; a correct program exceeds it with probability 1e-6
MOST_MISSES = int(binom.isf(1e-6, ENSEMBLES, 0.05))


def errors(law: str, rng: np.random.Generator, count: int) -> tuple[FloatArray, FloatArray]:
    """By what the covariances of ``count`` trajectories are off V, in units of V: of the engine, and computed finer.

    ``truncation``: all of it error, of one sign, one in twenty several times larger; ``step``: an error of first order
    beside what the state itself does.
    """
    if law == "truncation":
        lost = -1e-5 * np.exp(rng.normal(0.0, 1.0, count))
        return lost, lost / 4
    own, added = rng.normal(0.0, 1e-2, count), 1e-3 + 5e-4 * rng.normal(size=count)
    return own + added, own + added / 2


def made(law: str, seed: int, trajectories: int) -> Ensemble:
    rng = np.random.default_rng([seed, trajectories])
    every, _ = errors(law, rng, trajectories)
    few, finer = errors(law, rng, CHECKED)
    one = EXACT * every.std(ddof=1)
    return Ensemble(
        conditional=EXACT * (1 + every.mean()),
        conditional_error=np.einsum("ij,kl->ijkl", one, one) / trajectories,
        scatter=np.zeros((4, 4)),
        trajectories=trajectories,
        checked=EXACT * (1 + few[:, None, None]),
        change=EXACT * (few - finer)[:, None, None],
        scatter_change=np.zeros((CHECKED, 4, 4)),
    )


def without(ensemble: Ensemble) -> Ensemble:
    none = np.zeros((0, 4, 4))
    return replace(ensemble, checked=none, change=none, scatter_change=none)


@pytest.mark.parametrize("law", ["truncation", "step"])
def test_intervals_cover_what_an_engine_adds_to_the_covariance(law: str) -> None:
    exact = float(steering_parameter(EXACT, "plus_given_minus"))
    for trajectories in (20, 2000):
        found = [made(law, seed, trajectories) for seed in range(ENSEMBLES)]
        held = [conditional_steering(each, "plus_given_minus").holds(exact) for each in found]
        assert ENSEMBLES - sum(held) <= MOST_MISSES
    # the mutant that leaves the error out
    assert exact is not None
    bare = [conditional_steering(without(each), "plus_given_minus").holds(exact) for each in found]
    assert ENSEMBLES - sum(bare) > MOST_MISSES


def test_the_few_trajectories_checked_do_not_speak_for_all() -> None:
    """A mutant that takes the mean of their changes, with twice its error, misses what is rare."""
    held = []
    for ensemble in (made("truncation", seed, 2000) for seed in range(ENSEMBLES)):
        changes = ensemble.change[:, 0, 0]
        half = abs(changes.mean()) + 2.0 * changes.std(ddof=1) / np.sqrt(CHECKED)
        held.append(abs(ensemble.conditional[0, 0] - EXACT[0, 0]) <= half)
    assert ENSEMBLES - sum(held) > MOST_MISSES


def test_what_the_scatter_loses_counts_without_the_record_alone() -> None:
    ensemble = replace(made("step", 1, 100), scatter=0.1 * np.eye(4))
    other = replace(ensemble, scatter_change=ensemble.scatter_change + 0.5 * np.eye(4))
    for way in DIRECTIONS:
        assert conditional_steering(ensemble, way) == conditional_steering(other, way)
        narrow, wide = (unconditional_steering(each, way) for each in (ensemble, other))
        assert wide.high - wide.low > narrow.high - narrow.low


# ---- measured by the engines ---------------------------------------------------------------------------------------


def point(name: str, cooperativity: float) -> tuple[Cascade, LinearModel]:
    bath = Bath.named(name)
    minus, plus = (Oscillator.from_cooperativity(cooperativity, angle_pi=angle, bath=bath) for angle in (0.35, 0.40))
    cascade = Cascade(minus=minus, plus=plus)
    return cascade, rwa(cascade, Detection())


HOT, HOT_MODEL = point("hot", 5.0)
COLD, COLD_MODEL = point("vacuum", 1.0)
# milstein's error stands clear of what twelve trajectories leave open
CASES: dict[str, tuple[Method, LinearModel, InitialState, float, int]] = {
    "fock": (Fock(), HOT_MODEL, stationary_state(HOT_MODEL), HOT.time_unit, 100),
    "qutip": (QutipSME(cutoffs=(6, 6), method="milstein"), COLD_MODEL, ground_state(), 0.5 * COLD.time_unit, 12),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_an_ensemble_from_python_covers_by_default(name: str) -> None:
    """The errors here are several times what sampling leaves open, and the intervals twice as wide as the errors."""
    method, model, initial, duration, trajectories = CASES[name]
    grid = grid_for(method, model, initial, duration, saves=4)
    found = simulate(model, method, grid, initial, trajectories=trajectories, seed=0, jobs=2)
    assert found.attrs["discretisation"] == "measured"
    ensemble, exact = Ensemble.of(found), endpoint(model, initial, grid.times[-1]).conditional
    bare = [conditional_steering(without(ensemble), way) for way in DIRECTIONS]
    whole = [conditional_steering(ensemble, way) for way in DIRECTIONS]
    assert not any(each.holds(exact[way]) for each, way in zip(bare, DIRECTIONS, strict=True))
    assert all(each.holds(exact[way]) for each, way in zip(whole, DIRECTIONS, strict=True))
    # not so wide that anything would do: six times what is off, where it is off
    for each, way in zip(whole, DIRECTIONS, strict=True):
        assert each.high - each.low < 12 * abs(each.value - exact[way])


def test_an_ensemble_says_what_its_intervals_leave_out() -> None:
    start = ground_state()
    for method, check, expected in (
        (Gaussian(), True, "none"),
        (Gaussian(), False, "none"),
        (Counted(), True, "measured"),
        (Counted(), False, "left out"),
        (Counted(measures=False), True, "left out"),
    ):
        found = simulate(MODEL, method, GRID, start, trajectories=4, check=check)
        assert found.attrs["discretisation"] == expected
        assert ("discretisation_change" in found) == (expected == "measured")
        whole = Steering.of(Ensemble.of(found))
        report = reports.simulation(found, whole, endpoint(MODEL, start, GRID.times[-1]))
        assert report["discretisation"] == expected


@dataclass(frozen=True, kw_only=True)
class Counted:
    """An engine of made-up numbers whose check counts what it is asked."""

    block: int = 2
    measures: bool = True
    asked: list[int] = field(default_factory=list, repr=False)

    exact = False

    @property
    def identity(self) -> dict[str, Any]:
        return {"engine": "counted", "measures": self.measures}

    def suggested_step(self, model: LinearModel, grid: TimeGrid, initial: InitialState) -> float:
        return 0.1

    def holds(self, initial: InitialState) -> bool:
        return True

    def check(self, model: LinearModel, grid: TimeGrid, initial: InitialState) -> Check | None:
        return CountedCheck(self.asked) if self.measures else None

    def prepare(self, model: LinearModel, grid: TimeGrid, initial: InitialState) -> "Counted":
        return self

    def run(self, entropy: int, trajectories: range) -> Trajectories:
        draws = np.array([generator(entropy, i).normal(size=(2, 2, 4)) for i in trajectories])
        both = np.broadcast_to(EXACT, (len(draws), 2, 4, 4)).copy()
        return Trajectories(means=draws[:, 0], covariances=both, record=draws[:, 1, :1, :2])


@dataclass(frozen=True)
class CountedCheck:
    asked: list[int]

    def run(self, entropy: int, trajectory: int) -> Checked:
        self.asked.append(trajectory)
        change = generator(entropy, trajectory).normal(size=(1, 2, 4, 4))
        return Checked(covariance=EXACT + change, change=change, scatter_change=change, mean_change=change[..., 0])


def test_a_run_keeps_what_was_checked(tmp_path: Path) -> None:
    method = Counted()
    problem = {"model": MODEL, "method": method, "grid": GRID, "initial": ground_state(), "trajectories": 6, "seed": 3}

    def run() -> object:
        return simulate(**problem, store=RunDirectory.open(tmp_path / "run", **problem))  # type: ignore[arg-type]

    alone, first = simulate(**problem), run()  # type: ignore[arg-type]
    assert method.asked == 2 * list(range(CHECKED))
    assert alone.identical(first)
    # what is there is not computed again; one that is damaged is, and nothing else
    assert alone.identical(run())
    assert len(method.asked) == 2 * CHECKED
    (third,) = (tmp_path / "run").glob("checks/check-002-*.nc")
    third.write_bytes(third.read_bytes()[:-1] + b"?")
    assert alone.identical(run())
    assert method.asked[2 * CHECKED :] == [2]


# ---- a state that is not Gaussian ----------------------------------------------------------------------------------


def test_exact_values_are_those_a_state_has() -> None:
    start, time = fock_state(1, 0), 0.1
    found = endpoint(MODEL, start, time)
    assert found.conditional is found.d is None
    report = reports.endpoint(found)
    assert set(report["conditional"].values()) == set(report["d"].values()) == {None}
    # the covariance without the record is that of any state with the same covariance
    same = InitialState(covariance=start.covariance, scatter=start.scatter, name="same")
    assert found.unconditional == endpoint(MODEL, same, time).unconditional
    with pytest.raises(ValueError, match=r"^E cannot be followed from the state 'Fock', which is not Gaussian"):
        steering_transient(MODEL, start, np.array([0.0, time]))
