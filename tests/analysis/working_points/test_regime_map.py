"""The map of regimes around a working point, held against the paper's figure and single working points."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import cascade_steering as cs
from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, regime
from cascade_steering.analysis.paper.figures.regions import steering_windows
from cascade_steering.analysis.plots.states.regime_figure import regimes_figure
from cascade_steering.analysis.working_points.pair_at_rest import pair_at_rest
from cascade_steering.analysis.working_points.regimes.regime_map import PLANES, regime_map

POINT = cs.WorkingPoint(c_minus=12, c_plus=20, theta_minus_pi=0.35, theta_plus_pi=0.4, loss=0.1, path_phase_pi=0.05)


@pytest.mark.parametrize("plane", PLANES)
def test_each_point_of_a_map_is_the_steady_state_of_its_own_working_point(plane: str) -> None:
    found = regime_map(POINT, plane, points=5)  # type: ignore[arg-type]
    first, second = PLANES[found.plane]
    for row, column in ((4, 3), (3, 4), (4, 1), (3, 3)):
        there = replace(POINT, **{first: float(found.x[column]), second: float(found.y[row])})
        exact = pair_at_rest(there).exact
        assert found.stable[row, column] == exact.stable
        for scheme in SCHEMES:
            wanted = [exact.E[scheme][way] for way in DIRECTIONS]
            # the Riccati equation is solved to 1e-9 of E
            np.testing.assert_allclose(found.E[scheme][:, row, column], wanted, rtol=1e-7)
            assert found.regimes(scheme)[row, column] == regime(*wanted)


def test_the_edges_of_the_map_are_where_the_paper_has_them() -> None:
    # the paper's cut at C₋ = 50, θ₋ = 0.35π, θ₊ = 0.40π: each direction steers within a range of C₊
    point = cs.WorkingPoint(c_minus=50, c_plus=50, theta_minus_pi=0.35, theta_plus_pi=0.40)
    found = regime_map(point, "cooperativities", points=401, schemes=["unconditional"])
    column = int(np.argmin(np.abs(found.x - 50.0)))
    for row, (low, high) in enumerate(steering_windows(0.40, float(found.x[column])).values()):
        steered = found.y[found.E["unconditional"][row, :, column] < 0.5]
        step = found.y[1] / found.y[0]
        assert float(found.x[column]) * low <= steered[0] <= step * float(found.x[column]) * low
        assert steered[-1] <= float(found.x[column]) * high


def drawn(figure: Figure) -> list[tuple[float, float]]:
    """Where the working point is drawn in each panel."""
    stars = [line for axes in figure.axes for line in axes.get_lines() if line.get_marker() == "*"]
    return [(float(line.get_xdata()[0]), float(line.get_ydata()[0])) for line in stars]  # type: ignore[index,arg-type]


def test_the_working_point_is_drawn_where_it_is(tmp_path: Path) -> None:
    unstable = replace(POINT, theta_minus_pi=0.1)
    maps = [regime_map(unstable, plane, points=21) for plane in PLANES]
    figure = regimes_figure(maps, tmp_path / "map.svg")
    assert drawn(figure) == [(0.1, 0.4), (12.0, 20.0)]
    assert [axes.get_xscale() for axes in figure.axes] == ["linear", "log"]
    assert not maps[1].stable.any()
    # minus signs are those of formulas
    assert "working point" in (tmp_path / "map.svg").read_text(encoding="utf-8")


def test_a_map_is_drawn_into_axes_of_a_user_and_says_what_it_shows() -> None:
    figure = Figure()
    axes = figure.subplots(1, 2)[1]
    found = cs.regime_map(POINT, points=11, schemes=["unconditional"])
    assert found.plot(axes) is figure
    assert drawn(figure) == [(0.35, 0.4)]
    assert "stable in" in repr(found)
    assert "two-way" in repr(found)


def test_a_map_far_from_the_usual_range_contains_its_working_point() -> None:
    found = cs.regime_map(replace(POINT, c_minus=0.02, c_plus=4000.0), "cooperativities", points=3)
    assert found.x[0] < 0.02
    assert found.y[-1] > 4000.0


def test_another_plane_and_a_single_point_are_refused() -> None:
    with pytest.raises(ValueError, match="plane must be one of angles, cooperativities, got 'loss'"):
        cs.regime_map(POINT, "loss")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"points must be .* 2"):
        cs.regime_map(POINT, points=1)
