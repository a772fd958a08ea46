"""A linear model, which every engine reads: a quadratic Hamiltonian, and channels linear in the quadratures."""

from dataclasses import dataclass, field, replace
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import frozen, mode_names
from cascade_steering.sim.model.counters import CountedChannel
from cascade_steering.sim.model.electronics import Electronics
from cascade_steering.sim.model.polynomials import Polynomial, require_motion

__all__ = ["ANNIHILATION", "LinearModel"]

ComplexArray = NDArray[np.complex128]

# a = ANNIHILATION·(X, P), a† its conjugate
ANNIHILATION = np.array([1.0, 1.0j]) / np.sqrt(2.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearModel:
    """H = ½ xᵀ G x + h·x and channels L_k = c_k·x on the quadratures x of d/2 oscillators.

    Parameters
    ----------
    hamiltonian : G, real symmetric array of shape (d, d), rad/s
    monitored : c_k of the detected channels, complex array of shape (m, d), √(rad/s)
    efficiency : η_k of the detected channels, array of shape (m,), in [0, 1]
    unmonitored : c_k of the undetected channels, complex array of shape (k, d), √(rad/s)
    record_names : one name per detected channel
    modes : one name per oscillator; if left out, minus and plus for two oscillators, otherwise mode_1, mode_2, …
    force : h, real array of shape (d,), rad/s; zero if left out. It adds Σh to the rate of the means
    electronics : filters and dark noise behind the detectors; None for a record of the current itself
    counted : the channels that photon counters count; none if left out. Moments of Gaussian states are those of an
        observer who does not have the clicks
    nonlinear : what the Hamiltonian holds beside H, at most one polynomial for each oscillator; none if left out

    The record of channel k is dY_k = √η_k ⟨L_k + L_k†⟩ dt + dW_k. Sections 1 to 3 of sim/README.md.

    Raises
    ------
    ValueError
        if shapes disagree, G is not real symmetric, an efficiency lies outside [0, 1], an entry is not finite, a name
        is repeated, or a polynomial is of an unknown oscillator, or lets it run away beside its part of G.
    """

    hamiltonian: NDArray[np.float64]
    monitored: ComplexArray
    efficiency: NDArray[np.float64]
    unmonitored: ComplexArray
    record_names: tuple[str, ...]
    modes: tuple[str, ...] = ()
    force: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    electronics: Electronics | None = None
    counted: tuple[CountedChannel, ...] = ()
    nonlinear: tuple[Polynomial, ...] = ()

    def __post_init__(self) -> None:
        quadratures = np.shape(self.hamiltonian)[:1]
        if np.size(self.force) == 0:
            object.__setattr__(self, "force", np.zeros(quadratures))
        if not self.modes:
            object.__setattr__(self, "modes", mode_names(sum(quadratures) // 2))
        for name in ("hamiltonian", "monitored", "efficiency", "unmonitored", "force"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        for name in ("hamiltonian", "monitored", "unmonitored"):
            if np.ndim(getattr(self, name)) == 0:
                raise ValueError(f"{name} must be a matrix, got {getattr(self, name)!r}")
        d = self.hamiltonian.shape[0]
        m = self.monitored.shape[0]
        for name, shape in (
            ("hamiltonian", (d, d)),
            ("monitored", (m, d)),
            ("efficiency", (m,)),
            ("unmonitored", (self.unmonitored.shape[0], d)),
            ("force", (d,)),
        ):
            array = getattr(self, name)
            if array.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
            if not np.all(np.isfinite(array)):
                place = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
                raise ValueError(f"{name} must be finite, got {array[place]} at {place}")
        if d == 0 or d % 2:
            raise ValueError(f"a model needs an even number of quadratures, got {d}")
        for name in ("hamiltonian", "force"):
            if np.iscomplexobj(getattr(self, name)):
                raise ValueError(f"{name} must be real, got complex numbers")
        skew = np.abs(self.hamiltonian - self.hamiltonian.T)
        if np.any(skew):
            i, j = map(int, np.unravel_index(np.argmax(skew), skew.shape))
            raise ValueError(
                f"hamiltonian must be symmetric, got {self.hamiltonian[i, j]:g} at {(i, j)} and "
                f"{self.hamiltonian[j, i]:g} at {(j, i)}"
            )
        for value in self.efficiency[(self.efficiency < 0) | (self.efficiency > 1)][:1]:
            raise ValueError(f"efficiency must lie in [0, 1], got {value:g}")
        if len(self.record_names) != m:
            raise ValueError(f"record_names must name {m} channels, got {self.record_names}")
        if len(self.modes) != d // 2 or len(set(self.modes)) != d // 2:
            raise ValueError(f"modes must name {d // 2} oscillators, each once, got {self.modes}")
        for each in self.counted:
            if each.rows.shape[1] != d:
                raise ValueError(f"rows of counter {each.name} must have {d} columns, got {each.rows.shape[1]}")
        if len(set(self.counter_names)) != len(self.counted):
            raise ValueError(f"each counter must have a name of its own, got {self.counter_names}")
        self._require_polynomials()

    def _require_polynomials(self) -> None:
        named = [each.mode for each in self.nonlinear]
        for each in self.nonlinear:
            if each.mode not in self.modes:
                raise ValueError(f"a polynomial must be of one of {', '.join(self.modes)}, got {each.mode!r}")
            place = 2 * self.modes.index(each.mode)
            require_motion(each, self.hamiltonian[place : place + 2, place : place + 2])
        if len(set(named)) != len(named):
            raise ValueError(f"each oscillator may have one polynomial, the sum of all, got those of {named}")

    @property
    def dimension(self) -> int:
        """The number d of quadratures."""
        return int(self.hamiltonian.shape[0])

    def require_white_record(self) -> None:
        """Raise ValueError if the record passes filters, of which only the moments of Gaussian states are known.

        Section 11 of sim/README.md.
        """
        if self.electronics is not None:
            bandwidth = ", ".join(f"{each:g}" for each in self.electronics.bandwidths_hz)
            raise ValueError(
                f"a detector of finite bandwidth ({bandwidth} Hz) is known to steady, scan, transient, filter, fit, "
                "plan and simulate with the Gaussian engine in an open loop: leave out the bandwidth here"
            )

    def require_uncounted(self, engine: str) -> None:
        """Raise ValueError if there are counters: a click makes a Gaussian state one that ``engine`` does not hold."""
        if self.counted:
            raise ValueError(
                f"the engine {engine!r} cannot count: after a click of {', '.join(self.counter_names)} a state is not "
                "Gaussian any more, and clicks need the engine FockCounting, or leave out the counters"
            )

    def require_linear(self, what: str) -> None:
        """Raise ValueError if the Hamiltonian is not quadratic, which ``what`` assumes. Section 7 of sim/README.md."""
        if self.nonlinear:
            named = ", ".join(each.mode for each in self.nonlinear)
            raise ValueError(
                f"{what} cannot take the polynomial in the Hamiltonian of {named}, beside which a state does not stay "
                "Gaussian: it needs the engine FockCounting, QutipSME or GaussianApproximation, or take the model's "
                "linear_part"
            )

    @property
    def linear_part(self) -> Self:
        """The same model without the polynomials of ``nonlinear``; the model itself if there are none."""
        return replace(self, nonlinear=()) if self.nonlinear else self

    @property
    def conditional_means_are_gaussian(self) -> bool:
        """Whether the means given the record are Gaussian: there is no polynomial in H and no counter."""
        return not self.nonlinear and not self.counted

    @property
    def channels(self) -> ComplexArray:
        """C, the rows c_k of all channels, detected ones first, counted ones last; complex array of shape (..., d)."""
        return np.concatenate([self.monitored, self.unmonitored, *(each.rows for each in self.counted)])

    @property
    def counter_names(self) -> tuple[str, ...]:
        """The names of the counters."""
        return tuple(each.name for each in self.counted)
