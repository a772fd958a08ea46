import itertools
import json
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from cascade_steering.analysis.criteria.steering import DIRECTIONS, steering_of_root
from cascade_steering.analysis.working_points import scan as module
from cascade_steering.analysis.working_points.scan import SCANNED, extreme, scan, steering_over
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.ensemble.dataset import save
from cascade_steering.sim.gaussian.covariance import steady_root
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.rotating_wave.closed_forms import steering_parameters
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support.systems import COLD, WARM

POINT = WorkingPoint(c_minus=10.0, c_plus=20.0, loss=0.1, efficiency=0.8)
# the paper's edge γ → 0⁺ among them
AXES = {
    "c_minus": [5.0, 20.0],
    "c_plus": [10.0, 30.0],
    "theta_minus_pi": [0.25, 0.35],
    "theta_plus_pi": [0.3, 0.5],
    "loss": [0.0, 0.4],
    "path_phase_pi": [0.0, 0.2],
    "lo_phase_pi": [0.1, 0.5],
    "efficiency": [0.0, 1.0],
}


def alone(point: WorkingPoint) -> np.ndarray:
    """E without and with the record at one point, computed as by ``steering steady``; array of shape (2, 2)."""
    root = steady_root(rwa(point.cascade, point.detection), conditional=True)
    seen = [float(steering_of_root(root, each)) for each in DIRECTIONS]
    return np.array([np.ravel(steering_parameters(RotatingWave.of(point.cascade))), seen])


@pytest.mark.parametrize("scheme", ["homodyne", "heterodyne"])
def test_every_point_is_what_it_is_alone(scheme: str) -> None:
    point = replace(POINT, scheme=scheme)
    found = scan(point, AXES)
    assert found["E_u"].dims == ("direction", *AXES)
    corners = list(itertools.product(*AXES.values()))
    for number in np.random.default_rng(5).permutation(len(corners))[:40]:
        where = dict(zip(AXES, corners[number], strict=True))
        at = found.sel(where)
        wanted = alone(replace(point, **where))
        # both ways keep all digits of E; 1e-12 leaves a few thousand roundings
        assert np.stack([at["E_u"], at["E_c"]]) == pytest.approx(wanted, rel=1e-12)
        # d is a difference of numbers near 1
        assert at["d"].to_numpy() == pytest.approx(1.0 - wanted[1] / wanted[0], abs=3e-12)


def test_baths_are_scanned_at_fixed_cooperativity() -> None:
    point = replace(POINT, bath_minus="vacuum")
    axes = {
        "linewidth_minus_hz": [1.0, WARM.linewidth / (2 * math.pi)],
        "occupation_minus": [1.0, WARM.occupation],
        "linewidth_plus_hz": [COLD.linewidth / (2 * math.pi)],
        "occupation_plus": [0.5, COLD.occupation],
    }
    found = scan(point, axes).isel(dict.fromkeys(axes, -1))
    wanted = alone(replace(point, bath_minus=WARM, bath_plus=COLD))
    assert np.stack([found["E_u"], found["E_c"]]) == pytest.approx(wanted, rel=1e-12)


def test_what_has_no_meaning_is_nan() -> None:
    found = scan(POINT, {"theta_minus_pi": [0.2, 0.3], "theta_plus_pi": [0.2, 0.3], "efficiency": [0.0, 1.0]})
    assert found["stable"].sel(efficiency=1.0).to_numpy().tolist() == [[0, 0], [0, 1]]
    # E without the record grows where the variance of the steered oscillator grows by itself
    grows = {
        "E_plus_given_minus": [[True, False], [True, False]],
        "E_minus_given_plus": [[True, False], [False, False]],
    }
    for direction, wanted in grows.items():
        for name in ("E_u", "d"):
            missing = np.isnan(found[name].sel(direction=direction, efficiency=1.0).to_numpy())
            assert missing.tolist() == wanted
    # given all of the record there is always a steady state, given none where all is damped
    assert np.all(np.isfinite(found["E_c"].sel(efficiency=1.0)))
    unread = found.sel(efficiency=0.0)
    assert np.array_equal(~np.isnan(unread["E_c"]), np.broadcast_to(unread["stable"] == 1, (2, 2, 2)))
    assert unread["E_c"].sel(theta_minus_pi=0.3, theta_plus_pi=0.3).to_numpy() == pytest.approx(
        unread["E_u"].sel(theta_minus_pi=0.3, theta_plus_pi=0.3).to_numpy(), rel=1e-12
    )


def test_e_has_no_jump_where_minus_begins_to_grow() -> None:
    # γ₋ = γ₀ − Γ cos 2θ₋ changes its sign close below π/4; the slope of E may change there, its value may not
    edge = (
        0.25 - 0.5 * POINT.cascade.minus.bath.linewidth / (math.pi * POINT.cascade.minus.strength) / math.pi * math.pi
    )
    found = scan(POINT, {"theta_minus_pi": [edge - 1e-9, edge, edge + 1e-9]})
    assert found["stable"].to_numpy()[[0, 2]].tolist() == [0, 1]
    for name in ("E_u", "E_c"):
        values = found[name].to_numpy()
        # of order Γ/γ₊ times the change of the angle
        assert values[:, 0] == pytest.approx(values[:, 2], rel=1e-6)
        assert values[:, 1] == pytest.approx(values[:, 2], rel=1e-6)
    for name, scheme in (("E_u", "unconditional"), ("E_c", "conditional")):
        steady = replace(POINT, theta_minus_pi=edge - 1e-9).steady()
        assert not steady.stable
        assert list(steady.E[scheme].values()) == pytest.approx(found[name].to_numpy()[:, 0], rel=1e-8)


def test_a_large_scan_is_solved_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    axes = {"theta_plus_pi": np.linspace(0.2, 0.5, 7), "efficiency": [0.0, 0.5, 1.0]}
    whole = scan(POINT, axes)
    monkeypatch.setattr(module, "_TOGETHER", 4)
    xr.testing.assert_allclose(scan(POINT, axes), whole, rtol=1e-14)


def test_one_scheme_alone() -> None:
    axes = {"loss": [0.0, 0.5]}
    whole = scan(POINT, axes)
    for schemes, names in ((["unconditional"], {"E_u"}), (["conditional"], {"E_c"})):
        part = scan(POINT, axes, schemes=schemes)
        assert set(part.data_vars) == {*names, "stable"}
        assert all(np.array_equal(part[name], whole[name]) for name in names)


def test_typed_working_points_of_any_shape() -> None:
    points = RotatingWave.of(POINT.cascade)
    found = steering_over(points, lo_phase=[0.3, math.pi / 2], efficiency=[[0.5], [0.8], [1.0]])
    assert found["unconditional"].shape == (2,)
    assert found["conditional"].shape == (2, 3, 2)
    wanted = alone(POINT)
    assert found["unconditional"] == pytest.approx(wanted[0], rel=1e-12)
    assert found["conditional"][:, 1, 1] == pytest.approx(wanted[1], rel=1e-12)


def test_the_dataset_says_what_it_holds(tmp_path: Path) -> None:
    found = scan(POINT, {"theta_plus_pi": np.linspace(0.3, 0.5, 3), "occupation_plus": [1.0, 2.0]})
    save(found, tmp_path / "scan.nc")
    with xr.open_dataset(tmp_path / "scan.nc") as read:
        assert read["E_c"].dims == ("direction", "theta_plus_pi", "occupation_plus")
        assert [read[name].attrs["units"] for name in ("theta_plus_pi", "occupation_plus", "E_u")] == [
            "pi rad",
            "1",
            "1",
        ]
        assert read["direction"].to_numpy().tolist() == [f"E_{each}" for each in DIRECTIONS]
        assert json.loads(read.attrs["working_point"])["efficiency"] == 0.8
        assert np.array_equal(read["E_c"], found["E_c"])


def test_where_it_is_smallest() -> None:
    values = xr.DataArray(
        [[np.nan, 0.4], [0.3, 0.3 * (1 - 1e-12)]], dims=("x", "y"), coords={"x": [1.0, 2.0], "y": [5.0, 6.0]}
    )
    least, most = extreme(values), extreme(values, largest=True)
    # of two that rounding tells apart, the first
    assert least is not None
    assert (least.value, least.at) == (0.3, {"x": 2.0, "y": 5.0})
    assert most is not None
    assert (most.value, most.at) == (0.4, {"x": 1.0, "y": 6.0})
    assert extreme(values[:1, :1]) is None


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({}, "axes must name at least one of c_minus"),
        ({"theta": [0.3]}, "axes must be of c_minus, c_plus, "),
        ({"theta_plus_pi": [0.3, 0.6]}, "theta_plus_pi must be at least 0 and at most 0.5, got 0.6"),
        ({"loss": [math.nan]}, "loss must be at least 0 and at most 1, got nan"),
        ({"linewidth_plus_hz": [0.0]}, "linewidth_plus_hz must be more than 0 and at most 1e+15, got 0.0"),
        ({"efficiency": []}, "efficiency must be an array of one dimension, with a value or more, got shape (0,)"),
        ({"efficiency": 0.5}, "efficiency must be an array of one dimension, with a value or more, got shape ()"),
    ],
)
def test_what_cannot_be_scanned(axes: dict[str, list[float]], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        scan(POINT, axes)


def test_every_parameter_is_known_to_the_working_point_or_its_baths() -> None:
    of_baths = {name for name in SCANNED if name.startswith(("linewidth", "occupation"))}
    assert {name for name in SCANNED if not hasattr(POINT, name)} == of_baths
    assert len(of_baths) == 4


DETECTORS = {
    "efficiency": [0.5, 0.9], "efficiency_orthogonal": [0.0, 0.7], "bandwidth_hz": [3e4, 1e6], "dark_noise": [0.0, 0.2],
}  # fmt: skip


@pytest.mark.parametrize("squeezing_db", [0.0, 6.0])
def test_detectors_as_they_are_are_what_they_are_alone(squeezing_db: float) -> None:
    point = replace(POINT, scheme="heterodyne", squeezing_db=squeezing_db, squeezing_angle_pi=0.9, lo_phase_pi=0.3)
    found = scan(point, {**DETECTORS, "path_phase_pi": [0.1]}, schemes=["conditional"])
    for where in (dict(zip(DETECTORS, values, strict=True)) for values in itertools.product(*DETECTORS.values())):
        model = replace(point, path_phase_pi=0.1, **where).model
        root = steady_root(model, conditional=True)
        wanted = [float(steering_of_root(root, each)) for each in DIRECTIONS]
        assert found["E_c"].sel(where).to_numpy()[:, 0] == pytest.approx(wanted, rel=1e-11)


def test_filters_of_the_point_and_ten_decades_of_bandwidth() -> None:
    point = replace(POINT, bandwidth_hz=(2e5, 1e6), dark_noise=0.1)
    found = scan(point, {"efficiency": [0.9]}, schemes=["conditional"])["E_c"].to_numpy()[:, 0]
    root = steady_root(replace(point, efficiency=0.9).model, conditional=True)
    assert found == pytest.approx([float(steering_of_root(root, each)) for each in DIRECTIONS], rel=1e-11)
    # hot baths at the edge of stability, V₋ of some 1e5, and filters from slow to fast
    point = replace(POINT, theta_minus_pi=0.25, dark_noise=0.3)
    widths = np.geomspace(1e-1, 1e12, 14)
    found = scan(point, {"bandwidth_hz": widths}, schemes=["conditional"])["E_c"].to_numpy()
    assert np.all(np.diff(found) < 0.0)
    for place in (0, 5, 9, 13):
        root = steady_root(replace(point, bandwidth_hz=widths[place]).model, conditional=True)
        wanted = [float(steering_of_root(root, each)) for each in DIRECTIONS]
        assert found[:, place] == pytest.approx(wanted, rel=1e-9)
    # of first order in Γ/B
    fast = replace(point, efficiency=point.efficiency / 1.3, dark_noise=0.0)
    assert found[:, -1] == pytest.approx(scan(fast, {"loss": [point.loss]})["E_c"].to_numpy()[:, 0], rel=1e-5)


def test_a_second_efficiency_needs_a_second_detector() -> None:
    with pytest.raises(ValueError, match="second heterodyne detector, got a homodyne one"):
        scan(POINT, {"efficiency_orthogonal": [0.5]})
    with pytest.raises(ValueError, match="bandwidth_hz must be more than 0"):
        scan(POINT, {"bandwidth_hz": [0.0]})


def test_in_the_laboratory_frame_every_point_is_that_of_steady() -> None:
    point = replace(POINT, bandwidth_hz=1e6, dark_noise=0.2)
    axes = {"frequency_hz": [2e6, 5e7], "occupation_plus": [1e5, 2e5], "theta_minus_pi": [0.2, 0.35]}
    found = scan(point, axes)
    where = {"frequency_hz": 5e7, "theta_minus_pi": 0.35}
    alone = replace(point, **where).steady()
    for row, direction in enumerate(DIRECTIONS):
        at = found.sel(where).isel(direction=row)
        assert float(at["E_u"].sel(occupation_plus=1e5)) == alone.unconditional[direction]
        assert float(at["E_c"].sel(occupation_plus=1e5)) == alone.conditional[direction]
    # where − grows E₋|₊ has a limit as well; the same as an axis of one point
    assert found["stable"].sel(theta_minus_pi=0.2).to_numpy().tolist() == [[0, 0], [0, 0]]
    fixed = scan(replace(point, frequency_hz=5e7), {"occupation_plus": [1e5, 2e5], "theta_minus_pi": [0.2, 0.35]})
    xr.testing.assert_allclose(fixed["E_c"], found["E_c"].sel(frequency_hz=5e7, drop=True), rtol=1e-13)
    # the rotating wave is off by Γ/Ω at most
    fast = found.sel(frequency_hz=5e7)
    rotating = scan(point, {"occupation_plus": [1e5, 2e5], "theta_minus_pi": [0.35]})
    assert fast["E_u"].sel(theta_minus_pi=[0.35]).to_numpy() == pytest.approx(rotating["E_u"].to_numpy(), rel=1e-3)
    with pytest.raises(ValueError, match="laboratory frame must have at most 20000 points, got 20001"):
        scan(point, {"frequency_hz": np.linspace(1e6, 2e6, 20_001)})
