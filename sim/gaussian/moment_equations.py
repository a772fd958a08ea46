"""The equations of the first and second moments of a linear model. Section 4 of sim/README.md.

With Σ the symplectic form, C the rows c_k of all channels, and k the detected ones among them:

    dx̂ = (A x̂ + Σh) dt + K dW,    dY = F x̂ dt + dW,    K = V Fᵀ + S
    V̇  = A V + V Aᵀ + D − K Kᵀ

    A = Σ (G + Im C†C),   D = Σ Re(C†C) Σᵀ,   F_k = 2 √η_k Re c_k,   S_k = −√η_k Σ Im c_k

A constant force h, H ∋ h·x, adds Σh to the rate of the means and changes nothing else.

Wiseman and Milburn, Quantum Measurement and Control (2010), Secs. 6.6 and 6.7. Without detected channels
(F = S = 0) the same equations give the unconditional covariance. The classical process dx = A x dt + dw,
dY = F x dt + dv with ⟨dw dwᵀ⟩ = D dt, ⟨dv dvᵀ⟩ = dt, ⟨dw dvᵀ⟩ = S dt has the same moments and records, so its
exact filter is exact here.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["MomentEquations", "adjoint", "moment_equations"]

# float64, or complex128 for a system in complex amplitudes
Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class MomentEquations:
    """Drift A (d, d), diffusion D (d, d), readout F (m, d) and cross-correlation S (d, m), rad/s or √(rad/s).

    ``drive`` (d,) is Σh, the rate that a constant force h adds to the means, rad/s; zero if left out.
    Arrays may have leading axes, with one system per entry. They may be complex, for a system in complex amplitudes;
    transposes are then Hermitian conjugates. Section 4 of sim/README.md.
    """

    drift: Array
    diffusion: Array
    readout: Array
    cross: Array
    drive: Array = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        if np.size(self.drive) == 0:
            object.__setattr__(self, "drive", np.zeros(np.shape(self.drift)[:-1]))

    @property
    def unmonitored(self) -> "MomentEquations":
        """The same system without detection: F = 0, S = 0. Section 4 of sim/README.md."""
        return MomentEquations(
            drift=self.drift,
            diffusion=self.diffusion,
            readout=np.zeros_like(self.readout),
            cross=np.zeros_like(self.cross),
            drive=self.drive,
        )

    def at(self, index: NDArray[np.bool_] | tuple[NDArray[np.intp], ...]) -> "MomentEquations":
        """The systems of a stack at which ``index`` is true, or at the places that it gives for each axis."""
        return MomentEquations(
            drift=self.drift[index],
            diffusion=self.diffusion[index],
            readout=self.readout[index],
            cross=self.cross[index],
            drive=self.drive[index],
        )

    def in_coordinates(self, basis: Array) -> "MomentEquations":
        """The same system in y with x = ``basis`` y; ``basis`` is unit lower triangular, of shape (..., d, d)."""
        back = np.linalg.inv(basis)
        return MomentEquations(
            drift=back @ self.drift @ basis,
            diffusion=back @ self.diffusion @ adjoint(back),
            readout=self.readout @ basis,
            cross=back @ self.cross,
            drive=(back @ self.drive[..., None])[..., 0],
        )

    def gain(self, covariance: Array) -> Array:
        """The gain K = V F† + S; array of shape (..., d, m). Section 4 of sim/README.md."""
        return covariance @ adjoint(self.readout) + self.cross


def adjoint(matrix: Array) -> Array:
    """The Hermitian conjugate over the last two axes."""
    return np.conj(np.swapaxes(matrix, -1, -2))


def moment_equations(model: LinearModel) -> MomentEquations:
    """A, D, F, S and Σh of a linear model, by the formulas above. Section 4 of sim/README.md."""
    sigma = symplectic_form(model.dimension // 2)
    overlap = model.channels.conj().T @ model.channels
    scale = np.sqrt(model.efficiency)[:, None]
    return MomentEquations(
        drift=sigma @ (model.hamiltonian + overlap.imag),
        diffusion=sigma @ overlap.real @ sigma.T,
        readout=2.0 * scale * model.monitored.real,
        cross=-(sigma @ (scale * model.monitored.imag).T),
        drive=sigma @ model.force,
    )
