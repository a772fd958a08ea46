import dataclasses
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import qutip
import scipy.linalg as la
import scipy.sparse as sp

from cascade_steering.sim.fock.basis.diagnostics import CutoffWarning, UnphysicalStateError, inspect
from cascade_steering.sim.fock.basis.moments import FockMoments
from cascade_steering.sim.fock.basis.states import density_state
from cascade_steering.sim.fock.master_equation import sector_solver, solve
from cascade_steering.sim.fock.master_equation.sector import Sector, phase_invariant, sector_generator
from cascade_steering.sim.fock.master_equation.sector_moments import inspect_sector
from cascade_steering.sim.fock.master_equation.sector_solver import SectorPropagator, dissected, stationary_vector
from cascade_steering.sim.fock.master_equation.solve import evolve, population_sector, steady_fock_state
from cascade_steering.sim.fock.qutip.operators import lindblad_operators
from cascade_steering.sim.gaussian.covariance import transient
from cascade_steering.sim.initial_state import InitialState, coherent_state, ground_state, squeezed_state, thermal_state
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Cascade, Detection
from tests.sim.fock.systems import cascade, eq4, monitored


def warm(occupations: tuple[float, float], path_phase: float = 0.0) -> Cascade:
    system = cascade(loss=0.1, occupations=occupations, linewidths=(0.4, 0.5))
    return dataclasses.replace(system, path_phase_pi=path_phase / math.pi)


# baths that leave about 1, 2 and 5 quanta in each oscillator
ONE, TWO, FIVE = (2.6, 2.2), (5.8, 4.9), (15.5, 13.0)


def detuned(model: LinearModel, frequency: float) -> LinearModel:
    """Turns a₋ and a₊ alike, which n₋ − n₊ does not mind and ρ for k ≠ 0 does."""
    return dataclasses.replace(model, hamiltonian=model.hamiltonian + frequency * np.eye(4))


def squeezed(model: LinearModel) -> LinearModel:
    return dataclasses.replace(model, hamiltonian=model.hamiltonian + np.diag([0.2, -0.1, 0.0, 0.1]))


MODELS: dict[str, LinearModel] = {
    "cold": monitored(cascade()),
    "warm": monitored(warm(TWO)),
    "path phase": monitored(warm(ONE, path_phase=0.8)),
    "no R": monitored(cascade(strengths=(1.0, 1.0), angles_pi=(0.4, 0.4), loss=0.0)),
    "strongly squeezed": monitored(cascade((1.0, 1.0), (0.30, 0.31), 0.0, (0.0, 0.0), (0.01, 0.01))),
    "slow second": monitored(cascade((1.0, 1e-4), (0.30, 0.40), 0.0, (0.0, 0.0), (0.01, 1e-6))),
    "no light through": monitored(cascade(loss=1.0)),
    "detuned": detuned(monitored(warm(ONE, path_phase=0.8)), 1.7),
    "heterodyne": rwa(cascade(), Detection.si(lo_phase=0.4, efficiency=0.6, scheme="heterodyne")),
}
EVERY = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
small_cutoffs = pytest.mark.filterwarnings("ignore::cascade_steering.sim.fock.basis.diagnostics.CutoffWarning")


@EVERY
def test_the_rotating_wave_model_has_the_symmetry(model: LinearModel) -> None:
    assert phase_invariant(model)


def test_other_models_have_not() -> None:
    model = monitored(cascade())
    assert not phase_invariant(lab(cascade(), Detection(), frequency_hz=8.0))
    assert not phase_invariant(squeezed(model))
    # the cosine part of the sidebands once more, without its sine
    assert not phase_invariant(dataclasses.replace(model, unmonitored=model.monitored[:1]))
    one = LinearModel(
        hamiltonian=np.eye(2),
        monitored=np.zeros((0, 2), dtype=complex),
        efficiency=np.zeros(0),
        unmonitored=np.array([[1.0, 1.0j]]),
        record_names=(),
    )
    assert not phase_invariant(one)


def disagreement(inside: sp.csr_array, model: LinearModel, cutoffs: tuple[int, int]) -> float:
    """Of a generator on vectors with QuTiP's Liouvillian, on a random Hermitian ρ, relative."""
    places = Sector(cutoffs)
    density = places.density(vector := np.random.default_rng(1).normal(size=places.size)).toarray()
    whole = sp.csr_array(lindblad_operators(model, cutoffs).liouvillian().data_as("csr_matrix"))
    expected = (whole @ density.ravel(order="F")).reshape(density.shape, order="F")
    assert places.holds(expected)
    return float(np.max(np.abs(places.density(inside @ vector) - expected)) / np.max(np.abs(expected)))


@EVERY
def test_the_generator_is_the_liouvillians(model: LinearModel) -> None:
    cutoffs = (5, 4)
    inside = sector_generator(model, Sector(cutoffs))
    assert disagreement(inside, model, cutoffs) < 1e-14
    # Tr 𝓛ρ = 0
    np.testing.assert_allclose(inside[:20].sum(axis=0), 0.0, atol=1e-14 * abs(inside).max())


@pytest.mark.parametrize(
    "wrong",
    [
        {"hamiltonian": np.zeros((4, 4))},
        {"hamiltonian": 0.01 * np.eye(4)},
        {"unmonitored": MODELS["path phase"].unmonitored[1:]},
        {"monitored": MODELS["path phase"].monitored.conj()},
    ],
    ids=["no Hamiltonian", "detuned", "a channel dropped", "conjugated"],
)
def test_a_wrong_generator_is_seen(wrong: dict[str, Any]) -> None:
    model = MODELS["path phase"]
    inside = sector_generator(dataclasses.replace(model, **wrong), Sector((5, 4)))
    assert disagreement(inside, model, (5, 4)) > 1e-3


def test_vectors_and_densities_are_the_same_states() -> None:
    places = Sector((5, 4))
    vector = np.random.default_rng(1).normal(size=places.size)
    density = places.density(vector).toarray()
    np.testing.assert_array_equal(density, density.conj().T)
    np.testing.assert_allclose(places.vector(density), vector, rtol=1e-15)


def test_the_sector_is_what_the_liouvillian_couples_to_the_populations() -> None:
    whole = sp.csc_array(lindblad_operators(MODELS["cold"], (5, 4)).liouvillian().data_as("csr_matrix"))
    places = Sector((5, 4))
    ket, bra = (np.ravel_multi_index(tuple(numbers), (5, 4)) for numbers in (places.ket, places.bra))
    np.testing.assert_array_equal(np.sort(20 * bra + ket), population_sector(whole, 20))
    np.testing.assert_array_equal(places.index(places.ket, places.bra), np.arange(places.size))


@small_cutoffs
@EVERY
def test_the_steady_state_is_qutips(model: LinearModel) -> None:
    result = steady_fock_state(model, (6, 5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # QuTiP's own, of sparse formats
        expected = qutip.steadystate(lindblad_operators(model, (6, 5)).liouvillian())
    np.testing.assert_allclose(result.state.full(), expected.full(), atol=1e-11)
    assert result.residual < 1e-15


@small_cutoffs
@pytest.mark.parametrize("name", ["cold", "warm", "path phase"])
def test_the_steady_state_at_8_by_8_is_qutips(name: str) -> None:
    result = steady_fock_state(MODELS[name], (8, 8))
    expected = qutip.steadystate(lindblad_operators(MODELS[name], (8, 8)).liouvillian()).full()
    np.testing.assert_allclose(result.state.full(), expected, atol=1e-13)
    mean, covariance, diagnostics = inspect(expected, FockMoments((8, 8)))
    np.testing.assert_allclose(result.mean, mean, atol=1e-13)
    np.testing.assert_allclose(result.covariance, covariance, atol=1e-13)
    np.testing.assert_allclose(result.diagnostics.top_population, diagnostics.top_population, atol=1e-14)
    assert result.diagnostics.min_eigenvalue == pytest.approx(diagnostics.min_eigenvalue, abs=1e-14)
    assert result.diagnostics.trace_error < 1e-14


@pytest.mark.few(1)
@pytest.mark.parametrize("occupations", [ONE, TWO, FIVE], ids=["one", "two", "five"])
def test_the_error_falls_as_the_tail_does(occupations: tuple[float, float]) -> None:
    system, low, high = warm(occupations), 24, 32
    expected = eq4(system)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CutoffWarning)
        small, large = (
            np.max(np.abs(steady_fock_state(monitored(system), (n, n)).covariance - expected)) for n in (low, high)
        )
    quanta = np.max(np.diag(expected)) - 0.5
    # populations fall by n/(n + 1) a level; beside this exponential the defect N p_top of [X, P] and the quanta
    # left out grow with N: a power of it between 0 and 2
    tail = (quanta / (quanta + 1)) ** (high - low)
    assert tail < large / small < tail * (high / low) ** 2


def test_the_path_phase_leaves_the_first_oscillator_alone_and_turns_the_correlation() -> None:
    straight, turned = (steady_fock_state(monitored(warm(ONE, path_phase=phase)), (24, 24)) for phase in (0.0, math.pi))
    np.testing.assert_allclose(turned.covariance[:2, 2:], -straight.covariance[:2, 2:], atol=1e-12)
    model = MODELS["path phase"]
    expected = transient(model, np.eye(4), np.array([200.0]), conditional=False)[0]
    result = steady_fock_state(model, (24, 24)).covariance
    np.testing.assert_allclose(result, expected, atol=2e-5)
    assert abs(result[0, 3]) > 0.01


@pytest.mark.few(3)
@small_cutoffs
@EVERY
def test_evolution_is_the_exponential(model: LinearModel) -> None:
    # from a pure state, over a hundredth and ten times a lifetime
    cutoffs, times = (4, 5), np.array([0.0, 0.01, 0.3, 10.0])
    start = density_state(qutip.tensor(qutip.fock(4, 2), qutip.fock(5, 1)))
    result = evolve(model, cutoffs, start, times, states=True)
    assert result.states is not None
    liouvillian = lindblad_operators(model, cutoffs).liouvillian().full()
    initial = result.states[0].full().ravel(order="F")
    for time, state in zip(times, result.states, strict=True):
        expected = (la.expm(time * liouvillian) @ initial).reshape((20, 20), order="F")
        np.testing.assert_allclose(state.full(), expected, atol=1e-11)


@pytest.mark.parametrize("initial", [ground_state(), thermal_state((0.3, 0.1))], ids=["ground", "thermal"])
def test_evolution_is_mesolves(initial: InitialState) -> None:
    model, times = MODELS["cold"], np.array([0.0, 0.1, 0.5, 2.0])
    result = evolve(model, (9, 8), initial, times, states=True)
    assert result.states is not None
    operators = lindblad_operators(model, (9, 8))
    options = {"atol": 1e-12, "rtol": 1e-10, "nsteps": 10**6, "store_states": True}
    expected = qutip.mesolve(operators.liouvillian(), result.states[0], times, options=options).states
    for state, other in zip(result.states, expected, strict=True):
        np.testing.assert_allclose(state.full(), other.full(), atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("path_phase", [0.0, 0.8])
def test_evolution_is_the_moments_at_larger_cutoffs(path_phase: float) -> None:
    model, initial = monitored(warm(ONE, path_phase)), thermal_state((0.5, 0.2))
    times = np.array([0.0, 0.05, 0.4, 1.0, 4.0])
    result = evolve(model, (24, 24), initial, times)
    expected = transient(model, initial.covariance, times[1:], conditional=False)
    # truncation: 4e-6 (φ = 0) in the steady state, 1e-5 on the way to it
    np.testing.assert_allclose(result.covariances[1:], expected, atol=2e-5)
    # before any quanta have come to the top, the integrator's own
    np.testing.assert_allclose(result.covariances[1], expected[0], atol=1e-10)
    np.testing.assert_array_equal(result.means, 0.0)
    assert result.diagnostics.trace_error < 1e-12
    assert result.diagnostics.min_eigenvalue > -1e-12
    assert result.states is None


def test_evolution_ends_in_the_steady_state_and_stays_there() -> None:
    model = MODELS["cold"]
    end = steady_fock_state(model, (10, 10))
    late = evolve(model, (10, 10), ground_state(), np.array([0.0, 1e-3, 1.0, 1e3]))
    np.testing.assert_allclose(late.covariances[-1], end.covariance, atol=1e-11)
    still = evolve(model, (10, 10), density_state(end.state), np.array([0.0, 1.0, 50.0]))
    np.testing.assert_allclose(still.covariances, end.covariance[None].repeat(3, axis=0), atol=1e-11)


def test_a_fast_rotation_is_taken_in_pieces() -> None:
    model, places = detuned(MODELS["cold"], 40.0), Sector((5, 4))
    inside = sector_generator(model, places)
    start = np.random.default_rng(2).normal(size=places.size)
    found = SectorPropagator(inside, places).advance(start, 3.0)
    np.testing.assert_allclose(found, la.expm(3.0 * inside.toarray()) @ start, atol=1e-10 * np.linalg.norm(start))


def test_what_does_not_converge_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sector_solver, "_LARGEST", 1)
    with pytest.raises(UnphysicalStateError, match=r"the evolution over .* s does not converge"):
        evolve(MODELS["cold"], (5, 5), ground_state(), np.array([0.0, 1.0]))


def test_a_generator_with_many_steady_states_is_an_error() -> None:
    places = Sector((3, 3))
    nothing = sp.csr_array((places.size, places.size))
    with pytest.raises(UnphysicalStateError, match="the steady state is not unique"):
        stationary_vector(nothing, places)


def test_the_dissection_numbers_every_point_once() -> None:
    places = Sector((9, 7)).places
    np.testing.assert_array_equal(np.sort(dissected(places)), np.arange(places.shape[1]))
    np.testing.assert_array_equal(dissected(places[:, :3]), [0, 1, 2])
    assert dissected(places[:, :0]).size == 0


def test_a_state_that_is_none_is_an_error() -> None:
    places = Sector((3, 3))
    vector = places.vector(np.eye(9, dtype=complex) / 9)
    for wrong, message in (
        (2.0 * vector, "not a density matrix: trace 2"),
        (np.where(np.arange(places.size) == 0, np.nan, vector), "not finite"),
        (vector + 0.2 * (np.arange(places.size) == 9), "smallest eigenvalue -"),
    ):
        with pytest.raises(UnphysicalStateError, match=message):
            inspect_sector(wrong, places)


def spied(monkeypatch: pytest.MonkeyPatch, names: tuple[str, ...]) -> list[str]:
    """Which of these functions of the master equation are called."""
    called: list[str] = []

    def spy(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args: (called.append(name), function(*args))[1]

    for name in names:
        monkeypatch.setattr(solve, name, spy(name, getattr(solve, name)))
    return called


@pytest.mark.slow
@small_cutoffs
def test_the_sector_is_chosen_where_model_and_state_allow(monkeypatch: pytest.MonkeyPatch) -> None:
    called = spied(monkeypatch, ("_steady_in_sector", "_steady_in_full", "_path_in_sector", "_path_in_full"))
    model, times = MODELS["cold"], np.array([0.0, 0.01])
    steady_fock_state(model, (5, 5))
    steady_fock_state(squeezed(model), (4, 4))
    assert called == ["_steady_in_sector", "_steady_in_full"]
    called.clear()
    starts: tuple[InitialState, ...] = (
        ground_state(), coherent_state((0.3, 0.0)), squeezed_state((0.2, 0.0)),
        density_state(qutip.ket2dm(qutip.tensor(qutip.fock(3, 1), qutip.fock(3, 1)))),
        # 00 + 11 is invariant, 00 + 10 is not
        density_state((qutip.basis([3, 3], [0, 0]) + qutip.basis([3, 3], [1, 1])).unit()),
        density_state((qutip.basis([3, 3], [0, 0]) + qutip.basis([3, 3], [1, 0])).unit()),
    )  # fmt: skip
    for start in starts:
        evolve(model, (6, 6), start, times)
    inside, outside = "_path_in_sector", "_path_in_full"
    assert called == [inside, outside, outside, inside, inside, outside]
    evolve(squeezed(model), (4, 4), ground_state(), times)
    assert called[-1] == outside


def test_the_master_equation_never_sees_the_whole_liouvillian(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object) -> None:
        raise AssertionError("the whole Liouvillian was asked for")

    monkeypatch.setattr(solve, "lindblad_operators", refuse)
    result = steady_fock_state(MODELS["cold"], (20, 16))
    assert np.max(np.abs(result.covariance - eq4(cascade()))) < 1e-9
    assert result.state.dims == [[20, 16], [20, 16]]
    evolve(MODELS["cold"], (12, 12), ground_state(), np.array([0.0, 0.1]))
