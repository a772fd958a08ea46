import pickle
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.sim.ensemble import local_measurements
from cascade_steering.sim.ensemble.local_measurements import Verification
from cascade_steering.sim.ensemble.pooling import Moments
from cascade_steering.sim.ensemble.simulate import simulate
from cascade_steering.sim.gaussian.covariance import stationary_state, transient
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, Trajectories, ground_state, thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.noise import standard_normals
from tests.support.chains import clients_and_server
from tests.support.chance import quadratic
from tests.support.systems import COLD, MONITORED, POINTS

FloatArray = NDArray[np.float64]
# one short interval: what was drawn at the start is still there at the end
SHORT = TimeGrid(step=0.05, steps_per_save=1, saves=1)
COUNT, SEED = 8000, 5
# each setting has a quarter of the runs, or half of them
BEYOND = quadratic(40, COUNT // 4)


def model_of(name: str) -> LinearModel:
    return rwa(POINTS[name].cascade, POINTS[name].detection)


def block(experiment: Verification, indices: range) -> Trajectories:
    return Gaussian().prepare(experiment.model, experiment.grid, experiment.initial).run(SEED, indices)


def tally(experiment: Verification, indices: range = range(COUNT)) -> dict[str, Moments]:
    return experiment.tally(SEED, indices, block(experiment, indices))


def sigmas(experiment: Verification) -> float:
    """Largest deviation of the moments of all samples from what the covariances say, in standard deviations.

    Errors of the filter have the covariance V_c, its means V_u − V_c, and none in common. Of n samples S_ij is known to
    √((S_ii S_jj + S_ij²)/n).
    """
    worst = 0.0
    for setting, found in zip(experiment.settings, tally(experiment).values(), strict=True):
        seen, unseen = (setting.axes @ v @ setting.axes.T for v in (experiment.conditional, experiment.unconditional))
        exact = np.block([[seen, np.zeros((2, 2))], [np.zeros((2, 2)), unseen - seen]])
        spread = np.sqrt((np.outer(np.diag(exact), np.diag(exact)) + exact**2) / found.count)
        worst = max(worst, float(np.abs((found.covariance - exact) / spread).max()))
    return worst


def short(name: str = "mild") -> Verification:
    model = model_of(name)
    return Verification.of(model, SHORT, stationary_state(model))


def test_outcomes_are_those_of_the_state() -> None:
    # two settings for each scheme, ten numbers each
    assert sigmas(short()) < BEYOND


def test_a_pair_among_more_oscillators_is_measured() -> None:
    model = clients_and_server(3, 4, 0.3, 0.4, COLD, loss=0.1, efficiency=0.7)
    start = stationary_state(model)
    experiment = Verification.of(model, SHORT, start, ("server", "client_1"))
    assert experiment.pair == ("server", "client_1")
    assert experiment.identity["pair"] == ["server", "client_1"]
    order = [4, 5, 0, 1]
    whole = transient(model, start.unconditional, SHORT.times[-1:], conditional=False)[0]
    np.testing.assert_array_equal(experiment.unconditional, whole[np.ix_(order, order)])
    assert sigmas(experiment) < BEYOND
    with pytest.raises(ValueError, match=r"the model has 3: pair must say which of client_1, client_2, server$"):
        Verification.of(model, SHORT, start)
    # the moments of another pair are others
    other = replace(experiment, pair=("server", "client_2"))
    assert sigmas(other) > 2 * BEYOND


def test_the_noise_of_the_trajectory_itself_would_show(monkeypatch: pytest.MonkeyPatch) -> None:
    # a trajectory of one interval takes 4 numbers for its start and 6 for the interval
    def own(entropy: int, trajectories: range, *_: int) -> FloatArray:
        return standard_normals(entropy, trajectories, 10)[:, :2]

    monkeypatch.setattr(local_measurements, "standard_normals", own)
    assert sigmas(short()) > 2 * BEYOND


@pytest.mark.parametrize("wrong", ["noise", "filter"])
def test_so_would_too_much_noise_and_a_filter_that_knows_the_start(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    experiment = short()
    if wrong == "noise":
        monkeypatch.setattr(local_measurements, "standard_normals", lambda *where: 1.4 * standard_normals(*where))
    else:
        known = replace(experiment.initial, scatter=np.zeros((4, 4)))
        monkeypatch.setattr(
            local_measurements, "filter_record", lambda m, record, t, _: filter_record(m, record, t, known)
        )
    assert sigmas(experiment) > 2 * BEYOND


@pytest.mark.parametrize("name", ["hot_qnd", "path_phase", "hot"])
def test_blocks_do_not_matter(name: str) -> None:
    model = model_of(name)
    experiment = Verification.of(model, TimeGrid(step=1e-3, steps_per_save=1, saves=5), stationary_state(model))
    whole = tally(experiment, range(1000))
    parts = [tally(experiment, range(first, min(first + 70, 1000))) for first in range(0, 1000, 70)]
    for key, moments in whole.items():
        joined = reduce(Moments.joined, (part[key] for part in parts))
        scale = np.sqrt(np.diag(moments.deviations))
        assert joined.count == moments.count == 1000 // len(experiment.settings)
        # the rounding of sums of 1000 numbers
        assert joined.mean == pytest.approx(moments.mean, abs=1e-13 * scale.max())
        assert np.abs((joined.deviations - moments.deviations) / np.outer(scale, scale)).max() < 1e-13


@pytest.mark.parametrize("indices", [range(1), range(3, 4), range(7, 9), range(0)])
def test_a_block_may_leave_settings_out(indices: range) -> None:
    experiment = short()
    counts = [moments.count for moments in tally(experiment, indices).values()]
    assert counts == [sum(i % 4 == place for i in indices) for place in range(4)]


@pytest.mark.slow
def test_workers_do_not_matter() -> None:
    experiment = short()
    ensembles = [
        simulate(
            experiment.model,
            Gaussian(block=9),
            SHORT,
            experiment.initial,
            trajectories=40,
            jobs=jobs,
            experiment=experiment,
        )
        for jobs in (1, 2)
    ]
    assert [name for name in ensembles[0] if "tally" in str(name)]
    assert ensembles[0].equals(ensembles[1])


def test_trajectories_may_each_have_a_covariance() -> None:
    experiment = short("path_phase")
    trajectories = block(experiment, range(10, 40))
    own = np.broadcast_to(trajectories.covariances, (30, *trajectories.covariances.shape))
    shared, each = (
        experiment.tally(SEED, range(10, 40), replace(trajectories, covariances=v))
        for v in (trajectories.covariances, own)
    )
    for name, moments in shared.items():
        # one product of matrices or a stack of them: the last bits may differ
        largest = np.abs(moments.deviations).max()
        np.testing.assert_allclose(moments.deviations, each[name].deviations, rtol=0, atol=1e-12 * largest)


def test_one_set_of_runs_where_the_angle_is_shared() -> None:
    assert [(each.name, each.angle_pi) for each in short("hot").settings] == [("X", 0.0), ("P", 0.0)]
    assert short("hot").identity == {"experiment": "verification", "settings": ["X", "P"]}
    apart = short("path_phase")
    assert [each.name for each in apart.settings] == [
        "X_unconditional",
        "P_unconditional",
        "X_conditional",
        "P_conditional",
    ]
    assert [each.serves for each in apart.settings[1:3]] == [("unconditional",), ("conditional",)]
    again = pickle.loads(pickle.dumps(apart))
    assert again.settings == apart.settings == short("path_phase").settings


@pytest.mark.parametrize("name", POINTS)
def test_correlations_are_a_reflection(name: str) -> None:
    # what is left across, relative to the variances: rounding, and an angle known to half of 1e-9 π
    experiment = short(name)
    for setting in experiment.settings:
        for scheme in setting.serves:
            covariance = getattr(experiment, scheme)
            other = next(s for s in experiment.settings if scheme in s.serves and s.quadrature != setting.quadrature)
            rows = np.vstack([setting.axes, other.axes])
            turned = rows @ covariance @ rows.T
            scale = np.sqrt(np.diag(turned))
            across = (turned / np.outer(scale, scale))[:2, 2:]
            assert np.abs(across).max() < 2e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Odd(InitialState):
    @property
    def gaussian(self) -> bool:
        return False


def test_only_gaussian_states_of_two_oscillators_are_verified() -> None:
    ground = ground_state()
    odd = Odd(covariance=ground.covariance, scatter=ground.scatter, name="odd")
    with pytest.raises(ValueError, match="cannot start from odd, which is not Gaussian"):
        Verification.of(model_of("mild"), SHORT, odd)
    with pytest.raises(ValueError, match="verification measures two oscillators, the model has 1"):
        Verification.of(MONITORED["warm"].model, SHORT, thermal_state((1.0,)))


def test_another_grid_is_refused() -> None:
    experiment = short()
    longer = replace(experiment, grid=TimeGrid(step=0.05, steps_per_save=1, saves=2))
    with pytest.raises(ValueError, match=r"3 trajectories over 1 save intervals, got shape \(3, 2, 2\)"):
        experiment.tally(SEED, range(3), block(longer, range(3)))
