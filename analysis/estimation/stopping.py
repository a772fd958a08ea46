"""When an ensemble is large enough: the target for the width of an interval."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, AnyDirection
from cascade_steering.sim.parameters import require

if TYPE_CHECKING:
    from cascade_steering.analysis.estimation.estimators import Estimate

__all__ = ["QUANTITIES", "Estimates", "Target", "target"]

QUANTITIES = (*SCHEMES, "d")


class Estimates(Protocol):
    """E and d with intervals, by direction: of an ensemble, or as a laboratory finds them."""

    @property
    def unconditional(self) -> "Mapping[AnyDirection, Estimate]":
        """E without the record."""

    @property
    def conditional(self) -> "Mapping[AnyDirection, Estimate]":
        """E given the record."""

    @property
    def d(self) -> "Mapping[AnyDirection, Estimate]":
        """1 − E_c/E_u."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """The half-width of the 95 % interval of ``quantity`` relative to its value, in every one of ``directions``.

    It is compared after each block, in order, so that the number of trajectories does not depend on the workers.
    Raises ValueError for another quantity than d and E with or without the record, or a width that is not positive.
    """

    quantity: str
    relative_half_width: float
    directions: tuple[AnyDirection, ...] = DIRECTIONS

    def __post_init__(self) -> None:
        if self.quantity not in QUANTITIES:
            raise ValueError(f"the quantity of a target must be one of {', '.join(QUANTITIES)}, got {self.quantity!r}")
        require(self.relative_half_width, "relative half-width", low=0.0, low_open=True)

    def widths(self, steering: Estimates) -> dict[AnyDirection, float]:
        """The relative half-width in each direction."""
        estimates = getattr(steering, self.quantity)
        return {each: estimates[each].relative_half_width for each in self.directions}

    def met(self, steering: Estimates) -> bool:
        """Whether all intervals are narrow enough."""
        return all(width <= self.relative_half_width for width in self.widths(steering).values())


def target(text: str) -> Target:
    """QUANTITY:WIDTH or QUANTITY:DIRECTION:WIDTH. Raises ValueError for any other text."""
    allowed = f"QUANTITY:WIDTH or QUANTITY:DIRECTION:WIDTH with {', '.join(QUANTITIES)} and {' or '.join(DIRECTIONS)}"
    try:
        quantity, *direction, width = text.split(":")
        wanted = float(width)
    except ValueError:
        raise ValueError(f"a target must be {allowed}, got {text!r}") from None
    directions = tuple(each for each in DIRECTIONS if [each] == direction) or DIRECTIONS
    if quantity not in QUANTITIES or (direction and len(directions) != 1):
        raise ValueError(f"a target must be {allowed}, got {text!r}")
    return Target(quantity=quantity, relative_half_width=wanted, directions=directions)
