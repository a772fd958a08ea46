"""The map of regimes, E(t), and the ellipse of a covariance."""

import numpy as np
import pytest

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, Scheme
from cascade_steering.analysis.explore.page_answers import at_rest, course, ellipse, one_trajectory, regimes_of
from cascade_steering.analysis.explore.page_state import MapAxes, PageState
from cascade_steering.analysis.explore.regime_map import MAP_FIELDS, REGIMES, map_range, regime_map
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("axes", MAP_FIELDS)
def test_a_map_has_the_regime_of_each_of_its_points(axes: MapAxes, scheme: Scheme) -> None:
    point = WorkingPoint(loss=0.1, efficiency=0.8)
    found = regime_map(point, axes, scheme)
    seen = set()
    # every tenth point, which for angles are stable and unstable ones
    for row in range(3, len(found.y), len(found.y) // 6):
        for column in range(3, len(found.x), len(found.x) // 6):
            values = dict(zip(MAP_FIELDS[axes], (float(found.x[column]), float(found.y[row])), strict=True))
            moved = PageState(point=point).moved(**values).point
            regime = REGIMES[found.regimes[row, column]]
            try:
                exact = at_rest(moved).exact
            except NoSteadyStateError:
                # where the record does not show what grows there is no E given it
                assert scheme == "unconditional" or regime == "none"
                continue
            assert (regime, found.stable[row, column]) == (regimes_of(moved)[scheme], exact.stable)
            for way in DIRECTIONS:
                value = exact.E[scheme][way] if np.isfinite(exact.E[scheme][way]) else np.nan
                # the scan solves the Riccati equations of many points at once, to 1e-9 or better
                assert found.E[way][row, column] == pytest.approx(value, rel=1e-6, nan_ok=True)
            seen.add((regime, exact.stable))
    assert len(seen) > 1


def test_a_map_stays_while_the_point_moves_on_it() -> None:
    first = regime_map(WorkingPoint(), "angles", "unconditional")
    assert regime_map(WorkingPoint(theta_plus_pi=0.3), "angles", "unconditional") is first
    assert regime_map(WorkingPoint(loss=0.2), "angles", "unconditional") is not first


@pytest.mark.parametrize(("c", "end"), [(0.0, 100.0), (90.0, 100.0), (95.0, 200.0), (450.0, 500.0), (500.0, 1e3)])
def test_the_point_is_on_the_map(c: float, end: float) -> None:
    assert map_range(WorkingPoint(c_minus=1.0, c_plus=c), "cooperativities") == end


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
