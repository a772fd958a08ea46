"""What a stationary record of a working point tells of its parameters, before there is one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from cascade_steering.analysis.identification.informing.detectable import Detectable
    from cascade_steering.analysis.working_points.working_point import WorkingPoint

__all__ = ["InformationResult"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class InformationResult:
    """Fisher information per second of the parameters of a working point, from a long stationary record.

    Parameters
    ----------
    names : of the parameters
    rate : information per second, array of shape (p, p)
    point : the working point
    interval : of the record, seconds; None for a continuous one
    """

    names: tuple[str, ...]
    rate: FloatArray
    point: "WorkingPoint"
    interval: float | None = None

    @classmethod
    def of(cls, point: "WorkingPoint", parameters: Sequence[str], interval: float | None) -> Self:
        """The information of ``WorkingPoint.information``. Raises ValueError as that does."""
        from cascade_steering.analysis.identification.informing.information_rate import information_rate
        from cascade_steering.analysis.identification.log_likelihood import plain_names

        rate = information_rate(point, plain_names(parameters), interval)
        return cls(names=tuple(parameters), rate=rate, point=point, interval=interval)

    @property
    def rank(self) -> int:
        """How many numbers of the parameters, or functions of them, the record determines."""
        from cascade_steering.analysis.identification.informing.information_rate import rank_of

        return rank_of(self.rate)

    def standard_errors(self, duration_s: float) -> dict[str, float]:
        """After so many seconds, with all of the parameters fitted; infinite for what no record determines."""
        from cascade_steering.analysis.identification.informing.information_rate import variances

        errors = np.sqrt(variances(self.rate) / duration_s)
        return dict(zip(self.names, errors.tolist(), strict=True))

    def detectable(self, duration_s: float, *, power: float = 0.9, false_alarm: float = 1e-3) -> "Detectable":
        """How wrong a parameter may be before a record of that length shows it with a probability of ``power``."""
        from cascade_steering.analysis.identification.informing.detectable import detectable

        return detectable(self.names, self.rate * duration_s, power=power, false_alarm=false_alarm)

    def best_lo_phase(self, name: str) -> tuple[float, float]:
        """The local-oscillator phase, in units of π, at which a parameter is known best beside the others, of 48.

        With it comes the standard error after one second there. Raises ValueError for a name that is not here.
        """
        from cascade_steering.analysis.identification.informing.information_rate import phase_for
        from cascade_steering.analysis.identification.log_likelihood import plain_names

        if name not in self.names:
            raise ValueError(f"name must be one of {', '.join(self.names)}, got {name!r}")
        keys = plain_names(self.names)
        phase, variance = phase_for(self.point, keys, keys[self.names.index(name)], self.interval)
        return phase, float(np.sqrt(variance))

    def __repr__(self) -> str:
        width = max(map(len, self.names))
        lines = [f"{self.rank} of {len(self.names)} numbers are determined; standard errors after one second:"]
        for name, error in self.standard_errors(1.0).items():
            lines.append(f"{name.ljust(width)}  {error:.4g}" if np.isfinite(error) else f"{name.ljust(width)}  none")
        return "\n".join(lines)
