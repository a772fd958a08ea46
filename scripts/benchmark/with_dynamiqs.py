"""dynamiqs' dsmesolve as a contender: double precision, compiled, on one thread of the processor.

Its conventions, checked by comparing the mean with the filter of its own record: jump operators without efficiency,
dY_k = √η_k ⟨L_k + L_k†⟩ dt + dW_k, and as measurement dY over the save interval divided by that interval.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import qutip
import scipy.sparse as sp

from cascade_steering.sim.fock.basis.moments import expectation_rows
from cascade_steering.sim.fock.qutip.operators import lindblad_operators
from scripts.benchmark.contender import MissingError, Run, Setting
from scripts.benchmark.job import FloatArray, Job, Trace
from scripts.benchmark.with_qutip import ground

# name of a method here → (layout of the operators, scheme, its options)
METHODS: dict[str, tuple[str, str, dict[str, bool]]] = {
    "euler-dia": ("dia", "EulerMaruyama", {}),
    "euler-dense": ("dense", "EulerMaruyama", {}),
    "rouchon-dia": ("dia", "Rouchon1", {"normalize": False}),
    "rouchon-dense": ("dense", "Rouchon1", {"normalize": False}),
    "rouchon-normalised": ("dense", "Rouchon1", {"normalize": True}),
}


@dataclass(frozen=True)
class Dynamiqs:
    """``dynamiqs.dsmesolve`` on one core; trajectories of a batch are computed together."""

    name: str = "dynamiqs"

    def __post_init__(self) -> None:
        dq = _dynamiqs()
        dq.set_precision("double")
        dq.set_device("cpu")
        dq.set_progress_meter(False)

    def trace(self, job: Job, setting: Setting, seed: int) -> Trace:
        """One whole trajectory, step by step."""
        steps = job.saves * job.steps_per_save(setting.steps_per_unit)
        values, measured = self._solver(job, setting, save_every=1, saves=steps)(seed, 1)
        means, covariances = _moments(np.asarray(values)[0])
        record = np.sqrt(job.unit) / setting.steps_per_unit * np.asarray(measured)[0].T
        return Trace(means=means, covariances=covariances, record=record)

    def prepare(self, job: Job, setting: Setting, saves: int) -> Run:
        """A function that computes the batch over the first ``saves`` intervals."""
        solve = self._solver(job, setting, save_every=job.steps_per_save(setting.steps_per_unit), saves=saves)

        def run() -> None:
            np.asarray(solve(0, setting.batch)[0])  # JAX returns before the computation has ended

        return run

    def _solver(self, job: Job, setting: Setting, save_every: int, saves: int) -> Callable[[int, int], Any]:
        """The solver. Times are in units of 1/γ̃₀, because dynamiqs compares them with an absolute tolerance of 1e-5."""
        dq, jax = _dynamiqs(), importlib.import_module("jax")
        layout, scheme, options = METHODS[setting.method]
        cutoffs = setting.cutoffs
        operators = lindblad_operators(job.model, cutoffs, unit=job.unit)

        def convert(operator: qutip.Qobj) -> Any:
            return dq.asqarray(operator.full(), dims=cutoffs, layout=getattr(dq, layout))

        hamiltonian = convert(operators.hamiltonian)
        jumps = [convert(op) for op in (*operators.monitored, *operators.unmonitored)]
        etas = [1.0] * len(operators.monitored) + [0.0] * len(operators.unmonitored)
        start = dq.asqarray(ground(cutoffs).full(), dims=cutoffs)
        step = 1.0 / setting.steps_per_unit
        times = tuple((save_every * step * np.arange(saves + 1)).tolist())
        method = getattr(dq.method, scheme)(step, **options)
        watch = _watch(jax, cutoffs)

        def run(keys: Any) -> Any:
            options = {"method": method, "save_states": False, "save_extra": watch}
            result = dq.dsmesolve(hamiltonian, jumps, etas, start, times, keys, **options)
            return result.extra, result.measurements

        # with save_extra, dynamiqs alone would compile at every call
        compiled = jax.jit(run)
        return lambda seed, batch: compiled(jax.random.split(jax.random.PRNGKey(seed), batch))


def _watch(jax: Any, cutoffs: tuple[int, int]) -> Callable[[Any, Any], Any]:
    """First and second moments of a state as one sparse product: faster to compile than fourteen operators."""
    rows = expectation_rows(_observables(cutoffs)).tocoo()

    def moments(_time: Any, state: Any) -> Any:
        terms = rows.data * state.to_jax().T.ravel()[rows.col]
        return jax.ops.segment_sum(terms, rows.row, num_segments=14).real

    return moments


def _observables(cutoffs: tuple[int, int]) -> list[sp.csr_array]:
    """The four quadratures, then their ten symmetrised products, between the kept levels; arrays (D, D).

    One additional level makes the products exact up to the highest level kept.
    """
    ones = [qutip.qeye(cutoff + 1) for cutoff in cutoffs]
    pairs = [(qutip.position(cutoff + 1), qutip.momentum(cutoff + 1)) for cutoff in cutoffs]
    first = [*(qutip.tensor(q, ones[1]) for q in pairs[0]), *(qutip.tensor(ones[0], q) for q in pairs[1])]
    second = [(first[i] * first[j] + first[j] * first[i]) / 2 for i, j in zip(*np.triu_indices(4), strict=True)]
    larger = [cutoff + 1 for cutoff in cutoffs]
    kept = np.arange(np.prod(larger)).reshape(larger)[: cutoffs[0], : cutoffs[1]].ravel()
    return [sp.csr_array(op.full()[np.ix_(kept, kept)]) for op in (*first, *second)]


def _moments(values: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means (n, 4) and covariances (n, 4, 4) from first and second moments (n, 14)."""
    means, second = values[:, :4], np.empty((len(values), 4, 4))
    upper = np.triu_indices(4)
    second[:, upper[0], upper[1]] = second[:, upper[1], upper[0]] = values[:, 4:]
    return means, second - means[:, :, None] * means[:, None, :]


def _dynamiqs() -> Any:
    try:
        return importlib.import_module("dynamiqs")
    except ImportError:
        raise MissingError("dynamiqs is not installed: pip install 'dynamiqs>=0.3.7'") from None
