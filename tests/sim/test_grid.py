import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade_steering.sim.grid import TimeGrid

NOT_POSITIVE = st.floats(max_value=0.0) | st.sampled_from([math.nan, math.inf])
COUNTS = st.integers(min_value=1, max_value=10**6)
LENGTHS = st.floats(min_value=1e-9, max_value=1e9)


@given(duration=LENGTHS, saves=COUNTS, per_save=st.integers(min_value=1, max_value=10**4))
def test_any_whole_number_of_steps_is_found_again(duration: float, saves: int, per_save: int) -> None:
    grid = TimeGrid.over(duration, saves=saves, step=duration / (saves * per_save))
    assert (grid.saves, grid.steps_per_save, grid.steps) == (saves, per_save, saves * per_save)
    # two roundings in the step, two in the product
    assert math.isclose(grid.save_interval * saves, duration, rel_tol=1e-15)


@given(duration=LENGTHS, saves=COUNTS, off=st.floats(min_value=0.01, max_value=0.99), whole=st.integers(0, 1000))
def test_a_step_that_does_not_fit_is_refused_with_one_that_does(
    duration: float, saves: int, off: float, whole: int
) -> None:
    step = duration / saves / (whole + off)
    with pytest.raises(ValueError, match="the save interval must be a whole number of steps, got interval") as caught:
        TimeGrid.over(duration, saves=saves, step=step)
    found = re.search(r"a step of (\S+) s fits", str(caught.value))
    assert found
    fits = TimeGrid.over(float(f"{duration / saves:.17g}"), saves=1, step=duration / saves / (whole + 1))
    # printed to 9 digits
    assert float(found[1]) == pytest.approx(fits.step, rel=1e-8)


def test_a_step_that_was_once_shifted_silently_elsewhere() -> None:
    # 0.06 on saves every 0.1
    message = r"interval 0\.1 s and step 0\.06 s \(ratio 1\.66667\); a step of 0\.05 s fits"
    with pytest.raises(ValueError, match=message):
        TimeGrid.over(1.0, saves=10, step=0.06)


def test_without_a_step_each_save_is_one() -> None:
    grid = TimeGrid.over(3.0, saves=7)
    assert (grid.steps_per_save, grid.saves) == (1, 7)


def test_times_do_not_accumulate_rounding() -> None:
    grid = TimeGrid(step=0.1, steps_per_save=1, saves=10**6)
    assert grid.times.shape == (10**6 + 1,)
    assert grid.times[0] == 0.0
    # each a single product, right to the last digit; a running sum is off by 1e-8 here
    assert grid.times[-1] == 10**6 * 0.1
    assert np.all(np.diff(grid.times) > 0)


@given(NOT_POSITIVE)
def test_lengths_are_positive_and_finite(value: float) -> None:
    got = rf" must be more than 0 and finite, got {re.escape(repr(value))}$"
    with pytest.raises(ValueError, match="^step" + got):
        TimeGrid(step=value, steps_per_save=1, saves=1)
    with pytest.raises(ValueError, match="^step" + got):
        TimeGrid.over(1.0, saves=1, step=value)
    with pytest.raises(ValueError, match="^duration" + got):
        TimeGrid.over(value, saves=1)


@given(st.integers(max_value=0))
def test_counts_are_positive(value: int) -> None:
    got = rf" must be a whole number of at least 1, got {value}$"
    with pytest.raises(ValueError, match="^saves" + got):
        TimeGrid(step=1.0, steps_per_save=1, saves=value)
    with pytest.raises(ValueError, match="^saves" + got):
        TimeGrid.over(1.0, saves=value)
    with pytest.raises(ValueError, match="^steps_per_save" + got):
        TimeGrid(step=1.0, steps_per_save=value, saves=1)


@pytest.mark.parametrize("count", [1.5, 2.0000001, math.nan])
def test_counts_are_whole(count: float) -> None:
    with pytest.raises(ValueError, match=r"^saves must be"):
        TimeGrid(step=1.0, steps_per_save=1, saves=count)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^saves must be"):
        TimeGrid.over(1.0, saves=count)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"^steps_per_save must be"):
        TimeGrid(step=1.0, steps_per_save=count, saves=1)  # type: ignore[arg-type]


def test_a_step_too_small_to_count_is_refused() -> None:
    with pytest.raises(ValueError, match="step"):
        TimeGrid.over(1e300, saves=1, step=1e-300)
