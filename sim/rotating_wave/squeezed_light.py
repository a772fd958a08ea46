"""Squeezed input light on the two sidebands, at many working points: what it changes in the noise of two amplitudes.

Light squeezed around the carrier is squeezed in the pair (l, u). Both oscillators couple to f = (f_l, f_u†), and so
does the complex record. With α_z and β_z the coefficients of f_l and f_u† in the noise of z, the noise that z and y
have in common is

    ½ [ ν (α_z α_y* + β_z β_y*) + μ α_z β_y* + μ* β_z α_y* ]      ν = 1 + 2(1−λ) sinh²r      μ = (1−λ) e^{iψ} sinh 2r

and with the vacuum ν = 1, μ = 0. It remains invariant under a₋ → a₋e^{iα}, a₊ → a₊e^{−iα}. A difference of ν and μ
that is much smaller than both is written as sums of positive terms here. Section 5 of sim/README.md.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.parameters import MOST_SQUEEZING_DB
from cascade_steering.sim.rotating_wave.baths import require_all

__all__ = ["SqueezedSidebands"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, kw_only=True, eq=False)
class SqueezedSidebands:
    """Light that is squeezed before the first oscillator, at one or many working points; the arrays broadcast.

    Section 5 of sim/README.md.

    Parameters
    ----------
    decibels : squeezing at the source, 20 log₁₀ eʳ
    angle : ψ, radians
    lost : power loss λ between the source and the first oscillator

    Raises ValueError for a value out of its range.
    """

    decibels: FloatArray | float
    angle: FloatArray | float = 0.0
    lost: FloatArray | float = 0.0

    def __post_init__(self) -> None:
        require_all(self.decibels, "squeezing_db", low=0.0, high=MOST_SQUEEZING_DB)
        require_all(self.angle, "squeezing_angle", low=-np.inf)
        require_all(self.lost, "squeezing_loss", low=0.0, high=1.0)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array of working points."""
        return np.broadcast_shapes(*(np.shape(each) for each in (self.decibels, self.angle, self.lost)))

    @property
    def _r(self) -> FloatArray:
        strength: FloatArray = np.asarray(self.decibels, dtype=np.float64) * (np.log(10.0) / 20.0)
        return strength

    @property
    def kept(self) -> FloatArray:
        """1 − λ."""
        return 1.0 - np.asarray(self.lost, dtype=np.float64)

    @property
    def excess(self) -> FloatArray:
        """ν − 1, the noise of each sideband above that of the vacuum."""
        result: FloatArray = 2.0 * self.kept * np.sinh(self._r) ** 2
        return result

    @property
    def correlation(self) -> ComplexArray:
        """μ, the correlation of the sidebands."""
        turned: ComplexArray = np.exp(1j * np.asarray(self.angle, dtype=np.float64))
        return turned * (self.kept * np.sinh(2.0 * self._r))

    @property
    def uncertainty(self) -> FloatArray:
        """ν² − |μ|² = 1 + 4λ(1−λ) sinh²r: 1 for pure light."""
        result: FloatArray = 1.0 + 4.0 * np.asarray(self.lost) * self.kept * np.sinh(self._r) ** 2
        return result

    def back_action(self, angle: FloatArray | float, path_phase: FloatArray | float = 0.0) -> FloatArray:
        """ν − Re(μ e^{2iφ}) sin 2θ: the back-action noise of an oscillator over that of the vacuum, exactly 1 without
        squeezing; ``angle`` is θ, ``path_phase`` the phase φ from the source to the oscillator. Section 5 of
        sim/README.md.
        """
        turned = np.asarray(self.angle) + 2.0 * np.asarray(path_phase)
        # 1 − cos(ψ + 2φ) sin 2θ
        apart = 2.0 * np.sin(turned / 2.0) ** 2 + 2.0 * np.cos(turned) * np.sin(np.pi / 4.0 - np.asarray(angle)) ** 2
        return 1.0 + self._above(np.ones(()), apart)

    def seen(self, first: FloatArray | float, second: FloatArray | float) -> FloatArray:
        """(ν − 1) cos(ϑ₂ − ϑ₁) + Re(μ e^{−i(ϑ₁+ϑ₂)}): what squeezing adds to the common noise of two quadratures of the
        light, at the phases ϑ₁ and ϑ₂ (radians), and for ϑ₁ = ϑ₂ to that of one. Section 5 of sim/README.md.
        """
        same = np.cos(np.asarray(second) - np.asarray(first))
        sum_phase = np.asarray(self.angle) - np.asarray(first) - np.asarray(second)
        return self._above(same, same - 1.0 + 2.0 * np.cos(sum_phase / 2.0) ** 2)

    def _above(self, same: FloatArray, apart: FloatArray) -> FloatArray:
        """(1 − λ) [ (e^{−2r} − 1) ``same`` + sinh 2r ``apart`` ], with 2 sinh²r = e^{−2r} − 1 + sinh 2r put in."""
        result: FloatArray = self.kept * (np.expm1(-2.0 * self._r) * same + np.sinh(2.0 * self._r) * apart)
        return result
