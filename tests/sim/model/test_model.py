import math

import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.gaussian.covariance import steady_state
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, moment_equations
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Cascade, Detection, Oscillator
from tests.support import reference
from tests.support.systems import COLD, NO_BATH, POINTS, WARM, cascade

FloatArray = NDArray[np.float64]
EPS = float(np.finfo(float).eps)
FORM = symplectic_form(2)
MILD = POINTS["mild"]


def equations(point: Cascade, **detection: object) -> MomentEquations:
    return moment_equations(rwa(point, Detection.si(**detection)))  # type: ignore[arg-type]


def hand_made() -> Cascade:
    """Γ₋B = 4, Γ₋P = 1, Γ₊B = 9, Γ₊P = 1, no baths, no loss: R = 2 − 3 = −1, √Γ₋BΓ₊P + √Γ₊BΓ₋P = 5."""
    minus = Oscillator.si(strength=5.0, angle=math.atan(2), bath=NO_BATH)
    plus = Oscillator.si(strength=10.0, angle=math.atan(3), bath=NO_BATH)
    return Cascade(minus=minus, plus=plus)


def test_hamiltonian_by_hand() -> None:
    # (1/2i)(2 a₊a₋ + 3 a₊†a₋† − h.c.) = (R/2i)(a₊a₋ − h.c.) = (R/2)(X₊P₋ + P₊X₋)
    expected = np.zeros((4, 4))
    expected[[0, 3, 1, 2], [3, 0, 2, 1]] = -0.5
    assert rwa(hand_made(), Detection()).hamiltonian == pytest.approx(expected, abs=8 * EPS)


def test_drift_and_diffusion_by_hand() -> None:
    # Eq. (3): ȧ₋ = −γ₋/2 a₋, ȧ₊ = −γ₊/2 a₊ + R a₋†, with γ₋ = 3, γ₊ = 8, noise Γ/2 each and −5/2 in common
    found = equations(hand_made())
    drift = [[-1.5, 0, 0, 0], [0, -1.5, 0, 0], [-1, 0, -4, 0], [0, 1, 0, -4]]
    diffusion = [[2.5, 0, -2.5, 0], [0, 2.5, 0, 2.5], [-2.5, 0, 5, 0], [0, 2.5, 0, 5]]
    # sums of a dozen products of order 10
    assert found.drift == pytest.approx(np.array(drift), abs=100 * EPS)
    assert found.diffusion == pytest.approx(np.array(diffusion), abs=100 * EPS)


def test_readout_by_hand() -> None:
    # at ϑ = 0 L_c + L_c† = √2 Re-part: (√Γ₋B + √Γ₋P) X₋ + (√Γ₊B + √Γ₊P) X₊, halved by the 1/√2 twice, times 2/√2
    found = equations(hand_made(), lo_phase=0.0, efficiency=0.25)
    # √η (L + L†) = ½·((2+1) X₋ + (1+3) X₊); L_s = i(L_l − L_u)/√2 gives −(2+1) P₋ + (3+1) P₊ alike
    assert found.readout == pytest.approx(0.5 * np.array([[3, 0, 4, 0], [0, -3, 0, 4]]), abs=20 * EPS)


@pytest.mark.parametrize("name", POINTS)
def test_moment_equations_against_commutators(name: str) -> None:
    point = POINTS[name]
    expected = reference.linear(point.cascade, point.detection).floats()
    model = moment_equations(rwa(point.cascade, point.detection))
    for found, exact in zip((model.drift, model.diffusion, model.readout, model.cross), expected, strict=True):
        # a dozen products of entries as large as the largest
        assert np.abs(found - exact).max() <= 20 * EPS * np.abs(exact).max()


@pytest.mark.parametrize("name", POINTS)
def test_the_second_oscillator_never_acts_on_the_first(name: str) -> None:
    point = POINTS[name]
    found = equations(point.cascade)
    size = np.abs(found.drift).max()
    assert np.abs(found.drift[:2, 2:]).max() <= 20 * EPS * size
    other = Cascade(
        minus=point.cascade.minus, plus=Oscillator.si(strength=7.0, angle=1.2, bath=WARM), loss=0.4, path_phase_pi=0.3
    )
    alone = equations(other)
    assert np.abs(found.drift[:2, :2] - alone.drift[:2, :2]).max() <= 20 * EPS * size
    assert np.abs(found.diffusion[:2, :2] - alone.diffusion[:2, :2]).max() <= 20 * EPS * np.abs(found.diffusion).max()


def test_the_first_oscillator_acts_on_the_second() -> None:
    # the drive of + by − is s R, here −0.92 × 0.4 of the mean rate: far from zero
    assert np.abs(equations(MILD.cascade).drift[2:, :2]).max() > 0.5


def test_the_order_of_the_cascade_matters() -> None:
    point = MILD.cascade
    swapped = Cascade(minus=point.plus, plus=point.minus, loss=point.loss)
    order = [2, 3, 0, 1]
    found = equations(swapped)
    expected = reference.linear(point, Detection(), reverse=True).floats()
    forward = equations(point)
    for matrix, exact, other in zip(
        (found.drift, found.diffusion), expected[:2], (forward.drift, forward.diffusion), strict=True
    ):
        assert matrix[np.ix_(order, order)] == pytest.approx(exact, abs=100 * EPS)
        if matrix is found.drift:
            assert np.abs(matrix[np.ix_(order, order)] - other).max() > 0.5


def test_loss_acts_on_the_second_oscillator_only_through_what_they_share() -> None:
    without, lossy = (equations(cascade(3, 4, 0.27, 0.4, (WARM, COLD), loss=loss)) for loss in (0.0, 0.36))
    shared = np.zeros((4, 4), dtype=bool)
    shared[2:, :2] = True
    for name, mask in (("drift", shared), ("diffusion", shared | shared.T)):
        before, after = getattr(without, name), getattr(lossy, name)
        assert after[~mask] == pytest.approx(before[~mask], abs=50 * EPS)
        # √(1 − 0.36) = 0.8 of the amplitude arrives
        assert after[mask] == pytest.approx(0.8 * before[mask], abs=50 * EPS)


def test_path_phase_is_periodic_and_matters() -> None:
    def drift(phase: float) -> FloatArray:
        return equations(cascade(3, 4, 0.27, 0.4, (WARM, COLD), path_phase=phase)).drift

    # 2π is off by its rounding, 2e-16 times the phase
    assert drift(0.7 + 2 * math.pi) == pytest.approx(drift(0.7), abs=100 * EPS)
    assert np.abs(drift(0.7) - drift(0.0)).max() > 0.1
    # half a turn flips what is shared
    assert drift(math.pi)[2:, :2] == pytest.approx(-drift(0.0)[2:, :2], abs=100 * EPS)


@pytest.mark.parametrize("name", POINTS)
def test_heterodyne_is_two_homodynes_of_half_the_light(name: str) -> None:
    point = POINTS[name].cascade
    both = equations(point, lo_phase=0.4, efficiency=0.8, scheme="heterodyne")
    one, other = (equations(point, lo_phase=phase, efficiency=0.4) for phase in (0.4, 0.4 + math.pi / 2))
    size = np.abs(both.diffusion).max()
    assert both.readout == pytest.approx(np.concatenate([one.readout, other.readout]), abs=20 * EPS * math.sqrt(size))
    assert both.cross == pytest.approx(np.concatenate([one.cross, other.cross], axis=1), abs=20 * EPS * math.sqrt(size))


@pytest.mark.parametrize("name", POINTS)
def test_what_happens_does_not_depend_on_how_the_light_is_read(name: str) -> None:
    point = POINTS[name].cascade
    first = equations(point, lo_phase=0.4, efficiency=0.8, scheme="heterodyne")
    second = equations(point, lo_phase=1.9, efficiency=0.1)
    assert first.drift == pytest.approx(second.drift, abs=20 * EPS * np.abs(first.drift).max())
    assert first.diffusion == pytest.approx(second.diffusion, abs=20 * EPS * np.abs(first.diffusion).max())


@pytest.mark.parametrize("name", ["mild", "path_phase", "vacuum"])
def test_conditional_covariance_has_half_a_turn_of_the_local_oscillator(name: str) -> None:
    point = POINTS[name].cascade

    def conditional(phase: float) -> FloatArray:
        return steady_state(rwa(point, Detection.si(lo_phase=phase)), conditional=True)

    # conditioning on −dY is conditioning on dY; phases are rounded to 4e-16, rates are at most 100 apart
    assert conditional(0.3 + math.pi) == pytest.approx(conditional(0.3), rel=1e-12, abs=1e-12)
    assert np.abs(conditional(0.3 + math.pi / 2) - conditional(0.3)).max() > 1e-3


@pytest.mark.parametrize("name", POINTS)
def test_the_model_is_completely_positive(name: str) -> None:
    found = equations(POINTS[name].cascade)
    # dynamics that keeps [x, xᵀ] = iΣ adds noise of at least its own commutator: D + (i/2)(AΣ + ΣAᵀ) ≥ 0
    quantum = found.diffusion + 0.5j * (found.drift @ FORM + FORM @ found.drift.T)
    assert np.linalg.eigvalsh(quantum).min() >= -50 * EPS * np.abs(quantum).max()
    rate = POINTS[name].cascade.minus.damping_rate + POINTS[name].cascade.plus.damping_rate
    # phase-space volume shrinks at γ₋ + γ₊
    assert np.trace(found.drift) == pytest.approx(-rate, abs=50 * EPS * np.abs(found.diffusion).max())


@pytest.mark.parametrize("conditional", [False, True])
@pytest.mark.parametrize("name", POINTS)
def test_steady_states_obey_the_uncertainty_relation(name: str, conditional: bool) -> None:
    point = POINTS[name]
    covariance = steady_state(rwa(point.cascade, point.detection), conditional=conditional)
    scale = np.sqrt(np.diag(covariance))
    # unit diagonal first, so that V₋ ~ 1e6 does not hide the rest
    uncertainty = (covariance + 0.5j * FORM) / np.outer(scale, scale)
    # V is known to the rounding of γ beside Γ, at worst eps Γ/γ₀ ~ 1e-9
    assert np.linalg.eigvalsh(uncertainty).min() >= -1e-9


def valid() -> dict[str, object]:
    return {
        "hamiltonian": np.eye(4),
        "monitored": np.ones((2, 4), complex),
        "efficiency": np.array([0.0, 1.0]),
        "unmonitored": np.ones((3, 4), complex),
        "record_names": ("a", "b"),
    }


def test_a_valid_model_counts_its_channels() -> None:
    model = LinearModel(**valid())  # type: ignore[arg-type]
    assert model.dimension == 4
    assert model.channels.shape == (5, 4)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("hamiltonian", np.ones((4, 3)), r"hamiltonian must have shape \(4, 4\), got \(4, 3\)"),
        ("monitored", np.ones((2, 3)), r"monitored must have shape \(2, 4\), got \(2, 3\)"),
        ("monitored", np.ones(4), r"monitored must have shape \(4, 4\), got \(4,\)"),
        ("unmonitored", np.ones((3, 2)), r"unmonitored must have shape \(3, 4\), got \(3, 2\)"),
        ("efficiency", np.ones(3), r"efficiency must have shape \(2,\), got \(3,\)"),
        ("efficiency", np.array([0.5, 1.1]), r"efficiency must lie in \[0, 1\], got 1\.1$"),
        ("efficiency", np.array([-0.1, 1.0]), r"efficiency must lie in \[0, 1\], got -0\.1$"),
        ("efficiency", np.array([0.5, math.nan]), r"efficiency must be finite, got nan at \(1,\)$"),
        ("monitored", np.full((2, 4), math.inf), r"monitored must be finite, got .*inf.* at \(0, 0\)$"),
        ("record_names", ("a",), r"record_names must name 2 channels, got \('a',\)"),
        (
            "hamiltonian",
            np.triu(np.ones((4, 4))),
            r"^hamiltonian must be symmetric, got 1 at \(0, 1\) and 0",
        ),
        ("hamiltonian", np.eye(4) + 1j * np.ones((4, 4)), "^hamiltonian must be real, got complex numbers$"),
    ],
)
def test_a_bad_model_is_refused(name: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LinearModel(**{**valid(), name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 3])
def test_quadratures_come_in_pairs(size: int) -> None:
    shapes = {"hamiltonian": np.eye(size), "monitored": np.ones((2, size)), "unmonitored": np.ones((3, size))}
    with pytest.raises(ValueError, match=f"even number of quadratures, got {size}"):
        LinearModel(**{**valid(), **shapes})  # type: ignore[arg-type]
