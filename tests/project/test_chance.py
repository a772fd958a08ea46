import numpy as np
import pytest
from scipy.stats import binom, chi2, norm

from tests.support.chance import FALSE_ALARM, normal, quadratic, successes


@pytest.mark.parametrize("comparisons", [1, 80, 10_000])
def test_normal_numbers_stay_within(comparisons: int) -> None:
    assert comparisons * 2 * norm.sf(normal(comparisons)) < FALSE_ALARM
    # and a tenth less would often be too little: the bound has power
    assert comparisons * 2 * norm.sf(0.85 * normal(comparisons)) > FALSE_ALARM


@pytest.mark.parametrize("samples", [1, 10, 400, 100_000])
@pytest.mark.parametrize("comparisons", [1, 80])
def test_variances_stay_within(comparisons: int, samples: int) -> None:
    # the mean of n squares is χ²_n/n, of standard deviation √(2/n)
    beyond = quadratic(comparisons, samples) * np.sqrt(2 / samples)
    alarm = chi2.sf(samples * (1 + beyond), samples) + chi2.cdf(samples * (1 - beyond), samples)
    assert comparisons * alarm < FALSE_ALARM


def test_products_of_neighbours_stay_within() -> None:
    # Σ x_t x_{t+1} = xᵀAx, A with ½ beside the diagonal: by its generating function −½ Σ log(1 − 2λt), a Chernoff bound
    count = 50
    eigenvalues = np.linalg.eigvalsh(np.diag([0.5] * (count - 1), 1) + np.diag([0.5] * (count - 1), -1))
    level = quadratic(1, count) * np.sqrt(count)
    exponents = np.linspace(0.01, 0.49, 200)
    bounds = [-t * level - 0.5 * np.sum(np.log(1 - 2 * eigenvalues * t)) for t in exponents]
    assert np.exp(min(bounds)) < FALSE_ALARM / 2


@pytest.mark.parametrize(("probability", "trials"), [(0.95, 800), (0.1, 400), (0.02, 1500)])
def test_successes_stay_within(probability: float, trials: int) -> None:
    fewest, most = successes(probability, trials)
    alarm = binom.cdf(fewest - 1, trials, probability) + binom.sf(most, trials, probability)
    assert FALSE_ALARM / 100 < alarm < FALSE_ALARM
