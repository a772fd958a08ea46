"""Steady state and evolution in the phase-invariant sector, each by one sparse factorisation.

The generator couples neighbours on a grid (k, p, q), so its LU is small with nested dissection: halve the longest
side of the grid, number both halves, and then the plane between them (George, SIAM J. Numer. Anal. 10, 345 (1973)).
SuperLU with this order, one core, 2 quanta in each oscillator, seconds and million entries of L and U for N x N levels:

    | unknowns                   | nested dissection | MMD_AT_PLUS_A | COLAMD    | incomplete LU, GMRES     |
    | N = 24, real (4 900)       | 0.08 s, 1.3       | 0.10 s, 1.4   |           |                          |
    | N = 40, real (22 140)      | 0.9 s, 12         | 2.3 s, 15     | 3.2 s, 19 | 0.7 s + 8 to 60 steps    |
    | N = 60, real (73 810)      | 10 s, 64          | 27 s, 98      | 64 s, 159 | 7 s + 18 to 80 steps     |
    | N = 40, path phase (42 680)| 7 s, 44           | 18 s, 69      |           | 6 to 12 s + 9 to 80      |

Incomplete factors are not faster below N = 60, and need a choice of fill and tolerance. The complex sector, with both
signs of k, takes 10 s where its real form takes 7 s. Block elimination over k was not tried: its dense diagonal blocks
have 21 million entries at N = 40, all factors here 12 million. Evolution over five lifetimes in 5 intervals, N = 40,
with equal results to 1e-9: the rational Krylov method below takes 1.9 s, 0.9 s of it for the factors; DOP853 at rtol
1e-9 takes 1.6 s, and scipy's expm_multiply 3.0 s. With one oscillator a hundred times slower than the other the Krylov
method takes 1.5 s, although ‖𝓛‖t, which sets the cost of the explicit methods, is 46 times as large.
"""

from dataclasses import dataclass, field

import numpy as np
import scipy.linalg as la
import scipy.sparse as sp
import scipy.sparse.linalg as spla

from cascade_steering.sim.fock.basis.diagnostics import UnphysicalStateError
from cascade_steering.sim.fock.basis.moments import FloatArray
from cascade_steering.sim.fock.master_equation.sector import Indices, Sector

__all__ = ["SectorPropagator", "couples_imaginary_parts", "dissected", "stationary_vector"]

# With this many unknowns or fewer, a part of the grid is not dissected further.
_LEAF = 40
# The change of exp(𝓛t)ρ, relative to ‖ρ‖, by two more dimensions of the Krylov space at which it has converged. The
# error falls by a factor of 3 or more per dimension.
_TOLERANCE = 1e-12
# The largest dimension of the Krylov space; real rates need 10 to 25.
_LARGEST = 60
# σt for a new pole, and the range of σt over which factors are reused: 10 and 30 need the same number of dimensions.
_SHIFT, _SHIFT_RANGE = 16.0, (5.0, 50.0)
_HALVINGS = 30


def stationary_vector(generator: sp.csr_array, sector: Sector) -> tuple[FloatArray, float]:
    """The vector ρ (size,) with 𝓛ρ = 0 and Tr ρ = 1, and its residual ‖𝓛ρ‖/(‖𝓛‖‖ρ‖).

    Raises UnphysicalStateError if there is more than one such vector.
    """
    # The ground population is set to 1 and its row is left out: the trace is conserved, so the rows add up to zero.
    unknown = np.arange(1, sector.size if couples_imaginary_parts(generator, sector) else sector.upper)
    order = unknown[dissected(sector.places[:, unknown])]
    vector = np.zeros(sector.size)
    vector[0] = 1.0
    try:
        factors = _factorised(generator[order][:, order])
    except RuntimeError as error:
        raise UnphysicalStateError(f"the steady state is not unique: {error}") from error
    vector[order] = factors.solve(-generator[order][:, [0]].toarray().ravel())
    vector /= np.sum(vector[: sector.populations])
    residual = np.linalg.norm(generator @ vector) / (spla.norm(generator) * np.linalg.norm(vector))
    return vector, float(residual)


def dissected(places: FloatArray) -> Indices:
    """The order of grid points, coordinates of shape (3, n), that keeps the LU of a nearest-neighbour matrix small."""

    def order(points: Indices) -> list[Indices]:
        here = places[:, points]
        extent = np.ptp(here, axis=1) if points.size else np.zeros(1)
        if points.size <= _LEAF or np.max(extent) < 2:
            return [points]
        along = here[np.argmax(extent)]
        middle = np.clip(np.floor(np.median(along)), np.min(along) + 1, np.max(along) - 1)
        return [*order(points[along < middle]), *order(points[along > middle]), points[along == middle]]

    return np.concatenate(order(np.arange(places.shape[1])))


def _factorised(matrix: sp.csr_array) -> spla.SuperLU:
    """LU in the given order with pivots on the diagonal, which is large enough in a generator of decay."""
    return spla.splu(sp.csc_array(matrix), permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def couples_imaginary_parts(generator: sp.csr_array, sector: Sector) -> bool:
    """Whether the generator couples real parts of ρ to imaginary ones."""
    return bool(generator[sector.upper :, : sector.upper].nnz)


@dataclass
class SectorPropagator:
    """exp(𝓛t) on vectors of the sector, in the Krylov space of (1 − 𝓛/σ)⁻¹ with σ = 16/t.

    The necessary dimension does not depend on ‖𝓛‖: van den Eshof and Hochbruck, SIAM J. Sci. Comput. 27, 1438 (2006).
    Factors are kept from call to call while σt stays between 5 and 50.
    """

    generator: sp.csr_array
    sector: Sector
    _pole: float = field(default=0.0, init=False)
    _used: Indices = field(default_factory=lambda: np.zeros(0, dtype=np.intp), init=False)

    def advance(self, vector: FloatArray, duration: float) -> FloatArray:
        """exp(𝓛t)ρ for a duration t > 0, seconds; array of shape (size,).

        Raises UnphysicalStateError if the method does not converge even after the duration is halved 30 times.
        """
        self._select_unknowns(vector)
        result = np.zeros_like(vector)
        result[self._order] = self._halved(vector[self._order], duration, 0)
        return result

    def _select_unknowns(self, vector: FloatArray) -> None:
        """Prepare the unknowns for ``vector``, without the imaginary parts if they are and remain 0."""
        every = couples_imaginary_parts(self.generator, self.sector) or bool(np.any(vector[self.sector.upper :]))
        count = self.sector.size if every else self.sector.upper
        if self._used.size != count:
            self._used, self._pole = np.arange(count), 0.0
            self._order = dissected(self.sector.places[:, :count])
            self._matrix = self.generator[self._order][:, self._order]

    def _halved(self, vector: FloatArray, duration: float, halvings: int) -> FloatArray:
        """exp(𝓛t)ρ over the whole duration, or over one half after the other if that does not converge."""
        result = self._krylov(vector, duration)
        if result is not None:
            return result
        if halvings == _HALVINGS:
            raise UnphysicalStateError(f"the evolution over {duration:.3g} s does not converge")
        middle = self._halved(vector, 0.5 * duration, halvings + 1)
        return self._halved(middle, 0.5 * duration, halvings + 1)

    def _krylov(self, vector: FloatArray, duration: float) -> FloatArray | None:
        """exp(𝓛t)ρ, or None if the method does not converge within 60 dimensions."""
        if not _SHIFT_RANGE[0] <= self._pole * duration <= _SHIFT_RANGE[1]:
            self._pole = _SHIFT / duration
            self._factors = _factorised(sp.eye_array(vector.size) - self._matrix / self._pole)
        size, most = np.linalg.norm(vector), min(_LARGEST, vector.size)
        basis, hessenberg = np.zeros((most + 1, vector.size)), np.zeros((most + 1, most))
        basis[0] = vector / size
        before: FloatArray | None = None
        for j in range(most):
            step = self._factors.solve(basis[j])
            for _ in range(2):  # the second time, for orthogonality to rounding
                overlap = basis[: j + 1] @ step
                hessenberg[: j + 1, j] += overlap
                step -= overlap @ basis[: j + 1]
            rest = hessenberg[j + 1, j] = np.linalg.norm(step)
            exhausted = rest <= _TOLERANCE * np.linalg.norm(hessenberg[:, j]) or j + 1 == vector.size
            if exhausted or j % 2:
                now = _exponential(hessenberg[: j + 1, : j + 1], self._pole * duration)
                if now is not None and (exhausted or _converged(before, now)):
                    result: FloatArray = size * (now @ basis[: j + 1])
                    return result
                if exhausted:
                    return None
                before = now
            basis[j + 1] = step / rest
        return None


def _exponential(inverse: FloatArray, turns: float) -> FloatArray | None:
    """First column of exp(σt(1 − A⁻¹)), A the projected (1 − 𝓛/σ)⁻¹; None while an eigenvalue of the exponent grows."""
    exponent = turns * (np.eye(len(inverse)) - np.linalg.inv(inverse))
    if np.max(np.linalg.eigvals(exponent).real) > 1.0:
        return None
    column: FloatArray = la.expm(exponent)[:, 0]
    return column


def _converged(before: FloatArray | None, now: FloatArray) -> bool:
    if before is None:
        return False
    return bool(np.linalg.norm(now - np.pad(before, (0, now.size - before.size))) <= _TOLERANCE)
