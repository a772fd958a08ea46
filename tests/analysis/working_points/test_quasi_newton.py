"""The quasi-Newton search within bounds, against exact solutions and against SciPy's L-BFGS-B."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import lsq_linear, minimize, rosen, rosen_der

from cascade_steering.analysis.working_points.searching.quasi_newton import (
    POINT,
    TRIAL,
    Effort,
    advanced,
    began,
    lowest,
)

FloatArray = NDArray[np.float64]
TIGHT = Effort(change=1e-15, slope=1e-9, steps=500)
# more evaluations than any of these searches needs: it shows one that does not end
MOST_EVALUATIONS = 2000


class Searched:
    """Where a search ends, and every point at which it asks for the function."""

    def __init__(
        self,
        function: Callable[[FloatArray], float],
        slope: Callable[[FloatArray], FloatArray],
        start: FloatArray,
        bounds: tuple[FloatArray, FloatArray],
        effort: Effort = TIGHT,
    ) -> None:
        n = len(start)
        descent = began(start, *bounds)
        self.asked: list[FloatArray] = []
        going = True
        while going:
            assert len(self.asked) < MOST_EVALUATIONS
            trial = descent[TRIAL, :n].copy()
            self.asked.append(trial)
            going = advanced(descent, float(function(trial)), np.asarray(slope(trial), dtype=float), effort)
        self.value, self.point = float(lowest(descent)), descent[POINT, :n].copy()
        least, most = bounds
        assert all(np.all((least <= each) & (each <= most)) for each in self.asked)


@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_a_bounded_parabola_is_that_of_an_active_set_method(n: int) -> None:
    # coordinates at bounds and free ones; the condition of A†A is below 1e6, so that 1e-9 of the slope is 1e-6 of x
    rng = np.random.default_rng(n)
    ends = 0
    for _ in range(8):
        matrix, right = rng.normal(size=(n + 4, n)), rng.normal(size=n + 4)
        least = rng.uniform(-1.0, 0.0, n)
        bounds = least, least + rng.uniform(0.1, 0.8, n)
        exact = lsq_linear(matrix, right, bounds, method="bvls", tol=1e-14)
        found = Searched(
            lambda x, a=matrix, b=right: np.sum((a @ x - b) ** 2) / 2,
            lambda x, a=matrix, b=right: a.T @ (a @ x - b),
            rng.uniform(-3.0, 3.0, n),
            bounds,
        )
        np.testing.assert_allclose(found.point, exact.x, rtol=0.0, atol=1e-6)
        assert found.value <= exact.cost + 1e-12
        ends += int(np.sum((found.point == bounds[0]) | (found.point == bounds[1])))
    assert ends


@pytest.mark.parametrize("n", [2, 4, 8])
def test_a_curved_valley_ends_as_low_as_with_scipy(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(3):
        least = rng.uniform(-1.5, 0.4, n)
        most = least + rng.uniform(0.5, 3.0, n)
        start = rng.uniform(least, most)
        found = Searched(rosen, rosen_der, start, (least, most))
        # the projected slope is that of a minimum, whichever of the two of this function it is
        inward = np.clip(found.point - rosen_der(found.point), least, most) - found.point
        assert np.max(np.abs(inward)) < 1e-5
        other = minimize(
            rosen, start, jac=rosen_der, method="L-BFGS-B", bounds=np.stack([least, most], -1),
            options={"ftol": 1e-15, "gtol": 1e-9},
        )  # fmt: skip
        assert found.value <= other.fun + 1e-9 or np.max(np.abs(found.point - other.x)) > 1e-2
        assert len(found.asked) < 3 * other.nfev + 50


def test_a_bad_start_in_the_flat_tail() -> None:
    # there the slope is 1e-4 and the curvature negative
    found = Searched(
        lambda x: -1.0 / (1.0 + float(x @ x)),
        lambda x: 2 * x / (1.0 + float(x @ x)) ** 2,
        np.array([20.0, -20.0]),
        (np.full(2, -30.0), np.full(2, 30.0)),
    )
    np.testing.assert_allclose(found.point, 0.0, atol=1e-7)


def test_a_coordinate_without_room_stays_and_a_start_outside_is_put_within() -> None:
    bounds = np.array([0.5, -1.0]), np.array([0.5, 2.0])
    found = Searched(lambda x: float(x @ x), lambda x: 2 * x, np.array([7.0, 9.0]), bounds)
    assert found.asked[0].tolist() == [0.5, 2.0]
    np.testing.assert_allclose(found.point, [0.5, 0.0], atol=1e-8)


def test_a_kink_ends_the_search_next_to_it() -> None:
    # a slope that jumps cannot be followed to zero; the search must end all the same, and near
    found = Searched(
        lambda x: float(np.sum(np.abs(x - 0.3))), lambda x: np.sign(x - 0.3), np.array([1.0, -0.8]),
        (np.full(2, -1.0), np.full(2, 1.0)),
    )  # fmt: skip
    assert found.value < 1e-3


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_where_the_function_is_no_number_the_step_is_shortened(wrong: float) -> None:
    # the lowest point is beyond the border of what is defined: the search ends before it, and lower than it began
    found = Searched(
        lambda x: float(-x[0]) if x[0] < 0.7 else wrong, lambda x: -np.ones(1), np.zeros(1),
        (np.zeros(1), np.ones(1)),
    )  # fmt: skip
    assert np.isfinite(found.value)
    assert 0.0 < found.point[0] < 0.7


def test_no_number_at_the_start_ends_the_search() -> None:
    found = Searched(lambda _: np.nan, lambda x: np.full_like(x, np.nan), np.zeros(2), (-np.ones(2), np.ones(2)))
    assert len(found.asked) < 50
    assert np.all(np.isfinite(found.point))


def test_the_number_of_steps_is_bounded() -> None:
    far = np.array([-1.2, 1.0])
    box = np.full(2, -2.0), np.full(2, 2.0)
    few = Searched(rosen, rosen_der, far, box, Effort(change=0.0, slope=0.0, steps=3))
    assert len(few.asked) < 15
    assert few.value > 1e-3 > Searched(rosen, rosen_der, far, box).value
