"""One step of the stochastic master equation, as factors that are exact for a linear model and any state.

Let the record have a rate y(t) within a step of length h. The unnormalised state then obeys the Stratonovich form of
the linear stochastic equation, with y in place of white noise (Wong and Zakai)

    ρ̇ = 𝓠ρ + Σ_k √η_k (L_k ρ + ρ L_k†) y_k
    𝓠ρ = Bρ + ρB† + Σ_j w_j L_j ρ L_j†,   B = −iH − ½ Σ_j L_j†L_j − ½ Σ_k η_k L_k²

with w_j = 1 − η_j for the detected channels and 1 for the others. Let Ξ = (ξ·, ·ξ) be the quadratures multiplied
from the left and from the right. Their commutators are numbers, so 𝓠 is a quadratic form in Ξ and everything in
a step follows from the 2d × 2d matrix Θ of e^{t𝓠} Ξ e^{−t𝓠} = Ξ e^{tΘ}:

    ρ(t+h) ∝ exp(𝓙) [ 𝒢 e^Z ρ e^{Z†} 𝒢† ],   𝓙ρ = Σ_ij N_ij ξ_i ρ ξ_j,   𝒢 = exp(½ ξᵀQξ),   Z = ξᵀz

z is the first half of ∫₀ʰ e^{−sΘ} λ(s) ds, with λ = Σ_k √η_k (c_k, c_k*) y_k. The rate of the innovation is
constant over a step: with μ the mean of ξ at its start, which drifts as e^{As}μ, and ΔI = ΔY − ∫F e^{As}μ ds,

    y(s) = ΔI/h + F e^{As} μ,   z = R ΔI + R′ μ

A and F are the drift and the readout of ``sim.gaussian.moment_equations``. e^{hΘ} = e^{𝓙}·(𝒢 ⊗ 𝒢*) is its polar
decomposition with respect to the involution σ that changes the sign of the right half: σ leaves 𝒢 ⊗ 𝒢* as it is and
changes the sign of 𝓙, so that 𝓙 = ½ log(e^{hΘ} σ(e^{hΘ})⁻¹). N ≥ 0, so every factor is completely positive, and ρ ≥ 0
for any h.

exp(𝓙) alone heats without bound when an eigenvalue of N approaches π/2, although the product with 𝒢 does not. A step is
therefore cut into ``substeps`` equal parts, each with its part of ΔI, which changes nothing.

The factors hold for any ρ. A step neglects only how the record moved within it: strong order 1 on a Brownian path, the
best that increments alone allow (Clark and Cameron, 1980), order 2 on average. Section 7 of sim/README.md.
"""

from dataclasses import dataclass

import numpy as np
import scipy.linalg as la
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, moment_equations
from cascade_steering.sim.grid import whole_above
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["StepFactors", "step_factors", "substeps"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
# Eigenvalues of N below this fraction of the largest one are rounding, and are set to 0.
_ROUNDING = 1e-9
# The largest norm of N: the power series of exp(𝓙) then converges in about five terms, far from its pole at π/2.
_MOST_NOISE = 0.2
# The largest norm of hΘ, well within the principal branch of the logarithms.
_MOST_TURN = 1.5
# The series for log M is used where ‖M − 1‖ is below this: 0.15¹⁷ is below rounding.
_NEAR = 0.3
_TERMS = 19
# The number of iterations for a square root: convergence is quadratic for eigenvalues within a factor of e^1.5 of 1.
_ITERATIONS = 8
_MOST_ROOTS = 12


@dataclass(frozen=True, kw_only=True, eq=False)
class StepFactors:
    """Coefficients of one step on the quadratures ξ. Section 7 of sim/README.md.

    Parameters
    ----------
    quadratic : Q of 𝒢 = exp(½ ξᵀQξ), complex symmetric array of shape (d, d)
    noise : N, Hermitian array of shape (d, d), positive semidefinite
    response : R, complex array of shape (d, m), 1/√s
    lag : R′, complex array of shape (d, d)
    pull : coefficients of Z, in a step without a click, for x̄, and for the force that moves it and coherent light on
        the counters; complex array of shape (d, d + 1), 0 without counters
    """

    quadratic: ComplexArray
    noise: ComplexArray
    response: ComplexArray
    lag: ComplexArray
    pull: ComplexArray


def step_factors(model: LinearModel, step: float) -> StepFactors:
    """The factors of one step of ``step`` seconds of ``model``, whose quadratures are ξ.

    The decomposition exists only for short steps: ``step`` must be no longer than a step of a run divided by its
    ``substeps``. Section 7 of sim/README.md.
    """
    d = model.dimension
    generator, commutators = _generator(model)
    flow = la.expm(step * generator)
    involution = np.diag(np.repeat([1.0, -1.0], d))
    jump = 0.5 * _logarithm(flow @ np.linalg.inv(involution @ flow @ involution))
    two_sided = (la.expm(-jump) @ flow)[:d, :d]
    quadratic = -1j * _logarithm(two_sided) @ np.linalg.inv(commutators[:d, :d])
    noise = (-1j * jump @ np.linalg.inv(commutators))[:d, d:]
    values, vectors = np.linalg.eigh(0.5 * (noise + noise.conj().T))
    values = np.where(values > _ROUNDING * values[-1], values, 0.0)
    detected = np.sqrt(model.efficiency)[:, None] * model.monitored
    both = np.concatenate([detected, detected.conj()], axis=1).T
    equations = moment_equations(model)
    lag = step * _integral(-step * generator, both @ equations.readout, step * equations.drift)
    return StepFactors(
        quadratic=np.asarray(0.5 * (quadratic + quadratic.T), dtype=np.complex128),
        noise=(vectors * values) @ vectors.conj().T,
        response=_integral(-step * generator, both, np.zeros((both.shape[1],) * 2))[:d],
        lag=lag[:d],
        pull=_pull(model, generator, equations, step)[:d],
    )


def substeps(model: LinearModel, step: float) -> int:
    """The number of parts into which a step of ``step`` seconds is cut, so that its factors exist and are accurate.

    Section 7 of sim/README.md.
    """
    generator, _ = _generator(model)
    d = model.dimension
    heating = np.linalg.norm(generator[:d, d:], 2) / _MOST_NOISE
    turning = np.linalg.norm(generator, 2) / _MOST_TURN
    return whole_above(float(step * max(heating, turning)))


def _generator(model: LinearModel) -> tuple[ComplexArray, ComplexArray]:
    """Θ, and the commutators [Ξ_a, Ξ_b]/i; arrays of shape (2d, 2d)."""
    model.require_linear("an exact step")
    detected, undetected = model.monitored, model.unmonitored
    for each in model.counted:
        # Between clicks only those quanta jump that make no click.
        undetected = np.concatenate([undetected, np.sqrt(1.0 - each.efficiency) * each.rows])
    every = model.channels
    left = (
        -1j * model.hamiltonian - np.real(every.conj().T @ every) - detected.T @ (model.efficiency[:, None] * detected)
    )
    across = undetected.T @ undetected.conj() + detected.T @ ((1.0 - model.efficiency)[:, None] * detected.conj())
    quadratic = np.block([[left, across], [across.T, left.conj()]])
    form = symplectic_form(model.dimension // 2)
    commutators = la.block_diag(form, -form).astype(complex)
    return 1j * quadratic @ commutators, commutators


def _pull(model: LinearModel, generator: ComplexArray, equations: MomentEquations, step: float) -> ComplexArray:
    """∫₀ʰ e^{−τΘ} of −Σ_j η_j (c_j, c_j*)(c_j·x̄(τ) + λ_j)*, for x̄, and for the force that moves it and λ_j together;
    array of shape (2d, d + 1).

    With x = ξ + x̄ the jumps that are missing between clicks contain Lρ and ρL† beside LρL†. Section 7 of sim/README.md.
    """
    d = model.dimension
    if not model.counted:
        return np.zeros((2 * d, d + 1), dtype=complex)
    left = -sum(each.efficiency * each.rows.T @ each.rows.conj() for each in model.counted)
    middle = np.zeros((2 * d, d + 1), dtype=complex)
    middle[:, :d] = np.concatenate([left, np.conj(left)])
    constant = -sum(each.efficiency * each.rows.T @ each.amplitudes.conj() for each in model.counted)
    middle[:, d] = np.concatenate([constant, np.conj(constant)])
    moving = np.zeros((d + 1, d + 1))
    moving[:d] = np.concatenate([equations.drift, equations.drive[:, None]], axis=1)
    return step * _integral(-step * generator, middle, step * moving)


def _logarithm(matrix: ComplexArray) -> ComplexArray:
    """The principal logarithm of a matrix not far from 1; it gives the same bits at every call, unlike that of scipy.

    Square roots are taken until the matrix is near 1 (Denman and Beavers), then log M = 2 artanh X with X = (M − 1)(M +
    1)⁻¹.
    """
    one, doublings = np.eye(matrix.shape[0]), 0
    while np.linalg.norm(matrix - one) > _NEAR and doublings < _MOST_ROOTS:
        root, inverse = matrix, one.astype(complex)
        for _ in range(_ITERATIONS):
            root, inverse = 0.5 * (root + np.linalg.inv(inverse)), 0.5 * (inverse + np.linalg.inv(root))
        matrix, doublings = root, doublings + 1
    x = (matrix - one) @ np.linalg.inv(matrix + one)
    power, total = x, x.copy()
    for odd in range(3, _TERMS, 2):
        power = power @ x @ x
        total = total + power / odd
    return np.asarray(2.0 ** (doublings + 1) * total, dtype=np.complex128)


def _integral(left: ComplexArray, middle: ComplexArray, right: FloatArray) -> ComplexArray:
    """∫₀¹ e^{u·left} middle e^{u·right} du, from a matrix exponential and without a division by rates that may be 0."""
    n, k = middle.shape
    block = np.block([[left, middle], [np.zeros((k, n)), -right]])
    # Van Loan, IEEE Trans. Autom. Control 23, 395 (1978): the corner is ∫ e^{(1−u)·left} middle e^{−u·right} du
    corner = la.expm(block)[:n, n:]
    integral: ComplexArray = corner @ la.expm(right)
    return integral
