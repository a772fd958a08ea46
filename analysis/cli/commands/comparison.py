"""The command that compares two schemes, each at its own optimum: compare."""

import json
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.answers import reports, tables
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import configuration, engines, physics, readers, searches, work
from cascade_steering.analysis.cli.options.engines import EngineOptions
from cascade_steering.analysis.cli.options.kinds import DURATION, FILE, NUMBERS
from cascade_steering.analysis.cli.options.searches import SearchOptions
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.options.work import WorkOptions
from cascade_steering.analysis.cli.terminal.output import progress, resumable, show
from cascade_steering.analysis.estimation.stopping import Target
from cascade_steering.sim.atomic_write import writable
from cascade_steering.sim.identity import plain
from cascade_steering.sim.parameters import Bath

if TYPE_CHECKING:
    from cascade_steering.analysis.working_points.optimum import Search

# xarray, matplotlib and joblib take seconds to load, so the command imports what it needs when it runs


# of a comparison that samples nothing
_OF_SAMPLING = {"trajectories", "duration", "seed", "target", "engine"}


@dataclass(frozen=True, kw_only=True)
class StudyOptions:
    """How much is simulated at each working point.

    Parameters
    ----------
    trajectories : to each working point and scheme, the largest number if there is a target; None for the default
        number of the engine
    duration : None for five conditional relaxation times
    seed, target : common to all ensembles
    """

    trajectories: int | None
    duration: readers.Duration | None
    seed: int
    target: Target | None


@steering.command(name="compare")
@click.option("--c-minus", type=NUMBERS, default="1,2,5,10,20,50,100", show_default=True,
              help="Cooperativities of -, separated by commas.")  # fmt: skip
@physics.baths(plus_default=None)
@physics.PATH
@physics.BEST_SQUEEZED
@searches.BEST_LO_PHASE
@physics.EFFICIENCY
@physics.SCHEME
@searches.UNSTABLE
@engines.engine_option(engines.COMPARE)
@engines.engine_settings(engines.COMPARE)
@click.option("--trajectories", type=work.TRAJECTORY_COUNT, default=None,
              show_default=engines.by_engine(engines.COMPARE, lambda entry: entry.trajectories),
              help="Trajectories at each working point and scheme; with --target the largest number.")  # fmt: skip
@click.option("--duration", type=DURATION, default=None, show_default="five conditional relaxation times")
@physics.SEED
@work.TARGET
@work.out(default="steering-compare.nc")
@click.option("--figure", type=FILE, default="steering-compare.png", show_default=True, help="Figure to write.")
@work.WORK
@physics.JSON
@configuration.OPTION
@typed
def compare(
    c_minus: tuple[float, ...],
    bath_plus: Bath | None,
    search: SearchOptions,
    engine: EngineOptions,
    study: StudyOptions,
    workers: WorkOptions,
    out: Path,
    figure: Path,
    as_json: bool,
) -> None:
    """Appendix B: how much measuring the light gains, d against C-, from trajectories and exact.

    Each scheme is at its own best point over both angles, C+/C- and the LO phase. With --unstable also at points where
    an oscillator is not damped: then d is exact, nothing is sampled, and beside it stands what the demand for stability
    costs without the record.
    """
    from cascade_steering.analysis.plots import command_figures, style
    from cascade_steering.analysis.working_points import appendix_b, appendix_b_curve
    from cascade_steering.sim.ensemble.dataset import save
    from cascade_steering.sim.parallel.cluster import workers_of

    if search.unstable:
        _compare_exactly(search.over(c_minus, bath_plus), engine, workers, out, figure, as_json)
        return
    wanted, run = search.over(c_minus, bath_plus), work.run_directory(out)
    trajectories = engine.entry.trajectories if study.trajectories is None else study.trajectories
    unit = 1.0 / search.bath_minus.decoherence_rate
    sampling = appendix_b.Sampling(
        method=engine.method(), trajectories=trajectories, seed=study.seed, jobs=workers.jobs, target=study.target,
        duration=None if study.duration is None else study.duration.in_units(unit), run=run,
    )  # fmt: skip
    style.drawable(figure)
    _different(out, figure)
    with ExitStack() as stack:
        if run is not None:
            about = work.AboutRun.of_command(click.get_current_context())
            appendix_b.begin(sampling, about.configuration, about.asked)
            stack.enter_context(resumable(run))
            out = run / appendix_b.COMPARISON
        writable(out)
        stack.enter_context(workers_of(workers.cluster, workers.jobs))
        bar = stack.enter_context(progress("optima and ensembles", appendix_b_curve.steps(wanted), workers.quiet))
        found = appendix_b_curve.study(wanted, sampling, bar)
        curve = appendix_b_curve.exact_curve(wanted, found, workers.jobs, bar)
        dataset = appendix_b_curve.study_dataset(wanted, found).merge(curve)
        dataset.attrs.update(
            trajectories=trajectories, seed=str(study.seed), method=json.dumps(plain(sampling.method.identity))
        )
        save(dataset, out)
    command_figures.comparison_figure(dataset, figure)
    report = {**reports.comparison(dataset), "dataset": str(out), "figure": str(figure)}
    show(report, tables.comparison(report), as_json, f"dataset: {out}", f"figure: {figure}")


def _compare_exactly(
    wanted: "dict[tuple[str, float], Search]",
    engine: EngineOptions,
    workers: WorkOptions,
    out: Path,
    figure: Path,
    as_json: bool,
) -> None:
    """The comparison without the demand for stability."""
    from cascade_steering.analysis.plots import command_figures, style
    from cascade_steering.analysis.working_points import appendix_b_curve
    from cascade_steering.sim.ensemble.dataset import save
    from cascade_steering.sim.parallel.cluster import workers_of

    context = click.get_current_context()
    for name in sorted(_OF_SAMPLING | engine.entry.options.keys()):
        if context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            raise ValueError(f"--{name} has no meaning with --unstable: exact optima are compared, nothing is sampled")
    if work.run_directory(out) is not None:
        raise ValueError(f"--out must end in .nc with --unstable, as nothing is sampled, got {str(out)!r}")
    style.drawable(figure)
    _different(out, figure)
    writable(out)
    with ExitStack() as stack:
        stack.enter_context(workers_of(workers.cluster, workers.jobs))
        bar = stack.enter_context(progress("optima", appendix_b_curve.exact_steps(wanted), workers.quiet))
        dataset = appendix_b_curve.beyond_stability(wanted, workers.jobs, bar)
    save(dataset, out)
    command_figures.stability_figure(dataset, figure)
    report = {**reports.stability(dataset), "dataset": str(out), "figure": str(figure)}
    show(report, tables.stability(report), as_json, f"dataset: {out}", f"figure: {figure}")


def _different(out: Path, figure: Path) -> None:
    """Raise ValueError if dataset and figure are one file."""
    if out.resolve() == figure.resolve():
        raise ValueError(f"dataset and figure cannot share the file {str(out)!r}")
