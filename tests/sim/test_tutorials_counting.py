"""QuTiP's tutorial on photon counting by an inefficient detector, through the facade, against mcsolve and closed forms.

qutip-tutorials, v5, time-evolution: 016_smesolve-inefficient-detection. A cavity of five photons decays at γ into a
detector of efficiency η (Wiseman and Milburn, Quantum Measurement and Control, section 4.8.1).
"""

import math
from math import comb
from typing import Any

import numpy as np
import pytest
import qutip

import cascade_steering as cs

PHOTONS, W0, GAMMA, DURATION = 5, math.pi, 0.1, 15.0
START = cs.density_state(qutip.fock(PHOTONS + 1, PHOTONS))
SAVE = cs.Save(observables={"photons": cs.quanta(0, 1)})


def detected(efficiency: float) -> Any:
    mode = cs.cavity("a", {"field": GAMMA}, detuning=-W0)
    return cs.detect(mode, cs.Counter(ports=("field",), efficiency=efficiency))


def given_clicks(efficiency: float, times: np.ndarray[Any, Any], clicks: list[float]) -> np.ndarray[Any, Any]:
    """⟨a†a⟩ given the clicks, in closed form: of their times only the number until then matters.

    Each of the n photons that has not clicked is still there, e^{−γt}, or was lost unseen, (1−η)(1−e^{−γt}). All other
    factors of the weight of m photons left are common.
    """
    found = []
    for time in times:
        seen = sum(click <= time for click in clicks)
        left, lost = math.exp(-GAMMA * time), (1.0 - efficiency) * (1.0 - math.exp(-GAMMA * time))
        rest = PHOTONS - seen
        weights = [comb(rest, m) * left**m * lost ** (rest - m) for m in range(rest + 1)]
        found.append(np.average(range(rest + 1), weights=weights))
    return np.array(found)


@pytest.mark.parametrize("efficiency", [0.7, 0.1])
def test_conditional_photon_numbers_with_an_inefficient_detector(efficiency: float) -> None:
    model, method = detected(efficiency), cs.FockCounting()
    grid = cs.TimeGrid.over(DURATION, saves=15, step=0.1)
    data = cs.simulate(model, method, grid, START, trajectories=6, seed=4, keep=6, save=SAVE, check=False)
    found = data["trajectory_expectation"].to_numpy()[..., 0]
    seen = 0
    for index, each in enumerate(found):
        own = np.sort(data["click_time"].to_numpy()[data["click_trajectory"].to_numpy() == index])
        seen += own.size
        # a click acts at the boundary of a step, at most half a step away, so that a save may come before it
        clear = np.array([not np.any(np.abs(own - time) <= grid.step / 2) for time in grid.times])
        exact = given_clicks(efficiency, grid.times, own.tolist())
        # without homodyne detector a step is exact; given the number of clicks their times do not matter
        # without a homodyne detector a step has no error, but its series of jumps is cut off at 3e-6 of them, and
        # there are at most five
        np.testing.assert_allclose(each[clear], exact[clear], atol=1.5e-5)
        assert clear.sum() > 10
    assert seen > 0


@pytest.mark.parametrize("efficiency", [0.7, 0.1])
def test_the_closed_form_is_that_of_mcsolve(efficiency: float) -> None:
    """As in the tutorial: the photons that are not seen are a Liouvillian, the seen ones a collapse operator."""
    a, times = qutip.destroy(8), np.linspace(0.0, DURATION, 31)
    unseen = qutip.liouvillian(W0 * a.dag() * a, [math.sqrt((1 - efficiency) * GAMMA) * a])
    seen = [math.sqrt(efficiency * GAMMA) * a]
    options = {"keep_runs_results": True, "progress_bar": "", "atol": 1e-10, "rtol": 1e-8, "norm_tol": 1e-6}
    result = qutip.mcsolve(
        unseen, qutip.fock(8, PHOTONS), times, seen, e_ops=[a.dag() * a], ntraj=4, seeds=3, options=options
    )
    for each, clicks in zip(result.runs_expect[0], result.col_times, strict=True):
        np.testing.assert_allclose(each, given_clicks(efficiency, times, list(clicks)), atol=1e-5)


@pytest.mark.parametrize("efficiency", [0.7, 0.1])
def test_on_average_photons_decay_and_a_fraction_of_them_clicks(efficiency: float) -> None:
    """5.5 standard errors of a few numbers; the number of clicks of five photons is binomial in closed form."""
    model, count = detected(efficiency), 150
    grid = cs.TimeGrid.over(DURATION, saves=3, step=0.5)
    data = cs.simulate(
        model, cs.FockCounting(), grid, START, trajectories=count, seed=9, keep=count, save=SAVE, check=False
    )
    photons = data["trajectory_expectation"].to_numpy()[..., 0]
    exact = PHOTONS * np.exp(-GAMMA * grid.times)
    errors = photons.std(axis=0)[1:] / math.sqrt(count)
    assert np.max(np.abs(photons.mean(axis=0)[1:] - exact[1:]) / errors) < 5.5
    clicks = data["trajectory_count"].to_numpy().sum(axis=(1, 2))
    chance = efficiency * (1.0 - math.exp(-GAMMA * DURATION))
    spread = math.sqrt(PHOTONS * chance * (1 - chance) / count)
    assert abs(clicks.mean() - PHOTONS * chance) < 5.5 * spread
    # an efficiency that is off by a fifth would be seen at 0.7
    assert 5.5 * spread < (0.2 if efficiency > 0.5 else 0.8) * PHOTONS * chance
