"""One click on a Gaussian state in closed form: moments and Wigner function, cold and hot, efficient and not."""

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.fock.counting.heralded import Heralded, StateInFrame, fidelity, herald
from cascade_steering.sim.gaussian.covariance import conditional_state
from cascade_steering.sim.initial_state import InitialState, squeezed_state, thermal_state
from cascade_steering.sim.model.cascade import lit
from cascade_steering.sim.model.counters import CountedChannel, Counter
from cascade_steering.sim.model.detectors import demodulated, detect
from cascade_steering.sim.model.linear_model import ANNIHILATION
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

TWO_MODES = CountedChannel(name="both", rows=np.array([[0.7, 0.2 + 0.6j, -0.3j, 0.4]]))
HOT = POINTS["hot"]
MODEL = detect(lit(HOT.cascade), demodulated(HOT.detection), Counter(ports=("lower",), share=0.2, name="lower"))


def squeezed_thermal(occupation: float, mean: FloatArray) -> InitialState:
    """Two oscillators squeezed together, each normal mode of the same occupation."""
    r, (x, p) = 0.6, ([0, 2], [1, 3])
    covariance = (occupation + 0.5) * np.cosh(2 * r) * np.eye(4)
    covariance[x, x[::-1]] = (occupation + 0.5) * np.sinh(2 * r)
    covariance[p, p[::-1]] = -(occupation + 0.5) * np.sinh(2 * r)
    return InitialState(covariance=covariance, scatter=np.zeros((4, 4)), name="squeezed", mean=mean)


def hot(quanta: float) -> InitialState:
    """Given the record at 1e5 quanta in the baths, displaced by so many quanta."""
    found, mean = conditional_state(MODEL), np.sqrt(quanta) * np.array([1.0, 1.0, -1.0, 1.0])
    return InitialState(covariance=found.covariance, scatter=np.zeros((4, 4)), name="hot", mean=mean)


TWO_QUANTA = InitialState(
    covariance=2.5 * np.diag([3.0, 1 / 3.0]), scatter=np.zeros((2, 2)), name="two quanta", mean=np.array([0.4, -0.7])
)
CASES = {
    "ground": (squeezed_thermal(0.0, np.zeros(4)), TWO_MODES),
    "two quanta": (TWO_QUANTA, CountedChannel(name="one", rows=np.array([[0.4, 0.3 + 0.6j]]))),
    "displaced": (squeezed_thermal(0.1, np.array([0.5, -0.3, 1.0, 0.2])), TWO_MODES),
    "hot": (hot(0.0), MODEL.counted[0]),
    "hot and far away": (hot(1e5), MODEL.counted[0]),
}


def closed(initial: InitialState, row: ComplexArray) -> tuple[float, FloatArray, FloatArray, ComplexArray]:
    """⟨L†L⟩, mean and V after a click of L = c·x, and a = (V + iΣ/2)c; with λ = c·x̂, L = c·δ + λ."""
    v, mean = initial.covariance, initial.center
    a, amplitude = (v + 0.5j * symplectic_form(len(v) // 2)) @ row, row @ mean
    still = (row.conj() @ a).real
    rate = still + abs(amplitude) ** 2
    shift = 2.0 * (np.conj(amplitude) * a).real / rate
    return rate, mean + shift, v + 2.0 * np.outer(a, a.conj()).real / rate - np.outer(shift, shift), a


@pytest.mark.parametrize("name", CASES)
def test_the_moments_after_one_click(name: str) -> None:
    initial, counter = CASES[name]
    found = herald(StateInFrame.of(initial), counter)
    rate, mean, covariance, _ = closed(initial, counter.rows[0])
    # truncation leaves 1e-9 of the populations out, which weigh as much as the square of their level
    assert found.rate == pytest.approx(rate, rel=1e-6)
    root = np.linalg.cholesky(covariance)
    away = np.linalg.solve(root, np.linalg.solve(root, found.state.covariance - covariance).T)
    assert np.max(np.abs(away)) < 3e-6
    assert np.max(np.abs(np.linalg.solve(root, found.state.mean - mean))) < 3e-6
    # the change is far above what is compared; that of the mean falls as 1/λ
    before = np.linalg.solve(root, np.linalg.solve(root, initial.covariance - covariance).T)
    assert np.max(np.abs(before)) > 0.02 or np.max(np.abs(np.linalg.solve(root, initial.center - mean))) > 5e-4


@pytest.mark.parametrize("name", CASES)
def test_the_wigner_function_after_one_click(name: str) -> None:
    """W′ = W (|u·δ + λ|² − (i/2)c†Σu)/⟨L†L⟩, u = V⁻¹a: c·x acts as c·x + (i/2)cᵀΣ∂ from the left."""
    initial, counter = CASES[name]
    row, v = counter.rows[0], initial.covariance
    rate, _, _, a = closed(initial, row)
    u = np.linalg.solve(v, a)
    random = np.random.default_rng(1)
    delta = random.standard_normal((60, len(v))) @ np.linalg.cholesky(v).T * 0.8
    gauss = np.exp(-0.5 * np.sum(delta * np.linalg.solve(v, delta.T).T, axis=1))
    gauss /= (2 * np.pi) ** (len(v) // 2) * np.sqrt(np.linalg.det(v))
    form = symplectic_form(len(v) // 2)
    wanted = gauss * (np.abs(delta @ u + row @ initial.center) ** 2 - (0.5j * row.conj() @ form @ u).real) / rate
    found = herald(StateInFrame.of(initial), counter).state.wigner(initial.center + delta)
    assert np.max(np.abs(found - wanted)) < 1e-5 * np.max(np.abs(wanted))
    if name == "ground":
        assert np.min(wanted) < -0.1 * np.max(wanted)


def test_one_oscillator_in_the_laboratory_is_the_integral_over_the_other() -> None:
    initial = squeezed_thermal(0.0, np.array([0.5, -0.3, 1.0, 0.2]))
    state = herald(StateInFrame.of(initial), TWO_MODES).state
    points = np.array([[0.5, -0.3], [0.0, 0.4], [1.3, 0.1], [-0.4, -1.0]])
    nodes, weights = np.polynomial.hermite.hermgauss(24)
    width = np.sqrt(2.0 * initial.covariance[2, 2])
    other = np.array([[1.0 + width * x, 0.2 + width * p] for x in nodes for p in nodes])
    shares = np.exp(nodes**2) * weights * width
    every = np.concatenate([np.column_stack([np.tile(point, (len(other), 1)), other]) for point in points])
    integrals = state.wigner(every).reshape(len(points), -1) @ np.outer(shares, shares).ravel()
    # 24 nodes integrate the polynomial of degree 2 times a Gaussian of another width to 1e-5
    assert state.wigner_of(0, points) == pytest.approx(integrals, abs=2e-5)
    assert np.max(np.abs(integrals)) > 0.05


def test_one_oscillator_alone_by_both_routes_and_by_qutip() -> None:
    initial = squeezed_state((0.4,), (0.3,))
    state = herald(StateInFrame.of(initial), CountedChannel(name="one", rows=ANNIHILATION[None])).state
    axis = np.linspace(-2.5, 2.5, 9)
    points = np.array([[x, p] for p in axis for x in axis])
    ket = qutip.destroy(60) * qutip.squeeze(60, 0.4 * np.exp(0.6j)) * qutip.basis(60, 0)
    wanted = qutip.wigner(ket.unit(), axis, axis).ravel()
    assert state.wigner(points) == pytest.approx(wanted, abs=1e-7)
    assert state.wigner_of(0, points) == pytest.approx(wanted, abs=1e-7)
    assert np.min(wanted) < -0.3


def test_one_quantum_has_the_negative_volume_of_its_closed_form() -> None:
    """2/√e − 1, however squeezed it is; a thermal state has none after a click."""
    single = CountedChannel(name="one", rows=ANNIHILATION[None])
    state = herald(StateInFrame.of(squeezed_state((0.9,), (0.3,))), single).state
    # the error of a grid is of second order in its spacing, at the kinks of max(−W, 0) alone
    assert state.negative_volume(0, points=61) == pytest.approx(2.0 / np.sqrt(np.e) - 1.0, abs=2e-3)
    assert herald(StateInFrame.of(thermal_state((0.2,))), single).state.negative_volume(0, points=21) < 1e-6
    with pytest.raises(ValueError, match="at least 3"):
        state.negative_volume(0, points=2)


def test_what_dark_clicks_and_lost_quanta_leave() -> None:
    initial = StateInFrame.of(thermal_state((0.7, 0.0)))
    row = np.concatenate([ANNIHILATION, np.zeros(2)])[None]

    def found(efficiency: float, dark_rate: float) -> Heralded:
        return herald(initial, CountedChannel(name="c", rows=row, efficiency=efficiency, dark_rate=dark_rate))

    ideal = found(1.0, 0.0)
    assert ideal.fidelity == pytest.approx(1.0, abs=1e-6)
    # a click tells nothing of the quanta that did not click
    assert fidelity(found(0.3, 0.0).state, ideal.state) == pytest.approx(1.0, abs=1e-9)
    # of ρ and aρa†, both diagonal: F = (Σ √(p q))²
    n = np.arange(400)
    before = (0.7 / 1.7) ** n / 1.7
    after = (n + 1) * (0.7 / 1.7) ** (n + 1) / 1.7 / 0.7
    dark = found(0.5, 0.2)
    assert dark.rate == pytest.approx(0.5 * 0.7 + 0.2)
    assert dark.dark == pytest.approx(0.2 / 0.55)
    mixed = (0.35 * after + 0.2 * before) / 0.55
    assert dark.fidelity == pytest.approx(np.sum(np.sqrt(mixed * after)) ** 2, abs=1e-6)
    with pytest.raises(ValueError, match="never clicks"):
        found(0.0, 0.0)
