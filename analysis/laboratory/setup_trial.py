"""E of a setup with one of its numbers replaced, where the file has it, so that all that follows from it changes along.

Section 10 of sim/README.md.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, Direction, Scheme
from cascade_steering.analysis.laboratory.elimination import steady_of_fast
from cascade_steering.analysis.laboratory.setup_file import setup_of
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError

__all__ = ["NumberPath", "SetupTrial", "by_scheme"]

FloatArray = NDArray[np.float64]
# the tables and the key
NumberPath = tuple[str, ...]
# elimination that changes E by less costs nothing
_NEGLIGIBLE = 1e-4


class SetupTrial:
    """E of a setup, given as the tables of its file, with one number replaced.

    It is that with the cavities kept, or that by elimination where this differs by less than 1e-4: it then has more
    digits. Raises ValueError as ``read_setup`` does for the tables, and NoSteadyStateError where there is no steady
    state given the record. Section 10 of sim/README.md.
    """

    def __init__(self, tables: Mapping[str, Any], name: str) -> None:
        self.tables, self.name = tables, name
        self._known: dict[tuple[NumberPath, float], FloatArray] = {}
        costs = setup_of(tables, name).elimination().difference
        # a NaN, where E grows, is not small
        self._kept = not all(abs(each) < _NEGLIGIBLE for scheme in costs.values() for each in scheme.values())
        self.now = self._of(tables)

    def value(self, path: NumberPath, default: float | None = None) -> float:
        """The number as it is given, or the default of one that is not."""
        at: Any = self.tables
        for key in path[:-1]:
            at = at.get(key, {})
        return float(at[path[-1]] if default is None else at.get(path[-1], default))

    def at(self, path: NumberPath, value: float) -> FloatArray:
        """E, array of shape (schemes, directions); infinite where the setup is refused, or has no steady state."""
        if (path, value) not in self._known:
            self._known[path, value] = self._changed(path, value)
        return self._known[path, value]

    def _changed(self, path: NumberPath, value: float) -> FloatArray:
        changed: Any = deepcopy(dict(self.tables))
        inside = changed
        for key in path[:-1]:
            inside = inside.setdefault(key, {})
        inside[path[-1]] = value
        try:
            return self._of(changed)
        except (ValueError, NoSteadyStateError):
            return np.full_like(self.now, np.inf)

    def _of(self, tables: Mapping[str, Any]) -> FloatArray:
        pair = setup_of(tables, self.name).pair
        found = steady_of_fast(pair.kept if self._kept else pair.eliminated)
        return np.array([[found.E[scheme][each] for each in DIRECTIONS] for scheme in SCHEMES])


def by_scheme(values: NDArray[Any]) -> dict[Scheme, dict[Direction, Any]]:
    """An array of shape (schemes, directions) by their names."""
    rows = ((scheme, row) for scheme, row in zip(SCHEMES, values.tolist(), strict=True))
    return {scheme: dict(zip(DIRECTIONS, row, strict=True)) for scheme, row in rows}
