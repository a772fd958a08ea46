"""Best points in squeezed light: random points, the exact E of the point itself, and the rules that break ties."""

from dataclasses import replace

import numpy as np
import pytest

from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.results.steady_result import steady
from cascade_steering.analysis.working_points.optimum import Search, best_points
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Detection
from tests.support.systems import HOT, VACUUM

SEARCH = Search(c_minus=10.0, bath_minus=HOT, bath_plus=HOT, squeezing_db=6.0)
SEARCHES = {
    "pure": SEARCH,
    "lossy": replace(SEARCH, loss=0.2, squeezing_loss=0.1, efficiency=0.8, squeezing_db=10.0),
    "path phase": replace(SEARCH, path_phase_pi=0.1, loss=0.1, scheme="heterodyne"),
    "unstable": replace(SEARCH, unstable=True, loss=0.1),
}


@pytest.mark.long
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "conditional"), [*((name, False) for name in SEARCHES), ("lossy", True), ("unstable", True)]
)
def test_no_random_point_is_better(name: str, conditional: bool) -> None:
    search = SEARCHES[name]
    rng = np.random.default_rng([8, conditional])
    unit = rng.random((20_000, search.angles + 3))
    # denser at the edge of stability and at π/2, where optima lie
    unit[:, 0] **= 3
    unit[::2, 1] = 1 - unit[::2, 1] ** 3
    if search.unstable:
        unit[::2, 0] *= -1
    values = search.steering(unit, conditional=conditional)
    for row, (way, optimum) in enumerate(best_points(search, conditional=conditional).items()):
        assert optimum.value <= values[row].min() * (1 + 1e-9)
        # the random points come near: the bound means something
        assert optimum.value > 0.8 * values[row].min()
        exact = steady(rwa(optimum.cascade, optimum.detection or Detection()))
        found = exact.conditional[way] if conditional else exact.unconditional[way]
        # the point is handed over in angles: γ₋ keeps 1e-16 Γ/γ₋ = 1e-8 of itself
        assert optimum.value == pytest.approx(found, rel=1e-6)


def test_the_angle_is_on_its_axis_and_may_be_given() -> None:
    best = best_points(SEARCH, conditional=False)
    assert best["plus_given_minus"].value == pytest.approx(0.1574156, abs=1e-7)
    for way in DIRECTIONS:
        assert best[way].cascade.squeezing_angle_pi == 1.0
        assert best[way].cascade.squeezing_db == 6.0
    given = best_points(replace(SEARCH, squeezing_angle_pi=0.9), conditional=False)
    for way in DIRECTIONS:
        assert given[way].cascade.squeezing_angle_pi == pytest.approx(0.9, rel=1e-15)
        assert given[way].value > best[way].value * (1 + 1e-3)
    turned = best_points(replace(SEARCH, squeezing_angle_pi=-0.9), conditional=False)
    for way in DIRECTIONS:
        # the reflection
        assert turned[way].value == pytest.approx(given[way].value, rel=1e-8)


def test_a_valley_at_another_angle_is_found_where_the_lowest_points_of_the_grid_are_all_in_one() -> None:
    # E₋|₊ is far above ½ and flat at ψ = π, where the lowest points of the grid are; the best one is at ψ = −2φ
    search = Search(
        c_minus=1.0, bath_minus=HOT, bath_plus=VACUUM, loss=0.3, path_phase_pi=0.1, scheme="heterodyne",
        squeezing_db=12.0, squeezing_loss=0.2,
    )  # fmt: skip
    found = best_points(search, conditional=True)["minus_given_plus"]
    assert found.value == pytest.approx(1.305955, abs=1e-6)
    assert found.cascade.squeezing_angle_pi == pytest.approx(1.8, abs=1e-6)


def test_without_squeezing_the_angle_is_not_searched() -> None:
    search = replace(SEARCH, squeezing_db=0.0, squeezing_loss=0.3)
    dark = best_points(Search(c_minus=10.0, bath_minus=HOT, bath_plus=HOT), conditional=False)
    for way, found in best_points(search, conditional=False).items():
        # to the last bit
        assert found.value == dark[way].value
