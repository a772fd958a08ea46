import numpy as np
import pytest
import qutip

from cascade_steering.sim.fock.basis.moments import moments
from cascade_steering.sim.fock.qutip.operators import initial_density, lindblad_operators, suggested_qutip_step
from cascade_steering.sim.initial_state import InitialState, coherent_state, ground_state, squeezed_state, thermal_state
from cascade_steering.sim.model.linear_model import LinearModel
from tests.sim.fock.systems import cascade, monitored


def random_density(dims: list[int], seed: int = 1) -> qutip.Qobj:
    return qutip.rand_dm(dims, seed=seed)


def reduced_slope(model: LinearModel, cutoffs: tuple[int, ...]) -> np.ndarray:
    """Tr_+ of the generator on one random, correlated state."""
    generator = lindblad_operators(model, cutoffs).liouvillian()
    slope = qutip.vector_to_operator(generator @ qutip.operator_to_vector(random_density(list(cutoffs))))
    return np.asarray(slope.ptrace(0).full())


def test_operators_are_the_sums_of_quadratures() -> None:
    model, cutoffs = monitored(cascade()), (5, 4)
    operators = lindblad_operators(model, cutoffs)
    quadratures = [
        qutip.tensor(*(factor(n) if mode == k else qutip.qeye(n) for k, n in enumerate(cutoffs)))
        for mode in (0, 1)
        for factor in (qutip.position, qutip.momentum)
    ]
    channels = [*np.sqrt(0.7) * model.monitored, *np.sqrt(0.3) * model.monitored, *model.unmonitored]
    for row, operator in zip(channels, [*operators.monitored, *operators.unmonitored], strict=True):
        expected = sum(c * x for c, x in zip(row, quadratures, strict=True))
        np.testing.assert_allclose(operator.full(), expected.full(), atol=1e-14)
    # the cascade's H has products of different oscillators only, which truncation leaves alone
    expected = sum(0.5 * model.hamiltonian[j, k] * quadratures[j] * quadratures[k] for j in range(4) for k in range(4))
    np.testing.assert_allclose(operators.hamiltonian.full(), expected.full(), atol=1e-14)


def test_an_oscillators_own_hamiltonian_keeps_its_top_level() -> None:
    free = LinearModel(
        hamiltonian=3.0 * np.eye(2),
        monitored=np.zeros((0, 2), complex),
        efficiency=np.zeros(0),
        unmonitored=np.zeros((0, 2), complex),
        record_names=(),
    )
    energies = np.diag(lindblad_operators(free, (4,)).hamiltonian.full())
    np.testing.assert_allclose(energies, 3.0 * (np.arange(4) + 0.5), rtol=1e-14)


def test_the_generator_preserves_the_trace() -> None:
    generator = lindblad_operators(monitored(cascade()), (4, 5)).liouvillian().full()
    assert np.max(np.abs(np.eye(20).ravel() @ generator)) < 1e-13


def test_the_second_oscillator_never_acts_on_the_first() -> None:
    reference = reduced_slope(monitored(cascade()), (5, 4))
    others = (
        cascade(loss=0.7),
        cascade(strengths=(1.0, 2.5), angles_pi=(0.40, 0.30)),
        cascade(linewidths=(0.3, 1.0), occupations=(0.1, 0.9)),
    )
    for other in others:
        np.testing.assert_allclose(reduced_slope(monitored(other), (5, 4)), reference, atol=1e-13)
    # and the check can fail: the first oscillator's own parameters do matter
    assert np.max(np.abs(reduced_slope(monitored(cascade(strengths=(1.5, 0.8))), (5, 4)) - reference)) > 1e-2


def test_channels_that_are_zero_are_dropped() -> None:
    lossless = lindblad_operators(monitored(cascade(loss=0.0, occupations=(0.0, 0.0)), efficiency=1.0), (3, 3))
    assert (len(lossless.monitored), len(lossless.unmonitored)) == (2, 2)
    blind = lindblad_operators(monitored(cascade(), efficiency=0.0), (3, 3))
    assert blind.monitored == ()
    assert blind.active == ()


def test_time_unit_rescales_the_generator() -> None:
    model = monitored(cascade())
    scaled = lindblad_operators(model, (3, 4), unit=0.01).liouvillian().full()
    np.testing.assert_allclose(scaled, 0.01 * lindblad_operators(model, (3, 4)).liouvillian().full(), atol=1e-15)


def test_moments_agree_with_qutip_on_a_state_without_symmetry() -> None:
    cutoffs = [5, 4]
    # the two top levels stay empty, so that products of truncated quadratures are right as well
    state = qutip.tensor(qutip.qeye(3), qutip.qeye(2)) * random_density([3, 2])
    state = qutip.Qobj(
        np.pad(state.full().reshape(3, 2, 3, 2), ((0, 2), (0, 2), (0, 2), (0, 2))).reshape(20, 20), dims=[cutoffs] * 2
    )
    x = [
        qutip.tensor(*(factor(n) if mode == k else qutip.qeye(n) for k, n in enumerate(cutoffs)))
        for mode in (0, 1)
        for factor in (qutip.position, qutip.momentum)
    ]
    mean, covariance = moments(state)
    np.testing.assert_allclose(mean, [qutip.expect(op, state) for op in x], atol=1e-14)
    expected = [[qutip.expect(a * b + b * a, state) / 2 for b in x] for a in x] - np.outer(mean, mean)
    np.testing.assert_allclose(covariance, expected, atol=1e-14)


def test_covariance_of_a_full_top_level_is_that_of_the_state() -> None:
    _, covariance = moments(qutip.fock_dm(3, 2))
    np.testing.assert_allclose(covariance, 2.5 * np.eye(2), atol=1e-14)


def test_initial_density_has_the_covariance_it_was_given() -> None:
    initial = thermal_state((0.5, 0.2))
    # tail beyond the levels: n̄ and the populations are off by (n̄/(n̄+1))^cutoff times some cutoff
    mean, covariance = moments(initial_density(initial, (25, 16)))
    np.testing.assert_allclose(mean, 0.0, atol=1e-14)
    np.testing.assert_allclose(covariance, initial.covariance, atol=1e-10)


CORRELATED = np.array([[1.1, 0.1, -0.5, 0.2], [0.1, 0.9, 0.1, 0.4], [-0.5, 0.1, 1.0, 0.0], [0.2, 0.4, 0.0, 0.8]])


@pytest.mark.slow
@pytest.mark.parametrize(
    "initial",
    [
        squeezed_state((0.4, -0.3), (0.3, 1.2)),
        coherent_state((0.6 - 0.4j, -0.2 + 0.5j)),
        InitialState(
            covariance=CORRELATED, scatter=np.zeros((4, 4)), name="pair", mean=np.array([0.3, -0.2, 0.1, 0.5])
        ),
    ],
    ids=["squeezed", "coherent", "correlated"],
)
def test_any_gaussian_state_has_the_moments_it_was_given(initial: InitialState) -> None:
    cutoff = 13
    mean, covariance = moments(initial_density(initial, (cutoff, cutoff)))
    # what is cut: populations fall by 0.38 a level at the largest symplectic eigenvalue, 1.1
    lost = 0.38**cutoff
    np.testing.assert_allclose(mean, initial.center, atol=cutoff * lost)
    np.testing.assert_allclose(covariance, initial.covariance, atol=cutoff**2 * lost)


@pytest.mark.parametrize(
    ("initial", "message"),
    [
        (thermal_state((3.0, 0.0)), "thermal does not fit 10 x 10 levels: 5.6 % of it"),
        (coherent_state((3.0, 0.0)), "coherent does not fit 10 x 10 levels"),
        (squeezed_state((1.8, 0.0)), "squeezed does not fit 10 x 10 levels"),
        (InitialState(covariance=np.eye(4), scatter=np.eye(4), name="spread"), "spread has scatter"),
    ],
    ids=["hot", "displaced", "squeezed", "scatter"],
)
def test_initial_states_it_cannot_hold_are_refused(initial: InitialState, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        initial_density(initial, (10, 10))


@pytest.mark.parametrize("cutoffs", [(1, 5), (5, 0), (5, -2), (5, 2.5), (True, 5), (5,), (5, 5, 5), 5])
def test_bad_cutoffs_are_refused(cutoffs: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="cutoff"):
        lindblad_operators(monitored(cascade()), cutoffs)


def test_suggested_step_shrinks_with_the_cutoff_and_scales_with_the_rates() -> None:
    model = monitored(cascade())
    assert suggested_qutip_step(model, (8, 8)) < suggested_qutip_step(model, (4, 4))
    faster = monitored(cascade(strengths=(10.0, 8.0), linewidths=(3.0, 2.0)))
    assert suggested_qutip_step(faster, (6, 6)) == pytest.approx(suggested_qutip_step(model, (6, 6)) / 10)
    still = monitored(cascade(strengths=(0.0, 0.0), linewidths=(0.0, 0.0)))
    with pytest.raises(ValueError, match="without Hamiltonian and channels"):
        suggested_qutip_step(still, (3, 3))


def test_ground_state_is_pure() -> None:
    assert initial_density(ground_state(), (2, 3)).purity() == pytest.approx(1.0)
