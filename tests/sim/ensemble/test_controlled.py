"""Ensembles in a closed loop: the same for any division of the work, refused where a loop cannot be closed."""

from pathlib import Path

import numpy as np
import pytest
import qutip

from cascade_steering.sim.control.digital import sampled_ideal
from cascade_steering.sim.controller import Controller
from cascade_steering.sim.ensemble.local_measurements import Verification
from cascade_steering.sim.ensemble.simulate import grid_for, simulate
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.gaussian.controlled_moments import controlled_moments
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import ANNIHILATION, LinearModel
from cascade_steering.sim.outputs.saving import Save
from cascade_steering.sim.runs.directory import RunDirectory
from tests.support.chance import variances
from tests.support.stored import Made
from tests.support.systems import COLD, Point, cascade

# γ₋ = −1.4 γ₀
POINT = Point(cascade=cascade(5.0, 8.0, 0.05, 0.45, (COLD, COLD)))
MODEL = rwa(POINT.cascade, POINT.detection)
START = ground_state()
GRID = TimeGrid(step=0.4, steps_per_save=1, saves=5)


def controller(interval: float = 0.1) -> Controller:
    return sampled_ideal(MODEL, np.eye(4), np.eye(4), interval=interval, initial=START, grid=GRID)


@pytest.mark.parametrize(("block", "jobs"), [(7, 1), (40, 2)])
def test_a_closed_loop_is_the_same_in_any_blocks(block: int, jobs: int) -> None:
    settings = {"trajectories": 40, "seed": 3, "keep": 40, "control": controller()}
    whole = simulate(MODEL, Gaussian(block=40), GRID, START, **settings)
    parts = simulate(MODEL, Gaussian(block=block), GRID, START, jobs=jobs, **settings)
    for name in ("trajectory_mean", "record", "displacement"):
        assert np.array_equal(whole[name], parts[name])
    assert whole["displacement"].dims == ("trajectory", "interval", "quadrature")
    assert (whole.attrs["control"], whole.attrs["control_interval"]) == ("ideal", 0.1)
    # the open loop has other means, grown by e^{γt/2}, and no displacement
    bare = simulate(MODEL, Gaussian(), GRID, START, trajectories=40, seed=3, keep=40)
    assert "displacement" not in bare
    assert "control" not in bare.attrs
    assert np.std(bare["trajectory_mean"][:, -1]) > 3 * np.std(whole["trajectory_mean"][:, -1])


def test_steps_divide_the_control_interval() -> None:
    whole = TimeGrid.over(2.0, saves=5)
    method = Fock(cutoffs=(6, 6))
    free = grid_for(method, MODEL, START, 2.0, saves=5)
    grid = grid_for(method, MODEL, START, 2.0, saves=5, control_interval=whole.save_interval / 7)
    assert free.steps_per_save % 7
    assert grid.steps_per_save % 7 == 0
    assert grid.step <= free.step
    assert controller(whole.save_interval / 7).steps_of(grid) == grid.steps_per_save // 7
    with pytest.raises(ValueError, match=r"^a control interval must be a whole number of steps, got"):
        grid_for(method, MODEL, START, 2.0, saves=5, step=0.1, control_interval=0.4 / 7)


def test_observables_need_the_levels_of_the_controlled_ensemble() -> None:
    # an oscillator that is heated by the light alone, which is read: V_c stays ½, and without the record V = e^{κt} − ½
    raised = ANNIHILATION.conj()[None]
    model = LinearModel(
        hamiltonian=np.zeros((2, 2)), monitored=np.concatenate([raised, 1j * raised]) / np.sqrt(2.0),
        efficiency=np.ones(2), unmonitored=np.zeros((0, 2)), record_names=("cosine", "sine"),
    )  # fmt: skip
    start, grid = ground_state(1), TimeGrid(step=1.0, steps_per_save=1, saves=4)
    held = sampled_ideal(model, np.eye(2), np.eye(2), interval=0.1, initial=start, grid=grid)
    save = Save(observables={"n": qutip.num(12)})
    with pytest.raises(
        ValueError, match=r"have 12 levels, and at t = 2 s 1[0-9]\.\d % of the ensemble lies above them"
    ):
        simulate(model, Gaussian(), grid, start, trajectories=2, save=save)
    n = 2000
    found = simulate(model, Gaussian(), grid, start, trajectories=n, save=save, control=held)
    exact = controlled_moments(model, held, grid, start).covariances[-1]
    quanta = (exact[0, 0] + exact[1, 1] - 1.0) / 2
    assert 0.0 < quanta < 0.1
    # half a sum of squares of two means, each of variance quanta
    low, high = variances(1, 2 * n)
    assert low * quanta < float(found["expectation"][-1, 0]) < high * quanta


def test_a_loop_that_cannot_be_closed_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^the engine 'made' cannot close a loop: it does not declare"):
        simulate(MODEL, Made(), GRID, START, trajectories=2, control=controller())
    with pytest.raises(ValueError, match=r"^an experiment takes the record of an open loop"):
        simulate(
            MODEL, Gaussian(), GRID, START, trajectories=2, control=controller(),
            experiment=Verification.of(MODEL, GRID, START),
        )  # fmt: skip
    with pytest.raises(ValueError, match=r"^a save interval must be a whole number of control intervals"):
        simulate(MODEL, Gaussian(), TimeGrid(step=0.15, steps_per_save=1, saves=2), START, trajectories=2,
                 control=controller())  # fmt: skip
    with pytest.raises(ValueError, match="take the frame squeezed or moving, not rest"):
        Fock(cutoffs=(6, 6), frame="rest").prepare(MODEL, TimeGrid(step=0.01, steps_per_save=40, saves=5), START,
                                                   controller())  # fmt: skip


def test_a_run_belongs_to_its_controller(tmp_path: Path) -> None:
    def opened(control: Controller | None) -> RunDirectory:
        return RunDirectory.open(
            tmp_path / "run", model=MODEL, method=Gaussian(block=5), grid=GRID, initial=START, trajectories=10, seed=2,
            keep=10, control=control,
        )  # fmt: skip

    first = simulate(
        MODEL, Gaussian(block=5), GRID, START, trajectories=10, seed=2, keep=10, control=controller(),
        store=opened(controller()),
    )  # fmt: skip
    again = simulate(
        MODEL, Gaussian(block=5), GRID, START, trajectories=10, seed=2, keep=10, control=controller(),
        store=opened(controller()),
    )  # fmt: skip
    assert first.identical(again)
    for other in (None, controller(0.2)):
        with pytest.raises(ValueError, match="it belongs to another configuration: control"):
            opened(other)
