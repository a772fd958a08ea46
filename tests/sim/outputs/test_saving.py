"""What is kept of a simulation: the same on every engine, and what is known of it independently."""

import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import qutip
import xarray as xr
from numpy.typing import NDArray

from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.fock.basis.diagnostics import CutoffWarning
from cascade_steering.sim.fock.basis.states import density_state
from cascade_steering.sim.fock.master_equation.solve import evolve
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.fock.observing.kept_states import state_of
from cascade_steering.sim.fock.qutip.qutip_sme import QutipSME
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.gaussian_observables import gaussian_expectations
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state, thermal_state
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import generator, wiener_increments
from cascade_steering.sim.outputs.observables import quanta
from cascade_steering.sim.outputs.saving import NOTHING, Save
from tests.sim.fock.agreement import MODEL
from tests.support.stored import Made
from tests.support.systems import MONITORED

FloatArray = NDArray[np.float64]
LEVELS = (9, 9)
START = thermal_state((0.1, 0.05))
GRID = TimeGrid(step=0.02, steps_per_save=5, saves=4)


def on_minus(operator: qutip.Qobj, levels: tuple[int, int] = LEVELS) -> qutip.Qobj:
    return qutip.tensor(operator, qutip.qeye(levels[1]))


def parity(levels: int) -> qutip.Qobj:
    return qutip.Qobj(np.diag((-1.0) ** np.arange(levels)))


OBSERVABLES = {
    "quanta": quanta(0),
    "number": on_minus(qutip.num(9)),
    "parity": on_minus(parity(9)),
    "correlation": qutip.tensor(qutip.position(9), qutip.position(9)),
}
SAVE = Save(covariances=True, purity=True, observables=OBSERVABLES, states="saves")
ENGINES = {"gaussian": Gaussian(), "fock": Fock(cutoffs=(12, 12)), "qutip": QutipSME(cutoffs=LEVELS)}


def simulated(engine: str, save: Save = SAVE, **others: Any) -> xr.Dataset:
    arguments = {"trajectories": 3, "seed": 4, "keep": 2, "save": save, "check": False, **others}
    return simulate(MODEL, ENGINES[engine], GRID, START, **arguments)


@pytest.fixture(scope="module", params=ENGINES)
def data(request: pytest.FixtureRequest) -> xr.Dataset:
    return simulated(request.param)


# ---- every engine ------------------------------------------------------------------------------------------------


def test_variables_agree_with_one_another(data: xr.Dataset) -> None:
    """Kept states give the kept purities, observables and moments, and a Quadratic what its operator gives."""
    assert data["trajectory_covariance"].dims == ("trajectory", "time", "quadrature", "quadrature_2")
    assert list(data["observable"].to_numpy()) == list(OBSERVABLES)
    np.testing.assert_array_equal(data["state_time"], data["time"])
    values = data["trajectory_expectation"]
    # a population p above 9 levels has some 10 quanta there
    lost = 10 * float(data["population_outside"].max()) + 1e-12
    assert lost < 1e-6
    np.testing.assert_allclose(values.sel(observable="number"), values.sel(observable="quanta"), atol=3 * lost)
    for trajectory in range(2):
        for at in range(GRID.saves + 1):
            state = state_of(data, trajectory, at, levels=LEVELS)
            found = [float(qutip.expect(OBSERVABLES[name], state)) for name in ("number", "parity", "correlation")]
            np.testing.assert_allclose(values[trajectory, at, 1:], found, atol=1e-10)
            purity = float(data["trajectory_purity"][trajectory, at])
            assert (state * state).tr().real == pytest.approx(purity, abs=3 * lost)


def test_averages_are_those_of_the_trajectories(data: xr.Dataset) -> None:
    engine = data.attrs["method"].split('"')[3]
    every = simulated(engine, keep=3)
    for name in ("purity", "expectation"):
        samples = every[f"trajectory_{name}"]
        np.testing.assert_allclose(data[name], samples.mean("trajectory"), atol=1e-13)
        error = samples.std("trajectory", ddof=1) / np.sqrt(3)
        np.testing.assert_allclose(data[f"{name}_error"], error, atol=1e-10)
    assert float(data["expectation_error"].max()) > 1e-3
    mean = every["trajectory_covariance"].mean("trajectory")
    np.testing.assert_allclose(data["conditional_covariance"], mean, atol=1e-13)


def test_what_was_not_asked_for_is_not_there() -> None:
    before = simulated("gaussian", NOTHING)
    assert not [name for name in before.variables if "state" in str(name) or "purity" in str(name)]
    assert "trajectory_covariance" not in before
    end = simulated("fock", Save(states="end"))
    assert end.sizes["state"] == 1
    assert end["state_time"].item() == pytest.approx(GRID.times[-1])
    assert "purity" not in end
    assert "expectation" not in end
    # and what was asked for changes nothing else
    xr.testing.assert_identical(before["scatter"], simulated("gaussian")["scatter"])


# ---- on the same noise -------------------------------------------------------------------------------------------


def test_fock_and_gaussian_on_the_same_record() -> None:
    """The state of a squeezed, moving frame taken to the laboratory, against exact elements of the filter's state."""
    grid = replace(GRID, steps_per_save=1, saves=15)
    engine = Fock(cutoffs=(12, 12)).prepare(MODEL, grid, START).observing(SAVE, 1)
    run = engine.run(3, range(1))
    exact = filter_record(MODEL, run.record, grid.save_interval, START)
    assert run.expectations is not None
    assert run.purity is not None
    # the filter knows sums over the steps only, which is all that a held innovation tells: the covariance is exact
    np.testing.assert_allclose(run.covariances[0], exact.covariances, atol=1e-5)
    purity = 1 / (4 * np.sqrt(np.linalg.det(exact.covariances)))
    np.testing.assert_allclose(run.purity[0], purity, atol=1e-5)
    for save in (5, 15):
        values, _ = gaussian_expectations(SAVE.operators, exact.covariances[save], exact.means[:, save])
        # what the mean is off by, times some slope of order 1
        off = np.max(np.abs(run.means[0] - exact.means[0]))
        assert off < 1e-3
        np.testing.assert_allclose(run.expectations[0, save], values[0], atol=3 * off + 1e-5)


def test_fock_and_qutip_on_the_same_path() -> None:
    """QuTiP's own expectation values of the same operators, and the Fock engine's from another basis."""
    grid = TimeGrid(step=0.005, steps_per_save=20, saves=4)
    path = wiener_increments(generator(5, 0), grid, 2)
    reference = QutipSME(cutoffs=LEVELS).prepare(MODEL, grid, START)
    found = reference.observing(SAVE, 1).run_path(path)
    operators = reference.pieces[0].operators
    solver = qutip.SMESolver(
        operators.hamiltonian, list(operators.monitored), False, c_ops=list(operators.unmonitored),
        options={"method": "platen", "dt": 1.0, "progress_bar": ""},
    )  # fmt: skip
    asked = [each for each in OBSERVABLES.values() if isinstance(each, qutip.Qobj)]
    own = solver.run_from_experiment(
        reference.density, np.arange(grid.steps + 1.0), path.T / np.sqrt(grid.step), e_ops=asked
    )
    assert found.expectations is not None
    np.testing.assert_allclose(found.expectations[0].T, np.array(own.expect)[:, :: grid.steps_per_save], atol=1e-10)
    other = Fock(cutoffs=(12, 12)).prepare(MODEL, grid, START).observing(SAVE, 1).run_path(path)
    # both are of order 1 on a path: at step × rate of 0.02 they are a thousandth apart
    assert other.expectations is not None
    np.testing.assert_allclose(other.expectations, found.expectations, atol=3e-3)
    assert np.ptp(found.expectations[0], axis=0).min() > 1e-2


# ---- states that are not Gaussian --------------------------------------------------------------------------------


def damped(efficiency: float) -> LinearModel:
    """One oscillator that decays at κ = 1 into light that is measured, with nothing else."""
    return LinearModel(
        hamiltonian=np.zeros((2, 2)),
        monitored=np.array([[1.0, 1.0j]]) / np.sqrt(2),
        efficiency=np.array([efficiency]),
        unmonitored=np.zeros((0, 2), dtype=complex),
        record_names=("X",),
    )


ONE = density_state(qutip.fock_dm(3, 1), name="one quantum")
DECAY = TimeGrid(step=0.02, steps_per_save=10, saves=3)
DISTRIBUTION = {**{f"p{n}": qutip.fock_dm(12, n) for n in range(3)}, "parity": parity(12), "quanta": quanta(0, 1)}


def test_one_quantum_decays_to_none() -> None:
    """Unseen: P(1) = e^{−κt}, P(0) = 1 − P(1), parity 1 − 2 e^{−κt}, purity P(0)² + P(1)², in a frame that moves."""
    save = Save(purity=True, observables=DISTRIBUTION)
    found = simulate(damped(0.0), Fock(cutoffs=(10,)), DECAY, ONE, trajectories=1, keep=1, save=save, check=False)
    one = np.exp(-DECAY.times)
    expected = np.array([1 - one, one, 0 * one, 1 - 2 * one, one]).T
    np.testing.assert_allclose(found["expectation"], expected, atol=1e-8)
    np.testing.assert_allclose(found["purity"], (1 - one) ** 2 + one**2, atol=1e-8)


def test_one_quantum_seen_decays_so_on_average() -> None:
    """With every photon seen each trajectory stays pure, and on average over records it follows the master equation."""
    save = Save(purity=True, observables=DISTRIBUTION)
    found = simulate(damped(1.0), Fock(cutoffs=(12,)), DECAY, ONE, trajectories=150, save=save, check=False)
    np.testing.assert_allclose(found["purity"], 1.0, atol=1e-6)
    one = np.exp(-DECAY.times)
    expected = np.array([1 - one, one, 0 * one, 1 - 2 * one, one]).T
    # 6 standard errors of 150 in a dozen values, false once in 1e6 at most; and the step's, of second order on average
    off = np.abs(found["expectation"].to_numpy() - expected)
    assert np.all(off <= 6 * found["expectation_error"].to_numpy() + 1e-3)
    # each trajectory is another
    assert float(found["expectation_error"].sel(observable="parity")[-1]) > 5e-3


@pytest.mark.slow
def test_two_oscillators_on_average_follow_the_master_equation() -> None:
    start = density_state(qutip.tensor(qutip.fock_dm(3, 1), qutip.fock_dm(3, 0)))
    asked = {"parity": on_minus(parity(9)), "both": qutip.tensor(qutip.fock_dm(9, 1), qutip.fock_dm(9, 0))}
    found = simulate(
        MODEL, Fock(cutoffs=(14, 12)), GRID, start, trajectories=60, save=Save(observables=asked), check=False
    )
    exact = evolve(MODEL, LEVELS, start, GRID.times, states=True)
    assert exact.states is not None
    expected = np.array([[qutip.expect(each, state) for each in asked.values()] for state in exact.states])
    off = np.abs(found["expectation"].to_numpy() - expected)
    # the step's, of second order on average: (0.02 × 3)²; and 7 standard errors of 60, false once in 1e7
    assert np.all(off <= 7 * found["expectation_error"].to_numpy() + 4e-3)
    assert np.max(np.ptp(expected, axis=0)) > 0.3


# ---- what cannot be given ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("save", "keep", "message"),
    [
        (Save(covariances=True), 0, "^covariances and states are those of trajectories kept: keep must be at least 1"),
        (Save(observables={"n": quanta(0, 3)}), 0, "^observable n must be one of 2 oscillators, got 3$"),
        (Save(observables={"n": qutip.num(5)}), 0, "^observable n must be one of 2 oscillators, got 1$"),
        (Save(covariances=True), 3_000_000, r"^what is to be saved of 3000000 trajectories takes 2\.4 GB"),
        (
            Save(observables={"n": on_minus(qutip.num(2), (2, 2))}), 0,
            r"have 2 x 2 levels, and at t = 0 s 1\.05 % of the ensemble lies above them",
        ),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_before_any_work(save: Save, keep: int, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        simulated("gaussian", save, keep=keep, trajectories=2)


def test_states_that_do_not_fit_in_memory_are_refused() -> None:
    long = TimeGrid(step=0.02, steps_per_save=1, saves=5000)
    # 144² entries of 16 bytes, 5001 times
    with pytest.raises(ValueError, match=r"of 2 trajectories takes 3\.32 GB, more than 2 GB: keep fewer"):
        simulate(MODEL, ENGINES["fock"], long, START, trajectories=2, keep=2, save=Save(states="saves"), check=False)


@pytest.mark.parametrize("engine", ["fock", "qutip"])
def test_levels_that_do_not_hold_the_start_are_refused(engine: str) -> None:
    start = density_state(qutip.tensor(qutip.fock_dm(4, 3), qutip.fock_dm(2, 0)))
    save = Save(observables={"n": on_minus(qutip.num(3), (3, 3))})
    with pytest.raises(ValueError, match=r"have 3 x 3 levels, and 1e\+02 % of the state at the start lies above them"):
        simulate(MODEL, ENGINES[engine], GRID, start, trajectories=1, save=save, check=False)


@pytest.mark.parametrize("engine", ENGINES)
def test_population_above_the_levels_is_told(engine: str) -> None:
    few = Save(observables={"n": on_minus(qutip.num(3), (3, 3)), "quanta": quanta(0)})
    with pytest.warns(CutoffWarning, match="above the 3 x 3 levels of the QuTiP operators"):
        found = simulate(
            MODEL, ENGINES[engine], GRID, thermal_state((0.12, 0.05)), trajectories=2, save=few, check=False
        )
    # of a thermal state (n̄/(n̄ + 1))³ lies above three levels
    outside = 1 - (1 - (0.12 / 1.12) ** 3) * (1 - (0.05 / 1.05) ** 3)
    assert float(found["population_outside"][0]) == pytest.approx(outside, rel=1e-3)
    # at least three quanta each
    lacking = (found["expectation"].sel(observable="quanta") - found["expectation"].sel(observable="n"))[0]
    assert 0.12 - 3.5 * outside < 0.12 - float(lacking) < 0.12 - 2.5 * outside


def test_an_engine_of_ones_own_gives_what_moments_give_and_no_more() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        grid = TimeGrid(step=0.1, steps_per_save=1, saves=2)
        arguments: dict[str, Any] = {"trajectories": 3, "keep": 2}
        found = simulate(MODEL, Made(), grid, ground_state(), save=Save(observables={"n": quanta(0)}), **arguments)
        assert found["expectation"].shape == (3, 1)
        with pytest.raises(ValueError, match="this engine gives means, covariances and records"):
            simulate(MODEL, Made(), grid, ground_state(), save=Save(purity=True), **arguments)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({"states": "all"}, "^states must be one of none, end, saves, got 'all'$"),
        ({"observables": {"a": qutip.destroy(3)}}, "^observable a must be Hermitian"),
        ({"observables": {"k": qutip.basis(3, 0)}}, r"^observable k must be a Quadratic or a QuTiP operator .* dims"),
        ({"observables": {"x": 3}}, "^observable x must be a Quadratic or a QuTiP operator .* got int$"),
        (
            {"observables": {"x": qutip.num(3), "y": qutip.num(4)}},
            r"^QuTiP operators among observables must all have the same levels, got \[\(3,\), \(4,\)\]$",
        ),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(parts: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Save(**parts)


def test_states_that_are_not_there_are_refused() -> None:
    fock, exact = simulated("fock", Save(states="end")), simulated("gaussian", Save(states="end"))
    for data, options, message in (
        (simulated("gaussian", NOTHING), {}, "^the dataset holds no states"),
        (fock, {"trajectory": 2}, "^trajectory must be from -2 to 1, got 2$"),
        (fock, {"at": 1}, "^at must be from -1 to 0, got 1$"),
        (fock, {"levels": (4,)}, "^levels must be one number of Fock levels for each of 2 oscillators"),
        (fock, {"levels": (1, 1)}, "% of the state lies above 1 x 1 levels: use more levels$"),
        (exact, {}, "^levels must be given: the state is Gaussian and has no Fock basis of its own$"),
    ):
        with pytest.raises(ValueError, match=message):
            state_of(data, **options)
    # in its frame the state has the levels of the engine
    assert state_of(fock).dims == [[12, 12], [12, 12]]
    assert state_of(fock).tr().real == pytest.approx(1.0, abs=1e-12)


def test_one_monitored_oscillator_has_the_purity_of_its_riccati_equation() -> None:
    oscillator = MONITORED["warm"]
    grid = TimeGrid(step=0.1, steps_per_save=1, saves=3)
    found = simulate(oscillator.model, Gaussian(), grid, thermal_state((0.6,)), trajectories=5, save=Save(purity=True))
    exact = [1 / (2 * np.sqrt(np.linalg.det(oscillator.transient(1.1, time)))) for time in grid.times]
    np.testing.assert_allclose(found["purity"], exact, rtol=1e-10)
    np.testing.assert_array_equal(found["purity_error"], 0.0)
