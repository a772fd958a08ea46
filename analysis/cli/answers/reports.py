"""What each command answers, as plain data ready for JSON: the keys are the public contract."""

import math
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria import measures
from cascade_steering.analysis.criteria.steering import (
    DIRECTIONS,
    SCHEMES,
    AnyDirection,
    Direction,
    key,
    steering_of_root,
)
from cascade_steering.analysis.estimation.estimators import Ensemble, Estimate, Steering
from cascade_steering.analysis.time_courses.milestones import Window
from cascade_steering.analysis.time_courses.transients import Transient
from cascade_steering.sim.conventions import DIAGNOSTIC
from cascade_steering.sim.ensemble.discretisation import ATTRIBUTE
from cascade_steering.sim.gaussian.covariance import steady_root, transient_roots
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel, lab, rwa
from cascade_steering.sim.parameters import Cascade, Detection
from cascade_steering.sim.roots import product
from cascade_steering.sim.rotating_wave import closed_forms
from cascade_steering.sim.rotating_wave.equations import RotatingWave

if TYPE_CHECKING:
    import xarray as xr

    from cascade_steering.analysis.paper.claims import Claim
    from cascade_steering.analysis.paper.validation import KnownResult
    from cascade_steering.analysis.working_points.optimum import Optimum

FloatArray = NDArray[np.float64]
Report = dict[str, Any]


def steady(cascade: Cascade, detection: Detection, frequency: tuple[float, float] | None = None) -> Report:
    """One working point, exact: unconditional by the closed forms, conditional by the Riccati equation.

    With a ``frequency`` (rad/s, of − and +) both in the lab frame, beside what the rotating-wave model makes of it.
    """
    cascade.require_stable()
    point = RotatingWave.of(cascade)
    root = steady_root(rwa(cascade, detection), conditional=True)
    unseen, seen = closed_forms.closed_form_covariance(point), product(root)
    unconditional = dict(zip(DIRECTIONS, map(float, closed_forms.steering_parameters(point)), strict=True))
    conditional = _steering(root)
    if frequency is None:
        return _steady(unconditional, unseen, conditional, seen, detection)
    model = lab(cascade, detection, frequency)
    roots = {scheme: steady_root(model, conditional=scheme == "conditional") for scheme in SCHEMES}
    exact = {scheme: product(root) for scheme, root in roots.items()}
    values = {scheme: _steering(root) for scheme, root in roots.items()}
    rotating = {"unconditional": unconditional, "conditional": conditional}
    errors = {
        scheme: {key(each): rotating[scheme][each] / values[scheme][each] - 1.0 for each in DIRECTIONS}
        for scheme in SCHEMES
    }
    return {
        **_steady(
            values["unconditional"], exact["unconditional"], values["conditional"], exact["conditional"], detection
        ),
        "frequency_hz": [each / (2 * math.pi) for each in frequency],
        "rotating_wave_error": errors,
    }


def _steering(root: FloatArray) -> dict[Direction, float]:
    """E in both directions from a root of the covariance."""
    return {each: float(steering_of_root(root, each)) for each in DIRECTIONS}


def _steady(
    unconditional: dict[Direction, float],
    unseen: FloatArray,
    conditional: dict[Direction, float],
    seen: FloatArray,
    detection: Detection,
) -> Report:
    return {
        "unconditional": {**_keyed(unconditional), **_measures(unseen), "covariance": unseen.tolist()},
        "conditional": {
            **_keyed(conditional),
            **_measures(seen),
            "covariance": seen.tolist(),
            "lo_phase_pi": detection.lo_phase / math.pi,
            "efficiency": detection.efficiency,
        },
        "d": {key(each): 1.0 - conditional[each] / unconditional[each] for each in DIRECTIONS},
    }


def _measures(covariance: FloatArray) -> Report:
    """The neighbouring measures of entanglement and steering, see ``analysis.criteria.measures``."""
    directed = {"gaussian_steerability": measures.gaussian_steerability, "key_rate": measures.key_rate}
    return {
        "logarithmic_negativity": float(measures.logarithmic_negativity(covariance)),
        "epr_variance": float(measures.epr_variance(covariance)),
        **{
            f"{name}_{direction}": float(measure(covariance, direction))
            for name, measure in directed.items()
            for direction in DIRECTIONS
        },
    }


def transients(result: Transient, unit: float) -> Report:
    """E(t), d(t) and what happens to them, times in units of ``unit`` seconds.

    null for a time: never, or, for the end of a window and the time of the largest d, for good.
    """
    found = result.milestones
    first = {name: {key(each): _time(found.first(name, each), unit) for each in DIRECTIONS} for name in SCHEMES}
    sooner = {
        key(each): _ratio(first["unconditional"][key(each)], first["conditional"][key(each)]) for each in DIRECTIONS
    }
    return {
        "times": (result.times / unit).tolist(),
        "time_unit_seconds": unit,
        "switches": [each / unit for each in result.switches],
        "unconditional": {key(each): result.unconditional[each].tolist() for each in DIRECTIONS},
        "conditional": {key(each): result.conditional[each].tolist() for each in DIRECTIONS},
        "d": {key(each): result.d[each].tolist() for each in DIRECTIONS},
        "first_steering": first,
        "first_steering_ratio": sooner,
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


def _ratio(unconditional: float | None, conditional: float | None) -> float | None:
    """How many times sooner there is steering with the record; None if one is never, or both are at once."""
    return unconditional / conditional if unconditional is not None and conditional else None


def _windows(windows: tuple[Window, ...], unit: float) -> list[Report]:
    return [{name: _time(getattr(each, name), unit) for name in ("start", "end", "width")} for each in windows]


def simulation(dataset: "xr.Dataset", exact: Report) -> Report:
    """Estimates with intervals at the last save of an ensemble, beside the exact values there.

    ``discretisation`` says whether the intervals hold what step and truncation cost, see
    ``sim.ensemble.simulate.simulate``.
    """
    found = Steering.of(Ensemble.of(dataset))
    return {
        "unconditional": _estimates(found.unconditional),
        "conditional": _estimates(found.conditional),
        "d": _estimates(found.d),
        "exact": exact,
        "discretisation": dataset.attrs[ATTRIBUTE],
        "diagnostics": _diagnostics(dataset),
    }


def exact(model: LinearModel, initial: InitialState, times: FloatArray) -> Report:
    """E and d at the last of ``times`` (seconds) from an initial state, by the moments engine.

    The covariance without the record is exact for any state. With the record it is not that of the Riccati equation
    where the state is not Gaussian, and depends on the record: E and d are then null.
    """
    last = times[-1:]
    whole = np.concatenate([initial.covariance_root, initial.scatter_root])
    unconditional = _steering(transient_roots(model, whole, last, conditional=False)[0])
    if not initial.gaussian:
        unknown = dict.fromkeys(map(key, DIRECTIONS))
        return {"unconditional": _keyed(unconditional), "conditional": unknown, "d": unknown}
    conditional = _steering(transient_roots(model, initial.covariance_root, last, conditional=True)[0])
    return {
        "unconditional": _keyed(unconditional),
        "conditional": _keyed(conditional),
        "d": {key(each): 1.0 - conditional[each] / unconditional[each] for each in DIRECTIONS},
    }


def optimum(best: "dict[Direction, Optimum]") -> Report:
    """The best working point of each direction."""
    report: Report = {}
    for direction, found in best.items():
        point = {
            "value": found.value,
            "theta_minus_pi": found.cascade.minus.angle / math.pi,
            "theta_plus_pi": found.cascade.plus.angle / math.pi,
            "c_plus_over_c_minus": found.cascade.plus.cooperativity / found.cascade.minus.cooperativity,
        }
        if found.detection is not None:
            point["lo_phase_pi"] = found.detection.lo_phase / math.pi
        report[key(direction)] = point
    return report


def comparison(study: "xr.Dataset") -> Report:
    """Appendix B, point by point."""
    points = []
    for index in range(study.sizes["point"]):
        at = study.isel(point=index)
        point: Report = {"c_minus": float(at["c_minus"]), "bath": str(at["bath"].item())}
        for each in DIRECTIONS:
            point[key(each)] = _compared(at.sel(direction=key(each)))
        points.append(point)
    return {"points": points}


def _compared(at: "xr.Dataset") -> Report:
    def value(name: str, **where: str) -> float | None:
        number = float(at[name].sel(where)) if where else float(at[name])
        return number if math.isfinite(number) else None

    working_points = {
        scheme: {
            name: value(name, scheme=scheme)
            for name in ("theta_minus_pi", "theta_plus_pi", "c_plus_over_c_minus", "lo_phase_pi")
        }
        for scheme in at["scheme"].to_numpy().tolist()
    }
    return {
        "E_u": value("E_u"),
        "E_u_ci": [value("E_u_low"), value("E_u_high")],
        "E_u_exact": value("E_exact", scheme="unconditional"),
        "E_c": value("E_c"),
        "E_c_exact": value("E_exact", scheme="conditional"),
        "d": value("d"),
        "d_ci": [value("d_low"), value("d_high")],
        "d_exact": value("d_exact"),
        "optimum": working_points,
    }


def claims(found: "Iterable[Claim]") -> list[dict[str, str]]:
    """The paper's statements with their verdicts."""
    return [asdict(claim) for claim in found]


def validation(checks: "Iterable[KnownResult]") -> Report:
    """The validation report."""
    lines = [
        {
            "name": check.name,
            "value": check.value if math.isfinite(check.value) else None,
            "expected": check.expected,
            "tolerance": check.tolerance,
            "why": check.why,
            "passed": check.passed,
        }
        for check in checks
    ]
    return {"checks": lines, "passed": all(line["passed"] for line in lines)}


def _keyed(values: dict[Direction, float]) -> dict[str, float]:
    return {key(direction): value for direction, value in values.items()}


def _estimates(values: dict[AnyDirection, Estimate]) -> Report:
    report: Report = {}
    for direction, estimate in values.items():
        report[key(direction)] = estimate.value
        # null for an end that is not there: of d where E_u may be as small as any number
        report[f"{key(direction)}_ci"] = [end if math.isfinite(end) else None for end in estimate.interval]
    return report


def _diagnostics(dataset: "xr.Dataset") -> Report:
    """Of each figure of health the worst over all trajectories, and the engine's warnings."""
    worst = {
        str(name).removeprefix(DIAGNOSTIC): values.max().item()
        for name, values in dataset.data_vars.items()
        if str(name).startswith(DIAGNOSTIC)
    }
    worst |= {name: float(value) for name, value in dataset.attrs.items() if name.startswith(f"{ATTRIBUTE}_error")}
    issued = str(dataset.attrs["warnings"])
    return {**worst, "warnings": issued.split("\n") if issued else []}
