"""Where trajectories start, and what they leave behind: the contract between engines and everything after them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from sim.conventions import VACUUM_VARIANCE, symplectic_form
from sim.parameters import MOST, require

FloatArray = NDArray[np.float64]
# relative to the largest variance, up to 1e8 times the smallest at hot baths
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class InitialState:
    """A Gaussian state with covariance V around a mean that is itself drawn anew for each trajectory.

    Parameters
    ----------
    covariance : V, array of shape (d, d): what the observer does not know at t = 0
    scatter : covariance of the means over the ensemble, array of shape (d, d); zero if every trajectory
        starts from the same state. The mean of the means is zero.
    name : how results refer to it

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

    def __post_init__(self) -> None:
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
                raise ValueError(f"{name} must be finite, got {getattr(self, name)}")
            values = np.linalg.eigvalsh(matrix)
            if values[0] < -_ROUNDING * max(1.0, values[-1]):
                raise ValueError(f"{name} must {rule}, got {getattr(self, name)}")

    @property
    def unconditional(self) -> FloatArray:
        """Covariance of the ensemble at t = 0; array of shape (d, d)."""
        return self.covariance + self.scatter


def thermal_state(occupations: tuple[float, ...], name: str = "thermal") -> InitialState:
    """Uncorrelated thermal states of the given mean occupations, one per oscillator.

    Raises ValueError if an occupation is negative or not finite.
    """
    for occupation in occupations:
        require(occupation, "initial occupation", low=0.0, high=MOST)
    variances = np.repeat(np.asarray(occupations, dtype=float) + VACUUM_VARIANCE, 2)
    return InitialState(covariance=np.diag(variances), scatter=np.zeros((variances.size,) * 2), name=name)


def ground_state(modes: int = 2) -> InitialState:
    """Every oscillator in its ground state."""
    return thermal_state((0.0,) * modes, name="ground")


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectories:
    """A block of n trajectories on a time grid, as every engine returns it.

    Parameters
    ----------
    means : conditional means x̂ at the save times, array of shape (n, saves + 1, d)
    covariances : conditional covariances, array of shape (saves + 1, d, d) when all trajectories share
        them (an exact property of linear systems), else (n, saves + 1, d, d)
    record : dY summed over each save interval, array of shape (n, saves, channels), √s
    diagnostics : per-trajectory figures of the engine's health, name → array of shape (n, ...)
    """

    means: FloatArray
    covariances: FloatArray
    record: FloatArray
    diagnostics: dict[str, FloatArray] = field(default_factory=dict)
