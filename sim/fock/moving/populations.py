"""The populations of the levels in a state that is not Gaussian, at the start and later in a run.

Relative to the mean x̂ of the exact linear filter, and averaged over records, a state evolves by a Gaussian channel:

    x − x̂(t) = X (x − x̂)(0) + noise      X = Φ (1 + V₀𝖪)⁻¹      covariance of the noise  V(t) − X V₀ Xᵀ

with the Riccati flow V(t) = 𝖧 + ΦV₀(1 + 𝖪V₀)⁻¹Φᵀ of ``sim.gaussian.riccati``. The channel follows
from second moments alone, but it acts on the whole state. The populations of a mode are the Fourier coefficients of
⟨e^{iφn}⟩. The Weyl symbol of e^{iφn} is a Gaussian, and the adjoint of the channel makes it a Gaussian operator on the
initial state.
"""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import VACUUM_VARIANCE
from cascade_steering.sim.fock.basis.exact_elements import symbol_elements
from cascade_steering.sim.fock.basis.states import DensityState
from cascade_steering.sim.gaussian.moment_equations import MomentEquations
from cascade_steering.sim.gaussian.riccati import riccati_map

__all__ = ["carried", "gaussian_populations", "populations"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
# The number of phases φ: populations are found for as many levels, and those above are aliased to lower ones.
_PHASES = 128
# The largest error of the mean number of quanta, relative to this number plus one, without aliasing.
_ALIASED = 1e-6
# The number of elements of operators in memory at once.
_ELEMENTS_AT_ONCE = 2_000_000


def carried(equations: MomentEquations, start: FloatArray, time: float) -> tuple[FloatArray, FloatArray]:
    """X and V(t) of the channel over ``time`` seconds for a start of covariance ``start``; arrays of shape (d, d).

    The readout of ``equations`` is that of the filter; without a readout X is e^{At}.
    """
    flow = riccati_map(equations, time)
    kept = np.linalg.solve((np.eye(len(start)) + start @ flow.gamma).T, flow.phi.T).T
    return np.asarray(kept, dtype=np.float64), np.asarray(flow(start), dtype=np.float64)


def gaussian_populations(covariance: FloatArray) -> FloatArray:
    """The population of each level of one mode of covariance (2, 2) around its mean; array of shape (128,)."""
    t, weight, waves = _phases()
    values = np.linalg.eigvalsh(covariance)
    averages = weight / np.prod(np.sqrt(1.0 - 2.0 * t[:, None] * values), axis=1)
    return _without_aliasing(np.real(waves @ averages), 0.5 * float(np.trace(covariance)))


def populations(initial: DensityState, symplectic: FloatArray, kept: FloatArray, covariance: FloatArray) -> FloatArray:
    """The population of each level of each mode of the frame, around the mean; array of shape (modes, 128).

    Parameters
    ----------
    initial : the state at the start
    symplectic : 𝖲 of the frame, array of shape (d, d)
    kept, covariance : X and V(t) of ``carried``
    """
    inverse = np.linalg.inv(symplectic)
    own = inverse @ kept @ initial.symplectic
    noise = inverse @ (covariance - kept @ initial.covariance @ kept.T) @ inverse.T
    t, weight, waves = _phases()
    pairs = [slice(2 * mode, 2 * mode + 2) for mode in range(len(initial.cutoffs))]
    spread = inverse @ covariance @ inverse.T
    found = [np.real(waves @ (weight * _averages(initial, t, own[pair], noise[pair, pair]))) for pair in pairs]
    variances = [0.5 * float(np.trace(spread[pair, pair])) for pair in pairs]
    return np.array([_without_aliasing(*each) for each in zip(found, variances, strict=True)])


def _without_aliasing(found: FloatArray, variance: float) -> FloatArray:
    """The populations, or 1 in the last level if their mean shows that levels above it are aliased."""
    quanta = variance - VACUUM_VARIANCE
    if abs(float(found @ np.arange(_PHASES)) - quanta) <= _ALIASED * (1.0 + quanta):
        return found
    last: FloatArray = np.eye(_PHASES)[-1]
    return last


def _phases() -> tuple[ComplexArray, ComplexArray, ComplexArray]:
    """t and w of the Weyl symbol w exp(t(x² + p²)) of e^{iφn}, (phases,), and the Fourier matrix (128, phases).

    ⟨e^{−iφn}⟩ is the complex conjugate, so half of the phases suffice. None of them is π, where the symbol is singular.
    """
    phases = 2.0 * np.pi * (np.arange(_PHASES // 2) + 0.5) / _PHASES
    waves = 2.0 / _PHASES * np.exp(-1j * np.outer(np.arange(_PHASES), phases))
    return 1j * np.tan(0.5 * phases), 2.0 / (1.0 + np.exp(1j * phases)), waves


def _averages(initial: DensityState, t: ComplexArray, own: FloatArray, noise: FloatArray) -> ComplexArray:
    """⟨exp(t(x² + p²))⟩ of one mode, whose quadratures are ``own`` (2, d)·ξ + noise; array of shape (phases,)."""
    values, vectors = np.linalg.eigh(0.5 * (noise + noise.T))
    damping = 1.0 - 2.0 * t[:, None] * np.maximum(values, 0.0)
    symbol = own.T @ np.einsum("ia,ka,ja->kij", vectors, t[:, None] / damping, vectors) @ own
    # ⟨α|exp(xᵀBx)|α⟩ = exp(xᵀB(1 − B)⁻¹x)/√det(1 − B); the eigenvalues of 1 − B have positive real parts
    one = np.eye(own.shape[1])
    resolvent = np.linalg.inv(one - symbol)
    resolvent = 0.5 * (resolvent + np.swapaxes(resolvent, 1, 2))
    first = 1.0 / np.prod(np.sqrt(damping), axis=1)
    first /= np.prod(np.sqrt(np.linalg.eigvals(one - symbol)), axis=1)
    density, cutoffs = initial.around_mean
    inverse = np.asarray(-2.0 * (resolvent - one), dtype=np.complex128)
    linear = np.zeros((len(t), len(one)), dtype=np.complex128)
    averages, size = np.empty(len(t), dtype=complex), len(density)
    batch = max(1, _ELEMENTS_AT_ONCE // size**2)
    for part in (slice(k, k + batch) for k in range(0, len(t), batch)):
        operator = symbol_elements(inverse[part], linear[part], first[part], cutoffs)
        averages[part] = np.einsum("kab,ba->k", operator.reshape(-1, size, size), density)
    return averages
