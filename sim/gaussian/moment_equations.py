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

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.roots import root_of

__all__ = [
    "MomentEquations",
    "adjoint",
    "moment_equations",
    "observed_equations",
    "oscillator_equations",
    "recorded_equations",
    "with_electronics",
]

# float64, or complex128 for a system in complex amplitudes
Array = NDArray[Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class MomentEquations:
    """Drift A (d, d), diffusion D (d, d), readout F (m, d) and cross-correlation S (d, m), rad/s or √(rad/s).

    ``record_noise`` (m, m) is the covariance of dv per unit of time, 1 if left out; another one has a record whose sums
    alone are looked at. ``drive`` (d,) is Σh, the rate that a constant force h adds to the means, rad/s; zero if left
    out.
    Arrays may have leading axes, with one system per entry. They may be complex, for a system in complex amplitudes;
    transposes are then Hermitian conjugates. Section 4 of sim/README.md.
    """

    drift: Array
    diffusion: Array
    readout: Array
    cross: Array
    drive: Array = field(default_factory=lambda: np.zeros(0))
    record_noise: Array | None = None

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
            record_noise=self.record_noise,
        )

    def gain(self, covariance: Array) -> Array:
        """The gain K = V F† + S; array of shape (..., d, m). Section 4 of sim/README.md."""
        return covariance @ adjoint(self.readout) + self.cross


def adjoint(matrix: Array) -> Array:
    """The Hermitian conjugate over the last two axes."""
    return np.conj(np.swapaxes(matrix, -1, -2))


def moment_equations(model: LinearModel) -> MomentEquations:
    """A, D, F, S and Σh of a linear model, by the formulas above. Section 4 of sim/README.md.

    Raises ValueError for a model that is not linear, and for one whose record passes electronics; see
    ``observed_equations``.
    """
    model.require_white_record()
    return oscillator_equations(model)


def observed_equations(model: LinearModel) -> MomentEquations:
    """The equations that give the state given the continuous record: behind electronics of (x, u).

    Without dark noise the filters can be inverted, so that the record tells as much as the current, and the equations
    are those of x. Section 11 of sim/README.md.
    """
    if model.electronics is None or model.electronics.dark_noise == 0.0:
        return oscillator_equations(model)
    behind = recorded_equations(model)
    assert behind.record_noise is not None
    # with the root of Λ the dark noise is 1
    values, vectors = np.linalg.eigh(behind.record_noise)
    whitened = (vectors / np.sqrt(values)) @ vectors.T @ behind.readout
    return replace(behind, readout=whitened, record_noise=None)


def recorded_equations(model: LinearModel) -> MomentEquations:
    """The equations of the sums of the record: behind electronics those of (x, u), filter by filter.

    Section 11 of sim/README.md.
    """
    equations, electronics = oscillator_equations(model), model.electronics
    if electronics is None:
        return equations
    m, d = equations.readout.shape
    one = np.eye(m)
    driven = np.kron(electronics.driven[:, None], one)
    states = len(driven)
    return MomentEquations(
        drift=np.block(
            [
                [equations.drift, np.zeros((d, states))],
                [driven @ equations.readout, np.kron(electronics.drift, one)],
            ]
        ),
        diffusion=np.block(
            [[equations.diffusion, equations.cross @ driven.T], [driven @ equations.cross.T, driven @ driven.T]]
        ),
        readout=np.concatenate([np.zeros((m, d)), np.kron(electronics.shown[None], electronics.signal(m))], axis=1),
        cross=np.zeros((d + states, m)),
        drive=np.concatenate([equations.drive, np.zeros(states)]),
        record_noise=electronics.noise(m),
    )


def with_electronics(model: LinearModel, root: Array, size: int) -> Array:
    """A root (r, d) of x beside that of shot noise in the filters, (r + n, size); unchanged if ``size`` is d.

    So the filters begin: the light was measured before the start, without the oscillators.
    """
    rows, d = root.shape
    if size == d or model.electronics is None:
        return root
    filters = np.kron(root_of(model.electronics.of_shot_noise), np.eye(len(model.record_names)))
    return np.block([[root, np.zeros((rows, size - d))], [np.zeros((size - d, d)), filters]])


def oscillator_equations(model: LinearModel) -> MomentEquations:
    """A, D, F, S and Σh of the oscillators and of the current before any electronics. Section 4 of sim/README.md.

    Raises ValueError for a model that is not linear.
    """
    model.require_linear("the calculation of moments")
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
