"""The effect matrix of a record: what is known of the state at t from the record after t alone. Section 4 of
sim/README.md.

The effect Ê of the record after t gives the probability of that record, Tr(ρÊ), for any state ρ at t (Gammelmark,
Julsgaard and Mølmer, Phys. Rev. Lett. 111, 160401 (2013); Zhang and Mølmer, Phys. Rev. A 96, 062131 (2017)). For linear
models it is Gaussian: its Wigner function is the likelihood of the record in the classical process that has the same
moments, exp(−½ |R x − r|²). V_R = (RᵀR)⁻¹ is infinite at the end of the record.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled
from cascade_steering.sim.gaussian.filtering import require_record
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.past.backward import (
    BackwardGains,
    BackwardStep,
    backward_step,
    carry_back,
    share_back,
)
from cascade_steering.sim.gaussian.past.shared import SharedMatrices
from cascade_steering.sim.gaussian.propagator import case_propagator
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import plain_number, require

__all__ = ["Effect", "LaterRecord", "retrodict_record"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.intp]
# The number of intervals whose gains are computed at once: they stay in the cache while all records pass.
_STRETCH = 1024
# of the largest column of R: what is below this is rounding of information that is not there
_NOTHING = 1e-13


@dataclass(frozen=True, kw_only=True, eq=False)
class LaterRecord:
    """The effect of a record at its start, with which the retrodiction of an earlier piece continues.

    Section 4 of sim/README.md.

    Parameters
    ----------
    root : R, upper triangular, array of shape (d, d)
    vector : r, array of shape (..., d)
    """

    root: FloatArray
    vector: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Effect:
    """Effects exp(−½ |R x − r|²) of what follows in the record, before each interval and at its end.

    Section 4 of sim/README.md.

    Parameters
    ----------
    shared : R, upper triangular, the same for every record
    vectors : r, array of shape (..., intervals + 1, d)
    """

    shared: SharedMatrices
    vectors: FloatArray

    @property
    def roots(self) -> FloatArray:
        """R, array of shape (intervals + 1, d, d)."""
        return self.shared.all

    @property
    def information(self) -> FloatArray:
        """V_R⁻¹ = RᵀR, zero for what the record after t does not show; array of shape (intervals + 1, d, d)."""
        kinds = self.shared.kinds
        found: FloatArray = (np.swapaxes(kinds, -1, -2) @ kinds)[self.shared.numbers]
        return found

    @property
    def determined(self) -> BoolArray:
        """Whether the record after t determines all quadratures, so that V_R is finite; shape (intervals + 1,)."""
        found: BoolArray = _determined(self.shared.kinds)[self.shared.numbers]
        return found

    @property
    def means(self) -> FloatArray:
        """x̂_R = R⁻¹r, NaN where it is not determined; array of shape (..., intervals + 1, d)."""
        found = np.full(self.vectors.shape, np.nan)
        sound, shared = _determined(self.shared.kinds), self.shared
        for each, vectors in zip(_flat(found), _flat(self.vectors), strict=True):
            _solve_all(shared.kinds, shared.numbers, vectors, sound, each)
        return found

    @property
    def covariances(self) -> FloatArray:
        """V_R, NaN where it is not finite; array of shape (intervals + 1, d, d)."""
        kinds = self.shared.kinds
        sound = _determined(kinds)
        inverse = np.full(kinds.shape, np.nan)
        inverse[sound] = np.linalg.inv(kinds[sound])
        found: FloatArray = (inverse @ np.swapaxes(inverse, -1, -2))[self.shared.numbers]
        return found

    @property
    def start(self) -> LaterRecord:
        """With which an earlier piece of the record continues, see ``retrodict_record``."""
        return LaterRecord(root=self.shared.kinds[self.shared.numbers[0]], vector=self.vectors[..., 0, :])


def retrodict_record(
    model: LinearModel | Schedule, record: FloatArray, interval: float, observed: BoolArray | None = None,
    *, later: LaterRecord | None = None, before: int = 0
) -> Effect:  # fmt: skip
    """The effects of records of dY summed over intervals of equal length, exact for the sums.

    Section 4 of sim/README.md.

    Parameters
    ----------
    record : array of shape (..., intervals, m), √s
    interval : length of each interval, seconds
    observed : False where nothing was recorded, the same for all records; array of shape (intervals,)
    later : what the record after this piece says, its ``Effect.start``; nothing if left out. So a long record is
        retrodicted piece by piece, the last one first
    before : the number of intervals of the record before this piece, which a schedule needs

    Raises ValueError as ``sim.gaussian.filtering.filter_record`` does, for a model with electronics, whose filters
    remember the state before, and for ``later`` of another shape.
    """
    record, interval = np.asarray(record, dtype=float), plain_number(interval)
    recorded = require_record(model, record, observed)
    require(interval, "interval", low=0.0, low_open=True)
    count, m = record.shape[-2:]
    d = model.dimension
    records = np.ascontiguousarray(record).reshape(-1, count, m)
    root, vectors = np.zeros((d, d)), np.zeros((len(records), count + 1, d))
    if later is not None:
        if np.shape(later.root) != (d, d) or np.shape(later.vector) != (*record.shape[:-2], d):
            raise ValueError(
                f"later must have a root of shape {(d, d)} and vectors of shape {(*record.shape[:-2], d)}, got "
                f"{np.shape(later.root)} and {np.shape(later.vector)}"
            )
        root, vectors[:, -1] = np.asarray(later.root, dtype=float), np.reshape(later.vector, (-1, d))
    size = min(count, _STRETCH)
    gains = BackwardGains(np.empty((size, d, d)), np.empty((size, d, m)), np.empty((size, d)))
    roots = np.empty((size + 1, d, d))
    kinds, numbers = [root[None]], np.zeros(count + 1, dtype=np.intp)
    for begin, end, step in _equal_steps(model, interval, before, count):
        for last in range(end, begin, -_STRETCH):
            first = max(last - _STRETCH, begin)
            path, some = roots[: last - first + 1], recorded[first:last]
            path[-1] = root
            share_back(some, step, path, gains)
            for one, each in zip(records, vectors, strict=True):
                carry_back(one[first:last], some, step, gains, each[first : last + 1])
            # from the last interval to the first: another kind wherever R changes
            changed = np.any(path[:-1] != path[1:], axis=(1, 2))[::-1]
            numbers[first:last] = (numbers[last] + np.cumsum(changed))[::-1]
            kinds.append(path[:-1][::-1][changed])
            root = path[0].copy()
    shared = SharedMatrices(kinds=np.concatenate(kinds), numbers=numbers)
    return Effect(shared=shared, vectors=vectors.reshape(*record.shape[:-2], count + 1, d))


def _equal_steps(
    model: LinearModel | Schedule, interval: float, before: int, count: int
) -> Iterator[tuple[int, int, BackwardStep]]:
    """Stretches of equal intervals, the last one first: the first of them, the one after the last, and their step."""
    schedule = Schedule.of(model)
    equations = [moment_equations(each) for each in schedule.models]
    cases, numbers = schedule.intervals(interval, count, before)
    steps = [backward_step(case_propagator(equations, case)) for case in cases]
    edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), count]
    for first, last in reversed(list(pairwise(edges))):
        yield first, last, steps[numbers[first]]


def _determined(roots: FloatArray) -> BoolArray:
    """Whether each R (kinds, d, d) is regular."""
    diagonal = np.diagonal(roots, axis1=-2, axis2=-1)
    found: BoolArray = np.all(diagonal > _NOTHING * np.linalg.norm(roots, axis=-2), axis=-1)
    return found


@compiled
def _solve_all(
    kinds: FloatArray, numbers: IntArray, vectors: FloatArray, sound: BoolArray, found: FloatArray
) -> None:  # fmt: skip
    """R⁻¹r of one record where ``sound``, in place."""
    count, d = vectors.shape
    for k in range(count):
        if sound[numbers[k]]:
            root = kinds[numbers[k]]
            for i in range(d - 1, -1, -1):
                total = vectors[k, i]
                for j in range(i + 1, d):
                    total -= root[i, j] * found[k, j]
                found[k, i] = total / root[i, i]


def _flat(array: FloatArray) -> FloatArray:
    """A view of (..., n, d) as (records, n, d)."""
    return array.reshape(-1, *array.shape[-2:])
