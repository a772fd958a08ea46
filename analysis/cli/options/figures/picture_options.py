"""The options of figures: where they are written, and that this is possible, before any work."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.options.kinds import DURATION, FILE, options
from cascade_steering.analysis.cli.options.readers import Duration
from cascade_steering.sim.parameters import require

if TYPE_CHECKING:
    from cascade_steering.analysis.estimation.sampling import Problem

__all__ = ["MAP", "READ_TRAJECTORY", "TRAJECTORY", "PictureOptions", "require_figure"]

MAP = click.option(
    "--figure", type=FILE, default=None, metavar="FILE.pdf|FILE.svg|FILE.png", show_default="no figure",
    help="Figure of the regimes, who steers whom, with the working point on it.",
)  # fmt: skip
READ_TRAJECTORY = click.option(
    "--figure", type=FILE, default=None, metavar="FILE.pdf|FILE.svg|FILE.png", show_default="no figure",
    help="Figure of the (first) record, the conditional means with their widths, phase space and E(t).",
)  # fmt: skip
TRAJECTORY = options(
    click.option(
        "--figure", type=FILE, default=None, metavar="FILE.pdf|FILE.svg|FILE.png", show_default="no figure",
        help="Figure of one trajectory, sampled for it: phase space with the conditional state, record, E(t), clicks; "
        "where it is not Gaussian also the Wigner function of each oscillator.",
    ),
    click.option(
        "--animate", type=FILE, default=None, metavar="FILE.gif", show_default="no animation",
        help="The same as an animation.",
    ),
    click.option(
        "--wigner-at", type=DURATION, default=None, show_default="right after the last click, else the end",
        help="Time of the Wigner functions in the figure, with --count or a Kerr term.",
    ),
)  # fmt: skip


def require_figure(path: Path | None, others: Sequence[Path | None] = ()) -> None:
    """Raise ValueError, for a figure that is asked for, if it cannot be written, or is one of the ``others``."""
    if path is None:
        return
    from cascade_steering.analysis.plots.style import drawable

    drawable(path)
    for other in others:
        if other is not None and other.resolve() == path.resolve():
            raise ValueError(f"two results cannot share the file {str(path)!r}")


@dataclass(frozen=True, kw_only=True)
class PictureOptions:
    """The pictures of one trajectory: a ``figure`` and an animation, ``animate``; None for neither.

    ``wigner_at`` is the time of the Wigner functions in the figure, None for the usual one.
    """

    figure: Path | None
    animate: Path | None
    wigner_at: Duration | None

    def require(self, problem: "Problem", time_unit: float, *others: Path | None) -> None:
        """Raise ValueError for a picture that cannot be written, or that another file would replace.

        Also for a time of Wigner functions of states that are Gaussian, and one out of the range of the run.
        """
        require_figure(self.figure, (*others, self.animate))
        if self.wigner_at is not None:
            if self.figure is None:
                raise ValueError("--wigner-at is a time in the figure: it has no meaning without --figure")
            if not (problem.model.counter_names or problem.model.nonlinear):
                raise ValueError("--wigner-at has no meaning without --count or a Kerr term: the states are Gaussian")
            end = problem.grid.times[-1] / time_unit
            require(
                self.wigner_at.in_units(time_unit), "--wigner-at, in units of 1/γ̃₀,", low=0.0, high=end, low_open=True
            )
        if self.animate is not None:
            from cascade_steering.analysis.plots.trajectories.animation import require_animation

            require_animation(self.animate)

    def draw(self, problem: "Problem", time_unit: float) -> list[str]:
        """Write the pictures that are asked for, of the first trajectory of an ensemble; lines that name them."""
        if self.figure is self.animate is None:
            return []
        from cascade_steering.analysis.results.trajectories.followed import followed_trajectory

        seconds = None if self.wigner_at is None else self.wigner_at.in_units(time_unit) * time_unit
        found = followed_trajectory(problem, time_unit, snapshot_time=seconds)
        if self.figure is not None:
            found.plot(self.figure)
        if self.animate is not None:
            found.animate(self.animate)
        named = {"figure": self.figure, "animation": self.animate}
        return [f"{name}: {path}" for name, path in named.items() if path is not None]

    @property
    def report(self) -> dict[str, str | None]:
        """The names of the files."""
        named = {"figure": self.figure, "animation": self.animate}
        return {name: None if path is None else str(path) for name, path in named.items()}
