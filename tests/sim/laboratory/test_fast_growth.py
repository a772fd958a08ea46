"""The limit of E without the record at very different rates, against eigenvectors in a hundred digits."""

import mpmath as mp
import pytest

import cascade_steering as cs
from cascade_steering.analysis.criteria.steering import DIRECTIONS, PAIR, steering_of_root
from cascade_steering.sim.gaussian.growth import grown_root
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.laboratory.fast_growth import grown_root_of_fast
from cascade_steering.sim.model.cascade import lab
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Detection
from tests.sim.laboratory.test_fast_oscillations import cold_pair, digits, inferred
from tests.support.laboratory import ten_decades, with_losses
from tests.support.systems import cascade, hertz

# what stands for infinite variances: E is its limit up to 1e-45 of variances of 1e7 at most
DIGITS, INFINITE = 120, 45


def exact(model: LinearModel) -> list[float]:
    """E of − and + from V = Σ V_jk r_j r_k† over right eigenvectors r, V_jk = −⟨n_j n_k⟩/(λ_j + λ_k*), ∞ for growth."""
    with mp.workdps(DIGITS):
        system = digits(model)
        rates, right = mp.eig(system.drift)
        left = right**-1
        noise = left * system.diffusion * left.H
        covariance = mp.matrix(len(rates), len(rates))
        for j, rate in enumerate(rates):
            for k, other in enumerate(rates):
                both = right[:, j] * right[:, k].H
                if mp.re(rate) < 0 and mp.re(other) < 0:
                    covariance -= noise[j, k] / (rate + mp.conj(other)) * both
                elif j == k:
                    covariance += mp.mpf(10) ** INFINITE * both
        return [inferred(covariance.apply(mp.re), way, model.modes) for way in DIRECTIONS]


GROWING = {
    # κ/γ₀ = 1e8 at the edge of stability, 1e10, 1e11 and 1e14
    "near the edge": ten_decades(1e5, 50.0, 0.249999).kept,
    "ten decades": cold_pair(1e-4, 5.0, 0.05).kept,
    "eleven decades": cold_pair(1e-5, 5.0, 0.05).kept,
    "fourteen decades": cold_pair(1e-8, 5.0, 0.05).kept,
    "fourteen decades, strong": cold_pair(1e-8, 1e3, 0.2).kept,
    "two oscillators without a cavity": lab(cascade(10, 17.4, 0.0, 0.5), Detection(), frequency_hz=hertz(1e9)),
}


@pytest.mark.parametrize("name", GROWING)
def test_the_limit_keeps_all_digits(name: str) -> None:
    model = GROWING[name]
    found = cs.steady(model)
    assert not found.stable
    for way, wanted in zip(DIRECTIONS, exact(model), strict=True):
        # 36 unknowns, a few operations each
        assert found.unconditional[PAIR[way]] == pytest.approx(wanted, rel=1e-13)


def test_the_limit_is_infinite_where_e_grows() -> None:
    both, second = (lab(cascade(10, 17.4, first, 0.05), Detection(), frequency_hz=hertz(1e6)) for first in (0.05, 0.45))
    assert all(float(steering_of_root(grown_root_of_fast(both), way)) > 1e15 for way in DIRECTIONS)
    root = grown_root_of_fast(second)
    assert float(steering_of_root(root, "plus_given_minus")) > 1e15
    assert float(steering_of_root(root, "minus_given_plus")) == pytest.approx(exact(second)[1], rel=1e-13)


def test_it_is_the_root_of_a_settled_pair_and_of_growth_at_rates_alike() -> None:
    for model in (with_losses(0.01).kept, lab(cascade(10, 17.4, 0.0, 0.5), Detection(), frequency_hz=hertz(30.0))):
        for way in DIRECTIONS:
            found, wanted = (
                float(steering_of_root(root(model), PAIR[way], model.modes))
                for root in (grown_root_of_fast, grown_root)
            )
            # the other one is exact to 1e-16 of κ over the rates
            assert found == pytest.approx(wanted, rel=1e-9)


def test_a_motion_that_stays_as_it_was_has_no_limit() -> None:
    # no bath, and no light: the second one turns for ever
    alone = cascade(10, 0.0, 0.0, 0.5)
    still = cs.Cascade(
        minus=alone.minus, plus=cs.Oscillator(strength_hz=0, angle_pi=0, bath=cs.Bath(linewidth_hz=0, occupation=0))
    )
    with pytest.raises(NoSteadyStateError, match=r"^there is no limit at long times"):
        grown_root_of_fast(lab(still, Detection(), frequency_hz=hertz(1e6)))
