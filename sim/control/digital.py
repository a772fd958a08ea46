"""Digital control laws as a laboratory has them: a sampled filter, a predictor over the delay, and displacements.

Every control interval the controller is given the sum ΔY of the record. With Φ, F_h, b, b_Y of the interval, the gain
W_k of the exact filter of such sums (sections 4 and 9 of sim/README.md), and n intervals of delay,

    ε = ΔY − F_h f − b_Y      f⁻ = Φf + b + W_k ε      p = f⁻ − Σ_{j<n} Φʲ W_{k−j} ε_{k−j}      δ = −G p      f = f⁻ + δ

f is the mean given all sums, and p what is known of it from those that are n intervals old: their mean, predicted by
the model with the displacements that were made since. The memory z holds f and the last n − 1 values of ε.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_discrete_are

from cascade_steering.sim.control.actuators import require_reach
from cascade_steering.sim.controller import Controller, control_grid
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.propagator import Propagator, interval_propagators, propagator
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError, RiccatiMap, steady_covariance
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import require, require_count
from cascade_steering.sim.roots import triangular

__all__ = [
    "intervals_of_delay",
    "sampled_direct",
    "sampled_feedback",
    "sampled_gain",
    "sampled_ideal",
    "sampled_lqg",
    "suggested_interval",
]

FloatArray = NDArray[np.float64]
# A ratio this close to a whole number differs from it by rounding alone.
_WHOLE = 1e-9
# Doublings after which the steady state of a filter is reached: a trillion intervals.
_DOUBLINGS = 40
# Control interval × fastest rate of the loop: what a control interval costs E is of second order in this.
_FRACTION = 0.1
# The cost must tell every actuator from none: its share of the largest cost of a displacement of the same size.
_UNSEEN = 1e-9


def intervals_of_delay(delay: float, interval: float) -> int:
    """The number of control intervals in a ``delay`` (seconds ≥ 0). Raises ValueError unless it is whole."""
    require(delay, "delay", low=0.0)
    require(interval, "control interval", low=0.0, low_open=True)
    ratio = delay / interval
    count = round(ratio) if np.isfinite(ratio) else -1
    if count < 0 or abs(ratio - count) > _WHOLE * max(1, count):
        raise ValueError(
            f"the delay must be a whole number of control intervals, got a delay of {delay:.9g} s and a control "
            f"interval of {interval:.9g} s (ratio {ratio:.6g})"
        )
    return count


def suggested_interval(model: LinearModel) -> float:
    """A control interval that is short for the model, seconds: a tenth of the shortest time of A and of A − KF.

    E is then within 10⁻³ of that of a continuous loop. Raises NoSteadyStateError if there is no state given the record.
    Section 9 of sim/README.md.
    """
    equations = moment_equations(model)
    gain = equations.gain(steady_covariance(equations))
    drifts = (equations.drift, equations.drift - gain @ equations.readout)
    return _FRACTION / max(float(np.max(np.abs(np.linalg.eigvals(each)))) for each in drifts)


def sampled_direct(model: LinearModel, gain: FloatArray, *, interval: float) -> Controller:
    """Feedback of the sums themselves, δ = b ΔY, without a memory. Section 9 of sim/README.md.

    ``gain`` is b, array of shape (d, m), √(rad/s), as for ``sim.model.feedback.direct``, which this becomes for short
    intervals. Raises ValueError for another shape.
    """
    b = np.asarray(gain, dtype=float)
    shape = (model.dimension, len(model.record_names))
    if b.shape != shape:
        raise ValueError(f"gain must have shape {shape}, a column for each record, got {b.shape}")
    return Controller(interval=interval, steps=b[None], dimension=model.dimension, name="direct")


def sampled_lqg(
    model: LinearModel | Schedule, actuators: FloatArray, weight: FloatArray, *, price: float, interval: float,
    delay: int = 0, initial: InitialState | None = None, grid: TimeGrid | None = None, near: FloatArray | None = None,
    where: str = "given",
) -> Controller:  # fmt: skip
    """The least tr(Q V) + ρ⟨uᵀu⟩ at the ends of the intervals, with δ = Buh. Section 9 of sim/README.md.

    Parameters
    ----------
    model : as the controller knows it, which may be another one than that of the oscillators; of a schedule, the gain
        is that of the first model
    actuators, where : B, a column for each actuator, (d, p), and their name in messages
    weight : Q of the second moments, symmetric, ≥ 0, (d, d)
    price : ρ > 0, s², as for ``sim.control.closed_loop.close_loop``
    interval : h, seconds
    delay : number of intervals between a sum and the displacement that follows from it
    initial, grid : the filter starts from the unconditional covariance of this state and has a gain for each interval
        of this grid; left out, its gain is that of the steady state
    near : a root of a covariance like the one that is held, (d, d), which gives the coordinates for the gain where
        variances differ much; see ``sim.roots``

    Raises ValueError for actuators that do not reach what grows and values out of range, and NoSteadyStateError for a
    filter without a steady state.
    """
    require(price, "control price", low=0.0, low_open=True)
    first = Schedule.of(model).models[0]
    feedback = sampled_gain(first, actuators, weight, price=price, interval=interval, near=near, where=where)
    return sampled_feedback(model, feedback, interval=interval, delay=delay, initial=initial, grid=grid, name="lqg")


def sampled_ideal(
    model: LinearModel | Schedule, actuators: FloatArray, weight: FloatArray, *, interval: float, delay: int = 0,
    initial: InitialState | None = None, grid: TimeGrid | None = None, near: FloatArray | None = None,
    where: str = "given",
) -> Controller:  # fmt: skip
    """``sampled_lqg`` at no price: if the actuators reach all quadratures, the predicted mean is cancelled completely.

    Raises ValueError also where the cost does not depend on what an actuator moves. Section 9 of sim/README.md.
    """
    first = Schedule.of(model).models[0]
    if np.linalg.matrix_rank(actuators) == model.dimension:
        feedback = np.eye(model.dimension)
    else:
        feedback = sampled_gain(first, actuators, weight, price=0.0, interval=interval, near=near, where=where)
    return sampled_feedback(model, feedback, interval=interval, delay=delay, initial=initial, grid=grid, name="ideal")


def sampled_gain(
    model: LinearModel, actuators: FloatArray, weight: FloatArray, *, price: float, interval: float,
    near: FloatArray | None = None, where: str = "given",
) -> FloatArray:  # fmt: skip
    """G of δ = −G p, from the Riccati equation in discrete time; array of shape (d, d). Section 9 of sim/README.md.

    With s the mean before a displacement Bv and s + Bv after it, the cost of an interval is
    (s + Bv)ᵀQ(s + Bv) + ρ vᵀv/h². Parameters and errors as for ``sampled_lqg``, but ρ may be 0.
    """
    require(price, "control price", low=0.0)
    equations = moment_equations(model)
    require_reach(equations.drift, actuators, where)
    # In coordinates y, x = basis y, in which the covariance that will be held is about 1.
    basis = np.eye(model.dimension) if near is None else triangular(near).T
    back = np.linalg.inv(basis)
    step = back @ propagator(equations, interval).transition[: model.dimension] @ basis
    columns, cost = back @ np.asarray(actuators, dtype=float), basis.T @ np.asarray(weight, dtype=float) @ basis
    size = float(np.linalg.norm(cost, 2))
    if not size > 0.0:
        raise ValueError("the weight of a control cost must not be zero")
    cost /= size
    moved = columns.T @ cost @ columns + price / (size * interval**2) * np.eye(columns.shape[1])
    lengths = np.linalg.norm(columns, axis=0)
    if np.linalg.eigvalsh(moved / np.outer(lengths, lengths))[0] < _UNSEEN:
        raise ValueError("ideal control has no limit here: some of these actuators move nothing that the cost contains")
    try:
        found = solve_discrete_are(step, step @ columns, cost, moved, s=cost @ columns)
    except np.linalg.LinAlgError:
        raise NoSteadyStateError(
            f"no control on the actuators {where} has the smallest cost: the variances grow without bound as it falls; "
            "give a price, as lqg has one"
        ) from None
    onward = step.T @ found @ step
    gain = np.linalg.solve(moved + columns.T @ onward @ columns, columns.T @ (onward + cost))
    return np.asarray(np.asarray(actuators, dtype=float) @ gain @ back, dtype=np.float64)


def sampled_feedback(
    model: LinearModel | Schedule, feedback: FloatArray, *, interval: float, delay: int = 0,
    initial: InitialState | None = None, grid: TimeGrid | None = None, name: str = "linear",
) -> Controller:  # fmt: skip
    """The controller δ = −G p with the exact filter of the sums and a predictor. Section 9 of sim/README.md.

    ``feedback`` is G, array of shape (d, d); the other parameters are those of ``sampled_lqg``.

    Raises ValueError for a delay that is not a whole number ≥ 0, and without one of ``initial`` and ``grid``; and
    NoSteadyStateError for a filter that has no steady state, if it is to start in it.
    """
    require_count(delay, "delay in control intervals", low=0)
    if (initial is None) != (grid is None):
        raise ValueError("a filter that starts from a state needs both the state and the grid of the run")
    d, m = model.dimension, len(model.record_names)
    steps, offsets = [], []
    # The columns are those of f, of the last n − 1 innovations, of ΔY, and of a constant.
    past = max(delay - 1, 0)
    size = d + past * m
    identity = np.eye(size + m + 1)
    responses: list[FloatArray] = []
    for step, gain in _filtered(model, interval, initial, grid, delay):
        transition, readout = step.transition[:d], step.transition[d:]
        filtered, sums, constant = identity[:d], identity[size:-1], identity[-1:]
        innovation = sums - readout @ filtered - step.drive[d:, None] * constant
        latest = transition @ filtered + step.drive[:d, None] * constant + gain @ innovation
        # What each of the last n innovations has added to the mean by now.
        responses = [gain, *(transition @ each for each in responses)][:delay]
        known = latest
        for age, response in enumerate(responses):
            row = d + (age - 1) * m
            known = known - response @ (innovation if age == 0 else identity[row : row + m])
        displaced = -feedback @ known
        line = [innovation, identity[d : size - m]] if past else []
        whole = np.concatenate([latest + displaced, *line, displaced])
        steps.append(whole[:, :-1])
        offsets.append(whole[:, -1])
    start = np.zeros(size)
    start[:d] = 0.0 if initial is None else initial.center
    return Controller(
        interval=interval, steps=np.array(steps), offsets=np.array(offsets), start=start, dimension=d, name=name
    )


def _filtered(
    model: LinearModel | Schedule, interval: float, initial: InitialState | None, grid: TimeGrid | None, delay: int
) -> Iterator[tuple[Propagator, FloatArray]]:
    """The propagator of each control interval and the gain W_k of the filter of the sums, (d, m)."""
    schedule = Schedule.of(model)
    equations = [moment_equations(each) for each in schedule.models]
    if initial is None or grid is None:
        step = propagator(equations[-1], interval)
        _, gain = _updated(_steady(step), step)
        # As many intervals as the delay is long, so that the response to the oldest innovation is among the last ones.
        yield from ((step, gain) for _ in range(max(delay, 1)))
        return
    initial.require_gaussian("a record")
    intervals = control_grid(grid, interval)
    found, numbers = interval_propagators(equations, schedule, intervals.step, intervals.steps)
    covariance = initial.unconditional
    for number in numbers:
        covariance, gain = _updated(covariance, found[number])
        yield found[number], gain


def _updated(covariance: FloatArray, step: Propagator) -> tuple[FloatArray, FloatArray]:
    """V of the filter after an interval, and its gain W = J_xY J_YY⁻¹, from V before it. Section 4 of sim/README.md."""
    d = len(covariance)
    joint = step.joint(covariance)
    gain = np.asarray(np.linalg.solve(joint[d:, d:], joint[d:, :d]).T, dtype=np.float64)
    after = joint[:d, :d] - gain @ joint[d:, :d]
    return np.asarray((after + after.T) / 2.0, dtype=np.float64), gain


def _steady(step: Propagator) -> FloatArray:
    """V of the filter after many intervals, as one map that is doubled until it forgets where it began."""
    d = step.transition.shape[1]
    (xx, xy), yy = np.split(step.noise[:d], [d], axis=1), step.noise[d:, d:]
    past = np.linalg.solve(yy, xy.T).T
    readout = step.transition[d:]
    each = RiccatiMap(
        phi=step.transition[:d] - past @ readout,
        gamma=readout.T @ np.linalg.solve(yy, readout),
        offset=xx - past @ xy.T,
    )
    with np.errstate(all="ignore"):
        for _ in range(_DOUBLINGS):
            each = each.doubled()
        found: FloatArray = each(np.eye(d))
    if not np.all(np.isfinite(found)) or np.abs(each.phi).max() > _WHOLE:
        raise NoSteadyStateError(
            "the filter of the sums has no steady state: a direction is neither measured nor damped"
        )
    return found
