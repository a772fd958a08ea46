import pytest

from tests.analysis.cli.command import BOTH, Run

UNSTABLE = ("feedback", "--c-minus", "10", "--c-plus", "17.4", "--theta-minus", "0", "--theta-plus", "0.5")


def test_a_closed_loop_as_json(steering: Run) -> None:
    report = steering(*UNSTABLE, "--law", "lqg", "--actuators", "mode", "--delay", "0.3", "--json").report
    assert list(report) == ["conditional", "controlled", "control"]
    held, control = report["controlled"], report["control"]
    assert list(held) == [*BOTH, "covariance"]
    assert held[BOTH[0]] > 0.147156 > report["conditional"][BOTH[0]] == pytest.approx(0.1470214, abs=1e-7)
    assert (control["law"], control["actuators"], control["cost"]) == ("lqg", "mode", "plus_given_minus")
    assert (len(control["gain"]), len(control["columns"])) == (2, 4)
    assert control["power"] > 0
    assert control["spectral_density"] is None
    assert control["delay"] == pytest.approx(0.3)
    # the same delay in microseconds, of which 15.9154 are 1/γ̃₀
    again = steering(*UNSTABLE, "--law", "lqg", "--actuators", "mode", "--delay", "4.774624us", "--json").report
    assert again["controlled"][BOTH[0]] == pytest.approx(held[BOTH[0]], rel=1e-6)


def test_a_closed_loop_as_a_table(steering: Run) -> None:
    answer = steering(*UNSTABLE)
    assert (answer.code, answer.err) == (0, "")
    assert "Closed loop: direct on both" in answer.out
    assert "white force of spectral density" in answer.out
    assert "0.1470214" in answer.out
    assert "no control reaches it" in steering(*UNSTABLE, "--law", "ideal", "--actuators", "minus").out
    assert "forces without bound" in steering(*UNSTABLE, "--law", "ideal").out
    limit = steering(*UNSTABLE, "--law", "ideal", "--actuators", "minus", "--json").report
    assert limit["controlled"]["covariance"] is None
    assert limit["control"]["attained"] is False


def test_tolerances_as_json_and_as_a_table(steering: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from cascade_steering.analysis.closed_loop import tolerances

    monkeypatch.setattr(tolerances, "ERRORS", ("gain", "phase", "loss"))
    found = steering(*UNSTABLE, "--tolerances", "--json").report["tolerances"]
    assert [each["error"] for each in found] == ["gain", "phase", "loss"]
    gain, phase, loss = found
    assert (gain["unit"], phase["unit"], loss["unit"]) == ("relative", "rad", "absolute")
    assert phase["within_tenth"] == pytest.approx([-0.0191, 0.0191], rel=0.03)
    assert gain["bounded"] == [pytest.approx(-0.552, rel=0.03), 10.0]
    assert loss["range"] == [0.0, 1.0]
    assert loss["E_at_typical"] == [None, pytest.approx(0.15358, abs=1e-4)]
    assert "-0.552 .. any" in steering(*UNSTABLE, "--tolerances").out


BAD = [
    ("--tolerances --law ideal", "tolerances are those of a controller: choose law direct or lqg, got ideal"),
    ("--tolerances --law lqg --delay 1", "--tolerances are those of a loop without a delay, got 1.0"),
    ("--tolerances --cost energy", "--tolerances need the E of a direction as --cost, got energy"),
    ("--tolerances --frequency 1e6", "--tolerances are those of the rotating-wave model: leave --frequency out"),
    ("--actuators plus", "actuators plus do not reach the motion that grows at 3.142e+05 rad/s"),
    ("--law lqg --delay -1", "delay must be at least 0 and finite, got -1.0"),
    ("--delay 1us", "direct feedback acts on the record at once and has no delay, got"),
    ("--efficiency 0", "the record does not show all that grows, so that no control holds it: efficiency 0"),
    ("--law lqg --control-price 0", "control price must be more than 0 and finite, got 0.0"),
    ("--law lqg --control-price -1", "control price must be more than 0 and finite, got -1.0"),
    ("--actuator-noise -1", "actuator noise must be at least 0 and finite, got -1.0"),
    ("--actuators minus", "no direct feedback on these actuators was found that holds the motion that grows"),
    ("--law lqg --delay 10", "delay must be at most 5.863e-05 s, after which the variances have grown by 1e16"),
    ("--theta-minus 0.4 --actuators mode", "actuators mode need a motion that grows"),
    ("--law best", "'best' is not one of 'ideal', 'direct', 'lqg'"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_bad_input_is_one_line(steering: Run, options: str, message: str) -> None:
    answer = steering(*UNSTABLE, *options.split())
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert answer.err.count("\n") == 1
