"""Values by direction, of any direction that is asked for."""

from collections.abc import Callable, Mapping
from typing import TypeVar

from cascade_steering.analysis.criteria.steering import Steered

__all__ = ["ByDirection", "Value"]

Value = TypeVar("Value")


class ByDirection(dict[str, Value]):
    """Values by the text of their direction, ``plus_given_minus``; any other ``Steered`` is computed when asked for.

    Parameters
    ----------
    known : values of every oscillator given every other one, by direction
    other : computes the value of another direction; it raises ValueError for oscillators that are not there
    """

    def __init__(self, known: Mapping[str, Value], other: Callable[[Steered], Value]) -> None:
        super().__init__(known)
        self._other = other

    def __getitem__(self, direction: str | Steered) -> Value:
        """Raises ValueError for a text that is none of the directions, and for oscillators that are not there."""
        if (text := str(direction)) in self:
            return super().__getitem__(text)
        if isinstance(direction, Steered):
            return self._other(direction)
        raise ValueError(f"direction must be one of {', '.join(self) or 'none'} or a Steered, got {direction!r}")
