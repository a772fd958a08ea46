"""Steady state and evolution in the phase-invariant sector, each by one sparse factorisation.

The generator couples neighbours on a grid (k, p, q), so its LU is small if the grid is dissected: halve the longest
side, number both halves and the plane between them last (George, SIAM J. Numer. Anal. 10, 345 (1973)). SuperLU with
this order, one core, 2 quanta in each oscillator, seconds and million entries of L and U for N x N levels:

    | unknowns                   | nested dissection | MMD_AT_PLUS_A | COLAMD    | incomplete LU, GMRES     |
    | N = 24, real (4 900)       | 0.08 s, 1.3       | 0.10 s, 1.4   |           |                          |
    | N = 40, real (22 140)      | 0.9 s, 12         | 2.3 s, 15     | 3.2 s, 19 | 0.7 s + 8 to 60 steps    |
    | N = 60, real (73 810)      | 10 s, 64          | 27 s, 98      | 64 s, 159 | 7 s + 18 to 80 steps     |
    | N = 40, path phase (42 680)| 7 s, 44           | 18 s, 69      |           | 6 to 12 s + 9 to 80      |

Incomplete factors win nothing before N = 60 and need a fill and a tolerance chosen; the complex sector, both signs of
k, takes 10 s where its real form takes 7. Block elimination over k was not tried: its dense diagonal blocks hold 21
million numbers at N = 40, all factors here 12. Evolution over five lifetimes in 5 intervals, N = 40, all alike to 1e-9:
the rational Krylov method below 1.9 s, of it 0.9 for the factors; DOP853 at rtol 1e-9 1.6 s; scipy's expm_multiply
3.0 s. With one oscillator a hundred times slower than the other it takes 1.5 s, where ‖𝓛‖t, which sets the cost of the
explicit ones, is 46 times as large.
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

# unknowns that are not worth dissecting further
_LEAF = 40
# ‖change‖ of exp(𝓛t)ρ over two dimensions of the Krylov space, against ‖ρ‖; it falls by 3 or more a dimension
_TOLERANCE = 1e-12
# dimensions; 10 to 25 are used where rates are real
_LARGEST = 60
# Duration over the pole's time: 10 and 30 need the same number of dimensions, so factors serve over a decade.
_SHIFT, _SHIFTS = 16.0, (5.0, 50.0)
_HALVINGS = 30


def stationary_vector(generator: sp.csr_array, sector: Sector) -> tuple[FloatArray, float]:
    """The vector ρ (size,) with 𝓛ρ = 0 and Tr ρ = 1, and ‖𝓛ρ‖/(‖𝓛‖‖ρ‖).

    Raises UnphysicalStateError if there is more than one.
    """
    # the ground population is set to 1 and its row left to the others: they add up to zero, as the trace is conserved
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
    """Order of points on a grid, coordinates of shape (3, n), that keeps the LU of a nearest-neighbour matrix small."""

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
    """LU in the order given: pivots on the diagonal, which in a generator of decay is large enough."""
    return spla.splu(sp.csc_array(matrix), permc_spec="NATURAL", diag_pivot_thresh=0.0, options={"SymmetricMode": True})


def couples_imaginary_parts(generator: sp.csr_array, sector: Sector) -> bool:
    """Whether real parts of ρ become imaginary ones."""
    return bool(generator[sector.upper :, : sector.upper].nnz)


@dataclass
class SectorPropagator:
    """exp(𝓛t) on vectors of the sector, in the Krylov space of (1 − 𝓛/σ)⁻¹ with σ = 16/t.

    The dimension it takes does not depend on ‖𝓛‖: van den Eshof and Hochbruck, SIAM J. Sci. Comput. 27, 1438 (2006).
    Factors are kept from call to call while σt stays between 5 and 50.
    """

    generator: sp.csr_array
    sector: Sector
    _pole: float = field(default=0.0, init=False)
    _used: Indices = field(default_factory=lambda: np.zeros(0, dtype=np.intp), init=False)

    def advance(self, vector: FloatArray, duration: float) -> FloatArray:
        """exp(𝓛t)ρ for a duration t > 0, seconds; array of shape (size,).

        Raises UnphysicalStateError if it converges for no fraction of the duration that would be of use.
        """
        self._use(vector)
        result = np.zeros_like(vector)
        result[self._order] = self._halved(vector[self._order], duration, 0)
        return result

    def _use(self, vector: FloatArray) -> None:
        """Leave imaginary parts out where they are 0 and stay so."""
        every = couples_imaginary_parts(self.generator, self.sector) or bool(np.any(vector[self.sector.upper :]))
        count = self.sector.size if every else self.sector.upper
        if self._used.size != count:
            self._used, self._pole = np.arange(count), 0.0
            self._order = dissected(self.sector.places[:, :count])
            self._matrix = self.generator[self._order][:, self._order]

    def _halved(self, vector: FloatArray, duration: float, halvings: int) -> FloatArray:
        """Over the whole duration, or over one half after the other where that does not converge."""
        result = self._krylov(vector, duration)
        if result is not None:
            return result
        if halvings == _HALVINGS:
            raise UnphysicalStateError(f"the evolution over {duration:.3g} s does not converge")
        middle = self._halved(vector, 0.5 * duration, halvings + 1)
        return self._halved(middle, 0.5 * duration, halvings + 1)

    def _krylov(self, vector: FloatArray, duration: float) -> FloatArray | None:
        """exp(𝓛t)ρ, or None if 60 dimensions do not hold it."""
        if not _SHIFTS[0] <= self._pole * duration <= _SHIFTS[1]:
            self._pole = _SHIFT / duration
            self._factors = _factorised(sp.eye_array(vector.size) - self._matrix / self._pole)
        size, most = np.linalg.norm(vector), min(_LARGEST, vector.size)
        basis, hessenberg = np.zeros((most + 1, vector.size)), np.zeros((most + 1, most))
        basis[0] = vector / size
        before: FloatArray | None = None
        for j in range(most):
            step = self._factors.solve(basis[j])
            for _ in range(2):  # once more, for orthogonality to rounding
                overlap = basis[: j + 1] @ step
                hessenberg[: j + 1, j] += overlap
                step -= overlap @ basis[: j + 1]
            rest = hessenberg[j + 1, j] = np.linalg.norm(step)
            exhausted = rest <= _TOLERANCE * np.linalg.norm(hessenberg[:, j]) or j + 1 == vector.size
            if exhausted or j % 2:
                now = _exponential(hessenberg[: j + 1, : j + 1], self._pole * duration)
                if now is not None and (exhausted or _settled(before, now)):
                    result: FloatArray = size * (now @ basis[: j + 1])
                    return result
                if exhausted:
                    return None
                before = now
            basis[j + 1] = step / rest
        return None


def _exponential(inverse: FloatArray, turns: float) -> FloatArray | None:
    """First column of exp(σt(1 − A⁻¹)), A the compressed (1 − 𝓛/σ)⁻¹; None while A is not yet of a decay."""
    exponent = turns * (np.eye(len(inverse)) - np.linalg.inv(inverse))
    if np.max(np.linalg.eigvals(exponent).real) > 1.0:
        return None
    column: FloatArray = la.expm(exponent)[:, 0]
    return column


def _settled(before: FloatArray | None, now: FloatArray) -> bool:
    if before is None:
        return False
    return bool(np.linalg.norm(now - np.pad(before, (0, now.size - before.size))) <= _TOLERANCE)
