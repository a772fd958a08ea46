"""An ensemble of trajectories sampled until an interval of its steering is narrow enough."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cascade_steering.analysis.estimation.sampled_moments import Ensemble
from cascade_steering.sim.controller import Controller
from cascade_steering.sim.ensemble.block import Block, Experiment
from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.ensemble.discretisation import Checked
from cascade_steering.sim.ensemble.simulate import WHOLE, simulate
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.outputs.saving import NOTHING, Save
from cascade_steering.sim.runs.directory import RunDirectory

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["FEWEST_TO_STOP", "Inspection", "Problem", "sample"]

# an ensemble that stops because its spread happens to be small has intervals that are too narrow: those of 95 % cover
# in 94 % of cases at 10 to 20 trajectories, and in 95 % from this number on
FEWEST_TO_STOP = 50
Inspection = Callable[[Ensemble], bool | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """The arguments of ``sim.ensemble.simulate.simulate`` for one ensemble."""

    model: LinearModel | Schedule
    method: Method
    grid: TimeGrid
    initial: InitialState
    trajectories: int
    seed: int = 0
    keep: int = 0
    experiment: Experiment | None = None
    save: Save = NOTHING
    control: Controller | None = None

    def stored(
        self, path: Path, *, configuration: Mapping[str, Any] | None = None, asked: Mapping[str, Any] | None = None
    ) -> RunDirectory:
        """Begin or continue the run directory of the ensemble, see ``sim.runs.directory.RunDirectory.open``."""
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
    inspect: Inspection | None = None,
) -> "xr.Dataset":
    """The dataset of an ensemble, with the errors of step and truncation.

    ``inspect`` is called with the ensemble after each block, from two trajectories on. Sampling stops once it returns
    True and there are ``FEWEST_TO_STOP`` trajectories. All else is as for ``sim.ensemble.simulate.simulate``.
    """

    def watch(total: Block, checked: Checked | None) -> bool:
        if inspect is None or total.count < 2:
            return False
        found = Ensemble.of_block(total, checked, problem.model.modes)
        return bool(inspect(found)) and total.count >= FEWEST_TO_STOP

    return simulate(**problem._parts, jobs=jobs, part=part, store=store, watch=watch)
