"""The likelihood of a record, and the filter as conditioning of one Gaussian vector."""

import math
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.gaussian.filtering import filter_record, innovations_of
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.propagator import propagator
from cascade_steering.sim.initial_state import InitialState, ground_state, thermal_state
from cascade_steering.sim.model.linear_model import LinearModel
from tests.sim.gaussian.simulated_records import INTERVAL, MILD, model_of, simulated
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


def conditioned(
    model: LinearModel, record: FloatArray, observed: BoolArray, initial: InitialState
) -> tuple[FloatArray, FloatArray, float]:
    """Mean, covariance and log density without recursion: all intervals as one Gaussian vector, conditioned at once."""
    step, count, d = propagator(moment_equations(model), INTERVAL), len(record), model.dimension
    size = step.noise.shape[0]
    # the random vector: x(0), then the noise of each interval; rows of ``state`` and ``recorded`` are linear in it
    spread = np.zeros((d + count * size,) * 2)
    spread[:d, :d] = initial.unconditional
    state, mean = np.eye(d, len(spread)), initial.center
    recorded, expected = [], []
    for k in range(count):
        both, ahead = step.transition @ state, step.transition @ mean
        added = slice(d + k * size, d + (k + 1) * size)
        spread[added, added] = step.noise
        both[:, added] += np.eye(size)
        if observed[k]:
            recorded.append(both[d:])
            expected.append(ahead[d:])
        state, mean = both[:d], ahead[:d]
    shown = np.concatenate(recorded)
    cross, within = state @ spread @ shown.T, shown @ spread @ shown.T
    deviation = record[observed].ravel() - np.concatenate(expected)
    gain = np.linalg.solve(within, cross.T).T
    sign, log_det = np.linalg.slogdet(2 * np.pi * within)
    assert sign == 1.0
    density = -0.5 * (deviation @ np.linalg.solve(within, deviation) + log_det)
    return mean + gain @ deviation, state @ spread @ state.T - gain @ cross.T, float(density)


@pytest.mark.parametrize("gaps", [(), (0, 4, 5, 6), (2, 11)], ids=["whole", "gaps", "open end"])
@pytest.mark.parametrize("name", ["mild", "path_phase", "heterodyne"])
def test_it_is_conditioning_on_all_that_was_observed(name: str, gaps: tuple[int, ...]) -> None:
    model = model_of(POINTS[name])
    initial = replace(thermal_state((3.0, 0.5)), mean=np.array([1.0, -2.0, 0.5, 3.0]))
    observed = np.ones(12, dtype=bool)
    observed[list(gaps)] = False
    record = simulated(model, initial, INTERVAL, 12, 1)[0]
    mean, covariance, density = conditioned(model, record, observed, initial)
    record[~observed] = np.nan
    found = filter_record(model, record, INTERVAL, initial, observed)
    # matrices of order one, of 48 rows at most
    assert np.abs(found.means[-1] - mean).max() < 1e-11
    assert np.abs(found.covariances[-1] - covariance).max() < 1e-11
    assert float(found.log_likelihood) == pytest.approx(density, abs=1e-10)
    assert np.array_equal(np.isnan(found.innovations), np.broadcast_to(~observed[:, None], record.shape))
    if gaps:
        # nothing recorded is not a record of nothing
        filled = filter_record(model, np.nan_to_num(record), INTERVAL, initial)
        assert np.abs(filled.covariances[-1] - covariance).max() > 1e-3
        assert abs(float(filled.log_likelihood) - density) > 1.0


def test_without_states_the_innovations_are_the_same() -> None:
    model = model_of(MILD)
    record = simulated(model, ground_state(), INTERVAL, 1500, 3)
    observed = np.ones(1500, dtype=bool)
    observed[1000:1100] = False
    whole = filter_record(model, record, INTERVAL, ground_state(), observed)
    bare = innovations_of(model, record, INTERVAL, ground_state(), observed)
    assert np.array_equal(whole.innovations, bare.whitened, equal_nan=True)
    assert np.array_equal(whole.log_likelihood, bare.log_likelihood)
    assert np.array_equal(np.isnan(bare.roots[:, 0, 0]), ~observed)
    # L z is the innovation, and log p its density
    roots, white = bare.roots[observed], bare.whitened[:, observed]
    terms = -0.5 * white**2 - np.log(2 * np.pi) / 2 - np.log(np.diagonal(roots, axis1=1, axis2=2))
    assert np.allclose(terms.sum(axis=(1, 2)), bare.log_likelihood, rtol=1e-13)
    step = propagator(moment_equations(model), INTERVAL)
    predicted = whole.means[:, :-1] @ step.transition[4:].T
    innovation = np.einsum("kab,nkb->nka", bare.roots, bare.whitened)
    assert np.allclose((record - predicted)[:, observed], innovation[:, observed], rtol=0, atol=1e-13)


@pytest.mark.parametrize("scale", [1.5, -0.2, np.array([1e-3, -4.0])])
def test_the_likelihood_is_that_of_the_numbers_before_they_were_scaled(scale: float | FloatArray) -> None:
    model, initial = model_of(MILD), thermal_state((3.0, 0.5))
    measured = simulated(model, initial, INTERVAL, 3, 2) / scale
    found = filter_record(model, scale * measured, INTERVAL, initial, scale=scale)
    # by its joint normal law: of covariance M M^T for y = M z, M lower triangular, the columns from the filter itself
    zero = filter_record(model, np.zeros((1, 3, 2)), INTERVAL, initial).innovations
    assert np.all(zero == 0.0)
    whiten = filter_record(model, scale * np.eye(6).reshape(6, 3, 2), INTERVAL, initial).innovations.reshape(6, 6).T
    _, logarithm = np.linalg.slogdet(whiten)
    for record, value in zip(measured, found.log_likelihood, strict=True):
        white = whiten @ record.ravel()
        assert value == pytest.approx(logarithm - 0.5 * white @ white - 3.0 * math.log(2.0 * math.pi), rel=1e-12)
    with_gap = filter_record(model, scale * measured, INTERVAL, initial, np.array([True, False, True]), scale)
    plain = filter_record(model, scale * measured, INTERVAL, initial, np.array([True, False, True]))
    factors = np.broadcast_to(np.abs(scale), 2)
    assert with_gap.log_likelihood - plain.log_likelihood == pytest.approx(2.0 * np.log(factors).sum(), rel=1e-12)
    alone = innovations_of(model, scale * measured, INTERVAL, initial, scale=scale)
    assert np.array_equal(alone.log_likelihood, found.log_likelihood)


def test_the_likelihood_of_a_long_record_is_summed_without_loss() -> None:
    # in seconds, as a record is: of each number the logarithm of its standard deviation, 1e-6 s^0.5, is the most
    model = model_of(MILD)
    initial, fast = stationary_state(model), 1e-12
    record = math.sqrt(fast) * np.random.default_rng(3).standard_normal((1, 4000, 2))
    found = innovations_of(model, record, fast, initial)
    terms = [-0.5 * float(z) ** 2 - 0.5 * math.log(2.0 * math.pi) for z in found.whitened.ravel()]
    terms += [-math.log(float(root)) for root in np.diagonal(found.roots, axis1=-2, axis2=-1).ravel()]
    # four stretches of 1024 intervals are summed, and a constant: each sum to half a unit in the last place
    expected = math.fsum(terms)
    assert abs(expected) > 5e4
    assert abs(float(found.log_likelihood[0]) - expected) <= 6 * math.ulp(expected)
