"""A record as an oscilloscope writes it, in volts, with a mean and a line, through the command line."""

import math
from pathlib import Path

import pytest

from tests.analysis.cli.command import Run
from tests.analysis.cli.recorded import POINT, filtered, fitted, simulated

COLUMNS = ("--columns", "time='Time (ms)',cosine='X (V)',sine='Y (V)'", "--skip-rows", "2")
VOLTS = ("--quantity", "current")
CLEANED = ("--detrend", "0", "--notch", "1500")


@pytest.fixture
def scope(steering: Run) -> str:
    """The name of the file, beside which record.csv is the record without all that, and a record of vacuum."""
    simulated(steering, "--duration", "5", "--saves", "4000", "--seed", "4")
    text = Path("record.csv").read_text()
    rows = [[float(cell) for cell in line.split(",")] for line in text.splitlines() if line[0].isdigit()]
    interval = rows[1][0] - rows[0][0]
    mains = [0.5 * math.sqrt(interval) * math.sin(2 * math.pi * 1500 * (row[0] - interval / 2)) for row in rows]
    lines = [
        f"{1e3 * end!r}\t{(cosine + line) / interval / 3e3 + 7!r}\t{(sine - line) / interval / 2e3!r}\t0"
        for (end, cosine, sine), line in zip(rows, mains, strict=True)
    ]
    said = "".join(line + "\n" for line in text.splitlines() if line.startswith("#:"))
    body = "\n".join(["Time (ms)\tX (V)\tY (V)\tTrigger", *lines]).replace(".", ",")
    Path("scope.txt").write_text(f"Scope; A, B\n2025\n{said}{body}\n", encoding="utf-16")
    return "scope.txt"


@pytest.mark.slow
def test_a_record_of_a_scope_says_what_the_record_behind_it_says(steering: Run, scope: str) -> None:
    clean = filtered(steering)
    found = filtered(steering, *COLUMNS, *VOLTS, *CLEANED, "--calibration", "cosine=3e3,sine=2e3", record=scope)
    assert clean["innovations"]["fits"]
    assert found["innovations"]["fits"]
    assert found["intervals"] == 4000
    assert found["notes"] == [
        "left aside: 'Trigger'", "subtracted: the mean, 1500 Hz, 3 of 4000 degrees of freedom of each channel"
    ]  # fmt: skip
    # E follows from the numbers of the experiment alone; the means have lost three functions of 4000 intervals
    assert found["final"]["E_plus_given_minus"] == pytest.approx(clean["final"]["E_plus_given_minus"], rel=1e-9)
    assert found["final"]["mean"][0] == pytest.approx(clean["final"]["mean"][0], abs=0.3)
    # what is there of the line is no noise
    bare = filtered(steering, *COLUMNS, *VOLTS, "--calibration", "cosine=3e3,sine=2e3", record=scope)
    assert not bare["innovations"]["fits"]
    found = filtered(steering, *COLUMNS, *VOLTS, *CLEANED, "--calibration", "auto", record=scope)
    assert found["innovations"]["fits"]
    assert found["notes"][-1].startswith("calibration from its white floor: cosine ")


@pytest.mark.slow
def test_what_a_fit_writes_reads_the_record_in_the_same_way(steering: Run, scope: str) -> None:
    how = (*COLUMNS, *VOLTS, *CLEANED, "--calibration", "auto", "--parameters", "efficiency", "--out", "fitted.toml")
    report = fitted(steering, *how, record=scope).report
    one = report["estimates"]["efficiency"]
    clean = fitted(steering, "--parameters", "efficiency").report["estimates"]["efficiency"]
    # the calibration from the floor is known to 2.4/√4000/2 = 2 %, of which the efficiency makes some
    assert one["value"] == pytest.approx(clean["value"], abs=0.15)
    assert report["innovations"]["fits"]
    again = steering("filter", scope, "--json", "--config", "fitted.toml", "--out", "again.nc").report
    assert again["innovations"]["samples"] == 4000
    assert again["parameters"]["efficiency"] == pytest.approx(one["value"])
    assert again["notes"][:2] == [
        "left aside: 'Trigger'", "subtracted: the mean, 1500 Hz, 3 of 4000 degrees of freedom of each channel"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("--calibration auto --bandwidth 1e3", "--calibration auto takes the white floor at the highest frequencies"),
        ("--calibration cosine=1", "calibration must be one number, or one for each of cosine, sine, got cosine"),
        ("--calibration cosine=1,tea=2", "calibration must be a number, auto, or as in cosine=1.2,sine=1.3"),
        ("--calibration 1 --vacuum-record record.csv", "a calibration is given, and a record of vacuum"),
        ("--columns cosine", "columns must be as in time='Time (ms)',cosine='X (V)'"),
        ("--columns cosine=X", "column 'cosine' is said to be 'X', of which there are 0 in 'time [s]'"),
        ("--interval 1", "an interval is a positive time with its unit, as in 0.1us, got '1'"),
        ("--interval 1us", "there is a column 'time [s]', and an interval is given for files without times"),
        ("--skip-rows -1", "skip_rows must be a whole number of at least 0, got -1"),
        ("--detrend 10", "the degree of the trend must be at most 9, got 10"),
        ("--notch 1e9", "a line at 1e+09 Hz is beyond half of the rate of sampling"),
        ("--notch 5:", "expected one finite number, got ''"),
        ("--notch 0", "a line is FREQUENCY or FREQUENCY:WIDTH in Hz, none negative, got '0'"),
    ],
)
def test_what_cannot_be_is_one_line(steering: Run, options: str, message: str) -> None:
    rows = "".join(f"{n}e-6,{n % 3 - 1}e-3,{n % 5 - 2}e-3\n" for n in range(1, 60))
    Path("record.csv").write_text("time [s],cosine [s^0.5],sine [s^0.5]\n" + rows)
    answer = steering("filter", "record.csv", "--json", *POINT, *options.split())
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert answer.err.count("\n") == 1
