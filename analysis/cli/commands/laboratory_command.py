"""The command that starts from the numbers of a laboratory: setup."""

from pathlib import Path

import click

from cascade_steering.analysis.cli.answers.laboratory import budget_answers, setup_answers
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import physics
from cascade_steering.analysis.cli.options.kinds import FILE
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.output import note, show


@steering.command(name="setup")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="[FILE.toml]",
                required=False, default=None)  # fmt: skip
@click.option("--preset", type=str, default=None, help="A setup that comes with the package, in the place of a file.")
@click.option("--list-presets", is_flag=True, help="The presets, with their sources, and nothing else.")
@click.option("--write", type=FILE, default=None, help="Write the preset to a file, to be edited, and nothing else.")
@click.option("--budget", is_flag=True, help="What each number is worth, the time to steering, and the best points.")
@physics.JSON
@typed
def setup_command(
    file: Path | None, preset: str | None, list_presets: bool, write: Path | None, budget: bool, as_json: bool
) -> None:
    """From kappa, g_0, watts, a Larmor frequency and a temperature to C, theta, loss and E, and what elimination costs.

    FILE.toml has the tables [minus] and [plus], each with kind = "spins" (larmor_hz) or "mechanics" (frequency_hz);
    linewidth_hz or quality; occupation or temperature_k; readout_rate_hz and theta_pi, or
    cavity = { linewidth_hz, outcoupling, detuning_hz, and coupling_hz, or vacuum_coupling_hz with photons or with
    power_w and wavelength_m }. [link] has loss, path_phase_pi, squeezing_db, squeezing_angle_pi, squeezing_loss and
    retune, [detection] lo_phase_pi, efficiency and scheme.
    """
    from cascade_steering.analysis.laboratory import presets
    from cascade_steering.sim.atomic_write import writable, write_whole

    if list_presets:
        report = budget_answers.presets_report()
        show(report, budget_answers.presets_table(report), as_json)
        return
    if (file is None) == (preset is None):
        raise ValueError("give FILE.toml or --preset NAME, one of them; --list-presets shows the names")
    if write is None:
        _answer(file, preset, budget, as_json)
        return
    if preset is None:
        raise ValueError("--write needs --preset NAME")
    write_whole(writable(write), presets.preset_text(preset).encode())
    show({"preset": preset, "file": str(write)}, [], as_json, f"file: {write}")


def _answer(file: Path | None, preset: str | None, budget: bool, as_json: bool) -> None:
    from cascade_steering.analysis.laboratory.assumptions import failed_assumptions
    from cascade_steering.analysis.laboratory.error_budget import error_budget
    from cascade_steering.analysis.laboratory.phase_budget import phase_budget
    from cascade_steering.analysis.laboratory.presets import number_sources, preset_text
    from cascade_steering.analysis.laboratory.prospects import prospects
    from cascade_steering.analysis.laboratory.setup_file import setup_of
    from cascade_steering.analysis.toml_files.toml_table import parsed_tables, read_tables

    text = None if preset is None else preset_text(preset)
    name = f"preset {preset}" if file is None else str(file)
    tables = parsed_tables(text, name) if text is not None else read_tables(str(file))
    setup = setup_of(tables, name)
    report = setup_answers.report(setup, setup.elimination(), failed_assumptions(setup))
    if text is not None:
        report |= budget_answers.sources_report(str(preset), text, number_sources(text))
    if budget:
        levers, phases = error_budget(tables, name), phase_budget(tables, name)
        report |= budget_answers.budget_report(prospects(setup), levers, phases, setup.point.time_unit)
    for each in report["warnings"]:
        note(f"warning: {each}")
    shown = [*budget_answers.sources_tables(report), *setup_answers.tables_of(report)]
    shown += budget_answers.budget_tables(report)
    show(report, shown, as_json, *setup_answers.lines(report), setup_answers.options_of(setup))
