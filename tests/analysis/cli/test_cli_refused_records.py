"""Records and options of records that the commands refuse."""

from pathlib import Path

import pytest

from tests.analysis.cli.command import Run
from tests.analysis.cli.recorded import POINT, QUIET, filtered

ROWS = "time [s],cosine [s^0.5],sine [s^0.5]\n1e-6,1e-4,2e-4\n2e-6,-1e-4,1e-3\n3e-6,1e-4,2e-4\n"


LAB = "time [s],homodyne [s^0.5]\n1e-6,1e-4\n2e-6,-1e-4\n3e-6,1e-4\n"


BAD = [
    ("filter none.csv", ROWS, "File 'none.csv' does not exist"),
    ("filter .", ROWS, "File '.' is a directory"),
    ("filter", ROWS, "Missing argument 'RECORD'"),
    ("filter a.csv --scheme heterodyne", ROWS, "record 'a.csv' has cosine, sine, and this detection gives"),
    ("filter a.csv", LAB, "a lab-frame record (homodyne) needs a frequency"),
    ("filter a.csv --frequency 1e4", ROWS, "record 'a.csv' has cosine, sine, and this detection gives homodyne"),
    ("filter a.csv --demodulate 2", LAB, "--demodulate needs one --frequency for both oscillators"),
    ("filter a.csv --demodulate 2 --frequency 1e4,2e4", LAB, "--demodulate needs one --frequency for both"),
    ("filter a.csv --demodulate 2 --frequency 1e4", ROWS, "record 'a.csv' has cosine, sine: it is demodulated already"),
    ("filter a.csv --demodulate 4 --frequency 1e4", LAB, "record 'a.csv' has 3 intervals, fewer than the 4 to"),
    ("filter a.csv --demodulate 0 --frequency 1e4", LAB, "a whole number of at least 1, got 0"),
    ("filter a.csv --demodulate 1 --frequency 1e6", LAB, "is too long to follow the light"),
    ("filter a.csv --theta-minus 0.1", ROWS, "no steady state: the damping rate of oscillator minus is"),
    ("filter a.csv --calibration 0", ROWS, "calibration must be finite and not 0, got 0.0"),
    ("filter a.csv --calibration 1e200", ROWS, "check the detector, the unit and the calibration"),
    ("filter a.csv", ROWS.replace("2e-4", "0").replace("1e-3", "0"), "channel 'sine' reaches 0 times the vacuum noise"),
    ("filter a.csv --quantity current", ROWS, "is in s^0.5, which is the unit of the increment, not of the current"),
    ("filter a.csv --dead-time 1", ROWS, "dead time must be shorter than the record, 3e-06 s, got"),
    ("filter a.csv --dead-time -1us", ROWS, "dead_time must be at least 0 and finite, got -1e-06"),
    ("filter a.csv --engine qutip", ROWS, "'qutip' is not one of 'gaussian', 'fock'"),
    ("filter a.csv --cutoff 8", ROWS, "--cutoff has no meaning for --engine gaussian"),
    ("filter a.csv --jobs 100000", ROWS, "100000 is not in the range x<=1024"),
    ("filter a.csv --out no/where.nc", ROWS, "output 'no/where.nc': there is no directory 'no'"),
    ("filter a.csv --out a.csv", ROWS, "output 'a.csv' is the record itself, which would be overwritten"),
    ("filter a.csv --config a.csv", ROWS, "Invalid value for '--config': a.csv: "),
    ("filter a.csv", "#: efficency = 0.5\n" + ROWS, "unknown option 'efficency'; known are"),
    ("filter a.csv", "#: efficiency = 2\n" + ROWS, "efficiency must be at least 0 and at most 1, got 2.0"),
    ("filter a.csv", "#: bath-minus = [1]\n" + ROWS, "a.csv: bath must be hot, vacuum or LINEWIDTH_HZ,OCCUPATION"),
    ("filter a.csv", "#: json = true\n" + ROWS, "option 'json' cannot be given by a record: give it on the"),
    ("filter a.csv", '#: out = "b.nc"\n' + ROWS, "option 'out' cannot be given by a record: give it on the"),
    ("filter a.csv", "#: engine = 'fock'\n" + ROWS, "option 'engine' cannot be given by a record: give it on the"),
    ("filter a.csv", "time,cosine\n1,2\n", "record 'a.csv': line 1"),
    ("fit a.csv", ROWS, "Missing option '--parameters'"),
    ("fit a.csv --parameters colour", ROWS, "parameters must be of c-minus, c-plus, theta-minus"),
    ("fit a.csv --parameters loss,loss", ROWS, "parameter 'loss' is given twice"),
    ("fit a.csv --parameters c-minus --c-minus 0", ROWS, "c-minus must start above 0 to be fitted, got 0.0"),
    ("fit a.csv --parameters loss --scheme heterodyne", ROWS, "record 'a.csv' has cosine, sine, and this"),
    ("fit a.csv --parameters loss --theta-plus 0.2", ROWS, "no steady state: the damping rate of oscillator plus is"),
    ("fit a.csv --parameters loss --out a.csv", ROWS, "output 'a.csv' is the record itself"),
    ("fit a.csv --parameters loss --out no/where.toml", ROWS, "there is no directory 'no'"),
    ("simulate --save-records r.nc", ROWS, "--save-records writes the records of the trajectories kept: give --keep"),
    ("simulate --keep 2 --save-records r.csv", ROWS, "must go to a .nc file, or one alone to a .csv file, got 'r.csv'"),
    ("simulate --keep 1 --save-records r.txt", ROWS, "must go to a .nc file, or one alone to a .csv file, got 'r.txt'"),
    ("simulate --keep 1 --saves 1 --save-records r.csv", ROWS, "tells the length of its intervals by two of them"),
    ("simulate --keep 1 --save-records r.nc --out r.nc", ROWS, "dataset and records cannot share the file 'r.nc'"),
    (
        "simulate --keep 1 --save-records r.nc --out RUN --trajectories 5000 --part 2/2",
        ROWS,
        "the 1 trajectories kept are not in part 2/2: there is none to save",
    ),
    ("simulate --saves 1000000000", ROWS, "1000000000 is not in the range x<=100000"),
    ("simulate --saves 100000", ROWS, "can have at most 20000000 saves together, got 1000 times 100000"),
    ("simulate --trajectories 1000000000000", ROWS, "1000000000000 is not in the range x<=10000000"),
    ("simulate --engine fock --dt 1e-9", ROWS, "a trajectory can have at most 10000000 steps, got 5"),
    ("simulate --engine fock --dt 5e6 --duration 5e6 --saves 1", ROWS, "is more than 1000 times the step suggested"),
    ("simulate --verify --trajectories 9", ROWS, "--verify needs 10 trajectories, got 9"),
    ("simulate --verify --engine qutip --initial coherent:1,0,0", ROWS, "initial state must be"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "content", "message"), BAD, ids=[f"{n} {line}" for n, (line, *_) in enumerate(BAD)])
def test_bad_input_is_one_line(steering: Run, line: str, content: str, message: str) -> None:
    Path("a.csv").write_text(content)
    command, *rest = line.split()
    answer = steering(command, "--json", *rest)
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("steering: error: ")
    assert message in answer.err
    assert answer.err.count("\n") == 1
    # nothing is written, and nothing is lost
    assert [path.name for path in Path().iterdir()] == ["a.csv"]
    assert Path("a.csv").read_text() == content


def test_intervals_far_too_long_for_the_fock_engine(steering: Run) -> None:
    Path("a.csv").write_text(ROWS.replace("e-6", "e3"))
    answer = steering("filter", "a.csv", *QUIET, *POINT, "--engine", "fock", "--initial", "ground")
    assert (answer.code, answer.out) == (2, "")
    assert "intervals of 1000 s are more than 1000 times the 0.00" in answer.err
    assert filtered(steering, *POINT, "--initial", "ground", record="a.csv")["intervals"] == 3
