"""What ``steering pulse`` answers: the segments of the best pulses, and what they reach."""

from typing import TYPE_CHECKING

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import LABELS, table_of
from cascade_steering.analysis.criteria.steering import DIRECTIONS, key

if TYPE_CHECKING:
    from cascade_steering.analysis.protocols.best_pulse import BestPulse
    from cascade_steering.analysis.results.pulse_result import PulseResult


def report(found: "PulseResult") -> Report:
    """The best pulse of each direction; durations in units of 1/γ̃₀ and in seconds."""
    unit = found.point.time_unit
    pulses = {key(way): _pulse(pulse, unit) for way, pulse in found.pulses.items()}
    return {"conditional": found.conditional, "time_unit_seconds": unit, **pulses}


def _pulse(pulse: "BestPulse", unit: float) -> Report:
    entry: Report = {
        "value": pulse.value,
        "reached": pulse.reached,
        "duration_units": pulse.duration_s / unit,
        "duration_s": pulse.duration_s,
        "most_quanta_minus": pulse.quanta[0],
        "most_quanta_plus": pulse.quanta[1],
        "segments": [
            {
                "theta_minus_pi": each.theta_minus_pi,
                "theta_plus_pi": each.theta_plus_pi,
                "c_plus": each.c_plus,
                "duration_units": each.duration_s / unit,
                "duration_s": each.duration_s,
            }
            for each in pulse.segments
        ],
    }
    if pulse.detection is not None:
        entry["lo_phase_pi"] = pulse.detection.lo_phase_pi
    return entry


def table(report: Report) -> Table:
    """One line for each segment; E and quanta stand in the last one."""
    scheme = "given the record" if report["conditional"] else "without the record"
    table = table_of(
        f"Best pulses, E {scheme} (time in units of {report['time_unit_seconds']:.4g} s)",
        "", "duration", "theta-", "theta+", "C+", "E at the end", "quanta of -, +", "LO phase",
    )  # fmt: skip
    for direction in DIRECTIONS:
        pulse = report[key(direction)]
        last = len(pulse["segments"]) - 1
        for number, each in enumerate(pulse["segments"]):
            cells = [
                f"{pulse['value']:.7f}" + " (not below)" * (not pulse["reached"]),
                f"{pulse['most_quanta_minus']:.4g}, {pulse['most_quanta_plus']:.4g}",
                f"{pulse['lo_phase_pi']:.4f} pi" if "lo_phase_pi" in pulse else "not measured",
            ]
            table.add_row(
                LABELS[direction] if number == 0 else "",
                f"{each['duration_units']:.6g}",
                f"{each['theta_minus_pi']:.6f} pi",
                f"{each['theta_plus_pi']:.6f} pi",
                f"{each['c_plus']:.6g}",
                *(cells if number == last else ["", "", ""]),
                end_section=number == last,
            )
    return table
