"""What works in two amplitudes says that it does not know filters, dark noise or unequal efficiencies."""

import pytest

import cascade_steering as cs


def test_searches_refuse_what_they_would_leave_out() -> None:
    filtered = cs.WorkingPoint(bandwidth_hz=1e5)
    noisy = cs.WorkingPoint(dark_noise=0.5)
    unequal = cs.WorkingPoint(scheme="heterodyne", efficiency_orthogonal=0.5)
    for point, said in (
        (filtered, "an optimum has detectors without a finite bandwidth, got 100000 Hz"),
        (noisy, "an optimum has no dark noise, got 0.5: it is that of an efficiency of 0.666667 without"),
        (unequal, "an optimum has one efficiency of both detectors, got another, 0.5"),
    ):
        with pytest.raises(ValueError, match=said):
            point.optimum()
    with pytest.raises(ValueError, match="the best pulse has detectors without"):
        filtered.best_pulse(within_units=1.0)
    with pytest.raises(ValueError, match="a detector of finite bandwidth"):
        filtered.feedback()
    # several filters, as one number, a list or a tuple
    assert cs.WorkingPoint(bandwidth_hz=(1e5, 2e5)).detection.bandwidths_hz == (1e5, 2e5)
