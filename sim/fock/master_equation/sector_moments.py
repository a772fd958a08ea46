"""Moments and diagnostics of a state in the phase-invariant sector, without its density matrix."""

import numpy as np

from cascade_steering.sim.conventions import VACUUM_VARIANCE
from cascade_steering.sim.fock.basis.diagnostics import Diagnostics, UnphysicalStateError, require_physical
from cascade_steering.sim.fock.basis.moments import FloatArray
from cascade_steering.sim.fock.master_equation.sector import Sector

__all__ = ["inspect_sector"]


def inspect_sector(vector: FloatArray, sector: Sector) -> tuple[FloatArray, FloatArray, Diagnostics]:
    """Mean (4,), which is 0, covariance (4, 4) and diagnostics of the state of a vector, as ``inspect`` gives them.

    Raises UnphysicalStateError as ``inspect`` does.
    """
    if not np.all(np.isfinite(vector)):
        raise UnphysicalStateError("the state is not finite")
    populations = vector[: sector.populations].reshape(sector.cutoffs)
    trace = float(np.sum(populations))
    each = [populations.sum(axis=1) / trace, populations.sum(axis=0) / trace]
    tops = np.array([levels[-1] for levels in each])
    diagnostics = Diagnostics(
        cutoffs=sector.cutoffs,
        top_population=tops,
        trace_error=abs(trace - 1.0),
        min_eigenvalue=_smallest_eigenvalue(vector, sector),
        hermiticity=0.0,
    )
    require_physical(diagnostics, trace)
    variances = np.array([np.arange(levels.size) @ levels + VACUUM_VARIANCE for levels in each])
    # ⟨a₋a₊⟩ comes from the elements with k = 1.
    k, p, q = sector.coordinates[:, sector.populations : sector.upper]
    weights = np.sqrt((p + 1.0) * (q + 1.0)) * (k == 1) / trace
    real, imaginary = weights @ vector[sector.populations : sector.upper], weights @ vector[sector.upper :]
    cross = np.array([[real, imaginary], [imaginary, -real]])
    covariance = np.block([[variances[0] * np.eye(2), cross], [cross.T, variances[1] * np.eye(2)]])
    return np.zeros(4), covariance, diagnostics


def _smallest_eigenvalue(vector: FloatArray, sector: Sector) -> float:
    """The smallest eigenvalue of ρ, over its blocks of equal n₋ − n₊."""
    density = sector.density(vector)
    charge = np.subtract(*np.indices(sector.cutoffs)).ravel()
    blocks = [np.flatnonzero(charge == value) for value in np.unique(charge)]
    return min(float(np.linalg.eigvalsh(density[states][:, states].toarray())[0]) for states in blocks)
