"""Problems for the engine of moving frames, and what its tests do to it."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import qutip
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.states import DensityState, density_state
from cascade_steering.sim.fock.moving.engine import Fock, FockEngine
from cascade_steering.sim.fock.moving.kernel import Frame
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel

FloatArray = NDArray[np.float64]

# one oscillator without any symmetry: complex c_k, a squeezing Hamiltonian, η < 1, an unseen channel
ONE = LinearModel(
    hamiltonian=np.array([[0.3, 0.1], [0.1, -0.2]]),
    monitored=np.array([[0.8 + 0.2j, 0.1 + 0.5j]]),
    efficiency=np.array([0.7]),
    unmonitored=np.array([[0.4, 0.3j]]),
    record_names=("X",),
)


def fock_state(*numbers: int) -> DensityState:
    """|n_0 n_1 …⟩ with a few levels to spare."""
    levels = max(numbers) + 4
    return density_state(qutip.tensor([qutip.fock(levels, n) for n in numbers]), name="Fock")


def superposition() -> DensityState:
    """One oscillator; mean, squeezing and negativity at once."""
    ket = qutip.basis(3, 0) + (0.5 + 0.3j) * qutip.basis(3, 1) - 0.7j * qutip.basis(3, 2)
    return density_state(ket.unit(), name="superposition")


def gaussian(covariance: FloatArray, mean: FloatArray | None = None) -> InitialState:
    """Every trajectory from the same mean."""
    return InitialState(covariance=covariance, scatter=np.zeros_like(covariance), mean=mean, name="Gaussian")


def changed(engine: FockEngine, change: Callable[[Frame], Frame]) -> FockEngine:
    """The engine with other coefficients in every frame."""
    return replace(engine, spans=tuple(replace(span, frame=change(span.frame)) for span in engine.spans))


def unabridged(engine: FockEngine) -> FockEngine:
    """All the terms of exp(𝓙) that doubles can see, whatever the engine thinks it needs."""
    return changed(engine, lambda frame: frame._replace(terms=20))


def prepared(
    model: LinearModel,
    initial: InitialState,
    grid: TimeGrid,
    cutoffs: tuple[int, ...],
    frame: str | FloatArray = "moving",
) -> FockEngine:
    """Without errors of the series: what is left is the step's and the cutoffs'."""
    return unabridged(Fock(cutoffs=cutoffs, frame=frame).prepare(model, grid, initial))
