from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.runs.manifest import NAME, Manifest
from tests.support.stored import NEARBY, OTHER_MODEL, Case, Made, Squares, everything, same
from tests.support.systems import POINTS

pytest_plugins = ["tests.support.stored_runs"]


CHANGES: dict[str, tuple[dict[str, Any], str]] = {
    "model": (
        {"model": OTHER_MODEL}, r"model\.hamiltonian\[\d\]\[\d\] is \S+ there and \S+ now; .*; and \d+ more$"
    ),
    "method": (
        {"method": Gaussian(block=4)},
        r'method\.engine is "made" there and "gaussian" now; method\.number is 1\.0 there and not given now',
    ),
    "block": ({"method": Made(block=5)}, "block is 4 there and 5 now"),
    "step": ({"grid": TimeGrid(step=0.2, steps_per_save=1, saves=2)}, "step is 0.1 there and 0.2 now"),
    "steps per save": ({"grid": TimeGrid(step=0.1, steps_per_save=3, saves=2)}, "steps_per_save is 1 there and 3 now"),
    "saves": ({"grid": TimeGrid(step=0.1, steps_per_save=1, saves=3)}, "saves is 2 there and 3 now"),
    "initial": ({"initial": thermal_state((1.0, 2.0))}, 'initial_state is "ground" there and "thermal" now'),
    "initial of that name": (
        {"initial": thermal_state((1.0, 2.0), name="ground")},
        r"initial\.covariance\[0\]\[0\] is 0\.5 there and 1\.5 now",
    ),
    "seed": ({"seed": 8}, "seed is 7 there and 8 now"),
    "keep": ({"keep": 7}, "keep is 6 there and 7 now"),
    "experiment": ({"experiment": Squares(power=3)}, r"experiment\.power is 2 there and 3 now"),
    "no experiment": ({"experiment": None}, "experiment is .*powers.* there and not given now"),
    "configuration": (
        {"configuration": {"loss": 0.1, "new": 1}}, "loss is 0.2 there and 0.1 now; new is not given there and 1 now"
    ),
    "no configuration": ({"configuration": None}, "loss is 0.2 there and not given now"),
}  # fmt: skip


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("begun") / "run"
    Case(configuration={"loss": 0.2}).run(run)
    return run


@pytest.mark.parametrize("name", CHANGES)
def test_another_configuration_is_refused_by_name_and_the_run_left_alone(begun: Path, name: str) -> None:
    before = everything(begun)
    changes, message = CHANGES[name]
    with pytest.raises(ValueError, match=rf"^'.*run' cannot be continued: .*{message}"):
        replace(Case(configuration={"loss": 0.2}), **changes).opened(begun)
    assert everything(begun) == before


def test_the_same_configuration_made_anew_is_accepted(begun: Path) -> None:
    model = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
    # what the last bits of another machine's cosine may change
    for each, loss in ((model, 0.2), (NEARBY, 0.2 + 2**-55)):
        assert len(Case(model=each, configuration={"loss": loss}).opened(begun).done()) == 6


@pytest.mark.parametrize(
    ("trajectories", "message"),
    [
        (21, "^22 trajectories are done in '.*run': fewer cannot be asked for"),
        (1, "^22 trajectories are done"),
        (0, "^trajectories must be a whole number of at least 1, got 0"),
    ],
)
def test_counts_that_cannot_be_leave_the_run_alone(begun: Path, trajectories: int, message: str) -> None:
    before = everything(begun)
    case = Case(trajectories=trajectories, configuration={"loss": 0.2})
    with pytest.raises(ValueError, match=message):
        case.opened(begun)
    assert everything(begun) == before


def test_what_is_no_run_is_refused_and_left_alone(tmp_path: Path) -> None:
    full, file, deep = tmp_path / "full", tmp_path / "file", tmp_path / "nowhere" / "run"
    full.mkdir()
    (full / "thesis.tex").write_text("years of work")
    file.write_text("a file")
    for path, message in (
        (full, "'.*full' is a directory with something else in it: give a new one, or a run's"),
        (file, "'.*file' is a file; a run needs a directory"),
        (deep, "there is no directory '.*nowhere'"),
    ):
        with pytest.raises(ValueError, match=message):
            Case().opened(path)
        with pytest.raises(ValueError, match=r"is no run directory: it has no manifest\.json"):
            Manifest.read(path)
    assert everything(tmp_path) == {"full/thesis.tex": b"years of work", "file": b"a file"}


def test_a_directory_that_is_empty_but_for_what_a_kill_left_becomes_a_run(tmp_path: Path) -> None:
    for name in ("empty", "killed"):
        (tmp_path / name).mkdir()
    (tmp_path / "killed" / f".{NAME}.x8f2.part").write_text("half")
    for name in ("empty", "killed"):
        same(Case().run(tmp_path / name))
