"""What a Kerr term costs: scaling laws of the best points, and trajectories against what is known without them."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cascade_steering.analysis.criteria.steering import steering_parameter
from cascade_steering.analysis.nonlinear.best_kerr import (
    best_given_record,
    best_without_record,
    steering_without_record,
)
from cascade_steering.analysis.nonlinear.kerr_pair import KerrPair
from cascade_steering.analysis.nonlinear.sampled_kerr import sampled_kerr
from cascade_steering.analysis.nonlinear.slow_amplitude import steering_given_amplitude
from cascade_steering.analysis.paper.figures.data import DATA
from cascade_steering.sim.fock.counting.counting_engine import FockCounting
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.gaussian.nonlinear.approximation import GaussianApproximation
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.noise import generator, wiener_increments
from cascade_steering.sim.parameters import Detection
from tests.analysis.paper.test_figures import KERR, TOY, assert_drawn

READ = Detection(lo_phase_pi=0.5)
PAIR = KerrPair(damping=0.05, cooperativity=17.67, theta_plus_pi=0.4149, kerr_minus=1e-3)


def test_the_distance_from_the_edge_grows_as_the_root_and_given_the_record_as_the_power_of_two_thirds() -> None:
    alone = [best_without_record(kerr_minus=kerr) for kerr in (1e-7, 1e-5)]
    given = [best_given_record(kerr_minus=kerr) for kerr in (1e-7, 1e-5)]
    for found, power, lead in ((alone, 0.5, 5.44), (given, 2 / 3, 2.10)):
        ratio = found[1].pair.damping / found[0].pair.damping
        # the next order is of relative size γ₋/γ₊
        assert math.isclose(math.log(ratio) / math.log(100), power, abs_tol=0.002)
        assert math.isclose(found[0].pair.damping, lead * 1e-7**power, rel_tol=0.01)
    # what is lost is 4/3 or 3/2 of what the distance costs by itself
    linear = replace(alone[0].pair, kerr_minus=0.0)
    best = 0.285043
    added, distance = alone[0].value - best, steering_without_record(linear) - best
    assert math.isclose(added, 4 / 3 * distance, rel_tol=0.03)
    assert alone[1].value < 0.2855


@pytest.mark.slow
def test_trajectories_agree_with_the_exact_result_the_second_order_and_slow_amplitudes() -> None:
    # 4 standard errors of an average with heavy tails
    opposed = replace(PAIR, kerr_plus=-0.5e-3 / PAIR.ratio**2)
    for seed, pair in enumerate((replace(PAIR, damping=0.17), opposed)):
        found = sampled_kerr(pair, READ, trajectories=1500, seed=seed)
        wanted = steering_without_record(pair)
        half = found.without_record.high - found.without_record.value
        assert abs(found.without_record.value - wanted) < 2.5 * half
        # what the Kerr terms add would be missed
        assert 2.5 * half < 0.6 * (wanted - 0.2834)
        nodes, weights = np.polynomial.laguerre.laggauss(16)
        slow = weights @ steering_given_amplitude(pair, READ, pair.variance * nodes)
        assert abs(found.given_record.value - slow) < 2e-4


@pytest.mark.slow
@pytest.mark.parametrize(("kerr", "error"), [(1e-3, 0.005), (1e-2, 0.05)])
def test_on_the_same_record_it_is_near_the_master_equation_in_a_hundred_quanta(kerr: float, error: float) -> None:
    pair = replace(PAIR, damping=0.17, kerr_minus=kerr)
    rest, reach = stationary_state(pair.linear_model(READ)), math.sqrt(200.0)
    mean = np.array([reach, 0.0, pair.ratio * reach, 0.0])
    start = InitialState(covariance=rest.covariance, scatter=0 * rest.scatter, mean=mean, name="displaced")
    model, grid = pair.model(READ), TimeGrid(step=1 / (256 * pair.unit), steps_per_save=128, saves=1)
    path = wiener_increments(generator(1), grid, 2)
    found = GaussianApproximation().prepare(model, grid, start).run_path(path)
    wanted = FockCounting().prepare(model, grid, start).run_path(path, [])
    # the error goes as √departure, 0.05 at the larger χ; both steps cost 1e-3
    assert float(found.diagnostics["departure"][0]) < error**2
    assert np.max(np.abs(found.covariances[0, -1] - wanted.covariances[0, -1])) < error
    assert np.max(np.abs(found.means[0, -1] - wanted.means[0, -1])) < error
    first, second = (float(steering_parameter(each.covariances[0, -1], "plus_given_minus")) for each in (found, wanted))
    assert abs(first - second) < 0.1 * error * second
    # without the polynomial means would be off by quanta
    linear = GaussianApproximation().prepare(pair.linear_model(READ), grid, start).run_path(path)
    assert np.max(np.abs(linear.means[0, -1] - wanted.means[0, -1])) > 10 * error


@pytest.mark.slow
def test_the_curves_are_those_of_their_functions_and_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = DATA[KERR](**TOY[KERR])
    assert data["E"].dims == ("row", "kerr")
    assert data["E"].sel(row="minus").to_numpy()[1] == pytest.approx(best_without_record(kerr_minus=1e-2).value)
    assert float(data["E"].sel(row="minus")[0]) == pytest.approx(0.285045, abs=2e-6)
    # a lower E at any χ with the record, and with opposite terms of both
    assert np.all(data["E"].sel(row="record") < data["E"].sel(row="opposed"))
    assert np.all(data["E"].sel(row="opposed") < data["E"].sel(row="minus"))
    assert np.all(data["E_both"] > 0.28)
    assert_drawn(KERR, data, tmp_path, monkeypatch)


def test_without_a_kerr_term_there_is_no_best_distance() -> None:
    with pytest.raises(ValueError, match=r"^the larger Kerr strength, in units of the decoherence rate, must be"):
        best_without_record()
    with pytest.raises(ValueError, match="damping must be"):
        replace(PAIR, damping=11.0)
    with pytest.raises(ValueError, match=r"^with a Kerr term of \+ only plus_given_minus is known"):
        steering_without_record(replace(PAIR, kerr_plus=1e-4), "minus_given_plus")
