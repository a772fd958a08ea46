"""A finite spin without the record: master equation with spin operators, the limit of many spins, and its order."""

import math

import numpy as np
import pytest
import qutip

from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator
from cascade_steering.sim.rotating_wave.closed_forms import steering_parameters
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from cascade_steering.sim.rotating_wave.nonlinear.spin_steady import spin_first_order, spin_moments, spin_steering
from cascade_steering.sim.rotating_wave.squeezed_light import SqueezedSidebands
from tests.support.systems import HOT, cascade

COOL = Bath.si(linewidth=1.0, occupation=0.05)
# few quanta, and a complex directional coupling
FEW = Cascade(
    minus=Oscillator.si(strength=0.5, angle=0.36 * math.pi, bath=COOL),
    plus=Oscillator.si(strength=0.8, angle=0.42 * math.pi, bath=COOL),
    path_phase_pi=0.2,
    loss=0.1,
)


def hot(damping: float) -> RotatingWave:
    """C₋ = 10 with γ₋ = ``damping`` γ̃₀, at the best C₊ and θ₊ of oscillators."""
    angle = 0.5 * math.acos((HOT.linewidth / HOT.decoherence_rate - damping) / 10.0) / math.pi
    return RotatingWave.of(cascade(10.0, 17.67, angle, 0.4149))


@pytest.mark.parametrize("length", [1.0, 3.5])
def test_it_is_the_steady_state_of_the_master_equation_with_spin_operators(length: float) -> None:
    levels = 9
    # the lowest state comes first, as it does among those of an oscillator
    down = qutip.Qobj(qutip.jmat(length, "-").full()[::-1, ::-1] / math.sqrt(2.0 * length))
    minus, plus = down & qutip.qeye(levels), qutip.qeye(down.shape[0]) & qutip.destroy(levels)
    x = [part for a in (minus, plus) for part in ((a + a.dag()) / np.sqrt(2), (a - a.dag()) / (1j * np.sqrt(2)))]
    model = rwa(FEW, Detection())
    hamiltonian = 0 * minus
    for i, j in zip(*np.nonzero(model.hamiltonian), strict=True):
        hamiltonian += model.hamiltonian[i, j] / 2 * x[i] * x[j]
    lost = [sum((row[k] * x[k] for k in range(4)), start=0 * x[0]) for row in model.channels]
    state = qutip.steadystate(hamiltonian, lost, method="direct")
    first, second = (qutip.expect(a * a.dag() + a.dag() * a, state) / 2 for a in (minus, plus))
    both, commutator = (
        qutip.expect(minus.dag() * plus.dag(), state),
        qutip.expect(qutip.commutator(minus, minus.dag()), state),
    )
    found = spin_moments(RotatingWave.of(FEW), length)
    # nine levels of + hold all but 1e-8 of the state
    assert np.allclose((found.minus, found.plus, found.commutator), (first, second, commutator), rtol=1e-6)
    assert abs(found.both - both) < 1e-6
    # an oscillator, the first order alone and a spin that is longer by one are other numbers
    seen = found.plus_given_minus
    without, added = spin_first_order(RotatingWave.of(FEW), length)
    for wrong in (without, without + added, spin_steering(RotatingWave.of(FEW), length + 0.5)[0]):
        assert abs(wrong - seen) > 2e-5


def test_many_spins_are_an_oscillator() -> None:
    for point in (RotatingWave.of(FEW), hot(0.05), hot(1e-3)):
        # corrections are of the order V₋/J
        assert np.allclose(spin_steering(point, 1e15), steering_parameters(point), rtol=1e-10)


def test_the_first_order_is_right_in_the_second_one() -> None:
    for point, least in ((RotatingWave.of(FEW), 20.0), (hot(0.3), 2000.0), (hot(0.05), 3e4)):
        rest, firsts = [], []
        for length in (least, 2.0 * least, 4.0 * least):
            without, added = spin_first_order(point, length)
            rest.append(spin_steering(point, length)[0] - without - added)
            firsts.append(added)
        # what is left falls by four with half of 1/J, and the first order by two
        assert abs(rest[0] / rest[1] - 4.0) < 0.5
        assert abs(rest[1] / rest[2] - 4.0) < abs(rest[0] / rest[1] - 4.0)
        assert math.isclose(firsts[0] / firsts[1], 2.0, rel_tol=1e-9)


def test_near_the_edge_the_reduced_noise_makes_up_for_most_of_the_reduced_common_noise() -> None:
    point = hot(1e-3)
    plus, variance = float(point.damping_plus), float(point.noise_minus / point.damping_minus)
    k = float(2.0 * point.directional_coupling.real / plus)
    common, noise = k * float(point.common_noise.real) / plus, k**2 * float(point.noise_minus) / plus
    _, added = spin_first_order(point, 1e9)
    # E = (N₊ + kQ⟨K⟩ + k²N₋⟨K²⟩)/γ₊ with ⟨K⟩ = 1 − V₋/J; of the next order in γ₋/γ₊
    assert math.isclose(added, -(common + 2.0 * noise) * variance / 1e9, rel_tol=5e-3)
    assert added < -0.15 * common * variance / 1e9


def test_at_the_edge_light_and_bath_mix_the_spin_completely() -> None:
    # at γ₋ → 0 all levels have the same weight: ⟨S_x²⟩ = J(J + 1)/3
    found = spin_moments(hot(1e-9), 50.0)
    assert math.isclose(found.minus, 51.0 / 3.0, rel_tol=1e-5)
    assert abs(found.commutator) < 1e-5


def test_what_it_refuses() -> None:
    with pytest.raises(ValueError, match=r"^length J of the spin must be a multiple of 1/2, got 3\.3"):
        spin_steering(hot(0.1), 3.3)
    with pytest.raises(ValueError, match=r"length J of the spin must be"):
        spin_steering(hot(0.1), 0.0)
    with pytest.raises(ValueError, match=r"^damping rates must be positive beside a finite spin, got -"):
        spin_steering(hot(-0.1), 10.0)
    with pytest.raises(ValueError, match="levels of weight, at most"):
        spin_steering(hot(1e-6), 1e9)
    light = SqueezedSidebands(decibels=3.0)
    squeezed = RotatingWave(**{**vars(hot(0.1)), "light": light})
    with pytest.raises(ValueError, match=r"^a finite spin is treated in vacuum light only"):
        spin_steering(squeezed, 10.0)
