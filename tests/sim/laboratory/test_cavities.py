"""One node: rates, spring and the light that passes a cavity, against a scattering matrix and the cavity kept."""

import math
from dataclasses import replace

import mpmath as mp
import numpy as np
import pytest
from scipy import constants

import cascade_steering as cs
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.laboratory import quantities
from cascade_steering.sim.laboratory.cavities import Cavity
from cascade_steering.sim.laboratory.pair import LaboratoryNode
from cascade_steering.sim.parameters import Bath

TURN = 2 * math.pi
MEGA = TURN * 1e6
# κ, Δ, κ_ex/κ and signed Ω in units of 2π MHz
NODES = [(1.0, -1.1, 1.0, 1.0), (0.3, -0.9, 0.8, 1.0), (2.0, 1.3, 0.6, -1.0), (5.0, 0.0, 0.95, 1.2)]


def cavity(width: float, detuning: float, outcoupling: float, coupling_hz: float = 1e3) -> Cavity:
    return Cavity(
        linewidth_hz=1e6 * width, detuning_hz=1e6 * detuning, coupling_hz=coupling_hz, outcoupling=outcoupling
    )


def scattering(setting: Cavity, frequency: float) -> tuple[mp.matrix, mp.matrix]:
    """Response of (c, c†) at ω to a motion b + b† of amplitude 1, and of (b_out, v_out) to (b_in, v_in) and to it.

    From Ċ = M C + …, C = (c, c†), with e^{−iωt}: solved as it stands, with the adjoint beside c, in 40 digits.
    """
    with mp.workdps(40):
        kappa, delta, g = mp.mpf(setting.linewidth), mp.mpf(setting.detuning), mp.mpf(setting.coupling)
        turning = mp.mpc(0, -mp.mpf(frequency))
        left = mp.matrix([[turning + kappa / 2 - 1j * delta, 0], [0, turning + kappa / 2 + 1j * delta]])
        moved = mp.lu_solve(left, mp.matrix([-1j * g, 1j * g]))
        outside = [mp.sqrt(kappa * each) for each in (setting.outcoupling, 1 - mp.mpf(setting.outcoupling))]
        out = mp.matrix(2, 3)
        for port in range(2):
            for source in range(2):
                field = mp.lu_solve(left, mp.matrix([-outside[source], 0]))[0]
                out[port, source] = (1 if port == source else 0) + outside[port] * field
            out[port, 2] = outside[port] * moved[0]
        return moved, out


@pytest.mark.parametrize("node", NODES)
def test_rates_spring_and_passages_are_those_of_the_scattering_matrix(node: tuple[float, ...]) -> None:
    width, detuning, outcoupling, frequency = node
    setting, omega = cavity(width, detuning, outcoupling), frequency * MEGA
    with mp.workdps(40):
        moved, out = scattering(setting, omega)
        _, opposite = scattering(setting, -omega)
        # ḃ ∋ −ig(c + c†): the part that turns with b
        response = 1j * mp.mpf(setting.coupling) * (moved[0] + moved[1])
        emitted = [sum(abs(each[port, 2]) ** 2 for port in range(2)) for each in (out, opposite)]
        phases = [mp.arg(each[0, 2]) for each in (out, opposite)]
        assert setting.rates(omega) == pytest.approx(tuple(map(float, emitted)), rel=1e-14)
        assert float(2 * mp.re(response)) == pytest.approx(np.subtract(*setting.rates(omega)), rel=1e-13)
        assert setting.spring(omega) == pytest.approx(float(mp.im(response)), rel=1e-13)
        assert setting.emission_phase(omega) == pytest.approx(float(sum(phases)) / 2, rel=1e-14)
        lower, upper = (out, opposite) if omega < 0 else (opposite, out)
        assert setting.passages(omega) == pytest.approx((complex(lower[0, 0]), complex(upper[0, 0])), rel=1e-14)
        # what the eliminated component says of lines lower, upper and the losses of both
        component = setting.eliminated("b", omega)
        for sideband, scattered in enumerate((lower, upper)):
            lines = [sideband, sideband + 2]
            found = component.passive[np.ix_(lines, lines)]
            wanted = [[complex(scattered[i, j]) for j in range(2)] for i in range(2)]
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14)
            size = np.abs(component.couplings[lines] @ np.array([1.0, 0.0])) * math.sqrt(2)
            wanted_size = [abs(complex(scattered[i, 2])) for i in range(2)]
            np.testing.assert_allclose(size, wanted_size, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("node", NODES)
def test_the_kept_oscillator_has_the_damping_and_the_frequency_of_elimination(node: tuple[float, ...]) -> None:
    width, detuning, outcoupling, frequency = node
    setting, omega = cavity(width, detuning, outcoupling, coupling_hz=300.0), frequency * MEGA
    values = np.linalg.eigvals(moment_equations(cs.detect(setting.kept("b", omega))).drift)
    # the pair with the slowest decay is that of b
    found = values[np.argsort(np.abs(values.real))[:2]]
    exchange, pairs = setting.rates(omega)
    # corrections of relative order (g/κ)² < 1e-5; rounding is 1e-16 of κ, 1e-8 of the rates
    assert -2 * found.real[0] == pytest.approx(exchange - pairs, rel=2e-5, abs=1e-9 * setting.linewidth)
    shift = np.abs(found.imag[0]) - abs(omega)
    assert shift == pytest.approx(math.copysign(1.0, omega) * setting.spring(omega), rel=2e-5, abs=1e-9 * MEGA)


@pytest.mark.parametrize("node", NODES)
def test_the_largest_angle_is_reached_and_never_exceeded(node: tuple[float, ...]) -> None:
    width, _, _, frequency = node
    omega = frequency * MEGA

    def tangent(detuning: float) -> mp.mpf:
        half, ratio = mp.mpf(width) / 2, mp.mpf(frequency)
        return mp.sqrt((half**2 + (detuning - ratio) ** 2) / (half**2 + (detuning + ratio) ** 2))

    start = -math.copysign(math.hypot(frequency, width / 2), frequency) * 1.1
    with mp.workdps(40):
        best = mp.findroot(lambda detuning: mp.diff(tangent, detuning), start)
        largest = float(mp.atan(tangent(best)))
    assert cavity(width, 0.0, 1.0).largest_angle(omega) == pytest.approx(largest, rel=1e-14)
    assert float(best) == pytest.approx(-math.copysign(math.hypot(frequency, width / 2), frequency), rel=1e-12)
    for detuning in np.linspace(-3, 3, 61):
        exchange, pairs = cavity(width, float(detuning), 1.0).rates(omega)
        assert math.atan2(math.sqrt(exchange), math.sqrt(pairs)) <= largest * (1 + 1e-15)


def test_photons_are_those_of_a_cavity_that_is_driven() -> None:
    setting, power, wavelength = cavity(1.3, -0.9, 0.7), 2e-6, 850e-9
    flux = power * wavelength / (constants.h * constants.c)
    driven = cs.series(
        cs.coherent_drive(amplitude=math.sqrt(flux)),
        cs.cavity("c", {"field": 0.7 * setting.linewidth}, detuning=setting.detuning, lost=0.3 * setting.linewidth),
    )
    mean = cs.steady(cs.detect(driven)).mean
    assert setting.photons(power, wavelength_m=wavelength) == pytest.approx(float(mean @ mean) / 2, rel=1e-12)


def test_constants_and_thermal_numbers() -> None:
    assert (constants.h, constants.k, constants.c) == (quantities.PLANCK, quantities.BOLTZMANN, quantities.LIGHT)
    with mp.workdps(40):
        ratio = mp.mpf(constants.h) * 10**6 / (mp.mpf(constants.k) * 4)
        wanted = float(1 / mp.expm1(ratio))
    assert quantities.thermal_occupation(temperature_k=4.0, frequency_hz=1e6) == pytest.approx(wanted, rel=1e-15)
    # no overflow where the occupation is 0
    assert quantities.thermal_occupation(temperature_k=1e-9, frequency_hz=1e6) == 0.0
    assert quantities.thermal_occupation(temperature_k=0.0, frequency_hz=1e6) == 0.0
    assert quantities.linewidth_of_quality(1e8, frequency_hz=1e6) == 0.01


@pytest.mark.parametrize("frequency", [1.0, -1.0])
def test_a_spring_that_is_too_strong_is_refused_where_the_oscillator_becomes_soft(frequency: float) -> None:
    setting, omega = cavity(1.0, -1.1 * frequency, 1.0), frequency * MEGA
    most = setting.largest_coupling(omega)
    for factor, stable in ((0.9999, True), (1.0001, False)):
        strong = replace(setting, coupling_hz=factor * most / TURN)
        values = np.linalg.eigvals(moment_equations(cs.detect(strong.kept("b", omega))).drift)
        assert bool(np.max(values.real) < 0.0) is stable
    # at the other detuning no spring is too strong for a static instability
    assert math.isinf(cavity(1.0, 1.1 * frequency, 1.0).largest_coupling(omega))
    with pytest.raises(ValueError, match="optical spring makes the oscillator unstable"):
        LaboratoryNode(
            name="plus", mass="positive" if frequency > 0 else "negative", frequency_hz=1e6,
            bath=Bath(linewidth_hz=1.0, occupation=0.0), light=replace(setting, coupling_hz=1.0001 * most / TURN),
        )  # fmt: skip


@pytest.mark.parametrize("coupling", [0.1, 0.01])
def test_elimination_is_off_by_gamma_over_kappa(coupling: float) -> None:
    """b exchanges quanta with a cavity of κ = 1: the closed form of the theory page, and 1 + Γ/κ to first order."""
    thermal, narrow = 100.0, 1e-7
    exchange = np.zeros((4, 4))
    # H = g (b†c + c†b) = g (X_b X_c + P_b P_c)
    exchange[0, 2] = exchange[2, 0] = exchange[1, 3] = exchange[3, 1] = coupling
    model = cs.detect(
        cs.series(
            cs.cavity("c", {"field": 1.0}),
            cs.interaction(("c", "b"), exchange),
            cs.thermal_bath("b", Bath.si(linewidth=narrow, occupation=thermal)),
        )
    )
    quanta = cs.steady_state(model, conditional=False)[2, 2] - 0.5
    square = 4 * coupling**2
    exact = thermal * narrow * (square + 1 + narrow) / ((1 + narrow) * (square + narrow))
    # the quanta are a difference from a variance of ½: 1e-16/quanta
    assert quanta == pytest.approx(exact, rel=1e-9)
    eliminated = thermal * narrow / (narrow + square)
    assert exact / eliminated - 1 == pytest.approx(square, rel=1e-5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"outcoupling": 1.2}, "outcoupling must be more than 0 and at most 1, got 1.2"),
        ({"outcoupling": 0.0}, "outcoupling must be more than 0"),
        ({"linewidth_hz": 0.0}, "linewidth_hz must be more than 0"),
        ({"coupling_hz": -1.0}, "coupling_hz must be at least 0"),
        ({"detuning_hz": math.inf}, "detuning_hz must be"),
    ],
)
def test_a_cavity_out_of_range_is_refused(wrong: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(cavity(1.0, -1.0, 1.0), **wrong)
