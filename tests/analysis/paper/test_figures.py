import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imread

from cascade_steering.analysis.paper.figures import detection
from cascade_steering.analysis.paper.figures.data import DATA
from cascade_steering.analysis.paper.figures.drawing import DRAW
from cascade_steering.sim.ensemble.dataset import save

TOY: dict[int, dict[str, Any]] = {
    2: {"points": 11},
    3: {"points": 11},
    4: {"points": 3},
    5: {"points": 3},
    6: {"points": 3},
    7: {"points": 3},
    8: {"points": 3, "simulated": 1, "trajectories": 10, "detections": ("phase pi/2", "phase 0")},
    9: {"points": 2, "pulses": 1, "losses": (0.2,), "lo_phase_pi": 0.5},
    10: {"points": 2, "cooperativities": (10.0,)},
    11: {"points": 2, "losses": (0.2,)},
    12: {"points": 2, "trajectories": 4},
    13: {"points": 2, "efficiencies": (1.0,)},
}


class Computed(dict[int, xr.Dataset]):
    """The data of each figure, computed when it is first asked for."""

    def __missing__(self, number: int) -> xr.Dataset:
        self[number] = DATA[number](**TOY[number])
        return self[number]


@pytest.fixture(scope="module")
def data() -> dict[int, xr.Dataset]:
    return Computed()


def test_every_figure_has_data_and_a_drawing() -> None:
    assert list(DATA) == list(DRAW) == list(TOY) == list(range(2, 14))


# its data take seconds: it is drawn where they are tested, in tests/analysis/nonlinear/test_kerr_curves.py
KERR = 12
PANELS = {2: 6, 3: 4, 4: 2, 5: 1, 6: 4, 7: 4, 8: 5, 9: 3, 10: 4, 11: 2, 12: 3, 13: 6}


@pytest.mark.slow
@pytest.mark.parametrize("number", [each for each in TOY if each != KERR])
def test_figures_are_drawn_from_what_was_saved(
    number: int, data: dict[int, xr.Dataset], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert_drawn(number, data[number], tmp_path, monkeypatch)


def assert_drawn(number: int, data: xr.Dataset, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save(data, folder / "data.nc")
    with xr.open_dataset(folder / "data.nc") as read:
        xr.testing.assert_equal(read.load(), data)
        assert read.attrs["figure"] == number
        panels = drawn(number, read, monkeypatch, folder / "figure.png")
    pixels = imread(folder / "figure.png")[..., :3]
    # wider than 4 inches at 200 dpi, and neither blank nor full
    assert pixels.shape[1] > 800
    assert 0.02 < np.mean(pixels.min(axis=-1) < 0.9) < 0.7
    assert_lettered(panels, PANELS[number])
    assert_described(data)
    if number == 8:
        assert_nothing_cut_off(panels)


@pytest.mark.few(6)
@pytest.mark.parametrize("number", [*range(2, 8), 9])
def test_every_variable_says_what_it_is(number: int, data: dict[int, xr.Dataset]) -> None:
    assert_described(data[number])


def assert_described(data: xr.Dataset) -> None:
    for variable in data.data_vars.values():
        assert {"long_name", "units"} <= variable.attrs.keys()


def drawn(number: int, data: xr.Dataset, monkeypatch: pytest.MonkeyPatch, path: Path | None = None) -> list[Axes]:
    """The panels of a figure, in order; it is written to ``path``, if there is one."""
    kept: list[Figure] = []
    write = Figure.savefig

    def keep(self: Figure, *arguments: Any, **named: Any) -> None:
        kept.append(self)
        if path is not None:
            write(self, *arguments, **named)

    with monkeypatch.context() as patched, tempfile.TemporaryDirectory() as folder:
        patched.setattr(Figure, "savefig", keep)
        DRAW[number](data, path or Path(folder) / "figure.png")
    return [each for each in kept[0].axes if each.get_label() != "<colorbar>"]


@pytest.mark.parametrize("number", range(2, 8))
def test_panels_are_lettered(number: int, data: dict[int, xr.Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    assert_lettered(drawn(number, data[number], monkeypatch), PANELS[number])


def assert_lettered(axes: list[Axes], panels: int) -> None:
    assert len(axes) == panels
    if panels > 1:
        assert [each.get_title(loc="left") for each in axes] == [f"({letter})" for letter in "abcdef"[:panels]]


@pytest.mark.few(3)
@pytest.mark.parametrize("number", [4, 5, 6, 9])
def test_no_value_is_cut_off(number: int, data: dict[int, xr.Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    assert_nothing_cut_off(drawn(number, data[number], monkeypatch))


def assert_nothing_cut_off(panels: list[Axes]) -> None:
    for axes in panels:
        low, high = axes.get_ylim()
        for line in axes.get_lines():
            values = np.asarray(line.get_ydata(), dtype=float)
            # curves, not the straight lines across a panel
            if len(values) > 2 and np.isfinite(values).any():
                values = values[np.isfinite(values)]
                assert low <= values.min()
                assert values.max() <= high


def test_no_line_joins_two_branches(data: dict[int, xr.Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    for axes in drawn(6, data[6], monkeypatch):
        for line in axes.get_lines():
            if len(np.asarray(line.get_ydata())) == len(data[6]["c_minus"]):
                steps = np.abs(np.diff(np.asarray(line.get_ydata(), dtype=float)))
                assert not np.any(steps > 0.1)


@pytest.mark.slow
def test_regions_have_their_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    left = drawn(2, DATA[2](points=41), monkeypatch)[4]
    canvas = FigureCanvasAgg(left.get_figure(root=True))
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3]

    def colour(c_minus: float, c_plus: float) -> tuple[int, ...]:
        x, y = left.transData.transform((c_minus, c_plus))
        return tuple(int(each) for each in pixels[round(pixels.shape[0] - y), round(x)])

    # f < 0: no steering, one-way by −, two-way, one-way by +
    assert colour(80.0, 5.0) == (0xBD, 0xBD, 0xBD)
    assert colour(20.0, 90.0) == (0xF5, 0xCF, 0x8A)
    assert colour(80.0, 80.0) == (255, 255, 255)
    assert colour(80.0, 30.0) == (0x00, 0x72, 0xB2)


@pytest.mark.slow
def test_gains_below_the_resolution_are_not_drawn(data: dict[int, xr.Dataset], monkeypatch: pytest.MonkeyPatch) -> None:
    hot_client = drawn(8, data[8], monkeypatch)[1]
    shown = next(line for line in hot_client.get_lines() if line.get_label() == "phase 0")
    values = np.asarray(shown.get_ydata(), dtype=float)
    assert np.isnan(values).all()
    assert any("phase 0: $d = 0$" in text.get_text() for text in hot_client.texts)
    assert float(data[8]["d"].sel(bath="hot", detection="phase 0").isel(direction=0).max()) < detection.RESOLUTION
