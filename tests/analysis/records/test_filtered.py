import numpy as np
import pytest

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Steered, steering_parameter
from cascade_steering.analysis.records.filtered import filtered_dataset, read_out
from cascade_steering.analysis.records.record import Record
from cascade_steering.sim.gaussian.covariance import transient
from cascade_steering.sim.initial_state import ground_state
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from tests.support.chains import CLIENTS, SERVER, clients_and_server
from tests.support.systems import COLD, POINTS

INTERVAL = 1e-3


def noise(model: LinearModel, intervals: int = 40) -> Record:
    values = np.sqrt(INTERVAL) * np.random.default_rng(2).standard_normal((1, intervals, len(model.record_names)))
    return Record(values=values, interval=INTERVAL, start=0.0, channels=model.record_names, options={})


def test_a_record_of_three_oscillators_is_labelled_by_their_names() -> None:
    model = clients_and_server(3, 8, 0.3, 0.4, COLD, loss=0.05, efficiency=0.8)
    found, way = read_out(noise(model), model, ground_state(modes=3)), Steered(mode=SERVER, by=CLIENTS)
    data = filtered_dataset(found, (way,))
    assert list(data["quadrature"].to_numpy()[::2]) == ["X_client_1", "X_client_2", "X_server"]
    time = data["time"].to_numpy()[-1:]
    seen, unseen = (
        float(steering_parameter(transient(model, np.eye(6) / 2, time, conditional=each)[0], way, model.modes))
        for each in (True, False)
    )
    # all but a few parts in a thousand of what a continuous observer gains: intervals are 1e-2 of the fastest time
    assert float(data[f"E_{way}"][-1]) == pytest.approx(seen, abs=0.01 * (unseen - seen))
    pairs = [name for name in filtered_dataset(found) if str(name).startswith("E_")]
    assert len(set(pairs)) == 6
    assert "E_server_given_client_1" in pairs


def test_a_record_of_the_pair_tells_of_both_directions() -> None:
    model = rwa(POINTS["mild"].cascade, POINTS["mild"].detection)
    data = filtered_dataset(read_out(noise(model), model, ground_state()))
    assert [name for name in data if str(name).startswith("E_")] == [f"E_{each}" for each in DIRECTIONS]
