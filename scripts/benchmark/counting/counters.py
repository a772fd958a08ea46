"""The contenders that count: our engine, QuTiP's ``mcsolve`` and dynamiqs' ``jsmesolve``."""

import importlib
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import qutip

from cascade_steering.sim.fock.basis.moments import FockMoments
from cascade_steering.sim.fock.counting.counting_engine import FockCounting
from scripts.benchmark.contender import MissingError
from scripts.benchmark.counting.count_contender import CountContender, CountSetting, Solve
from scripts.benchmark.counting.count_job import CountJob, CountTrace
from scripts.benchmark.engines import unwarned


@dataclass(frozen=True)
class OursCounting:
    """``sim.fock.counting.counting_engine.FockCounting``; its "method" is the frame of the basis."""

    name: str = "ours"

    def prepare(self, job: CountJob, setting: CountSetting) -> Solve:
        """A function of a seed that computes ``setting.batch`` trajectories."""
        with unwarned():
            method = FockCounting(cutoffs=setting.levels, frame=setting.method)
            engine = method.prepare(job.model, job.grid(int(setting.fineness)), job.initial)

        def solve(seed: int) -> list[CountTrace]:
            with unwarned():
                run = engine.run(seed, range(setting.batch))
            assert run.clicks is not None
            clicks = run.clicks
            return [
                CountTrace(
                    means=run.means[k],
                    covariances=run.covariances[k],
                    clicks=np.sort(clicks.time[clicks.trajectory == k]) / job.unit,
                )
                for k in range(setting.batch)
            ]

        return solve


@dataclass(frozen=True)
class QutipCounting:
    """``qutip.MCSolver`` with a Liouvillian for all that is not counted: the state given the clicks of one observer.

    Its "method" is that of the integrator. Its terms are summed once, where ``mcsolve`` would apply each by itself.
    With ``pure`` every channel is counted, also the bath and what is lost: a state vector then is enough, of an
    observer who sees everything. Averages are the same, states and clicks are not.
    """

    name: str = "qutip"
    pure: bool = False

    def prepare(self, job: CountJob, setting: CountSetting) -> Solve:
        """A function of a seed that computes ``setting.batch`` trajectories."""
        assert setting.levels is not None
        operators = job.operators(setting.levels)
        start, moments = job.start(setting.levels), FockMoments(setting.levels)
        with qutip.CoreOptions(auto_tidyup=False):
            counted, others = list(operators.monitored), list(operators.unmonitored)
            if self.pure:
                generator, counted = operators.hamiltonian, counted + others
                start = start.eigenstates(sparse=False)[1][-1].to("Dense")
            else:
                generator = qutip.liouvillian(operators.hamiltonian, others).to("CSR")
            solver = qutip.MCSolver(
                generator,
                counted,
                options={
                    "method": setting.method,
                    "rtol": setting.fineness,
                    "atol": 1e-2 * setting.fineness,
                    "nsteps": 10**6,
                    # A click is where the norm has fallen to a random number, sought until the norm is within norm_tol
                    # or the interval of time within norm_t_tol. The shortest step is norm_t_tol, and rounding can keep
                    # the interval above it for ever. So the norm has to be found first, at any rate of clicks.
                    "norm_tol": setting.fineness,
                    "norm_t_tol": 1e-4 * setting.fineness,
                    "norm_steps": 100,
                    "keep_runs_results": True,
                    "store_states": False,
                    "progress_bar": "",
                },
            )
            solver.rhs.rhs.compress()

        def solve(seed: int) -> list[CountTrace]:
            found: list[tuple[Any, Any]] = []

            def watch(_time: float, state: Any) -> float:
                density = state.proj() if state.isket else state
                found.append(moments.of(density.full())[:2])
                return 0.0

            with warnings.catch_warnings(), qutip.CoreOptions(auto_tidyup=False):
                warnings.simplefilter("ignore")
                result = solver.run(start, job.times, ntraj=setting.batch, e_ops=watch, seeds=seed)
            means = np.array([mean for mean, _ in found]).reshape(setting.batch, len(job.times), -1)
            spreads = np.array([spread for _, spread in found]).reshape(*means.shape, means.shape[-1])
            return [
                CountTrace(means=means[k], covariances=spreads[k], clicks=np.sort(np.array(result.col_times[k])))
                for k in range(setting.batch)
            ]

        return solve


@dataclass(frozen=True)
class DynamiqsCounting:
    """``dynamiqs.jsmesolve``, in double precision, compiled, all trajectories of a batch together.

    Its "method" is the layout of the operators; its one scheme is ``EulerJump``.
    """

    name: str = "dynamiqs"

    def __post_init__(self) -> None:
        dq = _dynamiqs()
        dq.set_precision("double")
        dq.set_device("cpu")
        dq.set_progress_meter(False)

    def prepare(self, job: CountJob, setting: CountSetting) -> Solve:
        """A function of a seed that computes ``setting.batch`` trajectories."""
        assert setting.levels is not None
        dq, jax, cutoffs = _dynamiqs(), importlib.import_module("jax"), setting.levels
        operators, moments = job.operators(cutoffs), FockMoments(cutoffs)

        def converted(operator: qutip.Qobj) -> Any:
            return dq.asqarray(operator.full(), dims=cutoffs, layout=getattr(dq, setting.method))

        hamiltonian = converted(operators.hamiltonian)
        jumps = [converted(op) for op in (*operators.monitored, *operators.unmonitored)]
        etas = (1.0,) * len(operators.monitored) + (0.0,) * len(operators.unmonitored)
        start = dq.asqarray(job.start(cutoffs).full(), dims=cutoffs)
        times = tuple(job.times.tolist())
        method = dq.method.EulerJump(dt=job.units / (job.saves * int(setting.fineness)))

        def run(keys: Any) -> Any:
            thetas = np.zeros(len(etas))
            result = dq.jsmesolve(hamiltonian, jumps, thetas, etas, start, times, keys, method=method, nmaxclick=256)
            return result.states.to_jax(), result.clicktimes

        compiled: Callable[[Any], Any] = jax.jit(run)

        def solve(seed: int) -> list[CountTrace]:
            states, clicks = (
                np.asarray(each) for each in compiled(jax.random.split(jax.random.PRNGKey(seed), setting.batch))
            )
            found = [[moments.of(state)[:2] for state in each] for each in states]
            return [
                CountTrace(
                    means=np.array([mean for mean, _ in each]),
                    covariances=np.array([spread for _, spread in each]),
                    clicks=np.sort(times[np.isfinite(times)]),
                )
                for each, times in zip(found, clicks.reshape(setting.batch, -1), strict=True)
            ]

        return solve


COUNTERS: dict[str, Callable[[], CountContender]] = {
    "ours": OursCounting,
    "qutip": QutipCounting,
    "dynamiqs": DynamiqsCounting,
}


def _dynamiqs() -> Any:
    try:
        return importlib.import_module("dynamiqs")
    except ImportError:
        raise MissingError("dynamiqs is not installed: pip install 'dynamiqs>=0.3.7'") from None
