"""What a run is a run of, in numbers and text as JSON has them, and where two such descriptions differ.

Numbers are kept as they are and compared with a tolerance: another machine's cosine or solver may differ in its last
digits, and a digest of rounded numbers would turn on them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["EXACT", "SOLVED", "Tolerance", "differences", "model_identity", "numbers_of", "plain"]

# More numbers than these, those of a density matrix, are held by sums of them alone
_MOST = 4096
_SUMS = 16
_NUMBER = re.compile(r"\d+\.?\d*(?:e[-+]?\d+)?")


@dataclass(frozen=True, kw_only=True)
class Tolerance:
    """Two numbers are one if they differ by less than ``own`` of the larger, or ``largest`` of their array's largest.

    The second is for entries that are the difference of others.
    """

    own: float
    largest: float


# Settings and what follows from them in closed form. One unit in the last place is 2e-16; what changes a setting by
# 1e-6 changes an entry of the model by 1e-9 or more of itself.
EXACT = Tolerance(own=1e-9, largest=1e-12)
# What comes from a solver: over 400 working points up to 100 rad/s from instability, one unit in the last place of the
# model moves a stationary state by at most 2e-11 of its largest entry, in the lab frame.
SOLVED = Tolerance(own=1e-7, largest=1e-9)


def plain(value: Any) -> Any:
    """The same as JSON gives it back: lists for arrays and tuples, of complex numbers pairs.

    Raises TypeError for what JSON does not hold.
    """
    if isinstance(value, Mapping):
        return {str(name): plain(each) for name, each in value.items()}
    if isinstance(value, np.ndarray):
        return (np.stack([value.real, value.imag], axis=-1) if np.iscomplexobj(value) else value).tolist()
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, (str, int, float)):
        return value
    raise TypeError(f"only numbers and text can be written, and lists and tables of them, got {value!r}")


def numbers_of(parts: Any) -> dict[str, Any]:
    """The fields of a model or a state; of an array of more than 4096 numbers sixteen sums, with signs of their own."""
    values = {each.name: getattr(parts, each.name) for each in fields(parts)}
    return {
        name: plain(_sums(value) if isinstance(value, np.ndarray) and value.size > _MOST else value)
        for name, value in values.items()
    }


def model_identity(model: LinearModel | Schedule) -> dict[str, Any]:
    """The numbers of a model; of a schedule those of its models, and when they take over, seconds."""
    schedule = Schedule.of(model)
    first, *others = map(numbers_of, schedule.models)
    return {**first, "switches": plain(schedule.switches), "later_models": others} if others else first


def _sums(values: NDArray[Any]) -> dict[str, Any]:
    """Sixteen sums Σ ±a of an array, each sign by a coin: where something differs, all agree once in 2¹⁶ at most."""
    # the raw numbers of a generator are the same in every version of numpy
    coins, flat = np.random.PCG64(0).random_raw(values.size), values.ravel()
    signed = (np.where(coins & np.uint64(1 << place), flat, -flat) for place in range(_SUMS))
    return {"shape": values.shape, "norm": np.linalg.norm(flat), "sums": np.array([np.sum(each) for each in signed])}


def differences(there: Any, here: Any, tolerance: Tolerance, name: str = "") -> Iterator[tuple[str, Any, Any]]:
    """(name, there, here) of whatever differs; ``None`` stands for what is not given, or null.

    Names and text must be the same, but for the numbers of which a text consists.
    """
    ours, theirs = _array(there), _array(here)
    if ours is not None and theirs is not None:
        yield from _of_numbers(ours, theirs, tolerance, name)
    elif isinstance(there, dict) and isinstance(here, dict):
        for key in dict.fromkeys([*there, *here]):
            yield from differences(there.get(key), here.get(key), tolerance, f"{name}.{key}" if name else key)
    elif isinstance(there, list) and isinstance(here, list):
        for place, (one, other) in enumerate(zip_longest(there, here)):
            yield from differences(one, other, tolerance, f"{name}[{place}]")
    elif isinstance(there, str) and isinstance(here, str):
        if not _same_text(there, here, tolerance):
            yield name, there, here
    elif (type(there), there) != (type(here), here):
        yield name, there, here


def _array(value: Any) -> NDArray[Any] | None:
    """A number, a list of numbers, or of equally long lists of them; None for anything else."""
    try:
        found = np.array(value)
    except ValueError:
        return None
    return found if found.dtype.kind in "iuf" else None


def _of_numbers(
    ours: NDArray[Any], theirs: NDArray[Any], tolerance: Tolerance, name: str
) -> Iterator[tuple[str, Any, Any]]:
    if ours.shape != theirs.shape:
        yield name, f"of shape {ours.shape}", f"of shape {theirs.shape}"
        return
    same = ours == theirs
    # whole numbers are counts, which are the same or not
    if ours.dtype.kind == "f" or theirs.dtype.kind == "f":
        size = np.maximum(np.abs(ours), np.abs(theirs))
        same |= np.abs(ours - theirs) <= tolerance.own * size + tolerance.largest * np.max(size, initial=0.0)
    for index in np.argwhere(~same):
        at = tuple(index.tolist())
        yield f"{name}{list(at) if at else ''}", ours[at].item(), theirs[at].item()


def _same_text(one: str, other: str, tolerance: Tolerance) -> bool:
    """Whether two texts are the same but for the last digits of numbers: options such as "1.0,5.0" or "20us"."""
    first, second = ([float(each) for each in _NUMBER.findall(text)] for text in (one, other))
    return _NUMBER.sub("#", one) == _NUMBER.sub("#", other) and not any(differences(first, second, tolerance))
