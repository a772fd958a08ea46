"""QuTiP's own solver as a contender, through its public interface, with any of its methods."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import qutip

from cascade_steering.sim.fock.basis.moments import FockMoments
from cascade_steering.sim.fock.qutip.merged_solver import MergedSMESolver
from cascade_steering.sim.fock.qutip.operators import LindbladOperators, lindblad_operators
from cascade_steering.sim.grid import TimeGrid
from scripts.benchmark.contender import Run, Setting
from scripts.benchmark.job import FloatArray, Job, Trace

Solve = Callable[[int, Any], Any]


@dataclass(frozen=True)
class Qutip:
    """``qutip.SMESolver``, with its constant superoperators summed once (twice as fast), or as distributed.

    Time is counted in steps. The record is QuTiP's "middle" one, dW and the mean signal at both ends of the
    step: a better approximation of the integral of dY than the signal at the start.
    """

    name: str = "qutip"
    plain: bool = False

    def trace(self, job: Job, setting: Setting, seed: int) -> Trace:
        """One whole trajectory, step by step."""
        watch = _Moments(setting.cutoffs)
        result = self._solver(job, setting, job.every_step(setting.steps_per_unit), measure="middle")(seed, watch)
        record = np.sqrt(job.unit / setting.steps_per_unit) * result.measurement[0].T
        return Trace(means=np.array(watch.means), covariances=np.array(watch.covariances), record=record)

    def prepare(self, job: Job, setting: Setting, saves: int) -> Run:
        """A function that computes the batch over the first ``saves`` intervals."""
        solve = self._solver(job, setting, job.grid(setting.steps_per_unit, saves), measure="")

        def run() -> None:
            for seed in range(setting.batch):
                solve(seed, _Moments(setting.cutoffs))

        return run

    def _solver(self, job: Job, setting: Setting, grid: TimeGrid, measure: str) -> Solve:
        cutoffs = setting.cutoffs
        operators = lindblad_operators(job.model, cutoffs, unit=grid.step)
        solver = self._built(operators, setting.method, measure)
        start, times = ground(cutoffs), grid.steps_per_save * np.arange(grid.saves + 1.0)

        def solve(seed: int, watch: Any) -> Any:
            with warnings.catch_warnings(), qutip.CoreOptions(auto_tidyup=False):
                # a trajectory that diverges causes overflow warnings
                warnings.simplefilter("ignore", RuntimeWarning)
                return solver.run(start, times, ntraj=1, e_ops=watch, seeds=seed)

        return solve

    def _built(self, operators: LindbladOperators, method: str, measure: str) -> Any:
        solver = qutip.SMESolver if self.plain else MergedSMESolver
        return solver(
            operators.hamiltonian,
            list(operators.monitored),
            False,
            c_ops=list(operators.unmonitored),
            options={
                "method": method,
                "dt": 1.0,
                "store_states": False,
                "store_measurement": measure,
                "keep_runs_results": True,
                "progress_bar": "",
            },
        )


def ground(cutoffs: tuple[int, ...]) -> qutip.Qobj:
    """The initial state of every job, as a dense density operator."""
    return qutip.tensor([qutip.fock_dm(cutoff, 0) for cutoff in cutoffs]).to("Dense")


class _Moments:
    """Collects the moments of every saved state; QuTiP calls it with each."""

    def __init__(self, cutoffs: tuple[int, ...]) -> None:
        self._moments = FockMoments(cutoffs)
        self.means: list[FloatArray] = []
        self.covariances: list[FloatArray] = []

    def __call__(self, _time: float, state: Any) -> float:
        mean, covariance, _, _ = self._moments.of(state.full())
        self.means.append(mean)
        self.covariances.append(covariance)
        return 0.0
