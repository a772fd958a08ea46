"""How frame and levels follow a state, and the state after one click. Section 7 of sim/README.md."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.fock.counting.following import Room, carried_over, room_of, rounded
from cascade_steering.sim.fock.moving.one_trajectory import LEAK_LIMIT

__all__ = ["MOST_DEFECT", "MOST_MISFIT", "Rules", "after_click"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# The frame is changed when V of ξ differs from equal variances without correlations by more than this fraction of them.
MOST_MISFIT = 0.3
# More levels are taken when the defect of a commutator exceeds this.
MOST_DEFECT = 3e-5
# The smallest rate of clicks in units of that of a quantum and of the coherent light: below is rounding alone.
_LEAST_RATE = 1e-12


@dataclass(frozen=True, kw_only=True)
class Rules:
    """How frame and levels follow a state.

    Parameters
    ----------
    turns : whether 𝖲 follows the covariance
    grows : whether levels follow the populations
    more_levels, more_terms : levels of each mode and terms of exp(𝓙) beyond those needed, for a finer calculation
    """

    turns: bool
    grows: bool
    more_levels: int = 0
    more_terms: int = 0

    @property
    def limits(self) -> FloatArray:
        """Misfit, defect at which levels are added, and defect at which a run stops, (3,)."""
        return np.array([MOST_MISFIT if self.turns else np.inf, MOST_DEFECT if self.grows else np.inf, LEAK_LIMIT])


def after_click(
    density: ComplexArray, room: Room, rows: ComplexArray, amplitudes: ComplexArray, dark_rate: float
) -> tuple[ComplexArray, Room, float]:
    """The state after a click, in a room with at least one more level of each mode; and the rate of such clicks.

        ρ → ( Σ_j L_jρL_j† + δρ )/Tr      L_j = row_j·ξ + amplitude_j

    An observer does not know whether a click is dark. Section 7 of sim/README.md. Raises ValueError for a counter that
    never clicks in this state.

    Parameters
    ----------
    density : ρ (D, D) of ξ in ``room``
    rows : √η c_j of ξ, (r, d)
    amplitudes : √η (c_j·x̄ + λ_j), (r,)
    """
    wider = room_of(rounded(tuple(n + 1 for n in room.cutoffs)))
    box = carried_over(density, room, None, wider.cutoffs)
    before = wider.levels.of_box(box, wider.cutoffs)
    found = dark_rate * before
    for row, amplitude in zip(rows @ wider.to_ladder, amplitudes, strict=True):
        operator = np.tensordot(row, wider.ladders, 1) + amplitude * np.eye(len(before))
        found = found + operator @ before @ operator.conj().T
    rate = float(np.trace(found).real)
    light = float(np.sum(np.abs(rows @ wider.to_ladder) ** 2) + np.sum(np.abs(amplitudes) ** 2))
    if not rate > _LEAST_RATE * (light + dark_rate):
        raise ValueError("a click is given of a counter that never clicks in this state")
    return found / rate, wider, rate
