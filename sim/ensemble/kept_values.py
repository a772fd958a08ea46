"""What ``Save`` asks of a block of trajectories: values that are averaged, and arrays that are kept one by one."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.initial_state import Trajectories
from cascade_steering.sim.outputs.observables import Operator
from cascade_steering.sim.outputs.saving import Save

__all__ = ["kept_values_of", "values_of"]

FloatArray = NDArray[np.float64]


def values_of(block: Trajectories, save: Save) -> dict[str, FloatArray]:
    """The values that are averaged: arrays of shape (n, saves + 1, k), or (saves + 1, k) if all share them.

    - ``purity`` (k = 1): Tr ρ²
    - ``expectation`` (k = observables): expectation values of the observables, in order
    - ``outside`` (k = 1): the population above the levels of QuTiP operators, which their values leave out
    - ``count`` (k = counters): clicks of photon counters, one row for each save interval, (n, saves, k)
    """
    found: dict[str, FloatArray] = {}
    if save.purity and block.purity is not None:
        found["purity"] = block.purity[..., None]
    if save.observables:
        found["expectation"] = _expectations(block, save)
    if save.operators and block.outside is not None:
        found["outside"] = block.outside[..., None]
    if block.clicks is not None:
        found["count"] = block.clicks.counts
    return found


def _expectations(block: Trajectories, save: Save) -> FloatArray:
    by_engine = iter(() if block.expectations is None else np.moveaxis(block.expectations, -1, 0))
    columns = [
        next(by_engine) if isinstance(each, Operator) else each.expectation(block.means, block.covariances)
        for each in save.observables.values()
    ]
    return np.stack(columns, axis=-1)


def kept_values_of(
    block: Trajectories, values: Mapping[str, FloatArray], save: Save, keep: int
) -> dict[str, tuple[FloatArray, ...]]:
    """What is kept of the first ``keep`` trajectories beside means and records.

    The arrays are ``covariance`` (keep, saves + 1, d, d), ``purity`` (keep, saves + 1), ``expectation``
    (keep, saves + 1, observables), and for states ρ of ξ in the frame x = 𝖲ξ + x̄: ρ = ``state_real`` + i
    ``state_imag`` (keep, states, D, D), its levels ``state_levels`` (keep, modes), 𝖲 ``state_symplectic`` (keep,
    states, d, d) and x̄ ``state_origin`` (keep, states, d). With a controller also ``displacement`` (keep, saves, d).
    With photon counters also ``count`` (keep, saves, counters) and ``clicks`` (clicks, 3): trajectory in the ensemble,
    counter, and time in seconds of each click.
    """

    def each(values: FloatArray, own: int) -> FloatArray:
        """The values of the first trajectories; an array with no more than ``own`` axes is shared by all."""
        return values[:keep] if values.ndim > own else np.broadcast_to(values, (keep, *values.shape)).copy()

    found: dict[str, FloatArray] = {}
    # Mean and covariance determine a Gaussian state.
    if save.covariances or (save.states != "none" and block.states is None):
        found["covariance"] = each(block.covariances, 3)
    if "purity" in values:
        found["purity"] = each(values["purity"], 2)[..., 0]
    if "expectation" in values:
        found["expectation"] = each(values["expectation"], 2)
    if block.displacement is not None:
        found["displacement"] = block.displacement[:keep]
    if block.clicks is not None:
        own = block.clicks.trajectory < keep
        found["count"] = block.clicks.counts[:keep]
        columns = (block.clicks.first + block.clicks.trajectory, block.clicks.counter, block.clicks.time)
        found["clicks"] = np.column_stack([np.asarray(each[own], dtype=np.float64) for each in columns])
    states = block.states
    # an experiment may have taken the states of all trajectories of the block
    if states is not None and save.states != "none":
        found |= {
            "state_real": states.densities[:keep].real.copy(),
            "state_imag": states.densities[:keep].imag.copy(),
            "state_symplectic": states.symplectics[:keep],
            "state_origin": states.origins[:keep],
            "state_levels": np.tile(np.array(states.levels, dtype=float), (keep, 1)),
        }
    return {name: (array,) for name, array in found.items()}
