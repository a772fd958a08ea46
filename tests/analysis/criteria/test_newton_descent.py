"""Newton's method on stencils, on functions whose derivatives and minima are known."""

import numpy as np
import pytest

from cascade_steering.analysis.criteria.beyond_moments.newton_descent import STENCIL, LocalModel, descend

AROUND = STENCIL * np.array([-1.0, 0.0, 1.0])


def landscape(a: float, b: float) -> float:
    """Its minima are at (0.4, −0.7) and where turns by 2π take that; maxima and saddles are between."""
    return float(-np.cos(a - 0.4) - 2.0 * np.cos(a + b + 0.3))


def local(angles: np.ndarray) -> LocalModel:
    return LocalModel.of_table(np.array([[landscape(a, b) for b in angles[1] + AROUND] for a in angles[0] + AROUND]))


def test_slope_and_curvature_are_those_of_the_function() -> None:
    a, b = 0.9, -0.1
    found = local(np.array([a, b]))
    first, both = np.sin(a - 0.4), 2.0 * np.sin(a + b + 0.3)
    bent, shared = np.cos(a - 0.4), 2.0 * np.cos(a + b + 0.3)
    assert found.value == landscape(a, b)
    # differences leave a sixth and a twelfth of the squared spacing of third and fourth derivatives, three at most
    assert found.slope == pytest.approx([first + both, both], abs=0.5 * STENCIL**2)
    assert found.curvature == pytest.approx(np.array([[bent + shared, shared], [shared, shared]]), abs=2.0 * STENCIL**2)


# near the minimum, on the slope, and beside a saddle and a maximum, where the curvature leads up
@pytest.mark.parametrize("start", [(0.5, -0.6), (1.4, 0.3), (0.4, 2.3), (2.3, 0.4)])
def test_it_ends_in_a_minimum(start: tuple[float, float]) -> None:
    angles = descend(local, np.array(start))
    assert landscape(*angles) == pytest.approx(-3.0, abs=1e-6)


def test_a_step_that_leads_up_is_not_taken() -> None:
    # a wall that no derivative at the start announces
    def walled(angles: np.ndarray) -> LocalModel:
        value = 10.0 if angles[0] > 0.1 else -angles[0]
        return LocalModel(value=float(value), slope=np.array([-1.0]), curvature=np.array([[1.0]]))

    angles = descend(walled, np.array([0.0]))
    assert 0.0 < angles[0] <= 0.1
