"""Until when an ensemble is sampled and where it is written, and what of it is possible."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cascade_steering.analysis.cli.options import work
from cascade_steering.analysis.cli.options.recorded import record_faults
from cascade_steering.analysis.cli.options.simulated.simulation import Simulation
from cascade_steering.analysis.estimation import stopping
from cascade_steering.analysis.records.faults.injected import Fault
from cascade_steering.sim.atomic_write import writable

if TYPE_CHECKING:
    from cascade_steering.analysis.estimation.sampling import Problem

__all__ = []


@dataclass(frozen=True, kw_only=True)
class TaskOptions:
    """Until when an ensemble is sampled, which part of it, and where the results are written.

    Parameters
    ----------
    target : width of an interval at which sampling stops; None for all trajectories
    part : (i, n) for the i-th of n parts; None for all
    out : run directory, or file of the dataset
    save_records : file for the records of the trajectories kept
    fault : what goes wrong in those records
    """

    target: stopping.Target | None
    part: tuple[int, int] | None
    out: Path | None
    save_records: Path | None
    fault: tuple[Fault, ...]

    @property
    def run(self) -> Path | None:
        """The run directory, or None."""
        return work.run_directory(self.out)

    @property
    def wanted_part(self) -> tuple[int, int]:
        """The part, (1, 1) for the whole ensemble."""
        return self.part or (1, 1)

    @property
    def dataset(self) -> Path | None:
        """The file of the dataset, or None."""
        return self.out if self.run is None else self.run / "ensemble.nc"


def require_possible(wanted: Simulation, task: TaskOptions) -> None:
    """Raise ValueError for a part without a run directory, too few trajectories, or records that cannot be written."""
    if task.run is None and task.part is not None:
        raise ValueError("--part needs a run directory to be merged with those of the other parts: --out RUN")
    if wanted.after_click is not None and task.part is not None:
        raise ValueError("--verify with --count answers from all trajectories: --part has no meaning with it")
    count = count_of(wanted.problem, task.wanted_part)
    if count < wanted.least:
        raise ValueError(f"--verify needs {wanted.least} trajectories, got {count}")
    if task.fault and task.save_records is None:
        raise ValueError("--fault is put into the records that --save-records writes: give --save-records")
    if task.save_records is not None:
        if wanted.loop is not None:
            raise ValueError(
                "a record of a closed loop cannot be filtered without the displacements: --save-records has no meaning "
                "with --feedback; --keep and --out FILE.nc keep both"
            )
        _require_records(task.save_records, wanted.problem, task)


def _require_records(path: Path, problem: "Problem", task: TaskOptions) -> None:
    keep, part = problem.keep, task.wanted_part
    if not keep:
        raise ValueError("--save-records writes the records of the trajectories kept: give --keep")
    if path.suffix not in (".csv", ".nc") or (path.suffix == ".csv" and keep > 1):
        raise ValueError(f"records must go to a .nc file, or one alone to a .csv file, got {str(path)!r} for {keep}")
    if path.suffix == ".csv" and problem.grid.saves < 2:
        raise ValueError("a .csv file tells the length of its intervals by two of them: give --saves, or a .nc file")
    if _blocks(problem, part)[0].start >= keep:
        raise ValueError(f"the {keep} trajectories kept are not in part {part[0]}/{part[1]}: there is none to save")
    if task.dataset is not None and path.resolve() == task.dataset.resolve():
        raise ValueError(f"dataset and records cannot share the file {str(path)!r}")
    record_faults.require_channels(task.fault, problem.model.record_names)
    writable(path)


def count_of(problem: "Problem", part: tuple[int, int]) -> int:
    blocks = _blocks(problem, part)
    return blocks[-1].stop - blocks[0].start


def _blocks(problem: "Problem", part: tuple[int, int]) -> list[range]:
    from cascade_steering.sim.ensemble.simulate import ranges

    return ranges(problem.method.block, problem.trajectories, part)
