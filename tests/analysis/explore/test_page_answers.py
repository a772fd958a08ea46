"""The map of regimes, E(t), and the ellipse of a covariance."""

import numpy as np
import pytest

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES
from cascade_steering.analysis.explore.map_around import map_around
from cascade_steering.analysis.explore.page_answers import at_rest, course, one_trajectory
from cascade_steering.analysis.explore.page_state import PageState
from cascade_steering.analysis.plots.trajectories.outlines import ellipse
from cascade_steering.analysis.working_points.regimes.regime_map import regime_map
from cascade_steering.analysis.working_points.working_point import WorkingPoint


def test_a_map_stays_while_the_point_moves_on_it() -> None:
    first = map_around(WorkingPoint(), "angles", "unconditional")
    assert map_around(WorkingPoint(theta_plus_pi=0.3), "angles", "unconditional") is first
    assert map_around(WorkingPoint(loss=0.2), "angles", "unconditional") is not first


@pytest.mark.few(3)
@pytest.mark.parametrize("c", [0.01, 1.9, 2.0, 17.0, 50.0, 51.0, 3e3])
def test_the_map_that_is_kept_is_that_around_the_point(c: float) -> None:
    point = WorkingPoint(c_plus=c)
    kept, own = map_around(point, "cooperativities", "unconditional"), regime_map(point, "cooperativities")
    np.testing.assert_array_equal(kept.y, own.y)
    np.testing.assert_array_equal(kept.E["unconditional"], own.E["unconditional"])


def test_an_ellipse_is_one_standard_deviation() -> None:
    covariance = np.array([[2.0, 0.7], [0.7, 0.5]])
    outline = ellipse((1.0, -3.0), covariance) - (1.0, -3.0)
    np.testing.assert_allclose(np.einsum("ni,ij,nj->n", outline, np.linalg.inv(covariance), outline), 1.0, rtol=1e-12)
    # its widths are those of the marginals, to the 72nd part of a turn
    np.testing.assert_allclose(outline.max(axis=0), np.sqrt(np.diag(covariance)), rtol=2e-3)


def test_the_conditional_course_ends_in_the_steady_state() -> None:
    state = PageState(duration_units=20.0, initial="thermal")
    exact = at_rest(state.point).exact
    for scheme in SCHEMES:
        for way in DIRECTIONS:
            # the slowest rate is above 10 /gamma~_0
            assert course(state).E[scheme][way][-1] == pytest.approx(exact.E[scheme][way], rel=1e-6)


def test_what_grows_too_far_is_refused() -> None:
    growing = PageState(duration_units=50.0).moved(theta_minus_pi=0.0, theta_plus_pi=0.5)
    with pytest.raises(ValueError, match="end earlier"):
        course(growing)
    with pytest.raises(ValueError, match="end earlier"):
        one_trajectory(growing)
    with pytest.raises(ValueError, match="stationary state does not exist"):
        course(PageState(initial="stationary").moved(theta_minus_pi=0.0, theta_plus_pi=0.5))
