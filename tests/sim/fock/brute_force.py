"""A step as its equations stand, on a large space: slow, dense, with nothing in it but truncated operators."""

from collections.abc import Callable

import numpy as np
import scipy.linalg as la
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from cascade_steering.sim.fock.basis.gaussian_operators import exponential
from cascade_steering.sim.fock.basis.levels import LADDER, Levels, ladder_operators, ladder_products, resize
from cascade_steering.sim.fock.moving.step_factors import StepFactors
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.model.linear_model import LinearModel

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
Rate = Callable[[float], FloatArray]


def random_model(seed: int, modes: int, seen: int, unseen: int, scale: float) -> LinearModel:
    """No symmetry at all: any Hamiltonian, complex c_k (so any local oscillator), η < 1; rates of order ``scale``²."""
    random, d = np.random.default_rng(seed), 2 * modes
    hamiltonian = scale**2 * random.standard_normal((d, d))
    both = scale * (random.standard_normal((seen + unseen, d)) + 1j * random.standard_normal((seen + unseen, d)))
    return LinearModel(
        hamiltonian=hamiltonian + hamiltonian.T,
        monitored=both[:seen],
        efficiency=random.uniform(0.3, 0.9, seen),
        unmonitored=both[seen:],
        record_names=tuple(map(str, range(seen))),
    )


def random_state(seed: int, levels: tuple[int, ...], cutoffs: tuple[int, ...]) -> ComplexArray:
    """A mixture of two random superpositions of the lowest ``levels``: far from Gaussian; (D, D)."""
    random, size = np.random.default_rng(seed), int(np.prod(levels))
    vectors = random.standard_normal((size, 2)) + 1j * random.standard_normal((size, 2))
    density = vectors @ vectors.conj().T
    return resize(density / np.trace(density), levels, cutoffs)


def innovation(model: LinearModel, increment: FloatArray, mean: FloatArray, h: float) -> tuple[FloatArray, Rate]:
    """ΔI = ΔY − ∫F e^{As}μ ds, and the rate y(s) = ΔI/h + F e^{As}μ of the record within a step."""
    equations = moment_equations(model)

    def expected(s: float) -> FloatArray:
        rate: FloatArray = equations.readout @ la.expm(equations.drift * s) @ mean
        return rate

    # Gauss–Legendre with 12 nodes: rounding for e^{As} over a step
    nodes, weights = np.polynomial.legendre.leggauss(12)
    total = 0.5 * h * sum(w * expected(0.5 * h * (x + 1)) for x, w in zip(nodes, weights, strict=True))
    return increment - total, lambda s: (increment - total) / h + expected(s)


def held_rate(
    model: LinearModel, cutoffs: tuple[int, ...], density: ComplexArray, rate: Rate, h: float
) -> ComplexArray:
    """ρ(h), normalised, of ρ̇ = Bρ + ρB† + Σ_j w_j L_j ρ L_j†,  B = A + Σ √η_k L_k y_k(s).

    A = −iH − ½ Σ L†L − ½ Σ η L², all of them sums over the true products of truncated ladders.
    """
    to_ladder = np.kron(np.eye(len(cutoffs)), LADDER)
    seen = np.sqrt(model.efficiency)[:, None] * model.monitored
    unseen = np.concatenate([np.sqrt(1.0 - model.efficiency)[:, None] * model.monitored, model.unmonitored])
    form = -0.5 * (1j * model.hamiltonian + model.channels.conj().T @ model.channels + seen.T @ seen)
    ladders, products = ladder_operators(cutoffs), [op for row in ladder_products(cutoffs) for op in row]
    still = _sum((to_ladder.T @ form @ to_ladder).ravel(), products)
    detected = [_sum(row @ to_ladder, ladders) for row in seen]
    jumps = [_sum(row @ to_ladder, ladders) for row in unseen if np.any(row)]

    def slope(s: float, flat: ComplexArray) -> ComplexArray:
        rho = flat.reshape(density.shape)
        driven = sum((y * op for y, op in zip(rate(s), detected, strict=True)), still)
        half = driven @ rho
        # ρ is Hermitian: Bρ + (Bρ)†, and K ρ K† = K (Kρ)†
        total = half + half.conj().T + sum(k @ (k @ rho).conj().T for k in jumps)
        return np.asarray(total).ravel()

    path = solve_ivp(slope, (0.0, h), density.ravel(), method="DOP853", rtol=1e-11, atol=1e-13)
    found: ComplexArray = path.y[:, -1].reshape(density.shape)
    return found / np.trace(found)


def by_factors(
    factors: StepFactors, cutoffs: tuple[int, ...], density: ComplexArray, change: FloatArray, mean: FloatArray
) -> ComplexArray:
    """exp(𝓙)[ G e^Z ρ e^{Z†} G† ] over its trace, Z = ξᵀ(R ΔI + R'μ), every exponential a plain one."""
    to_ladder = np.kron(np.eye(len(cutoffs)), LADDER)
    ladders = [ladder.toarray() for ladder in ladder_operators(cutoffs)]
    xi = [_mixed(row, ladders) for row in to_ladder]
    z = factors.response @ change + factors.lag @ mean
    operator = exponential(factors.quadratic, Levels(cutoffs, triangular=False))
    operator = operator @ la.expm(_mixed(z, xi))
    values, vectors = np.linalg.eigh(factors.noise)
    kraus = [np.sqrt(max(value, 0.0)) * _mixed(vectors[:, k], xi) for k, value in enumerate(values)]
    term = total = operator @ density @ operator.conj().T
    for order in range(1, 25):
        term = sum(k @ term @ k.conj().T for k in kraus) / order
        total = total + term
    return total / np.trace(total)


def _sum(coefficients: ComplexArray, operators: list[sp.csr_array]) -> sp.csr_array:
    return sp.csr_array(sum(c * op for c, op in zip(coefficients, operators, strict=True)))


def _mixed(coefficients: ComplexArray, operators: list[ComplexArray]) -> ComplexArray:
    total: ComplexArray = np.tensordot(coefficients, np.array(operators), 1)
    return total
