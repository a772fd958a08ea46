"""What is kept beyond means and records, through a run on disk: resumed, merged, and never mixed up."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import qutip
import xarray as xr

from cascade_steering.sim.ensemble.dataset import save as write
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.fock.observing.kept_states import state_of
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.initial_state import ground_state
from cascade_steering.sim.outputs.observables import quanta
from cascade_steering.sim.outputs.saving import NOTHING, Save
from cascade_steering.sim.runs.merge import merge
from tests.sim.fock.agreement import MODEL, SHORT
from tests.support.stored import Case

NUMBER = qutip.tensor(qutip.num(8), qutip.qeye(8))
SAVE = Save(covariances=True, purity=True, observables={"n": NUMBER, "quanta": quanta(1)}, states="end")
CASES: dict[str, Any] = {
    "gaussian": Case(
        model=MODEL, grid=SHORT, method=Gaussian(block=4), trajectories=10, keep=6, experiment=None, save=SAVE
    ),
    "fock": Case(
        model=MODEL, grid=SHORT, method=Fock(cutoffs=(6, 6), block=2), trajectories=5, keep=3, experiment=None,
        initial=ground_state(), save=SAVE,
    ),
}  # fmt: skip


# six seconds
DEAR = {"fock": pytest.mark.slow}


@pytest.fixture(scope="module", params=[pytest.param(name, marks=DEAR.get(name, ())) for name in CASES])
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = CASES[request.param]
    return found


@pytest.fixture(scope="module")
def whole(case: Case) -> xr.Dataset:
    return case.run(None)


def test_an_interrupted_run_ends_as_if_it_never_had_been(case: Case, whole: xr.Dataset, tmp_path: Path) -> None:
    run = tmp_path / "run"
    case.run(run, blocks=1)
    xr.testing.assert_identical(case.run(run), whole)
    # and once more, all of it from disk
    xr.testing.assert_identical(case.run(run), whole)


def test_parts_that_are_merged_are_the_whole(case: Case, whole: xr.Dataset, tmp_path: Path) -> None:
    parts = [tmp_path / f"part-{number}" for number in (1, 2)]
    for number, part in enumerate(parts, start=1):
        case.run(part, part=(number, 2))
    merge(tmp_path / "all", parts)
    xr.testing.assert_identical(case.run(tmp_path / "all"), whole)


@pytest.mark.few(2)
@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (NOTHING, "save.covariances is true there and not given now"),
        (replace(SAVE, purity=False), "save.purity is true there and false now"),
        (replace(SAVE, states="saves"), 'save.states is "end" there and "saves" now'),
        (replace(SAVE, observables={"n": 2 * NUMBER, "quanta": quanta(1)}), "save.observables.n.matrix"),
        (replace(SAVE, observables={"n": NUMBER, "quanta": quanta(0)}), "save.observables.quanta.quadratic"),
    ],
)
def test_a_run_that_kept_something_else_is_not_continued(tmp_path: Path, other: Save, difference: str) -> None:
    case = CASES["gaussian"]
    case.run(tmp_path / "run", blocks=1)
    with pytest.raises(ValueError, match=f"cannot be continued.*{difference}"):
        replace(case, save=other).run(tmp_path / "run")


def test_states_are_read_from_a_file_as_they_were(case: Case, whole: xr.Dataset, tmp_path: Path) -> None:
    write(whole, tmp_path / "whole.nc")
    with xr.open_dataset(tmp_path / "whole.nc") as found:
        xr.testing.assert_identical(found.load(), whole)
        for trajectory in range(2):
            there, here = (state_of(each, trajectory, levels=(6, 6)) for each in (found, whole))
            assert (there - here).norm() == 0.0
            assert np.abs(here.tr() - 1.0) < 1e-4
