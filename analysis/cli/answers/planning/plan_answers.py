"""The answer of ``steering plan``: runs, seconds of light and hours by quantity and direction, and what a run is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import LABELS, table_of
from cascade_steering.analysis.criteria.steering import DIRECTIONS, key

if TYPE_CHECKING:
    from cascade_steering.analysis.planning.plan import Plan
    from cascade_steering.analysis.planning.runs_needed import Needed
    from cascade_steering.analysis.working_points.optimum import Optimum
    from cascade_steering.analysis.working_points.working_point import WorkingPoint

_HOUR = 3600.0
# the share of d from which on what the save intervals lose is said
_TO_BE_SAID = 0.01
_QUANTITIES = {"unconditional": "{} < 1/2", "conditional": "{} < 1/2 given the record", "d": "d of {}"}


def at(point: "WorkingPoint") -> Report:
    """The numbers of a working point."""
    return {
        "c_minus": point.c_minus,
        "c_plus": point.c_plus,
        "theta_minus_pi": point.theta_minus_pi,
        "theta_plus_pi": point.theta_plus_pi,
        "lo_phase_pi": point.lo_phase_pi,
    }


def of_optimum(best: "Optimum") -> Report:
    """The numbers of an optimum; no local-oscillator phase without the record."""
    minus, plus = best.cascade.minus, best.cascade.plus
    return {
        "direction": key(best.direction),
        "scheme": "unconditional" if best.detection is None else "conditional",
        "c_minus": minus.cooperativity,
        "c_plus": plus.strength / minus.bath.decoherence_rate,
        "theta_minus_pi": minus.angle_pi,
        "theta_plus_pi": plus.angle_pi,
        "lo_phase_pi": None if best.detection is None else best.detection.lo_phase_pi,
    }


def report(plan: "Plan", points: Sequence[Report], dead_time: float) -> Report:
    """What is needed, by quantity and direction, and the points with the duration and the saves of their runs."""
    found: dict[str, Any] = {
        "from": "verification" if plan.experiment.verify else "trajectories",
        "sigmas": plan.experiment.sigmas,
        "dead_time_per_run_s": dead_time,
        "unconditional": {},
        "conditional": {},
        "d": {},
    }
    for each in plan.needed:
        found[each.quantity][key(each.direction)] = _needed(each)
    found["points"] = []
    for point, estimator in zip(points, plan.estimators, strict=True):
        intervals = estimator.intervals
        lost = {} if intervals is None else {key(way): share for way, share in intervals.lost.items()}
        saves = None if intervals is None else intervals.verification.grid.saves
        enough = saves if intervals is None or intervals.sufficient else intervals.fewest
        run = {"duration_s": estimator.run.duration, "saves": saves, "d_lost": lost, "saves_sufficient": enough}
        found["points"].append({**point, **run})
    return found


def joined(reports: Sequence[Report]) -> Report:
    """The report of several directions."""
    first, *others = reports
    for other in others:
        for name in _QUANTITIES:
            first[name] |= other[name]
        first["points"] += other["points"]
    return first


def _needed(found: "Needed") -> Report:
    return {
        "value": found.value,
        "distance": found.distance,
        "standard_error": found.standard_error,
        "runs": found.runs,
        "light_s": found.light_s,
        "hours": None if found.total_s is None else found.total_s / _HOUR,
    }


def tables_of(report: Report) -> Table:
    """One row for each quantity and direction."""
    source = "from measurements at the end of each run" if report["from"] == "verification" else "from trajectories"
    table = table_of(
        f"How long to measure: {report['sigmas']:g} standard errors, {source}",
        "", "value", "standard error", "runs", "light [s]", "with dead time [h]",
        caption=_caption(report),
    )  # fmt: skip
    for name, label in _QUANTITIES.items():
        for direction in DIRECTIONS:
            each = report[name][key(direction)]
            cells = [f"{each['value']:.5f}"]
            if each["runs"] is None:
                cells += ["", "no number is enough", "", ""]
            elif each["runs"] == 0:
                cells += ["exact", "0", "", ""]
            else:
                times = [f"{each[name]:.4g}" for name in ("light_s", "hours")]
                cells += [f"{each['standard_error']:.2g}", f"{each['runs']}", *times]
            table.add_row(label.format(LABELS[direction]), *cells)
    return table


def _caption(report: Report) -> str:
    if len(report["points"]) == 1:
        return "runs in all"
    if report["from"] == "verification":
        return "runs at the point of the scheme; for d at each of the two points"
    return "runs at the point of the scheme without the record; E given it is exact"


def lines(report: Report) -> list[str]:
    """What a run is, point by point."""
    found = []
    for point in report["points"]:
        which = f"{LABELS[point['direction'].removeprefix('E_')]} {point['scheme']}: " if "scheme" in point else ""
        saves = "" if point["saves"] is None else f", {point['saves']} save intervals"
        found.append(f"{which}a run of {point['duration_s']:.4g} s{saves}")
    return found


def warnings(report: Report) -> list[str]:
    """The save intervals that lose more than 1 % of d."""
    return [
        loss(point["saves"], max(point["d_lost"].values()), point["saves_sufficient"])
        for point in report["points"]
        if max(point["d_lost"].values(), default=0.0) > _TO_BE_SAID
    ]


def loss(saves: int, lost: float, sufficient: int | None) -> str:
    """What a filter of the sums over so many save intervals loses of d, and how many would lose less than 1 %."""
    enough = "shorten the duration" if sufficient is None else f"{sufficient} lose less than 1 %"
    return f"the record is filtered as sums over {saves} save intervals, which loses {lost:.0%} of d: {enough}"
