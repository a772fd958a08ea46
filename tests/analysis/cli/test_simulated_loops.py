"""Trajectories in a closed loop from the command line and from a working point."""

from pathlib import Path

import pytest
import xarray as xr

import cascade_steering as cs
from tests.analysis.cli.command import BOTH, Run

UNSTABLE = (
    "simulate", "--c-minus", "10", "--c-plus", "17.4", "--theta-minus", "0", "--theta-plus", "0.5", "--duration", "1",
    "--saves", "5", "--jobs", "1",
)  # fmt: skip
# what a digital loop holds without the record, and E_c
CONDITIONAL = (0.1470213579, 0.1569994020)


def test_a_closed_loop_as_json(steering: Run, tmp_path: Path) -> None:
    path = tmp_path / "loop.nc"
    options = ("--feedback", "lqg", "--actuators", "mode", "--control-interval", "0.01", "--trajectories", "400")
    report = steering(*UNSTABLE, *options, "--keep", "1", "--out", str(path), "--json").report
    assert report["initial_state"] == "conditional"
    control = report["control"]
    assert list(control) == [
        "law", "actuators", "cost", "control_price", "control_interval_seconds", "delay_seconds", "steady",
    ]  # fmt: skip
    assert control["control_interval_seconds"] == pytest.approx(0.01 * 15.9154e-6, rel=1e-5)
    for name, known in zip(BOTH, CONDITIONAL, strict=True):
        exact = report["exact"]["unconditional"][name]
        assert report["exact"]["conditional"][name] == pytest.approx(known, rel=1e-9)
        # the continuous loop holds .147083 and .157491: steering feedback
        assert known < exact < 1.01 * known
        # 1/γ̃₀ is enough to settle: the slowest rate is some γ̃₀
        assert control["steady"][name] == pytest.approx(exact, rel=1e-3)
        # ten half-widths of a 95 % interval
        low, high = report["unconditional"][f"{name}_ci"]
        assert abs(report["unconditional"][name] - exact) < 5 * (high - low)
    with xr.open_dataset(path) as data:
        assert data["displacement"].shape == (1, 5, 4)
        assert '"law": "lqg"' in data.attrs["feedback"]


def test_direct_feedback_leaves_what_the_record_tells(steering: Run) -> None:
    report = steering(*UNSTABLE, "--feedback", "direct", "--trajectories", "100", "--json").report
    sums = steering(*UNSTABLE, "--feedback", "direct", "--control-interval", "0.01", "--json").report
    for name, known in zip(BOTH, CONDITIONAL, strict=True):
        assert report["unconditional"][name] == pytest.approx(known, rel=1e-9)
        assert report["control"]["steady"][name] == pytest.approx(known, rel=1e-9)
        # of the sums over an interval: more, of second order in the interval
        assert 1e-6 < sums["control"]["steady"][name] / known - 1.0 < 1e-4
    assert report["control"]["control_interval_seconds"] is None
    shown = steering(*UNSTABLE, "--feedback", "direct", "--trajectories", "100").out
    assert "closed loop: direct on both, at once; it holds E+|- 0.1470214, E-|+ 0.1569994" in shown


def test_a_working_point_in_a_closed_loop() -> None:
    point = cs.WorkingPoint(c_minus=10, c_plus=17.4, theta_minus_pi=0, theta_plus_pi=0.5)
    feedback = cs.Feedback(law="ideal", control_interval_units=0.01, delay_units=0.02)
    late = point.simulate(feedback=feedback, duration_units=0.5, saves=5, trajectories=400)
    assert CONDITIONAL[0] < late.unconditional["plus_given_minus"].value < 1.001 * CONDITIONAL[0]
    with pytest.raises(ValueError, match="leave out the pulse or the feedback"):
        point.simulate(feedback="direct", duration_units=1, pulse_units=0.5)
    for wrong, message in (
        ({"law": "best"}, "law must be one of ideal, direct, lqg, got 'best'"),
        ({"law": "direct", "delay_units": 0.1}, "direct feedback acts on the record at once and has no delay"),
        ({"control_interval_units": 0.0}, "control interval must be more than 0"),
    ):
        with pytest.raises(ValueError, match=message):
            cs.Feedback(**wrong)  # type: ignore[arg-type]


REFUSED = [
    ("--delay 1", "--delay has no meaning without --feedback"),
    ("--control-price 1", "--control-price has no meaning without --feedback"),
    ("--feedback direct --delay 0.1", "direct feedback acts on the record at once and has no delay, got 0.1"),
    ("--feedback lqg --actuators plus", "actuators plus do not reach the motion that grows at 3.142e+05 rad/s"),
    ("--feedback lqg --control-interval 0.03", "(ratio 6.66667); a control interval of"),
    (
        "--feedback lqg --delay 0.03",
        "a delay is a whole number of control intervals: give the control interval as well",
    ),
    ("--feedback lqg --control-interval 0.01 --delay 0.035", "the delay must be a whole number of control intervals"),
    ("--feedback lqg --control-interval 1e-9", "a run has at most 100000 control intervals, got 1000000000"),
    ("--feedback ideal --actuators minus", "has the smallest E only in a limit in which the variances grow"),
    ("--feedback lqg --pulse 1", "--pulse has no meaning with --feedback"),
    ("--feedback lqg --verify", "--verify takes the record of an open loop"),
    ("--feedback lqg --keep 1 --save-records r.csv", "--save-records has no meaning with --feedback"),
    ("--feedback lqg --initial stationary", "the damping rate of oscillator minus is -628321 rad/s"),
    ("--feedback lqg --efficiency 0", "the record does not show all that grows, so that no control holds it"),
    ("--feedback lqg --engine fock --frame rest --cutoff 8", "take the frame squeezed or moving, not rest"),
    ("--feedback best", "'best' is not one of 'ideal', 'direct', 'lqg'"),
]


@pytest.mark.parametrize(("options", "message"), REFUSED)
def test_a_loop_that_cannot_be_is_refused_in_one_line(steering: Run, options: str, message: str) -> None:
    answer = steering(*UNSTABLE, *options.split())
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.count("\n") == 1
    assert message in answer.err
