"""E of effects and of outcomes against inverses of covariances, for three oscillators as well."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Steered, inferred_covariance, optimal_gains, steering_parameter
from cascade_steering.analysis.past_states.outcomes import (
    outcome_uncertainty,
    outcome_variances,
    retrodicted_steering,
)

FloatArray = NDArray[np.float64]
MODES = ("a", "b", "c")
WAYS = (Steered(mode="c", by=("a",)), Steered(mode="a", by=("b",)), Steered(mode="b", by=("a", "c")))


def covariances(seed: int) -> FloatArray:
    root = np.random.default_rng(seed).normal(size=(5, 6, 6))
    found: FloatArray = root @ np.swapaxes(root, -1, -2) + 0.5 * np.eye(6)
    return found


def root_of_information(covariance: FloatArray) -> FloatArray:
    """R with RᵀR = V⁻¹, upper triangular."""
    return np.swapaxes(np.linalg.cholesky(np.linalg.inv(covariance)), -1, -2)


@pytest.mark.few(1)
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_of_effects_and_of_outcomes(way: Steered) -> None:
    past, future = covariances(1), covariances(2)
    root = root_of_information(future)
    np.testing.assert_allclose(
        retrodicted_steering(root, way, MODES), steering_parameter(future, way, MODES), rtol=1e-9
    )
    found = outcome_uncertainty(past, root, way, MODES)
    steered = MODES.index(str(way.mode))
    for k in range(5):
        product = 1.0
        for own in (0, 1):
            # measured: a quadrature of each steering oscillator along its gain, and one of the steered one
            gain = optimal_gains(past[k], way, MODES)[:, own].reshape(-1, 2)
            kept, order = [], [MODES.index(str(each)) for each in way.by]
            for oscillator, (x, p) in zip(order, gain, strict=True):
                row = np.zeros(6)
                row[2 * oscillator : 2 * oscillator + 2] = np.array([x, p]) / math.hypot(x, p)
                kept.append(row)
            kept.append(np.eye(6)[2 * steered + own])
            rest = [np.eye(6)[2 * each : 2 * each + 2] for each in range(3) if each not in (*order, steered)]
            rows = np.concatenate([np.array(kept), *rest])
            both = np.linalg.inv(np.linalg.inv(rows @ past[k] @ rows.T) + np.linalg.inv(rows @ future[k] @ rows.T))
            size = len(kept)
            product *= 1.0 / np.linalg.inv(both[:size, :size])[-1, -1]
        assert found[k] == pytest.approx(math.sqrt(product), rel=1e-9)


def test_an_outcome_of_one_quadrature() -> None:
    past, future = covariances(3), covariances(4)
    found = outcome_variances(past, root_of_information(future))
    for i in range(6):
        kept = [each for each in range(6) if each != i ^ 1]
        both = np.linalg.inv(np.linalg.inv(past[:, kept][:, :, kept]) + np.linalg.inv(future[:, kept][:, :, kept]))
        np.testing.assert_allclose(found[:, i], both[:, kept.index(i), kept.index(i)], rtol=1e-9)


def test_without_a_future_all_is_as_the_past_has_it() -> None:
    past, nothing = covariances(5), np.zeros((5, 6, 6))
    for way in WAYS:
        inferred = inferred_covariance(past, way, MODES)
        product = np.sqrt(inferred[:, 0, 0] * inferred[:, 1, 1])
        np.testing.assert_allclose(outcome_uncertainty(past, nothing, way, MODES), product, rtol=1e-9)
        assert np.isinf(retrodicted_steering(nothing, way, MODES)).all()
    np.testing.assert_allclose(outcome_variances(past, nothing), np.diagonal(past, axis1=-2, axis2=-1), rtol=1e-12)
