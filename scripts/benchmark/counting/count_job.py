"""The jobs with clicks, and the error of a trajectory given its own clicks."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import qutip
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import expm_multiply

import cascade_steering as cs
from cascade_steering.sim.fock.basis.moments import FockMoments
from cascade_steering.sim.fock.counting.rates import expected_clicks
from cascade_steering.sim.fock.qutip.operators import LindbladOperators, initial_density, lindblad_operators
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.counters import CountedChannel
from cascade_steering.sim.model.linear_model import ANNIHILATION, LinearModel

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, kw_only=True, eq=False)
class CountJob:
    """Trajectories of a model with one counter of one channel, without dark clicks, and without a homodyne detector.

    That is what all contenders can do: QuTiP's ``mcsolve`` has no clicks whose origin is unknown, and with a homodyne
    detector beside the counter neither QuTiP nor dynamiqs has a solver.

    Parameters
    ----------
    name : of the job
    model : what is simulated
    initial : the state from which every trajectory starts
    unit : the unit of time, seconds
    units : length of a trajectory in units of time
    saves : number of save times
    reference : levels of each oscillator by which the error is measured
    target : largest error allowed of first and second moments, in units where the variance of the vacuum is ½
    """

    name: str
    model: LinearModel
    initial: InitialState
    unit: float
    units: float
    saves: int
    reference: tuple[int, ...]
    target: float

    @property
    def times(self) -> FloatArray:
        """The save times in units of time, (saves + 1,)."""
        return np.linspace(0.0, self.units, self.saves + 1)

    def grid(self, steps_per_save: int) -> TimeGrid:
        """The grid with so many steps in a save interval."""
        step = self.unit * self.units / (self.saves * steps_per_save)
        return TimeGrid(step=step, steps_per_save=steps_per_save, saves=self.saves)

    def operators(self, cutoffs: tuple[int, ...]) -> LindbladOperators:
        """The counted channel √η L as "monitored", all others as "unmonitored", in units of time."""
        (counted,) = self.model.counted
        plain = replace(
            self.model,
            monitored=counted.rows,
            efficiency=np.full(len(counted.rows), counted.efficiency),
            record_names=("clicks",),
            counted=(),
        )
        return lindblad_operators(plain, cutoffs, unit=self.unit)

    def start(self, cutoffs: tuple[int, ...]) -> qutip.Qobj:
        """The initial state between the kept levels, a dense density operator."""
        return initial_density(self.initial, cutoffs)

    def expected_clicks(self) -> float:
        """The number of clicks in a trajectory, averaged over all, from the moments without a record."""
        (found,) = expected_clicks(self.model, self.initial, self.unit * self.units).values()
        return float(found)


@dataclass(frozen=True, kw_only=True, eq=False)
class CountTrace:
    """A trajectory with clicks.

    Parameters
    ----------
    means, covariances : conditional moments at the save times, (saves + 1, d) and (saves + 1, d, d)
    clicks : times of the clicks, in units of time
    """

    means: FloatArray
    covariances: FloatArray
    clicks: FloatArray


def _cascade() -> cs.Cascade:
    hot = cs.Bath.named("hot")
    minus, plus = (cs.Oscillator.from_cooperativity(5.0, angle_pi=angle, bath=hot) for angle in (0.35, 0.40))
    return cs.Cascade(minus=minus, plus=plus)


def pair_light() -> cs.Component:
    """The light of the two oscillators of ``pair_job``, to be detected."""
    found = _cascade()
    return cs.chain(
        [
            cs.Node(name="minus", oscillator=found.minus, mass="negative"),
            cs.Node(name="plus", oscillator=found.plus, mass="positive"),
        ]
    )


def pair_job() -> CountJob:
    """Two oscillators, C₋ = C₊ = 5, θ₋ = 0.35 π, θ₊ = 0.40 π, hot baths: 0.7 of the lower sideband is counted."""
    return CountJob(
        name="pair",
        model=cs.detect(pair_light(), cs.Counter(ports=("lower",), efficiency=0.7)),
        initial=cs.ground_state(),
        unit=_cascade().time_unit,
        units=0.5,
        saves=2,
        reference=(13, 13),
        target=1e-2,
    )


def cooled_job(occupation: float, *, reference: int = 0) -> CountJob:
    """One quantum, displaced, of an oscillator that light cools: n̄ quanta in its bath, and as many in its mean.

    The rate κ into the light is five times γ̃₀ = γ₀(n̄ + ½), at any n̄. A beam splitter sends so much of the light to a
    counter of efficiency 0.7 that about one click is expected in 1/κ, or all of it.
    """
    kappa, thermal = 1.0, 0.2
    linewidth, share = thermal / (occupation + 0.5), min(1.0, 2.0 / (occupation + 1.0))
    bath = [np.sqrt(linewidth * (occupation + 1)) * ANNIHILATION, np.sqrt(linewidth * occupation) * ANNIHILATION.conj()]
    lost = np.sqrt(kappa * (1 - share)) * ANNIHILATION
    counted = CountedChannel(name="counter", rows=np.sqrt(kappa * share) * ANNIHILATION[None], efficiency=0.7)
    model = LinearModel(
        hamiltonian=np.zeros((2, 2)),
        monitored=np.zeros((0, 2)),
        efficiency=np.zeros(0),
        unmonitored=np.array([*bath, lost]),
        record_names=(),
        counted=(counted,),
    )
    origin = math.sqrt(2.0 * occupation) * np.array([0.8, 0.6])
    return CountJob(
        name=f"one, {occupation:g} quanta",
        model=model,
        initial=cs.density_state(qutip.fock(2, 1), origin=origin, name="displaced quantum"),
        unit=1.0,
        units=1.0,
        saves=5,
        reference=(reference or levels_for(occupation) + 10,),
        target=1e-3,
    )


def levels_for(occupation: float) -> int:
    """Levels that hold n̄ quanta at rest, spread like those of a coherent state with some heat."""
    return math.ceil(occupation + 8.0 * math.sqrt(occupation) + 16.0)


class Replay:
    """The exact moments given clicks: between them e^{t𝓛′} on many levels, without any step.

    𝓛′ is the generator of the master equation without the term √η L ρ L†√η of the clicks.
    """

    def __init__(self, job: CountJob) -> None:
        self._job, cutoffs = job, job.reference
        operators = job.operators(cutoffs)
        (self._jump,) = (each.full() for each in operators.monitored)
        with qutip.CoreOptions(auto_tidyup=False):
            whole = operators.liouvillian().to("CSR").data.as_scipy()
        jump = sp.csr_array(self._jump)
        # QuTiP stacks columns: A ρ B ↔ (Bᵀ ⊗ A) vec ρ
        self._between = sp.csr_array(whole - sp.kron(jump.conj(), jump))
        self._start = job.start(cutoffs).full()
        self._moments = FockMoments(cutoffs)

    def error(self, trace: CountTrace) -> float:
        """The largest deviation of means and second moments over the save times; infinite if one is not finite."""
        if not all(np.all(np.isfinite(each)) for each in (trace.means, trace.covariances)):
            return math.inf
        worst = 0.0
        for k, (mean, second) in enumerate(self._along(trace.clicks)):
            found = trace.covariances[k] + np.outer(trace.means[k], trace.means[k])
            worst = max(worst, float(np.max(np.abs(trace.means[k] - mean))), float(np.max(np.abs(found - second))))
        return worst

    def _along(self, clicks: Sequence[float] | FloatArray) -> list[tuple[FloatArray, FloatArray]]:
        rho, now, found = self._start, 0.0, []
        events = sorted([(time, 1) for time in clicks] + [(time, 0) for time in self._job.times])
        for time, clicked in events:
            rho = self._advanced(rho, time - now)
            now = time
            if clicked:
                rho = self._jump @ rho @ self._jump.conj().T
            else:
                mean, covariance, _, _ = self._moments.of(rho / np.trace(rho).real)
                found.append((mean, covariance + np.outer(mean, mean)))
            rho = rho / np.trace(rho).real
        return found

    def _advanced(self, rho: ComplexArray, time: float) -> ComplexArray:
        if time == 0.0:
            return rho
        flat = expm_multiply(self._between * time, rho.ravel(order="F"))
        return np.asarray(flat).reshape(rho.shape, order="F")
