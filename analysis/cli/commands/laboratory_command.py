"""The command that starts from the numbers of a laboratory: setup."""

from pathlib import Path

import click

from cascade_steering.analysis.cli.answers.laboratory import setup_answers
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import physics
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.output import note, show


@steering.command(name="setup")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="FILE.toml")
@physics.JSON
@typed
def setup_command(file: Path, as_json: bool) -> None:
    """From kappa, g_0, watts, a Larmor frequency and a temperature to C, theta, loss and E, and what elimination costs.

    FILE.toml has the tables [minus] and [plus], each with kind = "spins" (larmor_hz) or "mechanics" (frequency_hz);
    linewidth_hz or quality; occupation or temperature_k; readout_rate_hz and theta_pi, or
    cavity = { linewidth_hz, outcoupling, detuning_hz, and coupling_hz, or vacuum_coupling_hz with photons or with
    power_w and wavelength_m }. [link] has loss, path_phase_pi and retune, [detection] lo_phase_pi, efficiency and
    scheme.
    """
    from cascade_steering.analysis.laboratory.assumptions import failed_assumptions
    from cascade_steering.analysis.laboratory.setup_file import read_setup

    setup = read_setup(file)
    report = setup_answers.report(setup, setup.elimination(), failed_assumptions(setup))
    for each in report["warnings"]:
        note(f"warning: {each}")
    show(
        report, setup_answers.tables_of(report), as_json, *setup_answers.lines(report), setup_answers.options_of(setup)
    )
