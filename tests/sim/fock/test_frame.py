"""Frames, and the unitaries that put states into them."""

import numpy as np
import pytest
import scipy.linalg as la
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.fock.basis.exact_elements import displaced, gaussian_elements
from cascade_steering.sim.fock.basis.gaussian_operators import metaplectic, thermal
from cascade_steering.sim.fock.basis.levels import Levels
from cascade_steering.sim.fock.basis.moments import FockMoments
from cascade_steering.sim.fock.basis.normal_modes import normal_modes, require_symplectic
from cascade_steering.sim.fock.moving.cutoffs import suggested_cutoffs
from cascade_steering.sim.fock.moving.frame import frame_path, in_frame
from cascade_steering.sim.fock.moving.step_size import suggested_step
from cascade_steering.sim.gaussian.covariance import stationary_state, steady_state, transient
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state, thermal_state
from cascade_steering.sim.model.cascade import rwa
from tests.sim.fock.brute_force import random_model, random_state
from tests.support.systems import POINTS

FloatArray = NDArray[np.float64]
SEEDS = st.integers(0, 2**32 - 1)
MILD = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
GRID = TimeGrid(step=0.05, steps_per_save=1, saves=100)


def random_symplectic(seed: int, modes: int, strength: float) -> FloatArray:
    """Two exponentials: no symplectic matrix is out of reach."""
    random, form = np.random.default_rng(seed), symplectic_form(modes)
    factors = []
    for _ in range(2):
        quadratic = strength * random.standard_normal((2 * modes, 2 * modes))
        factors.append(la.expm(form @ (quadratic + quadratic.T)))
    product: FloatArray = factors[0] @ factors[1]
    return product


# ---- normal modes ------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(1, 3), st.sampled_from([1.0, 1e3]))
def test_normal_modes_make_any_state_thermal(seed: int, modes: int, heat: float) -> None:
    random = np.random.default_rng(seed)
    frame, quanta = random_symplectic(seed, modes, 0.3), np.repeat(0.5 + heat * random.random(modes), 2)
    covariance = frame @ np.diag(quanta) @ frame.T
    found = normal_modes(covariance)
    inverse, form = np.linalg.inv(found), symplectic_form(modes)
    # matrix square roots lose the square root of nothing here: rounding times the squares of the condition
    rounding = 1e-14 * np.linalg.cond(covariance) ** 2
    np.testing.assert_allclose(found @ form @ found.T, form, atol=min(rounding, 1e-6))
    diagonal = inverse @ covariance @ inverse.T
    # modes equal to a millionth are left as they are
    np.testing.assert_allclose(diagonal, np.diag(np.diag(diagonal)), atol=(rounding + 1e-6) * quanta.max())
    np.testing.assert_allclose(np.sort(np.diag(diagonal)), np.sort(quanta), rtol=rounding + 1e-6)
    np.testing.assert_allclose(np.diag(diagonal)[::2], np.diag(diagonal)[1::2], rtol=rounding)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_normal_modes_stay_near_those_they_are_told(seed: int) -> None:
    frame = random_symplectic(seed, 2, 0.2)
    covariance = frame @ np.diag([2.0, 2.0, 0.7, 0.7]) @ frame.T
    nudge = 1e-4 * np.random.default_rng(seed).standard_normal((4, 4))
    found = normal_modes(covariance + nudge + nudge.T, near=frame)
    # modes 1.3 apart turn by a ten-thousandth of the condition, where free ones might swap
    assert np.linalg.norm(np.linalg.solve(frame, found) - np.eye(4), 2) < 1e-3 * np.linalg.cond(covariance)
    swapped = np.linalg.solve(frame[:, [2, 3, 0, 1]], normal_modes(covariance, near=frame[:, [2, 3, 0, 1]]))
    np.testing.assert_allclose(swapped, np.eye(4), atol=1e-9 * np.linalg.cond(covariance) ** 2)


def test_the_conditional_state_of_the_hottest_point_is_thermal_in_its_modes() -> None:
    covariance = steady_state(rwa(POINTS["hot_qnd"].cascade, POINTS["hot_qnd"].detection), conditional=True)
    inverse = np.linalg.inv(normal_modes(covariance))
    diagonal = inverse @ covariance @ inverse.T
    np.testing.assert_allclose(diagonal, np.diag(np.diag(diagonal)), atol=1e-10)
    assert np.trace(covariance) > 3 * np.trace(diagonal)


# ---- unitaries ---------------------------------------------------------------------------------------------------


@pytest.mark.slow
@settings(max_examples=15, deadline=None)
@given(SEEDS, st.integers(1, 2))
def test_metaplectic_moves_the_moments_of_any_state(seed: int, modes: int) -> None:
    """Mild enough for the room: the error is measured against twice as strong a cut."""
    turn = random_symplectic(seed, modes, 0.1 if modes == 1 else 0.05)
    errors = []
    for cutoffs in ((12,), (36,)) if modes == 1 else ((6, 6), (13, 13)):
        levels = Levels(cutoffs, triangular=False)
        density = random_state(seed, (2,) * modes, cutoffs)
        unitary = metaplectic(turn, levels)
        np.testing.assert_allclose(unitary @ unitary.conj().T, np.eye(levels.size), atol=1e-12)
        mean, covariance, _, _ = FockMoments(cutoffs).of(density)
        moved, spread, tops, _ = FockMoments(cutoffs).of(unitary @ density @ unitary.conj().T)
        errors.append(max(np.max(np.abs(moved - turn @ mean)), np.max(np.abs(spread - turn @ covariance @ turn.T))))
    # truncation, of which the top levels tell; 1e-12 is rounding
    assert errors[1] < 1e-12 + 100 * np.sum(tops) * max(cutoffs)
    assert errors[1] < 1e-10 + 0.1 * errors[0]


def test_metaplectic_of_half_a_turn_and_of_near_its_branch() -> None:
    """A rotation by π has no real logarithm near 1 in a mode alone, but its unitary is the parity."""
    levels = Levels((6,), triangular=False)
    parity = metaplectic(-np.eye(2), levels)
    np.testing.assert_allclose(np.abs(np.diag(parity)), 1.0, atol=1e-13)
    density = random_state(3, (3,), (6,))
    mean, _, _, _ = FockMoments((6,)).of(density)
    turned, _, _, _ = FockMoments((6,)).of(parity @ density @ parity.conj().T)
    np.testing.assert_allclose(turned, -mean, atol=1e-13)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_gaussian_densities_have_their_covariance(seed: int) -> None:
    frame = random_symplectic(seed, 1, 0.08)
    covariance = frame @ np.diag([0.6, 0.6]) @ frame.T
    density = gaussian_elements(covariance, np.zeros(2), (24,))
    mean, found, tops, trace = FockMoments((24,)).of(density)
    # what lies above is what the trace lacks, with quanta to it
    lost = max(abs(1 - trace), tops[0]) * 24 * 10
    np.testing.assert_allclose(mean, 0.0, atol=1e-12)
    np.testing.assert_allclose(found, covariance, atol=1e-11 + lost)
    assert np.linalg.eigvalsh(density)[0] > -1e-14


def test_thermal_states_and_displacements() -> None:
    density = thermal(np.array([0.9]), Levels((30,), triangular=False))
    shift = np.array([0.7, -0.4])
    mean, covariance, _, trace = FockMoments((30,)).of(displaced(density, shift, (30,), (30,)))
    # (0.4/1.4)^30 of it lies above
    np.testing.assert_allclose([trace, *mean, *np.diag(covariance)], [1.0, *shift, 0.9, 0.9], atol=1e-12)


@pytest.mark.parametrize("seed", range(3))
def test_a_model_in_a_frame_is_the_same_model(seed: int) -> None:
    """A → S⁻¹AS, D → S⁻¹DS⁻ᵀ, F → FS, and the cross-correlation like a vector."""
    model, frame = random_model(seed, 2, 2, 2, 0.5), random_symplectic(seed, 2, 0.2)
    there, here, inverse = moment_equations(model), moment_equations(in_frame(model, frame)), np.linalg.inv(frame)
    np.testing.assert_allclose(here.drift, inverse @ there.drift @ frame, atol=1e-12)
    np.testing.assert_allclose(here.diffusion, inverse @ there.diffusion @ inverse.T, atol=1e-12)
    np.testing.assert_allclose(here.readout, there.readout @ frame, atol=1e-12)
    np.testing.assert_allclose(here.cross, inverse @ there.cross, atol=1e-12)


# ---- the frames of a run -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["squeezed", "moving", "rest"])
def test_frames_cover_the_run_in_order(kind: str) -> None:
    path = frame_path(kind, MILD, GRID, thermal_state((1.0, 0.3)))
    spans = list(path.spans(GRID.steps))
    assert [first for _, _, first, _ in spans] == [0, *(last for _, _, _, last in spans[:-1])]
    assert spans[-1][3] == GRID.steps
    assert (len(spans) > 3) == (kind == "squeezed")
    assert path.follow == (kind != "rest")
    for symplectic, _, _, _ in spans:
        require_symplectic(symplectic, 4)


def test_squeezed_frames_keep_up_with_the_state() -> None:
    """To a tenth when one takes over, and another tenth before the next does."""
    start = thermal_state((1.0, 0.3))
    path = frame_path("squeezed", MILD, GRID, start)
    for symplectic, _, first, last in path.spans(GRID.steps):
        for step in {first, last - 1} - {0}:
            covariance = transient(MILD, start.covariance, np.array([step * GRID.step]), conditional=True)[0]
            inverse = np.linalg.inv(symplectic)
            framed = inverse @ covariance @ inverse.T
            away = framed - np.diag(np.repeat(np.diag(framed).reshape(-1, 2).mean(axis=1), 2))
            assert np.max(np.abs(away)) < 2 * 0.25 * np.max(np.diag(framed))
    settled = steady_state(MILD, conditional=True)
    inverse = np.linalg.inv(path.symplectics[-1])
    assert np.trace(inverse @ settled @ inverse.T) < 0.8 * np.trace(settled)


def test_a_settled_state_needs_one_frame() -> None:
    assert len(frame_path("squeezed", MILD, GRID, stationary_state(MILD)).symplectics) == 1


def test_cutoffs_suffice_for_the_states_expected() -> None:
    start = thermal_state((1.0, 0.3))
    path = frame_path("squeezed", MILD, GRID, start)
    for cutoff, variance in zip(suggested_cutoffs(path, MILD, GRID, start), path.variances, strict=True):
        density = thermal(np.array([variance]), Levels((cutoff,), triangular=False))
        # what the top level holds, times the levels, is the defect of the commutator
        assert cutoff * density[-1, -1].real < 2e-4
    hot = thermal_state((500.0, 0.0))
    with pytest.raises(ValueError, match=r"mode minus of the frame would hold 500 quanta, too many for 40 levels"):
        suggested_cutoffs(frame_path("moving", MILD, GRID, hot), MILD, GRID, hot)


def test_the_suggested_step_scales_with_the_rates_and_knows_no_cutoffs() -> None:
    seconds = suggested_step("moving", MILD, GRID, ground_state())
    rates = moment_equations(MILD)
    fastest = max(np.linalg.norm(rates.drift, 2), np.linalg.norm(rates.diffusion, 2))
    assert seconds * fastest == pytest.approx(0.2)
    assert suggested_step("moving", MILD, TimeGrid(step=1e-3, steps_per_save=5000, saves=1), ground_state()) == seconds
    still = random_model(0, 1, 1, 0, 0.0)
    with pytest.raises(ValueError, match="no step can be suggested"):
        suggested_step("moving", still, GRID, ground_state(1))
