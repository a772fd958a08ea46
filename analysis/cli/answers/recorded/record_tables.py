"""The reports on measured records as tables."""

import numpy as np
from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import LABELS, interval, table_of
from cascade_steering.analysis.criteria.steering import DIRECTIONS, key

# number of statistics in the table
_FEW = 5
# causes that are told; the JSON has all
_MOST = 3


def failures(verdict: Report, calibration: object = None) -> list[str]:
    """Why a record does not fit, a line for each cause; ``calibration`` is the one given, told if it is a number."""
    causes = verdict["findings"]
    lines = []
    for each in causes[:_MOST]:
        product = (
            ""
            if each["factor"] is None or not isinstance(calibration, float | None)
            else f", {_calibration(each['factor'], calibration)}"
        )
        lines.append(f"{each['text']}{product}")
    if len(causes) > _MOST:
        lines.append(f"{len(causes) - _MOST} more causes, in --json")
    if lines:
        lines[-1] += f" ({len(verdict['failed'])} of {len(verdict['statistics'])} statistics fail)"
    return lines


def _calibration(factor: float, calibration: float | None) -> str:
    given = 1.0 if calibration is None else calibration
    return f"--calibration {given * factor:.6g} would make it 1 ({given:g} as given, times {factor:.6g})"


def reading(report: Report) -> Table:
    """The state at the end of a filtered record, and whether the record fits the model."""
    verdict = report["innovations"]
    table = table_of(
        "Given the record, at its end", "", *(LABELS[each] for each in DIRECTIONS),
        caption=f"{report['records']} record{'s' * (report['records'] > 1)} of {report['intervals']} intervals of "
        f"{report['interval_seconds']:.4g} s, {len(report['gaps_seconds'])} gaps; the record "
        + ("fits the model" if verdict["fits"] else "DOES NOT FIT the model"),
    )  # fmt: skip
    # one value if all records share a covariance, else one for each record
    values = [np.atleast_1d(report["final"][key(each)]) for each in DIRECTIONS]
    if all(value.size == 1 for value in values):
        table.add_row("E", *(f"{value[0]:.7f}" for value in values))
    else:
        table.add_row("E, lowest", *(f"{min(value):.7f}" for value in values))
        table.add_row("E, highest", *(f"{max(value):.7f}" for value in values))
    worst = sorted(verdict["statistics"], key=lambda each: float(each["p_value"]))[:_FEW]
    table.add_section()
    # the columns are others from here on
    table.add_row(f"least probable of {len(verdict['statistics'])} tests", "found (expected)", "probability")
    for each in worst:
        table.add_row(each["name"], f"{each['value']:.5g} ({each['expected']:.5g})", f"p = {each['p_value']:.2g}")
    return table


def fit(report: Report) -> Table:
    """The fitted parameters with standard errors and intervals."""
    table = table_of(
        "Most likely parameters", "", "estimate", "standard error", "95 % interval",
        caption="the record " + ("fits" if report["innovations"]["fits"] else "DOES NOT FIT") + " this model",
    )  # fmt: skip
    for name, each in report["estimates"].items():
        error = "not determined" if each["standard_error"] is None else f"{each['standard_error']:.2g}"
        table.add_row(name, f"{each['value']:.6g}", error, "" if each["ci"] is None else interval(each["ci"], ".6g"))
    return table


def clicks(report: Report) -> list[str]:
    """How many clicks of each counter the records have, in lines of text."""
    return [f"clicks of {name}: {', '.join(map(str, each))}" for name, each in report["clicks"].items()]
