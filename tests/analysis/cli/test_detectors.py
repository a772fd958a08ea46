"""Bandwidth, dark noise and unequal efficiencies through the command line."""

from pathlib import Path

import pytest

from tests.analysis.cli.command import BOTH, Run
from tests.analysis.cli.recorded import POINT, QUIET
from tests.support.chance import FALSE_ALARM

# 1/gamma~_0 of POINT is 0.16 s
REAL = (*POINT, "--bandwidth", "30,100", "--dark-noise", "0.2")


def test_dark_noise_is_a_lower_efficiency(steering: Run) -> None:
    noisy, plain = (
        steering("steady", *POINT[:-4], "--lo-phase", "0.3", *each, "--json").report["conditional"]
        for each in (("--efficiency", "0.9", "--dark-noise", "0.5"), ("--efficiency", "0.6"))
    )
    for name in BOTH:
        assert noisy[name] == pytest.approx(plain[name], rel=1e-12)
    # a filter makes it worse
    filtered = steering("steady", *REAL, "--json").report["conditional"]
    white = steering("steady", *POINT, "--dark-noise", "0.2", "--json").report["conditional"]
    assert filtered[BOTH[0]] > white[BOTH[0]]


@pytest.mark.slow
def test_a_record_is_written_with_its_detector_and_read_with_it(steering: Run) -> None:
    line = ("--keep", "1", "--trajectories", "2", "--duration", "30", "--saves", "6000", "--save-records", "r.nc")
    assert steering("simulate", *QUIET, *REAL, *line).code == 0
    # the file has the options of the experiment
    known = steering("filter", "r.nc", "--json").report["innovations"]["statistics"]
    assert min(each["p_value"] for each in known) > FALSE_ALARM / len(known)
    ignored = steering("filter", "r.nc", "--bandwidth", "1e6", "--json").report["innovations"]["statistics"]
    assert min(each["p_value"] for each in ignored) < 1e-3 * FALSE_ALARM / len(ignored)
    fitted = steering("fit", "r.nc", "--parameters", "efficiency", "--out", "f.toml", "--json")
    assert fitted.code == 0
    assert "bandwidth" in Path("f.toml").read_text()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            "simulate --engine fock --bandwidth 1e5 --trajectories 2 --jobs 1",
            "a detector of finite bandwidth (100000 Hz)",
        ),
        ("simulate --feedback lqg --bandwidth 1e5 --trajectories 2 --jobs 1", "a detector of finite bandwidth"),
        ("feedback --bandwidth 1e5", "a detector of finite bandwidth"),
        ("steady --bandwidth 0", "bandwidth_hz must be"),
        ("steady --dark-noise -1", "dark_noise must be"),
        ("steady --efficiency-orthogonal 0.5", "second heterodyne detector"),
        ("steady --scheme heterodyne --efficiency-orthogonal 1.5", "efficiency_orthogonal must be"),
    ],
)
def test_what_a_detector_cannot_be_is_one_line(steering: Run, line: str, said: str) -> None:
    answer = steering(*line.split())
    assert answer.code == 2
    assert said in answer.err
    assert answer.err.count("\n") == 1
