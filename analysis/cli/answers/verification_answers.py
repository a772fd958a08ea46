"""What ``steering simulate --verify`` adds to its answer: E from measurements, beside what is exact."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import LABELS, interval, table_of
from cascade_steering.analysis.criteria.beyond_moments.from_state import NonGaussianSteering
from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, Direction, key
from cascade_steering.analysis.verification.heralded_outcomes import AfterClick
from cascade_steering.analysis.verification.inference import exact_steering, settings_of, verify
from cascade_steering.sim.ensemble.local_measurements import Verification
from cascade_steering.sim.ensemble.pooling import Moments


def report(tallies: Mapping[str, Moments], verification: Verification) -> Report:
    """Estimates, gains, numbers of runs and the exact values. Raises ValueError as ``verify`` does."""
    found = verify(tallies, verification)
    values: dict[str, dict[str, Any]] = {}
    for name, estimates in (*found.steering.items(), ("d", found.d)):
        values[name] = {key(each): estimate.value for each, estimate in estimates.items()}
        values[name] |= {f"{key(each)}_ci": estimate.interval for each, estimate in estimates.items()}
    gains = {
        scheme: {
            key(each): {
                quadrature: {name: asdict(gain) for name, gain in inference.gains.items()}
                for quadrature, inference in zip("XP", pair, strict=True)
            }
            for each, pair in pairs.items()
        }
        for scheme, pairs in found.inferences.items()
    }
    angles = {scheme: settings_of(verification, scheme)[0].angle_pi for scheme in SCHEMES}
    return {
        **values,
        "gains": gains,
        "runs": found.runs,
        f"{verification.pair[0]}_angle_pi": angles,
        "exact": exact_steering(verification),
    }


def table(report: Report) -> Table:
    """E as estimated from the measurements, and the exact values."""
    table = table_of(
        "From measurements at the end of each run, with fitted gains", "", "estimate", "95 % interval", "exact",
        caption="runs: " + ", ".join(f"{count} of {name}" for name, count in report["runs"].items())
        + "; exact for the record as it is saved",
    )  # fmt: skip
    for scheme in (*SCHEMES, "d"):
        for direction in DIRECTIONS:
            name = key(direction)
            label = f"d of {LABELS[direction]}" if scheme == "d" else f"{LABELS[direction]} {scheme}"
            table.add_row(
                label,
                f"{report[scheme][name]:.5f}",
                interval(report[scheme][f"{name}_ci"], ".5f"),
                f"{report['exact']['measured'][scheme][name]:.5f}",
            )
    return table


_CRITERIA = ("moments", "entropic", "metrological")


def after_click_report(
    found: Mapping[Direction, AfterClick], expected: Mapping[Direction, NonGaussianSteering], trajectories: int
) -> Report:
    """Estimates with intervals after a click, those of the expected state, and how many runs the click selected."""
    values: dict[str, dict[str, Any]] = {name: {} for name in _CRITERIA}
    for direction, each in found.items():
        name = key(direction)
        estimates = {
            "moments": each.moments,
            "entropic": each.beyond.entropic,
            "metrological": each.beyond.metrological,
        }
        for criterion, estimate in estimates.items():
            assert estimate is not None
            values[criterion] |= {name: estimate.value, f"{name}_ci": estimate.interval}
    return {
        **values,
        "expected": {
            criterion: {key(each): getattr(state, criterion) for each, state in expected.items()}
            for criterion in _CRITERIA
        },
        "runs": {key(direction): list(each.runs) for direction, each in found.items()},
        "selected": sum(sum(each.runs) for each in found.values()),
        "trajectories": trajectories,
    }


def after_click(report: Report) -> Table:
    """The criteria as estimated from measurements after a click, beside those of the expected state."""
    table = table_of(
        "From measurements after a click at the end of runs, given the record", "", "estimate", "95 % interval",
        "expected",
        caption=f"a click selects {report['selected']} of {report['trajectories']} runs; entropic and metrological: "
        "steering below 1/2, as for E; expected with the means at 0",
    )  # fmt: skip
    labels = {"moments": "", "entropic": " entropic", "metrological": " metrological"}
    for direction in DIRECTIONS:
        name = key(direction)
        for criterion, label in labels.items():
            table.add_row(
                f"{LABELS[direction]}{label}",
                f"{report[criterion][name]:.4f}",
                interval(report[criterion][f"{name}_ci"], ".4f"),
                f"{report['expected'][criterion][name]:.4f}",
            )
    return table
