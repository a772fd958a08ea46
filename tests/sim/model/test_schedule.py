from dataclasses import replace

import numpy as np
import pytest

from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule


def oscillator(frequency: float, name: str = "Y") -> LinearModel:
    return LinearModel(
        hamiltonian=frequency * np.eye(2), monitored=np.array([[1.0, 1.0j]]), efficiency=np.ones(1),
        unmonitored=np.zeros((0, 2), dtype=complex), record_names=(name,),
    )  # fmt: skip


FIRST, SECOND, THIRD = oscillator(1.0), oscillator(2.0), oscillator(3.0)
THREE = Schedule(models=(FIRST, SECOND, THIRD), switches=(1.0, 2.5))


def test_a_model_alone_is_a_schedule() -> None:
    alone = Schedule.of(FIRST)
    assert (alone.models, alone.switches) == ((FIRST,), ())
    assert Schedule.of(THREE) is THREE
    assert (alone.dimension, alone.modes, alone.record_names) == (2, ("mode_1",), ("Y",))


def test_at_a_switch_the_later_model_acts() -> None:
    assert [THREE.at(time) for time in (0.0, 0.9, 1.0, 2.5, 9.0)] == [FIRST, FIRST, SECOND, THIRD, THIRD]
    assert Schedule.pulse(FIRST, SECOND, 0.0).at(0.0) is SECOND


def test_times_are_told_apart_by_the_model_that_acts() -> None:
    parts = list(THREE.split(np.array([0.0, 0.5, 1.0, 3.0])))
    assert [model for model, _, _ in parts] == [FIRST, SECOND, THIRD]
    assert [times.tolist() for _, times, _ in parts] == [[0.0, 0.5], [0.0], [0.5]]
    assert [duration for _, _, duration in parts] == [1.0, 1.5, None]


def test_the_rest_of_a_schedule_begins_anew() -> None:
    rest = THREE.after(1.2)
    assert rest.models == (SECOND, THIRD)
    assert rest.switches == pytest.approx((1.3,))
    assert THREE.after(2.5).models == (THIRD,)


def test_intervals_are_cut_at_switches_within_them() -> None:
    """Both switches within one interval; one within, one at an end; ends that differ from a switch by rounding."""
    cases, numbers = THREE.intervals(4.0, 2)
    assert [cases[number] for number in numbers] == [((0, 1.0), (1, 1.5), (2, 1.5)), ((2, 4.0),)]
    cases, numbers = THREE.intervals(1.0, 4)
    assert [cases[number] for number in numbers] == [((0, 1.0),), ((1, 1.0),), ((1, 0.5), (2, 0.5)), ((2, 1.0),)]
    cases, numbers = Schedule.pulse(FIRST, SECOND, 0.3).intervals(0.1, 5)
    assert [cases[number] for number in numbers] == [((0, 0.1),)] * 3 + [((1, 0.1),)] * 2
    cases, numbers = Schedule.pulse(FIRST, SECOND, 7.0).intervals(1.0, 2)
    assert [cases[number] for number in numbers] == [((0, 1.0),)] * 2


def test_steps_are_dealt_out_to_models() -> None:
    assert THREE.steps(0.5, 8) == [(FIRST, 0, 2), (SECOND, 2, 5), (THIRD, 5, 8)]
    assert THREE.steps(0.5, 4) == [(FIRST, 0, 2), (SECOND, 2, 4)]
    assert Schedule.pulse(FIRST, SECOND, 0.0).steps(0.5, 2) == [(SECOND, 0, 2)]
    assert Schedule.pulse(FIRST, SECOND, 0.3).steps(0.1, 4) == [(FIRST, 0, 3), (SECOND, 3, 4)]


def test_a_switch_within_a_step_is_refused_with_the_nearest_that_fit() -> None:
    message = r"got a switch at 2\.5 s within a step of 1 s: 2 s and 3 s fit, or a step that divides it"
    assert not THREE.fits(1.0, 4)
    with pytest.raises(ValueError, match=message):
        THREE.steps(1.0, 4)
    assert THREE.fits(1.0, 2)
    assert THREE.rounded(1.0).steps(1.0, 4) == [(FIRST, 0, 1), (SECOND, 1, 2), (THIRD, 2, 4)]


def test_models_of_a_schedule_share_oscillators_and_channels() -> None:
    with pytest.raises(ValueError, match=r"^models of a schedule must have the same record_names, got .*'Y'.*'Z'"):
        Schedule.pulse(FIRST, oscillator(1.0, "Z"), 1.0)
    with pytest.raises(ValueError, match=r"^models of a schedule must have the same modes, got .*'other'"):
        Schedule.pulse(FIRST, replace(FIRST, modes=("other",)), 1.0)
    with pytest.raises(ValueError, match=r"^switches must be finite, at least 0 and increasing, got 1\.0 at place 1$"):
        Schedule(models=(FIRST, SECOND, THIRD), switches=(2.0, 1.0))
