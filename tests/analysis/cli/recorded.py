"""Common to tests of commands that take a record: a setup, and its record simulated, filtered and fitted."""

from typing import Any

import numpy as np
import pytest
import xarray as xr
from numpy.typing import NDArray

from tests.analysis.cli.command import BOTH, Answer, Run

FloatArray = NDArray[np.float64]
# rates of order 1 and states of few quanta: both engines hold them
POINT = (
    "--c-minus", "5", "--c-plus", "5", "--bath-minus", "1,0.5", "--bath-plus", "1,0.5", "--theta-minus", "0.4",
    "--theta-plus", "0.45", "--loss", "0.1", "--efficiency", "0.9", "--lo-phase", "0.3",
)  # fmt: skip
QUIET = ("--json", "--jobs", "1")


def simulated(steering: Run, *options: str, keep: int = 1, to: str = "record.csv") -> xr.Dataset:
    """The dataset of a simulation whose records are saved."""
    kept = ("--keep", str(keep), "--trajectories", str(max(keep, 2)))
    steering("simulate", *QUIET, *POINT, *kept, "--out", "simulated.nc", "--save-records", to, *options)
    return dataset("simulated.nc")


def dataset(path: str) -> xr.Dataset:
    with xr.open_dataset(path) as file:
        return file.load()


def filtered(steering: Run, *options: str, record: str = "record.csv") -> dict[str, Any]:
    answer = steering("filter", record, *QUIET, "--out", "filtered.nc", *options)
    assert answer.code == 0, answer.err
    return answer.report


def assert_same(one: dict[str, Any], other: dict[str, Any], rel: float = 1e-9) -> None:
    """The same states, likelihood and verdict up to rounding, with the vacuum variance ½ as scale of zeros."""
    for name in ("mean", "covariance", *BOTH):
        np.testing.assert_allclose(one["final"][name], other["final"][name], rtol=rel, atol=rel)
    assert one["log_likelihood"] == pytest.approx(other["log_likelihood"], rel=rel)
    assert one["innovations"]["fits"] == other["innovations"]["fits"]


# hot baths, a strong record, both poles of its spectrum in it
TELLING = (
    "--bath-minus", "hot", "--bath-plus", "hot", "--c-minus", "10", "--c-plus", "20", "--theta-minus", "0.3",
    "--theta-plus", "0.4", "--efficiency", "0.8", "--loss", "0", "--duration", "200", "--saves", "5000",
)  # fmt: skip


def fitted(steering: Run, *options: str, record: str = "record.csv") -> Answer:
    answer = steering("fit", record, "--json", *options)
    assert answer.code == 0, answer.err
    return answer
