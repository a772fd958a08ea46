"""Values of a record that no noise can have given: refused, made a gap, or kept, and always told."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from cascade_steering.analysis.records.judging.impossible import Suspect
    from cascade_steering.analysis.records.record import Record

__all__ = ["TREATMENTS", "Told", "Treatment", "treated"]

Treatment = Literal["gap", "refuse", "keep"]
TREATMENTS: tuple[Treatment, ...] = get_args(Treatment)


@dataclass(frozen=True, kw_only=True)
class Told:
    """What is told of values that no noise can have given.

    Parameters
    ----------
    kind, what, p_value : as ``analysis.records.judging.impossible.Suspect`` has them
    channels : in which it was seen
    intervals : number of intervals that are worth nothing
    gap : whether they were made a gap
    """

    kind: str
    what: str
    channels: tuple[str, ...]
    p_value: float
    intervals: int
    gap: bool

    @property
    def sentence(self) -> str:
        """One line."""
        noise = "" if self.kind == "coarse" else ", which no noise does"
        return f"{' and '.join(self.channels)}: {self.what}{noise}{'; they are a gap now' * self.gap}"


def treated(
    record: "Record", treatment: Treatment = "gap", *, begin: int | None = None
) -> "tuple[Record, tuple[Told, ...]]":
    """A record without what no noise can have given, and what that was. Section 8 of sim/README.md.

    Parameters
    ----------
    record : its values as they were measured, up to a factor
    treatment : ``gap`` leaves such intervals out, ``keep`` takes them as they are, ``refuse`` raises ValueError; values
        that are cut off or coarse cannot be left out, because those that remain would be a selection
    begin : of a piece of a longer record, the number of intervals before it; of a piece nothing need be left

    Raises ValueError for another treatment, and where nothing is left of a record.
    """
    # with it comes SciPy, which whoever only names a treatment need not load
    from cascade_steering.analysis.records.judging.impossible import examined

    if treatment not in TREATMENTS:
        raise ValueError(f"treatment of suspect values must be one of {', '.join(TREATMENTS)}, got {treatment!r}")
    found = examined(record.values, record.channels, begin or 0)
    told = _together(found, gap=treatment == "gap")
    for each in told:
        if treatment == "refuse" and each.kind != "coarse":
            raise ValueError(
                f"{record.called}: {each.sentence} (p < {max(each.p_value, 1e-300):.0e}): leave it out as a gap, or "
                "keep it"
            )
    if treatment != "gap" or not any(each.marked.any() for each in found):
        return record, told
    marked = np.any([each.marked for each in found], axis=0)
    values = np.where(marked[None, :, None], np.nan, record.values)
    if begin is None and np.isnan(values).all():
        raise ValueError(
            f"{record.called}: {told[0].what} in {' and '.join(told[0].channels)}, and nothing is left of it"
        )
    return replace(record, values=values), told


def _together(found: "Sequence[Suspect]", *, gap: bool) -> tuple[Told, ...]:
    """The same in several channels is told once."""
    alike: dict[str, list[Suspect]] = {}
    for each in found:
        alike.setdefault(each.what, []).append(each)
    return tuple(
        Told(
            kind=group[0].kind,
            what=what,
            channels=tuple(dict.fromkeys(each.channel for each in group)),
            p_value=min(each.p_value for each in group),
            intervals=int(np.any([each.marked for each in group], axis=0).sum()),
            gap=gap and bool(group[0].marked.any()),
        )
        for what, group in alike.items()
    )
