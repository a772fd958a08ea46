from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib import image

from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.plots import scan_figure as module
from cascade_steering.analysis.plots.scan_figure import scan_figure
from cascade_steering.analysis.working_points.scan import SCANNED, scan
from cascade_steering.analysis.working_points.working_point import WorkingPoint

POINT = WorkingPoint(bath_plus="vacuum")
THETA = np.linspace(0.2, 0.5, 13)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collects the axes of every figure that is drawn."""
    axes = []

    class Recorded(module.Figure):
        def savefig(self, *args: Any, **kwargs: Any) -> None:
            super().savefig(*args, **kwargs)
            axes.extend(self.axes)

    monkeypatch.setattr(module, "Figure", Recorded)
    return axes


def bound(axes: Any) -> np.ndarray:
    """The points of the thick contour of a map, array of shape (n, 2)."""
    (lines,) = (each for each in axes.collections if hasattr(each, "levels"))
    place = list(lines.levels).index(0.5)
    assert lines.get_linewidths()[place] == max(lines.get_linewidths())
    return np.asarray(lines.get_paths()[place].vertices)


@pytest.mark.slow
def test_two_axes_are_maps(tmp_path: Path, drawn: list[Any]) -> None:
    before = dict(mpl.rcParams)
    found = scan(POINT, {"theta_plus_pi": THETA, "c_plus": np.geomspace(10, 100, 9)})
    scan_figure(found, tmp_path / "scan.png", logarithmic=["c_plus"])
    assert image.imread(tmp_path / "scan.png").std() > 0.0
    assert dict(mpl.rcParams) == before
    maps = np.reshape(drawn[:6], (2, 3))
    for row, direction in zip(maps, DIRECTIONS, strict=True):
        for axes, name, factor in zip(row, ("E_u", "E_c", "d"), (1.0, 1.0, 100.0), strict=True):
            assert (axes.get_xscale(), axes.get_yscale()) == ("linear", "log")
            values = factor * found[name].sel(direction=f"E_{direction}").to_numpy().T
            assert np.array_equal(np.ma.filled(axes.collections[0].get_array(), np.nan), values, equal_nan=True)
    assert (maps[1, 0].get_xlabel(), maps[1, 0].get_ylabel()) == (r"$\theta_+/\pi$", "$C_+$")
    # the line E = 1/2 is where the scan is 1/2: between neighbours on either side of it, exactly
    theta, c_plus = bound(maps[0, 0]).T
    finer = scan(POINT, {"theta_plus_pi": theta, "c_plus": c_plus})["E_u"].sel(direction="E_plus_given_minus")
    assert np.diagonal(finer.to_numpy()) == pytest.approx(0.5, abs=0.05)
    labels = [text.get_text() for text in drawn[0].figure.legends[0].get_texts()]
    assert labels == ["$E = 1/2$", "no steady state"]


def test_one_axis_is_curves(tmp_path: Path, drawn: list[Any]) -> None:
    found = scan(POINT, {"theta_plus_pi": THETA})
    scan_figure(found, tmp_path / "scan.pdf")
    assert (tmp_path / "scan.pdf").read_bytes().startswith(b"%PDF")
    above, below = drawn
    for axes, names, factor in ((above, ("E_u", "E_c"), 1.0), (below, ("d",), 100.0)):
        curves = [line.get_data() for line in axes.get_lines()]
        for values in (factor * found[name].sel(direction=f"E_{each}") for name in names for each in DIRECTIONS):
            assert any(np.array_equal(x, THETA) and np.array_equal(y, values, equal_nan=True) for x, y in curves[:4])
    assert len(above.get_legend().get_texts()) == 4


@pytest.mark.slow
def test_without_any_steady_state_there_is_still_a_figure(tmp_path: Path) -> None:
    # no contour to draw, and nothing to warn of
    point = WorkingPoint(theta_minus_pi=0.2, efficiency=0.0)
    for axes in ({"c_plus": [1.0, 2.0]}, {"c_plus": [1.0, 2.0], "loss": [0.0, 0.1]}):
        scan_figure(scan(point, axes), tmp_path / "scan.png")


def test_what_a_figure_cannot_show(tmp_path: Path) -> None:
    three = scan(POINT, {"c_plus": [1.0, 2.0], "loss": [0.0, 0.1], "efficiency": [0.5, 1.0]})
    with pytest.raises(ValueError, match="a figure shows at most 2 axes, got c_plus, loss, efficiency"):
        scan_figure(three, tmp_path / "scan.png")
    with pytest.raises(ValueError, match="a figure needs two values or more of loss, got 1"):
        scan_figure(scan(POINT, {"loss": [0.1]}), tmp_path / "scan.png")
    assert isinstance(three, xr.Dataset)


def test_every_parameter_has_a_label() -> None:
    assert module._LABELS.keys() == SCANNED.keys()
