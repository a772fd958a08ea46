"""Trajectories with clicks: against dense operators, the master equation, each other, and what is refused."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import qutip
import scipy.linalg as la
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

import cascade_steering as cs
from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.ensemble.block import reduce
from cascade_steering.sim.fock.basis.diagnostics import UnphysicalStateError
from cascade_steering.sim.fock.counting.counting_engine import FockCounting
from cascade_steering.sim.fock.counting.prepared import CountingEngine
from cascade_steering.sim.fock.counting.rates import expected_click_rates
from cascade_steering.sim.fock.master_equation.sector import phase_invariant
from cascade_steering.sim.fock.master_equation.solve import evolve
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.gaussian.covariance import conditional_state, transient
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.identity import differences
from cascade_steering.sim.initial_state import InitialState, ground_state, thermal_state
from cascade_steering.sim.model.cascade import lit
from cascade_steering.sim.model.counters import CountedChannel, Counter
from cascade_steering.sim.model.detectors import demodulated, detect
from cascade_steering.sim.model.linear_model import ANNIHILATION, LinearModel
from cascade_steering.sim.model.schedule import Schedule, model_identity
from cascade_steering.sim.noise import generator, wiener_increments
from cascade_steering.sim.runs.block_file import from_bytes, to_bytes
from tests.sim.fock.counting.counted_reference import BOTH, COUNTED, COUNTING_ONLY, Dense, cat, five
from tests.sim.fock.framed import fock_state, gaussian
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
GRID = TimeGrid(step=0.1, steps_per_save=4, saves=3)
CLICKS = [(0.31, 0), (0.5, 1), (0.87, 0)]
A = ANNIHILATION
# of clicks: it gives several in 1.2 s
SEED = 6


def path(grid: TimeGrid = GRID, seed: int = 3) -> FloatArray:
    return wiener_increments(generator(seed), grid, 1)


# ---- one trajectory ----------------------------------------------------------------------------------------------


def without_clicks(dense: Dense, density: ComplexArray, time: float, *, normalised: bool = True) -> ComplexArray:
    """ρ̇ = 𝓛ρ − Σ ηLρL† by an integrator, averaged over homodyne records."""
    channels = [dense.operator(row) for row in dense.model.channels]
    decay = -1j * dense.hamiltonian - 0.5 * sum(each.conj().T @ each for each in channels)
    jumps = [dense.operator(row) for row in [*dense.model.monitored, *dense.model.unmonitored]]
    jumps += [np.sqrt(1 - each.efficiency) * dense.operator(row) for each in dense.model.counted for row in each.rows]

    def slope(_: float, flat: ComplexArray) -> ComplexArray:
        rho = flat.reshape(density.shape)
        half = decay @ rho
        return np.asarray(half + half.conj().T + sum(k @ rho @ k.conj().T for k in jumps)).ravel()

    found = solve_ivp(slope, (0.0, time), density.ravel(), rtol=1e-9, atol=1e-11).y[:, -1].reshape(density.shape)
    return np.asarray(found / np.trace(found) if normalised else found)


@pytest.mark.parametrize("frame", ["squeezed", "moving"])
@pytest.mark.parametrize("initial", [cat(), gaussian(np.diag([0.8, 0.5]), np.array([1.5, -0.8]))], ids=["cat", "far"])
def test_between_and_at_clicks_a_state_moves_as_dense_operators_do(initial: InitialState, frame: str) -> None:
    """Counting alone has no error of the step: clicks at the ends of steps, two counters, dark clicks, a force."""
    dense, done = Dense(COUNTING_ONLY, 30), 0
    rho, wanted = dense.start(initial), []
    # a click in the first half of a step comes before it, in the second half after it; 0.5 after the save at 0.4
    for place, counter in [(3, 0), (4, None), (5, 1), (8, None), (9, 0), (12, None)]:
        rho, done = without_clicks(dense, rho, (place - done) * GRID.step), place
        if counter is None:
            wanted.append(dense.moments(rho))
        else:
            rho = dense.clicked(rho, counter)
    run = FockCounting(frame=frame).prepare(COUNTING_ONLY, GRID, initial).run_path(np.zeros((12, 0)), CLICKS)
    # levels are chosen for a defect of 3e-5
    assert five(run.means[0, 1:], run.covariances[0, 1:]) == pytest.approx(np.array(wanted), abs=1e-4)
    assert run.clicks is not None
    np.testing.assert_array_equal(run.clicks.counts[0], [[1, 0], [0, 1], [1, 0]])
    np.testing.assert_allclose(run.clicks.time, [0.31, 0.5, 0.87])


def test_without_counters_it_is_the_fock_engine_in_another_frame() -> None:
    model = replace(BOTH, counted=(), unmonitored=BOTH.channels[1:])
    plain = Fock(cutoffs=(26,)).prepare(model, GRID, cat()).run_path(path())
    found = FockCounting().prepare(model, GRID, cat()).run_path(path())
    assert found.means == pytest.approx(plain.means, abs=1e-4)
    assert found.covariances == pytest.approx(plain.covariances, abs=3e-4)
    assert found.record == pytest.approx(plain.record, abs=1e-4)


def test_no_frame_changes_the_result() -> None:
    """Not even one that is squeezed the wrong way, and with it the clicks."""
    given = np.diag([1.3, 1 / 1.3])
    runs = [
        FockCounting(frame=frame).prepare(BOTH, GRID, cat()).run_path(path(), SEED)
        for frame in ("squeezed", "moving", given)
    ]
    clicks = [run.clicks for run in runs]
    assert clicks[0] is not None
    assert clicks[0].time.size > 1
    for run, each in zip(runs[1:], clicks[1:], strict=True):
        assert each is not None
        np.testing.assert_allclose(each.time, clicks[0].time, atol=1e-4)
        assert run.means == pytest.approx(runs[0].means, abs=2e-4)
        assert run.covariances == pytest.approx(runs[0].covariances, abs=5e-4)


def test_the_record_and_the_clicks_are_all_that_an_observer_needs() -> None:
    grid = TimeGrid(step=0.1, steps_per_save=1, saves=12)
    engine = FockCounting().prepare(BOTH, grid, cat())
    run = engine.run_path(path(grid), SEED)
    assert run.clicks is not None
    clicks = list(zip(run.clicks.time.tolist(), run.clicks.counter.tolist(), strict=True))
    found = engine.filter(run.record[0], clicks)
    # the series of a step is cut off by the state at hand, which is the same but for rounding
    assert found.means == pytest.approx(run.means, abs=1e-9)
    assert found.covariances == pytest.approx(run.covariances, abs=1e-9)
    # the clicks matter
    blind = engine.filter(run.record[0], [])
    assert np.max(np.abs(blind.covariances - run.covariances)) > 0.1


def test_a_model_that_takes_over_within_a_save_interval() -> None:
    whole = FockCounting().prepare(BOTH, GRID, cat()).run_path(path(), SEED)
    twice = Schedule(models=(BOTH, BOTH), switches=(0.5,))
    parts = FockCounting().prepare(twice, GRID, cat()).run_path(path(), SEED)
    assert parts.means == pytest.approx(whole.means, abs=2e-4)
    assert parts.record == pytest.approx(whole.record, abs=2e-4)
    assert whole.clicks is not None
    assert parts.clicks is not None
    np.testing.assert_allclose(parts.clicks.time, whole.clicks.time, atol=1e-4)


@pytest.mark.filterwarnings("ignore::cascade_steering.sim.fock.basis.diagnostics.CutoffWarning")
def test_a_state_is_positive_at_any_step() -> None:
    grid = TimeGrid(step=4.0, steps_per_save=1, saves=2)
    engine = FockCounting(cutoffs=(30,)).prepare(BOTH, grid, cat())
    run = engine.run_path(path(grid), [(0.5, 0), (3.0, 1), (5.0, 0), (5.1, 0)])
    assert run.diagnostics["min_eigenvalue"][0] > -1e-12
    assert np.all(np.linalg.eigvalsh(run.covariances[0]) > 0.0)


def test_a_trajectory_depends_on_seed_and_index_alone() -> None:
    engine = FockCounting().prepare(BOTH, GRID, cat())
    block = engine.run(1, range(3))
    again: CountingEngine = pickle.loads(pickle.dumps(engine))
    alone = again.run(1, range(2, 3))
    for name in ("means", "covariances", "record"):
        np.testing.assert_array_equal(getattr(alone, name), getattr(block, name)[2:])
    assert block.clicks is not None
    assert alone.clicks is not None
    assert alone.clicks.first == 2
    np.testing.assert_array_equal(alone.clicks.time, block.clicks.time[block.clicks.trajectory == 2])


@pytest.mark.slow
def test_one_quantum_far_away_is_damped_as_its_closed_form() -> None:
    """A squeezed |1⟩ at 1e5 quanta, without a record: W at the mean is a Gaussian integral of the W at the start."""
    squeezed, origin = np.array([[2.0, 0.3], [0.0, 0.5]]), np.sqrt(1e5) * np.array([1.2, -0.7])
    start = cs.density_state(qutip.fock(3, 1), symplectic=squeezed, origin=origin)
    model = LinearModel(
        hamiltonian=np.diag([0.7, 0.4]),
        monitored=np.zeros((0, 2)),
        efficiency=np.zeros(0),
        unmonitored=np.array([0.6 * A, 0.2 * A.conj()]),
        record_names=(),
    )
    save, times = cs.Save(states="end"), np.array([1.2])
    result = cs.simulate(model, FockCounting(), GRID, start, trajectories=1, keep=1, save=save, check=False)
    state = cs.StateInFrame.kept_in(result)
    kept = la.expm(moment_equations(model).drift * times[0])
    spread = transient(model, start.covariance, times, conditional=False)[-1]
    assert state.mean == pytest.approx(kept @ origin, rel=1e-9)
    assert state.covariance == pytest.approx(spread, abs=1e-4)
    noise = spread - kept @ start.covariance @ kept.T
    first = 2.0 * np.linalg.inv(squeezed @ squeezed.T)
    joint = first + kept.T @ np.linalg.solve(noise, kept)
    wanted = (
        (np.trace(first @ np.linalg.inv(joint)) - 1.0) / np.pi / np.sqrt(np.linalg.det(noise) * np.linalg.det(joint))
    )
    assert state.wigner((kept @ origin)[None])[0] == pytest.approx(wanted, abs=2e-5)
    assert abs(wanted) > 0.01


# ---- the average over trajectories -------------------------------------------------------------------------------


def mixed(homodyne: int, *, dark_rate: float = 0.3) -> LinearModel:
    """Emission that is detected or not, absorption, and a counter of both."""
    emitted = 0.8 * A[None]
    return LinearModel(
        hamiltonian=np.zeros((2, 2)),
        monitored=emitted[:homodyne],
        efficiency=np.full(homodyne, 0.7),
        unmonitored=np.concatenate([emitted[homodyne:], np.sqrt(0.3) * A.conj()[None]]),
        record_names=("X",)[:homodyne],
        counted=(
            CountedChannel(name="c", rows=np.array([0.9 * A, 0.3 * A.conj()]), efficiency=0.8, dark_rate=dark_rate),
        ),
    )


def chance_of_none(model: LinearModel, time: float) -> float:
    """The trace of the unnormalised state without a click, from |2⟩: the waiting time is longer than ``time``."""
    dense = Dense(model, 24)
    counter, emptied = model.counted[0], without_clicks(dense, dense.start(fock_state(2)), time, normalised=False)
    return float(np.trace(emptied).real * np.exp(-counter.dark_rate * time))


def sampled(model: LinearModel, believed: LinearModel, count: int) -> FloatArray:
    """Deviations in standard errors of second moments at two saves, of the clicks in two intervals, and of how often
    there is none in the first; (7,).
    """
    grid, start = TimeGrid(step=0.1, steps_per_save=4, saves=2), fock_state(2)
    run = FockCounting(cutoffs=(28,)).prepare(model, grid, start).run(11, range(count))
    exact = evolve(believed, (24,), start, grid.times).covariances
    fine = np.linspace(0.0, 0.8, 201)
    rates = expected_click_rates(believed, start, fine)[:, 0]
    clicks = [np.trapezoid(rates[part], fine[part]) for part in (slice(0, 101), slice(100, 201))]
    assert run.clicks is not None
    second = run.covariances + run.means[..., :, None] * run.means[..., None, :]
    counts = run.clicks.counts[:, :, 0]
    none = np.asarray(counts[:, :1] == 0.0, dtype=float)
    samples = np.concatenate([second[:, 1:, 0, 0], second[:, 1:, 1, 1], counts, none], axis=1)
    wanted = np.concatenate([exact[1:, 0, 0], exact[1:, 1, 1], clicks, [chance_of_none(believed, 0.4)]])
    errors = samples.std(axis=0) / np.sqrt(count)
    return np.asarray((samples.mean(axis=0) - wanted) / errors)


@pytest.mark.slow
@pytest.mark.parametrize("homodyne", [0, 1], ids=["counting", "both"])
def test_the_average_is_the_master_equation_and_clicks_come_at_their_rate(homodyne: int) -> None:
    """5.5 standard errors seven times: a false alarm in 4 million. The error of the step is a tenth of one of them."""
    assert np.max(np.abs(sampled(mixed(homodyne), mixed(homodyne), 500))) < 5.5


@pytest.mark.slow
@pytest.mark.long
def test_a_wrong_rate_or_a_lost_quantum_is_seen() -> None:
    """A tenth of a dark click, and a counter whose quanta come back: 6 standard errors of 500 trajectories."""
    dark = sampled(mixed(0, dark_rate=0.9), mixed(0), 500)
    assert np.max(np.abs(dark[4:6])) > 6.0
    assert abs(dark[6]) > 6.0
    assert np.max(np.abs(dark[:4])) < 5.5
    each = mixed(0).counted[0]
    kept = sampled(mixed(0), replace(mixed(0), counted=(replace(each, rows=0.7 * each.rows),)), 500)
    assert np.max(np.abs(kept)) > 6.0


@pytest.mark.slow
@pytest.mark.long
def test_two_oscillators_average_to_the_master_equation_in_its_sector() -> None:
    """As above, with two modes whose frame follows each state, against the solver of the rotating wave's sector."""
    point = POINTS["mild"]
    counter = Counter(ports=("lower", "upper"), share=0.5, efficiency=0.8, dark_rate=1.0)
    model = detect(lit(point.cascade), demodulated(point.detection), counter)
    start, grid = (
        ground_state(),
        TimeGrid.over(0.2 * point.cascade.time_unit, saves=1, step=0.04 * point.cascade.time_unit),
    )
    assert phase_invariant(model)
    exact = evolve(model, (30, 26), start, grid.times).covariances[-1]
    run = FockCounting().prepare(model, grid, start).run(3, range(300))
    rates = expected_click_rates(model, start, np.linspace(0.0, grid.step * grid.steps, 101))[:, 0]
    assert run.clicks is not None
    second = run.covariances[:, 1] + run.means[:, 1, :, None] * run.means[:, 1, None, :]
    pairs = [(0, 0), (1, 1), (2, 2), (3, 3), (0, 2), (1, 3)]
    samples = np.array([*(second[:, i, j] for i, j in pairs), run.clicks.counts[:, 0, 0]]).T
    wanted = [*(exact[i, j] for i, j in pairs), np.mean(rates) * grid.step * grid.steps]
    errors = samples.std(axis=0) / np.sqrt(len(samples))
    assert np.max(np.abs(samples.mean(axis=0) - wanted) / errors) < 5.5


def test_a_hot_cascade_is_counted_in_few_levels() -> None:
    """At 1e5 quanta in the baths: a click changes V by the closed form, in a frame that it changes as well."""
    point = POINTS["hot"]
    model = detect(lit(point.cascade), demodulated(point.detection), Counter(ports=("lower", "upper"), share=0.5))
    start, unit = conditional_state(model), point.cascade.time_unit
    grid = TimeGrid.over(2e-9 * unit, saves=2)
    run = FockCounting().prepare(model, grid, start).run_path(np.zeros((2, 2)), [(1e-12 * unit, 0)])
    amplitudes = (start.covariance + 0.5j * symplectic_form(2)) @ model.counted[0].rows.T
    rate = np.trace(model.counted[0].rows.conj() @ amplitudes).real
    wanted = start.covariance + 2.0 * (amplitudes @ amplitudes.conj().T).real / rate
    root = np.linalg.cholesky(wanted)
    away = np.linalg.solve(root, np.linalg.solve(root, run.covariances[0, 1] - wanted).T)
    assert np.max(np.abs(away)) < 1e-3
    assert np.max(np.abs(np.linalg.solve(root, np.linalg.solve(root, start.covariance - wanted).T))) > 0.15
    assert run.diagnostics["states"][0] < 200
    assert run.diagnostics["frames"][0] > 1


# ---- ensembles and files -----------------------------------------------------------------------------------------


def test_a_block_with_clicks_is_read_as_it_was_written() -> None:
    engine = FockCounting().prepare(BOTH, GRID, cat())
    blocks = [reduce(engine.run(2, part), 2) for part in (range(2), range(2, 4))]
    again = [from_bytes(to_bytes(block)) for block in blocks]
    joined, rejoined = blocks[0].joined(blocks[1]), again[0].joined(again[1])
    for name in ("count", "clicks"):
        expected = np.concatenate(joined.kept_values[name])
        np.testing.assert_array_equal(np.concatenate(rejoined.kept_values[name]), expected)
    np.testing.assert_array_equal(rejoined.values["count"].mean, joined.values["count"].mean)
    # the number of a trajectory is that in the ensemble
    assert set(np.concatenate(joined.kept_values["clicks"])[:, 0]) <= {0.0, 1.0, 2.0, 3.0}
    assert np.max(np.concatenate(joined.kept_values["clicks"])[:, 0]) > 1.0


def test_counters_are_among_the_numbers_of_a_model() -> None:
    described = model_identity(BOTH)
    assert described["counted"][0]["dark_rate"] == 0.2
    assert "counted" not in model_identity(replace(BOTH, counted=()))
    other = replace(BOTH, counted=(replace(COUNTED[0], dark_rate=0.21), COUNTED[1]))
    names = [name for name, _, _ in differences(described, model_identity(other))]
    assert names == ["counted[0].dark_rate"]


def test_clicks_are_in_the_dataset(tmp_path: "pytest.TempPathFactory") -> None:
    result = cs.simulate(BOTH, FockCounting(block=3), GRID, cat(), trajectories=5, seed=2, keep=4)
    file = tmp_path / "counted.nc"  # type: ignore[operator]
    cs.save(result, file)
    import xarray as xr

    with xr.open_dataset(file) as dataset:
        assert dataset["counter"].to_numpy().tolist() == ["first", "second"]
        kept = dataset["trajectory_count"].to_numpy()
        assert kept.shape == (4, 3, 2)
        assert dataset["count"].shape == (3, 2)
        for trajectory in range(4):
            own = dataset["click_trajectory"].to_numpy() == trajectory
            for counter in range(2):
                times = dataset["click_time"].to_numpy()[own & (dataset["click_counter"].to_numpy() == counter)]
                np.testing.assert_array_equal(np.histogram(times, GRID.times)[0], kept[trajectory, :, counter])
        assert kept.sum() > 0
        assert dataset.attrs["discretisation"] == "measured"


def test_a_state_is_kept_whose_levels_change() -> None:
    save = cs.Save(states="saves", purity=True)
    result = cs.simulate(BOTH, FockCounting(), GRID, cat(), trajectories=2, seed=2, keep=2, save=save)
    for trajectory in range(2):
        state = cs.StateInFrame.kept_in(result, trajectory)
        assert state.mean == pytest.approx(result["trajectory_mean"].to_numpy()[trajectory, -1], abs=1e-6)
        after = cs.herald(state, COUNTED[0])
        assert after.rate > COUNTED[0].dark_rate
        assert 0.0 < after.fidelity <= 1.0 + 1e-9


# ---- detection and refusals --------------------------------------------------------------------------------------


def test_a_share_of_the_light_is_counted_and_the_rest_detected() -> None:
    point = POINTS["mild"]
    plain = detect(lit(point.cascade), demodulated(point.detection))
    counter = Counter(ports=("lower", "upper"), share=0.3, efficiency=0.8, dark_rate=2.0)
    model = detect(lit(point.cascade), demodulated(point.detection), counter)
    assert np.allclose(model.monitored, np.sqrt(0.7) * plain.monitored)
    assert np.allclose(
        model.monitored.conj().T @ model.monitored / 0.7 * 0.3, model.counted[0].rows.conj().T @ model.counted[0].rows
    )
    # without any record nothing changes
    assert np.allclose(model.channels.conj().T @ model.channels, plain.channels.conj().T @ plain.channels)
    whole = detect(lit(point.cascade), Counter(ports=("upper",)))
    assert whole.record_names == ()
    assert np.allclose(whole.channels.conj().T @ whole.channels, plain.channels.conj().T @ plain.channels)


def test_engines_that_cannot_count_say_so() -> None:
    for method in (cs.Gaussian(), cs.Fock(), cs.QutipSME(cutoffs=(4,))):
        with pytest.raises(ValueError, match=r"^the engine '\w+' cannot count: after a click of first, second"):
            cs.simulate(BOTH, method, GRID, ground_state(1), trajectories=1)
        with pytest.raises(ValueError, match="cannot count"):
            method.prepare(BOTH, GRID, ground_state(1))
    point = POINTS["mild"]
    pair = detect(lit(point.cascade), demodulated(point.detection), Counter(ports=("lower",), share=0.5))
    verification = cs.Verification.of(pair, GRID, ground_state())
    with pytest.raises(ValueError, match="an experiment takes Gaussian states"):
        cs.simulate(pair, FockCounting(), GRID, ground_state(), trajectories=1, experiment=verification)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"dark_rate": -1.0}, "dark_rate of counter counter must be at least 0 and finite, got -1.0"),
        ({"share": 1.2}, "share of counter counter must be at least 0 and at most 1, got 1.2"),
        ({"efficiency": float("nan")}, "efficiency of counter counter must be at least 0 and at most 1, got nan"),
        ({"ports": ("field", "field")}, "needs at least one port, and each once"),
    ],
)
def test_a_counter_that_cannot_be_is_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Counter(**{"ports": ("field",), **wrong})  # type: ignore[arg-type]


def test_light_that_cannot_be_counted_is_refused() -> None:
    cavity = cs.cavity("a", {"field": 1.0})
    with pytest.raises(ValueError, match="squeezed light has quanta at all frequencies"):
        detect(cs.series(cs.squeezer("field", decibels=3.0, angle_pi=0.0), cavity), Counter(ports=("field",)))
    with pytest.raises(ValueError, match="counted ports must be among field, got 'other'"):
        detect(cavity, Counter(ports=("other",)))
    with pytest.raises(ValueError, match="one counter only"):
        detect(cavity, Counter(ports=("field",)), Counter(ports=("field",), name="second"))


def test_a_state_that_no_levels_hold_is_refused_or_stops_with_its_seed() -> None:
    with pytest.raises(ValueError, match=r"^mode mode_1 of the frame would hold .* quanta, too many for 80 levels"):
        FockCounting().prepare(COUNTING_ONLY, GRID, thermal_state((1e5,)))
    with pytest.raises(ValueError, match="clicks must be in order"):
        FockCounting().prepare(BOTH, GRID, cat()).run_path(path(), [(0.5, 0), (0.3, 0)])
    with pytest.raises(ValueError, match="one of 2 counters"):
        FockCounting().prepare(BOTH, GRID, cat()).run_path(path(), [(0.5, 2)])
    with pytest.raises(ValueError, match="where light is counted, got 'rest'"):
        FockCounting(frame="rest")
    grid = TimeGrid(step=0.5, steps_per_save=1, saves=8)
    with pytest.raises(UnphysicalStateError, match=r"trajectory 0 of entropy 5, step \d+ .* clicks so far"):
        FockCounting(cutoffs=(4,)).prepare(COUNTING_ONLY, grid, fock_state(1)).run(5, range(1))
