"""The command of a row of any number of nodes: network."""

from pathlib import Path

import click

from cascade_steering.analysis.cli.answers.networks import network_answers
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import physics
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.output import note, show


@steering.command(name="network")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.toml")
@click.option("--steer", type=str, default="", show_default="the last one",
              help="Names of the nodes that are steered, NAME,NAME.")  # fmt: skip
@click.option("--by", type=str, default="", show_default="all others",
              help="Names of the nodes that steer them together, NAME,NAME.")  # fmt: skip
@physics.JSON
@typed
def network_command(file: Path, steer: str, by: str, as_json: bool) -> None:
    """Any number of nodes in a row on the light: E of some of them given others, with and without the record.

    FILE.toml has a table [[node]] for each node, in the order of the light: name; mass = "negative" or "positive";
    cooperativity; theta_pi; bath = "hot", "vacuum" or { linewidth_hz, occupation }; loss_before and path_phase_pi of
    the path from the node before; tap, the part of the light behind the node that is detected there. [light] has
    squeezing_db, squeezing_angle_pi and squeezing_loss, [detection] lo_phase_pi, efficiency and scheme.
    """
    from cascade_steering.analysis.networks.network_file import read_network
    from cascade_steering.analysis.networks.network_steering import network_steering, undamped_nodes

    network = read_network(file)
    found = network_steering(network, _names(steer, "--steer"), _names(by, "--by"))
    report = network_answers.network_report(found, undamped_nodes(network))
    for each in report["warnings"]:
        note(f"warning: {file}: {each}")
    show(report, network_answers.network_tables(report), as_json, *network_answers.network_lines(report))


def _names(text: str, option: str) -> tuple[str, ...]:
    """The names in a list with commas; none for an empty text."""
    names = tuple(each.strip() for each in text.split(",")) if text else ()
    if not all(names):
        raise ValueError(f"{option} must be names with commas between them, got {text!r}")
    return names
