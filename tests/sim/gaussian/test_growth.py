"""Covariances that grow without bound, against matrix exponentials in hundreds of digits."""

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Steered, steering_of_root
from cascade_steering.analysis.time_courses.growth_limit import require_quanta
from cascade_steering.sim.gaussian.covariance import transient_roots
from cascade_steering.sim.gaussian.growth import DigitsError, GrowthError
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.initial_state import InitialState, ground_state, thermal_state
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import Cascade, Detection
from tests.support import reference
from tests.support.chains import chain
from tests.support.systems import HOT, cascade, hertz, oscillator

FloatArray = NDArray[np.float64]
# γ₋ = −10 γ̃₀: from t = 0 to 23/γ̃₀ its variance grows to 1e100 and more
GROWING = cascade(10, 17.4, 0.0, 0.5)
EQUILIBRIUM = thermal_state((HOT.occupation, HOT.occupation))
LOSSY = Cascade(minus=GROWING.minus, plus=GROWING.plus, loss=0.1, path_phase_pi=0.13)
# V has entries of 1e105 and a determinant of 1e200, of which 400 digits cancel
DIGITS = 460
# A step may remove a factor of 1e3 from a variance, which costs 2e-13 of what is left; a few such steps.
ROUNDING = 5e-12


def in_digits(model: LinearModel) -> reference.Linear:
    found = moment_equations(model)
    parts = (found.drift, found.diffusion, found.readout, found.cross)
    drift, diffusion, readout, cross = (mp.matrix(part.tolist()) for part in parts)
    return reference.Linear(drift=drift, diffusion=diffusion, readout=readout, cross=cross)


def exact(covariance: mp.matrix, steered: int, by: tuple[int, ...]) -> float:
    """E = √(det V of all of them / det V of the steering ones)."""

    def determinant(modes: tuple[int, ...]) -> mp.mpf:
        where = [2 * mode + k for mode in modes for k in (0, 1)]
        return mp.det(mp.matrix([[covariance[i, j] for j in where] for i in where]))

    with mp.workdps(DIGITS):
        return float(mp.sqrt(determinant((*by, steered)) / determinant(by)))


def minus_alone(time: float, occupation: float) -> float:
    """V₋(t) = e^{−γt} V₋(0) + N₋ (1 − e^{−γt})/γ."""
    minus = GROWING.minus
    grown = np.exp(-minus.damping_rate * time)
    noise = minus.strength / 2 + minus.bath.decoherence_rate
    return float(grown * (occupation + 0.5) + noise * (1.0 - grown) / minus.damping_rate)


@pytest.mark.parametrize(
    ("initial", "units", "wanted"),
    [
        (ground_state(), [0.1, 0.2, 0.3, 0.5], [0.261311, 0.170641, 0.151629, 0.147281]),
        (EQUILIBRIUM, [1.0], [0.149996]),
    ],
)
def test_the_reference_numbers_of_growth(initial: InitialState, units: list[float], wanted: list[float]) -> None:
    times = np.array(units) * GROWING.time_unit
    roots = transient_roots(rwa(GROWING, Detection()), initial.covariance_root, times, conditional=False)
    assert steering_of_root(roots, "plus_given_minus") == pytest.approx(wanted, abs=5e-7)
    grown = [minus_alone(float(time), initial.covariance[0, 0] - 0.5) for time in times]
    assert roots[:, 0, 0] ** 2 == pytest.approx(grown, rel=1e-13)


@pytest.mark.parametrize(
    ("case", "initial", "units"),
    [
        # V₋ is 2e9, 9e34 and 8e104
        ("ideal", EQUILIBRIUM, [1.0, 6.9, 23.0]),
        # 1e30 and 8e99
        ("loss and phase", ground_state(), [6.9, 23.0]),
        ("laboratory", ground_state(), [6.9, 23.0]),
        # E grows as well, to 4e49
        ("both grow", ground_state(), [0.5, 6.9]),
    ],
)
@pytest.mark.slow
def test_no_digit_is_lost_however_large_the_variances(case: str, initial: InitialState, units: list[float]) -> None:
    point = {"ideal": GROWING, "both grow": cascade(10, 17.4, 0.05, 0.05)}.get(case, LOSSY)
    model, system = rwa(point, Detection()), reference.linear(point, Detection())
    if case == "laboratory":
        model = lab(point, Detection(), frequency_hz=hertz(2e5))
        system = in_digits(model)
    times = np.array(units) * point.time_unit
    roots = transient_roots(model, initial.covariance_root, times, conditional=False)
    for time, root in zip(times, roots, strict=True):
        wanted = reference.unseen(system, initial.covariance, float(time), digits=DIGITS)
        for direction, steered in zip(DIRECTIONS, (1, 0), strict=True):
            found = float(steering_of_root(root, direction))
            assert found == pytest.approx(exact(wanted, steered, (1 - steered,)), rel=ROUNDING)
    assert root[0, 0] ** 2 > 1e28


@pytest.mark.slow
def test_three_oscillators_of_which_the_first_grows() -> None:
    minus, plus, third = oscillator(10, 0.0, HOT), oscillator(17.4, 0.5, HOT), oscillator(12, 0.41, HOT)
    model = chain({"a": (minus, -1), "b": (plus, 1), "c": (third, 1)}, loss=0.1)
    time = 23.0 * GROWING.time_unit
    (root,) = transient_roots(model, ground_state(3).covariance_root, np.array([time]), conditional=False)
    wanted = reference.unseen(in_digits(model), ground_state(3).covariance, time, digits=DIGITS)
    for steered, by in ((1, (0,)), (0, (1,)), (2, (1,)), (2, (0, 1)), (0, (1, 2)), (1, (0, 2))):
        found = float(steering_of_root(root, Steered(mode=steered, by=by), model.modes))
        assert found == pytest.approx(exact(wanted, steered, by), rel=ROUNDING)


@pytest.mark.parametrize("efficiency", [1.0, 0.3])
@pytest.mark.parametrize("initial", [ground_state(), EQUILIBRIUM], ids=["ground", "thermal"])
def test_given_the_record(initial: InitialState, efficiency: float) -> None:
    detection = Detection(efficiency=efficiency)
    times = np.array([1e-3, 0.1, 0.5, 30.0]) * GROWING.time_unit
    roots = transient_roots(rwa(GROWING, detection), initial.covariance_root, times, conditional=True)
    exactly = reference.closed_form(reference.linear(GROWING, detection), initial.covariance, times, conditional=True)
    for root, wanted in zip(roots, exactly, strict=True):
        for direction in DIRECTIONS:
            found = float(steering_of_root(root, direction))
            assert found == pytest.approx(float(reference.steering(wanted, direction)), rel=ROUNDING)


def test_one_long_step_is_many_short_ones() -> None:
    model, end = rwa(LOSSY, Detection()), 12.0 * LOSSY.time_unit
    whole, parts = (
        transient_roots(model, ground_state().covariance_root, times, conditional=False)[-1]
        for times in (np.array([end]), np.linspace(0.0, end, 500))
    )
    for direction in DIRECTIONS:
        # of 500 steps each adds a few roundings
        assert float(steering_of_root(parts, direction)) == pytest.approx(
            float(steering_of_root(whole, direction)), rel=ROUNDING
        )


def row(*first: tuple[float, float, int]) -> LinearModel:
    """A row of oscillators (C, θ/π, sign) on the light."""
    parts = {f"n{k}": (oscillator(c, angle, HOT), sign) for k, (c, angle, sign) in enumerate(first)}
    return chain(parts, loss=0.05)


SERVER, LAST = (20.0, 0.45, 1), (7.0, 0.4, 1)
# of two that grow the faster one first, last, as fast; units of time, and whether it is refused then
SEVERAL = {
    "faster first": (row((5, 0.05, -1), SERVER, (4, 0.05, -1), LAST), 28.0),
    "faster last": (row((4, 0.05, -1), SERVER, (5, 0.05, -1), LAST), 28.0),
    "alike": (row((4, 0.05, -1), SERVER, (4, 0.05, -1), LAST), 28.0),
    "much faster last": (row((2, 0.05, -1), SERVER, (9, 0.05, -1), LAST), 4.0),
}


def one_way(model: LinearModel) -> reference.Linear:
    """``in_digits`` without what rounding lets go back against the light."""
    system, d = in_digits(model), model.dimension
    for i in range(d):
        for j in range(2 * (i // 2) + 2, d):
            system.drift[i, j] = mp.mpf(0)
    return system


@pytest.mark.slow
@pytest.mark.parametrize("name", SEVERAL)
def test_several_that_grow_at_different_rates(name: str) -> None:
    model, units = SEVERAL[name]
    time = units * GROWING.time_unit
    (root,) = transient_roots(model, ground_state(4).covariance_root, np.array([time]), conditional=False)
    wanted = reference.unseen(one_way(model), ground_state(4).covariance, time, digits=DIGITS)
    # also of some without the others: of the two before the second one that grows, too
    for steered, by in ((1, (0,)), (1, (0, 2)), (0, (1, 2, 3)), (3, (0, 1, 2)), (3, (0, 2))):
        # entries of up to 1e6 times the vacuum's, each rounded, and some 10 operations: what is promised
        found = float(steering_of_root(root, Steered(mode=steered, by=by), model.modes))
        assert found == pytest.approx(exact(wanted, steered, by), rel=1e-8)


def test_what_cannot_be_told_apart_is_refused_with_the_time() -> None:
    model, _ = SEVERAL["much faster last"]
    late = 18.0 * GROWING.time_unit
    with pytest.raises(DigitsError, match=r"no longer told apart to eight digits: end earlier$"):
        transient_roots(model, ground_state(4).covariance_root, np.array([late]), conditional=False)
    with pytest.raises(ValueError, match=r"and from t = 5\.\d* /gamma~_0 .* has fewer than eight digits: end earlier$"):
        require_quanta(model, ground_state(4), late, unit=GROWING.time_unit)


def test_light_that_goes_off_after_several_have_grown() -> None:
    model, _ = SEVERAL["faster last"]
    dark = row((0, 0.05, -1), (0, 0.45, 1), (0, 0.05, -1), (0, 0.4, 1))
    off = 4.0 * GROWING.time_unit
    times = off * np.array([1.0, 1.0 + 1e-6, 1.2])
    roots = transient_roots(
        Schedule(models=(model, dark), switches=(off,)), ground_state(4).covariance_root, times, conditional=False
    )
    lit = reference.unseen(one_way(model), ground_state(4).covariance, off, digits=60)
    for time, root in zip(times, roots, strict=True):
        wanted = damped(lit, dark, time - off)
        for steered, by in ((1, (0, 2)), (3, (0, 1, 2))):
            found = float(steering_of_root(root, Steered(mode=steered, by=by), model.modes))
            assert found == pytest.approx(exact(wanted, steered, by), rel=ROUNDING)


def damped(covariance: mp.matrix, model: LinearModel, time: float) -> mp.matrix:
    """V e^{−γ₀t} + (D/γ₀)(1 − e^{−γ₀t}) of oscillators without light in the same bath."""
    found = moment_equations(model)
    with mp.workdps(DIGITS):
        rate, noise = -2 * mp.mpf(found.drift[0, 0]), mp.mpf(found.diffusion[0, 0])
        kept = mp.exp(-rate * mp.mpf(time))
        return covariance * kept + mp.eye(model.dimension) * noise / rate * (1 - kept)


def test_what_would_overflow_is_refused() -> None:
    with pytest.raises(GrowthError, match=r"^a variance grows beyond 1e\+300"):
        transient_roots(
            rwa(GROWING, Detection()),
            ground_state().covariance_root,
            np.array([1e2 * GROWING.time_unit]),
            conditional=False,
        )
