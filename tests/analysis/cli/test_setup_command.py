"""steering setup: its JSON, its tables, and bad input in one line."""

from pathlib import Path

import pytest

import cascade_steering as cs
from tests.analysis.cli.command import BOTH, Run
from tests.analysis.laboratory.test_setup_file import CAVITY, LIT, MECHANICS, REST, SPINS, WHOLE

SCHEMES = ("unconditional", "conditional")


def write(text: str) -> str:
    Path("lab.toml").write_text(text, encoding="utf-8")
    return "lab.toml"


def test_the_report_has_the_numbers_of_the_paper_and_e_of_both_models(steering: Run) -> None:
    report = steering("setup", write(WHOLE), "--json").report
    point = cs.read_setup("lab.toml").point
    for name in ("c_minus", "c_plus", "theta_minus_pi", "theta_plus_pi", "loss"):
        assert report[name] == getattr(point, name)
    for scheme in SCHEMES:
        for name in BOTH:
            eliminated, explicit = (report[each][scheme][name] for each in ("eliminated", "explicit"))
            assert report["difference"][scheme][name] == pytest.approx(eliminated / explicit - 1, abs=1e-15)
    assert report["derived"]["plus"]["spring_hz"]["value"] < 0.0
    assert report["retuned"]["frequency_minus_hz"] < 1.37e6
    assert report["losses"]["loss_link"]["value"] == 0.1
    assert report["warnings"] == []


def test_the_tables_show_formulas_and_what_elimination_costs(steering: Run) -> None:
    answer = steering("setup", write(WHOLE.replace("power_w = 0.5e-6", "power_w = 10e-6")))
    assert answer.code == 0
    for text in (
        "kappa g^2/(kappa^2/4 + (Delta + Omega)^2)",
        "cavity kept",
        "retuned: - to 13",
        "what elimination costs",
    ):
        assert text in answer.out
    assert answer.err.startswith("steering: warning: [plus.cavity] Gamma/2pi = 9.521e+04 Hz is more than 1 %")
    assert answer.err.count("\n") == 1
    # the way on to the other commands
    (line,) = (each for each in answer.out.splitlines() if each.startswith("by elimination: steering "))
    steady = steering(*line.split()[3:], "--json").report
    report = steering("setup", "lab.toml", "--json").report
    for name in BOTH:
        assert steady["unconditional"][name] == pytest.approx(report["eliminated"]["unconditional"][name], rel=1e-10)
    plain = steering("setup", write(WHOLE.replace("loss = 0.1", "loss = 0.1\nretune = false")))
    assert "not retuned" in plain.out


def test_squeezed_light_is_said_with_the_angle_that_is_compensated(steering: Run) -> None:
    report = steering("setup", write(LIT), "--json").report
    assert (report["squeezing_db"], report["squeezing_angle_pi"], report["squeezing_loss"]) == (6, 1, 0.2)
    # spins turn no phase
    assert report["retuned"]["squeezing_angle_pi"] == 1.0
    (line,) = (each for each in steering("setup", "lab.toml").out.splitlines() if each.startswith("by elimination: "))
    steady = steering(*line.split()[3:], "--json").report
    for name in BOTH:
        assert steady["unconditional"][name] == pytest.approx(report["eliminated"]["unconditional"][name], rel=1e-10)


def test_where_the_pair_grows_e_without_the_record_is_its_limit(steering: Run) -> None:
    report = steering("setup", write(WHOLE.replace("theta_pi = 0.3", "theta_pi = 0.2")), "--json").report
    for model in ("eliminated", "explicit"):
        assert report[model]["unconditional"]["stable"] is False
        given, without = (report[model][scheme][BOTH[0]] for scheme in reversed(SCHEMES))
        assert 0.0 < given < without < 0.5
    assert abs(report["difference"]["unconditional"][BOTH[0]]) < 0.01
    assert "limit of growing variances" in steering("setup", "lab.toml").out


LINES = [
    (WHOLE.replace("loss", "lost"), "lab.toml: [link] unknown key 'lost'; known are loss, path_phase_pi, retune"),
    (
        SPINS + MECHANICS + CAVITY.replace("0.95", "1.5") + REST,
        "[plus.cavity] outcoupling must be more than 0 and at most",
    ),
    ("", "lab.toml: table [minus] is missing"),
    ("[minus", "lab.toml: "),
    ("\udcff", "lab.toml: 'utf-8' codec can't decode"),
]


@pytest.mark.parametrize(("text", "line"), LINES, ids=[line for _, line in LINES])
def test_bad_input_is_one_line(steering: Run, text: str, line: str) -> None:
    Path("lab.toml").write_bytes(text.encode("utf-8", "surrogateescape"))
    answer = steering("setup", "lab.toml", "--json")
    assert (answer.code, answer.out) == (2, "")
    assert line in answer.err
    assert answer.err.count("\n") == 1


def test_a_file_that_is_not_there_is_one_line(steering: Run) -> None:
    answer = steering("setup", "nowhere.toml")
    assert answer.code == 2
    assert answer.err.count("\n") == 1
