"""Sec. VI of arXiv:1901.04250: whether active feedback improves on the best stable pair, and which does."""

from collections.abc import Iterator

import numpy as np
from scipy.optimize import minimize_scalar

from cascade_steering.analysis.criteria.steering import STEERING_BOUND
from cascade_steering.analysis.paper.claims.best_working_points import FORWARD, HOT, best
from cascade_steering.analysis.paper.claims.claim import Claim, verdict
from cascade_steering.analysis.results.feedback_result import FeedbackResult, feedback
from cascade_steering.sim.control.closed_loop import Law
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Cascade, Detection, Oscillator
from cascade_steering.sim.rotating_wave.closed_forms import steering_limits
from cascade_steering.sim.rotating_wave.equations import RotatingWave

__all__ = ["feedback_stabilization"]

_C_MINUS = (1.0, 2.0, 10.0, 100.0)
_STATEMENT = "further improvements are likely possible by adding active feedback stabilization"
_WHERE = "Sec. VI, Ref. [47]"
# an improvement of less than this is none to speak of
_LEAST = 0.05


def feedback_stabilization() -> Iterator[Claim]:
    """The sentence, with direct feedback on both, with forces along the growing motion, and with forces on − alone."""
    stable = [best(c, "hot")[FORWARD].value for c in _C_MINUS]
    whole = (
        "theta- = 0, theta+ = pi/2, gamma- < 0, hot baths, no loss, C+ where E has its smallest limit without a "
        "record: with b = -K the covariance without the record is that given it. The gain is that of leaving the "
        "stable region: for a stable pair feedback turns E_u into E_c, which is smaller by d"
    )
    energy = _loop(10.0, "ideal", "minus", "energy").controlled[FORWARD]
    alone = (
        "the least that any law approaches; the larger C-, the more they leave in + what - has told it. With the "
        f"second moments as the cost E+|- = {energy:.2f} at C- = 10"
    )
    loops: tuple[tuple[Law, str, str, str], ...] = (
        ("direct", "both", "the current as a force on both", whole),
        ("lqg", "mode", "forces along the motion that grows", "LQG control with E+|- as the cost"),
        ("ideal", "minus", "forces on - alone", alone),
    )
    for law, where, place, why in loops:
        held = [_loop(c, law, where) for c in _C_MINUS]
        found = [each.controlled[FORWARD] for each in held]
        gained = [1.0 - loop / open_loop for loop, open_loop in zip(found, stable, strict=True)]
        yield Claim(
            where=_WHERE,
            statement=f"{_STATEMENT} ({place})",
            found="E+|- " + ", ".join(
                f"{loop:.4f} for {open_loop:.4f} at C- = {c:g}"
                for loop, open_loop, c in zip(found, stable, _C_MINUS, strict=True)
            ),
            verdict=verdict(min(gained) > _LEAST and max(found) < STEERING_BOUND, partly=max(gained) > _LEAST),
            why=why,
        )  # fmt: skip


def _cascade(c_minus: float, c_plus: float) -> Cascade:
    minus, plus = (
        Oscillator.from_cooperativity(c, angle_pi=angle, bath=HOT) for c, angle in ((c_minus, 0.0), (c_plus, 0.5))
    )
    return Cascade(minus=minus, plus=plus)


def _loop(c_minus: float, law: Law, where: str, cost: str = FORWARD) -> FeedbackResult:
    """The loop at θ₋ = 0, θ₊ = π/2 and the C₊ at which E without a record has its smallest limit."""

    def limit(log_ratio: float) -> float:
        return float(steering_limits(RotatingWave.of(_cascade(c_minus, c_minus * np.exp(log_ratio))))[0])

    ratio = np.exp(minimize_scalar(limit, bounds=(0.0, np.log(1e3)), method="bounded", options={"xatol": 1e-9}).x)
    point = _cascade(c_minus, c_minus * float(ratio))
    return feedback(rwa(point, Detection()), law=law, actuators_on=where, cost=cost, time_unit=point.time_unit)
