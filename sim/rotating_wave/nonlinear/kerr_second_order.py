"""What Kerr terms of either oscillator change of E without the record, in second order. Section 5 of sim/README.md.

z = (a₋, a₊†) with Kerr terms χ₋ and χ₊ at many quanta, each oscillator retuned by its average frequency, obeys

    dz_a = (A z)_a dt + i w_a :|z_a|²z_a: dt + noise      w = (−χ₋, χ₊)      :|z|²z: = |z|²z − 2⟨|z|²⟩z

The cubic term has no part in common with z to zeroth order, so that W = ⟨zz†⟩ does not change in first order. In first
order M_abcd = ⟨:z_a z_b z_c*: z_d*⟩ does, by Wick's theorem from W alone, and it drives W in second order.
"""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = ["kerr_second_order"]

ComplexArray = NDArray[np.complex128]


def kerr_second_order(point: RotatingWave, strengths: tuple[float, float]) -> tuple[float, float]:
    """E_{+|−} without Kerr terms, and what those of ``strengths`` (χ₋, χ₊) in rad/s add to it in second order.

    For one working point with γ₋, γ₊ > 0 and γ₊ ≠ γ₋, at many quanta (the terms of classical oscillators). Section 5 of
    sim/README.md. Raises ValueError for an unstable point or equal damping rates.
    """
    minus, plus = float(point.damping_minus), float(point.damping_plus)
    if not (minus > 0.0 and plus > 0.0 and minus != plus):
        raise ValueError(f"damping rates must be positive and different, got {minus:.6g} and {plus:.6g} rad/s")
    basis, rates, noise = _apart(point)
    moments = np.asarray(-noise / (rates[:, None] + rates.conj()), dtype=np.complex128)
    shown = _back(basis)
    weights = np.array([-strengths[0], strengths[1]])
    quartic = _first_order(basis, shown, rates, moments, weights)
    driven = 1j * np.einsum("o,ao,oi,oj,ok,ijkb->ab", weights, shown, basis, basis, basis.conj(), quartic)
    change = -(driven + driven.conj().T) / (rates[:, None] + rates.conj())
    gain = moments[1, 0] / moments[0, 0]
    without = moments[1, 1].real - abs(moments[1, 0]) ** 2 / moments[0, 0].real
    added = change[1, 1].real - 2.0 * (np.conj(gain) * change[1, 0]).real + abs(gain) ** 2 * change[0, 0].real
    return float(without), float(added)


def _apart(point: RotatingWave) -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """B with z = B(a₋, y), y = a₊† − k a₋, the rates of a₋ and y, and their noise.

    In these coordinates the drift is diagonal, and E, the variance of y given a₋, is no difference of large numbers.
    """
    minus, plus, s = float(point.damping_minus), float(point.damping_plus), float(point.transmission)
    k = 2.0 * s * complex(point.directional_coupling).conjugate() / (plus - minus)
    basis = np.array([[1.0, 0.0], [k, 1.0]])
    common = s * complex(point.common_noise) / 2.0
    noise = np.array([[float(point.noise_minus), -common], [-common.conjugate(), float(point.noise_plus)]])
    back = _back(basis)
    return basis, np.array([-minus / 2, -plus / 2], dtype=complex), back @ noise @ back.conj().T


def _back(basis: ComplexArray) -> ComplexArray:
    """B⁻¹."""
    return 2.0 * np.eye(2) - basis


def _first_order(
    basis: ComplexArray, shown: ComplexArray, rates: ComplexArray, moments: ComplexArray, weights: NDArray[np.float64]
) -> ComplexArray:
    """M_abcd of (a₋, y), (2, 2, 2, 2): the source by Wick's theorem over the rate at which each entry relaxes."""
    source = np.zeros((2,) * 4, dtype=complex)
    for weight, row, column in zip(weights, basis @ moments, shown.T, strict=True):
        other, back = row.conj(), column.conj()
        gained, lost = np.multiply.outer(column, other), np.multiply.outer(back, row)
        source += 2j * weight * np.multiply.outer(gained + gained.T, np.multiply.outer(row, row))
        source -= 2j * weight * np.multiply.outer(np.multiply.outer(other, other), lost + lost.T)
    total = rates[:, None, None, None] + rates[:, None, None] + rates.conj()[:, None] + rates.conj()
    return np.asarray(-source / total, dtype=np.complex128)
