from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cascade_steering.sim.ensemble.block import Block, reduce
from cascade_steering.sim.ensemble.dataset import KEPT_VARIABLES
from cascade_steering.sim.ensemble.pooling import Moments
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import States, Trajectories
from cascade_steering.sim.outputs.observables import Operator, quanta
from cascade_steering.sim.outputs.saving import NOTHING, Save
from cascade_steering.sim.parallel.carried_warnings import Issued
from cascade_steering.sim.runs.block_file import from_bytes, to_bytes

GRID = TimeGrid(step=0.1, steps_per_save=2, saves=2)
AWKWARD = [0.0, -0.0, np.inf, -np.inf, np.nan, 5e-324, -2.2e-308, np.finfo(float).max, 1 / 3]


EVERYTHING = Save(
    covariances=True,
    purity=True,
    observables={"n": quanta(1), "one": Operator(levels=(2, 3), matrix=np.eye(6, dtype=complex))},
    states="saves",
)


def states(rng: np.random.Generator, keep: int) -> States:
    densities = rng.normal(size=(keep, 3, 6, 6)) + 1j * rng.normal(size=(keep, 3, 6, 6))
    return States(
        levels=(2, 3),
        densities=densities,
        symplectics=rng.normal(size=(keep, 3, 4, 4)),
        origins=rng.normal(size=(keep, 3, 4)),
    )


def made(
    count: int,
    keep: int,
    *,
    seed: int = 0,
    d: int = 4,
    shared: bool = False,
    channels: int = 2,
    save: Save = NOTHING,
) -> Block:
    rng = np.random.default_rng(seed)
    numbers = Trajectories(
        means=rng.normal(size=(count, 3, d)),
        covariances=rng.normal(size=(3, d, d) if shared else (count, 3, d, d)),
        record=rng.normal(size=(count, 2, channels)),
        diagnostics={"leak": rng.normal(size=count), "min_gap": rng.normal(size=(count, d // 2))},
    )
    if save.anything:
        numbers = replace(
            numbers,
            purity=rng.normal(size=3 if shared else (count, 3)),
            expectations=rng.normal(size=(count, 3, 1)),
            outside=rng.normal(size=(count, 3)),
            states=states(rng, keep) if keep else None,
            displacement=rng.normal(size=(count, 2, d)),
        )
    tallies = {"runs": Moments.of(rng.normal(size=(count + 3, 5))), "of_one": Moments.of(rng.normal(size=(1, 1)))}
    issued = {"sim.fock:Truncated": Issued(message='γ₀ "quoted"\n\\ second line', count=3)}
    return reduce(numbers, keep, tallies, issued, save)


def there_and_back(block: Block) -> Block:
    return from_bytes(to_bytes(block))


def bits(block: Block) -> dict[str, Any]:
    """Everything in a block, so that −0.0, NaN and the shapes count; whatever the kept arrays came in."""

    def of(values: Any) -> tuple[tuple[int, ...], str, bytes]:
        array = np.asarray(values)
        return array.shape, array.dtype.str, array.tobytes()

    def moments(each: Moments) -> tuple[Any, ...]:
        return each.count, of(each.mean), of(each.root)

    return {
        "mean": moments(block.mean),
        "covariance": moments(block.covariance),
        "diagnostics": {name: of(value) for name, value in block.diagnostics.items()},
        "kept": [of(np.concatenate(each)) if each else None for each in (block.kept_means, block.kept_records)],
        "values": {name: moments(each) for name, each in block.values.items()},
        "kept_values": {name: of(np.concatenate(each)) for name, each in block.kept_values.items()},
        "tallies": {name: moments(each) for name, each in block.tallies.items()},
        "warnings": dict(block.warnings),
        "roots": None if block.roots is None else of(block.roots),
    }


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(("count", "keep"), [(1, 0), (1, 1), (5, 0), (5, 2), (5, 5)])
def test_a_block_is_read_as_it_was_written(count: int, keep: int, shared: bool) -> None:
    block = made(count, keep, shared=shared)
    assert bits(there_and_back(block)) == bits(block)
    other = made(count, keep, shared=shared, seed=1)
    assert bits(other) != bits(block)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize(("count", "keep"), [(1, 1), (5, 0), (5, 2)])
def test_what_else_is_kept_is_read_as_it_was_written(count: int, keep: int, shared: bool) -> None:
    block = made(count, keep, shared=shared, save=EVERYTHING)
    assert set(block.values) == {"purity", "expectation", "outside"}
    assert set(block.kept_values) == (set(KEPT_VARIABLES) if keep else set())
    assert bits(there_and_back(block)) == bits(block)
    both = block.joined(made(4, 0, seed=1, shared=shared, save=EVERYTHING))
    assert both.values["purity"].count == count + 4
    assert bits(there_and_back(both)) == bits(both)


def test_one_bit_of_one_number_is_seen_by_the_comparison() -> None:
    block = made(3, 1)
    changed = block.mean.mean.copy()
    changed[0, 0] = np.nextafter(changed[0, 0], np.inf)
    assert bits(replace(block, mean=replace(block.mean, mean=changed))) != bits(block)


@settings(deadline=None, max_examples=40)
@given(arrays(np.float64, (3, 4), elements=st.sampled_from(AWKWARD) | st.floats()))
def test_every_double_comes_back_bit_for_bit(values: np.ndarray[Any, Any]) -> None:
    block = made(4, 2)
    odd = replace(
        block,
        mean=replace(block.mean, mean=values),
        kept_means=(np.stack([values, -values]),),
        diagnostics={"leak": values[0, 0], "min_gap": values[1, :2]},
        tallies={"runs": Moments(count=3, mean=values[2], root=np.outer(values[0], np.ones(4)))},
    )
    assert bits(there_and_back(odd)) == bits(odd)


def test_joined_blocks_come_back_as_one() -> None:
    block = made(4, 4).joined(made(3, 1, seed=1))
    assert len(block.kept_means) == 2
    assert bits(there_and_back(block)) == bits(block)


def test_blocks_without_tallies_or_warnings() -> None:
    block = replace(made(3, 2, d=2, channels=1), tallies={}, warnings={})
    assert bits(there_and_back(block)) == bits(block)


def test_without_detection_the_records_have_no_channels() -> None:
    block = made(3, 2, channels=0)
    assert block.kept_records[0].shape == (2, 2, 0)
    assert bits(there_and_back(block)) == bits(block)


def test_names_that_end_like_others_are_kept_apart() -> None:
    block = made(3, 0)
    leak = block.diagnostics["leak"]
    block = replace(
        block,
        diagnostics={"jump_count": leak, "jump_mean": leak},
        tallies={"runs": block.tallies["runs"], "runs_count": block.tallies["of_one"]},
    )
    assert bits(there_and_back(block)) == bits(block)


def test_the_same_block_is_the_same_bytes() -> None:
    one, two, other = (to_bytes(made(4, 2, seed=seed)) for seed in (0, 0, 1))
    assert one == two
    assert one != other


def test_a_file_of_a_block_is_read_by_numpy_alone() -> None:
    block = made(4, 2)
    with np.load(BytesIO(to_bytes(block))) as found:
        assert found["mean/count"] == 4
        np.testing.assert_array_equal(found["mean/mean"], block.mean.mean)
        np.testing.assert_array_equal(found["kept_means"], block.kept_means[0])
