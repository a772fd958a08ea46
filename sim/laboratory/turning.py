"""Moment equations in amplitudes z = (a, a†) of each mode, the frequencies apart. Section 10 of sim/README.md."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.moment_equations import MomentEquations, adjoint

__all__ = ["QUADRATURES", "Turning"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

# X = (z + z*)/2 and P = (z − z*)/2i for z = √2 a; powers of 2, so that the change of coordinates rounds nothing.
QUADRATURES = np.array([[0.5, 0.5], [-0.5j, 0.5j]])


@dataclass(frozen=True, kw_only=True, eq=False)
class Turning:
    """dz = (iω + M) z dt + …, dY = F z dt + dW; ω of shape (d,), the others as in ``MomentEquations``, complex.

    Section 10 of sim/README.md.
    """

    frequencies: FloatArray
    drift: ComplexArray
    diffusion: ComplexArray
    readout: ComplexArray
    cross: ComplexArray

    @classmethod
    def of(cls, equations: MomentEquations) -> "Turning":
        """The equations of quadratures for the amplitudes z."""
        basis = np.kron(np.eye(len(equations.drift) // 2), QUADRATURES)
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
    def differences(self) -> ComplexArray:
        """i(ω_j − ω_k), array of shape (d, d)."""
        return (1j * (self.frequencies[:, None] - self.frequencies[None, :])).astype(np.complex128)

    def sheared(self, basis: ComplexArray) -> "Turning":
        """The equations for y with z = ``basis`` y; ``basis`` is unit lower triangular."""
        back = np.linalg.inv(basis)
        return replace(
            self,
            drift=back @ (self.drift @ basis + self.differences * basis),
            diffusion=back @ self.diffusion @ adjoint(back),
            readout=self.readout @ basis,
            cross=back @ self.cross,
        )

    @property
    def unmonitored(self) -> "Turning":
        """The same equations without detection."""
        return replace(self, readout=np.zeros_like(self.readout), cross=np.zeros_like(self.cross))

    def damped(self, rate: float) -> "Turning":
        """The same equations with everything damped by another ``rate``, rad/s."""
        return replace(self, drift=self.drift - rate * np.eye(len(self.drift)))

    def settles(self, covariance: ComplexArray) -> bool:
        """Whether the filter with this covariance forgets its past, by Lyapunov's equation for its drift."""
        gain = covariance @ adjoint(self.readout) + self.cross
        filtered = replace(
            self.unmonitored, drift=self.drift - gain @ self.readout, diffusion=np.diag(np.diag(covariance))
        )
        try:
            np.linalg.cholesky(filtered.corrected(np.zeros_like(covariance)))
        except np.linalg.LinAlgError:
            return False
        return True

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
