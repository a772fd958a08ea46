"""An ensemble sampled for its steering: with what step and truncation cost, until it is good enough."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from analysis.estimators import Ensemble
from sim.block import Block, Experiment
from sim.discretisation import Checked
from sim.ensemble import WHOLE, Method, simulate
from sim.grid import TimeGrid
from sim.model import LinearModel
from sim.run_directory import RunDirectory
from sim.states import InitialState

if TYPE_CHECKING:
    import xarray as xr

# stopped when an interval is narrow, one of 95 % covers 94 % of the time at 10 to 20 trajectories, 95 % from here on:
# a spread that happens to be small stops an ensemble, and Student's law does not know that
FEWEST = 50
Look = Callable[[Ensemble], bool | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """An ensemble to be: see ``sim.ensemble.simulate``."""

    model: LinearModel
    method: Method
    grid: TimeGrid
    initial: InitialState
    trajectories: int
    seed: int = 0
    keep: int = 0
    experiment: Experiment | None = None

    def stored(self, path: Path, **about: Any) -> RunDirectory:
        """Its run directory, begun or continued: see ``sim.run_directory.RunDirectory.open``."""
        return RunDirectory.open(path, **self._parts, **about)

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
    there are ``FEWEST``.
    The rest is as for ``sim.ensemble.simulate``.
    """

    def watch(total: Block, checked: Checked | None) -> bool:
        if look is None or total.count < 2:
            return False
        return bool(look(Ensemble.of_block(total, checked))) and total.count >= FEWEST

    try:
        return simulate(**problem._parts, jobs=jobs, part=part, store=store, watch=watch)
    finally:
        if store is not None:
            store.close()
