"""What each number of a laboratory is worth: derivatives by independent routes, gains by setups that were changed."""

import copy
import math
import tomllib
from typing import Any

import mpmath as mp
import pytest

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES
from cascade_steering.analysis.laboratory.error_budget import Lever, error_budget
from cascade_steering.analysis.laboratory.setup_file import setup_of
from tests.analysis.laboratory.test_setup_file import WHOLE

# Γ is 1e-6 of κ and 3e-6 of Ω here, and γ̃₀ a tenth of Γ: elimination is exact to 1e-6
WEAK = """
[minus]
kind = "spins"
larmor_hz = 1e6
readout_rate_hz = 2.0
theta_pi = 0.31
linewidth_hz = 0.05
occupation = 1.5
[plus]
kind = "mechanics"
frequency_hz = 1e6
linewidth_hz = 1e-6
occupation = 2e5
[plus.cavity]
linewidth_hz = 8e5
outcoupling = 0.9
detuning_hz = -9e5
coupling_hz = 700
[link]
loss = 0.2
"""


def levers(text: str) -> dict[str, Lever]:
    return {each.name: each for each in error_budget(tomllib.loads(text), "lab.toml")}


@pytest.fixture(scope="module")
def weak() -> dict[str, Lever]:
    return levers(WEAK)


def steering(numbers: dict[str, mp.mpf]) -> list[mp.mpf]:
    """E of both directions without the record: Eqs. (4) to (7) of the paper, with Γ and θ of section 10."""
    half = mp.mpf(1) / 2
    kappa, delta, g = (numbers[f"plus.cavity.{name}"] for name in ("linewidth_hz", "detuning_hz", "coupling_hz"))
    omega = numbers["plus.frequency_hz"]
    b_p, p_p = (kappa * g**2 / (kappa**2 / 4 + (delta + sign * omega) ** 2) for sign in (1, -1))
    angle = mp.pi * numbers["minus.theta_pi"]
    b_m, p_m = (numbers["minus.readout_rate_hz"] * each(angle) ** 2 for each in (mp.sin, mp.cos))
    gamma_m, gamma_p = numbers["minus.linewidth_hz"] + b_m - p_m, numbers["plus.linewidth_hz"] + b_p - p_p
    n_m, n_p = (
        (b + p) * half + numbers[f"{name}.linewidth_hz"] * (numbers[f"{name}.occupation"] + half)
        for name, b, p in (("minus", b_m, p_m), ("plus", b_p, p_p))
    )
    s = mp.sqrt((1 - numbers["link.loss"]) * (1 - numbers["1 - plus.cavity.outcoupling"]))
    r = mp.sqrt(b_m * p_p) - mp.sqrt(b_p * p_m)
    # √(Γ₊Γ₋) sin(θ₊ + θ₋)
    q = mp.sqrt(b_p * p_m) + mp.sqrt(p_p * b_m)
    minus = n_m / gamma_m
    cross = -s * (q - 2 * r * minus) / (gamma_p + gamma_m)
    plus = (n_p + 2 * s * r * cross) / gamma_p
    return [plus - cross**2 / minus, minus - cross**2 / plus]


@pytest.mark.slow
def test_derivatives_are_those_of_the_closed_form(weak: dict[str, Lever]) -> None:
    with mp.workdps(40):
        numbers = {name: mp.mpf(each.value) for name, each in weak.items()}
        for name in weak:

            def logarithm(shift: mp.mpf, place: int, name: str = name) -> mp.mpf:
                return mp.log(steering(numbers | {name: numbers[name] * mp.exp(shift)})[place])

            for place, way in enumerate(DIRECTIONS):
                wanted = float(mp.diff(lambda shift, place=place: logarithm(shift, place), 0))
                found = weak[name]
                derivative, error = (each["unconditional"][way] for each in (found.derivative, found.error))
                # the stated error; and rounding of E, 1e-12, over the shortest step
                assert derivative == pytest.approx(wanted, abs=error + 1e-12 / 4e-4), (name, way)
                assert error < 1e-6


# all rates, and the temperature, which with Ω makes n̄
SCALED = (
    "minus.readout_rate_hz", "minus.linewidth_hz", "plus.frequency_hz", "plus.temperature_k",
    "plus.cavity.linewidth_hz", "plus.cavity.detuning_hz", "plus.cavity.vacuum_coupling_hz",
)  # fmt: skip


@pytest.mark.slow
def test_with_the_cavity_kept_derivatives_obey_dimensions_and_the_chain_rule() -> None:
    whole = levers(WHOLE)
    for scheme in SCHEMES:
        for way in DIRECTIONS:

            def slope(name: str, scheme: Any = scheme, way: Any = way) -> float:
                return whole[name].derivative[scheme][way]

            error = sum(each.error[scheme][way] for each in whole.values())
            assert error < 1e-5
            # n_c ∝ κ P/(κ²/4 + Δ²) falls as 1/scale where the power stays
            total = sum(slope(name) for name in SCALED) + slope("plus.cavity.power_w")
            assert total == pytest.approx(0.0, abs=error)
            # g ∝ g₀ √P
            assert slope("plus.cavity.vacuum_coupling_hz") == pytest.approx(2 * slope("plus.cavity.power_w"), abs=error)
            # n̄ + ½ ≈ kT/ħΩ up to (ħΩ/kT)²/12, and γ₀(n̄ + ½) is all that counts of it and of Q, up to γ₀/Γ
            assert slope("plus.temperature_k") == pytest.approx(-slope("plus.quality"), abs=error + 1e-6)
            assert abs(slope("plus.quality")) > 1e-4
            # a loss is a loss, wherever it is, without the record
            if scheme == "unconditional":
                parts = {"link.loss": 0.1, "1 - plus.cavity.outcoupling": 0.05}
                first, second = (slope(name) * (1 - part) / part for name, part in parts.items())
                assert first > 0.0
                # by elimination, up to some Γ/κ = 5e-3; the photons rise with κ_ex as with the power
                assert second + slope("plus.cavity.power_w") == pytest.approx(first, rel=0.02)


def test_gains_are_those_of_setups_that_were_changed(weak: dict[str, Lever]) -> None:
    def e(**changes: float) -> float:
        content = copy.deepcopy(tomllib.loads(WEAK))
        for name, value in changes.items():
            table, _, key = name.partition("__")
            content[table][key] = value
        found = setup_of(content, "lab.toml").elimination().eliminated
        return found.E["unconditional"]["plus_given_minus"]

    now = e()
    assert weak["link.loss"].better["unconditional"]["plus_given_minus"] == pytest.approx(0.18, rel=1e-14)
    for name, change in (("link.loss", {"link__loss": 0.18}), ("minus.occupation", {"minus__occupation": 1.35})):
        assert weak[name].gain["unconditional"]["plus_given_minus"] == pytest.approx(1 - e(**change) / now, abs=1e-10)
    assert weak["link.loss"].limit_gain["unconditional"]["plus_given_minus"] == pytest.approx(
        1 - e(link__loss=0.0) / now
    )
    # the best θ₋ alone: no other is better
    angle = weak["minus.theta_pi"]
    best = angle.limit["unconditional"]["plus_given_minus"]
    lowest = 1 - angle.limit_gain["unconditional"]["plus_given_minus"]
    assert e(minus__theta_pi=best) / now == pytest.approx(lowest, rel=1e-10)
    assert all(e(minus__theta_pi=best * factor) / now > lowest * (1 - 1e-3) for factor in (0.7, 0.9, 1.1, 1.4))
    gains = [each.gain["unconditional"]["plus_given_minus"] for each in weak.values()]
    assert gains == sorted(gains, reverse=True)


@pytest.mark.slow
def test_a_number_at_the_end_of_its_range_has_a_derivative_from_below(weak: dict[str, Lever]) -> None:
    found = levers(WEAK.replace("theta_pi = 0.31", "theta_pi = 0.5"))["minus.theta_pi"]
    with mp.workdps(40):
        numbers = {name: mp.mpf(each.value) for name, each in weak.items()}
        numbers["minus.theta_pi"] = mp.mpf("0.5")

        def logarithm(shift: mp.mpf) -> mp.mpf:
            return mp.log(steering(numbers | {"minus.theta_pi": mp.exp(shift) / 2})[0])

        wanted = float(mp.diff(logarithm, 0, direction=-1))
    derivative, error = (each["unconditional"]["plus_given_minus"] for each in (found.derivative, found.error))
    assert derivative == pytest.approx(wanted, abs=error + 1e-9)
    assert math.isfinite(derivative)
