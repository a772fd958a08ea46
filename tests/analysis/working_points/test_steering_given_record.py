import math

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.working_points.steering_given_record import steering_given_record
from cascade_steering.sim.parameters import Cascade, Detection
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from tests.support import reference
from tests.support.systems import COLD, HOT, POINTS, VACUUM, WARM, cascade

FloatArray = NDArray[np.float64]


def found(point: Cascade, detection: Detection, refined_from: float = 0.0) -> FloatArray:
    equations = RotatingWave.of(point).equations(detection.lo_phase, detection.efficiency, detection.scheme)
    return steering_given_record(equations, refined_from=refined_from)


def exact(point: Cascade, detection: Detection) -> FloatArray:
    """E given the record in 60 digits, from commutators and the sign of a matrix."""
    with mp.workdps(reference.DIGITS):
        covariance = reference._steady(reference.linear(point, detection), conditional=True)
        return np.array([float(reference.steering(covariance, each)) for each in DIRECTIONS])


def edge(cooperativity: float, least: float) -> float:
    """θ/π at which γ = ``least`` Γ in a hot bath."""
    cosine = HOT.linewidth / (cooperativity * HOT.decoherence_rate) - least
    return math.acos(cosine) / (2 * math.pi)


# γ₋/Γ and γ₊/Γ down to 1e-9, and below 0
CASCADES = {
    "edge of -": cascade(10, 20, edge(10, 1e-9), 0.41),
    "edge of both": cascade(40, 60, edge(40, 1e-5), edge(60, 2e-5)),
    "edge of +, vacuum before it": cascade(5, 30, 0.3, edge(30, 1e-8), (VACUUM, HOT)),
    "- grows": cascade(10, 17.4, 0.1, 0.5, loss=0.1, path_phase=0.3),
    "+ grows": cascade(10, 30, 0.4, 0.1),
    "both grow": cascade(3, 4, 0.2, 0.1, (WARM, COLD)),
} | {name: point.cascade for name, point in POINTS.items()}


@pytest.mark.parametrize("name", CASCADES)
def test_every_digit_is_there(name: str) -> None:
    detection = POINTS["mild"].detection
    value, wanted = found(CASCADES[name], detection), exact(CASCADES[name], detection)
    # the entries of A, D, F and S are rounded to 1e-16, and E is not sensitive to them: the paper's E changes by parts
    # of their order. A hundred roundings at most
    assert value == pytest.approx(wanted, rel=1e-14)


def test_at_the_edge_the_second_solution_is_what_keeps_the_digits() -> None:
    # unread, V₋ is 1e8 E: of 16 digits a difference of its entries keeps about 8
    point, detection = cascade(10, 20, edge(10, 1e-9), 0.41), Detection(efficiency=0.0)
    wanted = exact(point, detection)
    assert found(point, detection) == pytest.approx(wanted, rel=1e-13)
    once = found(point, detection, refined_from=math.inf)
    assert np.max(np.abs(once / wanted - 1.0)) > 1e-11


def test_without_a_record_of_what_grows_there_is_none() -> None:
    grows = cascade(10, 20, 0.2, 0.4)
    unseen = cascade(10, 20, 0.2, 0.4, loss=1.0)
    assert np.all(np.isfinite(found(grows, Detection())))
    assert np.all(np.isnan(found(grows, Detection(efficiency=0.0))))
    assert np.all(np.isnan(found(unseen, Detection())))
