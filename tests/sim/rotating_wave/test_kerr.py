"""A Kerr term without the record: master equation, classical correlation function, and second order."""

import math

import mpmath
import numpy as np
import pytest
import qutip

from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator
from cascade_steering.sim.rotating_wave.closed_forms import steering_parameters
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from cascade_steering.sim.rotating_wave.nonlinear.kerr_second_order import kerr_second_order
from cascade_steering.sim.rotating_wave.nonlinear.kerr_steady import kerr_frequency, kerr_steering
from tests.support.systems import HOT, cascade

COOL = Bath.si(linewidth=1.0, occupation=0.05)
# few quanta, and a complex directional coupling
FEW = Cascade(
    minus=Oscillator.si(strength=0.5, angle=0.36 * math.pi, bath=COOL),
    plus=Oscillator.si(strength=0.8, angle=0.42 * math.pi, bath=COOL),
    path_phase_pi=0.2,
    loss=0.1,
)
UNIT = HOT.decoherence_rate


def hot(damping: float, cooperativity: float = 17.67, theta_plus_pi: float = 0.4149) -> RotatingWave:
    """C₋ = 10 with γ₋ = ``damping`` γ̃₀."""
    angle = 0.5 * math.acos((HOT.linewidth / UNIT - damping) / 10.0) / math.pi
    return RotatingWave.of(cascade(10.0, cooperativity, angle, theta_plus_pi))


def test_without_a_kerr_term_it_is_the_closed_form() -> None:
    for point in (RotatingWave.of(FEW), hot(1e-5), hot(1e-9), hot(0.3)):
        assert np.allclose(kerr_steering(point, 0.0), steering_parameters(point), rtol=1e-13)


def test_it_is_the_steady_state_of_the_master_equation_at_few_quanta() -> None:
    levels, strength, detuning = 8, 0.7, -0.3
    minus, plus = (qutip.destroy(levels) & qutip.qeye(levels)), (qutip.qeye(levels) & qutip.destroy(levels))
    x = [part for a in (minus, plus) for part in ((a + a.dag()) / np.sqrt(2), (a - a.dag()) / (1j * np.sqrt(2)))]
    model = rwa(FEW, Detection())
    hamiltonian = strength / 2 * minus.dag() ** 2 * minus**2 + detuning * plus.dag() * plus
    for i, j in zip(*np.nonzero(model.hamiltonian), strict=True):
        hamiltonian += model.hamiltonian[i, j] / 2 * x[i] * x[j]
    lost = [sum((row[k] * x[k] for k in range(4)), start=0 * x[0]) for row in model.channels]
    state = qutip.steadystate(hamiltonian, lost, method="direct")
    first, second = (qutip.expect(a.dag() * a, state) + 0.5 for a in (minus, plus))
    both = abs(qutip.expect(minus * plus, state)) ** 2
    found = kerr_steering(RotatingWave.of(FEW), strength, detuning)
    # eight levels hold all but 1e-7 of the state
    assert np.allclose(found, (second - both / first, first - both / second), rtol=2e-6)
    # the other sign of the Kerr term, a classical oscillator and a missing detuning would all be seen
    without = kerr_steering(RotatingWave.of(FEW), 0.0, detuning)
    for wrong in (
        kerr_steering(RotatingWave.of(FEW), -strength, detuning),
        kerr_steering(RotatingWave.of(FEW), strength),
        without,
    ):
        assert not np.allclose(wrong, found, rtol=1e-4)


@pytest.mark.parametrize("kerr", [1e-3, 1e-2, 0.3])
def test_at_many_quanta_it_is_the_correlation_function_of_dykman_and_krivoglaz(kerr: float) -> None:
    point = hot(0.05)
    gamma, plus, variance = (float(each) for each in (point.damping_minus, point.damping_plus, point.noise_minus))
    gamma, plus, variance = mpmath.mpf(gamma) / UNIT, mpmath.mpf(plus) / UNIT, mpmath.mpf(variance) / UNIT
    variance /= gamma
    detuning = -2 * kerr * float(variance)
    root = mpmath.sqrt(gamma**2 / 4 - 1j * kerr * gamma * variance)
    p = plus / 2 - 1j * detuning

    def correlation(time: mpmath.mpf) -> mpmath.mpc:
        slope = gamma / (4 * root) + root / gamma
        return mpmath.exp((gamma / 2 - p) * time) / (mpmath.cosh(root * time) + slope * mpmath.sinh(root * time)) ** 2

    transform = mpmath.quad(correlation, mpmath.linspace(0, 8, 17))
    coupling, common = float(point.directional_coupling.real) / UNIT, float(point.common_noise.real) / UNIT
    shared = (coupling * variance - common / 2) * transform
    second = (float(point.noise_plus) / UNIT + 2 * coupling * mpmath.re(shared)) / plus
    wanted = float(second - abs(shared) ** 2 / variance)
    # the quantum oscillator is slower by χ; further corrections are of the order 1/V², 1e-5 of what the Kerr term adds
    found = float(kerr_steering(point, kerr * UNIT, (detuning + kerr) * UNIT)[0])
    linear = float(steering_parameters(point)[0])
    assert abs(found - wanted) < 1e-4 * (wanted - linear)
    assert wanted > linear


def test_the_second_order_is_that_of_the_exact_result_and_of_opposite_terms() -> None:
    for damping, kerr in ((1e-4, 1e-9), (1e-2, 1e-7), (0.1, 1e-5)):
        point = hot(damping)
        linear = float(steering_parameters(point)[0])
        exact = float(kerr_steering(point, kerr * UNIT)[0])
        without, added = kerr_second_order(point, (kerr * UNIT, 0.0))
        assert math.isclose(without, linear, rel_tol=1e-11)
        # the fourth order of the smallest damping; rounding of E; 1/V² otherwise
        assert math.isclose(added, exact - linear, rel_tol=2e-4, abs_tol=1e-13)
        # at the edge ΔE = 8k²V₋³(χ₋ + k²χ₊)²/γ₊²
        k = float((2 * point.directional_coupling / (point.damping_plus - point.damping_minus)).real)
        scale = 8 * k**2 * _variance(point) ** 3 / float(point.damping_plus) ** 2
        assert math.isclose(added, scale * (kerr * UNIT) ** 2, rel_tol=0.4 * damping + 1e-3)
        _, by_plus = kerr_second_order(point, (0.0, kerr * UNIT))
        assert math.isclose(by_plus, scale * (k**2 * kerr * UNIT) ** 2, rel_tol=0.4 * damping + 1e-3)
        _, opposed = kerr_second_order(point, (kerr * UNIT, -kerr * UNIT / k**2))
        # the leading order in V₋ cancels
        assert 0.0 < opposed < 2.0 / _variance(point) * added


def _variance(point: RotatingWave) -> float:
    return float(point.noise_minus / point.damping_minus)


def test_the_average_frequency_is_that_of_a_thermal_state() -> None:
    point = RotatingWave.of(FEW)
    quanta = _variance(point) - 0.5
    # the symmetrised amplitude oscillates at χ times the average of n (n + (n+1)) n̄-weighted: 2n̄
    assert math.isclose(float(kerr_frequency(point, 0.7)), 0.7 * 2 * quanta, rel_tol=1e-12)


def test_what_has_no_answer_is_refused() -> None:
    point = hot(1e-5)
    with pytest.raises(ValueError, match=r"^strength of the Kerr oscillator must be finite, got nan$"):
        kerr_steering(point, math.nan)
    with pytest.raises(ValueError, match=r"^the Kerr shift of − is .* times γ₊/2, where no correlation is left"):
        kerr_steering(point, 1e3 * UNIT)
    with pytest.raises(ValueError, match=r"^damping rates must be positive and different, got"):
        kerr_second_order(RotatingWave.of(cascade(10.0, 17.67, 0.2, 0.4149)), (1.0, 0.0))
    assert np.isnan(kerr_steering(RotatingWave.of(cascade(10.0, 17.67, 0.2, 0.4149)), 1.0)[0])
