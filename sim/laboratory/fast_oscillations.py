"""Steady states of models whose oscillators turn much faster than they are damped. Section 10 of sim/README.md.

In the laboratory frame with a cavity, frequencies and κ may be 1e10 times γ₀. The Lyapunov and Riccati equations for
quadratures then contain differences of products with Ω, each rounded to 1e-16 of Ω, and lose up to ten digits of what
happens at the rate γ₀. Here they are written for complex amplitudes z = (a, a†) of each mode, the frequencies apart,

    A = iω + M    0 = M V + V M† + i(ω_j − ω_k) V_jk + D − K K†

so that only differences of frequencies occur, which floating-point numbers give exactly or to their last digit. A shear
y = L⁻¹z, in which the quantities are nearly uncorrelated (``sim.gaussian.covariance.coordinates``), takes ω along in
the same way: L⁻¹ iω L = iω + L⁻¹ [iω, L].
"""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.moment_equations import adjoint, moment_equations
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.laboratory.turning import QUADRATURES, Turning
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["in_quadratures", "settled_root", "steady_root_of_fast", "turns_fast"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

# Newton's method converges quadratically: after a relative change below this, one more step leaves rounding only.
_CONVERGED = 1e-6
# Ω over the linewidth from which on the frequencies are kept apart
_FAST = 1e3
# Enough to halve a covariance from 1e12 to 1, and some more.
_MOST_CORRECTIONS = 60
# a damping that is taken away: first a tenth of it is left, then more where that is too little; and in how many steps
_LESS, _MOST_STEPS = 0.1, 200
_UNSETTLED = "the covariance has no steady state: a direction that is not measured is not damped"


def turns_fast(model: LinearModel) -> bool:
    """Whether an oscillator turns so fast that a general solver loses three digits of what happens at its linewidth.

    Section 10 of sim/README.md. Not for records behind filters.
    """
    if model.electronics is not None:
        return False
    turning = Turning.of(moment_equations(model))
    slowest = np.min(np.abs(np.real(np.diagonal(turning.drift))))
    return bool(np.max(np.abs(turning.frequencies)) > _FAST * slowest)


def steady_root_of_fast(model: LinearModel, *, conditional: bool) -> FloatArray:
    """A root of the steady covariance (see ``sim.roots``) with all digits at very different rates; shape (2d, d).

    It equals that of ``sim.gaussian.covariance.steady_root`` up to rounding, which here is relative to the damping and
    coupling rates and not to the frequencies. Section 10 of sim/README.md. Raises NoSteadyStateError if there is none.
    """
    turning = Turning.of(moment_equations(model))
    first = _unconditional(turning.unmonitored)
    if conditional:
        # Newton's method converges to the stabilising solution from above it, or from near it.
        first = _with_less_damping(turning) if first is None else _refined(turning, first)
    elif first is None:
        raise NoSteadyStateError(_UNSETTLED)
    return in_quadratures(_root_near(turning if conditional else turning.unmonitored, first))


def settled_root(turning: Turning) -> ComplexArray:
    """R with R†R the covariance of z without the record; (d, d). Section 10 of sim/README.md.

    Raises NoSteadyStateError if there is none.
    """
    first = _unconditional(turning.unmonitored)
    if first is None:
        raise NoSteadyStateError(_UNSETTLED)
    return _root_near(turning.unmonitored, first)


def in_quadratures(root: ComplexArray) -> FloatArray:
    """A root of the covariance of (X, P) of each mode from one of z = (a, a†), R†R; (r, d) → (2r, d).

    The real part of R T†, T from z to quadratures, above its imaginary part. Section 10 of sim/README.md.
    """
    turned = root @ adjoint(np.kron(np.eye(root.shape[1] // 2), QUADRATURES))
    return np.concatenate([turned.real, turned.imag])


def _root_near(turning: Turning, first: ComplexArray) -> ComplexArray:
    """R with R†R the steady covariance of z near ``first``, in the coordinates y = L⁻¹z; (d, d)."""
    shear = np.linalg.cholesky(first)
    scale = np.real(np.diagonal(shear))
    basis = shear / scale
    found = _refined(turning.sheared(basis), np.diag(scale**2).astype(complex))
    return np.asarray(_root(found) @ adjoint(basis))


def _refined(turning: Turning, covariance: ComplexArray) -> ComplexArray:
    """The steady covariance, by Newton's method from one near it. Raises NoSteadyStateError without convergence."""
    for _ in range(_MOST_CORRECTIONS):
        corrected = turning.corrected(covariance)
        deviation = np.sqrt(np.abs(np.diagonal(corrected)))
        change = np.max(np.abs(corrected - covariance) / np.outer(deviation, deviation))
        covariance = corrected
        if change < _CONVERGED:
            return turning.corrected(covariance)
    raise NoSteadyStateError(_UNSETTLED)


def _with_less_damping(turning: Turning) -> ComplexArray:
    """The covariance given the record where a motion grows: from that with everything damped, by less and less.

    Newton's method converges from a covariance whose filter forgets its past; that of the equations with more damping
    is such a one as long as the step is small. Raises NoSteadyStateError if the damping cannot be taken away.
    """
    rate = 2.0 * float(np.max(np.abs(turning.drift)))
    first = _unconditional(turning.damped(rate).unmonitored)
    if first is None:
        raise NoSteadyStateError(_UNSETTLED)
    covariance, share = _refined(turning.damped(rate), first), _LESS
    for _ in range(_MOST_STEPS):
        for less in (0.0, share * rate):
            found = _settled(turning.damped(less), covariance)
            if found is None:
                continue
            if less == 0.0:
                return found
            covariance, rate, share = found, less, _LESS
            break
        else:
            share = float(np.sqrt(share))
    raise NoSteadyStateError(_UNSETTLED)


def _settled(turning: Turning, covariance: ComplexArray) -> ComplexArray | None:
    """The steady covariance near another one, None if there is none or it is not that of a filter that forgets."""
    with np.errstate(all="ignore"):
        if not turning.settles(covariance):
            return None
        try:
            found = _refined(turning, covariance)
        except (NoSteadyStateError, np.linalg.LinAlgError):
            return None
        return found if turning.settles(found) else None


def _unconditional(turning: Turning) -> ComplexArray | None:
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
