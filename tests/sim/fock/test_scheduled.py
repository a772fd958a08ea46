"""Models that change, and constant forces, in the engines that hold a density operator."""

from dataclasses import replace

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray

from cascade_steering.sim.ensemble.simulate import grid_for, simulate
from cascade_steering.sim.fock.basis.states import density_state
from cascade_steering.sim.fock.master_equation.sector import phase_invariant
from cascade_steering.sim.fock.master_equation.solve import evolve, steady_fock_state
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.fock.moving.step_size import suggested_step
from cascade_steering.sim.fock.qutip.qutip_sme import QutipSME
from cascade_steering.sim.gaussian.covariance import stationary_state, transient, transient_mean
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.measured import Measured
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import coherent_state, ground_state, squeezed_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule, unlit
from cascade_steering.sim.noise import coarsen
from cascade_steering.sim.parameters import Detection
from tests.sim.fock.systems import cascade

FloatArray = NDArray[np.float64]
OMEGA, KAPPA, HEATING, FORCE = 0.5, 1.0, 0.3, (0.4, -0.9)
# a coherent state is not changed by its record: this one is squeezed, and displaced
START = replace(squeezed_state((0.3,)), mean=np.array([0.7, 0.3]))
END, SWITCH = 1.2, 0.6


def oscillator(force: tuple[float, float], kappa: float = KAPPA) -> LinearModel:
    annihilation = np.array([1.0, 1.0j]) / np.sqrt(2.0)
    return LinearModel(
        hamiltonian=OMEGA * np.eye(2), monitored=np.sqrt(kappa) * annihilation[None], efficiency=np.array([0.7]),
        unmonitored=np.sqrt(HEATING) * annihilation.conj()[None], record_names=("Y",), force=np.array(force),
    )  # fmt: skip


# a force for a while, and the light off when it ends
PUSHED = Schedule.pulse(oscillator(FORCE), oscillator((0.0, 0.0), kappa=0.0), SWITCH)


def path_of(steps: int) -> tuple[TimeGrid, FloatArray]:
    """The same Wiener path for any number of steps that divides 96, saved six times."""
    finest = np.random.default_rng(1).normal(size=(96, 1)) * np.sqrt(END / 96)
    return TimeGrid.over(END, saves=6, step=END / steps), coarsen(finest, 96 // steps)


@pytest.mark.parametrize("frame", ["squeezed", "moving", "rest"])
def test_trajectories_follow_riccati_and_the_filter_through_a_switch(frame: str) -> None:
    """V of a Gaussian state is exact at any step, but for 16 levels; the mean is of second order on its own record."""
    errors = []
    for steps in (24, 48):
        fine = TimeGrid.over(END, saves=steps)
        _, path = path_of(steps)
        run = Fock(cutoffs=(16,), frame=frame).prepare(PUSHED, fine, START).run_path(path)
        exact = transient(PUSHED, START.covariance, fine.times, conditional=True)
        assert run.covariances[0] == pytest.approx(exact, abs=2e-5)
        means = filter_record(PUSHED, run.record[0], fine.step, START).means
        errors.append(float(np.max(np.abs(run.means[0] - means))))
    assert errors[1] < 1e-4
    assert errors[1] < errors[0] / 2.5


def test_frames_agree_on_one_quantum_that_is_pushed() -> None:
    """A frame is a choice of basis, also one that a force would carry along and that is held at rest."""
    quantum = density_state(qutip.fock(8, 1))
    grid, path = path_of(48)
    moving, rest = (
        Fock(cutoffs=(24,), frame=frame).prepare(PUSHED, grid, quantum).run_path(path) for frame in ("moving", "rest")
    )
    assert rest.means == pytest.approx(moving.means, abs=1e-5)
    assert rest.record == pytest.approx(moving.record, abs=1e-5)
    assert rest.covariances == pytest.approx(moving.covariances, abs=1e-5)


def test_qutip_agrees_on_the_same_noise() -> None:
    """platen is of strong order 1, as is the Fock engine: the difference halves with the step."""
    worst = []
    for steps in (48, 96):
        grid, path = path_of(steps)
        ours = Fock(cutoffs=(16,)).prepare(PUSHED, grid, START).run_path(path)
        theirs = QutipSME(cutoffs=(16,)).prepare(PUSHED, grid, START).run_path(path)
        worst.append(float(np.max(np.abs(theirs.means - ours.means))))
        assert theirs.covariances == pytest.approx(ours.covariances, abs=5e-3)
        # the record of QuTiP takes the signal at the start of a step: of order √h · h for each save
        assert theirs.record == pytest.approx(ours.record, abs=0.3 * grid.step)
    assert worst[1] < 2e-3
    assert worst[1] < worst[0] / 1.4


def test_the_master_equation_is_that_of_qutip_written_by_hand() -> None:
    """H = ω a†a + h_X X + h_P P and the collapse operators, given to mesolve piece by piece."""
    levels, times = 20, np.array([0.3, 0.6, 0.9, 1.2])
    a = qutip.destroy(levels)
    x, p = (a + a.dag()) / np.sqrt(2.0), (a - a.dag()) / (1j * np.sqrt(2.0))
    free = OMEGA * a.dag() * a
    heating = np.sqrt(HEATING) * a.dag()
    start = qutip.coherent_dm(levels, 0.4 + 0.2j)
    options = {"atol": 1e-12, "rtol": 1e-10}
    pushed = free + FORCE[0] * x + FORCE[1] * p
    first = qutip.mesolve(pushed, start, [0.0, 0.3, 0.6], [np.sqrt(KAPPA) * a, heating], options=options).states
    second = qutip.mesolve(free, first[-1], [0.0, 0.3, 0.6], [heating], options=options).states
    found = evolve(PUSHED, (levels,), coherent_state((0.4 + 0.2j,)), times, states=True)
    assert found.states is not None
    for state, wanted in zip(found.states, [*first[1:], *second[1:]], strict=True):
        assert float((state - wanted).norm()) < 1e-6
    assert found.means == pytest.approx(transient_mean(PUSHED, np.sqrt(2.0) * np.array([0.4, 0.2]), times), abs=1e-5)


def test_a_pulse_in_the_sector_is_that_of_the_moments() -> None:
    """Both models keep the phase, and so does the state: exact in any step, but for 9 levels."""
    both = cascade(occupations=(0.05, 0.1))
    pulse = Schedule.pulse(rwa(both, Detection()), rwa(unlit(both), Detection()), 0.4)
    times = np.array([0.0, 0.4, 0.5, 1.0])
    found = evolve(pulse, (9, 9), ground_state(), times)
    exact = transient(pulse, ground_state().covariance, times, conditional=False)
    assert found.covariances == pytest.approx(exact, abs=3e-4)
    lit = evolve(pulse.models[0], (9, 9), ground_state(), times)
    assert np.max(np.abs(lit.covariances[-1] - exact[-1])) > 0.01


def test_a_force_breaks_the_symmetry_of_the_sector() -> None:
    model = rwa(cascade(occupations=(0.05, 0.1)), Detection())
    pushed = replace(model, force=np.array([0.1, 0.0, 0.0, 0.05]))
    assert phase_invariant(model)
    assert not phase_invariant(pushed)
    found = steady_fock_state(pushed, (7, 7))
    assert found.mean == pytest.approx(stationary_state(pushed).center, abs=1e-4)
    assert np.max(np.abs(found.mean)) > 0.05


def test_a_record_is_filtered_in_fock_from_after_the_switch() -> None:
    """A gap lasts beyond the switch: the Fock engine begins again under the model that acts by then."""
    count = 48
    grid, path = TimeGrid.over(END, saves=count), path_of(count)[1]
    record = Fock(cutoffs=(16,)).prepare(PUSHED, grid, START).run_path(path).record[0]
    seen = np.ones(count, dtype=bool)
    seen[20:30] = False
    measured = Measured(model=PUSHED, values=record[None], interval=grid.step, initial=START, observed=seen)
    found, exact = Fock(cutoffs=(16,)).filter(measured), measured.exact
    assert found.by_engine[0, 21:30].sum() == 0
    assert found.by_engine[0, 31:].all()
    assert found.means == pytest.approx(exact.means, abs=2e-4)
    assert found.covariances == pytest.approx(exact.covariances[None], abs=5e-3)


def test_steps_are_chosen_for_the_switch_and_errors_are_measured() -> None:
    """0.3 of 1.2 in two saves is half of one: the steps are even in number; the check knows the mean under a force."""
    schedule = Schedule.pulse(oscillator(FORCE), oscillator((0.0, 0.0)), 0.3)
    method = Fock(cutoffs=(10,))
    grid = grid_for(method, schedule, ground_state(1), END, saves=2)
    assert grid.steps_per_save % 2 == 0
    assert grid.step <= suggested_step("squeezed", schedule, grid, ground_state(1)) * (1 + 1e-9)
    check = method.check(schedule, grid, ground_state(1))
    assert check.average == pytest.approx(transient_mean(schedule, np.zeros(2), grid.times))
    found = simulate(schedule, method, grid, ground_state(1), trajectories=2, seed=1)
    assert found.attrs["discretisation"] == "measured"


def test_a_switch_within_a_step_is_refused() -> None:
    grid = TimeGrid.over(END, saves=5)
    for method in (Fock(cutoffs=(8,)), QutipSME(cutoffs=(8,))):
        with pytest.raises(ValueError, match=r"switches must fall between steps, got a switch at 0\.6 s within"):
            method.prepare(PUSHED, grid, ground_state(1))


def test_populations_of_a_state_that_is_not_gaussian_are_carried_through_a_switch() -> None:
    """Cutoffs chosen for one quantum whose light goes off are those for the quantum, not more than with it on."""
    quantum = density_state(qutip.fock(8, 1))
    grid, path = path_of(48)
    engine = Fock().prepare(PUSHED, grid, quantum)
    larger = Fock(cutoffs=(engine.cutoffs[0] + 6,)).prepare(PUSHED, grid, quantum)
    assert engine.run_path(path).means == pytest.approx(larger.run_path(path).means, abs=1e-4)
