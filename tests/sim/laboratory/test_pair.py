"""The pair with cavities: elimination against the cavity kept, the paper's numbers of it, and QuTiP."""

import math
from dataclasses import replace

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

import cascade_steering as cs
from cascade_steering.analysis.criteria.steering import DIRECTIONS, PAIR, steering_of_root
from cascade_steering.sim.laboratory.cavities import Cavity
from cascade_steering.sim.laboratory.fast_oscillations import steady_root_of_fast
from cascade_steering.sim.laboratory.pair import LaboratoryNode, LaboratoryPair
from cascade_steering.sim.laboratory.spins import Readout
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Bath, Detection
from cascade_steering.sim.rotating_wave import closed_forms
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support.chance import quadratic
from tests.support.laboratory import ELIMINATED, NOT_RETUNED, family, ten_decades, with_losses


def steering(model: LinearModel, *, conditional: bool) -> NDArray[np.float64]:
    root = steady_root_of_fast(model, conditional=conditional)
    return np.array([float(steering_of_root(root, PAIR[each], model.modes)) for each in DIRECTIONS])


def relative(pair: LaboratoryPair, *, conditional: bool) -> NDArray[np.float64]:
    explicit, eliminated = (steering(each, conditional=conditional) for each in (pair.kept, pair.eliminated))
    return explicit / eliminated - 1.0


PAIRS = {"lossless": family(1.0, 0.002), "lossy": family(0.3, 0.002, outcoupling=0.7), "both": with_losses(0.002)}


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("phase", [0.0, 0.13])
def test_without_the_record_the_eliminated_pair_is_that_of_the_paper_with_all_losses(name: str, phase: float) -> None:
    pair = replace(PAIRS[name], path_phase_pi=phase)
    found = steering(pair.eliminated, conditional=False)
    np.testing.assert_allclose(found, closed_forms.steering_parameters(RotatingWave.of(pair.cascade)), rtol=1e-11)
    assert 1.0 - pair.total_loss == pytest.approx(math.prod(1.0 - each for each in pair.losses.values()))


def test_given_the_record_it_is_so_without_losses_in_the_second_cavity() -> None:
    for detection in (Detection(), Detection(lo_phase_pi=0.2, efficiency=0.6), Detection(scheme="heterodyne")):
        pair = replace(PAIRS["lossless"], detection=detection)
        found = steering(pair.eliminated, conditional=True)
        np.testing.assert_allclose(found, steering(cs.rwa(pair.cascade, detection), conditional=True), rtol=1e-11)
        pair = replace(PAIRS["both"], detection=detection)
        found = steering(pair.eliminated, conditional=True)
        assert np.all(np.abs(found / steering(cs.rwa(pair.cascade, detection), conditional=True) - 1.0) > 1e-3)


@pytest.mark.parametrize("width", ELIMINATED)
def test_the_difference_to_the_cavity_kept_falls_as_gamma_over_kappa(width: float) -> None:
    eliminated = steering(family(width, 0.002).eliminated, conditional=False)[0]
    assert eliminated == pytest.approx(ELIMINATED[width], abs=5e-7)
    for conditional in (False, True):
        coarse, fine = (relative(family(width, each), conditional=conditional) for each in (0.004, 0.002))
        # Γ falls by 4. The next order is smaller by another Γ/κ, which is 7e-4 at κ = 0.3 Ω, times a few
        np.testing.assert_allclose(coarse / fine, 4.0, rtol=0.01)
        pair = family(width, 0.002)
        ratio = pair.plus.oscillator.strength_hz / (width * 1e6)
        assert np.all((fine > 0.3 * ratio) & (fine < 3.0 * ratio))


@pytest.mark.parametrize("conditional", [False, True])
def test_with_losses_and_a_cavity_on_each_side_it_falls_as_well(conditional: bool) -> None:
    coarse, fine = (relative(with_losses(each), conditional=conditional) for each in (0.004, 0.002))
    np.testing.assert_allclose(coarse / fine, 4.0, rtol=0.01)
    assert np.max(np.abs(fine)) < 1e-5


@pytest.mark.parametrize("width", NOT_RETUNED)
def test_a_frequency_that_is_not_retuned_costs_much_even_at_the_best_phase(width: float) -> None:
    tuned = family(width, 0.002)
    start = tuned.path_offset_pi

    def at(offset: float) -> float:
        pair = family(width, 0.002, retune=False, path_phase_pi=start + offset)
        return float(steering(pair.kept, conditional=False)[0])

    best = minimize_scalar(at, bounds=(-0.25, 0.1), method="bounded", options={"xatol": 1e-4})
    assert best.fun == pytest.approx(NOT_RETUNED[width], abs=5e-6)
    # a pair that is not retuned is what it is, and elimination is said of the pair in tune
    assert family(width, 0.002, retune=False).tuned.frequency_hz == 1e6
    np.testing.assert_allclose(
        steering(family(width, 0.002, retune=False).eliminated, conditional=False),
        steering(tuned.eliminated, conditional=False), rtol=1e-12,
    )  # fmt: skip


def small() -> LaboratoryPair:
    """Rates of order 1 rad/s, where a few levels hold the state for a short time; losses at every place."""
    cold = Bath.si(linewidth=0.02, occupation=0.1)
    turn = 2 * math.pi
    minus = LaboratoryNode(
        name="minus", mass="negative", frequency_hz=1.1 / turn, bath=cold,
        light=Readout(rate_hz=0.2 / turn, theta_pi=0.32),
    )  # fmt: skip
    cavity = Cavity(linewidth_hz=1.5 / turn, detuning_hz=-1.2 / turn, coupling_hz=0.15 / turn, outcoupling=0.8)
    plus = LaboratoryNode(name="plus", mass="positive", frequency_hz=1.0 / turn, bath=cold, light=cavity)
    return LaboratoryPair(minus=minus, plus=plus, loss=0.1, path_phase_pi=0.3, retune=False)


def test_a_cavity_between_fock_levels_has_the_same_covariance_by_mesolve() -> None:
    pair, levels = small(), (6, 6, 5)
    one = [qutip.qeye(each) for each in levels]
    a, c, b = (
        qutip.tensor(*[qutip.destroy(n) if at == place else one[at] for at, n in enumerate(levels)])
        for place in range(3)
    )
    g, kappa, readout = 0.15, 1.5, 0.2
    sent = math.sqrt(0.9) * np.exp(0.3j * math.pi)
    light = math.sqrt(readout) * (math.sin(0.32 * math.pi) * a + math.cos(0.32 * math.pi) * a.dag())
    mirror = math.sqrt(0.8 * kappa) * c
    coupled = sent * mirror.dag() * light
    hamiltonian = (
        1.2 * c.dag() * c + b.dag() * b - 1.1 * a.dag() * a + g * (c + c.dag()) * (b + b.dag())
        + (coupled - coupled.dag()) / 2j
    )  # fmt: skip
    channels = [sent * light + mirror, math.sqrt(0.1) * light, math.sqrt(0.2 * kappa) * c]
    channels += [math.sqrt(0.02 * n) * each for mode in (a, b) for n, each in ((1.1, mode), (0.1, mode.dag()))]
    quadratures = [
        each
        for mode in (a, c, b)
        for each in ((mode + mode.dag()) / math.sqrt(2), (mode - mode.dag()) / (1j * math.sqrt(2)))
    ]
    vacuum = qutip.tensor(*[qutip.fock_dm(n, 0) for n in levels])
    time = 1.0
    options = {"rtol": 1e-8, "atol": 1e-10}
    state = qutip.mesolve(hamiltonian, vacuum, [0.0, time], channels, options=options).states[-1]
    found = np.array([[qutip.expect((x * y + y * x) / 2, state) for y in quadratures] for x in quadratures])
    exact = cs.transient(pair.kept, cs.ground_state(3).covariance, np.array([time]), conditional=False)[0]
    assert pair.kept.modes == ("minus", "cavity_plus", "plus")
    # The levels left out hold about the population of the last ones times their number of quanta.
    edges = [float(state.ptrace(place).diag()[-1].real) * levels[place] for place in range(3)]
    assert max(edges) < 1e-3
    np.testing.assert_allclose(found, exact, atol=4 * max(edges))
    # what is compared is far above that: correlations of all three modes
    off = np.abs(exact - np.diag(np.diagonal(exact)))
    assert min(np.max(off[2 * i : 2 * i + 2, 2 * j : 2 * j + 2]) for i, j in ((0, 1), (0, 2), (1, 2))) > 0.02


def whiteness(white: NDArray[np.float64]) -> float:
    """Largest deviation of innovations of one channel from white noise, in standard deviations, of four numbers."""
    deviations = [(np.mean(white**2) - 1) * math.sqrt(white.size / 2)]
    for lag in (1, 2, 3):
        pairs = white[:, lag:, 0] * white[:, :-lag, 0]
        deviations.append(np.mean(pairs) * math.sqrt(pairs.size))
    return float(np.max(np.abs(deviations)))


@pytest.mark.slow
def test_records_at_ten_decades_of_rates_and_their_filter_know_the_cavity() -> None:
    pair, interval, saves = ten_decades(1e5, 50.0, 0.3), 1.25e-7, 2000
    # eight intervals a turn, and 250 turns, in which the record tells most of what it tells
    grid = cs.TimeGrid.over(saves * interval, saves=saves)
    found = cs.simulate(pair.kept, cs.Gaussian(), grid, pair.thermal, trajectories=20, seed=3, keep=20, jobs=1)
    record = found["record"].to_numpy()
    filtered = cs.filter_record(pair.kept, record, grid.save_interval, pair.thermal)
    bound = quadratic(4, 20 * (saves - 3))
    assert whiteness(filtered.innovations) < bound
    turned = replace(pair, detection=replace(pair.detection, lo_phase_pi=0.7)).kept
    assert whiteness(cs.filter_record(turned, record, grid.save_interval, pair.thermal).innovations) > 2 * bound
    # the sums of the record over intervals tell less than the record, and more than nothing
    end = np.array([saves * interval])
    known, unknown = (
        cs.transient(pair.kept, pair.thermal.covariance, end, conditional=each)[0] for each in (True, False)
    )
    told, rounding = filtered.covariances[-1], 1e-9 * np.trace(unknown)
    assert np.linalg.eigvalsh(told - known).min() > -rounding
    assert np.linalg.eigvalsh(unknown - told).min() > -rounding
    assert np.trace(told - known) < np.trace(unknown - told)


@pytest.mark.slow
def test_trajectories_between_fock_levels_have_the_covariance_given_the_record() -> None:
    pair, engine = small(), cs.Fock(cutoffs=(6, 6, 5))
    grid = cs.grid_for(engine, pair.kept, cs.ground_state(3), 0.5, saves=4)
    found = cs.Simulated(cs.simulate(pair.kept, engine, grid, cs.ground_state(3), trajectories=4, seed=3, jobs=1))
    exact = cs.transient(pair.kept, cs.ground_state(3).covariance, np.array([0.5]), conditional=True)[0]
    # the engine's own aim for step and cutoff is three digits
    np.testing.assert_allclose(found.covariance["conditional"][-1], exact, atol=1e-3)


def test_before_the_light_the_oscillators_are_warm_and_the_cavities_empty() -> None:
    pair = with_losses(0.002)
    assert pair.kept.modes == ("cavity_minus", "minus", "cavity_plus", "plus")
    np.testing.assert_array_equal(np.diagonal(pair.thermal.covariance), [0.5, 0.5, 10.5, 10.5, 0.5, 0.5, 10.5, 10.5])


def test_a_spring_that_takes_the_frequency_away_cannot_be_retuned() -> None:
    # a detuning between the two sidebands, where the spring is strong
    light = Cavity(linewidth_hz=1e4, detuning_hz=-1.001e6, coupling_hz=2e5)
    pair = family(1.0, 0.002)
    strong = replace(pair, plus=replace(pair.plus, light=light))
    with pytest.raises(ValueError, match="frequency of \\+ with its optical spring"):
        _ = strong.tuned


def lit_pair(coupling: float, *, outcoupling: float = 1.0, **light: float) -> LaboratoryPair:
    """Cavities on both sides, − of κ = 2 Ω at Δ > 0, in squeezed light."""
    pair = with_losses(coupling, 1.0)
    first = replace(pair.minus.light, outcoupling=outcoupling)
    return replace(pair, minus=replace(pair.minus, light=first), **{"squeezing_db": 6.0, **light})


@pytest.mark.parametrize("angle", [0.0, 0.37, 1.0])
def test_squeezed_light_is_that_of_the_paper_with_cavities_without_losses(angle: float) -> None:
    for detection in (Detection(), Detection(lo_phase_pi=0.2, efficiency=0.6), Detection(scheme="heterodyne")):
        pair = lit_pair(0.002, squeezing_angle_pi=angle, squeezing_loss=0.2, path_phase_pi=0.1)
        pair = replace(pair, detection=detection)
        model = cs.rwa(pair.cascade, detection)
        for conditional in (False, True):
            found = steering(pair.eliminated, conditional=conditional)
            np.testing.assert_allclose(found, steering(model, conditional=conditional), rtol=1e-11)
            # the angle matters, and would be another one without the phase of the cavity of −
            turned = replace(pair, squeezing_angle_pi=angle + pair.squeezing_offset_pi)
            assert np.max(np.abs(steering(turned.eliminated, conditional=conditional) / found - 1.0)) > 0.01


@pytest.mark.parametrize("angle", [0.37, 1.0])
def test_in_squeezed_light_the_difference_to_the_cavity_kept_falls_as_gamma_over_kappa(angle: float) -> None:
    for outcoupling in (1.0, 0.8):
        for conditional in (False, True):
            coarse, fine = (
                relative(lit_pair(each, outcoupling=outcoupling, squeezing_angle_pi=angle), conditional=conditional)
                for each in (0.004, 0.002)
            )
            # Γ falls by 4; the next order is smaller by another Γ/κ, and a squeezed state magnifies it
            np.testing.assert_allclose(coarse / fine, 4.0, rtol=0.02)
            assert np.max(np.abs(fine)) < 1e-4


def test_light_that_is_squeezed_loses_more_before_a_cavity_with_losses() -> None:
    pair = lit_pair(0.002, outcoupling=0.8, squeezing_angle_pi=1.0, squeezing_loss=0.1)
    assert pair.cascade.squeezing_loss == pytest.approx(1 - 0.9 * 0.8, rel=1e-14)
    # what drives − is as the paper's numbers say: V₋ of both models, without +
    own, paper = (
        np.linalg.norm(steady_root_of_fast(each, conditional=False)[:, 0]) ** 2
        for each in (pair.eliminated, cs.rwa(pair.cascade, pair.detection))
    )
    assert own == pytest.approx(paper, rel=1e-11)
    # what passes − and drives + is not
    found = steering(pair.eliminated, conditional=False)
    assert np.all(np.abs(found / steering(cs.rwa(pair.cascade, pair.detection), conditional=False) - 1.0) > 1e-3)
