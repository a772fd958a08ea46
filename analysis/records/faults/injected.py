"""Faults by their text, such as ``line:0.2:333e3@cosine``, and records that have them."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from cascade_steering.analysis.records.faults.fault_kinds import FAULTS, Series

if TYPE_CHECKING:
    from cascade_steering.analysis.records.record import Record

__all__ = ["GRAMMAR", "Fault", "fault_of", "with_faults"]

GRAMMAR = ", ".join(
    ":".join([name, *(number.upper() for number in kind.numbers[: len(kind.numbers) - len(kind.defaults)])])
    + "".join(f"[:{number.upper()}]" for number in kind.numbers[len(kind.numbers) - len(kind.defaults) :])
    for name, kind in FAULTS.items()
)
# that must not be 0, or not negative
_POSITIVE = ("step", "level", "count", "length")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One fault of a record.

    Parameters
    ----------
    kind : one of ``analysis.records.faults.fault_kinds.FAULTS``
    numbers : of it, in their order
    channel : that has it; None for all of them
    """

    kind: str
    numbers: tuple[float, ...]
    channel: str | None = None

    @property
    def text(self) -> str:
        """As ``fault_of`` reads it."""
        numbers = ":".join(f"{number:.15g}" for number in self.numbers)
        return f"{self.kind}:{numbers}{'' if self.channel is None else f'@{self.channel}'}"


def fault_of(text: str) -> Fault:
    """The fault that KIND:NUMBER:…@CHANNEL says; without @CHANNEL all channels have it.

    Raises ValueError, in one line, for another kind, other numbers, and numbers out of their range.
    """
    body, at, channel = text.partition("@")
    name, *given = body.split(":")
    kind = FAULTS.get(name.strip())
    if kind is None:
        raise ValueError(f"fault must be one of {', '.join(FAULTS)}, followed by its numbers, got {text!r}")
    least = len(kind.numbers) - len(kind.defaults)
    try:
        numbers = tuple(float(each) for each in given)
    except ValueError:
        numbers = ()
    if not least <= len(numbers) <= len(kind.numbers) or not all(map(math.isfinite, numbers)) or (at and not channel):
        form = ":".join([name, *(number.upper() for number in kind.numbers)])
        raise ValueError(f"fault {name} ({kind.about}) is written {form}, with finite numbers, got {text!r}")
    numbers = (*numbers, *kind.defaults[len(numbers) - least :])
    for number, value in zip(kind.numbers, numbers, strict=True):
        if number in _POSITIVE and value <= 0.0:
            raise ValueError(f"{number} of fault {name} must be more than 0, got {value:g} in {text!r}")
        if number in kind.whole and value != int(value):
            raise ValueError(f"{number} of fault {name} must be a whole number, got {value:g} in {text!r}")
        if number == "fraction" and not 0.0 <= value <= 1.0:
            raise ValueError(f"fraction of fault {name} must be from 0 to 1, got {value:g} in {text!r}")
        if number == "start" and not 0.0 <= value < 1.0:
            raise ValueError(f"start of fault {name} is a fraction of the record from 0 to below 1, got {value:g}")
    return Fault(kind=name.strip(), numbers=numbers, channel=channel.strip() or None)


def with_faults(record: "Record", faults: tuple[Fault, ...], seed: int = 0) -> "Record":
    """A record with faults, one after the other, which its options name as ``fault``. Section 8 of sim/README.md.

    Gaps stay gaps. Faults that are random have the same numbers for the same ``seed``, place in the list, record and
    channel. Raises ValueError for a channel that the record has not.
    """
    values, noise = record.values.copy(), math.sqrt(record.interval)
    for place, fault in enumerate(faults):
        if fault.channel not in (None, *record.channels):
            raise ValueError(
                f"fault {fault.text} is for channel {fault.channel!r}; the record has {', '.join(record.channels)}"
            )
        # what all channels have at once is that of before
        before = np.where(np.isnan(values), 0.0, values) / noise
        for number, one in enumerate(before):
            for channel, name in enumerate(record.channels):
                if fault.channel in (None, name):
                    rng = np.random.default_rng([seed, place, number, channel])
                    series = Series(values=one[:, channel], others=one, interval=record.interval, rng=rng)
                    values[number, :, channel] = FAULTS[fault.kind].apply(series, *fault.numbers) * noise
    values = np.where(record.observed[None, :, None], values, np.nan)
    told = [fault.text for fault in faults]
    return replace(record, values=values, options={**record.options, "fault": told} if told else record.options)
