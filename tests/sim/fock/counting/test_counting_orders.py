"""How fast errors of counting fall with the step: given the clicks and on average, and that mutants would be seen."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.fock.counting import following
from cascade_steering.sim.fock.counting.between_clicks import Counted
from cascade_steering.sim.fock.counting.counting_engine import FockCounting
from cascade_steering.sim.gaussian.covariance import transient, transient_mean
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import coarsen, generator, wiener_increments
from tests.sim.fock.counting.counted_reference import BOTH, COUNTED, COUNTING_ONLY, Dense, cat, five

FloatArray = NDArray[np.float64]
DURATION, STEP, LEVELS = 0.6, 1 / 160, 24
CLICKS = [(0.2, 0), (0.4, 1)]
ONE_COUNTER = (replace(COUNTED[0], dark_rate=0.3),)


def ends(factor: int, paths: int) -> FloatArray:
    """Moments at the end of given paths, all with the same clicks; (paths, 5)."""
    fine = TimeGrid(step=STEP, steps_per_save=96, saves=1)
    engine = FockCounting(cutoffs=(LEVELS,)).prepare(BOTH, TimeGrid.over(DURATION, saves=1, step=factor * STEP), cat())
    found = []
    for index in range(paths):
        run = engine.run_path(coarsen(wiener_increments(generator(5, index), fine, 1), factor), CLICKS)
        found.append(five(run.means[0, -1], run.covariances[0, -1]))
    return np.array(found)


@pytest.mark.slow
def test_given_the_clicks_the_strong_order_is_one() -> None:
    finest = ends(1, 20)
    errors = [float(np.sqrt(np.mean((ends(factor, 20) - finest) ** 2))) for factor in (16, 8, 4)]
    slope = np.polyfit([2, 1, 0], np.log2(errors), 1)[0]
    # 20 paths of five numbers that move together fix each error to a sixth, and the slope over two octaves to 0.15
    assert abs(slope - FockCounting.strong_order) < 0.4, errors


@pytest.mark.slow
def test_the_limit_on_a_path_with_clicks_is_that_of_qutip_operators() -> None:
    dense, fine = Dense(BOTH, 32), TimeGrid(step=STEP / 8, steps_per_save=768, saves=1)
    path = wiener_increments(generator(5, 0), fine, 1)
    wanted, coarser = (
        dense.along(dense.start(cat()), coarsen(path, factor), factor * fine.step, CLICKS, DURATION)
        for factor in (1, 2)
    )
    grid = TimeGrid.over(DURATION, saves=1, step=2 * fine.step)
    run = FockCounting(cutoffs=(28,)).prepare(BOTH, grid, cat()).run_path(coarsen(path, 2), CLICKS)
    found = five(run.means[0, -1], run.covariances[0, -1])
    # the reference is of first order: its error is about its change with twice the step
    assert np.max(np.abs(found - wanted)) < 2 * np.max(np.abs(coarser - wanted)) + 1e-3
    assert np.max(np.abs(coarser - wanted)) < 3e-3


# ---- on average --------------------------------------------------------------------------------------------------


def few(rates: list[float], time: float) -> list[float]:
    """P(0), P(1) and P(2 or more) of clicks in ``time``, with the rates before the first and the second click."""
    first, second = rates
    none = np.exp(-first * time)
    one = first * (none - np.exp(-second * time)) / (second - first)
    return [none, one, 1.0 - none - one]


def averaged(model: LinearModel, h: float) -> tuple[FloatArray, FloatArray]:
    """E[x̂] and E[V + x̂x̂ᵀ] after one step, over its record by Gauss and Hermite, over its clicks by their rates.

    Three clicks on one side of a step count as two, which is of third order in h.
    """
    dense, counter, start = Dense(model, LEVELS), model.counted[0], cat()

    def rate(mean: FloatArray, covariance: FloatArray) -> float:
        second = covariance + np.outer(mean, mean) + 0.5j * symplectic_form(1)
        quanta = np.einsum("ra,ab,rb->", counter.rows.conj(), second, counter.rows).real
        return float(counter.efficiency * quanta + counter.dark_rate)

    before = dense.start(start)
    rates = [dense.rate(each, 0) + counter.dark_rate for each in (before, dense.clicked(before, 0))]
    nodes, weights = np.polynomial.hermite_e.hermegauss(7)
    channels = len(model.record_names)
    points = zip(nodes, weights / weights.sum(), strict=True) if channels else [(0.0, 1.0)]
    engine = FockCounting(cutoffs=(LEVELS,)).prepare(model, TimeGrid(step=h, steps_per_save=1, saves=1), start)
    first, second = np.zeros(2), np.zeros((2, 2))
    for point, weight in points:
        path = np.full((1, channels), np.sqrt(h) * point)
        for early, share in enumerate(few(rates, 0.5 * h)):
            runs = [engine.run_path(path, [(0.1 * h, 0)] * early + [(0.9 * h, 0)] * late) for late in range(3)]
            moments = [(run.means[0, 1], run.covariances[0, 1]) for run in runs]
            for chance, (mean, covariance) in zip(
                few([rate(*each) for each in moments[:2]], 0.5 * h), moments, strict=True
            ):
                first += weight * share * chance * mean
                second += weight * share * chance * (covariance + np.outer(mean, mean))
    return first, second


def errors_of_average(model: LinearModel) -> list[float]:
    """After one step of 0.1 and of 0.05 s, against the exact moments without a record."""
    found = []
    for h in (0.1, 0.05):
        mean, second = averaged(model, h)
        times = np.array([h])
        exact = transient_mean(model, cat().center, times)[-1]
        spread = transient(model, cat().covariance, times, conditional=False)[-1] + np.outer(exact, exact)
        found.append(max(float(np.max(np.abs(mean - exact))), float(np.max(np.abs(second - spread)))))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("model", [COUNTING_ONLY, BOTH], ids=["counting", "both"])
@pytest.mark.filterwarnings("ignore::cascade_steering.sim.fock.basis.diagnostics.CutoffWarning")
def test_average_order_is_two(model: LinearModel) -> None:
    """A step is off by its cube: slopes of 2.9 at these steps, where a first-order scheme has 2."""
    errors = errors_of_average(replace(model, counted=ONE_COUNTER))
    assert np.log2(errors[0] / errors[1]) == pytest.approx(FockCounting.average_order + 1, abs=0.35), errors


def without_pull(counted: Counted) -> Counted:
    """Between clicks the mean is not pulled away from the light."""
    return counted._replace(pull=0.0 * counted.pull)


def without_drift(counted: Counted) -> Counted:
    """The expected record ignores that no click comes."""
    return counted._replace(noise=0.0 * counted.noise)


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.parametrize("mutant", [without_pull, without_drift])
@pytest.mark.filterwarnings("ignore::cascade_steering.sim.fock.basis.diagnostics.CutoffWarning")
def test_a_mutant_is_of_lower_order(mutant: Callable[[Counted], Counted], monkeypatch: pytest.MonkeyPatch) -> None:
    right = following._counted
    monkeypatch.setattr(following, "_counted", lambda *given: mutant(right(*given)))
    model = replace(BOTH, counted=ONE_COUNTER)
    errors = errors_of_average(model)
    assert np.log2(errors[0] / errors[1]) < 2.6, errors
