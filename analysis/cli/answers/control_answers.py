"""What ``steering feedback`` answers: E given the record and in the closed loop, and what the control takes."""

import math
from typing import TYPE_CHECKING, Any

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import LABELS, table_of
from cascade_steering.analysis.closed_loop.tolerances import TYPICAL
from cascade_steering.analysis.criteria.steering import DIRECTIONS, key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from cascade_steering.analysis.closed_loop.tolerances import Tolerance
    from cascade_steering.analysis.results.feedback_result import FeedbackResult

_NOT_ATTAINED = "the variances grow without bound as E falls to this limit: no control reaches it"


def report(found: "FeedbackResult") -> Report:
    """The closed loop; times in units of 1/γ̃₀, rates in γ̃₀."""
    loop = found.loop
    return {
        **{
            state: {
                **{key(way): value for way, value in by_way.items()},
                "covariance": _nested(found.covariance[state]),
            }
            for state, by_way in found.E.items()
        },
        "control": {
            "law": loop.law,
            "actuators": found.actuators,
            "cost": found.cost,
            "columns": loop.actuators.tolist(),
            "gain": _nested(found.gain),
            "power": found.power,
            "spectral_density": _nested(found.spectral_density),
            "slowest_rate": found.slowest_rate,
            "attained": loop.attained,
            "control_price": found.price if loop.law == "lqg" else None,
            "delay": loop.delay / found.time_unit,
            "actuator_noise": found.actuator_noise,
            "efficiency": float(min(loop.efficiency)),
            "time_unit_seconds": found.time_unit,
        },
    }


def table(report: Report) -> Table:
    """E in both directions given the record and in the loop, and the effort below."""
    control = report["control"]
    table = table_of(
        f"Closed loop: {control['law']} on {control['actuators']} (steering where E < 1/2)", "", "given the record",
        "in the closed loop", "above", caption=_effort(control),
    )  # fmt: skip
    for direction in DIRECTIONS:
        known, held = (report[state][key(direction)] for state in ("conditional", "controlled"))
        table.add_row(LABELS[direction], f"{known:.7f}", f"{held:.7f}", f"{held / known - 1.0:.3%}")
    return table


def tolerated(found: "Iterable[Tolerance]") -> list[Report]:
    """How wrong the controller may be; E at a typical error is null where the loop holds nothing, or out of range."""
    return [
        {
            "error": each.error,
            "unit": each.unit,
            "range": list(each.range),
            "typical": TYPICAL,
            "E_at_typical": [None if E is None or math.isinf(E) else E for E in each.at_typical],
            **{criterion: list(ends) for criterion, ends in each.tolerated.items()},
        }
        for each in found
    ]


def tolerance_table(report: list[Report]) -> Table:
    """The same as a table."""
    table = table_of(
        "Errors of the controller, each alone, up to which the loop holds", "", "unit", "E at an error of -/+ 0.05",
        "bounded", "E < 1/2", "E < 1.1 E_c",
    )  # fmt: skip
    for each in report:
        low, high = each["range"]
        inside = (low <= -each["typical"], high >= each["typical"])
        values = (
            "" if not there else "unbounded" if E is None else f"{E:.5f}"
            for E, there in zip(each["E_at_typical"], inside, strict=True)
        )
        ends = (_ends(each[name], each["range"]) for name in ("bounded", "steering", "within_tenth"))
        table.add_row(each["error"].replace("_", " "), each["unit"], " / ".join(values), *ends)
    return table


def _ends(ends: list[float], whole: list[float]) -> str:
    """The two ends; where nothing fails in the range that was searched, that is said."""
    return " .. ".join("any" if end == far and end else f"{end:+.3g}" for end, far in zip(ends, whole, strict=True))


def _effort(control: Report) -> str:
    if not control["attained"]:
        return _NOT_ATTAINED
    if control["power"] is not None:
        return f"power <u^T u> {control['power']:.6g} gamma~_0^2"
    if control["spectral_density"] is not None:
        trace = sum(row[place] for place, row in enumerate(control["spectral_density"]))
        return f"white force of spectral density {trace:.6g} gamma~_0 in all"
    return "forces without bound"


def _nested(array: "NDArray[Any] | None") -> list[Any] | None:
    return None if array is None else array.tolist()
