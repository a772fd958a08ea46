"""Clicks in blocks of work, in files and in datasets."""

from dataclasses import replace

import numpy as np
import pytest

import cascade_steering as cs
from cascade_steering.sim.ensemble.block import reduce
from cascade_steering.sim.fock.counting.counting_engine import FockCounting
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.identity import differences
from cascade_steering.sim.model.schedule import model_identity
from cascade_steering.sim.runs.block_file import from_bytes, to_bytes
from tests.sim.fock.counting.counted_reference import BOTH, COUNTED, cat

GRID = TimeGrid(step=0.1, steps_per_save=4, saves=3)


def test_a_block_with_clicks_is_read_as_it_was_written() -> None:
    engine = FockCounting().prepare(BOTH, GRID, cat())
    blocks = [reduce(engine.run(2, part), 2) for part in (range(2), range(2, 4))]
    again = [from_bytes(to_bytes(block)) for block in blocks]
    joined, rejoined = blocks[0].joined(blocks[1]), again[0].joined(again[1])
    for name in ("count", "clicks"):
        expected = np.concatenate(joined.kept_values[name])
        np.testing.assert_array_equal(np.concatenate(rejoined.kept_values[name]), expected)
    np.testing.assert_array_equal(rejoined.values["count"].mean, joined.values["count"].mean)
    # the number of a trajectory is that in the ensemble
    assert set(np.concatenate(joined.kept_values["clicks"])[:, 0]) <= {0.0, 1.0, 2.0, 3.0}
    assert np.max(np.concatenate(joined.kept_values["clicks"])[:, 0]) > 1.0


def test_counters_are_among_the_numbers_of_a_model() -> None:
    described = model_identity(BOTH)
    assert described["counted"][0]["dark_rate"] == 0.2
    assert "counted" not in model_identity(replace(BOTH, counted=()))
    other = replace(BOTH, counted=(replace(COUNTED[0], dark_rate=0.21), COUNTED[1]))
    names = [name for name, _, _ in differences(described, model_identity(other))]
    assert names == ["counted[0].dark_rate"]


def test_clicks_are_in_the_dataset(tmp_path: "pytest.TempPathFactory") -> None:
    result = cs.simulate(BOTH, FockCounting(block=3), GRID, cat(), trajectories=5, seed=2, keep=4)
    file = tmp_path / "counted.nc"  # type: ignore[operator]
    cs.save(result, file)
    import xarray as xr

    with xr.open_dataset(file) as dataset:
        assert dataset["counter"].to_numpy().tolist() == ["first", "second"]
        kept = dataset["trajectory_count"].to_numpy()
        assert kept.shape == (4, 3, 2)
        assert dataset["count"].shape == (3, 2)
        for trajectory in range(4):
            own = dataset["click_trajectory"].to_numpy() == trajectory
            for counter in range(2):
                times = dataset["click_time"].to_numpy()[own & (dataset["click_counter"].to_numpy() == counter)]
                np.testing.assert_array_equal(np.histogram(times, GRID.times)[0], kept[trajectory, :, counter])
        assert kept.sum() > 0
        assert dataset.attrs["discretisation"] == "measured"


def test_a_state_is_kept_whose_levels_change() -> None:
    save = cs.Save(states="saves", purity=True)
    result = cs.simulate(BOTH, FockCounting(), GRID, cat(), trajectories=2, seed=2, keep=2, save=save)
    for trajectory in range(2):
        state = cs.StateInFrame.kept_in(result, trajectory)
        assert state.mean == pytest.approx(result["trajectory_mean"].to_numpy()[trajectory, -1], abs=1e-6)
        after = cs.herald(state, COUNTED[0])
        assert after.rate > COUNTED[0].dark_rate
        assert 0.0 < after.fidelity <= 1.0 + 1e-9
