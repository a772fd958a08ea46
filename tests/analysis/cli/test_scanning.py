from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from cascade_steering.analysis.cli.options.axes import NAMES
from cascade_steering.analysis.working_points.scan import SCANNED
from tests.analysis.cli.command import BOTH, Run

SMALL = ("--x", "theta-plus=0.2:0.5:7", "--y", "c-plus=log:10:100:3", "--loss", "0.1")


@pytest.mark.slow
def test_a_scan_gives_what_steady_gives_point_by_point(steering: Run) -> None:
    report = steering("scan", *SMALL, "--efficiency", "0.7", "--json").report
    axes = report["axes"]
    assert list(axes) == ["theta_plus_pi", "c_plus"]
    assert axes["theta_plus_pi"] == pytest.approx(np.linspace(0.2, 0.5, 7))
    assert axes["c_plus"] == pytest.approx([10.0, 10.0**1.5, 100.0])
    where = {"--theta-plus": axes["theta_plus_pi"][4], "--c-plus": axes["c_plus"][1]}
    point = [text for name, value in where.items() for text in (name, repr(value))]
    alone = steering("steady", *point, "--loss", "0.1", "--efficiency", "0.7", "--json").report
    for name in BOTH:
        for scheme in ("unconditional", "conditional"):
            assert report[scheme][name][4][1] == pytest.approx(alone[scheme][name], rel=1e-12)
        assert report["d"][name][4][1] == pytest.approx(alone["d"][name], abs=3e-12)
        # below pi/4 the variance of + grows, and that of − alone is left of E-|+
        assert report["stable"][0] == [False] * 3
        assert report["stable"][4] == [True] * 3
        assert (report["unconditional"][name][0] == [None] * 3) is (name == "E_plus_given_minus")
        assert (report["d"][name][0] == [None] * 3) is (name == "E_plus_given_minus")
        assert None not in report["conditional"][name][0]
        smallest = report["smallest"]["unconditional"][name]
        assert smallest["value"] == min(each for row in report["unconditional"][name] for each in row if each)
        assert report["largest_d"][name]["value"] == max(each for row in report["d"][name] for each in row if each)
    with xr.open_dataset(report["data"]) as data:
        assert data["E_c"].sel(direction=BOTH[0]).to_numpy().tolist() == report["conditional"][BOTH[0]]
    assert Path(report["figure"]).read_bytes().startswith(b"\x89PNG")


def test_a_scan_is_a_table_and_two_files(steering: Run) -> None:
    answer = steering("scan", "--x", "efficiency=0:1:3", "--out", "e.nc", "--figure", "e.svg")
    assert (answer.code, answer.err) == (0, "")
    assert "Scan of 3 points" in answer.out
    assert "largest d of E-|+" in answer.out
    assert "data: e.nc\nfigure: e.svg\n" in answer.out
    assert {path.name for path in Path().iterdir()} == {"e.nc", "e.svg"}


def test_more_axes_have_no_figure(steering: Run) -> None:
    three = ("--x", "efficiency=0,1", "--axis", "loss=0,0.1", "--axis", "occupation-minus=1e4,1e5")
    report = steering("scan", *three, "--json").report
    assert list(report["axes"]) == ["efficiency", "loss", "occupation_minus"]
    assert np.shape(report["conditional"][BOTH[0]]) == (2, 2, 2)
    assert report["figure"] is None
    assert {path.name for path in Path().iterdir()} == {"steering-scan.nc"}
    answer = steering("scan", *three, "--figure", "three.png")
    assert (answer.code, answer.err) == (
        2, "steering: error: --figure needs one axis or two, each of two values or more\n"
    )  # fmt: skip


@pytest.mark.slow
def test_without_a_steady_state_anywhere_the_answer_says_so(steering: Run) -> None:
    unstable = ("scan", "--x", "c-plus=10,20", "--theta-plus", "0.2", "--theta-minus", "0.1")
    assert steering(*unstable, "--json").report["smallest"]["unconditional"] == dict.fromkeys(BOTH)
    assert steering(*unstable).out.count("no steady state") == 4


@pytest.mark.slow
def test_a_file_may_hold_the_axes(steering: Run) -> None:
    Path("scan.toml").write_text('x = "loss=0:0.5:3"\naxis = ["efficiency=0.5,1"]\nc-minus = 20\n', encoding="utf-8")
    assert list(steering("scan", "--config", "scan.toml", "--json").report["axes"]) == ["loss", "efficiency"]
    Path("scan.toml").write_text("x = 3\n", encoding="utf-8")
    assert "in quotes, got 3" in steering("scan", "--config", "scan.toml").err


@pytest.mark.slow
def test_detectors_and_the_laboratory_frame_are_those_of_steady(steering: Run) -> None:
    real = ("--scheme", "heterodyne", "--efficiency-orthogonal", "0.6", "--dark-noise", "0.2", "--loss", "0.1")
    report = steering("scan", "--x", "bandwidth=1e5,1e7", *real, "--json").report
    lab = steering("scan", "--x", "dark-noise=0,0.2", "--frequency", "1e7", "--bandwidth", "1e7", "--json").report
    alone = steering("steady", "--bandwidth", "1e5", *real, "--json").report
    slow = steering("steady", "--frequency", "1e7", "--bandwidth", "1e7", "--dark-noise", "0.2", "--json").report
    for name in BOTH:
        assert report["conditional"][name][0] == pytest.approx(alone["conditional"][name], rel=1e-11)
        assert report["conditional"][name][1] < report["conditional"][name][0]
        for scheme in ("unconditional", "conditional"):
            assert lab[scheme][name][1] == pytest.approx(slow[scheme][name], rel=1e-13)


def test_every_parameter_may_be_an_axis() -> None:
    assert set(NAMES.values()) == set(SCANNED)


BAD = [
    ("", "Missing option '--x'"),
    ("--x theta-plus", "expected NAME=[log:]START:STOP:COUNT or NAME=VALUE,VALUE,..., got 'theta-plus'"),
    ("--x theta=0:1:3", "an axis must be of c-minus, c-plus, theta-minus, theta-plus, loss"),
    ("--x loss=0:1", "with COUNT from 2 to 1000000, got 'loss=0:1'"),
    ("--x loss=0:1:1", "with COUNT from 2 to 1000000, got 'loss=0:1:1'"),
    ("--x loss=0:one:3", "expected one finite number, got 'one'"),
    ("--x loss=0,nan", "numbers must be finite, got '0,nan'"),
    ("--x c-plus=log:0:1:3", "a logarithmic axis needs START and STOP above 0, got 'c-plus=log:0:1:3'"),
    ("--x loss=0:1.5:3", "loss must be at least 0 and at most 1, got 1.5"),
    ("--x loss=0:1:3 --y loss=0:1:3", "loss is given as an axis twice"),
    ("--x lo-phase=0:1:3 --lo-phase 0.5", "lo-phase is an axis: --lo-phase has no meaning beside it"),
    ("--x loss=0:1:2000 --y c-plus=1:2:2000", "a scan must have at most 1000000 points, got 4000000"),
    ("--x loss=0:1:3 --out no/where.nc", "output 'no/where.nc': there is no directory 'no'"),
    ("--x loss=0:1:3 --figure scan.bmpp", "figure 'scan.bmpp' must end in one of"),
]


@pytest.mark.parametrize(("line", "message"), BAD, ids=[line or "nothing" for line, _ in BAD])
def test_bad_input_is_one_line(steering: Run, line: str, message: str) -> None:
    answer = steering("scan", *line.split(), "--json")
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert answer.err.count("\n") == 1
    assert list(Path().iterdir()) == []
