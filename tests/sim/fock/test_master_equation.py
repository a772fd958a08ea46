import warnings

import numpy as np
import pytest
import qutip
import scipy.sparse as sp

from cascade_steering.sim.fock.basis.diagnostics import CutoffWarning
from cascade_steering.sim.fock.master_equation.solve import evolve, population_sector, steady_fock_state
from cascade_steering.sim.fock.qutip.operators import lindblad_operators
from cascade_steering.sim.gaussian.covariance import transient
from cascade_steering.sim.initial_state import InitialState, coherent_state, thermal_state
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Cascade, UnstableError
from tests.sim.fock import reference
from tests.sim.fock.systems import cascade, eq4, imbalance, monitored

POINTS = {
    "R<0, loss": cascade(),
    "R>0, no loss": cascade(angles_pi=(0.45, 0.40), loss=0.0, strengths=(1.0, 0.8), occupations=(0.2, 0.0)),
    "R<0, no loss": cascade(angles_pi=(0.41, 0.43), loss=0.0, occupations=(0.0, 0.1), linewidths=(0.3, 0.5)),
    "R>0, loss": cascade(strengths=(0.5, 1.5), angles_pi=(0.48, 0.42), loss=0.4, occupations=(0.3, 0.1)),
}


@pytest.mark.parametrize("system", POINTS.values(), ids=POINTS)
def test_steady_state_is_eq4(system: Cascade) -> None:
    result = steady_fock_state(monitored(system), (12, 12))
    np.testing.assert_allclose(result.mean, 0.0, atol=1e-12)
    # truncation: a few times the defect
    assert np.max(result.diagnostics.commutator_defect) < 2e-7
    np.testing.assert_allclose(result.covariance, eq4(system), atol=1e-6)


def test_points_cover_both_signs_of_r() -> None:
    signs = {name: np.sign(imbalance(system)) for name, system in POINTS.items()}
    assert all((sign > 0) == ("R>0" in name) for name, sign in signs.items())


def test_steady_state_agrees_with_qutips() -> None:
    model = monitored(cascade())
    expected = qutip.steadystate(lindblad_operators(model, (5, 6)).liouvillian())
    result = steady_fock_state(model, (5, 6))
    np.testing.assert_allclose(result.state.full(), expected.full(), atol=1e-13)
    assert result.residual < 1e-15


def test_steady_state_without_symmetry_agrees_with_qutips() -> None:
    model = monitored(cascade())
    squeezed = LinearModel(
        hamiltonian=model.hamiltonian + np.diag([0.2, -0.1, 0.0, 0.1]),
        monitored=model.monitored,
        efficiency=model.efficiency,
        unmonitored=model.unmonitored,
        record_names=model.record_names,
    )
    operators = lindblad_operators(squeezed, (5, 5))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", CutoffWarning)
        result = steady_fock_state(squeezed, (5, 5))
    np.testing.assert_allclose(result.state.full(), qutip.steadystate(operators.liouvillian()).full(), atol=1e-13)


def test_rotating_wave_sector_is_the_weak_symmetrys() -> None:
    generator = sp.csc_array(lindblad_operators(monitored(cascade()), (5, 4)).liouvillian().data_as("csr_matrix"))
    m_minus, m_plus, n_minus, n_plus = np.unravel_index(np.arange(400), (5, 4, 5, 4))
    expected = np.flatnonzero(n_minus - n_plus == m_minus - m_plus)
    np.testing.assert_array_equal(population_sector(generator, 20), expected)


def test_loss_alone_changes_the_second_oscillator_and_not_the_first() -> None:
    clean, lossy = (steady_fock_state(monitored(cascade(loss=loss)), (10, 10)).covariance for loss in (0.0, 0.3))
    np.testing.assert_allclose(lossy[:2, :2], clean[:2, :2], atol=1e-7)
    assert abs(lossy[2, 2] - clean[2, 2]) > 1e-3
    assert abs(lossy[0, 2]) < abs(clean[0, 2]) - 1e-2


def test_order_of_the_oscillators_matters() -> None:
    forward = cascade()
    backward = Cascade(minus=forward.plus, plus=forward.minus, loss=forward.loss)
    there = steady_fock_state(monitored(forward), (10, 10)).covariance
    back = steady_fock_state(monitored(backward), (10, 10)).covariance
    assert abs(there[0, 0] - back[2, 2]) > 1e-3


def test_evolution_follows_the_moment_equations() -> None:
    model, initial = monitored(cascade()), thermal_state((0.3, 0.1))
    times = np.array([0.0, 0.1, 0.5, 2.0])
    result = evolve(model, (12, 10), initial, times, states=True)
    expected = reference.covariances(model, initial.covariance, times, conditional=False)
    np.testing.assert_allclose(result.covariances, expected, atol=2e-6)
    np.testing.assert_allclose(result.means, 0.0, atol=1e-10)
    assert result.states is not None
    assert len(result.states) == 4
    assert result.diagnostics.trace_error < 1e-9
    assert result.diagnostics.min_eigenvalue > -1e-10


def test_reference_ends_in_eq4() -> None:
    # the reference of these tests, tested
    system = cascade()
    model = monitored(system)
    v = eq4(system)
    slope = reference.drift(model) @ v + v @ reference.drift(model).T + reference.diffusion(model)
    np.testing.assert_allclose(slope, 0.0, atol=1e-14)


@pytest.mark.parametrize("initial", [thermal_state((0.3, 0.1)), coherent_state((0.4, -0.2j))], ids=["sector", "full"])
def test_evolution_starts_at_time_0_as_the_moments_do(initial: InitialState) -> None:
    model, cutoffs = monitored(cascade()), (11, 9)
    late = np.array([0.5, 0.5, 2.0])
    found = evolve(model, cutoffs, initial, late, states=True)
    whole = evolve(model, cutoffs, initial, np.array([0.0, 0.5, 2.0]))
    # the integrator of the full equation is good to 1e-9, another choice of steps on the way is all that differs
    np.testing.assert_allclose(found.covariances[[0, 2]], whole.covariances[1:], atol=1e-8)
    np.testing.assert_array_equal(found.covariances[0], found.covariances[1])
    assert found.states is not None
    assert len(found.states) == 3
    exact = transient(model, initial.covariance, late, conditional=False)
    # truncation, as above; the state at t = 0 is off by 0.1 and more
    np.testing.assert_allclose(found.covariances, exact, atol=2e-5)
    assert np.abs(exact[0] - initial.covariance).max() > 0.05


@pytest.mark.parametrize(
    ("times", "message"),
    [
        ([0.0, 1.0, 0.5], "times must be finite, at least 0 and increasing"),
        ([0.0, np.nan], "times must be finite, at least 0 and increasing"),
        ([-1.0, 1.0], "times must be finite, at least 0 and increasing"),
        ([], "times must be at least one, got none"),
        ([[0.0, 1.0]], "times must be an array of one dimension"),
    ],
)
def test_bad_times_are_refused(times: list[float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        evolve(monitored(cascade()), (4, 4), thermal_state((0.0, 0.0)), np.array(times))


def test_a_cutoff_too_small_is_reported() -> None:
    with pytest.warns(CutoffWarning, match=r"oscillator plus: .* is in the top of 4 levels.*raise the cutoffs"):
        result = steady_fock_state(monitored(cascade(occupations=(0.0, 1.0), linewidths=(0.3, 1.0))), (12, 4))
    assert len(result.diagnostics.messages) == 1
    starts, runs = pytest.warns(CutoffWarning, match="does not fit"), pytest.warns(CutoffWarning, match="tor minus")
    with starts, runs:
        evolve(monitored(cascade()), (3, 12), thermal_state((0.2, 0.0)), np.array([0.0, 0.1]))


def test_the_commutator_defect_is_the_operators_own() -> None:
    with pytest.warns(CutoffWarning):
        result = steady_fock_state(monitored(cascade()), (4, 5))
    for mode, n in enumerate((4, 5)):
        x, p = qutip.position(n), qutip.momentum(n)
        defect = abs(qutip.expect(-1j * (x * p - p * x), result.state.ptrace(mode)) - 1)
        assert result.diagnostics.commutator_defect[mode] == pytest.approx(defect, rel=1e-9)


@pytest.mark.parametrize("angles_pi", [(0.1, 0.44), (0.44, 0.1)])
def test_an_unstable_model_has_no_steady_state(angles_pi: tuple[float, float]) -> None:
    with pytest.raises(UnstableError, match="no steady state"):
        steady_fock_state(monitored(cascade(angles_pi=angles_pi)), (5, 5))
