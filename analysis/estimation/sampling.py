"""An ensemble sampled for its steering: with what step and truncation cost, until it is good enough."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade_steering.analysis.estimation.estimators import Ensemble
from cascade_steering.sim.ensemble.block import Block, Experiment
from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.ensemble.discretisation import Checked
from cascade_steering.sim.ensemble.saving import NOTHING, Save
from cascade_steering.sim.ensemble.simulate import WHOLE, simulate
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.runs.directory import RunDirectory

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FEWEST_TO_STOP", "Look", "Problem", "sample"]

# stopped when an interval is narrow, one of 95 % covers 94 % of the time at 10 to 20 trajectories, 95 % from here on:
# a spread that happens to be small stops an ensemble, and Student's law does not know that
FEWEST_TO_STOP = 50
Look = Callable[[Ensemble], bool | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """An ensemble to be: see ``sim.ensemble.simulate.simulate``."""

    model: LinearModel | Schedule
    method: Method
    grid: TimeGrid
    initial: InitialState
    trajectories: int
    seed: int = 0
    keep: int = 0
    experiment: Experiment | None = None
    save: Save = NOTHING

    def stored(
        self, path: Path, *, configuration: Mapping[str, Any] | None = None, asked: Mapping[str, Any] | None = None
    ) -> RunDirectory:
        """Its run directory, begun or continued: see ``sim.runs.directory.RunDirectory.open``."""
        return RunDirectory.open(path, **self._parts, configuration=configuration, asked=asked)

    @property
    def _parts(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def sample(
    problem: Problem,
    *,
    jobs: int = 1,
    part: tuple[int, int] = WHOLE,
    store: RunDirectory | None = None,
    look: Look | None = None,
) -> "xr.Dataset":
    """The dataset of an ensemble, with what step and truncation cost it.

    ``look`` is shown the ensemble after each block, from two trajectories on; once it returns True, that is enough, if
    there are ``FEWEST_TO_STOP``.
    The rest is as for ``sim.ensemble.simulate.simulate``.
    """

    def watch(total: Block, checked: Checked | None) -> bool:
        if look is None or total.count < 2:
            return False
        found = Ensemble.of_block(total, checked, problem.model.modes)
        return bool(look(found)) and total.count >= FEWEST_TO_STOP

    return simulate(**problem._parts, jobs=jobs, part=part, store=store, watch=watch)
