import re
from dataclasses import replace

import numpy as np
import pytest

from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.working_points.fock_steady import steering_between_levels
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.rotating_wave.closed_forms import steering_parameters
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support.systems import COLD

POINT = WorkingPoint(
    c_minus=3.0, c_plus=4.0, theta_minus_pi=0.4, theta_plus_pi=0.45, bath_minus=COLD, bath_plus=COLD, loss=0.1
)
TURNED = replace(POINT, path_phase_pi=0.1)


@pytest.mark.parametrize("point", [POINT, TURNED], ids=["real", "complex"])
@pytest.mark.parametrize("cutoffs", [None, (9, 8), (7, 7)])
def test_three_witnesses_agree(point: WorkingPoint, cutoffs: tuple[int, int] | None) -> None:
    found = steering_between_levels(point.model, cutoffs)
    closed = dict(zip(DIRECTIONS, np.ravel(steering_parameters(RotatingWave.of(point.cascade))), strict=True))
    for each in DIRECTIONS:
        assert found.moments[each] == pytest.approx(closed[each], rel=1e-13)
        off = abs(found.steering[each] - closed[each])
        # what it says of its error holds, and is not a hundred times too large: it falls by ten or so to E
        assert off < found.truncation_error[each] + 1e-13
        assert found.truncation_error[each] < 500 * off + 1e-13
        # truncation shows at small cutoffs
        assert cutoffs is None or off > 1e-9


def test_cutoffs_are_as_many_as_the_quanta_ask_for() -> None:
    found = steering_between_levels(POINT.model)
    assert max(found.truncation_error.values()) < 1e-6
    # a colder oscillator takes fewer levels
    quanta = [np.trace(found.covariance[i : i + 2, i : i + 2]) / 2 - 0.5 for i in (0, 2)]
    assert (found.cutoffs[0] < found.cutoffs[1]) == (quanta[0] < quanta[1])
    assert found.top_population.shape == (2,)


def test_the_laboratory_frame_too() -> None:
    found = steering_between_levels(replace(POINT, frequency_hz=0.5).model, (6, 6))
    rotating = steering_between_levels(POINT.model, (6, 6))
    for each in DIRECTIONS:
        assert abs(found.steering[each] - found.moments[each]) < found.truncation_error[each]
        # it is another model, and truncation does not hide that
        assert abs(found.moments[each] - rotating.moments[each]) > 10 * abs(found.steering[each] - found.moments[each])


HOT = WorkingPoint(theta_minus_pi=0.25)


@pytest.mark.parametrize(
    ("point", "cutoffs", "message"),
    [
        (
            HOT,
            None,
            r"oscillator plus holds 3\.28e\+06 quanta, which take .*e\+07 levels, and the master equation is",
        ),
        (HOT, (20, 20), r"20 levels do not hold the 2\.6e\+06 quanta of oscillator minus"),
        (POINT, (61, 61), "solved for at most 75000 elements, 60 x 60 levels; got 61 x 61 levels"),
        # with imaginary parts there are twice as many
        (TURNED, (50, 50), "solved for at most 75000 elements, 60 x 60 levels; got 50 x 50 levels"),
        (replace(POINT, frequency_hz=0.5), (11, 10), "at most 100 levels in all; got 11 x 10 levels"),
        (POINT, (3, 9), re.escape("cutoffs must be 2 whole numbers of at least 4, got (3, 9)")),
    ],
)
def test_what_does_not_fit_is_refused(point: WorkingPoint, cutoffs: tuple[int, int] | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        steering_between_levels(point.model, cutoffs)
