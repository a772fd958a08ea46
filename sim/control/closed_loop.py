"""The stationary closed loop of a linear model: a law of control, and the covariance that it holds.

Section 9 of sim/README.md. The cost is a weight Q of second moments that may depend on the covariance held, as that of
E does, dE = (E/2) tr(Q dV): then the law is found again with the weight at the covariance that it gave, until both
agree. ln E is a concave function of V, so its tangent lies above it, and each round lowers the cost.

Everything is computed in coordinates in which the covariance held is 1. They follow from a root of it, so that V₋ may
be 1e10 times E.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.control.actuators import growing_subspace, require_reach, with_actuator_noise
from cascade_steering.sim.control.laws import Held, direct_gain, free_control, regulator
from cascade_steering.sim.gaussian.covariance import steady_root
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, moment_equations
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError, riccati_map
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import require
from cascade_steering.sim.roots import product, root_of, stacked, triangular

__all__ = ["AGREED", "LAWS", "ClosedLoop", "Law", "Weight", "close_loop"]

FloatArray = NDArray[np.float64]
Law = Literal["ideal", "direct", "lqg"]
LAWS: tuple[Law, ...] = ("ideal", "direct", "lqg")
# Q (d, d) at a root of the covariance
Weight = Callable[[FloatArray], FloatArray]

# The law and the weight agree when the covariance changes by less than this, in coordinates in which it is 1. Rounding
# alone changes it by 1e-8 where a low price makes the rates of the loop differ by 1e5.
AGREED = 1e-7
_MOST_ROUNDS = 500
# Means that decay more slowly than this, in units of ‖A‖, and ever more slowly: the best control is none that exists.
_CREEPING = 1e-6
# The variance, in units of V_c, that stands for one without bound.
_UNBOUNDED = 1e12
# ln of the growth of a variance during the delay, after which E would keep fewer than six digits
_MOST_GROWTH = math.log(1e16)


@dataclass(frozen=True, kw_only=True, eq=False)
class ClosedLoop:
    """A stationary closed loop. Section 9 of sim/README.md.

    Parameters
    ----------
    law : ``ideal``, ``direct`` or ``lqg``
    model : the open loop, with the noise of the actuators
    actuators : B, a column for each, (d, p)
    gain : of ``lqg`` L in u = −L x̂, (p, d), rad/s; of ``direct`` β in u dt = β dY, (p, m), √(rad/s); None of ``ideal``
    conditional : root of V_c, the covariance given the record, (d, d)
    predicted : root of the covariance given the record until the delay before, (d, d)
    scatter : root of S_x, the covariance of the means, (d, d)
    slowest : the slowest rate at which a deviation of the means decays, rad/s
    attained : whether the best free control exists; if not, ``scatter`` stands for one without bound
    delay : seconds
    """

    law: Law
    model: LinearModel
    actuators: FloatArray
    gain: FloatArray | None
    conditional: FloatArray
    predicted: FloatArray
    scatter: FloatArray
    slowest: float
    attained: bool = True
    delay: float = 0.0

    @property
    def root(self) -> FloatArray:
        """A root of the covariance V that is held, (d, d)."""
        return stacked(self.predicted, self.scatter)

    @property
    def covariance(self) -> FloatArray:
        """V, without the record, in the closed loop; (d, d)."""
        return product(self.root)

    @property
    def efficiency(self) -> FloatArray:
        """η of the detected channels, (m,)."""
        return self.model.efficiency

    @property
    def power(self) -> float | None:
        """⟨uᵀu⟩ = tr(L S_x Lᵀ), (rad/s)²; None where the force contains white noise. Section 9 of sim/README.md."""
        if self.law != "lqg" or self.gain is None:
            return None
        return float(np.sum((self.scatter @ self.gain.T) ** 2))

    @property
    def spectral_density(self) -> FloatArray | None:
        """bbᵀ, b = Bβ: what the white force of direct feedback adds to D, (d, d), rad/s; None for other laws."""
        if self.law != "direct" or self.gain is None:
            return None
        b = self.actuators @ self.gain
        return np.asarray(b @ b.T, dtype=np.float64)


def close_loop(
    model: LinearModel, law: Law, columns: FloatArray, weight: Weight, *, price: float = 1.0, delay: float = 0.0,
    actuator_noise: float = 0.0, name: str = "given", start: FloatArray | None = None,
    within: float = AGREED,
) -> ClosedLoop:  # fmt: skip
    """The stationary closed loop of the law that is best for a weight of second moments. Section 9 of sim/README.md.

    Parameters
    ----------
    columns : B, (d, p), see ``actuators``
    weight : Q at a root of the covariance that is held
    price : ρ of ``lqg``, s²: the cost is tr(Q S_x) + ρ⟨uᵀu⟩
    delay : τ ≥ 0 between the light and the force, seconds; the controller then acts on the mean predicted by the model
    actuator_noise : N ≥ 0, rad/s: an unknown diffusion N B Bᵀ
    name : of the actuators, for messages
    start : a root of a covariance near the one that will be held, (d, d); that without control if left out
    within : relative change of the covariance at which the law and its cost agree

    Raises
    ------
    ValueError
        if the actuators do not reach what grows, the delay, the noise or the price is out of its range, or direct
        feedback is to be delayed.
    NoSteadyStateError
        if the record does not show what grows, or no loop of this law holds it.
    """
    if law not in LAWS:
        raise ValueError(f"law must be one of {', '.join(LAWS)}, got {law!r}")
    require(price, "control price", low=0.0, low_open=True)
    require(delay, "delay", low=0.0)
    require(actuator_noise, "actuator noise", low=0.0)
    if law == "direct" and delay:
        raise ValueError(f"direct feedback acts on the record at once and has no delay, got {delay:g} s")
    require_reach(moment_equations(model).drift, columns, name)
    if actuator_noise:
        model = with_actuator_noise(model, columns, actuator_noise)
    equations = moment_equations(model)
    conditional = _given_the_record(model)
    predicted, noise = _predicted(equations, conditional, delay)
    rounds = _Rounds(equations, law, columns, noise, price)
    held, root = None, predicted if start is None else start
    attained = True
    for _ in range(_MOST_ROUNDS):
        held, means = rounds.held(root, weight(root), held)
        before, root = root, stacked(predicted, means)
        if _change(before, root) < within:
            break
        if law == "ideal" and held.slowest < _CREEPING * np.abs(equations.drift).sum(axis=-1).max():
            means, attained = _without_bound(equations.drift, columns, predicted), False
            break
    else:
        raise NoSteadyStateError(f"the law and the covariance that it holds do not agree after {_MOST_ROUNDS} rounds")
    return ClosedLoop(
        law=law,
        model=model,
        actuators=columns,
        gain=held.gain,
        conditional=conditional,
        predicted=predicted,
        scatter=means,
        slowest=held.slowest if attained else 0.0,
        attained=attained,
        delay=delay,
    )


def _given_the_record(model: LinearModel) -> FloatArray:
    try:
        return steady_root(model, conditional=True)
    except NoSteadyStateError:
        efficiency = ", ".join(f"{each:g}" for each in sorted(set(model.efficiency.tolist())))
        raise NoSteadyStateError(
            f"the record does not show all that grows, so that no control holds it: efficiency {efficiency}"
        ) from None


def _predicted(equations: MomentEquations, conditional: FloatArray, delay: float) -> tuple[FloatArray, FloatArray]:
    """A root of the covariance a delay after the end of the record, and the noise e^{Aτ}K of the predicted mean."""
    noise = equations.gain(product(conditional))
    if not delay:
        return conditional, noise
    growth = max(0.0, 2.0 * float(np.max(np.linalg.eigvals(equations.drift).real)))
    if growth * delay > _MOST_GROWTH:
        raise ValueError(
            f"delay must be at most {_MOST_GROWTH / growth:.4g} s, after which the variances have grown by 1e16, got "
            f"{delay:.4g} s"
        )
    basis = _sheared(growing_subspace(equations.drift))
    dark = equations.unmonitored.in_coordinates(basis)
    flow = riccati_map(dark, delay)
    back = np.linalg.inv(basis)
    moved = stacked(conditional @ back.T @ flow.phi.T, root_of(flow.offset))
    return triangular(moved @ basis.T), basis @ (flow.phi @ (back @ noise))


def _sheared(growing: FloatArray) -> FloatArray:
    """Unit lower triangular coordinates in which what grows moves the first quadratures alone, where there are such."""
    d, count = growing.shape
    basis = np.eye(d)
    head = growing[:count]
    if 0 < count < d and np.linalg.cond(head) < 1e6:
        basis[count:, :count] = growing[count:] @ np.linalg.inv(head)
    return basis


@dataclass(frozen=True, eq=False)
class _Rounds:
    """The law at a given weight, in coordinates y in which the covariance held is 1."""

    equations: MomentEquations
    law: Law
    columns: FloatArray
    noise: FloatArray
    price: float

    def held(self, root: FloatArray, weight: FloatArray, before: Held | None) -> tuple[Held, FloatArray]:
        """The law in y, its gain in x, and a root of S_x."""
        basis = triangular(root).T
        back = np.linalg.inv(basis)
        here = self.equations.in_coordinates(basis)
        columns, noise, cost = back @ self.columns, back @ self.noise, basis.T @ weight @ basis
        if self.law == "lqg":
            found = regulator(here.drift, columns, noise, cost, self.price)
        elif self.law == "ideal":
            found = free_control(here.drift, columns, noise, cost)
        else:
            found = direct_gain(here, columns, noise, cost, None if before is None else before.gain)
        means = triangular(root_of(found.covariance) @ basis.T)
        gain = found.gain @ back if self.law == "lqg" and found.gain is not None else found.gain
        return Held(covariance=found.covariance, gain=gain, slowest=found.slowest), means


def _change(before: FloatArray, after: FloatArray) -> float:
    """The largest change of the covariance in coordinates in which it was 1."""
    relative = after @ np.linalg.inv(triangular(before))
    return float(np.abs(product(relative) - np.eye(relative.shape[-1])).max())


def _without_bound(drift: FloatArray, columns: FloatArray, predicted: FloatArray) -> FloatArray:
    """A root of S_x for means that wander without bound where a constant force can hold them, at −A⁻¹Bu."""
    places = np.linalg.solve(drift, columns)
    size = np.sqrt(_UNBOUNDED) * np.linalg.norm(predicted, 2) / np.linalg.norm(places, 2)
    return triangular(size * places.T)
