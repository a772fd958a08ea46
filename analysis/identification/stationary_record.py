"""A record in a stationary state as a process: its law in intervals, and how that changes with parameters.

With Φ, F_h and the joint noise N of an interval (section 4 of sim/README.md), T = [Φ; F_h] and J = TPTᵀ + N, the steady
filter has S = J_YY, K = J_xY S⁻¹ and P = J_xx − K S Kᵀ. All of it is differentiated exactly but for T and N, which are
smooth functions of the parameters and are differenced by five points, with an error of about 1e-12.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_continuous_lyapunov, solve_discrete_lyapunov

from cascade_steering.sim.gaussian.moment_equations import observed_equations, recorded_equations
from cascade_steering.sim.gaussian.propagator import propagator
from cascade_steering.sim.gaussian.riccati import RiccatiMap, steady_covariance
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = [
    "Matrices",
    "autocovariances",
    "continuous",
    "derivatives",
    "information_per_interval",
    "information_per_second",
    "require_damped",
    "sampled",
]

FloatArray = NDArray[np.float64]
# by what the matrices of a model are given: several arrays
Matrices = tuple[FloatArray, ...]
# differences at so many spacings: inside, and beside an upper or a lower bound
_CENTRAL: tuple[tuple[int, ...], tuple[float, ...]] = ((-2, -1, 1, 2), (1 / 12, -2 / 3, 2 / 3, -1 / 12))
_FORWARD: tuple[tuple[int, ...], tuple[float, ...]] = ((0, 1, 2, 3, 4), (-25 / 12, 4, -3, 4 / 3, -1 / 4))
# of the filter, squared: below it the steady state is reached
_SETTLED, _DOUBLINGS = 1e-30, 200


def require_damped(model: LinearModel) -> None:
    """Raise ValueError unless all motions are damped, so that the record is stationary."""
    rate = float(np.linalg.eigvals(recorded_equations(model).drift).real.max())
    if not rate < 0.0:
        raise ValueError(
            f"a record is stationary only where all motions are damped, and here one grows at {rate:.4g} 1/s"
        )


def sampled(model: LinearModel, interval: float, factor: float | FloatArray = 1.0) -> Matrices:
    """T (d + m, d) and N (d + m, d + m) of a record that was divided by a calibration ``factor``."""
    found = propagator(recorded_equations(model), interval)
    d = found.transition.shape[1]
    scale = np.ones(len(found.transition))
    scale[d:] /= factor
    return scale[:, None] * found.transition, found.noise * np.outer(scale, scale)


def autocovariances(model: LinearModel, interval: float, count: int) -> FloatArray:
    """Cov(ΔY_{k+j}, ΔY_k) of a stationary record for j = 0 … count − 1, array of shape (count, m, m), s.

    Raises ValueError as ``require_damped`` does.
    """
    require_damped(model)
    transition, noise = sampled(model, interval)
    d = transition.shape[1]
    flow, readout = transition[:d], transition[d:]
    covariance = solve_discrete_lyapunov(flow, noise[:d, :d])
    found = [readout @ covariance @ readout.T + noise[d:, d:]]
    onward = flow @ covariance @ readout.T + noise[:d, d:]
    for _ in range(count - 1):
        found.append(readout @ onward)
        onward = flow @ onward
    return np.array(found)


def derivatives(
    matrices: Callable[[float], Matrices], value: float, spacing: float, bounds: tuple[float, float]
) -> Matrices:
    """The derivatives of smooth matrices of one number, by five points within its bounds."""
    low, high = bounds
    points, weights = _CENTRAL
    sign = 1.0
    if value - 2 * spacing < low or value + 2 * spacing > high:
        points, weights = _FORWARD
        sign = 1.0 if value + 4 * spacing <= high else -1.0
    found = [matrices(value + sign * number * spacing) for number in points]
    return tuple(
        sum(weight * each for weight, each in zip(weights, many, strict=True)) / (sign * spacing)
        for many in zip(*found, strict=True)
    )


def information_per_interval(here: Matrices, moved: list[Matrices]) -> FloatArray:
    """Fisher information of one interval of a long record, array of shape (p, p). Section 8 of sim/README.md.

    ``here`` are T and N, and ``moved`` their derivatives by each of the p parameters. The innovations and their
    derivatives are one stationary process with the joint covariance of a Lyapunov equation; the mean of the square of
    ∂e, and what the variance S of e itself tells, are the information.
    """
    transition, noise = here
    d = transition.shape[1]
    covariance = _predicted(transition, noise)
    joint = transition @ covariance @ transition.T + noise
    inverse = np.linalg.inv(joint[d:, d:])
    gain = joint[:d, d:] @ inverse
    readout, closed = transition[d:], transition[:d] - gain @ transition[d:]
    onto = np.concatenate([np.eye(d), -gain], axis=1)
    turned, gains, spreads = [], [], []
    for steps, noises in moved:
        half = steps @ covariance @ transition.T
        change = half + half.T + noises
        learned = solve_discrete_lyapunov(closed, onto @ change @ onto.T)
        change = change + transition @ learned @ transition.T
        spreads.append(change[d:, d:])
        gains.append((change[:d, d:] - gain @ change[d:, d:]) @ inverse)
        turned.append(steps[:d] - gain @ steps[d:])
    size, joint_flow, joint_noise = len(moved), np.zeros((d * (len(moved) + 1),) * 2), [gain]
    joint_flow[:d, :d] = transition[:d]
    for number, each in enumerate(turned, 1):
        rows = slice(number * d, (number + 1) * d)
        joint_flow[rows, :d], joint_flow[rows, rows] = each, closed
        joint_noise.append(gains[number - 1])
    driven = np.concatenate(joint_noise)
    state = solve_discrete_lyapunov(joint_flow, driven @ joint[d:, d:] @ driven.T)
    shown = np.zeros((size, readout.shape[0], len(state)))
    for number, (steps, _) in enumerate(moved):
        shown[number, :, :d], shown[number, :, (number + 1) * d : (number + 2) * d] = steps[d:], readout
    told = np.einsum("iax,xy,jby,ab->ij", shown, state, shown, inverse)
    spread = [inverse @ each for each in spreads]
    found: FloatArray = told + 0.5 * np.einsum("iab,jba->ij", spread, spread)
    return found


def _predicted(transition: FloatArray, noise: FloatArray) -> FloatArray:
    """The steady P of the filter of sums, by doubling of its map from P = 0."""
    d = transition.shape[1]
    readout, spread = transition[d:], np.linalg.inv(noise[d:, d:])
    # the noises of x and ΔY that are left when what they have in common is subtracted
    common = noise[:d, d:] @ spread
    flow, offset = transition[:d] - common @ readout, noise[:d, :d] - common @ noise[d:, :d]
    shown = readout.T @ spread @ readout
    step = RiccatiMap(phi=flow, gamma=shown, offset=offset)
    for _ in range(_DOUBLINGS):
        step = step.doubled()
        if float(np.sum(step.phi**2)) < _SETTLED:
            break
    found: FloatArray = step.offset
    return found


def continuous(model: LinearModel) -> Matrices:
    """A, D, F and S of a model whose record is continuous."""
    found = observed_equations(model)
    return found.drift, found.diffusion, found.readout, found.cross


def information_per_second(model: LinearModel, here: Matrices, moved: list[Matrices]) -> FloatArray:
    """Fisher information of a long continuous record per second, array of shape (p, p). Section 8 of sim/README.md.

    As ``information_per_interval``, with ``here`` A, D, F and S. It is (1/4π) ∫ tr(S⁻¹ ∂S S⁻¹ ∂S) dω with S(ω) the
    spectrum of the record.
    """
    drift, _, readout, cross = here
    d = len(drift)
    covariance = steady_covariance(observed_equations(model))
    gain = covariance @ readout.T + cross
    closed = drift - gain @ readout
    size = len(moved)
    flow, driven = np.zeros((d * (size + 1),) * 2), [gain]
    flow[:d, :d] = drift
    shown = np.zeros((size, len(readout), len(flow)))
    for number, (drifts, diffusions, readouts, crosses) in enumerate(moved):
        direct = covariance @ readouts.T + crosses
        half = drifts @ covariance - direct @ gain.T
        learned = solve_continuous_lyapunov(closed, -(half + half.T + diffusions))
        rows = slice((number + 1) * d, (number + 2) * d)
        flow[rows, :d], flow[rows, rows] = drifts - gain @ readouts, closed
        driven.append(learned @ readout.T + direct)
        shown[number, :, :d], shown[number, :, rows] = readouts, readout
    noise = np.concatenate(driven)
    state = solve_continuous_lyapunov(flow, -noise @ noise.T)
    told: FloatArray = np.einsum("iax,xy,jay->ij", shown, state, shown)
    return told
