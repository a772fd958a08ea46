"""The answer of ``steering setup``: derived numbers, E by elimination and with the cavity kept, the difference."""

import math
from typing import TYPE_CHECKING

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import LABELS, table_of
from cascade_steering.analysis.cli.options import physics
from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, key
from cascade_steering.analysis.laboratory.derived import Derived, derived_numbers, loss_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cascade_steering.analysis.criteria.steering import Scheme
    from cascade_steering.analysis.laboratory.elimination import Elimination
    from cascade_steering.analysis.laboratory.setup import LaboratorySetup
    from cascade_steering.analysis.results.steady_result import SteadyResult

_LIMIT = "; without the record the limit of growing variances"
# by the names of their options
_SQUEEZED = {
    "squeezing_db": "squeezing", "squeezing_angle_pi": "squeezing-angle", "squeezing_loss": "squeezing-loss",
}  # fmt: skip
_SCHEMES = {"unconditional": "without the record", "conditional": "given the record"}


def report(setup: "LaboratorySetup", found: "Elimination", warnings: "Sequence[str]") -> Report:
    """The numbers of a setup in the names of the paper, how they follow, and E of both models by scheme."""
    pair = setup.pair
    point = setup.point
    return {
        "c_minus": point.c_minus,
        "c_plus": point.c_plus,
        "theta_minus_pi": point.theta_minus_pi,
        "theta_plus_pi": point.theta_plus_pi,
        "loss": point.loss,
        **{name: getattr(point, name) for name in _SQUEEZED if point.squeezing_db},
        "eliminated": _model(found.eliminated),
        "explicit": _model(found.explicit),
        "difference": _by_scheme(found.difference),
        "derived": {name: _numbers(each) for name, each in derived_numbers(setup).items()},
        "losses": _numbers(loss_numbers(setup)),
        "retuned": {
            "frequency_minus_hz": pair.tuned.frequency_hz,
            "path_phase_pi": pair.path_phase_pi + pair.path_offset_pi,
            "lo_phase_pi": pair.detection.lo_phase_pi + pair.lo_offset_pi,
            **({"squeezing_angle_pi": pair.squeezing_angle_pi + pair.squeezing_offset_pi} if pair.squeezing_db else {}),
        }
        if pair.retune
        else None,
        "warnings": list(warnings),
    }


def _model(found: "SteadyResult") -> Report:
    """E by scheme; without the record also whether it is that of a steady state, or the limit of growing variances."""
    report = _by_scheme(found.E)
    report["unconditional"]["stable"] = found.stable
    return report


def _by_scheme(values: "Mapping[Scheme, Mapping[str, float]]") -> Report:
    """The values of − and +; null for one that is not finite."""
    return {
        scheme: {
            key(each): values[scheme][each] if math.isfinite(values[scheme][each]) else None for each in DIRECTIONS
        }
        for scheme in SCHEMES
    }


def _numbers(numbers: "Sequence[Derived]") -> Report:
    return {each.name: {"value": each.value, "unit": each.unit, "formula": each.formula} for each in numbers}


def tables_of(found: Report) -> list[Table]:
    """The derived numbers with their formulas, and E."""
    rates = table_of(
        "Rates as frequencies, /2pi (Omega < 0 for the negative mass)", "", "-", "+", "unit", "formula", caption=""
    )
    names = list(dict.fromkeys(name for node in found["derived"].values() for name in node))
    for name in names:
        both = [found["derived"][node].get(name) for node in ("minus", "plus")]
        there = [each for each in both if each is not None]
        formulas = dict.fromkeys(each["formula"] for each in there)
        cells = ("" if each is None else f"{each['value']:.6g}" for each in both)
        rates.add_row(name, *cells, there[0]["unit"], "; ".join(formulas))
    rates.add_section()
    for name, each in found["losses"].items():
        rates.add_row(name, "", f"{each['value']:.6g}", each["unit"], each["formula"])
    stable = all(found[model]["unconditional"]["stable"] for model in ("eliminated", "explicit"))
    steering = table_of(
        "Steady state (steering where E < 1/2)", "", "eliminated", "cavity kept", "difference",
        caption="difference: E by elimination over E with the cavity kept, less 1" + _LIMIT * (not stable),
    )  # fmt: skip
    for scheme in SCHEMES:
        for direction in DIRECTIONS:
            name = key(direction)
            steering.add_row(
                f"{LABELS[direction]} {_SCHEMES[scheme]}",
                _value(found["eliminated"][scheme][name], ".7f"),
                _value(found["explicit"][scheme][name], ".7f"),
                _value(found["difference"][scheme][name], "+.2e"),
            )
    return [rates, steering]


def _value(value: float | None, style: str) -> str:
    return "grows" if value is None else f"{value:{style}}"


def lines(found: Report) -> list[str]:
    """What was retuned, and what elimination costs."""
    tuned = found["retuned"]
    said = (
        "not retuned: frequencies and phases are those of the file"
        if tuned is None
        else f"retuned: - to {tuned['frequency_minus_hz']:.9g} Hz, path phase to {tuned['path_phase_pi']:.6g} pi, "
        f"local oscillator to {tuned['lo_phase_pi']:.6g} pi"
        + (f", squeezed light to {tuned['squeezing_angle_pi']:.6g} pi" if "squeezing_angle_pi" in tuned else "")
    )
    costs = [abs(each) for scheme in found["difference"].values() for each in scheme.values() if each is not None]
    cost = [f"what elimination costs: {max(costs):.2e} of E at most"] if costs else []
    return [said, *cost]


def options_of(setup: "LaboratorySetup") -> str:
    """The command line of the same pair by elimination, with which all other commands may go on."""
    point = setup.point
    baths = {"bath-minus": point.cascade.minus.bath, "bath-plus": point.cascade.plus.bath}
    words = [
        *(f"--{name} {value!r}" for name, value in physics.named_numbers(point).items()),
        *(f"--{option} {getattr(point, name)!r}" for name, option in _SQUEEZED.items() if point.squeezing_db),
        *(f"--{name} {bath.linewidth_hz!r},{bath.occupation!r}" for name, bath in baths.items()),
        f"--scheme {point.scheme}",
    ]
    return f"by elimination: steering steady {' '.join(words)}"
