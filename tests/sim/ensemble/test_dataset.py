import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from cascade_steering.sim.conventions import COVARIANCE_CONVENTION, OSCILLATORS, RECORD_CONVENTION, quadrature_names
from cascade_steering.sim.ensemble.dataset import label, save
from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state
from cascade_steering.sim.model.cascade import rwa
from tests.support.systems import MONITORED, POINTS

POINT = POINTS["mild"]
GRID = TimeGrid(step=0.1, steps_per_save=2, saves=3)


@pytest.fixture(scope="module")
def data() -> xr.Dataset:
    model = rwa(POINT.cascade, POINT.detection)
    found = simulate(model, Gaussian(block=4), GRID, ground_state(), trajectories=10, seed=2**80, keep=2)
    return label(found, POINT.cascade, POINT.detection)


def test_axes_are_labelled(data: xr.Dataset) -> None:
    assert tuple(data["quadrature"].to_numpy()) == quadrature_names(OSCILLATORS)
    assert tuple(data["quadrature_2"].to_numpy()) == quadrature_names(OSCILLATORS)
    assert tuple(data["oscillator"].to_numpy()) == ("minus", "plus")
    assert tuple(data["channel"].to_numpy()) == ("cosine", "sine")
    assert data["time"].to_numpy() == pytest.approx([0.0, 0.2, 0.4, 0.6])
    assert np.array_equal(data["interval_end"][:-1], data["interval_start"][1:])
    assert data.sizes["interval"] == 3
    assert data["record"].dims == ("trajectory", "interval", "channel")
    assert data["conditional_covariance"].sel(quadrature="X_plus", quadrature_2="X_plus")[0].item() == pytest.approx(
        0.5
    )


def test_attributes_say_what_is_needed_to_run_again(data: xr.Dataset) -> None:
    assert data["record"].attrs == {"convention": RECORD_CONVENTION, "units": "s**0.5"}
    assert data["conditional_covariance"].attrs["convention"] == COVARIANCE_CONVENTION
    assert all(data[name].attrs["units"] == "s" for name in ("time", "interval_start", "interval_end"))
    assert data.attrs["seed"] == str(2**80)
    assert data.attrs["trajectories"] == 10
    assert data.attrs["initial_state"] == "ground"
    assert data.attrs["method"] == '{"engine": "gaussian"}'
    assert data.attrs["order"] == " ".join(quadrature_names(OSCILLATORS))
    assert data.attrs["version_numpy"] == np.__version__
    cascade = json.loads(data.attrs["cascade"])
    assert cascade["minus"]["strength_hz"] == POINT.cascade.minus.strength_hz
    assert cascade["plus"]["bath"]["occupation"] == POINT.cascade.plus.bath.occupation
    assert json.loads(data.attrs["detection"])["efficiency"] == POINT.detection.efficiency


def test_what_is_saved_is_what_is_read(data: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    save(data, path)
    with xr.open_dataset(path, engine="netcdf4") as found:
        xr.testing.assert_identical(found.load(), data)
    assert [item.name for item in tmp_path.iterdir()] == ["run.nc"]


def test_saving_again_replaces_the_whole_file(data: xr.Dataset, tmp_path: Path) -> None:
    path = tmp_path / "run.nc"
    path.write_bytes(b"what was there before")
    save(data, path)
    with xr.open_dataset(path, engine="netcdf4") as found:
        assert found.attrs["seed"] == data.attrs["seed"]


def test_one_oscillator_is_labelled_by_number() -> None:
    data = simulate(MONITORED["warm"].model, Gaussian(), GRID, ground_state(modes=1), trajectories=3)
    assert list(data["quadrature"].to_numpy()) == ["X_mode_1", "P_mode_1"]
    assert list(data["channel"].to_numpy()) == ["X"]
    assert data.sizes["oscillator"] == 1


def test_a_path_that_cannot_be_written_is_refused_before_anything_is(data: xr.Dataset, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^output '.*run\.nc': there is no directory '.*nowhere'$"):
        save(data, tmp_path / "nowhere" / "run.nc")
    assert list(tmp_path.iterdir()) == []
