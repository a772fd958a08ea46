"""The unconditional state of the truncated cascade: steady state and evolution.

In the rotating wave both stay in the phase-invariant sector (``sector``), where 40 x 40 levels take a second or two.
Any other model, and the evolution from any other state, needs QuTiP's whole Liouvillian, with about 10 x 10 levels.
Section 3 of sim/README.md.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np
import qutip
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.fock.basis.diagnostics import Diagnostics, UnphysicalStateError, inspect
from cascade_steering.sim.fock.basis.levels import check_cutoffs
from cascade_steering.sim.fock.basis.moments import FloatArray, FockMoments
from cascade_steering.sim.fock.master_equation.sector import Sector, phase_invariant, sector_generator
from cascade_steering.sim.fock.master_equation.sector_moments import inspect_sector
from cascade_steering.sim.fock.master_equation.sector_solver import SectorPropagator, stationary_vector
from cascade_steering.sim.fock.qutip.operators import initial_density, lindblad_operators
from cascade_steering.sim.grid import require_times
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import UnstableError

__all__ = ["Evolution", "SteadyFockState", "evolve", "population_sector", "steady_fock_state"]

# Elements of the Liouvillian below this fraction of the largest are rounding of sums that cancel. The slowest rate of
# the paper (γ₀ compared with the number of levels times Γ) is 1e-9 of the largest.
_ROUND_OFF = 1e-14
# Couplings below this fraction of the largest do not make oscillators act on one another.
_ACTS = 1e-12
# ‖𝓛ρ‖/(‖𝓛‖‖ρ‖) of a backward-stable solution is about 1e-18 to 1e-16; a larger one means a singular system.
_RESIDUAL_LIMIT = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class SteadyFockState:
    """Mean (d,), symmetrised covariance (d, d), diagnostics, residual ‖𝓛ρ‖/(‖𝓛‖‖ρ‖), and the state itself.

    A state found in the sector is sparse; ``state.full()`` takes 16 D² bytes for D levels in all.
    """

    mean: FloatArray
    covariance: FloatArray
    diagnostics: Diagnostics
    residual: float
    state: qutip.Qobj


@dataclass(frozen=True, kw_only=True, eq=False)
class Evolution:
    """Means (n, d), symmetrised covariances (n, d, d) at ``times`` (n,), seconds; the worst diagnostics; the
    states, or None if they are not kept.
    """

    times: FloatArray
    means: FloatArray
    covariances: FloatArray
    diagnostics: Diagnostics
    states: tuple[qutip.Qobj, ...] | None


def steady_fock_state(model: LinearModel, cutoffs: tuple[int, ...]) -> SteadyFockState:
    """The steady state of the truncated master equation.

    A phase-invariant model is solved in its sector, any other among the elements of ρ that its Liouvillian couples to
    the populations. Section 3 of sim/README.md.

    Warns CutoffWarning if a cutoff is too small for the state.

    Raises
    ------
    ValueError
        if the cutoffs do not fit the model.
    UnstableError
        if the model has no steady state; that of the truncated model would then have no meaning. A polynomial may stop
        what its linear part lets grow, unless phase space itself grows; where it does not stop it, the warning tells.
    UnphysicalStateError
        if the truncated equation is not solved to rounding.
    """
    _require_stable(model)
    check_cutoffs(cutoffs, model.modes)
    find = _steady_in_sector if phase_invariant(model) else _steady_in_full
    result = find(model, cutoffs)
    if not result.residual <= _RESIDUAL_LIMIT:
        raise UnphysicalStateError(
            f"the steady state is not unique to working precision: residual {result.residual:.2g}"
        )
    result.diagnostics.warn(modes=model.modes)
    return result


def _steady_in_sector(model: LinearModel, cutoffs: tuple[int, ...]) -> SteadyFockState:
    sector = Sector(cutoffs)
    vector, residual = stationary_vector(sector_generator(model, sector), sector)
    mean, covariance, diagnostics = inspect_sector(vector, sector)
    state = _quantum(vector, sector)
    return SteadyFockState(mean=mean, covariance=covariance, diagnostics=diagnostics, residual=residual, state=state)


def _steady_in_full(model: LinearModel, cutoffs: tuple[int, ...]) -> SteadyFockState:
    """The steady state among the elements of ρ that the Liouvillian couples to the populations.

    This assumes nothing about the model: every other element of a unique steady state is 0.
    """
    liouvillian = sp.csc_array(lindblad_operators(model, cutoffs).liouvillian().data_as("csr_matrix"))
    size = int(np.prod(cutoffs))
    density = _null_vector(liouvillian, size).reshape((size, size), order="F")
    density = 0.5 * (density + density.conj().T)
    mean, covariance, diagnostics = inspect(density, FockMoments(cutoffs))
    residual = float(np.linalg.norm(np.asarray(liouvillian @ density.ravel(order="F"))))
    residual /= float(spla.norm(liouvillian) * np.linalg.norm(density))
    state = qutip.Qobj(density, dims=[list(cutoffs)] * 2)
    return SteadyFockState(mean=mean, covariance=covariance, diagnostics=diagnostics, residual=residual, state=state)


def _quantum(vector: FloatArray, sector: Sector) -> qutip.Qobj:
    return qutip.Qobj(sp.csr_matrix(sector.density(vector)), dims=[list(sector.cutoffs)] * 2)


def _require_stable(model: LinearModel) -> None:
    """Raise UnstableError if moments do not decay, or the phase space of oscillators that are not linear grows.

    Oscillators that act on one another are taken together, without those that only drive them or are driven. No
    Hamiltonian changes the volume of their phase space, which grows at the trace of the drift.
    """
    coupling = model.hamiltonian + np.imag(model.channels.conj().T @ model.channels)
    drift = symplectic_form(model.dimension // 2) @ coupling
    modes = model.dimension // 2
    size = np.abs(drift).reshape(modes, 2, modes, 2).max(axis=(1, 3))
    # in a cascade what acts backwards cancels, but for rounding; without polynomials nothing needs to be divided
    acts = size > _ACTS * np.max(size) if model.nonlinear else np.ones_like(size)
    bent = np.array([name in {each.mode for each in model.nonlinear} for name in model.modes])
    groups, group = connected_components(sp.csr_array(acts), directed=True, connection="strong")
    scale = np.max(np.abs(np.linalg.eigvals(drift)))
    for own in (np.flatnonzero(group == number) for number in range(groups)):
        both = np.stack([2 * own, 2 * own + 1], axis=1).ravel()
        block = drift[np.ix_(both, both)]
        free = not bent[own].any()
        slowest = float(np.max(np.linalg.eigvals(block).real) if free else np.trace(block))
        # A rate that differs from 0 by rounding alone counts as 0.
        if slowest > -1e-14 * scale:
            raise UnstableError(
                f"no steady state: the moments of the model must all decay, but one changes at {slowest:.3g} rad/s"
                if free
                else f"no steady state: the phase space of {', '.join(model.modes[k] for k in own)} must shrink, which "
                f"no polynomial changes, but grows at {slowest:.3g} rad/s"
            )


def population_sector(generator: sp.csc_array, size: int) -> NDArray[np.intp]:
    """The indices of column-stacked ρ that the generator couples to the populations, in either direction.

    Section 3 of sim/README.md.
    """
    pattern = abs(generator)
    pattern = pattern > _ROUND_OFF * pattern.max()
    _, labels = connected_components(pattern, directed=False)
    return np.flatnonzero(np.isin(labels, labels[:: size + 1]))


def _null_vector(generator: sp.csc_array, size: int) -> NDArray[np.complex128]:
    sector = population_sector(generator, size)
    inside = generator[:, sector][sector, :]
    populations = np.flatnonzero(sector % (size + 1) == 0)
    # The rows of the populations add up to zero, since the trace is conserved, so one of them is replaced by Tr ρ = 1,
    # which is scaled like the rest of the matrix.
    scale = abs(inside).max()
    trace = sp.csc_array(
        (np.full(populations.size, scale), (np.zeros_like(populations), populations)), (1, sector.size)
    )
    system = sp.vstack([trace, inside[1:]], format="csc")
    right = np.zeros(sector.size, dtype=complex)
    right[0] = scale
    vector = np.zeros(size * size, dtype=complex)
    vector[sector] = spla.spsolve(system, right)
    return vector


def evolve(
    model: LinearModel | Schedule,
    cutoffs: tuple[int, ...],
    initial: InitialState,
    times: FloatArray,
    *,
    states: bool = False,
) -> Evolution:
    """Unconditional evolution to ``times`` from ``initial`` at t = 0. Section 3 of sim/README.md.

    If model and state are phase-invariant (as ground, thermal and Fock states are), the evolution is computed in the
    sector, with an error below 1e-10 for any rates; otherwise by QuTiP's mesolve.

    Parameters
    ----------
    times : increasing, ≥ 0, seconds since ``initial``; array of shape (n,), n ≥ 1
    states : whether the density operators are kept

    Warns CutoffWarning if a cutoff is too small for a state at one of the times.

    Raises
    ------
    ValueError
        if there are no times, they decrease or are negative, or the cutoffs do not fit model and initial state.
    UnphysicalStateError
        if the integration fails.
    """
    times = np.asarray(times, dtype=float)
    require_times(times)
    if times.size == 0:
        raise ValueError("times must be at least one, got none")
    density = initial_density(initial, cutoffs)
    sector = Sector(cutoffs)
    schedule = Schedule.of(model)
    if all(map(phase_invariant, schedule.models)) and sector.holds(density.full()):
        path = _path_in_sector(schedule, sector, density, times)
        found = [inspect_sector(vector, sector) for vector in path]
        kept = tuple(_quantum(vector, sector) for vector in path) if states else None
    else:
        full = _path_in_full(schedule, cutoffs, density, times)
        moments = FockMoments(cutoffs)
        found = [inspect(state.full(), moments) for state in full]
        kept = tuple(full) if states else None
    means, covariances, diagnostics = zip(*found, strict=True)
    worst = reduce(Diagnostics.worst, diagnostics)
    worst.warn(modes=model.modes)
    return Evolution(
        times=times, means=np.array(means), covariances=np.array(covariances), diagnostics=worst, states=kept
    )


def _path_in_sector(schedule: Schedule, sector: Sector, density: qutip.Qobj, times: FloatArray) -> list[FloatArray]:
    path: list[FloatArray] = []
    state = sector.vector(density.full())
    for model, asked, duration in schedule.split(times):
        ends = asked if duration is None else np.append(asked, duration)
        if not ends.size:
            continue
        propagator = SectorPropagator(sector_generator(model, sector), sector)
        reached = []
        for span in np.diff(ends, prepend=0.0):
            state = propagator.advance(state, float(span)) if span > 0.0 else state
            reached.append(state)
        path += reached[: len(asked)]
    return path


def _path_in_full(
    schedule: Schedule, cutoffs: tuple[int, ...], density: qutip.Qobj, times: FloatArray
) -> list[qutip.Qobj]:
    options = {"atol": 1e-12, "rtol": 1e-9, "nsteps": 10**7, "progress_bar": ""}
    path: list[qutip.Qobj] = []
    state = density
    for model, asked, duration in schedule.split(times):
        solver = qutip.MESolver(lindblad_operators(model, cutoffs).liouvillian(), options=options)
        solver.start(state, 0.0)
        ends = asked if duration is None else np.append(asked, duration)
        reached = []
        for end, span in zip(ends, np.diff(ends, prepend=0.0), strict=True):
            state = solver.step(end) if span > 0.0 else state
            reached.append(state)
        path += reached[: len(asked)]
    return path
