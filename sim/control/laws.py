"""Laws of control: from a quadratic cost to the gain of a controller. Section 9 of sim/README.md.

The means of the ensemble move as dx̂ = (A x̂ + B u) dt + K dW and are to be held so that tr(Q S_x) is small, with S_x
their covariance. Of these problems there are three:

    regulator      u = −L x̂, cost tr(Q S_x) + ρ⟨uᵀu⟩      AᵀP + PA + Q − PBBᵀP/ρ = 0      L = BᵀP/ρ
    free control   the same as ρ → 0: what the actuators move may take any value at once, and follows the rest
    direct         u dt = β dY, β as tr(Q S_x) has it smallest

The first two are Riccati equations, those of a filter read backwards: Aᵀ for A, Q for D, Bᵀ/√ρ for F.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.moment_equations import MomentEquations
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError, steady_covariance

__all__ = ["Held", "direct_gain", "free_control", "regulator", "scatter"]

FloatArray = NDArray[np.float64]
# The residual has to move with the actuators: a square of its movement below this, in units of the largest, is none.
_UNMOVED = 1e-12
# A cost below this, in units of the whole, is rounding of a difference.
_ROUNDING = 1e-11
# A step of ``direct_gain`` that lowers the cost by less than this share is the last one.
_FLAT = 1e-13
_MOST_STEPS = 400


@dataclass(frozen=True, kw_only=True, eq=False)
class Held:
    """What a law does with the means.

    Parameters
    ----------
    covariance : S_x of the means, (d, d)
    gain : L of shape (p, d), or β of shape (p, m); None for free control, whose forces are not finite
    slowest : the slowest rate at which a deviation of the means decays, rad/s; infinite if there is none
    """

    covariance: FloatArray
    gain: FloatArray | None
    slowest: float


def scatter(drift: FloatArray, noise: FloatArray) -> FloatArray:
    """S_x with A S_x + S_x Aᵀ + K Kᵀ = 0, for ``noise`` K; array of shape (d, d). Section 9 of sim/README.md.

    Raises NoSteadyStateError unless A is stable.
    """
    d = len(drift)
    means = MomentEquations(drift=drift, diffusion=noise @ noise.T, readout=np.zeros((1, d)), cross=np.zeros((d, 1)))
    return np.asarray(steady_covariance(means), dtype=np.float64)


def regulator(drift: FloatArray, columns: FloatArray, noise: FloatArray, weight: FloatArray, price: float) -> Held:
    """u = −L x̂ with the least tr(Q S_x) + ρ⟨uᵀu⟩. Section 9 of sim/README.md.

    Parameters
    ----------
    drift, columns, noise : A (d, d), B (d, p), K (d, m)
    weight : Q, symmetric, ≥ 0, (d, d)
    price : ρ > 0, s² in units of Q

    Raises NoSteadyStateError where no control holds the means.
    """
    found = steady_covariance(_backwards(drift, columns, weight / price, np.zeros_like(columns)))
    gain = columns.T @ found
    closed = drift - columns @ gain
    return Held(covariance=scatter(closed, noise), gain=gain, slowest=_slowest(closed))


def free_control(drift: FloatArray, columns: FloatArray, noise: FloatArray, weight: FloatArray) -> Held:
    """The limit of ``regulator`` as ρ → 0. Section 9 of sim/README.md.

    With x̂ = Bξ + Cη and C a complement of B, forces without bound make ξ follow any function of η at once. What remains
    is the regulator of η with ξ in the place of the force, whose price is the cost of ξ itself.

    Raises ValueError if the actuators move something at no cost, and NoSteadyStateError where no control holds η.
    """
    d, p = columns.shape
    if p == d:
        return Held(covariance=np.zeros((d, d)), gain=None, slowest=np.inf)
    whole = np.concatenate([columns, np.linalg.svd(columns)[0][:, p:]], axis=1)
    back = np.linalg.inv(whole)
    moved, cost = back @ drift @ whole, whole.T @ weight @ whole
    values, vectors = np.linalg.eigh(cost[:p, :p])
    if values[0] < _UNMOVED * np.linalg.norm(cost, 2):
        raise ValueError(
            "ideal control has no limit here, because the cost contains next to nothing of what these actuators move: "
            "choose others, or law lqg with a control price"
        )
    # the root of the inverse price of ξ
    root = (vectors / np.sqrt(values)) @ vectors.T
    acting, shared = moved[p:, :p] @ root, cost[p:, :p] @ root
    # with ξ as the cost alone would have it
    followed, rest = moved[p:, p:] - acting @ shared.T, _without_rounding(cost[p:, p:] - shared @ shared.T, cost)
    if np.any(rest) or _growth(followed) >= 0.0:
        found = np.asarray(steady_covariance(_backwards(followed, acting, rest, np.zeros_like(acting))))
    else:
        found = np.zeros_like(rest)
    gain = root @ (acting.T @ found + shared.T)
    closed = moved[p:, p:] - moved[p:, :p] @ gain
    held = whole @ np.concatenate([-gain, np.eye(d - p)])
    return Held(covariance=held @ scatter(closed, (back @ noise)[p:]) @ held.T, gain=None, slowest=_slowest(closed))


def direct_gain(
    equations: MomentEquations, columns: FloatArray, noise: FloatArray, weight: FloatArray, start: FloatArray | None
) -> Held:
    """β with the least tr(Q S_x) in the loop dx̂ = (A + BβF) x̂ dt + (K + Bβ) dW. Section 9 of sim/README.md.

    Where B reaches all quadratures, β = −B⁻¹K, and S_x = 0. Otherwise the gradient 2BᵀΛ(S_xFᵀ + K + Bβ), with Λ of the
    adjoint equation, is made zero step by step, each halved until the cost falls (Levine and Athans 1970). The first
    loop has as much additional damping as it needs to be stable, which is then taken away.

    Parameters
    ----------
    start : β of a stable loop near the best one, or None

    Raises NoSteadyStateError if no β that holds the means is found.
    """
    d, p = columns.shape
    if p == d:
        gain = -np.linalg.solve(columns, noise)
        closed = equations.drift + columns @ gain @ equations.readout
        return Held(covariance=np.zeros((d, d)), gain=np.asarray(gain, dtype=np.float64), slowest=_slowest(closed))
    gain = -np.linalg.pinv(columns) @ noise if start is None else start
    excess = _growth(equations.drift + columns @ gain @ equations.readout)
    margin = 0.1 * np.linalg.norm(noise @ equations.readout, 2)
    while excess > -1e-3 * margin:
        damped = equations.drift - (excess + margin) * np.eye(d)
        gain, _ = _descended(equations, damped, columns, noise, weight, gain, 20)
        before, excess = excess, _growth(equations.drift + columns @ gain @ equations.readout)
        if excess > before - 1e-3 * margin:
            raise NoSteadyStateError("no direct feedback on these actuators was found that holds the motion that grows")
    gain, covariance = _descended(equations, equations.drift, columns, noise, weight, gain, _MOST_STEPS)
    closed = equations.drift + columns @ gain @ equations.readout
    return Held(covariance=covariance, gain=gain, slowest=_slowest(closed))


def _without_rounding(rest: FloatArray, cost: FloatArray) -> FloatArray:
    """The part of the cost that η has whatever ξ is, zero where rounding alone is left."""
    return rest if np.linalg.norm(rest, 2) > _ROUNDING * np.linalg.norm(cost, 2) else np.zeros_like(rest)


def _descended(
    equations: MomentEquations, drift: FloatArray, columns: FloatArray, noise: FloatArray, weight: FloatArray,
    gain: FloatArray, steps: int,
) -> tuple[FloatArray, FloatArray]:  # fmt: skip
    """β after so many steps down, or at the minimum, and S_x there; from a stable loop."""

    def at(trial: FloatArray) -> tuple[float, FloatArray]:
        closed = drift + columns @ trial @ equations.readout
        if _growth(closed) >= 0.0:
            return np.inf, noise
        found = scatter(closed, noise + columns @ trial)
        return float(np.sum(weight * found)), found

    cost, covariance = at(gain)
    for _ in range(steps):
        closed = drift + columns @ gain @ equations.readout
        adjoint = _adjoint(closed, weight)
        wanted = -np.linalg.lstsq(
            columns.T @ adjoint @ columns, columns.T @ adjoint @ (covariance @ equations.readout.T + noise), rcond=1e-12
        )[0]
        step, share = wanted - gain, 1.0
        while (trial := at(gain + share * step))[0] > cost and share > 1e-6:
            share /= 2.0
        if not trial[0] < cost * (1.0 - _FLAT):
            break
        gain, (cost, covariance) = gain + share * step, trial
    return gain, covariance


def _adjoint(closed: FloatArray, weight: FloatArray) -> FloatArray:
    """Λ with AᵀΛ + ΛA + Q = 0."""
    values, vectors = np.linalg.eigh(weight)
    return scatter(closed.T, vectors * np.sqrt(np.maximum(values, 0.0)))


def _backwards(drift: FloatArray, columns: FloatArray, weight: FloatArray, cross: FloatArray) -> MomentEquations:
    """The equation of the cost as one of a filter."""
    return MomentEquations(drift=drift.T, diffusion=weight, readout=columns.T, cross=cross)


def _growth(drift: FloatArray) -> float:
    return float(np.max(np.linalg.eigvals(drift).real))


def _slowest(drift: FloatArray) -> float:
    return -_growth(drift)
