"""Wigner functions of states between Fock levels, against QuTiP where they fit, closed forms and mpmath beyond."""

import math

import mpmath
import numpy as np
import pytest
import qutip
from numpy.typing import NDArray

from cascade_steering.sim.fock.counting.heralded import StateInFrame

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


def mixed(seed: int, levels: tuple[int, ...], fall: float = 0.0) -> ComplexArray:
    """A random ρ of rank 5 whose populations fall with the quanta."""
    stream = np.random.default_rng(seed)
    size = math.prod(levels)
    root = stream.standard_normal((size, 10)).view(complex)
    quanta = sum(np.ogrid[tuple(slice(n) for n in levels)])
    root *= np.exp(-fall * np.ravel(quanta))[:, None]
    matrix: ComplexArray = root @ root.conj().T
    return matrix / np.trace(matrix).real


def in_frame(density: ComplexArray, levels: tuple[int, ...], symplectic: FloatArray | None = None) -> StateInFrame:
    d = 2 * len(levels)
    frame = np.eye(d) if symplectic is None else symplectic
    return StateInFrame(density=density, levels=levels, symplectic=frame, origin=np.zeros(d))


def two_mode_squeezer(r: float) -> FloatArray:
    flip = np.diag([1.0, -1.0])
    return np.block([[np.cosh(r) * np.eye(2), np.sinh(r) * flip], [np.sinh(r) * flip, np.cosh(r) * np.eye(2)]])


def test_any_state_of_one_oscillator_is_that_of_qutip() -> None:
    density = mixed(1, (18,))
    axis = np.linspace(-6.5, 6.5, 27)
    points = np.array([[x, p] for p in axis for x in axis])
    wanted = qutip.wigner(qutip.Qobj(density), axis, axis, g=math.sqrt(2.0)).ravel()
    state = in_frame(density, (18,))
    assert state.wigner(points) == pytest.approx(wanted, abs=1e-12)
    assert state.wigner_of(0, points) == pytest.approx(wanted, abs=1e-10)
    assert np.min(wanted) < -0.01


@pytest.mark.parametrize("levels", [(4, 3), (3, 2, 2)])
def test_any_state_of_more_oscillators_is_that_of_displaced_parities(levels: tuple[int, ...]) -> None:
    """Tr ρ D(−1)^{n̂}D† by QuTiP, in a space so large that its truncation does not count."""
    density, room = mixed(2, levels), 22 if len(levels) == 2 else 12
    points = 0.5 * np.random.default_rng(3).standard_normal((3, 2 * len(levels)))
    embed = [qutip.Qobj(np.eye(room)[:, :n]) for n in levels]
    wanted = []
    for point in points:
        parts = []
        for k, own in enumerate(embed):
            shift = qutip.displace(room, complex(point[2 * k], point[2 * k + 1]) / math.sqrt(2.0))
            parity = qutip.Qobj(np.diag((-1.0) ** np.arange(room)))
            parts.append((own.dag() * shift * parity * shift.dag() * own).full())
        operator = parts[0]
        for part in parts[1:]:
            operator = np.kron(operator, part)
        wanted.append(np.trace(density @ operator).real / math.pi ** len(levels))
    found = in_frame(density, levels).wigner(points)
    # what 12 levels leave out of a displacement by half a quantum
    assert found == pytest.approx(wanted, abs=1e-9 if len(levels) == 2 else 1e-6)
    assert np.max(np.abs(wanted)) > 1e-3


def test_many_quanta_have_the_wigner_function_of_mpmath() -> None:
    """(−1)ⁿ/π L_n(2r²) e^{−r²} of one oscillator in |70⟩, near its turning point and far within it."""
    density = np.zeros((71, 71), dtype=complex)
    density[70, 70] = 1.0
    radii = np.array([0.0, 0.1, 0.7, 2.3, 6.0, 11.0, 11.8, 13.0, 15.0])
    with mpmath.workdps(60):
        wanted = [
            float(mpmath.laguerre(70, 0, 2 * mpmath.mpf(r) ** 2) * mpmath.exp(-(r**2)) / mpmath.pi) for r in radii
        ]
    points = radii[:, None] * np.array([math.cos(0.3), math.sin(0.3)])
    state = in_frame(density, (71,))
    assert state.wigner(points) == pytest.approx(wanted, abs=1e-13)
    assert state.wigner_of(0, points) == pytest.approx(wanted, abs=1e-10)


def superposed(n: int, m: int, x: complex) -> float:
    """W of (|n⟩ + |m⟩)/√2 at √2 α = x by mpmath, n > m."""
    with mpmath.workdps(60):
        square = 2 * mpmath.mpf(abs(x)) ** 2

        def cross(j: int, k: int) -> mpmath.mpf:
            size = mpmath.sqrt(mpmath.factorial(k) / mpmath.factorial(j)) * mpmath.sqrt(square) ** (j - k)
            return (-1) ** k * size * mpmath.laguerre(k, j - k, square) * mpmath.exp(-square / 2) / mpmath.pi

        total = (cross(n, n) + cross(m, m)) / 2 + cross(n, m) * mpmath.cos((n - m) * mpmath.arg(x))
        return float(total)


def test_far_diagonals_have_the_wigner_function_of_mpmath() -> None:
    ket = np.zeros(66, dtype=complex)
    ket[[65, 3]] = math.sqrt(0.5)
    points = np.array([[0.4, 0.1], [2.0, -3.0], [-5.5, 5.2], [8.0, 8.3], [-11.5, 0.05]])
    wanted = [superposed(65, 3, complex(x, p)) for x, p in points]
    state = in_frame(np.outer(ket, ket.conj()), (66,))
    assert state.wigner(points) == pytest.approx(wanted, abs=1e-13)
    assert state.wigner_of(0, points) == pytest.approx(wanted, abs=1e-10)
    assert np.max(np.abs(wanted)) > 0.009


@pytest.mark.parametrize("seed", [4, 5])
def test_one_of_two_oscillators_is_that_of_the_reduced_state(seed: int) -> None:
    """In a frame at rest the others are traced out of ρ; of a state that fills its levels up to the last."""
    levels = (12, 9)
    density = mixed(seed, levels)
    reduced = np.trace(density.reshape(levels * 2), axis1=1, axis2=3)
    points = 2.0 * np.random.default_rng(seed).standard_normal((40, 2))
    wanted = in_frame(reduced, levels[:1]).wigner(points)
    assert in_frame(density, levels).wigner_of(0, points) == pytest.approx(wanted, abs=1e-10)
    assert np.max(np.abs(wanted)) > 0.01


def test_there_is_nothing_far_from_a_state() -> None:
    vacuum = in_frame(np.eye(1, dtype=complex), (1,))
    axis = np.linspace(-40.0, 40.0, 161)
    points = np.stack([axis, np.zeros_like(axis)], axis=1)
    assert vacuum.wigner_of(0, points) == pytest.approx(np.exp(-(axis**2)) / math.pi, abs=1e-10)


def test_one_quantum_at_a_hundred_thousand_quanta() -> None:
    """|1⟩ in the difference of two modes, which are squeezed together: W of both, and of one by its χ."""
    ket = np.array([0.0, 1.0, -1.0, 0.0]) / math.sqrt(2.0)
    r = 0.5 * math.asinh(2e5)
    state = in_frame(np.outer(ket, ket).astype(complex), (2, 2), two_mode_squeezer(r))
    inside = 0.6 * np.random.default_rng(6).standard_normal((9, 4))
    x, p = ((inside[:, k] - inside[:, k + 2]) / math.sqrt(2.0) for k in (0, 1))
    wanted = (2.0 * (x**2 + p**2) - 1.0) * np.exp(-np.sum(inside**2, axis=1)) / math.pi**2
    # rounding of the frame, 1e5 times that of the points
    assert state.wigner(inside @ two_mode_squeezer(r).T) == pytest.approx(wanted, abs=1e-9)
    assert np.min(wanted) < -0.01
    # χ = exp(−s k²/2)(1 − (e^{−2r}k_x² + e^{2r}k_p²)/4), and k² is −∂² of the Gaussian
    s = 0.5 * math.cosh(2.0 * r)
    assert s > 1e5 / 2
    y = math.sqrt(s) * np.random.default_rng(7).standard_normal((20, 2))
    gauss = np.exp(-0.5 * np.sum(y**2, axis=1) / s) / (2.0 * math.pi * s)
    second = (y**2 / s - 1.0) / s @ np.array([math.exp(-2.0 * r), math.exp(2.0 * r)])
    assert state.wigner_of(1, y) == pytest.approx(gauss * (1.0 + 0.25 * second), rel=0.0, abs=1e-9 / s)
