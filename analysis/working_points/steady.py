"""One working point at rest, exact: E in both directions, with and without the record (sim/README.md, section 5)."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria import measures
from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, steering_of_root
from cascade_steering.sim.gaussian.covariance import steady_root
from cascade_steering.sim.model.linear_model import LinearModel, lab, rwa
from cascade_steering.sim.parameters import Cascade, Detection
from cascade_steering.sim.roots import product
from cascade_steering.sim.rotating_wave import closed_forms
from cascade_steering.sim.rotating_wave.equations import RotatingWave

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SteadyState:
    """One scheme at rest: E by direction, and the covariance, array of shape (4, 4)."""

    steering: dict[Direction, float]
    covariance: FloatArray

    @classmethod
    def of_model(cls, model: LinearModel, *, conditional: bool) -> "SteadyState":
        """By the Lyapunov or Riccati equation, E from a root of the covariance. Raises ValueError where it has none."""
        root = steady_root(model, conditional=conditional)
        return cls(
            steering={each: float(steering_of_root(root, each)) for each in DIRECTIONS}, covariance=product(root)
        )

    @cached_property
    def measures(self) -> dict[str, float]:
        """The neighbouring measures of entanglement and steering by name, see ``analysis.criteria.measures``."""
        directed = {"gaussian_steerability": measures.gaussian_steerability, "key_rate": measures.key_rate}
        return {
            "logarithmic_negativity": float(measures.logarithmic_negativity(self.covariance)),
            "epr_variance": float(measures.epr_variance(self.covariance)),
            **{
                f"{name}_{direction}": float(measure(self.covariance, direction))
                for name, measure in directed.items()
                for direction in DIRECTIONS
            },
        }


@dataclass(frozen=True, kw_only=True, eq=False)
class Steady:
    """A working point at rest, without and with the record.

    Parameters
    ----------
    unconditional, conditional : each scheme
    detection : whose record it is
    frequency : |Ω| of − and + in rad/s; None in the rotating frame
    rotating : in the laboratory frame, the same point as the rotating-wave model has it
    """

    unconditional: SteadyState
    conditional: SteadyState
    detection: Detection
    frequency: tuple[float, float] | None = None
    rotating: "Steady | None" = None

    @property
    def d(self) -> dict[Direction, float]:
        """d = 1 − E_c/E_u, what the record is worth."""
        return {each: 1.0 - self.conditional.steering[each] / self.unconditional.steering[each] for each in DIRECTIONS}

    @property
    def rotating_wave_error(self) -> dict[str, dict[Direction, float]]:
        """By how much, relative to E, the rotating-wave model is off: by scheme and direction; empty without one."""
        if self.rotating is None:
            return {}
        pairs = {
            "unconditional": (self.rotating.unconditional, self.unconditional),
            "conditional": (self.rotating.conditional, self.conditional),
        }
        return {
            scheme: {each: rotating.steering[each] / exact.steering[each] - 1.0 for each in DIRECTIONS}
            for scheme, (rotating, exact) in pairs.items()
        }


def steady(cascade: Cascade, detection: Detection, frequency: tuple[float, float] | None = None) -> Steady:
    """The steady state of a cascade: unconditional by the closed forms, conditional by the Riccati equation.

    With a ``frequency`` (rad/s, |Ω| of − and of +) both in the laboratory frame, beside what the rotating-wave model
    makes of the point. Raises UnstableError for a cascade without a steady state.
    """
    cascade.require_stable()
    point = RotatingWave.of(cascade)
    unseen = SteadyState(
        steering=dict(zip(DIRECTIONS, map(float, closed_forms.steering_parameters(point)), strict=True)),
        covariance=closed_forms.steady_covariance(point),
    )
    seen = SteadyState.of_model(rwa(cascade, detection), conditional=True)
    rotating = Steady(unconditional=unseen, conditional=seen, detection=detection)
    if frequency is None:
        return rotating
    model = lab(cascade, detection, frequency)
    return Steady(
        unconditional=SteadyState.of_model(model, conditional=False),
        conditional=SteadyState.of_model(model, conditional=True),
        detection=detection,
        frequency=frequency,
        rotating=rotating,
    )
