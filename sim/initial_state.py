"""Initial states, and the block of trajectories that every engine returns."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import VACUUM_VARIANCE, frozen, symplectic_form
from cascade_steering.sim.parameters import MOST, plain_number, require
from cascade_steering.sim.roots import product, root_of

if TYPE_CHECKING:
    from cascade_steering.sim.fock.basis.states import DensityState
__all__ = [
    "Clicks",
    "InitialState",
    "States",
    "Trajectories",
    "coherent_state",
    "ground_state",
    "squeezed_state",
    "thermal_state",
]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# Rounding relative to the largest variance, which at hot baths is up to 1e8 times the smallest.
_ROUNDING = 1e-9
_SMALLEST = {
    "covariance": "the smallest eigenvalue of V + i Sigma/2, with vacuum variance 1/2,",
    "scatter": "its smallest eigenvalue",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class InitialState:
    """A Gaussian state with covariance V around a mean that is drawn for each trajectory. Section 4 of sim/README.md.

    Parameters
    ----------
    covariance : V, the conditional covariance at t = 0, array of shape (d, d)
    scatter : covariance of the means over the ensemble, array of shape (d, d); zero if every trajectory starts from the
        same state
    name : the name of the state in results and messages
    mean : mean of the means, array of shape (d,); zero if left out
    roots : roots of ``covariance`` and ``scatter``, see ``sim.roots``, if they have more digits than these; ignored if
        they do not belong to them, as after ``dataclasses.replace``

    The unconditional covariance at t = 0 is ``covariance + scatter``.

    Raises
    ------
    ValueError
        if shapes disagree, an entry is not finite, the covariance is below the vacuum's (V + iΣ/2 has a negative
        eigenvalue) or the scatter is negative.
    """

    covariance: FloatArray
    scatter: FloatArray
    name: str
    mean: FloatArray | None = None
    roots: tuple[FloatArray, FloatArray] | None = None

    def __post_init__(self) -> None:
        for name in ("covariance", "scatter", *(() if self.mean is None else ("mean",))):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        if self.roots is not None:
            kept = all(map(_agree, self.roots, (self.covariance, self.scatter)))
            object.__setattr__(self, "roots", tuple(map(frozen, self.roots)) if kept else None)
        shape = np.shape(self.covariance)
        if len(shape) != 2 or shape[0] != shape[1] or shape[0] % 2 or np.shape(self.scatter) != shape:
            raise ValueError(
                f"covariance and scatter must be square, of equal and even size, got {shape} and {self.scatter.shape}"
            )
        quantum = 0.5j * symplectic_form(shape[0] // 2)
        for name, matrix, rule in (
            ("covariance", self.covariance + quantum, "obey the uncertainty relation"),
            ("scatter", self.scatter, "be positive semidefinite"),
        ):
            if not np.all(np.isfinite(matrix)):
                raise ValueError(f"{name} must be finite, got {_first_infinite(getattr(self, name))}")
            values = np.linalg.eigvalsh(matrix)
            if values[0] < -_ROUNDING * max(1.0, values[-1]):
                raise ValueError(f"{name} must {rule}, {_SMALLEST[name]} must be at least 0, got {values[0]:.3g}")
        if self.mean is not None and np.shape(self.mean) != shape[:1]:
            raise ValueError(f"mean must have shape {shape[:1]}, got {np.shape(self.mean)}")
        if self.mean is not None and not np.all(np.isfinite(self.mean)):
            raise ValueError(f"mean must be finite, got {_first_infinite(self.mean)}")

    @property
    def gaussian(self) -> bool:
        """Whether the state is Gaussian, so that mean and covariance determine it."""
        return True

    @property
    def density_state(self) -> "DensityState | None":
        """The state with its density matrix, if mean and covariance do not determine it; None if it is Gaussian."""
        return None

    def require_gaussian(self, what: str) -> None:
        """Raise ValueError unless the state is Gaussian; ``what`` names what is computed from its moments."""
        if not self.gaussian:
            raise ValueError(
                f"{what} cannot be followed from the state {self.name!r}, which is not Gaussian: mean and covariance "
                "do not determine it; simulate trajectories from it with the Fock engine"
            )

    def require_dimension(self, dimension: int) -> None:
        """Raise ValueError unless the state has the number of quadratures of the model, ``dimension``."""
        if self.covariance.shape != (dimension,) * 2:
            raise ValueError(
                f"the initial state {self.name} has {self.covariance.shape[0]} quadratures and the model {dimension}"
            )

    @property
    def center(self) -> FloatArray:
        """``mean``, or zeros; array of shape (d,)."""
        return np.zeros(self.covariance.shape[0]) if self.mean is None else np.asarray(self.mean, dtype=float)

    @property
    def covariance_root(self) -> FloatArray:
        """R with RᵀR = ``covariance``; array of shape (d, d)."""
        return root_of(self.covariance) if self.roots is None else self.roots[0]

    @property
    def scatter_root(self) -> FloatArray:
        """R with RᵀR = ``scatter``; array of shape (d, d)."""
        return root_of(self.scatter) if self.roots is None else self.roots[1]

    @property
    def unconditional(self) -> FloatArray:
        """The covariance of the ensemble at t = 0; array of shape (d, d). Section 4 of sim/README.md."""
        return self.covariance + self.scatter


def _first_infinite(array: FloatArray) -> str:
    """The first entry that is not finite, and where it is."""
    place = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
    return f"{array[place]} at {place}"


def _agree(root: FloatArray, covariance: FloatArray) -> bool:
    """Whether the root is one of the covariance, up to rounding."""
    if np.shape(root)[-1:] != covariance.shape[-1:]:
        return False
    return bool(np.max(np.abs(product(np.asarray(root)) - covariance)) <= _ROUNDING * np.max(np.abs(covariance)))


def thermal_state(occupations: tuple[float, ...], name: str = "thermal") -> InitialState:
    """Uncorrelated thermal states of the given mean occupations, one per oscillator.

    Raises ValueError if an occupation is negative or not finite.
    """
    for occupation in occupations:
        require(occupation, "initial occupation", low=0.0, high=MOST)
    variances = np.repeat(np.asarray(occupations, dtype=float) + VACUUM_VARIANCE, 2)
    return InitialState(covariance=np.diag(variances), scatter=np.zeros((variances.size,) * 2), name=name)


def ground_state(modes: int = 2) -> InitialState:
    """All oscillators in their ground states."""
    return thermal_state((0.0,) * modes, name="ground")


def coherent_state(amplitudes: tuple[complex, ...]) -> InitialState:
    """Coherent states of the given amplitudes α = ⟨a⟩, one per oscillator.

    Raises ValueError if an amplitude is not finite.
    """
    alpha = np.asarray(amplitudes, dtype=complex)
    mean = np.sqrt(2.0) * np.stack([alpha.real, alpha.imag], axis=-1).ravel()
    vacuum = ground_state(alpha.size)
    return InitialState(covariance=vacuum.covariance, scatter=vacuum.scatter, mean=mean, name="coherent")


def squeezed_state(factors: tuple[float, ...], angles: tuple[float, ...] | None = None) -> InitialState:
    """Squeezed vacuum in every oscillator: variance e^{−2r}/2 at ``angles`` (radians, from X), e^{2r}/2 at 90° to it.

    Raises ValueError if a number is not finite, |r| is above 10 or the counts differ.
    """
    angles = (0.0,) * len(factors) if angles is None else angles
    if len(angles) != len(factors):
        raise ValueError(f"there must be one angle per squeezing factor, got {len(angles)} for {len(factors)}")
    covariance = np.zeros((2 * len(factors),) * 2)
    for mode, (factor, angle) in enumerate(zip(map(plain_number, factors), map(plain_number, angles), strict=True)):
        require(factor, "squeezing factor", low=-10.0, high=10.0)
        require(angle, "squeezing angle", low=-np.inf)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        spread = VACUUM_VARIANCE * np.exp([-2.0 * factor, 2.0 * factor])
        covariance[2 * mode : 2 * mode + 2, 2 * mode : 2 * mode + 2] = (turn * spread) @ turn.T
    return InitialState(covariance=covariance, scatter=np.zeros_like(covariance), name="squeezed")


@dataclass(frozen=True, kw_only=True, eq=False)
class States:
    """Density matrices of the first k trajectories of a block at s of its save times, each in a frame x = 𝖲ξ + x̄.

    Parameters
    ----------
    levels : Fock levels of each mode of the frame
    densities : ρ of ξ between these levels, array of shape (k, s, D, D), D the product of the levels
    symplectics : 𝖲, array of shape (k, s, d, d)
    origins : x̄, array of shape (k, s, d)
    """

    levels: tuple[int, ...]
    densities: ComplexArray
    symplectics: FloatArray
    origins: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Clicks:
    """The clicks of a block of n trajectories.

    Parameters
    ----------
    counts : the number of clicks of each counter in each save interval, array of shape (n, saves, counters)
    trajectory, counter, time : of each click the trajectory, from 0 in the block, the counter and the time in seconds,
        arrays of shape (clicks,), in order of trajectories and times
    first : the number of the first trajectory of the block in the ensemble
    """

    counts: FloatArray
    trajectory: NDArray[np.intp]
    counter: NDArray[np.intp]
    time: FloatArray
    first: int = 0


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectories:
    """A block of n trajectories on a time grid, as every engine returns it.

    Parameters
    ----------
    means : conditional means x̂ at the save times, array of shape (n, saves + 1, d)
    covariances : conditional covariances, array of shape (saves + 1, d, d) if all trajectories share them, as they do
        for Gaussian states of a linear system, otherwise (n, saves + 1, d, d)
    record : dY summed over each save interval, array of shape (n, saves, channels), √s
    diagnostics : diagnostics of the engine for each trajectory, by name; arrays of shape (n, ...)
    roots : roots of shared covariances, see ``sim.roots``, if they have more digits than these
    purity : Tr ρ², array of shape (n, saves + 1), or (saves + 1,) if all trajectories share it; None if it was not
        asked for
    expectations : values of the QuTiP operators, in order, array of shape (n, saves + 1, operators); None without them
    outside : population above the levels of these operators, array of shape (n, saves + 1); None without them
    states : states of the kept trajectories; None if they were not asked for or are Gaussian, so that means and
        covariances determine them
    displacement : what a controller has added to the quadratures in each save interval, array of shape (n, saves, d);
        None without one
    clicks : the clicks of photon counters; None from an engine that does not count
    """

    means: FloatArray
    covariances: FloatArray
    record: FloatArray
    diagnostics: dict[str, FloatArray] = field(default_factory=dict)
    roots: FloatArray | None = None
    purity: FloatArray | None = None
    expectations: FloatArray | None = None
    outside: FloatArray | None = None
    states: States | None = None
    displacement: FloatArray | None = None
    clicks: Clicks | None = None
