"""What ``steering simulate --verify`` adds to its answer: E from measurements, beside what is exact."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import LABELS, interval, table_of
from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, key
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
