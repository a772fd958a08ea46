"""States that are kept of blocks whose levels differ."""

import numpy as np
import pytest

import cascade_steering as cs
from cascade_steering.sim.fock.counting.counting_engine import FockCounting
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import thermal_state
from tests.sim.fock.counting.counted_reference import COUNTING_ONLY

GRID = TimeGrid(step=0.1, steps_per_save=4, saves=3)


@pytest.mark.slow
def test_states_of_blocks_with_different_levels_are_kept_together() -> None:
    """Each is the state that its block has alone: levels follow a state, and those of blocks differ."""
    start, save, method = thermal_state((0.3,)), cs.Save(states="end"), FockCounting(block=1)
    together = cs.simulate(COUNTING_ONLY, method, GRID, start, trajectories=6, keep=6, save=save, seed=2)
    engine = method.prepare(COUNTING_ONLY, GRID, start).observing(save, 6)
    alone = [engine.run(2, range(i, i + 1)) for i in range(6)]
    own = [each.states.levels[0] for each in alone if each.states is not None]
    assert len(set(own)) > 1
    for place, (each, levels) in enumerate(zip(alone, own, strict=True)):
        assert each.states is not None
        state = cs.StateInFrame.kept_in(together, place)
        assert state.levels == (max(own),)
        assert np.allclose(state.density[:levels, :levels], each.states.densities[0, -1], rtol=0.0, atol=1e-14)
        assert not np.any(state.density[levels:])
