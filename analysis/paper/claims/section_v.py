"""Sec. V of arXiv:1901.04250: the best steering, and how it depends on baths and loss."""

from collections.abc import Iterator

import numpy as np

from cascade_steering.analysis.criteria.steering import DIRECTIONS, STEERING_BOUND
from cascade_steering.analysis.paper.claims.best_working_points import (
    BACKWARD,
    BATHS_OF_PLUS,
    C_MINUS_VALUES,
    FORWARD,
    best,
)
from cascade_steering.analysis.paper.claims.claim import Claim, verdict

__all__ = ["asymmetry", "loss_tolerance", "strong_coupling", "two_directions", "two_servers"]


def asymmetry() -> Iterator[Claim]:
    """Fig. 4: the gain by unequal angles."""
    gains = [
        best(c, bath, loss, True)[each].value / best(c, bath, loss)[each].value
        for c in C_MINUS_VALUES for bath in BATHS_OF_PLUS for loss in (0.0, 0.2) for each in DIRECTIONS
    ]  # fmt: skip
    yield Claim(
        where="Sec. V, Fig. 4",
        statement="asymmetric coupling (f != 0) significantly enhances steering in both directions",
        found=f"E with equal angles is {min(gains):.3f} to {max(gains):.3f} times that with free angles",
        verdict=verdict(min(gains) >= 1 - 1e-9 and max(gains) > 1.5),
        why=f"C- = {C_MINUS_VALUES[0]:g} to {C_MINUS_VALUES[-1]:g}, both baths, loss 0 and 0.2; 1 where neither steers",
    )


def two_directions() -> Iterator[Claim]:
    """Fig. 4: which direction is better."""
    ordered = [
        best(c, bath, loss)[FORWARD].value < best(c, bath, loss)[BACKWARD].value
        for c in C_MINUS_VALUES for bath in BATHS_OF_PLUS for loss in (0.0, 0.2)
    ]  # fmt: skip
    separation = [
        best(c, "hot", loss)[BACKWARD].value / best(c, "hot", loss)[FORWARD].value
        for c in (10.0, 300.0) for loss in (0.0, 0.2)
    ]  # fmt: skip
    yield Claim(
        where="Sec. V, Fig. 4",
        statement="E+|- outperforms E-|+ significantly for C- up to about 10 without loss, for all C- with loss 0.2",
        found=f"E-|+/E+|- (hot): {separation[0]:.3f} at C- = 10 and {separation[2]:.3f} at 300 without loss, "
        f"{separation[1]:.3f} and {separation[3]:.3f} with; E+|- is smaller at {np.mean(ordered):.0%} of the points",
        verdict=verdict(all(ordered) and separation[2] < 1.02 < separation[3]),
        why="loss acts on the steering object in E-|+, on the steered one in E+|-",
    )


def two_servers() -> Iterator[Claim]:
    """Fig. 4: the hot bath and the vacuum bath."""
    preferable = {
        each: [
            best(c, "vacuum", loss)[each].value <= best(c, "hot", loss)[each].value
            for c in C_MINUS_VALUES
            for loss in (0.0, 0.2)
        ]
        for each in DIRECTIONS
    }
    yield Claim(
        where="Sec. V, Fig. 4",
        statement="a vacuum bath of the server is preferable to a hot one of the same decoherence rate",
        found=f"E+|- is smaller at {np.mean(preferable[FORWARD]):.0%} of the points, "
        f"E-|+ at {np.mean(preferable[BACKWARD]):.0%}",
        verdict=verdict(all(preferable[FORWARD]) and all(preferable[BACKWARD]), partly=all(preferable[FORWARD])),
        why=f"true of E+|-, the quantity of interest; at C- = 10 E-|+ is {best(10.0, 'vacuum')[BACKWARD].value:.4f} "
        f"with the vacuum bath, {best(10.0, 'hot')[BACKWARD].value:.4f} with the hot one",
    )


def strong_coupling() -> Iterator[Claim]:
    """Fig. 4(b): C₋ → ∞ with loss."""
    limits = [best(1e4, "hot", loss)[each].value for loss in (0.0, 0.2) for each in DIRECTIONS]
    expected = [0.01, 0.01, np.sqrt(0.2) / 2, np.sqrt(0.2 / 0.8) / 2]
    yield Claim(
        where="Sec. V, Fig. 4(b)",
        statement="with loss the two directions stay different, E+|- < E-|+, even in the limit of large C-",
        found=", ".join(f"{value:.4f}" for value in limits[2:]) + " at C- = 1e4 and loss 0.2",
        verdict=verdict(limits[2] < 0.99 * limits[3]),
        why="they tend to sqrt(loss)/2 = "
        f"{expected[2]:.4f} and sqrt(loss/(1 - loss))/2 = {expected[3]:.4f}; without loss both fall as 1/sqrt(C-)",
    )


def loss_tolerance() -> Iterator[Claim]:
    """Fig. 5: the loss up to which there is steering."""
    for c, limit in ((10.0, 0.9), (2.0, 0.5)):
        threshold = _threshold(c)
        yield Claim(
            where="Sec. V, Fig. 5",
            statement=f"hot bath, C- = {c:g}: E+|- < 1/2 tolerates losses up to {limit}",
            found=f"up to {threshold:.3f}",
            verdict=verdict(abs(threshold - limit) < 0.03, partly=abs(threshold - limit) < 0.1),
            why="exactly 1 - 1/C-: as C+ grows at theta+ = pi/2, E+|- - 1/2 tends to (1 - (1 - loss) C-)/C+; "
            "the search stops at C+/C- = 100",
        )
    high = [best(c, "vacuum", loss)[FORWARD].value for c in (2.0, 10.0, 100.0) for loss in (0.9, 0.99, 0.999)]
    yield Claim(
        where="Sec. V, Fig. 5",
        statement="vacuum bath of the server: E+|- < 1/2 for every loss < 1",
        found=f"largest value {max(high):.7f} over C- = 2, 10, 100 and losses 0.9 to 0.999",
        verdict=verdict(max(high) < STEERING_BOUND),
        why="at theta+ = pi/2 a vacuum bath keeps + in its ground state, and any correlation then steers it",
    )
    spread = [
        best(100.0, "hot", e)[FORWARD].value / best(100.0, "vacuum", e)[FORWARD].value - 1 for e in (0.0, 0.3, 0.6, 0.9)
    ]
    yield Claim(
        where="Sec. V, Fig. 5",
        statement="C- = 100: E+|- almost the same for both thermal parameters",
        found=f"hot above vacuum by {min(spread):.1%} to {max(spread):.1%}",
        verdict=verdict(max(spread) < 0.05),
        why="losses 0 to 0.9",
    )


def _threshold(c_minus: float) -> float:
    """The largest loss with E₊|₋ < ½ at hot baths, by bisection to 1e-3."""
    low, high = 0.0, 1.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        steers = best(c_minus, "hot", middle)[FORWARD].value < STEERING_BOUND
        low, high = (middle, high) if steers else (low, middle)
    return low
