"""Steering criteria beyond second moments, against closed forms, QuTiP, and what no state may do."""

import math
from dataclasses import replace

import numpy as np
import pytest
import qutip
from scipy.integrate import quad
from scipy.special import erfc, eval_hermite, factorial

import cascade_steering as cs
from cascade_steering.analysis.criteria.beyond_moments.conditional_states import FramedState
from cascade_steering.analysis.criteria.beyond_moments.from_state import HomodyneSetting
from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.sim.model.counters import CountedChannel
from tests.sim.fock.agreement import MODEL
from tests.support.chance import normal

EMPTY, ONE = qutip.basis(2, 0), qutip.basis(2, 1)
PHOTON = (qutip.tensor(ONE, EMPTY) + qutip.tensor(EMPTY, ONE)).unit()
# the grid of a result leaves this where a density vanishes
GRID = 3e-5


def local(angle: float, squeezing: float, other: float) -> np.ndarray:
    """A local symplectic matrix (2, 2)."""
    turns = [np.array([[math.cos(t), -math.sin(t)], [math.sin(t), math.cos(t)]]) for t in (angle, other)]
    return turns[0] @ np.diag([math.exp(squeezing), math.exp(-squeezing)]) @ turns[1]


def two_mode_squeezer(r: float) -> np.ndarray:
    flip = np.diag([1.0, -1.0])
    return np.block([[math.cosh(r) * np.eye(2), math.sinh(r) * flip], [math.sinh(r) * flip, math.cosh(r) * np.eye(2)]])


def random_state(seed: int, levels: int = 3, rank: int = 2) -> qutip.Qobj:
    stream = np.random.default_rng(seed)
    root = stream.normal(size=(levels**2, 2 * rank)).view(complex)
    return qutip.Qobj(root @ root.conj().T, dims=[[levels, levels]] * 2).unit()


@pytest.mark.few(1)
@pytest.mark.parametrize(("r", "direction"), [(0.4, DIRECTIONS[0]), (6.0, DIRECTIONS[1])])
def test_all_three_are_the_same_of_a_gaussian_state(r: float, direction: str) -> None:
    # squeezed by 6 the variances are 8e4: the frame holds that, and the state in it is thermal
    levels = 9
    thermal = qutip.tensor(qutip.thermal_dm(levels, 0.05), qutip.thermal_dm(levels, 0.12))
    sides = np.zeros((4, 4))
    sides[:2, :2], sides[2:, 2:] = local(0.3, 0.4, 1.1), local(-0.8, 0.2, 0.5)
    state = cs.density_state(thermal, symplectic=sides @ two_mode_squeezer(r))
    found = cs.non_gaussian_steering(state, direction)
    # the thermal states lack a population of 1e-9 and less; the search ends within the root of 1e-6
    assert found.moments == pytest.approx(cs.steering_parameter(state.covariance, direction), rel=1e-9)
    assert found.entropic == pytest.approx(found.moments, rel=3e-6)
    assert found.metrological == pytest.approx(found.moments, rel=3e-6)


def test_a_photon_on_a_beam_splitter() -> None:
    found = cs.non_gaussian_steering(cs.density_state(PHOTON))
    assert found.moments == pytest.approx(0.75)
    # a photon in (X₋ + X₊)/√2, vacuum in the difference: h(x₋, x₊) = h₁ + h₀; x₋ has the density (½ + x²) e^{−x²}/√π
    one = math.log(2.0 * math.sqrt(math.pi)) + np.euler_gamma - 0.5
    none = 0.5 * math.log(math.pi * math.e)

    def alone(x: float) -> float:
        density = (0.5 + x * x) * math.exp(-x * x) / math.sqrt(math.pi)
        return -density * math.log(density)

    given = one + none - 2.0 * quad(alone, 0.0, 12.0)[0]
    assert found.entropic == pytest.approx(math.exp(2.0 * given) / (2.0 * math.pi * math.e), rel=GRID)
    # given x₋ it is √2 x₋|0⟩ + |1⟩: F = 4 Var P = 4, and Var X is less by 2⟨(√2 x₋)²/(1 + 2x₋²)²⟩
    overlap = 0.5 * (1.0 - math.sqrt(math.pi * math.e / 2.0) * erfc(math.sqrt(0.5)))
    assert found.metrological == pytest.approx(0.5 * math.sqrt(1.0 - 2.0 * overlap), rel=1e-7)
    assert found.missed
    assert found.error < 1e-3


@pytest.mark.parametrize(("loss", "entropic", "metrological"), [(0.05, 0.496, 0.426), (0.2, 0.575, 0.488)])
def test_a_photon_after_loss_is_that_of_the_theory_page(loss: float, entropic: float, metrological: float) -> None:
    vacuum = qutip.tensor(EMPTY, EMPTY)
    found = cs.non_gaussian_steering(cs.density_state((1.0 - loss) * PHOTON.proj() + loss * vacuum.proj()))
    # p(x₋, x₊) by hand, the same of P, on a grid that is fine where it vanishes without loss
    x, step = np.linspace(-7.0, 7.0, 701, retstep=True)
    joint = ((1.0 - loss) * np.add.outer(x, x) ** 2 + loss) * np.exp(-np.add.outer(x**2, x**2)) / math.pi
    alone = step * joint.sum(axis=0)
    given = -(step**2) * np.sum(joint * np.log(joint)) + step * np.sum(alone * np.log(alone))
    assert found.entropic == pytest.approx(math.exp(2.0 * given) / (2.0 * math.pi * math.e), rel=GRID)
    assert found.entropic == pytest.approx(entropic, abs=6e-4)
    assert found.metrological == pytest.approx(metrological, abs=6e-4)
    assert found.moments > 0.72


def test_conditional_states_are_those_of_projections_and_wigner_functions() -> None:
    levels = 4
    state = random_state(3, levels)
    given = FramedState.of(state.full(), (levels, levels), np.eye(4), fine=True).given(
        np.array([0.6, 0.8, 0.0, 0.0]), np.eye(4)[2:]
    )
    axis = np.array([math.cos(0.7), math.sin(0.7)])
    joint, scale = given.joint(axis)
    place = int(np.argmin(np.abs(given.outcomes - 0.5)))
    outcome = given.outcomes[place]
    n = np.arange(levels)
    wave = eval_hermite(n, outcome) * math.exp(-0.5 * outcome**2) / np.sqrt(2.0**n * factorial(n) * math.sqrt(math.pi))
    bra = qutip.Qobj((wave * np.exp(-1j * n * math.atan2(0.8, 0.6)))[None, :])
    left = qutip.tensor(bra, qutip.qeye(levels))
    matrix = (left * state * left.dag()).full()
    # turned back by the angle, the measured quadrature is X, and the Wigner function integrated over P is its density
    turn = np.diag(np.exp(-1j * n * 0.7))
    turned = qutip.Qobj(turn @ matrix @ turn.conj().T)
    positions = given.positions
    density = qutip.wigner(turned, positions, positions, g=math.sqrt(2.0)).sum(axis=0) * given.step
    assert np.allclose(joint[:, place], density, rtol=0.0, atol=1e-9)
    assert scale == pytest.approx(1.0)


def test_fisher_information_is_that_of_fidelities() -> None:
    levels, room, step = 3, 24, 1e-2
    framed = FramedState.of(random_state(5, levels, 3).full(), (levels, levels), np.eye(4))
    given = framed.given(np.eye(4)[0], np.eye(4)[2:])
    lower = qutip.destroy(room)
    turned = math.sqrt(0.5) * (lower + lower.dag())
    # X of the steered oscillator is a quadrature of the mode of σ
    phase = math.atan2(given.symplectic[0, 1], given.symplectic[0, 0])
    rotation = (1j * phase * qutip.num(room)).expm()
    shift = (-1j * step * rotation * turned * rotation.dag()).expm()
    total = 0.0
    for each in given.densities[::4]:
        padded = np.zeros((room, room), dtype=complex)
        padded[: len(each), : len(each)] = each / np.trace(each)
        one = qutip.Qobj(padded)
        total += np.trace(each).real * 8.0 * (1.0 - qutip.fidelity(one, shift * one * shift.dag())) / step**2
    some = replace(given, densities=given.densities[::4], outcomes=given.outcomes[::4])
    # fidelities of 1 − 1e-5 have rounding errors of 1e-8 in QuTiP, and the next order of the step is step² of F
    assert total * given.step == pytest.approx(some.information()[0, 0], rel=3e-3)


@pytest.mark.few(1)
@pytest.mark.parametrize("seed", range(3))
def test_no_value_is_above_that_of_second_moments(seed: int) -> None:
    found = cs.non_gaussian_steering(cs.density_state(random_state(seed)))
    assert max(found.entropic, found.metrological) < found.moments + 1e-6


@pytest.mark.few(1)
@pytest.mark.parametrize("seed", range(3))
def test_a_separable_state_does_not_steer(seed: int) -> None:
    stream = np.random.default_rng(seed)
    parts = []
    for _ in range(2):
        sides = [qutip.Qobj(stream.normal(size=(3, 2)).view(complex)).unit() for _ in "ab"]
        parts.append(qutip.tensor(*sides).proj())
    found = cs.non_gaussian_steering(cs.density_state(0.6 * parts[0] + 0.4 * parts[1]))
    assert min(found.entropic, found.metrological) > 0.5 - 1e-4


@pytest.mark.slow
def test_local_frames_and_means_change_nothing() -> None:
    state = random_state(7)
    plain = cs.non_gaussian_steering(cs.density_state(state), "minus_given_plus")
    sides = np.zeros((4, 4))
    sides[:2, :2], sides[2:, 2:] = local(0.4, 1.5, 0.9), local(1.2, -0.7, 0.1)
    moved = cs.density_state(state, symplectic=sides, origin=np.array([3e3, -10.0, 0.0, 70.0]))
    found = cs.non_gaussian_steering(moved, "minus_given_plus")
    assert found.moments == pytest.approx(plain.moments, rel=1e-9)
    # two searches that start from the same places end within their tolerance; E of second moments has two of equal axes
    assert found.entropic == pytest.approx(plain.entropic, rel=1e-4)
    assert found.metrological == pytest.approx(plain.metrological, rel=1e-4)


@pytest.mark.slow
def test_a_kept_state_of_an_ensemble() -> None:
    grid = cs.TimeGrid(step=0.02, steps_per_save=5, saves=4)
    options = {"trajectories": 2, "seed": 4, "keep": 1, "check": False}
    save = cs.Save(covariances=True, states="end")
    data = cs.simulate(MODEL, cs.Fock(cutoffs=(7, 7)), grid, cs.thermal_state((0.1, 0.05)), save=save, **options)
    state = cs.density_state(cs.state_of(data), symplectic=data.state_symplectic.to_numpy()[0, -1])
    found = cs.non_gaussian_steering(state)
    # the state is Gaussian up to truncation at seven levels
    exact = cs.steering_parameter(data.trajectory_covariance.to_numpy()[0, -1], "plus_given_minus")
    assert [found.moments, found.entropic, found.metrological] == pytest.approx([float(exact)] * 3, rel=1e-4)


def test_three_oscillators_are_refused() -> None:
    state = cs.density_state(qutip.tensor(EMPTY, EMPTY, EMPTY))
    with pytest.raises(ValueError, match="are for two oscillators, the state has 3"):
        cs.non_gaussian_steering(state)


def test_a_state_after_a_click_is_taken_as_it_is() -> None:
    """The row of the theory page for a photon subtracted from one side of a two-mode squeezed vacuum."""
    squeezed = cs.InitialState(
        covariance=0.5 * two_mode_squeezer(0.5) @ two_mode_squeezer(0.5).T, scatter=np.zeros((4, 4)), name="squeezed"
    )
    row = np.array([[1.0, 1.0j, 0.0, 0.0]]) / math.sqrt(2.0)
    state = cs.herald(cs.StateInFrame.of(squeezed), CountedChannel(name="minus", rows=row)).state
    found = cs.non_gaussian_steering(state)
    assert [found.moments, found.entropic, found.metrological] == pytest.approx([0.719, 0.413, 0.294], abs=6e-4)
    levels = qutip.Qobj(state.density, dims=[list(state.levels)] * 2)
    same = cs.non_gaussian_steering(cs.density_state(levels, symplectic=state.symplectic))
    assert found == same
    pairs = [cs.local_outcomes(state, each, 400, part=part) for part, each in enumerate(found.settings)]
    laws = [cs.expected_law(state, each) for each in found.settings]
    assert cs.verify_non_gaussian(*pairs, expected=(laws[0], laws[1])).shown


def test_outcomes_have_the_mean_of_a_state_that_moves_within_its_frame() -> None:
    """Coherent light on both oscillators, part of it in ρ of ξ and part in x̄; what q says of it has that mean too."""
    frame = np.diag([2.0, 0.5, 1.0, 1.0])
    origin = np.array([10.0, 0.0, -3.0, 1.0])
    light = qutip.tensor(qutip.coherent(14, 0.6), qutip.coherent(14, 0.3 - 0.5j))
    state = cs.density_state(light, symplectic=frame, origin=origin)
    setting = HomodyneSetting(steering=(0.6, 0.8), steered=(1.0, -0.5))
    mean = np.asarray(state.mean)
    wanted = np.array([mean[:2] @ setting.steering, mean[2:] @ setting.steered])
    pairs, law = cs.local_outcomes(state, setting, 4000), cs.expected_law(state, setting)
    assert law.mean == pytest.approx(wanted, rel=1e-12)
    # a product state, of which the outcomes are normal
    deviations = np.sqrt([(2.0 * 0.6) ** 2 + (0.5 * 0.8) ** 2, 1.25]) / math.sqrt(2.0)
    assert np.all(np.abs(pairs.mean(axis=0) - wanted) < normal(2) * deviations / math.sqrt(4000) + 1e-3)
    far = wanted + np.array([[0.0, 0.0], [5.0, 2.0]])
    np.testing.assert_allclose(law.errors(far), [0.0, 2.0], atol=1e-3)
