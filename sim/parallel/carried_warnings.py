"""Warnings of worker processes, returned with their results: of each kind the first, and how many there were."""

import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["Issued", "Warned", "gathered", "joined", "reissue"]


@dataclass(frozen=True, kw_only=True)
class Issued:
    """The first warning of a kind, and how many of that kind were issued."""

    message: str
    count: int


Warned = Mapping[str, Issued]


def gathered(caught: Iterable[warnings.WarningMessage]) -> dict[str, Issued]:
    """What ``warnings.catch_warnings(record=True)`` caught, by ``module:name`` of the class."""
    found: dict[str, Issued] = {}
    for each in caught:
        kind = f"{each.category.__module__}:{each.category.__qualname__}"
        found = joined(found, {kind: Issued(message=str(each.message), count=1)})
    return found


def joined(first: Warned, second: Warned) -> dict[str, Issued]:
    """The warnings of both, those of ``second`` after those of ``first``."""
    found = dict(first)
    for kind, issued in second.items():
        known = found.get(kind, Issued(message=issued.message, count=0))
        found[kind] = Issued(message=known.message, count=known.count + issued.count)
    return found


def reissue(warned: Warned, stacklevel: int = 3) -> list[str]:
    """Issue one warning of each kind in this process, and return their messages."""
    messages = []
    for kind, issued in warned.items():
        more = f" (and {issued.count - 1} more such warnings)" if issued.count > 1 else ""
        messages.append(issued.message + more)
        module, _, name = kind.partition(":")
        category = getattr(sys.modules.get(module), name, None)
        known = isinstance(category, type) and issubclass(category, Warning)
        warnings.warn(messages[-1], category if known else UserWarning, stacklevel=stacklevel)
    return messages
