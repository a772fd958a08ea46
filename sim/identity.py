"""The description of a run in numbers and text, and the comparison of two such descriptions.

Numbers are kept as they are and compared with a tolerance. A digest of them would not do: another machine's cosine or
solver may differ in its last digits.
"""

import json
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, fields, is_dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["differences", "numbers_of", "plain"]

# An array of more numbers than these, such as a density matrix, is described by a few sums of them.
_MOST = 4096
_SUMS = 16
_NUMBER = re.compile(r"\d+\.?\d*(?:e[-+]?\d+)?")
_INDICES = re.compile(r"(\[\d+\])+$")


# Two numbers are equal if they differ by less than the first of the larger one, or by less than the second of the
# largest number of their array: that is for entries that are the difference of larger numbers.
_Tolerance = tuple[float, float]
# For settings and what follows from them in closed form. One unit in the last place is 2e-16; a change of a setting by
# 1e-6 changes an entry of the model by 1e-9 or more of itself.
_EXACT: _Tolerance = (1e-9, 1e-12)
# For the initial state and the controller, which come from solvers: over 400 working points up to 100 rad/s from
# instability, one unit in the last place of the model moves a stationary state by at most 2e-11 of its largest entry,
# in the lab frame.
_SOLVED: _Tolerance = (1e-7, 1e-9)
# Roots of the covariances of the initial state add digits to them, and no other setting. A root is less certain than
# its covariance: δR is of the order of δV over the least deviation.
_FOLLOWS = ("initial.roots[",)


def plain(value: Any) -> Any:
    """The value as JSON returns it: lists for arrays and tuples, pairs for complex numbers of an array.

    Raises TypeError for what JSON cannot hold.
    """
    return json.loads(json.dumps(value, default=_simpler))


def _simpler(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, np.ndarray):
        return (np.stack([value.real, value.imag], axis=-1) if np.iscomplexobj(value) else value).tolist()
    if isinstance(value, np.generic):
        return value.item()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"only numbers and text can be written, and lists and tables of them, got {value!r}")


def numbers_of(parts: Any) -> dict[str, Any]:
    """The fields of a model or a state, arrays of more than 4096 numbers replaced by their norm and sixteen sums."""
    values = {each.name: getattr(parts, each.name) for each in fields(parts)}
    values = {name: asdict(value) if is_dataclass(value) else value for name, value in values.items()}  # type: ignore[arg-type]
    return {
        name: plain(_sums(value) if isinstance(value, np.ndarray) and value.size > _MOST else value)
        for name, value in values.items()
    }


def _sums(values: NDArray[Any]) -> dict[str, Any]:
    """Sixteen sums Σ ±a with random signs: two arrays that differ have sixteen equal sums with a chance of 2⁻¹⁶."""
    # The raw numbers of this generator are the same in every version of numpy.
    coins, flat = np.random.PCG64(0).random_raw(values.size), values.ravel()
    signed = (np.where(coins & np.uint64(1 << place), flat, -flat) for place in range(_SUMS))
    return {"shape": values.shape, "norm": np.linalg.norm(flat), "sums": np.array([np.sum(each) for each in signed])}


def differences(there: Any, here: Any) -> Iterator[tuple[str, Any, Any]]:
    """(name, there, here) of every entry that differs; ``None`` means that it is null or not given.

    Both must be as ``plain`` returns them. Text must be equal, except for the last digits of numbers in it.
    """
    ours, theirs = dict(_entries(there)), dict(_entries(here))
    largest: dict[str, float] = {}
    for name, value in (*ours.items(), *theirs.items()):
        if isinstance(value, float):
            array = _INDICES.sub("", name)
            largest[array] = max(abs(value), largest.get(array, 0.0))
    for name in dict.fromkeys([*ours, *theirs]):
        if name.startswith(_FOLLOWS):
            continue
        relative, of_largest = _SOLVED if name.startswith(("initial.", "control.")) else _EXACT
        absolute = of_largest * largest.get(_INDICES.sub("", name), 0.0)
        if not _equal(ours.get(name), theirs.get(name), relative, absolute):
            yield name, ours.get(name), theirs.get(name)


def _entries(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The numbers and texts in a value with their names, such as ``model.hamiltonian[0][1]``."""
    if isinstance(value, dict):
        for key, each in value.items():
            yield from _entries(each, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for place, each in enumerate(value):
            yield from _entries(each, f"{name}[{place}]")
    elif value is not None:
        yield name, value


def _equal(one: Any, other: Any, relative: float, absolute: float) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        pairs = zip(*(map(float, _NUMBER.findall(text)) for text in (one, other)), strict=False)
        same_words = _NUMBER.sub("#", one) == _NUMBER.sub("#", other)
        return same_words and all(math.isclose(*pair, rel_tol=relative) for pair in pairs)
    kinds = {type(one), type(other)}
    if float in kinds and kinds <= {int, float}:
        return math.isclose(one, other, rel_tol=relative, abs_tol=absolute)
    # Whole numbers are counts, for which there is no tolerance.
    return len(kinds) == 1 and bool(one == other)
