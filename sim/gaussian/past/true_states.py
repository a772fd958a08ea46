"""The state that a second observer would know, who also detects all that our detector leaves. Section 4 of
sim/README.md.

All light and the baths emit into channels, of which some are detected. If the others were detected too, and without
loss, the state would be pure. Which pure states these are depends on what the second observer measures (the
unravelling); here, heterodyne detection of every channel, which prefers no quadrature, or homodyne detection.

Guevara and Wiseman, Phys. Rev. Lett. 115, 180407 (2015); Laverick, Chantasri and Wiseman, Phys. Rev. Lett. 122, 190402
(2019).
"""

from itertools import pairwise
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled
from cascade_steering.sim.conventions import VACUUM_VARIANCE
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.past.shared import SharedMatrices
from cascade_steering.sim.gaussian.past.small_matrices import informed
from cascade_steering.sim.gaussian.riccati import riccati_map
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.roots import root_of

__all__ = ["Unseen", "fully_detected", "true_states"]

FloatArray = NDArray[np.float64]
# How the second observer detects what the detector of the record leaves.
Unseen = Literal["heterodyne", "homodyne"]
# A covariance that changes by less than this in an interval, relative to its scale, has settled.
_SETTLED = 1e-13


def fully_detected(model: LinearModel, unseen: Unseen = "heterodyne") -> LinearModel:
    """The same model with every channel detected without loss: the detector of the record, and a second observer.

    A detected channel of efficiency η is √η of it, and the second observer has √(1−η); he detects all other channels.
    ``heterodyne`` reads both quadratures with half of the light each, ``homodyne`` that of the coupling as it is
    written. Section 4 of sim/README.md.

    Raises ValueError for another ``unseen``, and for a model with electronics.
    """
    if unseen not in get_args(Unseen):
        raise ValueError(f"unseen must be {' or '.join(get_args(Unseen))}, got {unseen!r}")
    model.require_white_record()
    model.require_linear("a second observer")
    eta = model.efficiency[:, None]
    rest = np.concatenate([np.sqrt(1.0 - eta) * model.monitored, model.channels[len(eta) :]])
    if unseen == "heterodyne":
        rest = np.concatenate([rest, -1j * rest]) / np.sqrt(2.0)
    monitored = np.concatenate([np.sqrt(eta) * model.monitored, rest])
    return LinearModel(
        hamiltonian=model.hamiltonian,
        monitored=monitored,
        efficiency=np.ones(len(monitored)),
        unmonitored=np.zeros((0, model.dimension), dtype=complex),
        record_names=tuple(f"channel_{number}" for number in range(len(monitored))),
        modes=model.modes,
        force=model.force,
    )


def true_states(
    model: LinearModel | Schedule, initial: InitialState, interval: float, count: int, unseen: Unseen = "heterodyne",
    *, start: FloatArray | None = None, before: int = 0
) -> SharedMatrices:  # fmt: skip
    """V_T before each of ``count`` intervals and at the end; the state before is the pure one of its normal modes.

    The initial covariance is a mixture of displaced pure states with the covariance 𝖲𝖲ᵀ/2, V = 𝖲νν𝖲ᵀ being its normal
    modes (Williamson). From there V_T follows the Riccati equation of ``fully_detected``. Section 4 of sim/README.md.

    A piece of a record that is not its first begins with ``start``, V_T at the end of the piece before (d, d), after
    ``before`` intervals. Raises ValueError as ``fully_detected`` does.
    """
    from cascade_steering.sim.fock.basis.normal_modes import normal_modes

    schedule = Schedule.of(model)
    equations = [moment_equations(fully_detected(each, unseen)) for each in schedule.models]
    if start is None:
        modes = normal_modes(initial.unconditional)
        start = VACUUM_VARIANCE * modes @ modes.T
    cases, numbers = schedule.intervals(interval, count, before)
    maps = [[riccati_map(equations[number], duration) for number, duration in case] for case in cases]
    found, kinds = [np.array(start, dtype=float)], np.zeros(count + 1, dtype=np.intp)
    for first, last in pairwise([0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), count]):
        parts = [(each.phi, root_of(each.gamma), each.offset) for each in maps[numbers[first]]]
        phis, gammas, offsets = (np.ascontiguousarray(np.stack(each)) for each in zip(*parts, strict=True))
        path = np.empty((last - first, model.dimension, model.dimension))
        kept = _advance(found[-1], phis, gammas, offsets, path)
        kinds[first + 1 : last + 1] = len(found) + np.minimum(np.arange(last - first), kept - 1)
        found += list(path[:kept])
    return SharedMatrices(kinds=np.array(found), numbers=kinds)


@compiled
def _advance(
    start: FloatArray, phis: FloatArray, gammas: FloatArray, offsets: FloatArray, path: FloatArray
) -> int:  # fmt: skip
    """V ← 𝖧 + Φ(V⁻¹ + 𝖪)⁻¹Φᵀ, map after map, for each row of ``path``; how many until nothing changes any more."""
    d = start.shape[0]
    now, found, work, moved = start.copy(), np.empty((d, d)), np.empty((4 * d, d)), np.empty((d, d))
    for k in range(path.shape[0]):
        change = 0.0
        for number in range(phis.shape[0]):
            informed(now, gammas[number], found, work)
            for a in range(d):
                for i in range(d):
                    total = 0.0
                    for j in range(d):
                        total += found[a, j] * phis[number, i, j]
                    moved[a, i] = total
            for i in range(d):
                for j in range(i + 1):
                    total = offsets[number, i, j]
                    for a in range(d):
                        total += moved[a, i] * moved[a, j]
                    now[i, j] = now[j, i] = total
        before = start if k == 0 else path[k - 1]
        for i in range(d):
            for j in range(d):
                path[k, i, j] = now[i, j]
                change = max(change, abs(now[i, j] - before[i, j]) / np.sqrt(now[i, i] * now[j, j]))
        if change <= _SETTLED:
            return k + 1
    return len(path)
