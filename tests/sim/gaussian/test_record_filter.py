"""A record that is filtered in pieces is a record that is filtered."""

import numpy as np
import pytest

from cascade_steering.sim.gaussian.filtering import RecordFilter, filter_record, innovations_of
from cascade_steering.sim.initial_state import thermal_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.schedule import Schedule, unlit
from tests.sim.gaussian.simulated_records import INTERVAL, MILD, model_of

COUNT = 400


@pytest.mark.parametrize(
    "pieces", [(400,), (1, 399), (130, 140, 130), (7,) * 57 + (1,)], ids=lambda each: str(len(each))
)
@pytest.mark.parametrize("switch", [None, 133.0, 133.4], ids=["constant", "between intervals", "within one"])
def test_a_record_in_pieces_is_the_record(pieces: tuple[int, ...], switch: float | None) -> None:
    lit = model_of(MILD)
    dark = rwa(unlit(MILD.cascade), MILD.detection)
    model = lit if switch is None else Schedule(models=(lit, dark), switches=(switch * INTERVAL,))
    start = thermal_state((3.0, 0.5))
    rng = np.random.default_rng(5)
    values = np.sqrt(INTERVAL) * rng.standard_normal((2, COUNT, len(model.record_names)))
    observed = rng.uniform(size=COUNT) > 0.1
    whole = filter_record(model, values, INTERVAL, start, observed)
    running = RecordFilter(model, INTERVAL, start, records=2)
    bare = RecordFilter(model, INTERVAL, start, records=2)
    assert np.allclose(running.means, whole.means[:, 0], rtol=1e-12)
    assert np.allclose(running.covariance, whole.covariances[0], rtol=1e-12)
    at, likelihood = 0, 0.0
    for size in pieces:
        part = slice(at, at + size)
        found = running.feed(values[:, part], observed[part])
        kept = bare.innovations(values[:, part], observed[part])
        # the same operations in the same order, but for the places where equal gains begin to be copied
        assert np.allclose(found.means, whole.means[:, at : at + size + 1], rtol=1e-12, atol=1e-12)
        assert np.allclose(found.covariances, whole.covariances[at : at + size + 1], rtol=1e-12, atol=1e-12)
        assert np.allclose(found.innovations, whole.innovations[:, part], rtol=1e-12, atol=1e-12, equal_nan=True)
        assert np.allclose(kept.whitened, found.innovations, rtol=1e-12, atol=1e-12, equal_nan=True)
        assert np.allclose(kept.log_likelihood, found.log_likelihood, rtol=1e-12)
        likelihood, at = likelihood + found.log_likelihood, at + size
    assert running.intervals == COUNT
    assert np.allclose(likelihood, whole.log_likelihood, rtol=1e-12)
    assert np.allclose(likelihood, innovations_of(model, values, INTERVAL, start, observed).log_likelihood, rtol=1e-12)
    assert np.allclose(running.means, whole.means[:, -1], rtol=1e-12)
