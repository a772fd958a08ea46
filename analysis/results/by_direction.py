"""Values by direction, of any direction that is asked for."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import Steered

__all__ = ["ByDirection", "Value", "gains"]

Value = TypeVar("Value")
_Number = TypeVar("_Number", float, NDArray[np.float64])


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


def gains(unconditional: ByDirection[_Number], conditional: ByDirection[_Number]) -> ByDirection[_Number]:
    """d = 1 − E_c/E_u by direction, of any direction that both are asked for."""

    def gain(way: str | Steered) -> _Number:
        return 1.0 - conditional[way] / unconditional[way]

    return ByDirection({each: gain(each) for each in unconditional}, gain)
