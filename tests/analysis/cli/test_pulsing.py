from pathlib import Path

import pytest

from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.initial_state import squeezed_state
from tests.analysis.cli.command import BOTH, Run


def test_the_answer_is_that_of_a_working_point(steering: Run) -> None:
    report = steering("pulse", "--within", "0.3", "--json", "--figure", "pulse.png").report
    found = WorkingPoint(c_minus=10).best_pulse(within_units=0.3)
    for name, (way, pulse) in zip(BOTH, found.pulses.items(), strict=True):
        answer = report[name]
        assert answer["value"] == found.E[way] == pulse.value
        assert answer["reached"] is True
        assert answer["duration_units"] == pytest.approx(0.3, rel=1e-12)
        assert answer["duration_s"] == pulse.duration_s
        assert (answer["most_quanta_minus"], answer["most_quanta_plus"]) == pulse.quanta
        (segment,) = answer["segments"]
        assert set(segment) == {"theta_minus_pi", "theta_plus_pi", "c_plus", "duration_units", "duration_s"}
        assert "lo_phase_pi" not in answer
    assert Path(report["figure"]).stat().st_size > 5000
    assert str(found).startswith("E+|- without the record: 0.15")


@pytest.mark.slow
def test_the_shortest_pulse_is_a_table(steering: Run) -> None:
    line = ("pulse", "--fastest", "--below", "0.3", "--within", "10us", "--conditional", "--lo-phase", "0.5")
    answer = steering(*line)
    assert (answer.code, answer.err) == (0, "")
    assert "0.2999999" in answer.out or "0.3000000" in answer.out
    assert "0.5000 pi" in answer.out
    report = steering(*line, "--json").report
    assert {report[name]["lo_phase_pi"] for name in BOTH} == {0.5}
    # from the ground state E of - given + is as small only after 0.09: E of + given - alone is reached in less
    less = steering("pulse", "--fastest", "--below", "0.3", "--within", "0.06", "--json").report
    assert [less[name]["reached"] for name in BOTH] == [True, False]
    assert less[BOTH[1]]["value"] > 0.3


BAD = [
    ("--within 0", "duration of a pulse must be more than 0 and at most 1e+15, got 0.0"),
    ("--within -1", "duration of a pulse must be more than 0 and at most 1e+15, got -1.0"),
    ("--segments 0", "Invalid value for '--segments': 0 is not in the range x>=1."),
    ("--most-quanta 5 --initial 10,3", "must be at least what the oscillators have at t = 0, 10, got 5.0"),
    ("--initial squeezed:1,1", "a pulse starts from two thermal states: ground, thermal or occupations of both"),
    ("--initial stationary", "a pulse starts from two thermal states"),
    ("--below 0.3", "--below has no meaning without --fastest"),
    (
        "--fastest --below 0.01 --within 0.1",
        "E below 0.01 is not reached within 0.1 times 1/gamma~_0: the best E is 0.",
    ),
    ("--fastest --below 0", "below must be more than 0 and finite, got 0.0"),
    ("--c-minus 0", "c_minus must be more than 0 and at most 1e+06, got 0.0"),
    ("--figure a.txt", "figure 'a.txt' must end in one of"),
]


@pytest.mark.parametrize(("line", "message"), BAD, ids=[line for line, _ in BAD])
def test_bad_input_is_one_line(steering: Run, line: str, message: str) -> None:
    answer = steering("pulse", *line.split())
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.count("\n") == 1
    assert message in answer.err


@pytest.mark.slow
def test_the_angle_of_squeezed_light_is_found_or_given(steering: Run) -> None:
    free, given, dark = (
        steering("pulse", "--within", "0.2", *more, "--json").report
        for more in (("--squeezing", "6"), ("--squeezing", "6", "--squeezing-angle", "0.5"), ())
    )
    for name in BOTH:
        assert free[name]["squeezing_angle_pi"] == 0.0
        assert given[name]["squeezing_angle_pi"] == 0.5
        assert free[name]["value"] < dark[name]["value"] < given[name]["value"]
        assert "squeezing_angle_pi" not in dark[name]


def test_from_python_too() -> None:
    with pytest.raises(ValueError, match=r"^a pulse starts from two thermal states: .*, got 'squeezed'$"):
        WorkingPoint().best_pulse(within_units=1, initial=squeezed_state((1.0, 1.0)))
    with pytest.raises(ValueError, match=r"frequency_hz must be None, got 1000000\.0$"):
        WorkingPoint(frequency_hz=1e6).best_pulse(within_units=1)
    with pytest.raises(ValueError, match=r"^give one of within_units .*, got neither$"):
        WorkingPoint().best_pulse()
