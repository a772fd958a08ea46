from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import qutip
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, SCHEMES, Direction, Scheme, steering_parameter
from cascade_steering.analysis.time_courses.milestones import SETTLED, Window, milestones, steering_at
from cascade_steering.analysis.time_courses.transients import (
    SampledTransient,
    Transient,
    sampled_transient,
    steering_transient,
)
from cascade_steering.sim.ensemble.simulate import grid_for, simulate
from cascade_steering.sim.fock.basis.states import density_state
from cascade_steering.sim.fock.moving.engine import Fock
from cascade_steering.sim.gaussian.covariance import stationary_state, steady_state, transient
from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.initial_state import InitialState, ground_state, thermal_state
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule, unlit
from cascade_steering.sim.parameters import Cascade, Detection
from tests.support import reference
from tests.support.chance import quadratic
from tests.support.systems import COLD, HOT, POINTS, SLOW, WARM, cascade, hertz

FloatArray = NDArray[np.float64]

# hot baths at C₋ = 10, from thermal equilibrium: where both directions steer in the end
TEN = cascade(10, 10, 0.35, 0.40)
EQUILIBRIUM = thermal_state((HOT.occupation, HOT.occupation))


def dark(cascade: Cascade) -> LinearModel:
    return rwa(unlit(cascade), Detection())


@cache
def ten() -> Transient:
    return steering_transient(rwa(TEN, Detection()), EQUILIBRIUM, np.geomspace(1e-8, 1e2, 11) * TEN.time_unit)


@pytest.mark.few(1)
@pytest.mark.parametrize("name", SLOW)
def test_steering_in_time(name: str) -> None:
    point = POINTS[name]
    times = np.array([0.1, 0.4, 2.0])
    drawn = InitialState(covariance=0.5 * np.eye(4), scatter=np.diag([1.0, 2.0, 0.0, 0.3]), name="drawn")
    found = steering_transient(rwa(point.cascade, point.detection), drawn, times)
    exact = reference.linear(point.cascade, point.detection)
    unseen = reference.transient(exact, drawn.unconditional, times, conditional=False)
    seen = reference.transient(exact, drawn.covariance, times, conditional=True)
    for direction in DIRECTIONS:
        # the integrator's 1e-12 a step, over some hundred steps
        assert found.unconditional[direction] == pytest.approx(steering_parameter(unseen, direction), rel=1e-8)
        assert found.conditional[direction] == pytest.approx(steering_parameter(seen, direction), rel=1e-8)
        assert np.all(found.conditional[direction] <= found.unconditional[direction] * (1 + 1e-12))


@pytest.mark.few(1)
@pytest.mark.parametrize("conditional", [False, True])
def test_ten_decades_in_extended_precision(conditional: bool) -> None:
    times = ten().times
    system = reference.linear(TEN, Detection())
    exact = reference.closed_form(system, EQUILIBRIUM.covariance, times, conditional=conditional)
    scheme = ten().conditional if conditional else ten().unconditional
    for direction in DIRECTIONS:
        # the doublings of a map, each rounded, and variances whose digits cancel by 1e2 at most
        assert scheme[direction] == pytest.approx([float(reference.steering(v, direction)) for v in exact], rel=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("lo_phase", [0.0, 0.3])
def test_ten_decades_where_minus_hardly_decays(lo_phase: float) -> None:
    # γ₋ = γ₀ is 1e-7 Γ: V₋ goes to 1e6 while E stays near ½
    slow, detection = cascade(10, 10, 0.25, 0.45), Detection.si(lo_phase=lo_phase, efficiency=0.8)
    times = 10.0 ** np.arange(-5, 6) * slow.time_unit
    found = steering_transient(rwa(slow, detection), EQUILIBRIUM, times)
    for scheme, conditional in (("unconditional", False), ("conditional", True)):
        exact = reference.closed_form(
            reference.linear(slow, detection), EQUILIBRIUM.covariance, times, conditional=conditional
        )
        for direction in DIRECTIONS:
            wanted = [float(reference.steering(v, direction)) for v in exact]
            # a step may remove a factor of 1e3 from a variance, which costs 2e-13, and the steps are a dozen
            assert getattr(found, scheme)[direction] == pytest.approx(wanted, rel=3e-12)


def test_times_of_steering_in_extended_precision() -> None:
    found, system = ten().milestones, reference.linear(TEN, Detection())
    ratios = {}
    for direction in DIRECTIONS:
        for scheme in SCHEMES:
            time = found.first(scheme, direction)
            assert time is not None
            around = np.array([time * (1 - 1e-9), time * (1 + 1e-9)])
            exact = reference.closed_form(system, EQUILIBRIUM.covariance, around, conditional=scheme == "conditional")
            before, after = (float(reference.steering(v, direction) - 0.5) for v in exact)
            assert before > 0.0 > after
        ratios[direction] = found.windows["unconditional"][direction][0].start
        ratios[direction] /= found.windows["conditional"][direction][0].start
    # as first computed, and confirmed above: how many times sooner the record shows steering
    assert ratios == pytest.approx({"plus_given_minus": 3.279648, "minus_given_plus": 1.767614}, rel=1e-6)


@pytest.mark.slow
def test_from_equilibrium_with_light_e_only_falls_with_the_record() -> None:
    # unconditional: towards the steady state, which is far below; a record only adds to that
    for direction in DIRECTIONS:
        assert np.all(np.diff(ten().unconditional[direction]) <= 1e-12)
        assert np.all(ten().d[direction] > 0.0)
        peak = ten().milestones.largest_d[direction]
        assert peak.value >= ten().d[direction].max()
        # two thermal oscillators a hundred thousand times above what light in a time 1/Γ tells of them
        assert peak.value > 0.999
        at = steering_transient(rwa(TEN, Detection()), EQUILIBRIUM, peak.time * np.array([0.99, 1.0, 1.01])).d[
            direction
        ]
        assert at[1] == pytest.approx(peak.value, rel=1e-12)
        assert max(at[0], at[2]) < at[1]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", SCHEMES)
def test_settled_means_within_one_per_cent_for_good(scheme: Scheme) -> None:
    model = rwa(TEN, Detection())
    limit = steady_state(model, conditional=scheme == "conditional")
    for direction in DIRECTIONS:
        time = ten().milestones.settling[scheme][direction]
        assert time is not None
        later = steering_transient(model, EQUILIBRIUM, time * np.geomspace(1.0, 1e4, 200))
        off = getattr(later, scheme)[direction] / float(steering_parameter(limit, direction)) - 1.0
        assert abs(off[0]) == pytest.approx(SETTLED, rel=1e-9)
        assert np.all(np.abs(off[1:]) < SETTLED)


def test_two_way_steering_is_where_both_steer() -> None:
    for scheme in SCHEMES:
        (window,) = ten().milestones.two_way[scheme]
        single = [ten().milestones.windows[scheme][direction] for direction in DIRECTIONS]
        assert window == Window(start=max(each.start for (each,) in single), end=float("inf"))


@pytest.mark.slow
@pytest.mark.parametrize("initial", [EQUILIBRIUM, thermal_state((1e5, 0.0)), thermal_state((0.0, 1e3)), ground_state()])
def test_milestones_agree_with_a_dense_curve(initial: InitialState) -> None:
    drive = Schedule.pulse(rwa(TEN, Detection()), dark(TEN), 3.0 * TEN.time_unit)
    found = steering_transient(drive, initial, np.linspace(0.0, 4.0, 1001) * TEN.time_unit)
    times, step = found.times, found.times[1]
    for scheme in SCHEMES:
        values = getattr(found, scheme)
        both = np.maximum(*(values[direction] for direction in DIRECTIONS))
        for curve, windows in [
            *((values[direction], found.milestones.windows[scheme][direction]) for direction in DIRECTIONS),
            (both, found.milestones.two_way[scheme]),
        ]:
            inside = np.any([(times > each.start) & (times < each.end) for each in windows], axis=0)
            # windows shorter than a step of the curve aside
            differs = np.flatnonzero(inside != (curve < 0.5 * (1 - 1e-12)))
            edges = [edge for each in windows for edge in (each.start, each.end)]
            assert all(np.min(np.abs(times[at] - edges)) < step for at in differs)
            assert len([each for each in windows if each.width > 2 * step]) >= (initial is EQUILIBRIUM)
    for direction in DIRECTIONS:
        assert found.milestones.largest_d[direction].value >= found.d[direction].max() - 1e-12


def test_steering_may_come_and_go_and_come_back() -> None:
    # + starts in its ground state, − in equilibrium: + is steered, then heated by what − sends, then cooled
    found = steering_transient(rwa(TEN, Detection()), thermal_state((1e5, 0.0)), np.array([0.0])).milestones
    early, late = found.windows["unconditional"]["plus_given_minus"]
    assert 0.0 < early.start < early.end < late.start
    assert late.end == float("inf")
    (with_record,) = found.windows["conditional"]["plus_given_minus"]
    assert with_record.start < early.start


@pytest.mark.few(1)
@pytest.mark.parametrize("initial", [EQUILIBRIUM, ground_state()])
def test_a_plateau_has_no_time_of_its_own(initial: InitialState) -> None:
    # γ₋ = γ₀: variances creep for 1e6 units while d stays; from the ground state it never is larger than in the end
    model = rwa(cascade(10, 20, 0.25, 0.45), Detection())
    peak = steering_transient(model, initial, np.array([0.0])).milestones.largest_d["minus_given_plus"]
    assert (peak.time == float("inf")) is (initial is not EQUILIBRIUM)


@pytest.mark.slow
def test_the_lab_frame_tends_to_the_rotating_waves_milestones() -> None:
    errors = []
    for frequency in (2e8, 2e9):
        models = (lab(each, Detection(), frequency_hz=hertz(frequency)) for each in (TEN, unlit(TEN)))
        schedule = Schedule.pulse(*models, 5.0 * TEN.time_unit)
        found = steering_transient(schedule, EQUILIBRIUM, np.array([0.0])).milestones
        (window,) = found.two_way["conditional"]
        errors.append(abs(window.start / ten().milestones.two_way["conditional"][0].start - 1.0))
        assert 5.0 * TEN.time_unit < window.end < 5.01 * TEN.time_unit
    # Γ/Ω is 3e-3 and 3e-4
    assert errors[1] < 1e-3
    assert errors[1] < errors[0] / 3


@pytest.mark.slow
def test_milestones_do_not_depend_on_the_times_asked_for() -> None:
    point = POINTS["mild"]
    model, initial = rwa(point.cascade, point.detection), thermal_state((1.0, 2.0))
    one, other = (steering_transient(model, initial, np.array(times)) for times in ([0.0], [0.1, 7.0]))
    assert one.milestones == other.milestones


def test_who_stays_in_its_ground_state_never_steers() -> None:
    # + unlit in a vacuum: E₊|₋ = ½ at all times, up to rounding
    found = steering_transient(rwa(cascade(4, 0, 0.3, 0.4, (WARM, COLD)), Detection()), ground_state(), np.array([1.0]))
    assert found.conditional["plus_given_minus"] == pytest.approx(0.5, rel=1e-14)
    for scheme in SCHEMES:
        assert found.milestones.first(scheme, "plus_given_minus") is None
        assert found.milestones.windows[scheme]["plus_given_minus"] == ()
        assert found.milestones.settling[scheme]["plus_given_minus"] == 0.0


def test_nothing_settles_without_damping() -> None:
    # a light of strength 0 and a bath of width 0: the state stays, whatever it is
    lossless = replace(unlit(TEN), minus=replace(unlit(TEN).minus, bath=replace(HOT, linewidth_hz=0.0)))
    drive = Schedule.pulse(rwa(TEN, Detection()), rwa(lossless, Detection()), 5.0 * TEN.time_unit)
    found = steering_transient(drive, EQUILIBRIUM, np.array([0.0, 6.0, 9.0]) * TEN.time_unit).milestones
    for scheme in SCHEMES:
        assert set(found.settling[scheme].values()) == {None}
        assert found.windows[scheme]["plus_given_minus"][0].end < 9.0 * TEN.time_unit


def test_times_only_go_forward() -> None:
    model = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
    for drive in (model, Schedule.pulse(model, dark(POINTS["mild"].cascade), 0.7)):
        with pytest.raises(ValueError, match="times must be finite, at least 0 and increasing, got"):
            steering_transient(drive, thermal_state((1.0, 1.0)), np.array([1.0, 0.5]))


def test_what_a_record_tells_of_a_state_that_is_not_gaussian_is_not_made_up() -> None:
    model = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
    quantum = density_state(qutip.tensor(qutip.fock(4, 1), qutip.fock(4, 0)), name="one quantum")
    times = np.array([0.0, 0.5])
    for asked in (
        lambda: steering_transient(model, quantum, times),
        lambda: steering_at(Schedule(models=(model,)), quantum, times),
        lambda: milestones(Schedule(models=(model,)), quantum, 1.0),
    ):
        with pytest.raises(ValueError, match="one quantum"):
            asked()


@pytest.mark.few(1)
@pytest.mark.parametrize("name", ["hot", "vacuum", "mixed_loss", "path_phase", "all_lost"])
def test_the_end_is_the_steady_state(name: str) -> None:
    point = POINTS[name]
    model = rwa(point.cascade, point.detection)
    slowest = min(point.cascade.minus.damping_rate, point.cascade.plus.damping_rate)
    # 40 times the slowest decay of an amplitude, whose rate is γ/2
    found = steering_transient(model, thermal_state((3.0, 4.0)), np.array([80.0 / slowest]))
    for scheme, conditional in (("unconditional", False), ("conditional", True)):
        limit = steady_state(model, conditional=conditional)
        for direction in DIRECTIONS:
            value = getattr(found, scheme)[direction][0]
            # e⁻⁴⁰ of the start, and rounding of variances up to 1e5 times the vacuum
            assert value == pytest.approx(float(steering_parameter(limit, direction)), rel=1e-9)


@pytest.mark.parametrize("name", ["hot_qnd", "heterodyne"])
def test_the_beginning_is_the_initial_state(name: str) -> None:
    point = POINTS[name]
    times = np.array([0.0, 1e-12 * point.cascade.time_unit])
    drawn = InitialState(covariance=np.diag([1.5, 1.5, 2.5, 2.5]), scatter=np.diag([2.0, 0, 0, 2.0]), name="drawn")
    found = steering_transient(rwa(point.cascade, point.detection), drawn, times)
    # without correlations E is √det of the inferred oscillator: 2.5 × 4.5 of +, 3.5 × 1.5 of −
    for at in (0, 1):
        assert found.unconditional["plus_given_minus"][at] == pytest.approx(11.25**0.5, rel=1e-6)
        assert found.unconditional["minus_given_plus"][at] == pytest.approx(5.25**0.5, rel=1e-6)
        assert found.conditional["plus_given_minus"][at] == pytest.approx(2.5, rel=1e-6)
        assert found.conditional["minus_given_plus"][at] == pytest.approx(1.5, rel=1e-6)
    # the root of a variance, squared
    assert found.conditional["plus_given_minus"][0] == pytest.approx(2.5, rel=1e-15)


def test_the_steady_state_stays() -> None:
    point = POINTS["mild"]
    model = rwa(point.cascade, point.detection)
    found = steering_transient(model, stationary_state(model), np.linspace(0.0, 5.0, 6) * point.cascade.time_unit)
    for scheme in (found.unconditional, found.conditional):
        for direction in DIRECTIONS:
            assert scheme[direction] == pytest.approx(np.full(6, scheme[direction][0]), rel=1e-12)
    assert np.all(found.conditional["plus_given_minus"] < 0.99 * found.unconditional["plus_given_minus"])
    assert all(time == 0.0 for scheme in SCHEMES for time in found.milestones.settling[scheme].values())


def test_no_light_no_difference() -> None:
    point = POINTS["mild"]
    model = rwa(point.cascade, Detection(efficiency=0.0))
    found = steering_transient(model, thermal_state((1.0, 2.0)), np.array([0.0, 0.3, 3.0]))
    for direction in DIRECTIONS:
        assert found.conditional[direction] == pytest.approx(found.unconditional[direction], rel=1e-13)
        assert found.milestones.largest_d[direction].value == pytest.approx(0.0, abs=1e-12)


@pytest.mark.slow
def test_a_pulse_that_does_not_end_is_light_for_good() -> None:
    point = POINTS["mixed_loss"]
    lit, unit = rwa(point.cascade, point.detection), point.cascade.time_unit
    times = np.linspace(0.0, 3.0, 7) * unit
    endless = steering_transient(Schedule.pulse(lit, dark(point.cascade), 1e9 * unit), EQUILIBRIUM, times)
    for_good = steering_transient(lit, EQUILIBRIUM, times)
    for scheme in SCHEMES:
        for direction in DIRECTIONS:
            assert np.array_equal(getattr(endless, scheme)[direction], getattr(for_good, scheme)[direction])
            # found in scans that end elsewhere, but on the same flow
            first = for_good.milestones.first(scheme, direction)
            assert endless.milestones.first(scheme, direction) == (first and pytest.approx(first, rel=1e-9))


def test_a_pulse_of_no_length_changes_nothing() -> None:
    point = POINTS["mixed_loss"]
    bath = thermal_state((point.cascade.minus.bath.occupation, point.cascade.plus.bath.occupation))
    times = np.geomspace(1e-6, 1e6, 7) * point.cascade.time_unit
    drive = Schedule.pulse(rwa(point.cascade, point.detection), dark(point.cascade), 0.0)
    found = steering_transient(drive, bath, np.concatenate([[0.0], times]))
    for scheme in SCHEMES:
        for direction, variance in zip(DIRECTIONS, bath.covariance.diagonal()[[2, 0]], strict=True):
            # eps times the fastest rate over the slowest, 1e5, by a few roundings
            assert getattr(found, scheme)[direction] == pytest.approx(np.full(8, variance), rel=1e-10)
            assert found.milestones.settling[scheme][direction] == 0.0
        assert found.milestones.two_way[scheme] == ()
    assert {peak.time for peak in found.milestones.largest_d.values()} == {0.0}


def test_after_a_pulse_only_the_baths_act() -> None:
    point = POINTS["mild"]
    cascade, end = point.cascade, 0.8
    lit = rwa(cascade, point.detection)
    times = np.array([0.3, 0.8, 1.1, 5.0])
    found = transient(Schedule.pulse(lit, dark(cascade), end), EQUILIBRIUM.covariance, times, conditional=True)
    within = transient(lit, EQUILIBRIUM.covariance, times[:2], conditional=True)
    assert found[:2] == pytest.approx(within, rel=1e-12)
    # each oscillator loses e^{−γ₀t} of what it had and gets that share of its bath
    widths = np.repeat([cascade.minus.bath.linewidth, cascade.plus.bath.linewidth], 2)
    thermal = np.repeat([cascade.minus.bath.occupation + 0.5, cascade.plus.bath.occupation + 0.5], 2)
    for time, after in zip(times[2:], found[2:], strict=True):
        left = np.exp(-widths / 2 * (time - end))
        wanted = within[1] * np.outer(left, left) + np.diag(thermal * (1.0 - left**2))
        assert after == pytest.approx(wanted, rel=1e-12, abs=1e-12)


def test_schedules_that_make_no_sense_are_refused() -> None:
    lit, off = rwa(TEN, Detection()), dark(TEN)
    with pytest.raises(ValueError, match=r"^pulse must be at least 0 and finite, got -1\.0$"):
        Schedule.pulse(lit, off, -1.0)
    with pytest.raises(ValueError, match=r"^2 models need one switch fewer, got 2$"):
        Schedule(models=(lit, off), switches=(1.0, 2.0))
    with pytest.raises(ValueError, match="switches must be finite, at least 0 and increasing"):
        Schedule(models=(lit, off, lit), switches=(2.0, 1.0))
    one = LinearModel(
        hamiltonian=np.zeros((2, 2)), monitored=np.zeros((1, 2), dtype=complex), efficiency=np.ones(1),
        unmonitored=np.zeros((0, 2), dtype=complex), record_names=("X",),
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"^models must be of one dimension, got \[4, 2\]$"):
        Schedule(models=(lit, one), switches=(1.0,))


def off_by(sampled: SampledTransient, exact: Transient, scheme: str, direction: Direction) -> FloatArray:
    """Deviations from the exact curve in standard errors, taken as a quarter of the 95 % interval."""
    found = getattr(sampled, scheme)[direction]
    return np.array(
        [
            (each.value - value) / max((each.high - each.low) / 3.92, 1e-12 * value, 1e-15)
            for each, value in zip(found, getattr(exact, scheme)[direction], strict=True)
        ]
    )


@pytest.mark.parametrize("initial", [thermal_state((5.0, 30.0)), thermal_state((1e5, 1e5))])
def test_an_ensemble_of_moments_follows_the_curve(initial: InitialState) -> None:
    model = rwa(TEN, Detection())
    grid = grid_for(Gaussian(), model, initial, 3.0 * TEN.time_unit, saves=6)
    dataset = simulate(model, Gaussian(), grid, initial, trajectories=1000, seed=1)
    sampled, exact = sampled_transient(dataset), steering_transient(model, initial, grid.times)
    assert sampled.times == pytest.approx(grid.times, rel=1e-15)
    for scheme in ("unconditional", "conditional", "d"):
        for direction in DIRECTIONS:
            # seven times, three numbers, two directions
            assert np.all(np.abs(off_by(sampled, exact, scheme, direction)) < quadratic(42, 1000))
    # and the intervals are not so wide that anything fits: the record is worth what it is to a few per cent
    assert all(each.high - each.low < 0.1 for direction in DIRECTIONS for each in sampled.d[direction])


@pytest.mark.slow
def test_an_ensemble_of_fock_states_follows_the_curve() -> None:
    model, engine = rwa(TEN, Detection()), Fock()
    grid = grid_for(engine, model, ground_state(), 0.5 * TEN.time_unit, saves=3)
    dataset = simulate(model, engine, grid, ground_state(), trajectories=40, seed=2)
    sampled, exact = sampled_transient(dataset), steering_transient(model, ground_state(), grid.times)
    for direction in DIRECTIONS:
        assert np.all(np.abs(off_by(sampled, exact, "unconditional", direction)) < quadratic(16, 40))
        # the suggested step is for three digits of E; d, the difference of two, has the same absolute error
        values = [each.value for each in sampled.conditional[direction]]
        assert values == pytest.approx(exact.conditional[direction], rel=1e-3)
        gains = np.array([(each.value, each.low, each.high) for each in sampled.d[direction]])
        width = (gains[:, 2] - gains[:, 1]) / 3.92
        assert np.all(np.abs(gains[:, 0] - exact.d[direction]) < quadratic(16, 40) * width + 1e-3)


@pytest.mark.slow
def test_where_d_has_settled_before_the_light_changes_its_first_time_counts() -> None:
    # d is level from 0.6 to 2 in units of 1/γ̃₀: which of its values is largest is rounding
    pair = cascade(50, 50, 0.35, 0.40, loss=0.1)
    model = rwa(pair, Detection(efficiency=0.9))
    times = np.linspace(0.0, 2.0, 2001) * pair.time_unit
    schedule = Schedule.pulse(model, dark(pair), float(times[-1]))
    found = steering_transient(schedule, ground_state(), times)
    d = found.d["plus_given_minus"]
    peak = found.milestones.largest_d["plus_given_minus"]
    assert peak.value == pytest.approx(d.max(), abs=1e-12)
    # within 1e-8 of the largest
    assert (
        times[1] + times[np.flatnonzero(d > d.max() - 1e-8)[0]]
        > peak.time
        > times[np.flatnonzero(d < d.max() - 2e-8)[-1]]
    )
