"""From a model to E for any number of oscillators: builder, both engines, dataset, intervals, transients."""

import math

import numpy as np
import pytest

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Steered, steering_parameter
from cascade_steering.analysis.estimation.estimators import Steering, conditional_steering, unconditional_steering
from cascade_steering.analysis.estimation.sampled_moments import Ensemble
from cascade_steering.analysis.time_courses.transients import sampled_transient, steering_transient
from cascade_steering.sim.ensemble.simulate import Method, grid_for, simulate
from cascade_steering.sim.fock.basis.diagnostics import CutoffWarning
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.gaussian.covariance import steady_state, transient
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.initial_state import ground_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import ANNIHILATION, LinearModel
from cascade_steering.sim.parameters import Detection
from cascade_steering.sim.roots import root_of
from tests.support.chains import CLIENTS, SERVER, chain, clients_and_server
from tests.support.chance import successes
from tests.support.systems import COLD, cascade

TOGETHER = Steered(mode=SERVER, by=CLIENTS)
ALONE = Steered(mode=SERVER, by=CLIENTS[:1])
MODEL = clients_and_server(0.5, 1.5, 0.25, 0.40, COLD, loss=0.05, efficiency=0.8)
DURATION = 1.0 / COLD.linewidth
QUADRATURES = [f"{quadrature}_{mode}" for mode in (*CLIENTS, SERVER) for quadrature in "XP"]


def test_two_nodes_in_a_row_are_the_pair() -> None:
    point = cascade(3, 5, 0.3, 0.4, (COLD, COLD), loss=0.2)
    exact = rwa(point, Detection.si(lo_phase=0.7, efficiency=0.8))
    found = chain({"minus": (point.minus, -1), "plus": (point.plus, 1)}, loss=0.2, lo_phase=0.7, efficiency=0.8)
    for name in ("hamiltonian", "monitored"):
        np.testing.assert_allclose(getattr(found, name), getattr(exact, name), atol=1e-14)
    # undetected channels count by what they do together
    noise = [model.unmonitored.conj().T @ model.unmonitored for model in (found, exact)]
    np.testing.assert_allclose(*noise, atol=1e-14)


@pytest.mark.parametrize("method", [Gaussian(), Fock()], ids=["gaussian", "fock"])
def test_three_oscillators_from_the_model_to_e(method: Method) -> None:
    start, trajectories = ground_state(modes=3), 40 if method.exact else 2
    grid = grid_for(method, MODEL, start, DURATION / 4, saves=2)
    data = simulate(MODEL, method, grid, start, trajectories=trajectories, seed=1, keep=1, check=False)
    assert list(data["quadrature"].to_numpy()) == QUADRATURES
    assert list(data["oscillator"].to_numpy()) == [*CLIENTS, SERVER]
    found = Steering.of(Ensemble.of(data), (TOGETHER, ALONE))
    exact = [transient(MODEL, start.covariance, grid.times, conditional=each)[-1] for each in (True, False)]
    for way in (TOGETHER, ALONE):
        seen, unseen = (float(steering_parameter(covariance, way, MODEL.modes)) for covariance in exact)
        # the cutoffs chosen hold these states to 1e-5
        assert found.conditional[way].value == pytest.approx(seen, rel=1e-12 if method.exact else 1e-4)
        if method.exact:
            assert found.unconditional[way].holds(unseen)
            assert found.d[way].holds(1.0 - seen / unseen)
    # left to itself, of every pair
    pairs = Steering.of(Ensemble.of(data))
    assert len(pairs.d) == 6
    assert pairs.conditional[ALONE] == found.conditional[ALONE]
    late = sampled_transient(data, (TOGETHER,))
    assert late.conditional[TOGETHER][-1] == found.conditional[TOGETHER]


def test_a_cutoff_too_small_is_that_of_an_oscillator_by_its_name() -> None:
    start = ground_state(modes=3)
    with pytest.raises(ValueError, match=r"^the cutoff of oscillator client_2 must be a whole number of Fock levels"):
        Fock(cutoffs=(3, 1, 3)).prepare(MODEL, grid_for(Gaussian(), MODEL, start, DURATION, saves=1), start)
    few = Fock(cutoffs=(3, 3, 3))
    grid = grid_for(few, MODEL, start, DURATION / 10, saves=1)
    with pytest.warns(CutoffWarning, match=r"^oscillator (client_1|client_2|server): "):
        simulate(MODEL, few, grid, start, trajectories=1, check=False)


@pytest.mark.slow
def test_intervals_cover_where_two_oscillators_steer() -> None:
    """Gains of four quadratures are fitted to the scatter of twelve trajectories."""
    model = clients_and_server(3, 8, 0.3, 0.4, COLD, loss=0.05, efficiency=0.8)
    seen, unseen = (steady_state(model, conditional=each) for each in (True, False))
    exact = float(steering_parameter(unseen, TOGETHER, model.modes))
    root, rng, count, repeats = root_of(unseen - seen), np.random.default_rng(5), 12, 300

    def ensemble(scatter: np.typing.NDArray[np.float64]) -> Ensemble:
        return Ensemble(
            conditional=seen,
            conditional_error=np.zeros((6,) * 4),
            scatter=scatter,
            trajectories=count,
            modes=model.modes,
        )

    scatters = [np.cov((rng.standard_normal((count, 6)) @ root).T) for _ in range(repeats)]
    held, mutant = (
        sum(unconditional_steering(ensemble(size * each), TOGETHER).holds(exact) for each in scatters)
        for size in (1.0, 0.5)
    )
    assert successes(0.95, repeats, 1)[0] <= held
    assert mutant < successes(0.95, repeats, 1)[0]
    assert conditional_steering(ensemble(scatters[0]), TOGETHER).holds(
        float(steering_parameter(seen, TOGETHER, model.modes))
    )


def test_steering_by_two_in_time() -> None:
    found = steering_transient(MODEL, ground_state(modes=3), np.linspace(0.0, DURATION, 3), (TOGETHER,))
    last = transient(MODEL, ground_state(modes=3).covariance, np.array([DURATION]), conditional=True)[0]
    assert found.conditional[TOGETHER][0] == pytest.approx(0.5, rel=1e-12)
    assert found.conditional[TOGETHER][-1] == pytest.approx(float(steering_parameter(last, TOGETHER, MODEL.modes)))
    first = found.milestones.first("conditional", TOGETHER)
    assert first is not None
    assert 0.0 < first < DURATION
    assert found.d[TOGETHER][-1] > 0.0


def test_one_oscillator_has_a_dataset_and_no_steering() -> None:
    a = ANNIHILATION
    model = LinearModel(
        hamiltonian=np.zeros((2, 2)),
        monitored=a[None] * math.sqrt(2.0),
        efficiency=np.array([0.7]),
        # √(γ₀(n̄ + 1)) a and √(γ₀ n̄) a†
        unmonitored=np.array([math.sqrt(1.5) * a, math.sqrt(0.5) * a.conj()]),
        record_names=("homodyne",),
        modes=("drum",),
    )
    start = ground_state(modes=1)
    for method in (Gaussian(), Fock()):
        grid = grid_for(method, model, start, 1.0, saves=2)
        data = simulate(model, method, grid, start, trajectories=3, check=False)
        assert list(data["quadrature"].to_numpy()) == ["X_drum", "P_drum"]
        ensemble = Ensemble.of(data)
        exact = transient(model, start.covariance, grid.times, conditional=True)[-1]
        np.testing.assert_allclose(ensemble.conditional, exact, rtol=1e-3, atol=1e-3)
    assert Steering.of(ensemble).d == {}
    with pytest.raises(ValueError, match=r"^an oscillator must be one of drum, .*, got 'minus'$"):
        Steering.of(ensemble, DIRECTIONS)
    with pytest.raises(ValueError, match=r"^an oscillator must be one of drum, .*, got 'minus'$"):
        steering_transient(model, start, np.array([1.0]), DIRECTIONS)
