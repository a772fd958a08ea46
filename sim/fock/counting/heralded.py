"""What a click leaves: the state given that a counter clicks now, and its Wigner function in laboratory quadratures.

Section 7 of sim/README.md.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import frozen
from cascade_steering.sim.fock.basis.exact_elements import gaussian_elements
from cascade_steering.sim.fock.basis.levels import resize
from cascade_steering.sim.fock.basis.moments import FockMoments
from cascade_steering.sim.fock.basis.normal_modes import normal_modes, of_symmetric
from cascade_steering.sim.fock.counting.phase_space import StateDiagonals
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.counters import CountedChannel

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["Heralded", "StateInFrame", "fidelity", "herald"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
# The largest fraction of a state that may lie above the levels in which it is made.
_MOST_LOST = 1e-6
_MOST_LEVELS = 80
# With q the number of quanta that a state has at most, up to this population, its Wigner function decays as a Gaussian
# beyond √(2q) and its characteristic function beyond 2 √(2q): to e^{−30} and e^{−25} at these distances from there.
_NEGLIGIBLE, _PLACE_TAIL, _REACH = 1e-11, 5.5, 10.0
# Negative regions lie within so many standard deviations of the mean.
_WIDTHS = 4.0


@dataclass(frozen=True, kw_only=True, eq=False)
class StateInFrame:
    """A state of oscillators, not necessarily Gaussian, between Fock levels of ξ with x = 𝖲ξ + x̄.

    Parameters
    ----------
    density : ρ of ξ on all levels below ``levels``, array of shape (D, D); it is normalised
    levels : levels of each mode of the frame
    symplectic : 𝖲, array of shape (d, d)
    origin : x̄, array of shape (d,)

    Sections 6 and 7 of sim/README.md.
    """

    density: ComplexArray
    levels: tuple[int, ...]
    symplectic: FloatArray
    origin: FloatArray

    def __post_init__(self) -> None:
        density = np.asarray(self.density, dtype=complex)
        object.__setattr__(self, "density", frozen(density / np.trace(density).real))

    @classmethod
    def of(cls, initial: InitialState) -> Self:
        """A Gaussian state in its normal modes, on the levels that it fills.

        Raises ValueError for a state that is not Gaussian, and for one that fills more than 80 levels of a mode.
        """
        initial.require_gaussian("a state in its normal modes")
        symplectic = normal_modes(initial.covariance)
        back = np.linalg.inv(symplectic)
        spread = back @ initial.covariance @ back.T
        quanta = np.maximum(np.diag(spread).reshape(-1, 2).mean(axis=1) - 0.5, 0.0)
        ratios = quanta / (quanta + 1.0)
        needed = tuple(
            4 if r < 1e-9 else 4 + int(np.ceil(np.log(1e-3 * _MOST_LOST * (1.0 - r)) / np.log(r))) for r in ratios
        )
        if max(needed) > _MOST_LEVELS:
            raise ValueError(f"{initial.name} has {quanta.max():.4g} quanta in a normal mode, too many for Fock levels")
        density = gaussian_elements(spread, np.zeros(len(spread)), needed)
        return cls(density=density, levels=needed, symplectic=symplectic, origin=initial.center)

    @classmethod
    def kept_in(cls, dataset: "xr.Dataset", trajectory: int = 0, at: int = -1) -> Self:
        """A conditional state kept by ``simulate(…, save=Save(states=…), keep=…)`` with an engine of Fock levels.

        Raises ValueError for a dataset without such states.
        """
        if "state_real" not in dataset:
            raise ValueError("the dataset holds no states in Fock levels: ask for save=Save(states='end') and keep")
        real, imaginary, symplectic, origin = (
            dataset[f"state_{part}"].to_numpy()[trajectory, at] for part in ("real", "imag", "symplectic", "origin")
        )
        levels = tuple(dataset["state_levels"].to_numpy()[trajectory].astype(int).tolist())
        return cls(density=real + 1j * imaginary, levels=levels, symplectic=symplectic, origin=origin)

    @cached_property
    def _moments(self) -> tuple[FloatArray, FloatArray]:
        mean, covariance, _, _ = _moments_on(self.levels).of(self.density)
        return mean, covariance

    @property
    def cutoffs(self) -> tuple[int, ...]:
        """``levels``, as a state of ``density_state`` calls them."""
        return self.levels

    @property
    def mean(self) -> FloatArray:
        """⟨x⟩, array of shape (d,)."""
        mean: FloatArray = self.origin + self.symplectic @ self._moments[0]
        return mean

    @property
    def covariance(self) -> FloatArray:
        """V of x, array of shape (d, d); E follows from it by ``analysis.criteria.steering``."""
        spread: FloatArray = self.symplectic @ self._moments[1] @ self.symplectic.T
        return spread

    def wigner(self, points: FloatArray) -> FloatArray:
        """W at points (n, d) of the phase space of all oscillators, array of shape (n,); its integral is 1.

        By displaced parity in the frame, W(x) = π^{−n} Tr[ρ_ξ Π_k D(−1)^{n̂}D†] at ξ = 𝖲⁻¹(x − x̄). Section 7 of
        sim/README.md.
        """
        away = np.asarray(points, dtype=float) - self.origin
        inside = np.asarray(np.linalg.solve(self.symplectic, away.T).T, dtype=np.float64)
        alphas = (inside[:, ::2] + 1j * inside[:, 1::2]) / np.sqrt(2.0)
        return self._diagonals.displaced_parity(alphas) / np.pi ** len(self.levels)

    def wigner_of(self, mode: int, points: FloatArray) -> FloatArray:
        """W of one oscillator of the laboratory, the others traced out, at its (X, P) (n, 2); array of shape (n,).

        The Fourier transform of ⟨e^{ik·x}⟩ for k of that oscillator, by the trapezoidal rule, whose error is below
        1e-10 because both functions decay as Gaussians; 0 where W has decayed. Section 7 of sim/README.md.
        """
        rows = self.symplectic[2 * mode : 2 * mode + 2]
        # In κ, with k = M^{−1/2}κ and M = rows·rowsᵀ, the Gaussian factor is e^{−κ²/4}.
        scale = of_symmetric(lambda values: values**-0.5, rows @ rows.T)
        turning = float(np.sqrt(2.0 * self._most_quanta))
        extent, reach = turning + _PLACE_TAIL, 2.0 * turning + _REACH
        apart, number = np.pi / extent, int(np.ceil(reach * extent / np.pi))
        # χ(−κ) is the conjugate of χ(κ): half of the plane is enough, and of it what lies within reach.
        first, second = apart * np.arange(number + 1), apart * np.arange(-number, number + 1)
        kappa = np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1).reshape(-1, 2)
        within = np.sum(kappa**2, axis=1) <= reach**2
        values = np.zeros(len(kappa), dtype=complex)
        values[within] = self._characteristic(kappa[within] @ scale @ rows)
        grid = values.reshape(len(first), len(second))
        grid[1:] *= 2.0
        away = (np.asarray(points, dtype=float) - self.origin[2 * mode : 2 * mode + 2]) @ scale
        weight = apart**2 * np.linalg.det(scale) / (2.0 * np.pi) ** 2
        # e^{−iκ·y} factors into its two coordinates.
        waves = [np.exp(-1j * np.outer(away[:, k], axis)) for k, axis in enumerate((first, second))]
        found: FloatArray = weight * np.sum((waves[0] @ grid) * waves[1], axis=1).real
        # The sum has the period 2 ``extent``.
        return np.where(np.sum(away**2, axis=1) <= extent**2, found, 0.0)

    def negative_volume(self, mode: int, points: int = 81) -> float:
        """∫ max(−W, 0) dX dP of one oscillator of the laboratory, on a grid of ``points`` along each axis.

        It is not 0 only if the state is not Gaussian, and no mixture of Gaussian states. Section 7 of sim/README.md.
        """
        if points < 3:
            raise ValueError(f"points must be at least 3 along each axis, got {points}")
        block = self.covariance[2 * mode : 2 * mode + 2, 2 * mode : 2 * mode + 2]
        root = np.linalg.cholesky(block)
        axis = np.linspace(-_WIDTHS, _WIDTHS, points)
        places = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
        values = self.wigner_of(mode, self.mean[2 * mode : 2 * mode + 2] + places @ root.T)
        cell = (axis[1] - axis[0]) ** 2 * np.linalg.det(root)
        return float(cell * np.sum(np.maximum(-values, 0.0)))

    @cached_property
    def _most_quanta(self) -> int:
        """The number of quanta of all modes together above which the population is negligible."""
        quanta = sum(np.ogrid[tuple(slice(n) for n in self.levels)])
        populations = np.bincount(np.ravel(quanta), weights=np.diag(self.density).real)
        return int(np.count_nonzero(np.cumsum(populations[::-1])[::-1] > _NEGLIGIBLE)) - 1

    @cached_property
    def _diagonals(self) -> StateDiagonals:
        return StateDiagonals.of(self.density, self.levels)

    def _characteristic(self, kappa: FloatArray) -> ComplexArray:
        """⟨e^{iκ·ξ}⟩ at κ (n, d), array of shape (n,)."""
        return self._diagonals.displaced((1j * kappa[:, ::2] - kappa[:, 1::2]) / np.sqrt(2.0))


@lru_cache(maxsize=16)
def _moments_on(levels: tuple[int, ...]) -> FockMoments:
    """The operators take longer than the moments of a state, and many states share their levels."""
    return FockMoments(levels)


@dataclass(frozen=True, kw_only=True, eq=False)
class Heralded:
    """The state given a click.

    Parameters
    ----------
    rate : rate of clicks in the state before, η⟨L†L⟩ + dark rate, 1/s
    dark : the fraction of these clicks that are dark
    state : the state after a click, of which one does not know whether it is dark
    subtracted : the Gaussian state of the moments before the click, after a click of an ideal counter
    """

    rate: float
    dark: float
    state: StateInFrame
    subtracted: StateInFrame

    @property
    def fidelity(self) -> float:
        """The fidelity of ``state`` with ``subtracted``: (Tr √(√ρ σ √ρ))², 1 if they are equal."""
        return fidelity(self.state, self.subtracted)


def herald(state: StateInFrame, counter: CountedChannel) -> Heralded:
    """The state given that ``counter`` clicks at this moment, and how often it does. Section 7 of sim/README.md.

    Raises ValueError if the counter has rows of another dimension, and if it never clicks.
    """
    d = len(state.origin)
    if counter.rows.shape[1] != d:
        raise ValueError(f"counter {counter.name} must have rows of {d} quadratures, got {counter.rows.shape[1]}")
    mean, covariance = _moments_on(state.levels).of(state.density)[:2]
    levels = tuple(n + 1 for n in state.levels)
    before = resize(state.density, state.levels, levels)
    bright = counter.efficiency * _clicked(before, levels, state, counter)
    rate = float(np.trace(bright).real)
    if not rate + counter.dark_rate > 0.0:
        raise ValueError(f"counter {counter.name} never clicks in this state")
    gaussian = gaussian_elements(covariance, mean, levels)
    ideal = _clicked(gaussian, levels, state, counter)
    after, subtracted = (
        StateInFrame(density=each, levels=levels, symplectic=state.symplectic, origin=state.origin)
        for each in (bright + counter.dark_rate * before, ideal)
    )
    return Heralded(
        rate=rate + counter.dark_rate,
        dark=counter.dark_rate / (rate + counter.dark_rate),
        state=after,
        subtracted=subtracted,
    )


def _clicked(
    density: ComplexArray, levels: tuple[int, ...], state: StateInFrame, counter: CountedChannel
) -> ComplexArray:
    """Σ_j L_jρL_j† on the levels below ``levels``, with L_j = c_j·(𝖲ξ + x̄) + λ_j; (D, D)."""
    tensor = density.reshape(levels * 2)
    total = np.zeros_like(density)
    amplitudes = counter.rows @ state.origin + counter.amplitudes
    for row, amplitude in zip(counter.rows @ state.symplectic, amplitudes, strict=True):
        once = _applied(tensor, row, amplitude).reshape(density.shape)
        # L ρ L† = (L (L ρ)†)†
        total = total + _applied(once.conj().T.reshape(levels * 2), row, amplitude).reshape(density.shape).conj().T
    return np.asarray(total)


def _applied(tensor: ComplexArray, row: ComplexArray, amplitude: complex) -> ComplexArray:
    """(row·ξ + amplitude) applied to the rows of a matrix given as a tensor, one axis for each mode."""
    found = amplitude * tensor
    for mode in range(len(row) // 2):
        x, p = row[2 * mode : 2 * mode + 2]
        # X = (a + a†)/√2, P = (a − a†)/(i√2): row·ξ = u a + v a†
        u, v = (x - 1j * p) / np.sqrt(2.0), (x + 1j * p) / np.sqrt(2.0)
        roots = np.sqrt(np.arange(1.0, tensor.shape[mode]))
        single = u * np.diag(roots, 1) + v * np.diag(roots, -1)
        found = found + np.moveaxis(np.tensordot(single, tensor, (1, mode)), 0, mode)
    return np.asarray(found)


def fidelity(one: StateInFrame, other: StateInFrame) -> float:
    """(Tr √(√ρ σ √ρ))² of two states in the same frame. Raises ValueError for different frames."""
    same = one.symplectic.shape == other.symplectic.shape and np.allclose(one.symplectic, other.symplectic)
    if not same or not np.allclose(one.origin, other.origin):
        raise ValueError("the fidelity of states is computed in one frame, but theirs differ")
    levels = tuple(max(pair) for pair in zip(one.levels, other.levels, strict=True))
    first, second = (resize(each.density, each.levels, levels) for each in (one, other))
    values, vectors = np.linalg.eigh(first)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.conj().T
    overlaps = np.linalg.eigvalsh(root @ second @ root)
    # Rounding may add up to slightly more than 1.
    return min(1.0, float(np.sum(np.sqrt(np.maximum(overlaps, 0.0))) ** 2))
