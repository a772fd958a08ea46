"""Counting of light with a coherent amplitude, L = c·x + λ: closed forms, dense operators, homodyne as its limit."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

import cascade_steering as cs
from cascade_steering.sim.fock.counting import following
from cascade_steering.sim.fock.counting.counting_engine import FockCounting
from cascade_steering.sim.fock.counting.heralded import StateInFrame, herald
from cascade_steering.sim.fock.counting.rates import expected_click_rates
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState, coherent_state
from cascade_steering.sim.model.counters import CountedChannel, Counter
from cascade_steering.sim.model.detectors import detect
from cascade_steering.sim.model.linear_model import ANNIHILATION, LinearModel
from cascade_steering.sim.noise import generator
from tests.sim.fock.counting.counted_reference import COUNTED, COUNTING_ONLY, Dense, cat, five
from tests.sim.fock.framed import gaussian

FloatArray = NDArray[np.float64]
A = ANNIHILATION
GRID = TimeGrid(step=0.1, steps_per_save=12, saves=1)
CLICKS = [(0.3, 0), (0.5, 1), (0.9, 0)]
LIT = tuple(
    replace(each, amplitudes=light)
    for each, light in zip(COUNTED, [np.array([0.8 - 0.5j, -0.6j]), np.array([1.1 + 0.3j])], strict=True)
)


def test_dark_clicks_do_not_shorten_the_suggested_step() -> None:
    bright = tuple(replace(each, amplitudes=20.0 * each.amplitudes) for each in LIT)
    steps = [
        FockCounting().suggested_step(replace(COUNTING_ONLY, counted=counted), GRID, cat())
        for counted in (
            tuple(replace(each, dark_rate=0.0) for each in LIT), tuple(replace(each, dark_rate=1e6) for each in LIT),
            bright,
        )
    ]  # fmt: skip
    assert steps[1] == pytest.approx(steps[0], rel=1e-9)
    assert steps[2] < 0.5 * steps[0]


def only(counter: CountedChannel, monitored: NDArray[np.complex128] | None = None) -> LinearModel:
    """One oscillator whose light is counted, or read by a homodyne detector of the same efficiency."""
    homodyne = np.zeros((0, 2)) if monitored is None else monitored
    return LinearModel(
        hamiltonian=np.diag([0.4, 0.2]),
        monitored=homodyne,
        efficiency=np.full(len(homodyne), counter.efficiency),
        unmonitored=np.array([0.5 * A, 0.3 * A.conj()]),
        record_names=("X",)[: len(homodyne)],
        counted=() if len(homodyne) else (counter,),
    )


@pytest.mark.parametrize("initial", [cat(), gaussian(np.diag([0.8, 0.5]), np.array([1.5, -0.8]))], ids=["cat", "far"])
def test_clicks_of_displaced_light_move_a_state_as_dense_operators_do(initial: InitialState) -> None:
    """Without a homodyne detector a step is exact; the reference is of first order in its own, and extrapolated."""
    model = replace(COUNTING_ONLY, counted=LIT)
    dense = Dense(model, 26)
    coarse, fine = (
        dense.along(dense.start(initial), np.zeros((round(1.2 * n), 0)), 1 / n, CLICKS, 1.2) for n in (200, 400)
    )
    run = FockCounting().prepare(model, GRID, initial).run_path(np.zeros((12, 0)), CLICKS)
    found = five(run.means[0, -1], run.covariances[0, -1])
    # what extrapolation leaves is of second order: as much smaller than the change as the change is than 1
    assert found == pytest.approx(2 * fine - coarse, abs=5e-4)
    dark = FockCounting().prepare(COUNTING_ONLY, GRID, initial).run_path(np.zeros((12, 0)), CLICKS)
    assert np.max(np.abs(five(dark.means[0, -1], dark.covariances[0, -1]) - found)) > 0.2


@pytest.mark.parametrize("name", ["amplitude", "pull_drive"])
def test_what_a_local_oscillator_does_at_and_between_clicks_is_seen(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mutant that forgets it in one of both is off by a hundred times what is compared above."""
    model, path = replace(COUNTING_ONLY, counted=LIT), np.zeros((12, 0))
    right = FockCounting().prepare(model, GRID, cat()).run_path(path, CLICKS)
    whole = following._counted
    monkeypatch.setattr(
        following, "_counted", lambda *given: (made := whole(*given))._replace(**{name: 0.0 * getattr(made, name)})
    )
    wrong = FockCounting().prepare(model, GRID, cat()).run_path(path, CLICKS)
    ends = [five(run.means[0, -1], run.covariances[0, -1]) for run in (right, wrong)]
    assert np.max(np.abs(ends[0] - ends[1])) > 0.05


def test_a_local_oscillator_alone_makes_poissonian_clicks_that_tell_nothing() -> None:
    counter = CountedChannel(
        name="c", rows=np.zeros((1, 2)), efficiency=0.8, dark_rate=5.0, amplitudes=np.array([12.0 - 16.0j])
    )
    model, grid = only(counter), TimeGrid(step=0.2, steps_per_save=1, saves=5)
    rate = 0.8 * 400.0 + 5.0
    assert expected_click_rates(model, cat(), grid.times) == pytest.approx(np.full((6, 1), rate))
    run = FockCounting().prepare(model, grid, cat()).run_path(np.zeros((5, 0)), 3)
    assert run.clicks is not None
    # a Poissonian number within 5.5 standard deviations
    assert abs(run.clicks.time.size - rate) < 5.5 * np.sqrt(rate)
    assert run.diagnostics["expected_clicks"][0] == pytest.approx(rate)
    number = run.clicks.time.size
    assert run.diagnostics["click_log_likelihood"][0] == pytest.approx(number * np.log(rate) - rate)
    still = FockCounting().prepare(model, grid, cat()).run_path(np.zeros((5, 0)), [])
    assert run.means == pytest.approx(still.means, abs=1e-4)
    assert run.covariances == pytest.approx(still.covariances, abs=1e-4)


def test_a_coherent_state_is_nulled_and_no_click_changes_it() -> None:
    """Kennedy's receiver: at λ = −√κ α there are no clicks, and later there are those of κ|α|²(e^{−κt/2} − 1)²."""
    kappa, alpha = 0.9, 0.7 - 0.4j
    row = np.sqrt(kappa) * A
    counter = CountedChannel(name="c", rows=row[None], amplitudes=np.array([-np.sqrt(kappa) * alpha]))
    model = replace(only(counter), hamiltonian=np.zeros((2, 2)), unmonitored=np.zeros((0, 2)))
    start, left = coherent_state((alpha,)), np.exp(-0.5 * kappa * GRID.step * np.arange(13))
    wanted = kappa * abs(alpha) ** 2 * (left - 1.0) ** 2
    assert expected_click_rates(model, start, GRID.step * np.arange(13))[:, 0] == pytest.approx(wanted, abs=1e-14)
    for clicks in ([], [(0.4, 0), (0.62, 0)]):
        run = FockCounting().prepare(model, GRID, start).run_path(np.zeros((12, 0)), clicks)
        assert run.means[0, -1] == pytest.approx(left[-1] * start.center, abs=1e-6)
        assert run.covariances[0, -1] == pytest.approx(0.5 * np.eye(2), abs=1e-5)
    with pytest.raises(ValueError, match="a counter that never clicks"):
        FockCounting().prepare(model, GRID, start).run_path(np.zeros((12, 0)), [(0.0, 0)])
    with pytest.raises(ValueError, match="never clicks in this state"):
        herald(StateInFrame.of(start), replace(counter, rows=0.0 * counter.rows, amplitudes=np.zeros(1)))


def distance_from_homodyne(amplitude: float, paths: int) -> tuple[float, float]:
    """Root mean square distance of V, and of x̂, from those of the homodyne filter of the current of the clicks."""
    phase, eta, duration = np.exp(0.6j), 0.8, 0.4
    row = 0.9 * A
    counter = CountedChannel(name="c", rows=row[None], efficiency=eta, amplitudes=np.array([amplitude * phase]))
    start = gaussian(np.array([[1.4, 0.3], [0.3, 0.6]]), np.array([0.5, -0.3]))
    # at this step what comes of its length is a tenth of the distance
    grid = TimeGrid.over(duration, saves=round(10 * amplitude))
    engine = FockCounting().prepare(only(counter), grid, start)
    reference = only(counter, np.conj(phase) * row[None])
    spread, moved = [], []
    for path in range(paths):
        run = engine.run_path(np.zeros((grid.steps, 0)), generator(31, path))
        assert run.clicks is not None
        counts = run.clicks.counts[0]
        current = (counts - eta * amplitude**2 * grid.step) / (np.sqrt(eta) * amplitude)
        seen = np.ones(grid.steps, dtype=bool)
        exact = filter_record(reference, current[None], grid.step, start, seen)
        spread.append(run.covariances[0, -1] - exact.covariances[-1])
        moved.append(run.means[0, -1] - exact.means[0, -1])
    return float(np.sqrt(np.mean(np.square(spread)))), float(np.sqrt(np.mean(np.square(moved))))


@pytest.mark.slow
def test_with_a_strong_local_oscillator_counting_is_homodyne_detection() -> None:
    """Both distances fall as 1/λ, since ∏(1 + L/λ) over the clicks is the exponential of the current but for that."""
    weak, strong = distance_from_homodyne(4.0, 12), distance_from_homodyne(16.0, 12)
    for far, near in zip(weak, strong, strict=True):
        # a quarter; 12 paths fix each root mean square to a fifth
        assert 0.1 < near / far < 0.5, (weak, strong)
    # the detector at the wrong phase is far away: the record matters more than what is compared
    assert max(strong) < 0.03


def test_a_coherent_drive_and_a_local_oscillator_are_what_a_counter_sees() -> None:
    """Light of amplitude β on a one-sided cavity leaves with β + √κ α, α the amplitude inside; at rest −β."""
    kappa, beta = 2.0, 0.8 + 0.3j
    light = cs.series(cs.coherent_drive(amplitude=beta), cs.cavity("a", {"field": kappa}))
    model = detect(light, Counter(ports=("field",), share=0.5, efficiency=0.6))
    late = np.array([0.0, 60.0])
    rates = expected_click_rates(model, cs.ground_state(1), late)[:, 0]
    assert rates == pytest.approx(0.3 * abs(beta) ** 2 * np.ones(2), rel=1e-9)
    displaced = detect(light, Counter(ports=("field",), share=0.5, efficiency=0.6, amplitude=-np.sqrt(0.5) * beta))
    # of the light that is reflected at once nothing is left at t = 0, and at rest twice its amplitude
    found = expected_click_rates(displaced, cs.ground_state(1), late)[:, 0]
    assert found == pytest.approx(0.6 * 0.5 * abs(beta) ** 2 * np.array([0.0, 4.0]), rel=1e-9, abs=1e-12)
    # the oscillator does not know of a local oscillator behind it
    assert np.array_equal(model.force, displaced.force)


def test_squeezed_light_of_a_source_of_finite_bandwidth_is_counted() -> None:
    """An oscillator below threshold of parametric gain ε: κ ε²/(2(γ² − ε²)) quanta per second with γ = κ/2."""
    kappa, gain = 2.0, 0.6
    source = replace(cs.cavity("a", {"field": kappa}), hamiltonian=np.array([[0.0, gain], [gain, 0.0]]))
    model = detect(source, Counter(ports=("field",)))
    rate = expected_click_rates(model, cs.ground_state(1), np.array([0.0, 80.0]))[-1, 0]
    assert rate == pytest.approx(kappa * gain**2 / (2.0 * (kappa**2 / 4.0 - gain**2)), rel=1e-9)
    white = cs.series(cs.squeezer("field", decibels=3.0, angle_pi=0.0), cs.cavity("a", {"field": kappa}))
    with pytest.raises(ValueError, match="their rate is infinite; describe the source of finite bandwidth"):
        detect(white, Counter(ports=("field",)))


@pytest.mark.parametrize("amplitude", [(1.0, 2.0), float("nan"), (1j, complex("inf"))])
def test_an_amplitude_that_cannot_be_is_refused(amplitude: complex | tuple[complex, ...]) -> None:
    with pytest.raises(ValueError, match="amplitude of counter counter must be finite, one number or 1"):
        Counter(ports=("field",), amplitude=amplitude)
    with pytest.raises(ValueError, match="amplitudes of counter c must be 1 finite numbers"):
        CountedChannel(name="c", rows=A[None], amplitudes=np.array([1.0, np.nan]))
