"""The answer of ``steering network --optimum``: the best network, node by node."""

import math
from typing import TYPE_CHECKING

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import table_of

if TYPE_CHECKING:
    from cascade_steering.analysis.networks.network_optimum import NetworkOptimum

# more quanta than this are of the cut at the edge of stability
_MANY = 1e8


def optimum_report(found: "NetworkOptimum") -> Report:
    """E, the nodes, and how it was found; null for quanta that grow without bound."""
    detection = found.network.detection
    quanta = found.most_quanta
    return {
        "steered": list(map(str, found.steered.steered)),
        "by": list(map(str, found.steered.by)),
        "E": found.value,
        "conditional": found.conditional,
        "lo_phase_pi": detection.lo_phase_pi if found.conditional else None,
        "stable": found.stable,
        "most_quanta": quanta if math.isfinite(quanta) else None,
        "nodes": [
            {
                "name": node.name,
                "mass": node.mass,
                "cooperativity": node.oscillator.cooperativity,
                "theta_pi": node.oscillator.angle_pi,
                "loss_before": node.loss_before,
            }
            for node in found.network.nodes
        ],
        "unused": list(found.unused),
        "starts": found.starts,
        "agreeing": found.agreeing,
    }


def optimum_table(report: Report) -> Table:
    """The nodes in the order of the light."""
    given = " and ".join(report["by"]) if len(report["by"]) < 4 else f"{len(report['by'])} nodes"
    table = table_of(
        f"best E of {' and '.join(report['steered'])} given {given}: {report['E']:.6f}", "node", "mass",
        "cooperativity", "theta", "loss before",
    )  # fmt: skip
    for node in report["nodes"]:
        table.add_row(
            node["name"], node["mass"], f"{node['cooperativity']:.3f}", f"{node['theta_pi']:.4f} pi",
            f"{node['loss_before']:g}",
        )  # fmt: skip
    return table


def optimum_lines(report: Report) -> list[str]:
    """Which nodes are not used, whether the network is stable, and how many searches there were."""
    lines = [f"{report['starts']} searches, of which {report['agreeing']} ended here"]
    if report["unused"]:
        lines.append(f"of no use: {', '.join(report['unused'])}")
    if report["conditional"]:
        lines.append(f"given the record at LO phase {report['lo_phase_pi']:.4f} pi")
    if not report["stable"]:
        lines.append("not stable: variances grow, and without the record E is its limit at long times")
    elif report["most_quanta"] > _MANY:
        lines.append(
            f"at the edge of stability, where a node has {report['most_quanta']:.1e} quanta: --least-damping keeps "
            "away from it"
        )
    return lines
