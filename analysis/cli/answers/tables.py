"""The reports of the commands as tables."""

import math
from typing import TYPE_CHECKING

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import LABELS, interval, table_of
from cascade_steering.analysis.criteria.steering import DIRECTIONS, AnyDirection, key, regime

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cascade_steering.analysis.estimation.estimators import Estimate

_MEASURES = {
    "gaussian_steerability_plus_given_minus": "steerability - to +",
    "gaussian_steerability_minus_given_plus": "steerability + to -",
    "logarithmic_negativity": "log. negativity (nats)",
    "epr_variance": "EPR variance (entangled < 1)",
    "key_rate_plus_given_minus": "key rate, + trusted (nats)",
    "key_rate_minus_given_plus": "key rate, - trusted (nats)",
}
_LEFT_OUT = "; intervals do not include the errors of step and truncation"


def steady(report: Report) -> Table:
    """E and the neighbouring measures in both directions, without and with the record."""
    phase, efficiency = report["conditional"]["lo_phase_pi"], report["conditional"]["efficiency"]
    caption = f"conditional on the record at LO phase {phase:.6g} pi, efficiency {efficiency:g}"
    stable = report["unconditional"]["stable"]
    if not stable:
        caption += "\nunconditional variances grow without limit; E is its limit at long times"
    table = table_of(
        "Steady state (steering where E < 1/2)", "", "unconditional" if stable else "unconditional, t to infinity",
        "conditional", "d", caption=caption,
    )  # fmt: skip
    for direction in DIRECTIONS:
        name = key(direction)
        table.add_row(
            LABELS[direction],
            _or_grows(report["unconditional"][name], ".7f"),
            f"{report['conditional'][name]:.7f}",
            "" if report["d"][name] is None else f"{report['d'][name]:z.3%}",
        )
    regimes = (
        regime(*(math.inf if report[scheme][key(each)] is None else report[scheme][key(each)] for each in DIRECTIONS))
        for scheme in ("unconditional", "conditional")
    )
    table.add_row("steering", *regimes, "", end_section=True)
    for name, label in _MEASURES.items():
        values = (report[scheme][name] for scheme in ("unconditional", "conditional"))
        table.add_row(label, *("" if value is None else f"{value:.5f}" for value in values), "")
    if "rotating_wave_error" in report:
        table.add_section()
        for direction in DIRECTIONS:
            errors = report["rotating_wave_error"]
            off = (errors[scheme][key(direction)] for scheme in ("unconditional", "conditional"))
            cells = ("" if each is None else f"{each:+.2e}" for each in off)
            table.add_row(f"rotating wave, {LABELS[direction]} off by", *cells, "")
    return table


def _or_grows(value: float | None, layout: str) -> str:
    """A number; an E that is null grows without limit."""
    return "grows" if value is None else format(value, layout)


def optimum(report: Report, title: str) -> Table:
    """The best working point of each direction."""
    unstable = [LABELS[each] for each in DIRECTIONS if not report[key(each)]["stable"]]
    grows = f"unstable, variances without the record grow: {', '.join(unstable)}" if unstable else None
    squeezed = any("squeezing_angle_pi" in report[key(each)] for each in DIRECTIONS)
    angle = ["squeezing angle"] if squeezed else []
    table = table_of(title, "", "E", "theta-", "theta+", "C+/C-", *angle, "LO phase", caption=grows)
    for direction in DIRECTIONS:
        point = report[key(direction)]
        table.add_row(
            LABELS[direction],
            f"{point['value']:.7f}",
            f"{point['theta_minus_pi']:.6f} pi",
            f"{point['theta_plus_pi']:.6f} pi",
            f"{point['c_plus_over_c_minus']:.5g}",
            *([f"{point['squeezing_angle_pi']:.4f} pi"] if squeezed else []),
            f"{point['lo_phase_pi']:.4f} pi" if "lo_phase_pi" in point else "not measured",
        )
    return table


def pulses(report: Report) -> Table:
    """One line for each segment; E and quanta stand in the last one."""
    scheme = "given the record" if report["conditional"] else "without the record"
    squeezed = "squeezing_angle_pi" in report[key(DIRECTIONS[0])]
    table = table_of(
        f"Best pulses, E {scheme} (time in units of {report['time_unit_seconds']:.4g} s)",
        "", "duration", "theta-", "theta+", "C+", "E at the end", "quanta of -, +", "LO phase",
        *(["squeezing angle"] if squeezed else []),
    )  # fmt: skip
    for direction in DIRECTIONS:
        pulse = report[key(direction)]
        last = len(pulse["segments"]) - 1
        for number, each in enumerate(pulse["segments"]):
            cells = [
                f"{pulse['value']:.7f}" + " (not below)" * (not pulse["reached"]),
                f"{pulse['most_quanta_minus']:.4g}, {pulse['most_quanta_plus']:.4g}",
                f"{pulse['lo_phase_pi']:.4f} pi" if "lo_phase_pi" in pulse else "not measured",
                *([f"{pulse['squeezing_angle_pi']:.4f} pi"] if squeezed else []),
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


def transients(report: Report, rows: int = 11) -> Table:
    """E(t) and d(t) at about ``rows`` of the times, and the milestones."""
    columns = [(scheme, each) for scheme in ("unconditional", "conditional") for each in DIRECTIONS]
    off = "".join(f", light off at {switch:.6g}" for switch in report["switches"])
    table = table_of(
        f"Transient (time in units of {report['time_unit_seconds']:.4g} s{off})", "time",
        *(f"{LABELS[each]} {scheme}" for scheme, each in columns), *(f"d of {LABELS[each]}" for each in DIRECTIONS),
        caption="\n".join(_two_way(report)),
    )  # fmt: skip
    count = len(report["times"])
    chosen = sorted({round(i * (count - 1) / (rows - 1)) for i in range(rows)})
    for index in chosen:
        table.add_row(
            f"{report['times'][index]:.4g}",
            *(f"{report[scheme][key(each)][index]:.6g}" for scheme, each in columns),
            *(f"{report['d'][key(each)][index]:z.3%}" for each in DIRECTIONS),
        )
    table.add_section()
    sooner = (report["first_steering_ratio"][key(each)] for each in DIRECTIONS)
    largest = [report["largest_d"][key(each)] for each in DIRECTIONS]
    table.add_row(
        "E < 1/2 from",
        *(_moment(report["first_steering"][scheme][key(each)]) for scheme, each in columns),
        *("" if ratio is None else f"{ratio:.3g} x sooner" for ratio in sooner),
    )
    table.add_row(
        "within 1% from",
        *(_moment(report["settling"][scheme][key(each)]) for scheme, each in columns),
        *("" for _ in DIRECTIONS),
    )
    table.add_row(
        "largest d",
        *("" for _ in columns),
        *(f"{peak['value']:.2%} {_when(peak['time'])}" for peak in largest),
    )
    return table


def _two_way(report: Report) -> list[str]:
    lines = []
    for scheme in ("unconditional", "conditional"):
        windows = [
            f"from {_moment(window['start'])} "
            + ("for ever" if window["end"] is None else f"to {_moment(window['end'])} ({_moment(window['width'])})")
            for window in report["two_way"][scheme]
        ]
        lines.append(f"steering both ways, {scheme}: {', '.join(windows) or 'never'}")
    return lines


def _when(time: float | None) -> str:
    return "for ever" if time is None else f"at {time:.3g}"


def _moment(time: float | None) -> str:
    return "never" if time is None else f"{time:.4g}"


def simulation(report: Report) -> Table:
    """Estimates with 95 % intervals beside the exact values."""
    table = table_of(
        "Ensemble at its last save", "", "estimate", "95 % interval", "exact",
        caption=f"{report['trajectories']} trajectories, from {report['initial_state']}, seed {report['seed']}"
        + _LEFT_OUT * (report["discretisation"] == "left out"),
    )  # fmt: skip
    for scheme in ("unconditional", "conditional", "d"):
        for direction in DIRECTIONS:
            name = key(direction)
            label = f"d of {LABELS[direction]}" if scheme == "d" else f"{LABELS[direction]} {scheme}"
            values, exact = report[scheme], report["exact"][scheme][name]
            table.add_row(label, f"{values[name]:.7f}", interval(values[f"{name}_ci"], ".7f"), _exactly(exact))
    for name, found in report.get("clicks", {}).items():
        table.add_row(f"clicks of {name}", f"{found['mean']:.4f}", "", _exactly(found["exact"], ".4f"))
    return table


def _exactly(value: float | None, layout: str = ".7f") -> str:
    """An exact value, which only Gaussian states of linear oscillators have."""
    return "none: not Gaussian" if value is None else format(value, layout)


def estimates_of_d(found: "Mapping[AnyDirection, Estimate]") -> str:
    """The estimates of d so far, in one line."""
    return ", ".join(
        f"d of {LABELS[direction]} = {each.value:.3%} ± {50 * (each.high - each.low):.1g} %"
        for direction, each in ((direction, found[direction]) for direction in DIRECTIONS)
    )


def comparison(report: Report) -> Table:
    """d by bath, C₋ and direction, and how many intervals contain the exact value."""
    held = [
        (low is None or low <= values["d_exact"]) and (high is None or values["d_exact"] <= high)
        for point in report["points"]
        for values in (point[key(direction)] for direction in DIRECTIONS)
        for low, high in [values["d_ci"]]
    ]
    table = table_of(
        "Relative improvement d = (E_u - E_c)/E_u by measuring the light, each scheme at its optimum",
        "bath of +", "C-", "", "E_u", "E_c", "d", "95 % interval", "d exact", "LO phase",
        caption=f"{sum(held)} of {len(held)} intervals contain the exact value (95 % expected)",
    )  # fmt: skip
    for point in report["points"]:
        for direction in DIRECTIONS:
            values = point[key(direction)]
            table.add_row(
                point["bath"],
                f"{point['c_minus']:g}",
                LABELS[direction],
                f"{values['E_u']:.5f}",
                f"{values['E_c']:.5f}",
                f"{values['d']:z.3%}",
                interval(values["d_ci"], "z.3%"),
                f"{values['d_exact']:z.3%}",
                f"{values['optimum']['conditional']['lo_phase_pi']:.3f} pi",
            )
    return table


def stability(report: Report) -> Table:
    """By bath, C₋ and direction: the best E of a stable pair and of any, what the demand costs, and d."""
    table = table_of(
        "Smallest E with and without the demand for stability, each scheme at its optimum",
        "bath of +", "C-", "", "E stable", "E_u", "stability costs", "E_c", "d", "theta-", "theta+", "C+/C-",
        caption="E_u without the record, E_c given it; angles and C+/C- of E_u; exact",
    )  # fmt: skip
    for point in report["points"]:
        for direction in DIRECTIONS:
            values = point[key(direction)]
            best = values["optimum"]["unconditional"]
            table.add_row(
                point["bath"],
                f"{point['c_minus']:g}",
                LABELS[direction],
                f"{values['E_stable']:.5f}",
                f"{values['E_u']:.5f}",
                f"{values['cost_of_stability']:.2%}",
                f"{values['E_c']:.5f}",
                f"{values['d']:z.3%}",
                f"{best['theta_minus_pi']:.4f} pi",
                f"{best['theta_plus_pi']:.4f} pi",
                f"{best['c_plus_over_c_minus']:.4g}",
            )
    return table


def saved(found: Report | None) -> list[str]:
    """Purity and observables at the end of a simulation, one line each."""
    return [
        f"{name} at the end: {each['value']:.6g}, standard error {each['standard_error']:.2g}"
        for name, each in (found or {}).items()
    ]
