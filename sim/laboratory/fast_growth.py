"""The limit without the record of a pair that grows, where frequencies are far above linewidths.

Section 10 of sim/README.md. A motion that grows belongs to the amplitudes that turn at its frequency ω. In their frame
A − iω = M + i(ω_j − ω), and scaled from both sides so that the largest entries of every row and column are 1 it has no
large ones: D (A − iω) D y = μ D² y with z = D y gives the μ of what is slow to the last digits of its own rates,
whatever κ is. Of the subspace of all that grows as many amplitudes are kept, z_J, as it has dimensions, and the others
are freed of it, r = z − X z_J:

    z = W g + …, X = W W_J⁻¹      ṙ = (iω + M − X M_J) r + …

which settles, and is solved as in ``fast_oscillations``; z_J has a flat distribution.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.growth import FLAT_DEVIATION, NO_LIMIT
from cascade_steering.sim.gaussian.moment_equations import adjoint, moment_equations
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.laboratory.fast_oscillations import in_quadratures, settled_root
from cascade_steering.sim.laboratory.turning import QUADRATURES, Turning
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["grown_root_of_fast"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

# Frequencies closer than this fraction of the largest one are taken in one frame.
_ALIKE = 1e-3
# A rate of decay below this fraction of the smallest rate in a frame counts as growth, and a share of a motion as none.
_STILL = 1e-12
# The largest entries of a matrix are 1 to a few per cent after so many scalings.
_SCALINGS = 30


def grown_root_of_fast(model: LinearModel) -> FloatArray:
    """``sim.gaussian.growth.grown_root`` with all digits at very different rates; array of shape (r, d).

    Section 10 of sim/README.md. Raises NoSteadyStateError as that does.
    """
    turning = Turning.of(moment_equations(model)).unmonitored
    growing = _growing(turning)
    if not growing.shape[1]:
        return in_quadratures(settled_root(turning))
    kept = _largest_rows(growing)
    freed = np.setdiff1d(np.arange(len(growing)), kept)
    shares = np.linalg.solve(growing[kept].T, growing[freed].T).T
    back = np.zeros((len(freed), len(growing)), dtype=complex)
    back[:, freed], back[:, kept] = np.eye(len(freed)), -shares
    rest = np.zeros((len(freed), len(growing)), dtype=complex)
    if len(freed):
        rest[:, freed] = settled_root(
            Turning(
                frequencies=turning.frequencies[freed],
                drift=turning.drift[np.ix_(freed, freed)] - shares @ turning.drift[np.ix_(kept, freed)],
                diffusion=back @ turning.diffusion @ adjoint(back),
                readout=turning.readout[:, freed],
                cross=turning.cross[freed],
            )
        )
    return np.concatenate([FLAT_DEVIATION * _flat(growing), in_quadratures(rest)])


def _flat(growing: ComplexArray) -> FloatArray:
    """Rows that span what grows in quadratures, where it is real; (d, p) → (p, d)."""
    turned = np.kron(np.eye(len(growing) // 2), QUADRATURES) @ growing
    kept = _largest_rows(turned)
    return np.asarray(np.linalg.solve(turned[kept].T, turned.T).real)


def _growing(turning: Turning) -> ComplexArray:
    """A basis of all motions that grow, or stay, for z; array of shape (d, p)."""
    frames = [_Frame.of(turning, centre, bounds) for centre, bounds in _centres(turning.frequencies)]
    if sum(frame.motions for frame in frames) != len(turning.drift):
        # a motion between two frames: all in one, as digits are then those of its own rates
        frames = [_Frame.of(turning, 0.0, (-np.inf, np.inf))]
    return np.concatenate([frame.growing(turning.diffusion) for frame in frames], axis=1)


def _centres(frequencies: FloatArray) -> list[tuple[float, tuple[float, float]]]:
    """The frequencies around which something turns, and for each how far from it the next ones are half as near."""
    ordered = np.sort(frequencies)
    apart = np.flatnonzero(np.diff(ordered) > _ALIKE * np.max(np.abs(ordered)))
    groups = np.split(ordered, apart + 1)
    edges = [-np.inf, *((a[-1] + b[0]) / 2 for a, b in pairwise(groups)), np.inf]
    # a frequency that occurs, so that differences from it are exact
    centres = [float(group[len(group) // 2]) for group in groups]
    return [(at, (low - at, high - at)) for at, low, high in zip(centres, edges[:-1], edges[1:], strict=True)]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Frame:
    """D (A − iω) D y = μ D² y, with the motions whose Im μ is within ``bounds``; D of shape (d,)."""

    matrix: ComplexArray
    scale: FloatArray
    bounds: tuple[float, float]
    slowest: float

    @classmethod
    def of(cls, turning: Turning, centre: float, bounds: tuple[float, float]) -> "_Frame":
        offset = turning.frequencies - centre
        matrix, scale = turning.drift + 1j * np.diag(offset), np.ones(len(offset))
        for _ in range(_SCALINGS):
            sizes = np.abs(matrix) * np.outer(scale, scale)
            largest = np.maximum(sizes.max(axis=0), sizes.max(axis=1))
            scale = scale / np.sqrt(np.where(largest > 0.0, largest, 1.0))
        near = (offset >= bounds[0]) & (offset <= bounds[1])
        return cls(
            matrix=np.asarray(matrix * np.outer(scale, scale), dtype=np.complex128), scale=scale, bounds=bounds,
            slowest=float(np.min(scale[near] ** -2.0)),
        )  # fmt: skip

    @property
    def motions(self) -> int:
        """How many motions are within the bounds."""
        from scipy.linalg import eigvals

        return sum(map(self._within, eigvals(self.matrix, np.diag(self.scale**2))))

    def _within(self, rate: complex) -> bool:
        return self.bounds[0] < rate.imag <= self.bounds[1]

    def _grows(self, rate: complex) -> bool:
        return self._within(rate) and rate.real >= -_STILL * self.slowest

    def growing(self, diffusion: ComplexArray) -> ComplexArray:
        """A basis of what grows here, for z; (d, p). Raises NoSteadyStateError where the limit depends on the start."""
        from scipy.linalg import ordqz

        def grows(alpha: ComplexArray, beta: ComplexArray) -> NDArray[np.bool_]:
            return np.array([self._grows(a / b) for a, b in zip(alpha, beta, strict=True)])

        _, _, alpha, beta, _, vectors = ordqz(self.matrix, np.diag(self.scale**2), sort=grows, output="complex")
        count = int(np.sum(grows(alpha, beta)))
        if count == 0:
            return np.zeros((len(self.scale), 0), dtype=complex)
        self._require_noise(diffusion)
        shown = vectors[:, :count].reshape(-1, 2, count)
        # what a mode has of a growing motion by rounding alone does not show it
        least = self._rounding(alpha / beta, vectors[:, :count])
        shown = np.where(np.max(np.abs(shown), axis=1, keepdims=True) < least, 0.0, shown)
        return np.asarray(self.scale[:, None] * shown.reshape(-1, count))

    def _rounding(self, rates: ComplexArray, vectors: ComplexArray) -> float:
        """By how much rounding may turn the growing subspace: that of the matrix over the distance of the spectra."""
        count = vectors.shape[1]
        gap = np.min(np.abs(rates[:count, None] - rates[count:]), initial=np.inf)
        weights = np.sum((self.scale[:, None] * np.abs(vectors)) ** 2, axis=0)
        turned = 256.0 * np.finfo(float).eps / (gap * np.min(weights, initial=np.inf)) if gap > 0.0 else 0.0
        return float(max(_STILL, turned))

    def _require_noise(self, diffusion: ComplexArray) -> None:
        """Raise NoSteadyStateError if a motion that neither grows nor decays has no noise."""
        from scipy.linalg import eig

        rates, left, _ = eig(self.matrix, np.diag(self.scale**2), left=True)
        edge = _STILL * self.slowest
        for rate, vector in zip(rates, (self.scale[:, None] * left).T, strict=True):
            noise = float(np.real(vector.conj() @ diffusion @ vector)) / float(np.sum(np.abs(vector) ** 2))
            if self._grows(rate) and rate.real <= edge and noise <= edge:
                raise NoSteadyStateError(NO_LIMIT)


def _largest_rows(matrix: ComplexArray) -> NDArray[np.intp]:
    """Rows of a matrix (d, p), as many as columns, that are as independent as can be."""
    from scipy.linalg import qr

    _, _, order = qr(matrix.conj().T, mode="economic", pivoting=True)
    return np.sort(order[: matrix.shape[1]])
