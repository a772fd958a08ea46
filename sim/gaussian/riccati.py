"""The Riccati equation: its exact flow over any time, and its steady state. Section 4 of sim/README.md.

Over any time h the covariance moves by a fractional linear map (the flow of a linear Hamiltonian system)

    V(t + h) = 𝖧 + Φ V (1 + 𝖪V)⁻¹ Φ†

and such maps compose by a star product of (Φ, 𝖪, 𝖧), with 𝖪, 𝖧 ≥ 0. The map of a short time comes from one matrix
exponential and is doubled until it spans h. All terms that are added are positive, so nothing cancels however different
the rates are.

Doubling: Chu, Fan and Lin, Linear Algebra Appl. 396, 55 (2005); Anderson, Int. J. Control 28, 295 (1978).
"""

from contextlib import suppress
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.moment_equations import Array, MomentEquations, adjoint
from cascade_steering.sim.parameters import require

__all__ = [
    "NoSteadyStateError",
    "RiccatiMap",
    "riccati_map",
    "solved_stack",
    "steady_covariance",
    "try_steady_covariance",
]

# Enough Newton steps to halve a covariance from 1e12 to 1, and some more.
_MOST_CORRECTIONS = 60
# The largest d for which d² unknowns are one dense linear system.
_LARGEST_DENSE = 12
# After a relative change below this, the next Newton step changes only the rounding.
_CONVERGED = 1e-6
_UNSETTLED = "the covariance has no steady state: a direction that is not measured is not damped"


class NoSteadyStateError(ValueError):
    """The covariance has no steady state: a direction that is not measured is not damped."""


@dataclass(frozen=True, kw_only=True, eq=False)
class RiccatiMap:
    """V ↦ 𝖧 + Φ V (1 + 𝖪V)⁻¹ Φ†. Section 4 of sim/README.md.

    ``phi`` is Φ, ``gamma`` 𝖪 and ``offset`` 𝖧, arrays of shape (..., d, d).
    """

    phi: Array
    gamma: Array
    offset: Array

    def __call__(self, covariance: Array) -> Array:
        """The covariance one step later; array of shape (..., d, d)."""
        eye = np.eye(covariance.shape[-1])
        moved = np.linalg.solve(eye + self.gamma @ covariance, adjoint(self.phi))
        return _hermitian(self.offset + self.phi @ covariance @ moved)

    def doubled(self) -> "RiccatiMap":
        """The map of twice the time: the star product of this map with itself. Section 4 of sim/README.md."""
        d = self.phi.shape[-1]
        backward = adjoint(self.phi)
        both = np.concatenate([backward, self.gamma], axis=-1)
        solved = np.linalg.solve(np.eye(d) + self.gamma @ self.offset, both)
        reduced_backward, reduced_gamma = solved[..., :d], solved[..., d:]
        return RiccatiMap(
            phi=adjoint(backward @ reduced_backward),
            gamma=_hermitian(self.gamma + backward @ reduced_gamma @ self.phi),
            offset=_hermitian(self.offset + self.phi @ self.offset @ reduced_backward),
        )


def riccati_map(equations: MomentEquations, duration: float) -> RiccatiMap:
    """The exact flow of the covariance over ``duration`` (seconds ≥ 0). Section 4 of sim/README.md."""
    # imported here, because every command imports this module and few need it
    from scipy.linalg import expm

    require(duration, "duration", low=0.0)
    generator = _hamiltonian(equations)
    reach = float(np.max(np.abs(generator).sum(axis=-1))) * duration
    doublings = max(0, int(np.ceil(np.log2(reach)))) if reach > 0 else 0
    step = _map_of(expm(generator * (duration / 2**doublings)))
    for _ in range(doublings):
        step = step.doubled()
    return step


def steady_covariance(equations: MomentEquations) -> Array:
    """The covariance after infinite time: the stabilising solution of A V + V A† + D = K K†.

    For stacks of systems too; array of shape (..., d, d). Raises NoSteadyStateError if a system has no steady state.

    For a slow direction that is hardly measured (V = 5e5 at a rate of 1e-6 |A|) the invariant subspace gives few digits
    or none. Newton corrections, whose residual is the Riccati equation itself, restore all digits. Section 4 of
    sim/README.md.
    """
    covariance, settled = try_steady_covariance(equations)
    if not np.all(settled):
        raise NoSteadyStateError(_UNSETTLED)
    return covariance


def try_steady_covariance(equations: MomentEquations, start: Array | None = None) -> tuple[Array, NDArray[np.bool_]]:
    """``steady_covariance`` of every system of a stack, and whether it has one; array of shape (...,).

    From ``start``, an array of shape (..., d, d) near the solution, Newton's method needs a step or two. Eigenvectors,
    which take several times as long, are then needed only where it fails.
    """
    covariance, settled = _newton(equations, _invariant_subspace(equations) if start is None else start)
    settled = np.array(settled)
    unsettled = ~settled
    if not np.any(unsettled):
        return covariance, settled
    rest = equations.at(unsettled)
    if start is not None:
        covariance[unsettled], settled[unsettled] = try_steady_covariance(rest)
    else:
        # Where A is stable, Newton's method converges from the unconditional covariance, which is above the solution.
        again, settled_again = _newton(rest, _lyapunov(rest.drift, rest.diffusion))
        covariance[unsettled] = again
        settled[unsettled] = settled_again & (np.linalg.eigvals(rest.drift).real.max(axis=-1) < 0.0)
    return covariance, settled


def _invariant_subspace(equations: MomentEquations) -> Array:
    """V = Y X⁻¹ from the growing half of the eigenvectors (X, Y) of the Hamiltonian matrix; NaN where X is singular.

    Laub, IEEE Trans. Autom. Control 24, 913 (1979), with eigenvectors in the place of Schur vectors.
    """
    generator = _hamiltonian(equations)
    d = generator.shape[-1] // 2
    scale = np.abs(generator).sum(axis=-1).max(axis=-1)[..., None, None]
    values, vectors = np.linalg.eig(generator / np.where(scale > 0.0, scale, 1.0))
    growing = np.argsort(-values.real, axis=-1)[..., None, :d]
    chosen = np.take_along_axis(vectors, growing, axis=-1)
    covariance = adjoint(solved_stack(adjoint(chosen[..., :d, :]), adjoint(chosen[..., d:, :])))
    return _hermitian(covariance if np.iscomplexobj(generator) else covariance.real)


def _newton(equations: MomentEquations, covariance: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Newton's method from ``covariance``, and where it has converged to a stabilising solution."""
    converged = np.zeros(covariance.shape[:-2], dtype=bool)
    with np.errstate(all="ignore"):
        for _ in range(_MOST_CORRECTIONS):
            corrected = _corrected(equations, covariance)
            change = (np.abs(corrected - covariance) / _scale(corrected)).max(axis=(-2, -1))
            # A converged covariance is kept: at the edge of stability rounding alone may change it by 1e-6 again.
            covariance = np.where(converged[..., None, None], covariance, corrected)
            # Convergence is quadratic: one step after a change of 1e-6 the error is below rounding.
            converged |= change < _CONVERGED
            if np.all(converged | ~np.isfinite(covariance).all(axis=(-2, -1))):
                break
    closed = equations.drift - equations.gain(covariance) @ equations.readout
    rates = np.linalg.eigvals(np.where(converged[..., None, None], closed, 0.0))
    return covariance, converged & (rates.real.max(axis=-1) < 0.0)


def _corrected(equations: MomentEquations, covariance: Array) -> Array:
    """One Newton step. Kleinman, IEEE Trans. Autom. Control 13, 114 (1968)."""
    gain = equations.gain(covariance)
    moved = equations.drift @ covariance
    residual = moved + adjoint(moved) + equations.diffusion - gain @ adjoint(gain)
    return _hermitian(covariance + _lyapunov(equations.drift - gain @ equations.readout, residual))


def _lyapunov(drift: Array, diffusion: Array) -> Array:
    """X with A X + X A† + D = 0, as one linear system of d² unknowns, which keeps the digits of very different rates.

    Many oscillators need the Schur form instead, which takes d³ operations and not d⁶. It is as exact relative to the
    largest rate, and the correction by the residual restores the digits of the slower ones. X is NaN where a system of
    the stack is singular.
    """
    d = drift.shape[-1]
    if d > _LARGEST_DENSE:
        return _by_schur(drift, diffusion)
    eye = np.eye(d)
    left = np.einsum("...ij,kl->...ikjl", drift, eye)
    right = np.einsum("ij,...kl->...ikjl", eye, np.conj(drift))
    operator = (left + right).reshape(*drift.shape[:-2], d * d, d * d)
    return solved_stack(operator, -diffusion.reshape(*diffusion.shape[:-2], d * d, 1)).reshape(diffusion.shape)


def _by_schur(drift: Array, diffusion: Array) -> Array:
    """``_lyapunov`` by the method of Bartels and Stewart, Commun. ACM 15, 820 (1972)."""
    from scipy.linalg import solve_continuous_lyapunov

    shape = np.broadcast_shapes(drift.shape, diffusion.shape)
    drifts, noises = (np.broadcast_to(each, shape).reshape(-1, *shape[-2:]) for each in (drift, diffusion))
    found = np.full(drifts.shape, np.nan, dtype=np.result_type(drift, diffusion))
    for place, (one, noise) in enumerate(zip(drifts, noises, strict=True)):
        # a matrix that is not finite or not invertible is refused
        with suppress(np.linalg.LinAlgError, ValueError):
            found[place] = solve_continuous_lyapunov(one, -noise)
    return found.reshape(shape)


def solved_stack(matrix: Array, right: Array) -> Array:
    """X with M X = B for a stack of systems; NaN where M is singular, for which numpy would refuse the whole stack."""
    try:
        solved: Array = np.linalg.solve(matrix, right)
    except np.linalg.LinAlgError:
        solved = np.full(right.shape, np.nan, dtype=np.result_type(matrix, right))
        if matrix.ndim > 2:
            half = len(matrix) // 2
            for part in (slice(half), slice(half, None)) if half else (0,):
                solved[part] = solved_stack(matrix[part], right[part])
    return solved


def _scale(covariance: Array) -> Array:
    """√(V_ii V_jj), the scale of an entry of V; for a direction without variance, the scale of rounding."""
    deviation = np.sqrt(np.abs(np.diagonal(covariance, axis1=-2, axis2=-1)))
    rounding = np.sqrt(np.finfo(float).eps) * deviation.max(axis=-1, keepdims=True)
    deviation = np.maximum(deviation, np.where(rounding > 0.0, rounding, 1.0))
    scale: Array = deviation[..., :, None] * deviation[..., None, :]
    return scale


def _hamiltonian(equations: MomentEquations) -> Array:
    """M with d/dt [X; Y] = M [X; Y] and V = Y X⁻¹."""
    a, f, s = equations.drift, equations.readout, equations.cross
    closed = a - s @ f
    upper = np.concatenate([-adjoint(closed), adjoint(f) @ f], axis=-1)
    lower = np.concatenate([equations.diffusion - s @ adjoint(s), closed], axis=-1)
    return np.concatenate([upper, lower], axis=-2)


def _map_of(flow: Array) -> RiccatiMap:
    """The map V ↦ (E₂₁ + E₂₂ V)(E₁₁ + E₁₂ V)⁻¹ of a symplectic E = [[E₁₁, E₁₂], [E₂₁, E₂₂]], with E₁₁ = Φ⁻†."""
    d = flow.shape[-1] // 2
    backward = np.linalg.inv(flow[..., :d, :d])
    return RiccatiMap(
        phi=adjoint(backward),
        gamma=_hermitian(backward @ flow[..., :d, d:]),
        offset=_hermitian(flow[..., d:, :d] @ backward),
    )


def _hermitian(matrix: Array) -> Array:
    return (matrix + adjoint(matrix)) / 2.0
