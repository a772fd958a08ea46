"""The unconditional state of the truncated cascade, through QuTiP: steady state and evolution."""

from dataclasses import dataclass

import numpy as np
import qutip
import scipy.sparse as sp
import scipy.sparse.linalg as spla
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from sim.conventions import symplectic_form
from sim.fock.diagnostics import Diagnostics, UnphysicalStateError, inspect
from sim.fock.moments import FloatArray, Moments
from sim.fock.operators import initial_density, lindblad_operators
from sim.model import LinearModel
from sim.parameters import UnstableError
from sim.states import InitialState

# Elements of the Liouvillian below this fraction of the largest are sums that should have cancelled.
# The slowest rate of the paper (γ₀ against N·Γ) is 1e-9 of the largest.
_ROUND_OFF = 1e-14
# ‖Lρ‖/(‖L‖‖ρ‖) of a backward-stable solve is some 1e-18 to 1e-16; more means a singular system.
_RESIDUAL_LIMIT = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class SteadyState:
    """Mean (d,), symmetrised covariance (d, d), diagnostics, ‖Lρ‖/(‖L‖‖ρ‖) and the state itself."""

    mean: FloatArray
    covariance: FloatArray
    diagnostics: Diagnostics
    residual: float
    state: qutip.Qobj


@dataclass(frozen=True, kw_only=True, eq=False)
class Evolution:
    """Means (n, d), symmetrised covariances (n, d, d) at ``times`` (n,), seconds; worst diagnostics; states if kept."""

    times: FloatArray
    means: FloatArray
    covariances: FloatArray
    diagnostics: Diagnostics
    states: tuple[qutip.Qobj, ...] | None


def steady_state(model: LinearModel, cutoffs: tuple[int, ...]) -> SteadyState:
    """The state that the truncated master equation leaves alone.

    The Liouvillian couples only some elements of ρ to the populations: under the RWA those with
    n₋ − n₊ = m₋ − m₊, some ⅔N³ of N⁴. They are found as connected components of its sparsity pattern, which
    assumes nothing about the model, and solved for directly: every other element of a unique steady state is 0.

    Warns CutoffWarning where a cutoff is too small for the state.

    Raises
    ------
    ValueError
        if the cutoffs do not suit the model.
    UnstableError
        if the model itself has no steady state; truncated, it would have one that means nothing.
    UnphysicalStateError
        if the truncated equation was not solved to rounding.
    """
    _require_stable(model)
    operators = lindblad_operators(model, cutoffs)
    generator = sp.csc_array(operators.liouvillian().data_as("csr_matrix"))
    size = int(np.prod(cutoffs))
    vector = _null_vector(generator, size)
    density = vector.reshape((size, size), order="F")
    density = 0.5 * (density + density.conj().T)
    mean, covariance, diagnostics = inspect(density, Moments(cutoffs))
    residual = np.linalg.norm(np.asarray(generator @ density.ravel(order="F")))
    residual /= spla.norm(generator) * np.linalg.norm(density)
    if residual > _RESIDUAL_LIMIT:
        raise UnphysicalStateError(f"the steady state is not unique enough to be found: residual {residual:.2g}")
    diagnostics.warn()
    state = qutip.Qobj(density, dims=[list(cutoffs)] * 2)
    return SteadyState(mean=mean, covariance=covariance, diagnostics=diagnostics, residual=float(residual), state=state)


def _require_stable(model: LinearModel) -> None:
    coupling = model.hamiltonian + np.imag(model.channels.conj().T @ model.channels)
    rates = np.linalg.eigvals(symplectic_form(model.dimension // 2) @ coupling)
    slowest = float(np.max(rates.real))
    # undamped to rounding is undamped
    if slowest > -1e-14 * np.max(np.abs(rates)):
        raise UnstableError(
            f"no steady state: the moments of the model must all decay, but one changes at {slowest:.3g} rad/s"
        )


def population_sector(generator: sp.csc_array, size: int) -> NDArray[np.intp]:
    """Indices of column-stacked ρ that the generator couples, either way, to the populations."""
    pattern = abs(generator)
    pattern = pattern > _ROUND_OFF * pattern.max()
    _, labels = connected_components(pattern, directed=False)
    return np.flatnonzero(np.isin(labels, labels[:: size + 1]))


def _null_vector(generator: sp.csc_array, size: int) -> NDArray[np.complex128]:
    sector = population_sector(generator, size)
    inside = generator[:, sector][sector, :]
    populations = np.flatnonzero(sector % (size + 1) == 0)
    # the populations' rows add up to zero (trace), so one of them can give way to Tr ρ = 1; the row of trace is
    # weighted like the rest of the matrix
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
    model: LinearModel, cutoffs: tuple[int, ...], initial: InitialState, times: FloatArray, *, states: bool = False
) -> Evolution:
    """Unconditional evolution from ``initial`` at ``times[0]``, by QuTiP's mesolve.

    Parameters
    ----------
    times : increasing, array of shape (n,), seconds
    states : keep the density operators

    Warns CutoffWarning where a cutoff is too small for a state on the way.

    Raises
    ------
    ValueError
        if the times do not increase, or cutoffs or initial state do not suit.
    UnphysicalStateError
        if the integration breaks down.
    """
    times = np.asarray(times, dtype=float)
    if times.ndim != 1 or times.size == 0 or not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
        raise ValueError(f"times must be finite and increasing, got {times}")
    operators = lindblad_operators(model, cutoffs)
    density = initial_density(initial, cutoffs)
    options = {"atol": 1e-12, "rtol": 1e-9, "nsteps": 10**7, "progress_bar": ""}
    solver = qutip.MESolver(operators.liouvillian(), options=options)
    solver.start(density, times[0])
    path = [density, *(solver.step(time) for time in times[1:])]
    moments = Moments(cutoffs)
    means, covariances, diagnostics = zip(*(inspect(state.full(), moments) for state in path), strict=True)
    worst = diagnostics[0]
    for later in diagnostics[1:]:
        worst = worst.worst(later)
    worst.warn()
    return Evolution(
        times=times,
        means=np.array(means),
        covariances=np.array(covariances),
        diagnostics=worst,
        states=tuple(path) if states else None,
    )
