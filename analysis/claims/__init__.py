"""The checkable statements of arXiv:1901.04250, one by one, held against what this package computes.

A verdict is computed, never typed in: each function evaluates what its statement is about and compares.
"""

from collections.abc import Callable, Iterator

from analysis.claims.claim import Claim
from analysis.claims.optima import appendix_b, loss_tolerance, optimal_steering, ratios
from analysis.claims.regions import equations, figure_2, figure_3

__all__ = ["CLAIMS", "Claim", "claims"]

CLAIMS: tuple[Callable[[], Iterator[Claim]], ...] = (
    equations,
    figure_2,
    figure_3,
    optimal_steering,
    loss_tolerance,
    ratios,
    appendix_b,
)


def claims() -> Iterator[Claim]:
    """All of them, in the paper's order, as they are found."""
    for group in CLAIMS:
        yield from group()
