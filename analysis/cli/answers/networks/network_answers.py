"""The answer of ``steering network``: E of one set of nodes by another, of its parts, of all pairs and bipartitions."""

import math
from typing import TYPE_CHECKING

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import table_of
from cascade_steering.analysis.criteria.steering import SCHEMES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cascade_steering.analysis.criteria.collective import CollectiveSteering
    from cascade_steering.analysis.criteria.steering import Steered
    from cascade_steering.analysis.networks.network_steering import NetworkSteering

# of how many nodes pairs and parts are shown in tables
_MOST_SHOWN = 6
# E that agree this well are equal
_TIE = 1e-9


def network_report(found: "NetworkSteering", warnings: "Sequence[str]") -> Report:
    """E by scheme, of pairs, and the extremes of all bipartitions; null for E that grows."""
    network, steady = found.network, found.steady
    unconditional, conditional = (_by(found.members[scheme]) for scheme in SCHEMES)
    pairs = [
        {
            "steered": steered,
            "by": by,
            "E": _finite(steady.unconditional[f"{steered}_given_{by}"]),
            "E_conditional": _finite(steady.conditional[f"{steered}_given_{by}"]),
        }
        for steered in network.names
        for by in network.names
        if by != steered
    ]
    return {
        "nodes": list(network.names),
        **_names(found.direction),
        "unconditional": {**unconditional, "stable": network.stable},
        "conditional": {
            **conditional,
            "lo_phase_pi": network.detection.lo_phase_pi,
            "efficiency": network.detection.efficiency,
        },
        "d": _finite(found.d),
        "pairs": pairs,
        "bipartitions": {scheme: _extremes(found.of_bipartitions[scheme]) for scheme in SCHEMES},
        "warnings": list(warnings),
    }


def _by(found: "CollectiveSteering") -> Report:
    return {
        "E": _finite(found.together),
        "gaussian_steerability": found.steerability,
        "collective": found.collective,
        "E_alone": {name: _finite(each) for name, each in found.alone.items()},
        "E_without": {name: _finite(each) for name, each in found.without.items()},
    }


def _names(way: "Steered") -> Report:
    return {"steered": list(map(str, way.steered)), "by": list(map(str, way.by))}


def _extremes(values: "Mapping[Steered, float]") -> Report | None:
    """The bipartition of the smallest E and that of the largest one; None if none were looked at."""
    if not values:
        return None
    smallest, largest = min(values.values()), max(values.values())
    # of equal ones the first
    ends = {
        "smallest": next(way for way, each in values.items() if each <= smallest * (1 + _TIE)),
        "largest": next(way for way, each in values.items() if each >= largest * (1 - _TIE)),
    }
    return {name: {**_names(way), "E": _finite(values[way])} for name, way in ends.items()}


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def network_tables(report: Report) -> list[Table]:
    """E by all steering nodes and by parts of them; E of the pairs, where there are few nodes."""
    stable = report["unconditional"]["stable"]
    limit = "" if stable else "without the record the limit of growing variances"
    both = [report[scheme] for scheme in SCHEMES]
    steered = " and ".join(report["steered"])
    main = table_of(
        f"E of {steered} (steering where E < 1/2)", "where", "E without the record", "E given the record", caption=limit
    )
    main.add_row(f"given {_listed(report['by'])}", *(_text(each["E"]) for each in both))
    if 1 < len(report["by"]) <= _MOST_SHOWN:
        main.add_section()
        for name in report["by"]:
            main.add_row(f"given {name} alone", *(_text(each["E_alone"][name]) for each in both))
    if 2 < len(report["by"]) <= _MOST_SHOWN:
        main.add_section()
        for name in report["by"]:
            main.add_row(f"given all of them but {name}", *(_text(each["E_without"][name]) for each in both))
    if not 2 < len(report["nodes"]) <= _MOST_SHOWN:
        return [main]
    pairs = table_of("E of one node given one other", "where", "E without the record", "E given the record")
    for each in report["pairs"]:
        pairs.add_row(f"{each['steered']} given {each['by']}", _text(each["E"]), _text(each["E_conditional"]))
    return [main, pairs]


def _listed(names: "Sequence[str]") -> str:
    """The names, or how many they are."""
    return " and ".join(names) if len(names) <= _MOST_SHOWN else f"{names[0]} to {names[-1]}, {len(names)} nodes"


def _text(value: float | None) -> str:
    return "grows" if value is None else f"{value:.6f}"


def network_lines(report: Report) -> list[str]:
    """What the record is worth, whether the steering is collective, and the extremes of all bipartitions."""
    lines = [] if report["d"] is None else [f"d = 1 - E_c/E_u: {100 * report['d']:z.3f} %"]
    for scheme, said in zip(SCHEMES, ("without the record", "given the record"), strict=True):
        if len(report["by"]) > 1 and report[scheme]["collective"]:
            lines.append(f"collective {said}: only all of them together steer")
        if (ends := report["bipartitions"][scheme]) is not None and len(report["nodes"]) > 2:
            extremes = (
                f"{name} E {_text(each['E'])}, {' and '.join(each['steered'])} given {' and '.join(each['by'])}"
                for name, each in ends.items()
            )
            lines.append(f"all bipartitions {said}: {'; '.join(extremes)}")
    return lines
