"""Khademi et al., arXiv:2510.16754: a nanomechanical oscillator, filtered and smoothed, from its published inputs.

Rates over 2π: Γ = 11.5 mHz, n_th = 2.45e5, C = 3.16e4, η = 0.38, damped to 85 Hz by feedback. The damping is taken
as that of a bath without thermal quanta. Variances are in units of the vacuum's, as theirs.
"""

import math

import numpy as np
import pytest

from cascade_steering.sim.gaussian.covariance import stationary_state, steady_state
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.gaussian.past.effect import retrodict_record
from cascade_steering.sim.gaussian.past.smoothing import smoothed_states
from cascade_steering.sim.gaussian.past.true_states import true_states
from cascade_steering.sim.model.detectors import demodulated, detect
from cascade_steering.sim.model.pieces import sideband_oscillator
from cascade_steering.sim.parameters import Bath, Detection, Oscillator

GAMMA, QUANTA, COOPERATIVITY, EFFICIENCY, BROADENED = 11.5e-3, 2.45e5, 3.16e4, 0.38, 85.0
# the filter forgets in 60 µs; after 1.5 ms, e^{−25} of the start is left
DURATION, INTERVALS = 3e-3, 15000


def test_filtered_and_smoothed_states_of_the_experiment() -> None:
    bath = Bath(linewidth_hz=BROADENED, occupation=GAMMA * QUANTA / BROADENED)
    # both quadratures are read, at Γ/2 = C γ each, and heated by as much
    light = Oscillator(strength_hz=2 * COOPERATIVITY * GAMMA, angle_pi=0.25, bath=bath)
    drum = sideband_oscillator("drum", light, mass="positive")
    model = detect(drum, demodulated(Detection(lo_phase_pi=0.0, efficiency=EFFICIENCY)))
    start, interval = stationary_state(model), DURATION / INTERVALS
    record = np.zeros((INTERVALS, 2))
    filtered = filter_record(model, record, interval, start)
    effect = retrodict_record(model, record, interval)
    true = true_states(model, start, interval, INTERVALS)
    found = smoothed_states(filtered.means, filtered.covariances, effect, true)
    before, after = (2.0 * each[:, 0, 0] for each in (filtered.covariances, found.covariances))
    middle = INTERVALS // 2
    # an interval of 0.2 µs is short: (0.2/60)²
    assert before[middle] == pytest.approx(2.0 * steady_state(model, conditional=True)[0, 0], rel=1e-4)
    assert before[middle] == pytest.approx(4.7, abs=0.05)
    # one oscillator has the purity 1/v: 43 % purer in the steady state, and some 11.5 times at the start
    assert before[middle] / after[middle] == pytest.approx(1.43, abs=0.005)
    assert before[0] / after[0] == pytest.approx(11.5, abs=0.2)
    # a second observer who detects everything knows a vacuum state, displaced
    np.testing.assert_allclose(true.kinds[-1], np.eye(2) / 2, atol=1e-9)
    # with v_F and v_R of the two Riccati equations the rest is arithmetic
    rate, gain, noise = BROADENED, 2 * EFFICIENCY * COOPERATIVITY * GAMMA, BROADENED + 2 * GAMMA * QUANTA
    noise += 2 * COOPERATIVITY * GAMMA
    root = math.sqrt(rate**2 + 4 * gain * noise)
    past, future = (root - rate) / (2 * gain), (root + rate) / (2 * gain)
    both = 1.0 + 1.0 / (1.0 / (past - 1.0) + 1.0 / (future + 1.0))
    assert after[middle] == pytest.approx(both, rel=1e-4)
