"""Reports of the commands, as plain data ready for JSON. Their keys are public and do not change."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, AnyDirection, Direction, Scheme, key
from cascade_steering.analysis.estimation.health import issued, worst
from cascade_steering.sim.ensemble.discretisation import ATTRIBUTE

if TYPE_CHECKING:
    import xarray as xr

    from cascade_steering.analysis.estimation.estimators import Estimate, Steering
    from cascade_steering.analysis.estimation.stopping import Estimates, Target
    from cascade_steering.analysis.protocols.described_pulse import BestPulse
    from cascade_steering.analysis.results.pulse_result import PulseResult
    from cascade_steering.analysis.time_courses.endpoint import Endpoint
    from cascade_steering.analysis.time_courses.milestones import Window
    from cascade_steering.analysis.time_courses.transients import Transient
    from cascade_steering.analysis.working_points.optimum import Optimum
    from cascade_steering.analysis.working_points.pair_at_rest import PairAtRest
    from cascade_steering.sim.initial_state import InitialState
    from cascade_steering.sim.model.linear_model import LinearModel
    from cascade_steering.sim.model.schedule import Schedule

Report = dict[str, Any]
_Way = TypeVar("_Way", bound=str)


def steady(found: "PairAtRest") -> Report:
    """The steady state of a working point; in the laboratory frame also the error of the rotating-wave model."""
    at_rest = found.exact.unconditional
    report: Report = {
        "unconditional": _at_rest(found, "unconditional"),
        "conditional": {
            **_at_rest(found, "conditional"),
            "lo_phase_pi": found.detection.lo_phase_pi,
            "efficiency": found.detection.efficiency,
        },
        # null where E without the record grows, so that d says nothing
        "d": _keyed({way: value if math.isfinite(at_rest[way]) else None for way, value in found.exact.d.items()}),
    }
    if found.frequency_hz is not None:
        report["frequency_hz"] = list(found.frequency_hz)
        report["rotating_wave_error"] = {
            scheme: _keyed({each: error if math.isfinite(error) else None for each, error in values.items()})
            for scheme, values in found.rotating_wave_error.items()
        }
    return report


def _at_rest(found: "PairAtRest", scheme: Scheme) -> Report:
    """One scheme; where variances grow E is its limit, and null where it grows too, as is all else."""
    values = {name: value if math.isfinite(value) else None for name, value in found.exact.E[scheme].items()}
    if scheme == "unconditional" and not found.exact.stable:
        return {**_keyed(values), "stable": False, **dict.fromkeys(found.measures("conditional")), "covariance": None}
    return {
        **_keyed(values),
        **({"stable": True} if scheme == "unconditional" else {}),
        **found.measures(scheme),
        "covariance": found.exact.covariance[scheme].tolist(),
    }


def transients(result: "Transient", unit: float) -> Report:
    """E(t), d(t) and their milestones, times in units of ``unit`` seconds.

    A time is null if the event never happens, the end of a window if it lasts for ever, and the time of the largest d
    if that is the one of the steady state.
    """
    found = result.milestones
    first = {name: {key(each): _time(found.first(name, each), unit) for each in DIRECTIONS} for name in SCHEMES}
    return {
        "times": (result.times / unit).tolist(),
        "time_unit_seconds": unit,
        "switches": [each / unit for each in result.switches],
        "unconditional": {key(each): result.unconditional[each].tolist() for each in DIRECTIONS},
        "conditional": {key(each): result.conditional[each].tolist() for each in DIRECTIONS},
        "d": {key(each): result.d[each].tolist() for each in DIRECTIONS},
        "first_steering": first,
        "first_steering_ratio": {key(each): found.first_ratio(each) for each in DIRECTIONS},
        "settling": {
            name: {key(each): _time(found.settling[name][each], unit) for each in DIRECTIONS} for name in SCHEMES
        },
        "steering_windows": {
            name: {key(each): _windows(found.windows[name][each], unit) for each in DIRECTIONS} for name in SCHEMES
        },
        "two_way": {name: _windows(found.two_way[name], unit) for name in SCHEMES},
        "largest_d": {
            key(each): {"value": peak.value, "time": _time(peak.time, unit)} for each, peak in found.largest_d.items()
        },
    }


def _time(seconds: float | None, unit: float) -> float | None:
    return None if seconds is None or math.isinf(seconds) else seconds / unit


def _windows(windows: "tuple[Window, ...]", unit: float) -> list[Report]:
    return [{name: _time(getattr(each, name), unit) for name in ("start", "end", "width")} for each in windows]


def simulation(dataset: "xr.Dataset", found: "Steering", exact: "Endpoint") -> Report:
    """Estimates with intervals at the last save of an ensemble, and the exact values at that time.

    ``discretisation`` says whether the intervals include the errors of step and truncation, see
    ``sim.ensemble.simulate.simulate``.
    """
    return {
        "unconditional": _estimates(found.unconditional),
        "conditional": _estimates(found.conditional),
        "d": _estimates(found.d),
        "exact": endpoint(exact),
        "discretisation": dataset.attrs[ATTRIBUTE],
        "diagnostics": {**worst(dataset), "warnings": issued(dataset)},
    }


def clicks(dataset: "xr.Dataset", model: "LinearModel | Schedule", initial: "InitialState", duration: float) -> Report:
    """The clicks of each counter in a trajectory, on average and as expected; nothing without a counter.

    Beside polynomials nothing is known to be expected: null.
    """
    if "count" not in dataset:
        return {}
    from cascade_steering.sim.fock.counting.rates import expected_clicks

    found = dataset["count"].sum("interval").to_numpy()
    unknown = dict.fromkeys(model.counter_names)
    expected = unknown if model.nonlinear else expected_clicks(model, initial, duration)
    return {
        "clicks": {
            name: {"mean": float(mean), "exact": exact}
            for mean, (name, exact) in zip(found, expected.items(), strict=True)
        }
    }


def endpoint(found: "Endpoint") -> Report:
    """E and d at one time; null for a value that differs from record to record."""
    unknown = dict.fromkeys(DIRECTIONS)
    return {
        "unconditional": _keyed(found.unconditional or unknown),
        "conditional": _keyed(found.conditional or unknown),
        "d": _keyed(found.d or unknown),
    }


def optimum(best: "dict[Direction, Optimum]") -> Report:
    """The best working point of each direction."""
    report: Report = {}
    for direction, found in best.items():
        point = {
            "value": found.value,
            "theta_minus_pi": found.cascade.minus.angle / math.pi,
            "theta_plus_pi": found.cascade.plus.angle / math.pi,
            "c_plus_over_c_minus": found.c_plus_over_c_minus,
            "stable": found.stable,
        }
        if found.cascade.squeezing_db:
            point["squeezing_angle_pi"] = found.cascade.squeezing_angle_pi
        if found.detection is not None:
            point["lo_phase_pi"] = found.detection.lo_phase / math.pi
        report[key(direction)] = point
    return report


def pulses(found: "PulseResult") -> Report:
    """The best pulse of each direction; durations in units of 1/γ̃₀ and in seconds."""
    unit = found.point.time_unit
    pulses = {key(way): _pulse(pulse, unit) for way, pulse in found.pulses.items()}
    if found.point.squeezing_db:
        for way, pulse in found.pulses.items():
            pulses[key(way)]["squeezing_angle_pi"] = pulse.squeezing_angle_pi
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


def comparison(study: "xr.Dataset") -> Report:
    """The comparison of Appendix B, one entry for each working point."""
    points = []
    for index in range(study.sizes["point"]):
        at = study.isel(point=index)
        point: Report = {"c_minus": float(at["c_minus"]), "bath": str(at["bath"].item())}
        for each in DIRECTIONS:
            point[key(each)] = _compared(at.sel(direction=key(each)))
        points.append(point)
    return {"points": points}


def _compared(at: "xr.Dataset") -> Report:
    return {
        "E_u": _number(at, "E_u"),
        "E_u_ci": [_number(at, "E_u_low"), _number(at, "E_u_high")],
        "E_u_exact": _number(at, "E_exact", scheme="unconditional"),
        "E_c": _number(at, "E_c"),
        "E_c_exact": _number(at, "E_exact", scheme="conditional"),
        "d": _number(at, "d"),
        "d_ci": [_number(at, "d_low"), _number(at, "d_high")],
        "d_exact": _number(at, "d_exact"),
        "optimum": _working_points(at),
    }


def stability(study: "xr.Dataset") -> Report:
    """The exact comparison without the demand for stability, one entry for each working point."""
    points = []
    for index in range(study.sizes["point"]):
        at = study.isel(point=index)
        point: Report = {"c_minus": float(at["c_minus"]), "bath": str(at["bath"].item())}
        for each in DIRECTIONS:
            point[key(each)] = _compared_exactly(at.sel(direction=key(each)))
        points.append(point)
    return {"points": points}


def _compared_exactly(at: "xr.Dataset") -> Report:
    best = _working_points(at)
    for scheme, point in best.items():
        point["stable"] = bool(at["stable"].sel(scheme=scheme))
    return {
        "E_stable": _number(at, "E_stable"),
        "E_u": _number(at, "E_exact", scheme="unconditional"),
        "E_c": _number(at, "E_exact", scheme="conditional"),
        "d": _number(at, "d_exact"),
        "cost_of_stability": _number(at, "cost_of_stability"),
        "optimum": best,
    }


def _working_points(at: "xr.Dataset") -> Report:
    """The best points of a comparison by scheme."""
    names = ["theta_minus_pi", "theta_plus_pi", "c_plus_over_c_minus", "lo_phase_pi"]
    names += ["squeezing_angle_pi"] if "squeezing_angle_pi" in at else []
    return {
        scheme: {name: _number(at, name, scheme=scheme) for name in names}
        for scheme in at["scheme"].to_numpy().tolist()
    }


def _number(at: "xr.Dataset", name: str, **where: str) -> float | None:
    """A variable of a dataset as a number; None if it is not finite."""
    number = float(at[name].sel(where)) if where else float(at[name])
    return number if math.isfinite(number) else None


def _keyed(values: Mapping[_Way, float | None]) -> dict[str, float | None]:
    return {key(direction): value for direction, value in values.items()}


def _estimates(values: "dict[AnyDirection, Estimate]") -> Report:
    report: Report = {}
    for direction, estimate in values.items():
        report[key(direction)] = estimate.value
        # null for an infinite end: d has no lower end where the interval of E_u reaches 0
        report[f"{key(direction)}_ci"] = [end if math.isfinite(end) else None for end in estimate.interval]
    return report


def saved(dataset: "xr.Dataset") -> Report | None:
    """Mean purity and observables at the end of a simulation, with standard errors; None if none were saved."""
    found: Report = {}
    if "purity" in dataset:
        found["purity"] = _at_end(dataset["purity"], dataset["purity_error"])
    if "expectation" in dataset:
        for name in dataset["observable"].to_numpy().tolist():
            values, errors = (dataset[each].sel(observable=name) for each in ("expectation", "expectation_error"))
            found[name] = _at_end(values, errors)
    return found or None


def _at_end(values: "xr.DataArray", errors: "xr.DataArray") -> Report:
    return {"value": values[-1].item(), "standard_error": errors[-1].item()}


def stopping(target: "Target", steering: "Estimates") -> Report:
    """The target and the half-widths that were reached, relative to the values; null for an infinite one."""
    return {
        "quantity": target.quantity,
        "relative_half_width": target.relative_half_width,
        "found": {
            key(each): width if math.isfinite(width) else None for each, width in target.widths(steering).items()
        },
        "met": target.met(steering),
    }
