"""What the electronics do to a record: low-pass filters, and noise of their own after these.

The filters are classical. With i = dY/dt the current in units of shot noise, rates β_j = 2πB_j, and u_j = z_j/√β_j of
the filtered current z_j, every channel has the states

    u̇₁ = −β₁u₁ + √β₁ i      u̇_j = −β_j u_j + √(β_jβ_{j−1}) u_{j−1}      recorded  (√β_n u_n + √δ noise)/√(1+δ)

The record is in units of shot noise and dark noise together, as it is at frequencies far below B. Without filters this
is a record of efficiency η/(1+δ). If squeezed light is detected the currents have the noise Λ instead of 1 without
oscillators. They are then filtered in units of that, Λ^(−1/2) i, since the filters of all channels are the same, and
the dark noise beside them is correlated. Section 11 of sim/README.md.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.parameters import MOST, require

__all__ = ["Electronics"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Electronics:
    """Low-pass filters in series behind every channel, and the dark noise after them. Section 11 of sim/README.md.

    Parameters
    ----------
    bandwidths_hz : B of each filter of first order, Hz, > 0: at this frequency the power of the signal is halved
    dark_noise : δ, the power of the white noise of the electronics over that of shot noise, ≥ 0
    light_noise : the rows of Λ, the noise of the currents of all channels in units of shot noise; left out for 1

    Raises ValueError for a value out of its range, or no filter.
    """

    bandwidths_hz: tuple[float, ...]
    dark_noise: float = 0.0
    light_noise: tuple[tuple[float, ...], ...] = ()

    def __post_init__(self) -> None:
        if not self.bandwidths_hz:
            raise ValueError("electronics need at least one filter: dark noise alone is a lower efficiency")
        for each in self.bandwidths_hz:
            require(each, "bandwidth_hz", low=0.0, high=MOST, low_open=True)
        require(self.dark_noise, "dark_noise", low=0.0, high=MOST)

    @cached_property
    def rates(self) -> FloatArray:
        """β = 2πB of each filter, rad/s."""
        return 2.0 * math.pi * np.array(self.bandwidths_hz)

    @cached_property
    def drift(self) -> FloatArray:
        """The drift of u of one channel, rad/s; array of shape (n, n)."""
        rates = self.rates
        drift: FloatArray = np.diag(-rates) + np.diag(np.sqrt(rates[1:] * rates[:-1]), -1)
        return drift

    @cached_property
    def driven(self) -> FloatArray:
        """How the current drives u, √(rad/s); array of shape (n,)."""
        driven: FloatArray = np.sqrt(self.rates[:1]) * np.eye(len(self.rates))[0]
        return driven

    @cached_property
    def shown(self) -> FloatArray:
        """How the filtered current reads u, √(rad/s); array of shape (n,)."""
        shown: FloatArray = np.sqrt(self.rates[-1:]) * np.eye(len(self.rates))[-1]
        return shown

    def signal(self, channels: int) -> FloatArray:
        """What of the filtered currents, in units of their own noise, is in the record: (Λ/(Λ+δ))^½, (m, m).

        Section 11 of sim/README.md.
        """
        return self._of_light_noise(channels, lambda light: np.sqrt(light / (light + self.dark_noise)))

    def noise(self, channels: int) -> FloatArray:
        """The covariance of the dark noise in the record per unit of time, δ/(Λ+δ), array of shape (m, m).

        Section 11 of sim/README.md.
        """
        return self._of_light_noise(channels, lambda light: self.dark_noise / (light + self.dark_noise))

    def _of_light_noise(self, channels: int, function: Callable[[FloatArray], FloatArray]) -> FloatArray:
        if not self.light_noise:
            return np.eye(channels) * function(np.ones(()))
        values, vectors = np.linalg.eigh(np.array(self.light_noise))
        found: FloatArray = (vectors * function(values)) @ vectors.T
        return found

    @cached_property
    def of_shot_noise(self) -> FloatArray:
        """The stationary covariance of u where the current is shot noise alone; array of shape (n, n).

        In squeezed light it is that of the light without oscillators, in units of its noise.

        Section 11 of sim/README.md.
        """
        n = len(self.rates)
        both = np.kron(self.drift, np.eye(n)) + np.kron(np.eye(n), self.drift)
        found = np.linalg.solve(both, -np.outer(self.driven, self.driven).ravel()).reshape(n, n)
        covariance: FloatArray = (found + found.T) / 2
        return covariance
