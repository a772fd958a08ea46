import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.estimation.estimators import conditional_steering, unconditional_steering
from cascade_steering.analysis.estimation.sampled_moments import Ensemble
from cascade_steering.sim.fock.observing.kept_states import state_of
from tests.analysis.cli.command import BOTH, COLD, QUICK_COMPARE, Run
from tests.support.chance import student


def simulated(steering: Run, *options: str) -> dict[str, Any]:
    report = steering("simulate", "--json", *options).report
    assert report.pop("wall_seconds") > 0
    return report


@pytest.mark.slow
def test_a_gaussian_ensemble_is_the_same_for_any_number_of_workers(steering: Run) -> None:
    options = ("--trajectories", "4100", "--seed", "123456789012345678901234567890")
    one, two = (simulated(steering, *options, "--jobs", jobs) for jobs in ("1", "2"))
    assert one == two
    assert set(one) == {
        "unconditional", "conditional", "d", "discretisation", "exact", "diagnostics", "trajectories", "seed",
        "initial_state", "dataset", "part", "records", "run", "saved", "target", "verification", "figure", "animation",
    }  # fmt: skip
    assert one["dataset"] is None
    assert one["seed"] == 123456789012345678901234567890
    other = simulated(steering, "--trajectories", "4100", "--jobs", "1")
    assert other["unconditional"] != one["unconditional"]


@pytest.mark.long
@pytest.mark.slow
def test_a_qutip_ensemble_is_the_same_for_any_number_of_workers(steering: Run) -> None:
    options = (*COLD, "--engine", "qutip", "--cutoff", "4", "--trajectories", "6")
    one, two = (simulated(steering, *options, "--jobs", jobs) for jobs in ("1", "2"))
    assert one == two
    assert one["initial_state"] == "ground"
    assert one["diagnostics"]["warnings"] == []
    assert 0 < one["diagnostics"]["top_population"] < 1e-3
    for name in BOTH:
        # truncation and the step of QuTiP's scheme
        assert one["conditional"][name] == pytest.approx(one["exact"]["conditional"][name], rel=1e-3)
    assert one["discretisation"] == "measured"
    assert 0 < one["diagnostics"]["discretisation_error_covariance"] < 1e-2


def test_what_else_is_saved_of_an_ensemble(steering: Run, tmp_path: Path) -> None:
    path = tmp_path / "saved.nc"
    options = (*COLD, "--initial", "ground", "--trajectories", "40", "--keep", "2", "--out", str(path))
    report = simulated(steering, *options, "--save", "final-states,quanta,purity,covariances")
    with xr.open_dataset(path) as data:
        assert list(report["saved"]) == ["purity", "quanta_minus", "quanta_plus"]
        assert report["saved"]["purity"] == {"value": float(data["purity"][-1]), "standard_error": 0.0}
        found = report["saved"]["quanta_minus"]
        # at most 0.1 s of heating and amplification from the ground state
        assert 0.0 < found["standard_error"] < found["value"] < 0.2
        assert data["trajectory_covariance"].shape == (2, 3, 4, 4)
        assert state_of(data, 1, levels=(8, 8)).tr().real == pytest.approx(1.0, abs=1e-3)
    said = steering("simulate", *options, "--save", "quanta").out
    assert "quanta_plus at the end: 0.0" in said
    # a selection of nothing is not there, and one that is none is refused
    assert simulated(steering, *options)["saved"] is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--save", "colour"), "save must be some of covariances, purity, quanta, states, final-states"),
        (("--save", "states,final-states", "--keep", "1"), "save takes states or final-states, and not both"),
        (("--save", "states"), "covariances and states are those of trajectories kept: keep must be at least 1, got 0"),
    ],
)
def test_a_selection_of_what_to_save_that_makes_no_sense_is_refused(
    steering: Run, tmp_path: Path, options: tuple[str, ...], message: str
) -> None:
    answer = steering("simulate", *options, "--out", str(tmp_path / "run"))
    assert answer.code == 2
    assert message in answer.err
    assert not (tmp_path / "run").exists()


FOCK = ("--c-minus", "5", "--c-plus", "5", "--engine", "fock", "--trajectories", "12", "--duration", "0.5")


@pytest.mark.long
@pytest.mark.slow
def test_a_fock_ensemble_is_the_same_for_any_number_of_workers(steering: Run) -> None:
    one, two = (simulated(steering, *FOCK, "--jobs", jobs) for jobs in ("1", "2"))
    assert one == two


@pytest.mark.slow
def test_a_fock_ensemble_has_the_exact_e(steering: Run) -> None:
    one = simulated(steering, *FOCK, "--jobs", "1")
    assert one["initial_state"] == "stationary"
    assert one["diagnostics"]["warnings"] == []
    assert one["diagnostics"]["commutator_defect"] < 1e-3
    for name in BOTH:
        # the cutoff it chooses is good to 1e-4
        assert one["conditional"][name] == pytest.approx(one["exact"]["conditional"][name], rel=1e-3)
        low, high = one["conditional"][f"{name}_ci"]
        assert low < high
    assert 0 < one["diagnostics"]["discretisation_error_covariance"] < 1e-2


@pytest.mark.few(4)
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("--engine gaussian --frame rest", "--frame has no meaning for --engine gaussian"),
        ("--engine gaussian --cutoff 8", "--cutoff has no meaning for --engine gaussian"),
        ("--engine qutip --frame moving", "--frame has no meaning for --engine qutip"),
        ("--engine fock --qutip-method euler", "--qutip-method has no meaning for --engine fock"),
        ("--engine fock --initial thermal", "would hold 1e+05 quanta, too many for 40 levels"),
        ("--engine fock --frame rest", "but stationary has scatter"),
        ("--engine fock --cutoff 1", "at least 2 (one level cannot be excited"),
        ("--engine fock --cutoff 3 --initial 2,0", "does not fit 3 x 3 levels"),
        ("--engine fock --frame still", "'still' is not one of 'squeezed', 'moving', 'rest'"),
    ],
)
def test_what_an_engine_cannot_do_it_says(steering: Run, line: str, message: str) -> None:
    answer = steering("simulate", "--json", *line.split())
    assert answer.code == 2
    assert answer.out == ""
    assert message in answer.err
    assert answer.err.count("\n") == 1


ENGINES = {
    "gaussian": ("--engine", "gaussian"),
    "fock": ("--engine", "fock", "--cutoff", "6"),
    "qutip": ("--engine", "qutip", "--cutoff", "4"),
}


@pytest.mark.few(1)
@pytest.mark.parametrize("engine", ["gaussian", "fock", pytest.param("qutip", marks=pytest.mark.long)])
def test_the_dataset_holds_what_the_report_says(steering: Run, engine: str) -> None:
    report = simulated(
        steering, *COLD, *ENGINES[engine], "--trajectories", "5", "--keep", "3", "--jobs", "1", "--out", "a\nb.nc",
        "--loss", "0.25",
    )  # fmt: skip
    with xr.open_dataset(report["dataset"]) as dataset:
        at = Ensemble.of(dataset)
        for direction in DIRECTIONS:
            for scheme, estimate in (
                ("unconditional", unconditional_steering(at, direction)),
                ("conditional", conditional_steering(at, direction)),
            ):
                assert report[scheme][f"E_{direction}"] == estimate.value
                assert report[scheme][f"E_{direction}_ci"] == estimate.interval
        assert dict(dataset.sizes)["trajectory"] == 3
        assert dataset["record"].shape == (3, 2, 2)
        assert dataset["time"].to_numpy()[-1] == pytest.approx(0.1 / (2 * np.pi * 0.6))
        assert int(dataset.attrs["trajectories"]) == report["trajectories"] == 5
        assert json.loads(dataset.attrs["cascade"])["loss"] == 0.25
    assert [path.name for path in Path().iterdir()] == ["a\nb.nc"]


@pytest.mark.slow
def test_a_comparison_writes_what_it_reports(steering: Run) -> None:
    report = steering("compare", "--json", *QUICK_COMPARE, "--out", "d.nc", "--figure", "d.png").report
    assert set(report) == {"points", "dataset", "figure"}
    (point,) = report["points"]
    assert (point["bath"], point["c_minus"]) == ("vacuum", 3.0)
    with xr.open_dataset(report["dataset"]) as dataset:
        for name in BOTH:
            at = dataset.sel(direction=name).isel(point=0)
            low, high = point[name]["d_ci"]
            assert [float(at[key]) for key in ("d", "d_low", "d_high")] == [point[name]["d"], low, high]
            assert low < point[name]["d"] < high
            assert float(at["d_exact"]) == point[name]["d_exact"]
    assert Path(report["figure"]).read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_what_stability_costs_is_compared_exactly(steering: Run) -> None:
    line = ("--unstable", "--c-minus", "10", "--bath-plus", "hot", "--jobs", "1", "--quiet")
    report = steering("compare", "--json", *line, "--out", "d.nc", "--figure", "d.png").report
    assert set(report) == {"points", "dataset", "figure"}
    (point,) = report["points"]
    found = point["E_plus_given_minus"]
    # the values of the stable optimum, and of the limit at theta- = 0, theta+ = pi/2
    assert [round(found[name], 5) for name in ("E_stable", "E_u", "E_c")] == [0.28504, 0.14722, 0.14701]
    for name in BOTH:
        found = point[name]
        assert found["d"] == pytest.approx(1 - found["E_c"] / found["E_u"], rel=1e-9)
        assert found["cost_of_stability"] == pytest.approx(1 - found["E_u"] / found["E_stable"], rel=1e-9)
        assert [each["stable"] for each in found["optimum"].values()] == [False, False]
        best = found["optimum"]["conditional"]
        # one optimum that `steering optimum` finds as well
        alone = steering("optimum", "--json", "--unstable", "--conditional").report[name]
        assert alone == {"value": found["E_c"], **best}
    with xr.open_dataset(report["dataset"]) as dataset:
        kept = dataset.sel(direction="E_plus_given_minus").isel(point=0)
        assert float(kept["E_stable"]) == point["E_plus_given_minus"]["E_stable"]
        # one value of C₋ has a curve of one point
        assert dataset["cost_curve"].to_numpy() == pytest.approx(dataset["cost_of_stability"].to_numpy(), abs=0.0)
    assert Path(report["figure"]).read_bytes().startswith(b"\x89PNG")


@pytest.mark.long
@pytest.mark.slow
def test_a_comparison_by_fock_trajectories(steering: Run) -> None:
    options = ("--bath-plus", "hot", "--c-minus", "10", "--lo-phase", "0.5", "--engine", "fock", "--trajectories", "6")
    report = steering("compare", "--json", *options, "--duration", "0.2", "--jobs", "1").report
    for name in BOTH:
        found = report["points"][0][name]
        assert found["E_c"] == pytest.approx(found["E_c_exact"], rel=1e-3)
        low, high = found["d_ci"]
        # means of six trajectories, two quadratures each
        assert abs(found["d"] - found["d_exact"]) < student(2, 10) / 1.96 * (high - low) / 2


@pytest.mark.slow
def test_nobody_looking_gains_nothing(steering: Run) -> None:
    report = steering("compare", "--json", *QUICK_COMPARE, "--efficiency", "0").report
    for name in BOTH:
        # two searches of the same function
        assert report["points"][0][name]["d"] == pytest.approx(0.0, abs=1e-6)


@pytest.mark.slow
def test_heterodyne_is_compared_at_its_own_optimum(steering: Run) -> None:
    (found,) = steering("compare", "--json", *QUICK_COMPARE, "--scheme", "heterodyne").report["points"]
    (homodyne,) = steering("compare", "--json", *QUICK_COMPARE).report["points"]
    for name in BOTH:
        best = found[name]["optimum"]["conditional"]
        point = {"theta-minus": best["theta_minus_pi"], "theta-plus": best["theta_plus_pi"], "c-minus": 3.0,
                 "c-plus": 3.0 * best["c_plus_over_c_minus"], "lo-phase": 0.5}  # fmt: skip
        line = ("--bath-minus", "vacuum", "--bath-plus", "vacuum")
        line += tuple(part for option, value in point.items() for part in (f"--{option}", repr(value)))
        there = {
            scheme: steering("steady", "--json", *line, "--scheme", scheme).report["conditional"][name]
            for scheme in ("heterodyne", "homodyne")
        }
        # by another route; next to the edge of stability V is 1e7 times E
        assert found[name]["E_c_exact"] == pytest.approx(there["heterodyne"], rel=1e-6)
        assert found[name]["E_c"] == pytest.approx(found[name]["E_c_exact"], rel=1e-6)
        # the same detector at the same point would read another quadrature
        assert abs(there["homodyne"] / there["heterodyne"] - 1.0) > 1e-4
        # without the record there is no scheme
        assert found[name]["E_u_exact"] == homodyne[name]["E_u_exact"]
        assert found[name]["E_c_exact"] != homodyne[name]["E_c_exact"]
