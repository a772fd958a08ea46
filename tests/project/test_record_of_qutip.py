"""A record that QuTiP simulated without this package fits the model by which it was made, and no other."""

import math
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from cascade_steering.analysis.identification.maximum import fit
from cascade_steering.analysis.records.judging.statistic import Whiteness
from cascade_steering.analysis.records.record import Record, read
from cascade_steering.analysis.records.whiteness import whiteness
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.initial_state import InitialState, ground_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator
from tests.support import qutip_record as made
from tests.support.chance import normal

DETECTION = Detection(lo_phase_pi=made.LO_PHASE, efficiency=made.EFFICIENCY)


@cache
def record() -> Record:
    return read(made.PATH)


def model(detection: Detection = DETECTION, loss: float = made.LOSS, cooperativity: float = 1.0) -> LinearModel:
    bath = Bath.si(linewidth=1e6 * made.GAMMA0, occupation=made.OCCUPATION)
    minus, plus = (
        Oscillator.from_cooperativity(each, angle_pi=angle, bath=bath)
        for each, angle in zip((cooperativity, 1.0), made.ANGLES, strict=True)
    )
    return rwa(Cascade(minus=minus, plus=plus, loss=loss, path_phase_pi=made.PATH_PHASE), detection)


def verdict(model: LinearModel) -> Whiteness:
    found = filter_record(model, record().values, record().interval, ground_state())
    return whiteness(found.innovations, model.record_names)


def test_it_is_what_qutip_simulates() -> None:
    few = 25
    # six digits in the file
    np.testing.assert_allclose(record().values[0, :few] / 1e-3, made.simulated(few), rtol=1e-5)


def test_it_fits() -> None:
    # steps of 0.01/Γ are off by some 1e-3 of a signal that is a tenth of the noise: unseen in 1e4 intervals
    assert verdict(model()).fits


@pytest.mark.parametrize(
    "wrong",
    [
        model(replace(DETECTION, lo_phase_pi=0.5)),
        model(replace(DETECTION, lo_phase_pi=0.625)),
        model(replace(DETECTION, efficiency=0.3)),
        model(loss=0.9),
    ],
    ids=["phase", "far phase", "efficiency", "loss"],
)
def test_a_wrong_model_does_not_fit(wrong: LinearModel) -> None:
    assert not verdict(wrong).fits


def test_a_wrong_calibration_does_not_fit() -> None:
    scaled = filter_record(model(), 1.05 * record().values, record().interval, ground_state())
    assert not whiteness(scaled.innovations, model().record_names).fits


def test_a_fit_finds_what_it_was_made_with() -> None:
    def problem(values: dict[str, float]) -> tuple[LinearModel, InitialState]:
        detection = replace(DETECTION, lo_phase_pi=values["lo_phase"] / math.pi)
        return model(detection, cooperativity=values["cooperativity"]), ground_state()

    truth = {"lo_phase": DETECTION.lo_phase, "cooperativity": 1.0, "calibration": 1.0}
    start = {"lo_phase": DETECTION.lo_phase + 0.4, "cooperativity": 1.8, "calibration": 1.2}
    bounds = {"lo_phase": (-0.5, 2.5), "cooperativity": (0.1, 10.0), "calibration": (0.5, 2.0)}
    found = fit(record().values, record().interval, record().observed, start, bounds, problem)
    assert found.converged
    errors = found.standard_errors
    assert all(abs(found.estimates[name] - truth[name]) < normal(3) * errors[name] for name in truth)
    assert errors["calibration"] < 0.01
    assert errors["lo_phase"] < 0.3
