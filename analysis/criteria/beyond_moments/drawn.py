"""Outcomes of local homodyne measurements, drawn from a density matrix: what a laboratory would have."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.beyond_moments.conditional_states import FramedState
from cascade_steering.analysis.criteria.beyond_moments.from_state import DensityInFrame, HomodyneSetting, require_two
from cascade_steering.analysis.criteria.steering import AnyDirection, inference_order
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
    require_two(state)
    if runs < 1:
        raise ValueError(f"runs must be at least 1, got {runs}")
    order = inference_order(direction, 4, modes)
    rows = np.eye(4)[order]
    measured, axis = rows[:2].T @ setting.steering, np.array(setting.steered)
    framed = FramedState.of(state.density, state.cutoffs, state.symplectic, fine=True)
    given = framed.given(measured, rows[2:])
    joint, scale = given.joint(axis)
    stream = generator(seed, _OWN_NOISE, part)
    cumulative = np.cumsum(joint.T.ravel())
    places = np.searchsorted(cumulative, cumulative[-1] * stream.random(runs), side="right")
    known, inferred = np.divmod(np.minimum(places, joint.size - 1), len(given.positions))
    jitter = given.step * (stream.random((2, runs)) - 0.5)
    outcome = given.length * (given.outcomes[known] + jitter[0])
    found = scale * (given.positions[inferred] + jitter[1]) + (given.slope @ axis) * outcome
    center = np.asarray(state.mean).reshape(-1)
    return np.stack([outcome + measured @ center, found + rows[2:].T @ axis @ center], axis=1)
