import math
from pathlib import Path

import numpy as np
import pytest

from cascade_steering.analysis.plots import command_figures
from cascade_steering.analysis.working_points import rotating_wave_validity
from cascade_steering.analysis.working_points.rotating_wave_validity import (
    generic_point,
    holds_above,
    power,
    relative_errors,
    survey,
)

RATIOS = np.geomspace(1.0, 1e3, 13)


@pytest.mark.parametrize("order", [1, 2])
def test_a_power_law_is_found(order: int) -> None:
    assert power(RATIOS, -0.3 * RATIOS**-order) == pytest.approx(order, rel=1e-12)


def test_where_an_error_falls_below_a_tolerance() -> None:
    errors = np.array([0.1 * RATIOS**-2.0, -0.4 * RATIOS**-2.0])
    # the worse of the two, between the ratios looked at
    assert holds_above(RATIOS, errors, 0.01) == pytest.approx(math.sqrt(40.0), rel=1e-12)
    assert holds_above(RATIOS, errors, 1.0) == 1.0
    assert holds_above(RATIOS, errors, 1e-9) == math.inf


def test_an_error_that_comes_back_counts() -> None:
    errors = np.full(13, 1e-6)
    errors[9] = 0.1
    assert RATIOS[9] < holds_above(RATIOS, errors, 0.01) < RATIOS[10]


def test_the_error_is_of_second_order_or_first_between_the_axes() -> None:
    ratios = np.geomspace(30.0, 3e3, 5)
    for (scheme, _), point in generic_point(50.0, 0.2).items():
        # the next order is 3e-2 of the first at the smallest ratio, for the first-order one some 0.3
        expected, width = (2.0, 0.02) if scheme == "unconditional" else (1.0, 0.3)
        assert power(ratios, relative_errors(point, ratios)) == pytest.approx(expected, abs=width)
    for point in generic_point(50.0, 0.5).values():
        assert power(ratios, relative_errors(point, ratios)) == pytest.approx(2.0, abs=0.02)


@pytest.mark.parametrize("ratio", [0.0, -1.0, math.nan])
def test_ratios_are_positive(ratio: float) -> None:
    point = next(iter(generic_point(5.0).values()))
    with pytest.raises(ValueError, match="Omega/Gamma must be more than 0"):
        relative_errors(point, np.array([10.0, ratio]))


@pytest.mark.slow
def test_the_survey_and_its_map(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(rotating_wave_validity, "SURVEYED_C_MINUS", np.array([2.0, 20.0]))
    monkeypatch.setattr(rotating_wave_validity, "FREQUENCY_RATIOS", np.array([3.0, 30.0, 300.0]))
    found = survey()
    assert dict(found.sizes) == {"where": 2, "scheme": 2, "direction": 2, "c_minus": 2, "ratio": 3}
    errors = np.abs(found["error"].to_numpy())
    # second order: a hundred times smaller at ten times the ratio, to a few percent of higher orders
    np.testing.assert_allclose(errors[..., 1] / errors[..., 2], 100.0, rtol=0.05)
    point = generic_point(20.0)["conditional", "minus_given_plus"]
    at = {"where": "generic", "scheme": "conditional", "direction": "minus_given_plus", "c_minus": 20.0}
    assert found["error"].sel(at).to_numpy() == pytest.approx(relative_errors(point, np.array([3.0, 30.0, 300.0])))
    command_figures.rotating_wave_map(found, tmp_path / "map.png")
    assert (tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
