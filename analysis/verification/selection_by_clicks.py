"""Which runs a click at their end selects, and how many are to be expected. Section 8 of sim/README.md.

A click in a short time selects a run with a probability proportional to its rate r. Here a run is selected r/c times on
average, once or not at all if r is below a ceiling c; a run above it stands for several of its kind. c is known
beforehand, from the law of the rate over runs whose clicks were not read:

    r = η( c†(V + iΣ/2)c + |z|² ) + δ      z = c·x̂ + λ normal      ⟨|z|²⟩ = |μ|² + tr Γ      var = 2 tr Γ² + 4 μᵀΓμ

with μ and Γ of Re z and Im z. If the light is displaced in front of the counter, so that z = 0, all these runs have the
same rate.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.gaussian.covariance import transient, transient_mean
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["ClickSelection"]

FloatArray = NDArray[np.float64]
# The ceiling is above the average by so many standard deviations: of a rate that is all |z|² of one complex amplitude
# 2 % is above it, and of what is less random less.
_ABOVE = 3.0
# Numbers of runs that come with so many standard deviations.
_SURE, _HOPELESS = 3.0, 5.0


@dataclass(frozen=True, kw_only=True)
class ClickSelection:
    """The rate of the click averaged over runs, and the rate of a run that is selected once, 1/s.

    Section 8 of sim/README.md.
    """

    average: float
    ceiling: float

    @classmethod
    def of(cls, model: LinearModel, initial: InitialState, end: float, *, nulled: bool) -> Self:
        """The selection by the only counter of ``model`` after ``end`` seconds.

        ``nulled`` : whether the light in front of the counter is displaced by what the record says of it

        Raises ValueError for a counter that never clicks.
        """
        counter, times = model.counted[0], np.array([end])
        spread = transient(model, initial.covariance, times, conditional=True)[0]
        second = spread + 0.5j * symplectic_form(len(spread) // 2)
        known = float(np.einsum("ra,ab,rb->", counter.rows.conj(), second, counter.rows).real)
        coherent, deviation = 0.0, 0.0
        if not nulled:
            scatter = transient(model, initial.unconditional, times, conditional=False)[0] - spread
            rows = np.vstack([counter.rows.real, counter.rows.imag])
            light = counter.rows @ transient_mean(model, initial.center, times)[0] + counter.amplitudes
            center, wide = np.concatenate([light.real, light.imag]), rows @ scatter @ rows.T
            coherent = float(center @ center + np.trace(wide))
            deviation = math.sqrt(max(float(2.0 * np.sum(wide**2) + 4.0 * center @ wide @ center), 0.0))
        average = counter.efficiency * (known + coherent) + counter.dark_rate
        if not average > 0.0:
            raise ValueError(f"counter {counter.name} never clicks at the end of the runs")
        return cls(average=average, ceiling=average + _ABOVE * counter.efficiency * deviation)

    def copies(self, rate: float, stream: np.random.Generator) -> int:
        """How many times a run of this ``rate`` is selected, ``rate``/ceiling on average."""
        return math.floor(rate / self.ceiling + stream.random())

    def expected(self, runs: float) -> float:
        """The number of selected among ``runs`` runs, on average."""
        return runs * self.average / self.ceiling

    def needed(self, least: int) -> int:
        """The number of runs of which at least ``least`` are selected, but for three standard deviations."""
        selected = ((_SURE + math.sqrt(_SURE**2 + 4.0 * least)) / 2.0) ** 2
        return math.ceil(selected * self.ceiling / self.average)

    def hopeless(self, runs: float, least: int) -> bool:
        """Whether ``least`` selected of ``runs`` would be more than five standard deviations too many."""
        expected = self.expected(runs)
        return expected + _HOPELESS * math.sqrt(expected) < least
