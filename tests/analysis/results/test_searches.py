"""Scans and optima of a working point."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import QuadMesh
from matplotlib.figure import Figure

from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.working_points.working_point import WorkingPoint

POINT = WorkingPoint(loss=0.1, efficiency=0.9)


def test_a_scan_holds_the_steady_states_and_where_e_is_smallest(tmp_path: Path) -> None:
    found = POINT.scan({"c_plus": np.geomspace(10, 100, 3), "theta_plus_pi": [0.2, 0.35, 0.4]})
    assert list(found.axes) == ["c_plus", "theta_plus_pi"]
    at = WorkingPoint(loss=0.1, efficiency=0.9, c_plus=100, theta_plus_pi=0.4).steady()
    for way in DIRECTIONS:
        for scheme in ("unconditional", "conditional"):
            # the same equations solved another way
            assert found.E[scheme][way][2, 2] == pytest.approx(at.E[scheme][way], rel=1e-8)
            least = found.smallest(way, conditional=scheme == "conditional")
            assert least is not None
            assert least.value == np.nanmin(found.E[scheme][way])
        assert found.d[way][2, 2] == pytest.approx(at.d[way], rel=1e-6)
        # the variance of + grows: E without the record has no limit, or is that of − alone
        assert np.isnan(found.unconditional[way][2, 0]) == (way == "plus_given_minus")
        most = found.largest_d(way)
        assert most is not None
        assert most.value == np.nanmax(found.d[way])
    assert found.stable.tolist() == [[False, True, True]] * 3
    assert str(found).splitlines()[0] == "scan of 3 c_plus x 3 theta_plus_pi"
    assert len(str(found).splitlines()) == 7
    with pytest.raises(ValueError, match=r"^direction must be one of plus_given_minus, .* got 'plus'$"):
        found.smallest("plus")  # type: ignore[arg-type]
    found.save(tmp_path / "scan.nc")
    with xr.open_dataset(tmp_path / "scan.nc") as again:
        np.testing.assert_array_equal(again["E_c"], found.dataset["E_c"])


@pytest.mark.slow
def test_a_scan_draws_itself_on_the_scales_of_its_axes(tmp_path: Path) -> None:
    found = POINT.scan({"c_plus": np.geomspace(10, 100, 4), "theta_plus_pi": np.linspace(0.3, 0.5, 4)})
    first = found.plot(tmp_path / "scan.png").axes[0]
    assert (first.get_xscale(), first.get_yscale()) == ("log", "linear")
    assert (tmp_path / "scan.png").stat().st_size > 5000
    assert found.plot(logarithmic=()).axes[0].get_xscale() == "linear"
    with pytest.raises(ValueError, match=r"figure .*must end in one of"):
        found.plot(tmp_path / "scan.txt")
    # into axes of yours: the map of one E, and over one parameter four curves and a line at ½
    above, below = Figure().subplots(2)
    assert found.plot(below, direction="minus_given_plus", scheme="unconditional") is below.get_figure()
    mesh = next(each for each in below.collections if isinstance(each, QuadMesh))
    expected = found.E["unconditional"]["minus_given_plus"].T
    np.testing.assert_allclose(np.ma.filled(mesh.get_array(), np.nan).reshape(expected.shape), expected)
    assert not above.collections
    POINT.scan({"c_plus": np.geomspace(10, 100, 4)}).plot(above)
    assert len(above.lines) == 5


def test_an_optimum_is_a_point_that_has_what_it_says() -> None:
    for conditional in (True, False):
        found = POINT.optimum(conditional=conditional)
        for way in DIRECTIONS:
            best = found.points[way]
            assert (best.loss, best.efficiency, best.c_minus) == (0.1, 0.9, 50.0)
            value = best.steady().E["conditional" if conditional else "unconditional"][way]
            assert value == pytest.approx(found.E[way], rel=1e-6)
            assert found.E[way] < POINT.steady().E["conditional" if conditional else "unconditional"][way]
        assert str(found).count("theta_minus_pi = ") == 2
    fixed = POINT.optimum(free_lo_phase=False, symmetric=True)
    assert fixed.points["plus_given_minus"].lo_phase_pi == 0.5
    assert fixed.points["plus_given_minus"].theta_plus_pi == fixed.points["plus_given_minus"].theta_minus_pi


def test_the_laboratory_frame_has_no_optimum() -> None:
    with pytest.raises(ValueError, match=r"rotating wave: frequency_hz must be None, got 1000000\.0$"):
        WorkingPoint(frequency_hz=1e6).optimum()
