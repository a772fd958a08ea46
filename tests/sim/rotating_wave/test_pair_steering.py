"""E of one pair, compiled, held against 60 digits and against the functions of arrays, in light of every kind."""

import math
from dataclasses import replace
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.results.steady_result import steady
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.parameters import Cascade, Detection
from cascade_steering.sim.rotating_wave import closed_forms
from cascade_steering.sim.rotating_wave.equations import RotatingWave
from cascade_steering.sim.rotating_wave.pair_rates import PairRates, PairSetting, pair_rates
from cascade_steering.sim.rotating_wave.pair_steering import conditional_pair, inferred_steering, pair_limits
from tests.support import reference
from tests.support.systems import COLD, HOT, VACUUM, WARM, cascade

FloatArray = NDArray[np.float64]


def rates_of(point: Cascade, detection: Detection) -> PairRates:
    setting = PairSetting.of(
        point.minus.bath, point.plus.bath, loss=point.loss, path_phase=point.path_phase,
        squeezing_db=point.squeezing_db, squeezing_loss=point.squeezing_loss, efficiency=detection.efficiency,
        channels=len(detection.lo_phases),
    )  # fmt: skip
    return pair_rates(
        point.minus.strength, point.minus.angle, point.plus.strength, point.plus.angle, point.squeezing_angle,
        detection.lo_phase, setting,
    )  # fmt: skip


def edge(cooperativity: float, least: float) -> float:
    """θ/π at which γ = ``least`` Γ in a hot bath."""
    cosine = HOT.linewidth / (cooperativity * HOT.decoherence_rate) - least
    return math.acos(cosine) / (2 * math.pi)


HETERODYNE = Detection(scheme="heterodyne", efficiency=0.9, lo_phase_pi=0.2)
LIGHT: dict[str, Any] = {"squeezing_db": 8.0, "squeezing_angle_pi": 0.7, "squeezing_loss": 0.1}
CASES = {
    "edge of -": (cascade(10, 20, edge(10, 1e-9), 0.41), Detection(lo_phase_pi=0.3, efficiency=0.7)),
    "edge of both": (cascade(40, 60, edge(40, 1e-5), edge(60, 2e-5)), Detection()),
    # the gain is needed to 1e-12 here, and doubling gives 1e-9 at first
    "edge of both, strong": (cascade(40, 1600, edge(40, 1e-7), edge(1600, 1e-6)), Detection(lo_phase_pi=0.18)),
    "unread, at the edge": (cascade(10, 20, edge(10, 1e-9), 0.41), Detection(efficiency=0.0)),
    "- grows": (cascade(10, 17.4, 0.1, 0.5, loss=0.1, path_phase=0.3), HETERODYNE),
    "both grow": (cascade(3, 4, 0.2, 0.1, (WARM, COLD)), Detection(lo_phase_pi=0.1)),
    "squeezed": (replace(cascade(8, 12, 0.3, 0.4, (HOT, VACUUM), loss=0.2, path_phase=0.4), **LIGHT), Detection()),
    "squeezed, both quadratures": (replace(cascade(8, 12, 0.3, 0.4, loss=0.2, path_phase=0.4), **LIGHT), HETERODYNE),
}


@pytest.mark.parametrize("name", CASES)
def test_given_the_record_every_digit_is_there(name: str) -> None:
    point, detection = CASES[name]
    pair = conditional_pair(rates_of(point, detection))
    assert pair.found
    if point.squeezing_db > 0.0:
        # the reference knows no squeezed light
        wanted = steady(rwa(point, detection)).conditional
        exact = [wanted[each] for each in DIRECTIONS]
    else:
        with mp.workdps(reference.DIGITS):
            covariance = reference._steady(reference.linear(point, detection), conditional=True)
            exact = [float(reference.steering(covariance, each)) for each in DIRECTIONS]
    # γ = 1e-5 Γ keeps 1e-11 of itself; where it is smaller no E depends on it
    assert inferred_steering(pair) == pytest.approx(exact, rel=1e-11)


@pytest.mark.parametrize("name", CASES)
def test_rates_and_limits_are_those_of_arrays_of_points(name: str) -> None:
    point, detection = CASES[name]
    found, array = rates_of(point, detection), RotatingWave.of(point)
    equations = array.equations(detection.lo_phase, detection.efficiency, detection.scheme)
    minus, plus, n_minus, n_plus, driven, common, *records = found
    records = records[: len(detection.lo_phases)]
    size = math.sqrt(point.minus.strength + point.plus.strength)
    # a few roundings of the largest rate, where a difference of two is what is compared
    assert np.array([[-minus / 2, 0], [driven, -plus / 2]]) == pytest.approx(equations.drift, abs=1e-14 * size**2)
    noise = np.array([[n_minus, np.conj(common)], [common, n_plus]])
    assert noise == pytest.approx(equations.diffusion, abs=1e-13 * size**2)
    assert np.array([each[:2] for each in records]) == pytest.approx(equations.readout, abs=1e-14 * size)
    crossed = np.array([each[2:] for each in records]).T
    assert crossed == pytest.approx(equations.cross, abs=1e-13 * size)
    limits = [float(each) for each in closed_forms.steering_limits(array)]
    for value, wanted in zip(pair_limits(found), limits, strict=True):
        assert (math.isnan(value) and not math.isfinite(wanted)) or value == pytest.approx(wanted, rel=1e-12)


def test_without_a_record_of_what_grows_there_is_none() -> None:
    grows = cascade(10, 20, 0.2, 0.4)
    for point, detection in ((grows, Detection(efficiency=0.0)), (cascade(10, 20, 0.2, 0.4, loss=1.0), Detection())):
        pair = conditional_pair(rates_of(point, detection))
        assert not pair.found
        assert all(math.isnan(each) for each in inferred_steering(pair))
