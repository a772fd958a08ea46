import pytest

from tests.analysis.cli.command import BOTH, Run

COLD = (
    "--bath-minus", "1,0", "--bath-plus", "1,0", "--c-minus", "3", "--c-plus", "4", "--theta-minus", "0.4",
    "--theta-plus", "0.45",
)  # fmt: skip


def test_steady_may_ask_the_master_equation(steering: Run) -> None:
    plain = steering("steady", *COLD, "--json").report
    assert "fock" not in plain
    report = steering("steady", *COLD, "--fock", "--cutoff", "9,8", "--json").report
    fock = report.pop("fock")
    assert report == plain
    assert fock["cutoffs"] == [9, 8]
    for name in BOTH:
        closed = report["unconditional"][name]
        assert fock["moments"][name] == pytest.approx(closed, rel=1e-13)
        assert 0.0 < abs(fock[name] - closed) < fock["truncation_error"][name] < 1e-3
    answer = steering("steady", *COLD, "--fock", "--cutoff", "9,8")
    assert (answer.code, answer.err) == (0, "")
    assert "E-|+, master equation (9 x 8 levels)" in answer.out
    assert f"{fock[BOTH[1]]:.10f} +- {fock['truncation_error'][BOTH[1]]:.0e}" in answer.out


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "--fock --theta-minus 0.25",
            "the state fits no truncated master equation: oscillator plus holds",
        ),
        ("--fock --theta-minus 0.25 --cutoff 20", "20 levels do not hold the 2.6e+06 quanta of oscillator minus"),
        ("--cutoff 20", "--cutoff has no meaning without --fock"),
        ("--fock --cutoff 3", "cutoffs must be 2 whole numbers of at least 4, got (3, 3)"),
    ],
)
def test_what_it_cannot_hold_is_one_line(steering: Run, line: str, message: str) -> None:
    answer = steering("steady", *line.split(), "--json")
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert answer.err.count("\n") == 1
