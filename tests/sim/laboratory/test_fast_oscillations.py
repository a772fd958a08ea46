"""Steady states at very different rates, in 60 digits from the same floating-point equations."""

from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest

import cascade_steering as cs
from cascade_steering.analysis.criteria.steering import DIRECTIONS, PAIR, Scheme, steering_of_root
from cascade_steering.sim.gaussian.covariance import steady_root, transient
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.laboratory.fast_oscillations import steady_root_of_fast
from cascade_steering.sim.laboratory.pair import LaboratoryPair
from cascade_steering.sim.laboratory.spins import Readout
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Bath, Detection
from cascade_steering.sim.roots import product
from tests.support import reference
from tests.support.laboratory import ten_decades
from tests.support.reference import Linear
from tests.support.systems import POINTS, hertz

CASES = {
    "vacuum": ten_decades(0.0, 5.0, 0.3),
    "hot": ten_decades(1e5, 50.0, 0.3),
    "edge": ten_decades(1e5, 50.0, 0.25 + 1e-9),
}


def digits(model: LinearModel) -> Linear:
    equations = moment_equations(model)
    parts = (equations.drift, equations.diffusion, equations.readout, equations.cross)
    return Linear(**dict(zip(("drift", "diffusion", "readout", "cross"), map(_matrix, parts), strict=True)))


def _matrix(array: np.ndarray) -> mp.matrix:
    return mp.matrix(array.tolist())


def inferred(covariance: mp.matrix, direction: str, modes: tuple[str, ...]) -> float:
    """E from the entries of − and + in 60 digits."""
    rows = [2 * modes.index(mode) + half for mode in ("minus", "plus") for half in (0, 1)]
    pair = mp.matrix([[covariance[i, j] for j in rows] for i in rows])
    return float(reference.steering(pair, direction))


@pytest.mark.few(2)
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("conditional", [False, True])
def test_all_digits_are_kept_at_ten_decades_of_rates(name: str, conditional: bool) -> None:
    model = CASES[name].kept
    with mp.workdps(reference.DIGITS):
        wanted = reference._steady(digits(model), conditional=conditional)
    root = steady_root_of_fast(model, conditional=conditional)
    for direction in DIRECTIONS:
        found = float(steering_of_root(root, PAIR[direction], model.modes))
        # the result of any model is that of the solver that keeps the digits
        scheme: Scheme = "conditional" if conditional else "unconditional"
        assert cs.steady(model).E[scheme][direction] == found
        # 36 unknowns, a few operations each
        assert found == pytest.approx(inferred(wanted, direction, model.modes), rel=1e-13)


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("name", ["hot", "hot_qnd", "mixed_loss", "path_phase"])
def test_it_is_the_steady_root_where_rates_are_alike(name: str, conditional: bool) -> None:
    point = POINTS[name]
    for model in (rwa(point.cascade, point.detection), lab(point.cascade, point.detection, frequency_hz=hertz(100.0))):
        found, wanted = (each(model, conditional=conditional) for each in (steady_root_of_fast, steady_root))
        scale = np.sqrt(np.diagonal(product(wanted)))
        np.testing.assert_allclose(
            product(found) / np.outer(scale, scale), product(wanted) / np.outer(scale, scale), atol=1e-9
        )
        for direction in DIRECTIONS:
            values = [float(steering_of_root(each, direction)) for each in (found, wanted)]
            assert values[0] == pytest.approx(values[1], rel=1e-10)


def cold_pair(linewidth_hz: float, cooperativity: float, theta_pi: float, efficiency: float = 1.0) -> LaboratoryPair:
    """``ten_decades`` with another γ₀ and without thermal quanta."""
    pair, bath = ten_decades(0.0, cooperativity, theta_pi), Bath(linewidth_hz=linewidth_hz, occupation=0.0)
    strength = cooperativity * linewidth_hz * 0.5
    cavity = replace(pair.plus.light, coupling_hz=(strength * 1e6 / 4) ** 0.5)  # type: ignore[type-var]
    return replace(
        pair,
        minus=replace(pair.minus, bath=bath, light=Readout(rate_hz=strength, theta_pi=theta_pi)),
        plus=replace(pair.plus, bath=bath, light=cavity),
        detection=Detection(efficiency=efficiency),
    )


@pytest.mark.few(2)
# γ₀/2π: κ/γ₀ is then 1e10, 1e12 and 1e14, where one digit of Ω is left of γ₀
@pytest.mark.parametrize("linewidth_hz", [1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize(("cooperativity", "theta_pi"), [(5.0, 0.05), (1e3, 0.2), (5.0, 0.3)])
def test_growth_is_told_from_damping_at_fourteen_decades(
    linewidth_hz: float, cooperativity: float, theta_pi: float
) -> None:
    model = cold_pair(linewidth_hz, cooperativity, theta_pi).kept
    with mp.workdps(reference.DIGITS):
        wanted = reference._steady(digits(model), conditional=True)
    root = steady_root_of_fast(model, conditional=True)
    for direction in DIRECTIONS:
        found = float(steering_of_root(root, PAIR[direction], model.modes))
        assert found == pytest.approx(inferred(wanted, direction, model.modes), rel=1e-13)
    if theta_pi < 0.25:
        with pytest.raises(NoSteadyStateError):
            steady_root_of_fast(model, conditional=False)
        # growth that no detector shows
        with pytest.raises(NoSteadyStateError):
            steady_root_of_fast(cold_pair(linewidth_hz, cooperativity, theta_pi, 0.0).kept, conditional=True)
    else:
        assert np.all(np.isfinite(steady_root_of_fast(model, conditional=False)))


def test_without_a_steady_state_it_says_so() -> None:
    unstable = ten_decades(10.0, 50.0, 0.2).kept
    with pytest.raises(NoSteadyStateError):
        steady_root_of_fast(unstable, conditional=False)
    # the record shows the motion that grows
    assert np.all(np.isfinite(steady_root_of_fast(unstable, conditional=True)))


@pytest.mark.parametrize("conditional", [False, True])
def test_a_transient_is_exact_up_to_rounding_of_kappa_t(conditional: bool) -> None:
    pair = CASES["hot"]
    model, unit = pair.kept, pair.cascade.time_unit
    times = np.array([0.01, 1.0]) * unit
    with mp.workdps(reference.DIGITS):
        wanted = reference.closed_form(digits(model), pair.thermal.covariance, times, conditional=conditional)
    path = transient(model, pair.thermal.covariance, times, conditional=conditional)
    largest = np.max(np.abs(moment_equations(model).drift))
    for exact, found, time in zip(wanted, path, times, strict=True):
        scale = np.sqrt(np.diagonal(found))
        error = np.abs(found - reference.array(exact)) / np.outer(scale, scale)
        # every doubling of the flow doubles the rounding of the one before
        assert np.max(error) < 20 * np.finfo(float).eps * (1.0 + largest * time)
