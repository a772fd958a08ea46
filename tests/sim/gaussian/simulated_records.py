"""Models of the test systems and records that they make, for the tests of the filter."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.trajectories import Gaussian
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from tests.support.systems import POINTS, Point

FloatArray = NDArray[np.float64]
MILD = POINTS["mild"]
INTERVAL = 0.2


def model_of(point: Point, **detection: object) -> LinearModel:
    return rwa(point.cascade, replace(point.detection, **detection))  # type: ignore[arg-type]


def simulated(model: LinearModel, initial: InitialState, interval: float, saves: int, count: int) -> FloatArray:
    grid = TimeGrid(step=interval, steps_per_save=1, saves=saves)
    return Gaussian().prepare(model, grid, initial).run(11, range(count)).record
