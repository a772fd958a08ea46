"""Steady states of models whose oscillators turn much faster than they are damped. Section 10 of sim/README.md.

In the laboratory frame with a cavity, frequencies and κ may be 1e10 times γ₀. The Lyapunov and Riccati equations for
quadratures then contain differences of products with Ω, each rounded to 1e-16 of Ω, and lose up to ten digits of what
happens at the rate γ₀. Here they are written for complex amplitudes z = (a, a†) of each mode, the frequencies apart,

    A = iω + M    0 = M V + V M† + i(ω_j − ω_k) V_jk + D − K K†

so that only differences of frequencies occur, which floating-point numbers give exactly or to their last digit. A shear
y = L⁻¹z, in which the quantities are nearly uncorrelated (``sim.gaussian.covariance.coordinates``), takes ω along in
the same way: L⁻¹ iω L = iω + L⁻¹ [iω, L].
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.moment_equations import MomentEquations, adjoint, moment_equations
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError, steady_covariance
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["steady_root_of_fast"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

# X = (z + z*)/2 and P = (z − z*)/2i for z = √2 a; powers of 2, so that the change of coordinates rounds nothing.
_QUADRATURES = np.array([[0.5, 0.5], [-0.5j, 0.5j]])
# Newton's method converges quadratically: after a relative change below this, one more step leaves rounding only.
_CONVERGED = 1e-6
# Enough to halve a covariance from 1e12 to 1, and some more.
_MOST_CORRECTIONS = 60
_UNSETTLED = "the covariance has no steady state: a direction that is not measured is not damped"


@dataclass(frozen=True, kw_only=True, eq=False)
class _Turning:
    """dz = (iω + M) z dt + …, dY = F z dt + dW; ω of shape (d,), the others as in ``MomentEquations``, complex."""

    frequencies: FloatArray
    drift: ComplexArray
    diffusion: ComplexArray
    readout: ComplexArray
    cross: ComplexArray

    @classmethod
    def of(cls, equations: MomentEquations) -> "_Turning":
        """The equations of quadratures for the amplitudes z."""
        basis = np.kron(np.eye(len(equations.drift) // 2), _QUADRATURES)
        amplitudes = equations.in_coordinates(basis)
        frequencies = np.imag(np.diagonal(amplitudes.drift))
        return cls(
            frequencies=frequencies,
            drift=amplitudes.drift - 1j * np.diag(frequencies),
            diffusion=amplitudes.diffusion,
            readout=amplitudes.readout,
            cross=amplitudes.cross,
        )

    @property
    def whole(self) -> MomentEquations:
        """The same equations with the frequencies in the drift."""
        return MomentEquations(
            drift=self.drift + 1j * np.diag(self.frequencies),
            diffusion=self.diffusion,
            readout=self.readout,
            cross=self.cross,
        )

    @property
    def differences(self) -> ComplexArray:
        """i(ω_j − ω_k), array of shape (d, d)."""
        return (1j * (self.frequencies[:, None] - self.frequencies[None, :])).astype(np.complex128)

    def sheared(self, basis: ComplexArray) -> "_Turning":
        """The equations for y with z = ``basis`` y; ``basis`` is unit lower triangular."""
        back = np.linalg.inv(basis)
        return replace(
            self,
            drift=back @ (self.drift @ basis + self.differences * basis),
            diffusion=back @ self.diffusion @ adjoint(back),
            readout=self.readout @ basis,
            cross=back @ self.cross,
        )

    def corrected(self, covariance: ComplexArray) -> ComplexArray:
        """One step of Newton's method (Kleinman, IEEE Trans. Autom. Control 13, 114 (1968))."""
        gain = covariance @ adjoint(self.readout) + self.cross
        moved = self.drift @ covariance
        residual = moved + adjoint(moved) + self.differences * covariance + self.diffusion - gain @ adjoint(gain)
        closed, eye = self.drift - gain @ self.readout, np.eye(len(covariance))
        d = len(eye)
        operator = np.einsum("ij,kl->ikjl", closed, eye) + np.einsum("ij,kl->ikjl", eye, np.conj(closed))
        operator = operator.reshape(d * d, d * d) + np.diag(self.differences.ravel())
        change = np.linalg.solve(operator, -residual.ravel()).reshape(d, d)
        return np.asarray(covariance + (change + adjoint(change)) / 2.0, dtype=np.complex128)


def steady_root_of_fast(model: LinearModel, *, conditional: bool) -> FloatArray:
    """A root of the steady covariance (see ``sim.roots``) with all digits at very different rates; shape (2d, d).

    It equals that of ``sim.gaussian.covariance.steady_root`` up to rounding, which here is relative to the damping and
    coupling rates and not to the frequencies. Section 10 of sim/README.md. Raises NoSteadyStateError if there is none.
    """
    turning = _Turning.of(moment_equations(model))
    unmonitored = replace(turning, readout=np.zeros_like(turning.readout), cross=np.zeros_like(turning.cross))
    first = _unconditional(unmonitored)
    if conditional:
        # Newton's method converges to the stabilising solution from above it, or from near it.
        first = _refined(turning, steady_covariance(turning.whole) if first is None else first)
    elif first is None:
        raise NoSteadyStateError(_UNSETTLED)
    turning = turning if conditional else unmonitored
    shear = np.linalg.cholesky(first)
    scale = np.real(np.diagonal(shear))
    basis = shear / scale
    found = _refined(turning.sheared(basis), np.diag(scale**2).astype(complex))
    # V = T Y T† with T from y to quadratures, and Y = R†R: the real part of R T† above its imaginary part is a root.
    onto = np.kron(np.eye(len(scale) // 2), _QUADRATURES) @ basis
    root = _root(found) @ adjoint(onto)
    return np.concatenate([root.real, root.imag])


def _refined(turning: _Turning, covariance: ComplexArray) -> ComplexArray:
    """The steady covariance, by Newton's method from one near it. Raises NoSteadyStateError without convergence."""
    for _ in range(_MOST_CORRECTIONS):
        corrected = turning.corrected(covariance)
        deviation = np.sqrt(np.abs(np.diagonal(corrected)))
        change = np.max(np.abs(corrected - covariance) / np.outer(deviation, deviation))
        covariance = corrected
        if change < _CONVERGED:
            return turning.corrected(covariance)
    raise NoSteadyStateError(_UNSETTLED)


def _unconditional(turning: _Turning) -> ComplexArray | None:
    """The steady covariance without detection; None without one.

    The solution of the linear equation is a covariance if and only if the drift is stable (Lyapunov).
    """
    try:
        found = _refined(turning, turning.corrected(np.zeros_like(turning.diffusion)))
        np.linalg.cholesky(found)
    except (NoSteadyStateError, np.linalg.LinAlgError):
        return None
    return found


def _root(covariance: ComplexArray) -> ComplexArray:
    """The Hermitian R with R†R = V after scaling V to unit diagonal."""
    scale = np.sqrt(np.real(np.diagonal(covariance)))
    values, vectors = np.linalg.eigh(covariance / np.outer(scale, scale))
    return np.asarray((vectors * np.sqrt(np.maximum(values, 0.0))) @ adjoint(vectors) * scale)
