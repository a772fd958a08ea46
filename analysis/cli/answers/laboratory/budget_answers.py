"""Presets with the sources of their numbers, and the budget of ``steering setup --budget``, as JSON and as tables."""

import math
from typing import TYPE_CHECKING

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import LABELS, table_of
from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, key
from cascade_steering.analysis.laboratory.presets import preset_names, preset_text, preset_title

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cascade_steering.analysis.criteria.steering import Direction, Scheme
    from cascade_steering.analysis.laboratory.error_budget import Lever
    from cascade_steering.analysis.laboratory.phase_budget import PhaseLever
    from cascade_steering.analysis.laboratory.presets import NumberSource
    from cascade_steering.analysis.laboratory.prospects import Prospects
    from cascade_steering.analysis.working_points.optimum import Optimum

_SCHEMES = {"unconditional": "without the record", "conditional": "given the record"}
_NUMBERS = ("derivative", "error", "gain", "better", "limit", "limit_gain")
_OF_A_PHASE = (
    "slope", "slope_error", "curvature", "curvature_error", "stationary", "off", "best_pi", "best_gain",
)  # fmt: skip
_OF_A_POINT = (
    ("theta_minus_pi", "theta-", ".4f"),
    ("theta_plus_pi", "theta+", ".4f"),
    ("c_plus_over_c_minus", "C+/C-", ".4g"),
)
# gains that round to nothing are shown as nothing
_NOTHING = 5e-5


def presets_report() -> Report:
    """The presets: name and title."""
    return {"presets": {name: preset_title(preset_text(name)) for name in preset_names()}}


def presets_table(report: Report) -> Table:
    """One line for each preset."""
    table = table_of("Presets of steering setup --preset", "", "where")
    for name, title in report["presets"].items():
        table.add_row(name, title)
    return table


def sources_report(name: str, text: str, sources: "Sequence[NumberSource]") -> Report:
    """The preset and the source of each of its numbers."""
    return {
        "preset": name,
        "title": preset_title(text),
        "sources": {each.name: {"value": each.value, "origin": each.origin, "note": each.note} for each in sources},
    }


def sources_tables(report: Report) -> list[Table]:
    """The sources of a preset; no table for a file."""
    if "sources" not in report:
        return []
    table = table_of(report["title"], "", "given", "where", "statement")
    for name, each in report["sources"].items():
        table.add_row(name, each["value"], each["origin"], each["note"])
    return [table]


def budget_report(found: "Prospects", levers: "Sequence[Lever]", phases: "Sequence[PhaseLever]", unit: float) -> Report:
    """What the scheme would give, and what each number and phase is worth; times in seconds and units of ``unit``."""
    first = found.first_steering_s
    return {
        "prospects": {
            "time_unit_seconds": unit,
            "first_steering_s": {scheme: {key(each): first[scheme][each] for each in DIRECTIONS} for scheme in SCHEMES},
            "largest_theta_minus_pi": found.largest_theta_pi[0],
            "largest_theta_plus_pi": found.largest_theta_pi[1],
            "best": _best(found.best),
            "best_unstable": _best(found.best_unstable),
        },
        "budget": [
            {
                "name": each.name,
                "value": each.value,
                **_by_scheme_and_direction(each, _NUMBERS),
            }
            for each in levers
        ],
        "phases": [
            {
                "name": each.name,
                "value_pi": each.value_pi,
                **_by_scheme_and_direction(each, _OF_A_PHASE),
            }
            for each in phases
        ],
    }


def _best(best: "Mapping[Scheme, Mapping[Direction, Optimum]]") -> Report:
    return {
        scheme: {
            key(each): {
                "value": best[scheme][each].value,
                "theta_minus_pi": best[scheme][each].cascade.minus.angle_pi,
                "theta_plus_pi": best[scheme][each].cascade.plus.angle_pi,
                "c_plus_over_c_minus": best[scheme][each].c_plus_over_c_minus,
                "stable": best[scheme][each].stable,
            }
            for each in DIRECTIONS
        }
        for scheme in SCHEMES
    }


def _by_scheme_and_direction(found: object, names: tuple[str, ...]) -> Report:
    """The fields ``names`` of a number or a phase, in each scheme and direction."""
    return {
        scheme: {key(way): {name: _finite(getattr(found, name)[scheme][way]) for name in names} for way in DIRECTIONS}
        for scheme in SCHEMES
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def budget_tables(report: Report) -> list[Table]:
    """The prospects, and a table of the numbers by scheme and direction; none where no budget was asked for."""
    if "budget" not in report:
        return []
    places = [(scheme, direction) for scheme in SCHEMES for direction in DIRECTIONS]
    levers = [_levers(report["budget"], *each) for each in places]
    return [_prospects(report), *levers, _phases(report["phases"])]


def _prospects(report: Report) -> Table:
    found = report["prospects"]
    table = table_of(
        "What the scheme would give with the same C-, baths and losses, by elimination", "",
        *(f"{LABELS[each]} {_SCHEMES[scheme]}" for scheme in SCHEMES for each in DIRECTIONS),
        caption=f"theta- up to {found['largest_theta_minus_pi']:.4f} pi, theta+ up to "
        f"{found['largest_theta_plus_pi']:.4f} pi, C+ up to 100 C-; times from the thermal state",
    )  # fmt: skip
    places = [(scheme, key(each)) for scheme in SCHEMES for each in DIRECTIONS]
    times = (found["first_steering_s"][scheme][way] for scheme, way in places)
    table.add_row("E < 1/2 from", *("never" if each is None else f"{each:.4g} s" for each in times))
    for name, title in (("best", "best E, stable"), ("best_unstable", "best E, also unstable")):
        points = [found[name][scheme][way] for scheme, way in places]
        table.add_row(title, *(f"{each['value']:.6f}" for each in points))
        for what, label, style in _OF_A_POINT:
            table.add_row(f"  at {label}", *(f"{each[what]:{style}}" for each in points))
    return table


def _levers(budget: "Sequence[Report]", scheme: "Scheme", direction: "Direction") -> Table:
    """The numbers by what 10 % of each gains."""
    table = table_of(
        f"What each number is worth for {LABELS[direction]} {_SCHEMES[scheme]}, the others as they are", "",
        "now", "x d(ln E)/dx", "10 % better", "E falls by", "at its best", "E falls by",
    )  # fmt: skip
    rows = [(each, each[scheme][key(direction)]) for each in budget]
    # equal to the digits that are shown: in the order of the report
    for lever, found in sorted(rows, key=lambda row: -round(row[1]["gain"] or 0.0, 6)):
        table.add_row(
            lever["name"],
            f"{lever['value']:.6g}",
            _text(found["derivative"], "+.4f"),
            _text(found["better"], ".5g"),
            _gain(found["gain"]),
            _text(found["limit"], ".4g"),
            _gain(found["limit_gain"]),
        )
    return table


def _phases(phases: "Sequence[Report]") -> Table:
    """The phases by scheme and direction; where E is stationary the second derivative stands alone."""
    table = table_of(
        "What each phase is worth, per radian", "", "", "now", "d(ln E)/dx", "d2(ln E)/dx2", "0.1 rad off", "best at",
        "E falls by", caption="where E is stationary being off costs in second order",
    )  # fmt: skip
    for each in phases:
        for scheme in SCHEMES:
            for way in DIRECTIONS:
                found = each[scheme][key(way)]
                table.add_row(
                    each["name"],
                    f"{LABELS[way]} {_SCHEMES[scheme]}",
                    f"{each['value_pi']:.6g} pi",
                    "stationary" if found["stationary"] else _text(found["slope"], "+.4f"),
                    _text(found["curvature"], "+.4f"),
                    "" if found["off"] is None else f"E rises by {_gain(found['off'])}",
                    "" if found["best_pi"] is None else f"{found['best_pi']:.3f} pi",
                    _gain(found["best_gain"]),
                )
    return table


def _text(value: float | None, style: str) -> str:
    return "" if value is None else f"{value:{style}}"


def _gain(value: float | None) -> str:
    return "" if value is None else f"{100 * value if abs(value) > _NOTHING else 0.0:.2f} %"
