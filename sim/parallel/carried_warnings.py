"""Warnings of worker processes, returned to the main process: the first of each kind, and the number of them."""

import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Issued", "Warned", "gathered", "joined", "reissue"]


@dataclass(frozen=True, kw_only=True)
class Issued:
    """The first message of one kind of warning, and the number of warnings of this kind."""

    message: str
    count: int


Warned = Mapping[str, Issued]


def gathered(caught: Iterable[warnings.WarningMessage]) -> dict[str, Issued]:
    """The warnings that ``warnings.catch_warnings(record=True)`` caught, by ``module:name`` of their class."""
    found: dict[str, Issued] = {}
    for each in caught:
        kind = f"{each.category.__module__}:{each.category.__qualname__}"
        found = joined(found, {kind: Issued(message=str(each.message), count=1)})
    return found


def joined(first: Warned, second: Warned) -> dict[str, Issued]:
    """The warnings of both, with ``second`` after ``first``."""
    found = dict(first)
    for kind, issued in second.items():
        known = found.get(kind)
        found[kind] = issued if known is None else Issued(message=known.message, count=known.count + issued.count)
    return found


def reissue(warned: Warned, stacklevel: int = 3) -> list[str]:
    """Issue one warning of each kind in this process, and return their messages."""
    messages = []
    for kind, issued in warned.items():
        more = f" (and {issued.count - 1} more such warnings)" if issued.count > 1 else ""
        messages.append(issued.message + more)
        warnings.warn(messages[-1], _category(kind), stacklevel=stacklevel)
    return messages


def _category(kind: str) -> type[Warning]:
    """The class of a warning from ``module:name``; UserWarning if its module is not loaded here."""
    module, _, name = kind.partition(":")
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) and issubclass(found, Warning) else UserWarning
