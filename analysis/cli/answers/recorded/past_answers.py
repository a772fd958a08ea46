"""What the whole of a record says of its middle, as plain data and as rows of a table."""

import math
from typing import Any

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import interval
from cascade_steering.analysis.criteria.steering import DIRECTIONS, key
from cascade_steering.analysis.past_states.one_moment import Moment, moment_of
from cascade_steering.analysis.past_states.records_alone import RecordsAlone, verify_by_records
from cascade_steering.analysis.past_states.whole_record import PastStates


def past(found: PastStates) -> Report:
    """E at the middle of the record given its past, its future and both, and E as records alone have it."""
    moment = moment_of(found, found.reading.record.values.shape[1] // 2)
    try:
        return past_of(moment, verify_by_records(found))
    except ValueError as error:
        return past_of(moment, str(error))


def past_of(moment: Moment, alone: RecordsAlone | str) -> Report:
    """The same from the numbers; ``alone`` may be why there are none from records alone."""
    kinds = {"past": moment.past, "future": moment.future, "smoothed": moment.smoothed, "outcomes": moment.outcomes}
    report: Report = {
        "at_seconds": moment.at,
        "unseen": moment.unseen,
        **{name: {key(each): _finite(value) for each, value in values.items()} for name, values in kinds.items()},
    }
    if isinstance(alone, str):
        return {**report, "records_alone": None, "why_not": alone}
    estimates = {key(each): alone.steering[each] for each in DIRECTIONS}
    report["records_alone"] = {
        "pieces": alone.pieces,
        **{name: {"value": each.value, "ci": each.interval} for name, each in estimates.items()},
        "needed_for_10_percent": {key(each): _finite(alone.needed[each]) for each in DIRECTIONS},
    }
    return report


def _finite(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None


def _number(value: float | None) -> str:
    if value is None:
        return "not known"
    return f"{value:.7f}" if value < _LARGE else f"{value:.3g}"


# in a gap the future says little
_LARGE = 1000.0
_ROWS = {
    "past": "E at the middle, given its past",
    "future": "E of the effect of its future",
    "smoothed": "E of the smoothed state",
    "outcomes": "uncertainty of outcomes, given both",
}


def add_rows(table: Table, report: Report) -> None:
    """The rows of ``past`` below those of a filtered record."""
    table.add_section()
    for name, label in _ROWS.items():
        values = [report[name][key(each)] for each in DIRECTIONS]
        table.add_row(label, *(_number(value) for value in values))
    alone = report["records_alone"]
    if alone is not None:
        values = [interval(alone[key(each)]["ci"], ".4f") for each in DIRECTIONS]
        table.add_row(f"E from records alone, {alone['pieces']} times", *values)
        needed = [alone["needed_for_10_percent"][key(each)] for each in DIRECTIONS]
        table.add_row("times needed for 10 %", *("not known" if each is None else f"{each:.3g}" for each in needed))
