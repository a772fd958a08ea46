"""The options of long computations: workers, run directory, parts of an ensemble, and when sampling stops."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from cascade_steering.analysis.cli.options.engines import unused_options
from cascade_steering.analysis.cli.options.kinds import GIVEN, CommandFunction, Text, options
from cascade_steering.analysis.cli.options.physics import EXPERIMENT, NONLINEAR, QUIET
from cascade_steering.analysis.estimation import stopping

# options that may change when a run is continued, because its numbers do not depend on them
_WITHOUT_EFFECT_ON_NUMBERS = {
    "animate", "as_json", "cluster", "config", "fault", "figure", "jobs", "out", "part", "quiet", "save_records",
    "target", "trajectories",
}  # fmt: skip
_DATASET = ".nc"
# processes of one machine, or of one cluster
_MOST_JOBS = 1024
# an hour of one core for the shortest trajectories; all blocks are planned before the first one begins
_MOST_TRAJECTORIES = 10_000_000


def _part(text: str) -> tuple[int, int]:
    matched = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip())
    if matched is None or not 1 <= int(matched[1]) <= int(matched[2]):
        raise ValueError(f"part must be I/N with I from 1 to N, got {text!r}")
    return int(matched[1]), int(matched[2])


JOBS = click.option(
    "--jobs",
    type=click.IntRange(max=_MOST_JOBS),
    default=-1,
    show_default=True,
    help="Worker processes; -1 for one per core.",
)


def _address(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"local|[a-z]+://\S+|[^\s:/]+:\d+", value):
        raise click.BadParameter(f"expected local or an address such as tcp://HOST:8786, got {value!r}", ctx, param)
    return value


# each command has further conditions on the number of trajectories
TRAJECTORY_COUNT = click.IntRange(max=_MOST_TRAJECTORIES)
CLUSTER = click.option(
    "--cluster", default=None, callback=_address, metavar="ADDRESS", show_default="processes of this machine",
    help="Dask scheduler whose workers to use, or local for a cluster of --jobs processes here.",
)  # fmt: skip
TARGET = click.option(
    "--target", type=Text("target", stopping.target), default=None, metavar="QUANTITY[:DIRECTION]:WIDTH",
    show_default="all trajectories",
    help="Stop after the first block at whose end the 95 % interval is narrow enough: d:0.1 for a half-width of a "
    "tenth of d in both directions. QUANTITY is d, unconditional or conditional.",
)  # fmt: skip
PART = click.option(
    "--part", type=Text("part", _part), default=None, metavar="I/N", show_default="all",
    help="Only the I-th of N parts of the trajectories, into a run directory to be merged.",
)  # fmt: skip


def out(default: str | None = None) -> Callable[[CommandFunction], CommandFunction]:
    """The option --out: a run directory, or the file of a dataset."""
    return click.option(
        "--out", type=click.Path(path_type=Path), default=default, metavar="RUN|FILE.nc",
        show_default=default is not None,
        help="Run directory, which keeps finished blocks and can be resumed; or, if it ends in .nc, a file for the "
        "dataset alone (netCDF), written at the end.",
    )  # fmt: skip


WORK = options(JOBS, CLUSTER, QUIET)


@dataclass(frozen=True, kw_only=True)
class WorkOptions:
    """The workers: ``jobs`` processes (−1: one per core) or those of a ``cluster``. ``quiet``: no progress bar."""

    jobs: int
    cluster: str | None
    quiet: bool


def run_directory(path: Path | None) -> Path | None:
    """The path if it is a run directory, None if it is a file or not given."""
    return None if path is None or path.suffix == _DATASET else path


def configuration(context: click.Context) -> dict[str, Any]:
    """The running command and the options on which its numbers depend, by name, in a form that can be given again.

    Options left out have their defaults, except those without a default and those that the engine does not take.
    """
    texts = context.meta.get(GIVEN, {})
    unused = unused_options(context.params["engine"])
    found: dict[str, Any] = {"command": context.command.name}
    for option in context.command.params:
        name, value = str(option.name), context.params.get(str(option.name))
        if value is not None and name not in _WITHOUT_EFFECT_ON_NUMBERS | unused:
            found[option.opts[0].removeprefix("--")] = texts.get(name, value)
    return found


@dataclass(frozen=True, kw_only=True)
class AboutRun:
    """The options of the command that began a run, as the run directory keeps them in JSON.

    Parameters
    ----------
    configuration : those on which the numbers depend
    asked : those that may change when the run is continued
    """

    configuration: dict[str, Any]
    asked: dict[str, Any]

    @classmethod
    def of_command(cls, context: click.Context) -> "AboutRun":
        """Those of the running command."""
        texts = context.meta.get(GIVEN, {})
        later = {name: texts[name] for name in ("part", "target") if context.params.get(name) is not None}
        return cls(configuration=configuration(context), asked=later)


def of_records(context: click.Context) -> dict[str, Any]:
    """The options of the experiment, as the file of a record contains them."""
    given = configuration(context)
    return {name: _number(given[name]) for name in (*EXPERIMENT, *NONLINEAR) if name in given}


def _number(text: Any) -> Any:
    try:
        return float(text)
    except ValueError:
        return text
