"""What each phase is worth: derivatives of the closed form in 40 digits, and of the paper's model."""

import tomllib

import mpmath as mp
import numpy as np
import pytest

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, Scheme
from cascade_steering.analysis.laboratory.phase_budget import PhaseLever, phase_budget
from cascade_steering.analysis.laboratory.setup_file import setup_of
from tests.analysis.laboratory.test_error_budget import WEAK

# Γ/κ is 1e-6 here, so that elimination is exact; without losses in the cavity the pair is the paper's with a record too
IDEAL = WEAK.replace("outcoupling = 0.9", "outcoupling = 1.0")
SQUEEZED = IDEAL.replace("loss = 0.2", "loss = 0.2\nsqueezing_db = 4\nsqueezing_angle_pi = 1")
FORWARD: Direction = "plus_given_minus"


def phases(text: str) -> dict[str, PhaseLever]:
    return {each.name: each for each in phase_budget(tomllib.loads(text), "lab.toml")}


def closed_form(text: str, phi: mp.mpf) -> list[mp.mpf]:
    """E₊|₋ and E₋|₊ without the record, by the closed form of section 5, at φ."""
    cascade = setup_of(tomllib.loads(text), "lab.toml").pair.cascade
    (b_m, p_m, g_m), (b_p, p_p, g_p) = (
        (*(mp.mpf(each.strength) * of(mp.mpf(each.angle)) ** 2 for of in (mp.sin, mp.cos)), each.bath)
        for each in (cascade.minus, cascade.plus)
    )  # fmt: skip
    gamma_m, gamma_p = mp.mpf(g_m.linewidth) + b_m - p_m, mp.mpf(g_p.linewidth) + b_p - p_p
    n_m, n_p = (b_m + p_m) / 2 + mp.mpf(g_m.decoherence_rate), (b_p + p_p) / 2 + mp.mpf(g_p.decoherence_rate)
    s, turn = mp.sqrt(1 - mp.mpf(cascade.loss)), mp.expj(-phi)
    r = turn * mp.sqrt(b_m * p_p) - mp.conj(turn) * mp.sqrt(b_p * p_m)
    q = turn * mp.sqrt(b_m * p_p) + mp.conj(turn) * mp.sqrt(b_p * p_m)
    kappa = s * (2 * r * n_m - q * gamma_m) / (gamma_m + gamma_p)
    forward = n_p / gamma_p + s * mp.re(mp.conj(kappa) * (2 * r / gamma_p + q / n_m)) / (gamma_m + gamma_p)
    v_m = n_m / gamma_m
    v_p = (n_p + 2 * s * mp.re(mp.conj(r) * kappa) / gamma_m) / gamma_p
    return [forward, forward * v_m / v_p]


@pytest.mark.slow
@pytest.mark.parametrize("phase", [0.0, 0.07])
def test_the_derivatives_of_the_path_phase_are_those_of_the_closed_form(phase: float) -> None:
    text = WEAK.replace("loss = 0.2", f"loss = 0.2\npath_phase_pi = {phase}")
    found = phases(text)["link.path_phase_pi"]
    with mp.workdps(40):
        for place, way in enumerate(DIRECTIONS):

            def logarithm(shift: mp.mpf, place: int = place) -> mp.mpf:
                return mp.log(closed_form(text, mp.pi * mp.mpf(phase) + shift)[place])

            wanted = [float(mp.diff(logarithm, 0, order)) for order in (1, 2)]
            got = [(found.slope, found.slope_error), (found.curvature, found.curvature_error)]
            # the stated error; and rounding of E, 1e-12, over the shortest step of 0.01 or its square
            for each, (value, error), order in zip(wanted, got, (1, 2), strict=True):
                spare = error["unconditional"][way] + 1e-11 / 0.01**order
                assert value["unconditional"][way] == pytest.approx(each, abs=spare)
            assert found.stationary["unconditional"][way] is (phase == 0.0)
            off = max(float(mp.exp(logarithm(mp.mpf(shift)) - logarithm(0))) for shift in (0.1, -0.1)) - 1
            assert found.off["unconditional"][way] == pytest.approx(off, rel=1e-7)
            # the best phase is the paper's
            assert found.best_pi["unconditional"][way] == pytest.approx(0.0, abs=1e-3)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["path_phase_pi", "lo_phase_pi", "squeezing_angle_pi"])
def test_given_the_record_they_are_those_of_the_paper_s_model(name: str) -> None:
    found = phases(SQUEEZED)[("detection." if name == "lo_phase_pi" else "link.") + name]
    point = setup_of(tomllib.loads(SQUEEZED), "lab.toml").point
    shifts, step = np.arange(-3, 4), 0.03
    values = getattr(point, name) + shifts * step / np.pi
    logarithm = np.log(point.scan({name: values}).dataset["E_c"].to_numpy())
    # seven points: the error is of order h⁶
    second = np.array([2, -27, 270, -490, 270, -27, 2]) / 180 / step**2
    scheme: Scheme = "conditional"
    for row, way in enumerate(DIRECTIONS):
        assert found.curvature[scheme][way] == pytest.approx(float(logarithm[row] @ second), rel=1e-4, abs=1e-6)
        # by the reflection at the paper's phases
        assert found.stationary[scheme][way]
        assert found.slope[scheme][way] == pytest.approx(0.0, abs=1e-4)
        # a phase that is not best says so
        assert found.best_gain[scheme][way] >= 0.0


def test_without_squeezing_there_is_no_angle_and_without_the_record_no_local_oscillator() -> None:
    found = phases(WEAK)
    assert set(found) == {"link.path_phase_pi", "detection.lo_phase_pi"}
    oscillator = found["detection.lo_phase_pi"]
    assert oscillator.value_pi == 0.5
    assert oscillator.off["unconditional"][FORWARD] == pytest.approx(0.0, abs=1e-12)
    assert oscillator.best_pi["unconditional"][FORWARD] == 0.5
