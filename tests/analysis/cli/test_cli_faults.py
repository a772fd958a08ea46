"""Faults through the command line: put into a record on purpose, told, and called."""

from io import StringIO
from pathlib import Path

import numpy as np
import pytest

from tests.analysis.cli.command import Run
from tests.analysis.cli.recorded import QUIET, dataset, filtered, simulated


def _rows(path: str) -> str:
    return "".join(line for line in Path(path).read_text().splitlines(keepends=True) if line[0].isdigit())


SMALL = ("--duration", "20", "--saves", "1000")


@pytest.mark.slow
def test_a_fault_is_in_the_saved_record_alone_and_the_file_says_so(steering: Run) -> None:
    simulated(steering, *SMALL, to="clean.csv")
    for to in ("bad.csv", "bad.nc"):
        faults = ("--fault", "line:0.01:1e3", "--fault", "dropout:40@cosine")
        simulated(steering, *SMALL, *faults, to=to)
        answer = steering("filter", to, *QUIET)
        assert answer.report["faults"] == ["line:0.01:1000", "dropout:40:0.5@cosine"]
        assert answer.report["suspects"][0]["intervals"] == 40
        lines = answer.err.splitlines()
        assert lines[0] == (
            "steering: warning: faults were put into this record: line:0.01:1000, dropout:40:0.5@cosine"
        )
        assert lines[1] == (
            "steering: warning: cosine: 40 exact zeros, intervals 500 to 539, which no noise does; they are a gap now"
        )
    # outside of it the record is that without faults, and the ensemble has none
    clean, bad = (np.loadtxt(StringIO(_rows(path)), delimiter=",")[:, 2] for path in ("clean.csv", "bad.csv"))
    assert 0 < np.abs(clean - bad).max() < 0.011 * np.abs(clean).max()
    np.testing.assert_array_equal(dataset("simulated.nc")["record"][0, :, 1], clean)


def test_suspect_values_are_a_gap_or_refused_or_kept(steering: Run) -> None:
    simulated(steering, *SMALL, "--fault", "dropout:200", to="r.csv")
    gap = filtered(steering, record="r.csv")
    assert gap["innovations"]["fits"]
    assert len(gap["gaps_seconds"]) == 1
    kept = filtered(steering, "--suspect", "keep", record="r.csv")
    assert not kept["innovations"]["fits"]
    assert kept["gaps_seconds"] == []
    assert kept["innovations"]["findings"][0]["kind"] == "impossible"
    refused = steering("filter", "r.csv", *QUIET, "--suspect", "refuse")
    assert (refused.code, refused.out) == (2, "")
    assert refused.err.startswith(
        "steering: error: record 'r.csv': cosine and sine: 200 exact zeros, intervals 500 to 699"
    )
    assert refused.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--fault", "clip:3"), "--fault is put into the records that --save-records writes: give --save-records"),
        (("--fault", "clop:3"), "fault must be one of line, offset"),
        (("--fault", "clip:3@homodyne", "--save-records", "r.csv"), "the record has cosine, sine"),
        (("--fault", "dropout:0.5", "--save-records", "r.csv"), "count of fault dropout must be a whole number"),
    ],
)
def test_wrong_faults_are_refused_in_one_line(steering: Run, options: tuple[str, ...], message: str) -> None:
    answer = steering("simulate", *QUIET, "--keep", "1", "--trajectories", "2", "--saves", "3", *options)
    assert (answer.code, answer.out) == (2, "")
    assert message in answer.err
    assert answer.err.count("\n") == 1
