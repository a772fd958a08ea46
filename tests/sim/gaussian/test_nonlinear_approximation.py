"""The Gaussian approximation beside a polynomial: exact where it should be, and what it says of itself elsewhere."""

import warnings
from dataclasses import replace
from math import comb

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray
from scipy.linalg import expm

from cascade_steering.sim.fock.basis.normal_modes import normal_modes
from cascade_steering.sim.fock.basis.states import density_state
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.nonlinear import gaussian_steps
from cascade_steering.sim.gaussian.nonlinear.approximation import ApproximationWarning, GaussianApproximation
from cascade_steering.sim.gaussian.nonlinear.departure import LARGEST_DEPARTURE, cumulant_rates
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, coherent_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import ANNIHILATION, LinearModel
from cascade_steering.sim.model.polynomials import Polynomial, duffing, kerr
from cascade_steering.sim.noise import coarsen, generator, wiener_increments
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
# a polynomial with all its terms, bounded below
GENERAL = Polynomial(
    mode="a",
    terms={(4, 0): 0.3, (3, 1): 0.1, (2, 2): 0.4, (1, 3): -0.2, (0, 4): 0.5, (3, 0): 0.7, (1, 2): -0.6, (2, 1): 0.2,
           (2, 0): 0.3, (1, 1): -0.4, (1, 0): 0.9},
)  # fmt: skip
RATE, EFFICIENCY, BATH, OCCUPATION = 1.0, 0.8, 0.2, 0.3


def oscillator(*polynomials: Polynomial, efficiency: float = EFFICIENCY) -> LinearModel:
    """A damped oscillator in a thermal bath whose light is detected."""
    return LinearModel(
        hamiltonian=np.array([[0.5, 0.2], [0.2, 0.3]]),
        monitored=np.sqrt(RATE) * ANNIHILATION[None],
        efficiency=np.array([efficiency]),
        unmonitored=np.array(
            [np.sqrt(BATH * (OCCUPATION + 1)) * ANNIHILATION, np.sqrt(BATH * OCCUPATION) * ANNIHILATION.conj()]
        ),
        record_names=("y",),
        modes=("a",),
        nonlinear=polynomials,
    )


def quadratures(levels: int) -> tuple[NDArray[np.complex128], NDArray[np.complex128]]:
    a = qutip.destroy(levels)
    return ((a + a.dag()) / np.sqrt(2)).full(), ((a - a.dag()) / (1j * np.sqrt(2))).full()


def weyl(polynomial: Polynomial, levels: int) -> qutip.Qobj:
    """The symmetrised operator by McCoy's formula, on a larger space that is cut."""
    x, p = quadratures(levels + 6)
    total = np.zeros(x.shape, dtype=complex)
    power = np.linalg.matrix_power
    for (i, j), value in polynomial.pairs:
        total += value / 2**i * sum(comb(i, k) * power(x, k) @ power(p, j) @ power(x, i - k) for k in range(i + 1))
    return qutip.Qobj(total[:levels, :levels])


@pytest.mark.parametrize("name", ["mild", "hot_qnd"])
def test_without_a_polynomial_it_is_the_exact_filter_of_its_own_record(name: str) -> None:
    point = POINTS[name]
    model, unit = rwa(point.cascade, point.detection), point.cascade.time_unit
    start, grid = stationary_state(model), TimeGrid(step=0.02 * unit, steps_per_save=1, saves=20)
    found = GaussianApproximation().prepare(model, grid, start).run(1, range(3))
    for number in range(3):
        known = InitialState(
            covariance=start.covariance, scatter=0 * start.scatter, mean=found.means[number, 0], name="known"
        )
        wanted = filter_record(model, found.record[number], grid.step, known)
        scale = np.max(np.abs(wanted.means))
        # both in rounding alone
        assert np.max(np.abs(found.means[number] - wanted.means)) < 1e-12 * scale
        assert np.max(np.abs(found.covariances[number] - wanted.covariances)) < 1e-11 * np.max(wanted.covariances)


def test_the_averages_over_a_gaussian_state_are_exact() -> None:
    mean, covariance = np.array([0.7, -1.1]), np.array([[1.3, 0.4], [0.4, 0.6]])
    nodes, weights = np.polynomial.hermite_e.hermegauss(6)
    grid = np.stack(np.meshgrid(nodes, nodes, indexing="ij"), axis=-1) @ np.linalg.cholesky(covariance).T + mean
    weight = np.outer(weights, weights) / weights.sum() ** 2
    tables = gaussian_steps.derivative_tables(GENERAL)
    state = (*mean, covariance[0, 0], covariance[0, 1], covariance[1, 1])
    wanted = np.einsum("ij,ijk->k", weight, GENERAL.gradient(grid))
    assert np.allclose(gaussian_steps._slopes(tables, *state), wanted, rtol=1e-12)
    curvature = np.einsum("ij,ijkl->kl", weight, GENERAL.hessian(grid))
    found = gaussian_steps._curvatures(tables, *state)
    assert np.allclose(found, [curvature[0, 0], curvature[0, 1], curvature[1, 1]], rtol=1e-12)


def test_the_cumulants_that_a_polynomial_makes_are_those_of_quantum_mechanics() -> None:
    levels, time = 40, 5e-5
    model, squeezed = oscillator(GENERAL), np.array([[0.9, 0.3], [0.3, 0.4]])
    mean = np.array([0.4, -0.3])
    # a mixed, squeezed, displaced state
    start = InitialState(covariance=squeezed, scatter=0 * squeezed, mean=mean, name="squeezed")
    rates = cumulant_rates(model, mean, squeezed)
    x, p = quadratures(levels)
    state, hamiltonian = _gaussian_density(start, levels), weyl(GENERAL, levels).full()
    root = np.linalg.cholesky(squeezed)
    for direction in (np.array([1.0, 0.0]), np.array([0.6, 0.8]), np.array([-0.8, 0.6])):
        whitened = np.linalg.solve(root.T, direction)
        operator = whitened[0] * x + whitened[1] * p
        made = []
        for sign in (1.0, -1.0):
            unitary = expm(-1j * sign * time * hamiltonian)
            made.append(_cumulants(unitary @ state @ unitary.conj().T, operator))
        third, fourth = (np.array(made[0]) - np.array(made[1])) / (2 * time)
        # the error of the difference is of second order in the time
        assert np.isclose(np.einsum("ijk,i,j,k", rates[0], *[direction] * 3), third, rtol=1e-3, atol=1e-3)
        assert np.isclose(np.einsum("ijkl,i,j,k,l", rates[1], *[direction] * 4), fourth, rtol=1e-3, atol=1e-3)


def _gaussian_density(start: InitialState, levels: int) -> NDArray[np.complex128]:
    """The Gaussian state of these moments: the thermal state of a squeezed, displaced oscillator."""
    symplectic = normal_modes(start.covariance)
    x, p = quadratures(levels + 40)
    back = np.linalg.inv(symplectic)
    shifted = [x - start.center[0] * np.eye(len(x)), p - start.center[1] * np.eye(len(x))]
    own = [back[k, 0] * shifted[0] + back[k, 1] * shifted[1] for k in (0, 1)]
    spread = (back @ start.covariance @ back.T)[0, 0]
    energy = (own[0] @ own[0] + own[1] @ own[1] - np.eye(len(x))) / 2
    values, vectors = np.linalg.eigh(energy[: levels + 20, : levels + 20])
    ratio = (spread - 0.5) / (spread + 0.5)
    density = (vectors * ratio**values) @ vectors.conj().T
    density = density[:levels, :levels]
    return np.asarray(density / np.trace(density))


def _cumulants(state: NDArray[np.complex128], operator: NDArray[np.complex128]) -> tuple[float, float]:
    one = np.trace(state @ operator).real
    centred = operator - one * np.eye(len(operator))
    second, third, fourth = (np.trace(state @ np.linalg.matrix_power(centred, n)).real for n in (2, 3, 4))
    return third, fourth - 3 * second**2


def ends(factor: int, paths: int, model: LinearModel) -> FloatArray:
    fine = TimeGrid(step=1 / 512, steps_per_save=512, saves=1)
    grid = TimeGrid(step=factor / 512, steps_per_save=512 // factor, saves=1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ApproximationWarning)
        engine = GaussianApproximation().prepare(model, grid, coherent_state((1.5,)))
        runs = [engine.run_path(coarsen(wiener_increments(generator(3, k), fine, 1), factor)) for k in range(paths)]
    return np.array([np.concatenate([run.means[0, -1], run.covariances[0, -1].ravel()]) for run in runs])


def test_the_orders_of_the_step_are_one_on_a_path_and_two_on_average() -> None:
    model = oscillator(kerr("a", 0.3))
    errors = [float(np.sqrt(np.mean((ends(factor, 60, model) - ends(1, 60, model)) ** 2))) for factor in (64, 32, 16)]
    slope = np.log2(errors[0] / errors[2]) / 2
    # sixty paths fix each error to a tenth
    assert abs(slope - GaussianApproximation.strong_order) < 0.25, errors
    # without a record all records are one, and the path is not random
    unread = oscillator(kerr("a", 0.3), efficiency=0.0)
    errors = [float(np.max(np.abs(ends(factor, 1, unread) - ends(1, 1, unread)))) for factor in (64, 32, 16)]
    assert abs(np.log2(errors[0] / errors[2]) / 2 - GaussianApproximation.average_order) < 0.1, errors


def conditional_moments(model: LinearModel, path: FloatArray, step: float, levels: int) -> FloatArray:
    """⟨X⟩, ⟨P⟩, V_XX, V_XP and V_PP by QuTiP's stochastic master equation at the end of a path."""
    x, p = (qutip.Qobj(each) for each in quadratures(levels))
    rows = [row[0] * x + row[1] * p for row in model.channels]
    gain = np.sqrt(model.efficiency[0])
    quadratic = sum(
        (model.hamiltonian[i, j] / 2 * (x, p)[i] * (x, p)[j] for i in range(2) for j in range(2)), start=0 * x
    )
    solver = qutip.SMESolver(
        quadratic + weyl(model.nonlinear[0], levels),
        sc_ops=[gain * rows[0]],
        c_ops=[np.sqrt(1 - gain**2) * rows[0], *rows[1:]],
        heterodyne=False,
        options={"method": "platen", "dt": step, "progress_bar": "", "store_states": False},
    )
    times = step * np.arange(len(path) + 1)
    operators = [x, p, x * x, (x * p + p * x) / 2, p * p]
    run = solver.run_from_experiment(qutip.coherent_dm(levels, 1.0), times, path.T, e_ops=operators, measurement=False)
    one = np.real([each[-1] for each in run.expect])
    return np.array([*one[:2], one[2] - one[0] ** 2, one[3] - one[0] * one[1], one[4] - one[1] ** 2])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("polynomial", "holds"), [(kerr("a", 0.02), True), (kerr("a", 0.1), True), (duffing("a", 0.1), False)]
)
def test_it_holds_where_it_says_so_and_fails_where_it_warns(polynomial: Polynomial, holds: bool) -> None:
    model, step, steps = oscillator(polynomial), 1 / 500, 1000
    path = np.sqrt(step) * generator(8).standard_normal((steps, 1))
    grid = TimeGrid(step=4 * step, steps_per_save=steps // 20, saves=5)
    engine = GaussianApproximation().prepare(model, grid, coherent_state((1.0,)))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        run = engine.run_path(coarsen(path, 4))
    found = np.array([*run.means[0, -1], *run.covariances[0, -1][np.triu_indices(2)]])
    error = float(np.max(np.abs(found - conditional_moments(model, path, step, 18))))
    departure = float(run.diagnostics["departure"][0])
    assert bool(caught) == (departure > LARGEST_DEPARTURE) == (not holds)
    # measured over strengths from 0.01 to 0.3: the error of mean and covariance is 0.2 to 0.6 √departure, and that
    # of the two schemes of step 3e-3
    assert error < 2.0 * np.sqrt(departure) + 3e-3
    if not holds:
        assert error > 0.1


def test_a_trajectory_does_not_depend_on_its_block() -> None:
    model = oscillator(kerr("a", 0.05))
    grid = TimeGrid.over(1.0, saves=2, step=0.02)
    start = InitialState(covariance=np.eye(2) * 0.6, scatter=np.eye(2) * 4.0, name="scattered")
    engine = GaussianApproximation().prepare(model, grid, start)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ApproximationWarning)
        whole, part = engine.run(5, range(6)), engine.run(5, range(4, 6))
    assert np.array_equal(whole.covariances[4:], part.covariances)
    assert np.array_equal(whole.record[4:], part.record)


def test_what_it_cannot_do_is_refused_in_a_line() -> None:
    model, grid, method = oscillator(kerr("a", 0.1)), TimeGrid.over(1.0, saves=1, step=0.01), GaussianApproximation()
    with pytest.raises(ValueError, match=r"^the Gaussian approximation cannot start from .*, which is not Gaussian$"):
        method.prepare(model, grid, density_state(qutip.basis(4, 1)))
    hot = InitialState(covariance=np.eye(2) * 0.5, scatter=np.eye(2) * 1e6, name="hot")
    with pytest.raises(ValueError, match=r"^a step of 0\.01 s is more than 100 times the step of .* suggested"):
        method.require_step(model, grid, hot)
    strong = replace(model, nonlinear=(kerr("a", 1e12),))
    with pytest.raises(ArithmeticError, match=r"^the Gaussian approximation has left the numbers"):
        method.prepare(strong, grid, hot).run(0, range(2))
