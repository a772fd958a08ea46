"""The light over time: on for good, or for a pulse; and what becomes of a covariance under it, exactly.

Between switches a model stays the same and its Riccati flow is exact over any time (``sim.gaussian.riccati``), so the
whole is a chain of exact maps, whatever lies between the fastest rate and the slowest.
"""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.covariance import relaxation_time, require_times, steady_state, transient
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Cascade, plain_number, require

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Drive:
    """Models that take over from one another: number i until ``switches[i]``, the last for good.

    Parameters
    ----------
    models : at least one, all of the same dimension d
    switches : seconds, ≥ 0 and increasing, one fewer than models

    Raises
    ------
    ValueError
        if there are not as many switches as that, they do not increase from 0 or more, or dimensions differ.
    """

    models: tuple[LinearModel, ...]
    switches: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if len(self.models) != len(self.switches) + 1:
            raise ValueError(f"{len(self.models)} models need one switch fewer, got {len(self.switches)}")
        if len({model.dimension for model in self.models}) > 1:
            raise ValueError(f"models must be of one dimension, got {[model.dimension for model in self.models]}")
        require_times(np.array(self.switches))

    @classmethod
    def pulse(cls, lit: LinearModel, dark: LinearModel, duration: float) -> Self:
        """``lit`` for ``duration`` (seconds ≥ 0), and ``dark`` from then on. Raises ValueError for another duration."""
        duration = plain_number(duration)
        require(duration, "pulse", low=0.0)
        return cls(models=(lit, dark), switches=(duration,))

    @property
    def starts(self) -> tuple[float, ...]:
        """When each model takes over, seconds."""
        return (0.0, *self.switches)

    def covariances(self, initial: FloatArray, times: FloatArray, *, conditional: bool) -> FloatArray:
        """Covariance at increasing ``times`` ≥ 0 (seconds, (n,)) from ``initial`` (d, d); array of shape (n, d, d).

        Raises ValueError for other times or another shape.
        """
        times = np.asarray(times, dtype=float)
        require_times(times)
        cuts = [0, *np.searchsorted(times, self.switches), len(times)]
        covariance, parts = initial, []
        for number, (model, (first, last)) in enumerate(zip(self.models, pairwise(cuts), strict=True)):
            asked = times[first:last]
            ends = self.switches[number : number + 1]
            # the switch comes last, and is where the next model starts
            path = transient(
                model, covariance, np.concatenate([asked, ends]) - self.starts[number], conditional=conditional
            )
            parts.append(path[: len(asked)])
            covariance = path[-1] if ends else covariance
        return np.concatenate(parts)

    def limit(self, *, conditional: bool) -> FloatArray | None:
        """Covariance after infinite time, array of shape (d, d); None if it does not settle."""
        try:
            return steady_state(self.models[-1], conditional=conditional)
        except NoSteadyStateError:
            return None

    @property
    def relaxation_time(self) -> float:
        """The longest decay time (seconds) of the last model, its means with and without the record; inf if none."""
        last = self.models[-1]
        slowest = float(np.max(np.linalg.eigvals(moment_equations(last).drift).real))
        if slowest >= 0.0:
            return math.inf
        return max(-1.0 / slowest, relaxation_time(last))


def unlit(cascade: Cascade) -> Cascade:
    """The cascade with the light off: the baths alone act, and a record tells nothing."""
    return replace(cascade, minus=replace(cascade.minus, strength_hz=0.0), plus=replace(cascade.plus, strength_hz=0.0))
