import functools
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
import xarray as xr
from matplotlib import image
from matplotlib.figure import Figure

from cascade_steering.analysis.criteria.steering import Steered
from cascade_steering.analysis.plots import command_figures, style
from cascade_steering.analysis.time_courses.milestones import Milestones
from cascade_steering.analysis.time_courses.transients import Transient, sampled_transient, steering_transient
from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.schedule import Schedule, unlit
from tests.support.chains import CLIENTS, SERVER
from tests.support.systems import POINTS

PNG = b"\x89PNG\r\n\x1a\n"


@functools.cache
def transient() -> Transient:
    point = POINTS["mild"]
    return steering_transient(rwa(point.cascade, point.detection), thermal_state((1.0, 2.0)), np.linspace(0, 3, 7))


def study(baths: list[str], c_minus: list[float], low: float = 0.5) -> xr.Dataset:
    """A dataset as of ``appendix_b_curve.study_dataset``: d near 1 %, with intervals that begin at ``low`` times d."""
    d = 0.01 * np.arange(1, 2 * len(baths) + 1).reshape(-1, 2)
    values = {"d": d, "d_low": low * d, "d_high": 1.5 * d}
    curve_baths = list(dict.fromkeys(baths))
    return xr.Dataset(
        {name: (("point", "direction"), value) for name, value in values.items()}
        | {"d_curve": (("curve_point", "direction"), np.linspace(0.01, 0.08, 4 * len(curve_baths)).reshape(-1, 2))},
        coords={
            "curve_bath": ("curve_point", np.repeat(curve_baths, 2)),
            "curve_c_minus": ("curve_point", [1.0, 10.0] * len(curve_baths)),
            "bath": ("point", baths),
            "c_minus": ("point", c_minus),
            "direction": ["E_plus_given_minus", "E_minus_given_plus"],
        },
    )


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Collects the axes of every figure that is drawn."""
    axes = []

    class Recorded(Figure):
        def savefig(self, *args: Any, **kwargs: Any) -> None:
            super().savefig(*args, **kwargs)
            axes.extend(self.axes)

    monkeypatch.setattr(command_figures, "Figure", Recorded)
    return axes


def curves(axes: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    return [line.get_data() for line in axes.get_lines()]


@pytest.mark.few(1)
@pytest.mark.parametrize("logarithmic", [False, True])
def test_a_transient_is_drawn(tmp_path: Path, drawn: list[Any], logarithmic: bool) -> None:
    path = tmp_path / "transient.png"
    result = transient()
    command_figures.transient_figure(result, 0.5, path, logarithmic=logarithmic)
    assert path.read_bytes().startswith(PNG)
    assert image.imread(path).std() > 0.0
    axes, below = drawn
    assert (axes.get_xscale(), axes.get_yscale()) == ("log" if logarithmic else "linear", "log")
    wanted = [*result.unconditional.values(), *result.conditional.values()]
    for curve in wanted:
        assert any(np.array_equal(y, curve) and np.array_equal(x, result.times / 0.5) for x, y in curves(axes)[:4])
    (legend,) = axes.figure.legends
    assert len(legend.get_texts()) == 4
    for curve in result.d.values():
        assert any(np.array_equal(y, 100 * curve) for _, y in curves(below))
    assert len(below.get_legend().get_texts()) == 2
    # the light is never switched off
    assert not any(line.get_linestyle() == ":" for line in axes.get_lines())


@pytest.mark.slow
def test_a_transient_is_drawn_with_estimates_and_the_end_of_a_pulse(tmp_path: Path, drawn: list[Any]) -> None:
    point = POINTS["mild"]
    lit, off = (rwa(each, point.detection) for each in (point.cascade, unlit(point.cascade)))
    initial, grid = thermal_state((1.0, 2.0)), TimeGrid.over(1.0, saves=2)
    sampled = sampled_transient(simulate(lit, Gaussian(), grid, initial, trajectories=20, seed=1))
    result = steering_transient(Schedule.pulse(lit, off, 1.0), initial, np.linspace(0, 3, 7))
    command_figures.transient_figure(result, 0.5, tmp_path / "sampled.png", sampled=sampled)
    for axes, schemes, scale in zip(drawn, (("unconditional", "conditional"), ("d",)), (1, 100), strict=True):
        (switched,) = {tuple(x) for line in axes.get_lines() if line.get_linestyle() == ":" for x in [line.get_xdata()]}
        assert switched == (2.0, 2.0)
        for estimates in (each for scheme in schemes for each in getattr(sampled, scheme).values()):
            values = [scale * each.value for each in estimates]
            assert any(
                np.array_equal(x, sampled.times / 0.5) and y == pytest.approx(values) for x, y in curves(axes)
                if len(y) == len(values)
            )  # fmt: skip


def test_steering_by_two_is_drawn_with_their_names(tmp_path: Path, drawn: list[Any]) -> None:
    way = Steered(mode=SERVER, by=CLIENTS)
    times, shape = np.linspace(0.0, 1.0, 5), np.linspace(0.5, 0.4, 5)
    nothing = Milestones(windows={}, two_way={}, settling={}, largest_d={})
    made = Transient(
        times=times, unconditional={way: shape}, conditional={way: 0.9 * shape}, search=lambda: nothing, switches=()
    )
    command_figures.transient_figure(made, 1.0, tmp_path / "a.png")
    assert [line.get_label() for line in drawn[1].get_lines()] == [
        r"$E_{\mathrm{server|client\_1\_client\_2}}$",
    ]
    assert style.symbol("plus_given_minus") == style.SYMBOLS["plus_given_minus"]


@pytest.mark.few(1)
@pytest.mark.parametrize(("low", "scale"), [(0.5, "log"), (-0.5, "linear")])
def test_a_comparison_is_drawn(tmp_path: Path, drawn: list[Any], low: float, scale: str) -> None:
    path = tmp_path / "comparison.png"
    command_figures.comparison_figure(study(["hot", "hot", "vacuum"], [10.0, 1.0, 5.0], low), path)
    assert path.read_bytes().startswith(PNG)
    assert image.imread(path).std() > 0.0
    (axes,) = drawn
    # an interval that reaches 0 has no place on a logarithmic axis
    assert (axes.get_xscale(), axes.get_yscale()) == ("log", scale)
    # the exact d of each bath and direction, in per cent
    drawn_curves = [(np.asarray(x).tolist(), np.asarray(y)) for x, y in curves(axes)]
    for number in range(4):
        exact = 100 * np.linspace(0.01, 0.08, 8).reshape(-1, 2)[2 * (number // 2) :][:2, number % 2]
        assert any(x == [1.0, 10.0] and y.tolist() == pytest.approx(exact) for x, y in drawn_curves)
    # and the points of the trajectories
    assert any(x == [10.0, 1.0] and y.tolist() == pytest.approx([1.0, 3.0]) for x, y in drawn_curves)
    assert any(x == [5.0] and y.tolist() == pytest.approx([6.0]) for x, y in drawn_curves)
    assert len(axes.get_legend().get_texts()) == 4


@pytest.mark.slow
def test_one_point_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    command_figures.comparison_figure(study(["3,4.5"], [2.0]), path)
    assert path.read_bytes().startswith(PNG)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "start"), [("f.pdf", b"%PDF"), ("f.svg", b"<?xml")])
def test_the_name_says_the_format(tmp_path: Path, name: str, start: bytes) -> None:
    command_figures.transient_figure(transient(), 1.0, tmp_path / name)
    assert (tmp_path / name).read_bytes().startswith(start)


@pytest.mark.slow
def test_nobody_elses_style_is_changed(tmp_path: Path) -> None:
    before = dict(mpl.rcParams)
    command_figures.transient_figure(transient(), 1.0, tmp_path / "f.png")
    assert dict(mpl.rcParams) == before
