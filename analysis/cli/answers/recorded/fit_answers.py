"""What is asked for beside a fit, as plain data ready for JSON and as tables."""

import math
import warnings
from collections.abc import Callable

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import interval, table_of
from cascade_steering.analysis.identification.informing.detectable import Detectable
from cascade_steering.analysis.identification.intervals.steering_interval import E_FOLLOWS, SteeringOfFit
from cascade_steering.analysis.results.fitted.fit_result import FitResult, Posterior


def intervals(report: Report, found: Callable[[str], tuple[tuple[float, float], tuple[str, ...]]]) -> None:
    """Put intervals by profile likelihood into the estimates of a fit, in place."""
    for name, each in report["estimates"].items():
        ends, limited_by = found(name)
        each["ci"], each["limited_by"] = list(ends), list(limited_by)


def steering(found: SteeringOfFit) -> Report:
    """E and d with the intervals that the record leaves, and what ends them where it does not."""
    report: Report = {"note": E_FOLLOWS, "free": list(found.free), "log_likelihood": found.log_likelihood}
    for name, by_direction in (("E", found.E), ("d", found.d)):
        for direction, each in by_direction.items():
            report[f"{name}_{direction}"] = {
                "value": each.value,
                "ci": list(each.profile.interval),
                "limited_by": list(each.profile.limited_by),
                "converged": each.profile.converged,
            }
    return report


def steering_table(report: Report) -> Table:
    """E and d with the intervals that the record leaves."""
    table = table_of(
        "In the steady state", "", "value", "95 % interval", "ended by bounds of",
        caption=f"profiled over {', '.join(report['free'])}. {report['note']}.",
    )  # fmt: skip
    for name, each in report.items():
        if name[:2] in ("E_", "d_"):
            table.add_row(name, f"{each['value']:.5f}", interval(each["ci"], ".5f"), ", ".join(each["limited_by"]))
    return table


def detectable(found: Detectable) -> Report:
    """Errors that the record would show; null where it shows none."""
    return {
        "power": found.power,
        "false_alarm": found.false_alarm,
        "errors": {
            name: {"alone": _finite(value), "beside_others": _finite(found.beside_others[name])}
            for name, value in found.alone.items()
        },
    }


def detectable_table(report: Report) -> Table:
    """Errors that the record would show."""
    table = table_of(
        "Errors that the record shows", "", "all others known", "all others fitted as well",
        caption=f"with a probability of {report['power']:g}, by a test that refuses a right value in "
        f"{report['false_alarm']:g} of all cases",
    )  # fmt: skip
    for name, each in report["errors"].items():
        table.add_row(
            name, *("none" if each[key] is None else f"{each[key]:.3g}" for key in ("alone", "beside_others"))
        )
    return table


def posterior(found: Posterior) -> Report:
    """Medians and intervals of 95 %, null before the chain has converged, and how far the chain is."""
    state = found.chain.convergence
    quantiles = found.quantiles(0.025, 0.5, 0.975) if found.converged else None
    return {
        "posterior": None
        if quantiles is None
        else {name: {"median": middle, "ci": [low, high]} for name, (low, middle, high) in quantiles.items()},
        "chain": {
            "converged": found.converged,
            "steps": state.steps,
            "walkers": found.chain.samples.shape[1],
            "autocorrelation_time": state.autocorrelation_time,
            "r_hat": _finite(state.r_hat),
            "acceptance": found.chain.acceptance,
            "spread_over_prior": found.chain.spread_over_prior(),
            "priors": {name: prior.text for name, prior in found.chain.priors.items()},
        },
    }


def posterior_table(report: Report) -> Table:
    """Medians and intervals of the posterior of a chain that has converged."""
    chain = report["chain"]
    table = table_of(
        "Posterior", "", "median", "95 % interval", "standard deviation over that of the prior",
        caption=f"{chain['steps']} steps of {chain['walkers']} walkers, autocorrelation time "
        f"{chain['autocorrelation_time']:.3g}",
    )  # fmt: skip
    for name, each in report["posterior"].items():
        share = chain["spread_over_prior"].get(name)
        table.add_row(
            name, f"{each['median']:.6g}", interval(each["ci"], ".6g"), "" if share is None else f"{share:.2g}"
        )
    return table


def profiled(result: FitResult, everything: bool) -> Callable[[str], tuple[tuple[float, float], tuple[str, ...]]]:
    """The interval of a parameter by name, and the parameters whose bounds end it."""
    from cascade_steering.analysis.identification.intervals.parameter_interval import parameter_interval

    def of(name: str) -> tuple[tuple[float, float], tuple[str, ...]]:
        found = parameter_interval(result.problem, result.fit, name, profiled=everything)
        if found.profile is not None and not found.profile.converged:
            warnings.warn(f"the profile of {name} did not converge: its interval may be too short", stacklevel=2)
        return found.interval, () if found.profile is None else found.profile.limited_by

    return of


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
