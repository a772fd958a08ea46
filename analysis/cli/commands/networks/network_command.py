"""The command of a row of any number of nodes: network."""

from pathlib import Path

import click

from cascade_steering.analysis.cli.answers.networks import network_answers, optimum_answers
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.commands.networks.search_options import NETWORK_SEARCH, NetworkSearchOptions, names
from cascade_steering.analysis.cli.options import physics
from cascade_steering.analysis.cli.options.kinds import FILE
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.output import note, show


@steering.command(name="network")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.toml")
@click.option("--steer", type=str, default="", show_default="the last one",
              help="Names of the nodes that are steered, NAME,NAME.")  # fmt: skip
@click.option("--by", type=str, default="", show_default="all others",
              help="Names of the nodes that steer them together, NAME,NAME.")  # fmt: skip
@click.option(
    "--figure", type=FILE, default=None, show_default="no figure", help="Figure of the network with E on its arrows."
)
@NETWORK_SEARCH
@physics.JSON
@typed
def network_command(
    file: Path, steer: str, by: str, figure: Path | None, search: NetworkSearchOptions, as_json: bool
) -> None:
    """Any number of nodes in a row on the light: E of some of them given others, with and without the record.

    FILE.toml has a table [[node]] for each node, in the order of the light: name; mass = "negative" or "positive";
    cooperativity; theta_pi; bath = "hot", "vacuum" or { linewidth_hz, occupation }; loss_before and path_phase_pi of
    the path from the node before; tap, the part of the light behind the node that is detected there. [light] has
    squeezing_db, squeezing_angle_pi and squeezing_loss, [detection] lo_phase_pi, efficiency and scheme.

    With --optimum the angles of all nodes that steer and of the steered one are free, as are the cooperativities of the
    first, up to those of the file, and that of the steered one.
    """
    from cascade_steering.analysis.networks.network_file import read_network
    from cascade_steering.analysis.networks.network_steering import network_steering, steered_by, undamped_nodes

    search.require_search()
    if figure is not None:
        from cascade_steering.analysis.plots import style

        style.drawable(figure)
    network = read_network(file)
    direction = steered_by(network, names(steer, "--steer"), names(by, "--by"))
    if search.optimum:
        best = search.found(network, direction)
        network = best.network
        report = optimum_answers.optimum_report(best)
        tables, lines = [optimum_answers.optimum_table(report)], optimum_answers.optimum_lines(report)
    else:
        found = network_steering(network, tuple(map(str, direction.steered)), tuple(map(str, direction.by)))
        report = network_answers.network_report(found, undamped_nodes(network))
        tables, lines = network_answers.network_tables(report), network_answers.network_lines(report)
    if figure is not None:
        from cascade_steering.analysis.plots.network_figure import network_figure

        steered = network_steering(network, tuple(map(str, direction.steered)), tuple(map(str, direction.by)))
        network_figure(steered, figure)
        lines.append(f"figure: {figure}")
    report = {**report, "figure": None if figure is None else str(figure)}
    for each in report.get("warnings", ()):
        note(f"warning: {file}: {each}")
    show(report, tables, as_json, *lines)
