"""What ``steering simulate --verify`` adds to its answer: E from measurements, beside what is exact."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import LABELS, interval, table_of
from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, key
from cascade_steering.analysis.estimation.estimators import Estimate
from cascade_steering.analysis.verification.heralded_outcomes import AfterClick, HeraldedVerification
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


def after_click_report(after: HeraldedVerification, tallies: Mapping[str, Moments]) -> Report:
    """Estimates with intervals after a click, what they are on average, and the criteria with the means at 0.

    Raises ValueError if a click selected too few runs.
    """
    found, average = after.found(tallies), after.of_states(tallies)
    values: dict[str, dict[str, Any]] = {name: {} for name in _CRITERIA}
    for direction, each in found.items():
        name = key(direction)
        for criterion, estimate in _estimates(each).items():
            values[criterion] |= {name: estimate.value, f"{name}_ci": estimate.interval}
    return {
        **values,
        "expected": {
            criterion: {key(each): _estimates(state)[criterion].value for each, state in average.items()}
            for criterion in _CRITERIA
        },
        "means_at_zero": {
            criterion: {key(each): getattr(state, criterion) for each, state in after.with_means_at_zero.items()}
            for criterion in _CRITERIA
        },
        "nulled": after.nulled,
        "runs": {key(direction): list(each.runs) for direction, each in found.items()},
        "selected": sum(sum(each.runs) for each in found.values()),
        "trajectories": sum(sum(each.runs) for each in average.values()),
    }


def _estimates(found: AfterClick) -> dict[str, Estimate]:
    assert found.beyond.metrological is not None
    values = found.moments, found.beyond.entropic, found.beyond.metrological
    return dict(zip(_CRITERIA, values, strict=True))


def after_click(report: Report) -> Table:
    """The criteria as estimated from measurements after a click, beside what is expected."""
    light = "displaced to a mean of 0" if report["nulled"] else "as it is"
    table = table_of(
        "From measurements after a click at the end of runs, given record and clicks", "", "estimate", "95 % interval",
        "expected of these runs", "of a state with means at 0",
        caption=f"a click selects {report['selected']} of {report['trajectories']} runs, light in front of the counter "
        f"{light}; entropic and metrological: steering below 1/2, as for E",
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
                f"{report['means_at_zero'][criterion][name]:.4f}",
            )
    return table
