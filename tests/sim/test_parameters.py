import math
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cascade_steering.sim.gaussian.covariance import transient
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import ground_state, squeezed_state
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator, UnstableError, require
from tests.support.systems import HOT, NO_BATH, VACUUM, cascade

TINY = 1e-300
NOT_FINITE = st.sampled_from([math.nan, math.inf, -math.inf])
NEGATIVE = st.floats(max_value=-TINY, allow_infinity=False) | NOT_FINITE
ABOVE_ONE = st.floats(min_value=math.nextafter(1.0, 2.0), allow_infinity=False)
OUTSIDE_UNIT = NEGATIVE | ABOVE_ONE
OUTSIDE_QUADRANT = NEGATIVE | st.floats(min_value=math.nextafter(0.5, 1.0), allow_infinity=False)


def named(name: str, value: object) -> str:
    """Pattern of a message that names the argument and the value it got."""
    return rf"^{re.escape(name)} must be .*got {re.escape(repr(value))}$"


@given(NEGATIVE)
def test_bath_refuses_negative_or_infinite_rates(value: float) -> None:
    with pytest.raises(ValueError, match=named("linewidth_hz", value)):
        Bath(linewidth_hz=value, occupation=0.0)
    with pytest.raises(ValueError, match=named("occupation", value)):
        Bath(linewidth_hz=1.0, occupation=value)


@given(NEGATIVE)
def test_oscillator_refuses_bad_strengths(value: float) -> None:
    with pytest.raises(ValueError, match=named("strength_hz", value)):
        Oscillator(strength_hz=value, angle_pi=0.3, bath=HOT)
    with pytest.raises(ValueError, match=named("cooperativity", value)):
        Oscillator.from_cooperativity(value, angle_pi=0.3, bath=HOT)


@given(OUTSIDE_QUADRANT)
def test_oscillator_refuses_bad_angles(value: float) -> None:
    with pytest.raises(ValueError, match=named("angle_pi", value)):
        Oscillator(strength_hz=1.0, angle_pi=value, bath=HOT)
    with pytest.raises(ValueError, match=named("angle_pi", value)):
        Oscillator.from_cooperativity(1.0, angle_pi=value, bath=HOT)


@given(OUTSIDE_UNIT)
def test_fractions_lie_in_the_unit_interval(value: float) -> None:
    point = cascade(1, 1, 0.3, 0.4)
    with pytest.raises(ValueError, match=named("loss", value)):
        Cascade(minus=point.minus, plus=point.plus, loss=value)
    with pytest.raises(ValueError, match=named("efficiency", value)):
        Detection(efficiency=value)


@given(NOT_FINITE)
def test_phases_are_finite(value: float) -> None:
    point = cascade(1, 1, 0.3, 0.4)
    with pytest.raises(ValueError, match=named("path_phase_pi", value)):
        Cascade(minus=point.minus, plus=point.plus, path_phase_pi=value)
    with pytest.raises(ValueError, match=named("lo_phase_pi", value)):
        Detection(lo_phase_pi=value)


def test_edges_are_allowed() -> None:
    assert Oscillator(strength_hz=0.0, angle_pi=0.0, bath=NO_BATH).angle == 0.0
    assert Oscillator(strength_hz=0.0, angle_pi=0.5, bath=NO_BATH).angle == math.pi / 2
    assert [Detection(efficiency=eta).efficiency for eta in (0, 1)] == [0, 1]
    assert [cascade(1, 1, 0.3, 0.4, loss=loss).loss for loss in (0.0, 1.0)] == [0.0, 1.0]


@pytest.mark.parametrize(
    ("value", "low_open", "fits"), [(0.0, True, False), (0.0, False, True), (1.0, True, True), (1.5, False, False)]
)
def test_require_at_its_edges(value: float, low_open: bool, fits: bool) -> None:
    if fits:
        require(value, "x", low=0.0, high=1.0, low_open=low_open)
    else:
        least = "more than 0" if low_open else "at least 0"
        with pytest.raises(ValueError, match=rf"^x must be {least} and at most 1, got {value}$"):
            require(value, "x", low=0.0, high=1.0, low_open=low_open)


def test_unknown_names_are_refused_with_the_choice() -> None:
    with pytest.raises(ValueError, match=r"^bath must be one of hot, vacuum, got 'cold'$"):
        Bath.named("cold")
    with pytest.raises(ValueError, match=r"^scheme must be one of homodyne, heterodyne, got 'both'$"):
        Detection(scheme="both")  # type: ignore[arg-type]


def test_a_cooperativity_needs_a_bath() -> None:
    with pytest.raises(ValueError, match=r"^cooperativity needs a bath of linewidth more than 0"):
        Oscillator.from_cooperativity(1.0, angle_pi=0.3, bath=NO_BATH)


def test_the_papers_baths() -> None:
    # captions of Figs. 2 and 4: γ̃₀ ≈ 2π·10 kHz for both, to the ½ beside 1e5
    assert pytest.approx(2 * math.pi * 0.1) == HOT.linewidth
    assert HOT.occupation == 1e5
    assert pytest.approx(2 * math.pi * 20e3) == VACUUM.linewidth
    assert VACUUM.occupation == 0.0
    assert HOT.decoherence_rate == pytest.approx(VACUUM.decoherence_rate, rel=0.6e-5)
    assert VACUUM.decoherence_rate == pytest.approx(2 * math.pi * 1e4, rel=1e-15)


def test_rates_of_an_oscillator() -> None:
    # Γ = 6, θ = π/3: sin² = 3/4, cos² = 1/4
    one = Oscillator.si(strength=6.0, angle=math.pi / 3, bath=Bath.si(linewidth=2.0, occupation=1.0))
    assert one.beam_splitter_rate == pytest.approx(4.5)
    assert one.parametric_rate == pytest.approx(1.5)
    assert one.damping_rate == pytest.approx(5.0)
    assert one.cooperativity == pytest.approx(2.0)
    again = Oscillator.from_cooperativity(one.cooperativity, angle_pi=one.angle_pi, bath=one.bath)
    assert again.strength == pytest.approx(6.0)


def test_damping_keeps_its_digits_near_the_qnd_angle() -> None:
    # θ = π/4 + δ: γ = Γ sin 2δ. θ is rounded to eps/2, so γ is uncertain by Γ eps: 1e-16/2e-9 of it
    delta = 1e-9
    one = Oscillator.si(strength=1e6, angle=math.pi / 4 + delta, bath=NO_BATH)
    exact = 1e6 * math.sin(2 * (one.angle - math.pi / 4))
    assert one.damping_rate == pytest.approx(exact, rel=2e-16 / delta)


def test_without_a_bath_time_has_no_unit() -> None:
    one = Oscillator.si(strength=1.0, angle=1.0, bath=NO_BATH)
    assert one.cooperativity == math.inf
    assert Cascade(minus=one, plus=one).time_unit == math.inf
    assert cascade(1, 1, 0.3, 0.4, (VACUUM, HOT)).time_unit == pytest.approx(1 / (2e4 * math.pi))


@pytest.mark.parametrize(("which", "angles"), [("minus", (0.2, 0.4)), ("plus", (0.4, 0.2))])
def test_stability_names_the_unstable_oscillator(which: str, angles: tuple[float, float]) -> None:
    message = rf"damping rate of oscillator {which} is -\d.* rad/s and must be more than 0; .*\(0\.2 pi\)"
    with pytest.raises(UnstableError, match=message):
        cascade(50, 50, *angles).require_stable()


def test_zero_damping_is_unstable_and_positive_damping_is_not() -> None:
    still = Oscillator.si(strength=0.0, angle=0.0, bath=NO_BATH)
    moving = Oscillator.si(strength=1.0, angle=1.0, bath=HOT)
    with pytest.raises(UnstableError, match="oscillator minus is 0 rad/s"):
        Cascade(minus=still, plus=moving).require_stable()
    Cascade(minus=moving, plus=moving).require_stable()


def test_detectors_of_each_scheme() -> None:
    assert Detection(lo_phase_pi=0.25).lo_phases == (math.pi / 4,)
    assert Detection(lo_phase_pi=0.25, scheme="heterodyne").lo_phases == (math.pi / 4, 3 * math.pi / 4)


@pytest.mark.parametrize("kind", [np.float64, np.float32, np.float16, np.int64, np.uint8, np.array])
def test_numbers_of_numpy_are_the_numbers_that_they_are(kind: Callable[[int], Any]) -> None:
    def built(number: Callable[[int], Any], count: Callable[[int], Any]) -> tuple[Any, ...]:
        bath = Bath(linewidth_hz=number(200), occupation=number(1))
        # 200 · 1.5 · 2, 200 · 200 and −100 are no numbers of eight bits
        minus = Oscillator.from_cooperativity(number(2), angle_pi=number(0), bath=bath)
        system = Cascade(
            minus=minus, plus=Oscillator(strength_hz=number(200), angle_pi=number(0), bath=bath), loss=number(0)
        )
        light = Detection(lo_phase_pi=number(1), efficiency=number(1))
        grid = TimeGrid(step=number(1), steps_per_save=count(200), saves=count(200))
        pair = squeezed_state((number(1), number(2)), (number(1), number(0)))
        models = (
            rwa(system, light),
            lab(system, light, frequency_hz=number(100)),
            lab(system, light, frequency_hz=(number(100), number(101))),
        )
        return system, light, grid, grid.steps, pair.covariance, *(each.hamiltonian for each in models)

    # what counts is a whole number
    count = int if "float" in str(kind) else kind
    for found, expected in zip(built(kind, count), built(float, int), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_lists_are_arrays_wherever_numbers_are_taken() -> None:
    model = rwa(cascade(2, 3, 0.3, 0.4), Detection())
    np.testing.assert_array_equal(
        transient(model, np.eye(4).tolist(), [1, 2], conditional=True),  # type: ignore[arg-type]
        transient(model, np.eye(4), np.array([1.0, 2.0]), conditional=True),
    )
    unread = filter_record(model, [[0, 0]], np.float32(0.5), ground_state())  # type: ignore[arg-type]
    np.testing.assert_array_equal(unread.means, np.zeros((2, 4)))


def test_no_number_is_taken_without_its_unit() -> None:
    # 0.35 for 0.35 π and 0.1 rad/s for 0.1 Hz were once taken without a word
    system = cascade(1, 1, 0.3, 0.4)
    for wrong in (
        lambda: Oscillator.from_cooperativity(50.0, 0.35, HOT),  # type: ignore[misc]
        lambda: Oscillator(strength=1.0, angle=0.35, bath=HOT),  # type: ignore[call-arg]
        lambda: Bath(linewidth=0.1, occupation=1e5),  # type: ignore[call-arg]
        lambda: Bath(0.1, 1e5),  # type: ignore[misc]
        lambda: Detection(lo_phase=0.5),  # type: ignore[call-arg]
        lambda: Cascade(minus=system.minus, plus=system.plus, path_phase=0.5),  # type: ignore[call-arg]
    ):
        with pytest.raises(TypeError):
            wrong()


def test_units_of_the_door_are_si_inside() -> None:
    bath = Bath(linewidth_hz=0.1, occupation=2.0)
    assert (bath.linewidth, bath.decoherence_rate) == pytest.approx((0.2 * math.pi, 0.5 * math.pi), rel=1e-15)
    one = Oscillator(strength_hz=3.0, angle_pi=0.25, bath=bath)
    assert (one.strength, one.angle) == pytest.approx((6.0 * math.pi, math.pi / 4), rel=1e-15)
    again = Oscillator.si(strength=one.strength, angle=one.angle, bath=Bath.si(linewidth=bath.linewidth, occupation=2))
    assert (again.strength_hz, again.angle_pi, again.bath.linewidth_hz) == pytest.approx((3.0, 0.25, 0.1), rel=1e-15)
    assert Cascade(minus=one, plus=one, path_phase_pi=0.5).path_phase == math.pi / 2
    assert Detection.si(lo_phase=math.pi / 4) == Detection(lo_phase_pi=0.25)
