"""Outcomes of local homodyne measurements, drawn from a density matrix: what a laboratory would have."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.beyond_moments.expected import expected_law
from cascade_steering.analysis.criteria.beyond_moments.from_state import DensityInFrame, HomodyneSetting
from cascade_steering.analysis.criteria.steering import AnyDirection
from cascade_steering.sim.noise import generator

__all__ = ["local_outcomes"]

# The key of the random numbers of these outcomes.
_OWN_NOISE = 0x686F6D


def local_outcomes(
    state: DensityInFrame,
    setting: HomodyneSetting,
    runs: int,
    *,
    direction: AnyDirection = "plus_given_minus",
    modes: Sequence[str] = (),
    seed: int = 0,
    part: int = 0,
) -> NDArray[np.float64]:
    """Outcomes of both oscillators in ``runs`` runs of one setting: of the steering one, then of the steered one.

    Array of shape (runs, 2), a function of ``seed`` and of ``part``, which differs for settings that are to be
    independent. An outcome is uniform within 0.06 of the frame's quadrature, which adds 3e-4 to a variance of ½ there.
    Section 8 of sim/README.md.

    Raises ValueError for a state of other than two oscillators, and for fewer than one run.
    """
    if runs < 1:
        raise ValueError(f"runs must be at least 1, got {runs}")
    law = expected_law(state, setting, direction=direction, modes=modes)
    return law.drawn(runs, generator(seed, _OWN_NOISE, part))
