"""The log-likelihood of a record with its score and Fisher information, for other optimisers and samplers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade_steering.analysis.identification.fitting import FitProblem
from cascade_steering.analysis.records.suspects import Told
from cascade_steering.sim.parameters import require

__all__ = ["LogLikelihood", "plain_names"]

FloatArray = NDArray[np.float64]
# spacing of the differences in standard errors of one parameter, and at most in widths of its bounds
_SPACING, _WIDEST = 2e-2, 1e-3


@dataclass(frozen=True, eq=False)
class LogLikelihood:
    """log p of a record as a function of some parameters, exact, with score and Fisher information.

        likelihood = point.log_likelihood("record.csv", ["efficiency", "c_minus"])
        found = scipy.optimize.minimize(lambda x: -likelihood(x), likelihood.start, jac=lambda x: -likelihood.score(x))

    Parameters
    ----------
    problem : what ``WorkingPoint.log_likelihood`` makes
    names : of the parameters, as they were given
    told : values of the record that no noise can have given

    Every argument is an array of shape (p,), in the order of ``names``, or a mapping of all names. Derivatives are
    differences with an error of fourth order in their spacing, one-sided at a bound; ``score_error`` estimates what is
    left. The information is the expected one given the gaps of this record, and exact up to these differences.
    """

    problem: FitProblem
    names: tuple[str, ...]
    told: tuple[Told, ...] = ()

    @property
    def start(self) -> FloatArray:
        """The values at the working point, and of a calibration that of the fast noise of the record; (p,)."""
        return self.problem.start.copy()

    @property
    def bounds(self) -> list[tuple[float, float]]:
        """The lowest and the highest value of each parameter in a fit from ``start``."""
        box = self.problem.likelihood.box
        return list(zip(box.low.tolist(), box.high.tolist(), strict=True))

    def __call__(self, values: "ArrayLike | Mapping[str, float]") -> float:
        """log p in nats, −∞ where the parameters are impossible or beyond their bounds."""
        point, box = self._point(values), self.problem.likelihood.box
        if np.any(point < box.low) or np.any(point > box.high):
            return -np.inf
        found = self.problem.likelihood.possible(point)
        return -np.inf if found is None else found.value

    def score(self, values: "ArrayLike | Mapping[str, float]") -> FloatArray:
        """∂ log p by each parameter, (p,). Raises ValueError for impossible parameters."""
        return self._derivatives(values)[0]

    def score_error(self, values: "ArrayLike | Mapping[str, float]") -> FloatArray:
        """What the differences behind ``score`` may be off by, (p,), between two spacings."""
        return self._derivatives(values)[1]

    def information(self, values: "ArrayLike | Mapping[str, float]") -> FloatArray:
        """J, the expected information of this record, (p, p). Raises ValueError for impossible parameters.

        J_ij = Σ_k ∂_i e_kᵀ S_k⁻¹ ∂_j e_k + ½ tr(S_k⁻¹ ∂_i S_k S_k⁻¹ ∂_j S_k). Section 8 of sim/README.md.
        """
        return self._derivatives(values)[2]

    def _derivatives(self, values: "ArrayLike | Mapping[str, float]") -> tuple[FloatArray, FloatArray, FloatArray]:
        point, likelihood = self._point(values), self.problem.likelihood
        for name, value, low, high in zip(self.names, point, likelihood.box.low, likelihood.box.high, strict=True):
            require(float(value), name, low=float(low), high=float(high))
        here, widest = likelihood(point), _WIDEST * likelihood.box.width
        guess = likelihood.slope(point, here, widest)
        spacing = np.minimum(_SPACING * guess.single_errors, widest)
        wide, narrow = (likelihood.slope(point, here, spacing / part) for part in (1, 2))
        central = self._central(point, spacing)
        order = np.where(central, 3.0, 1.0)
        best = narrow.gradient + (narrow.gradient - wide.gradient) / order
        return best, np.abs(best - narrow.gradient), narrow.information

    def _central(self, point: FloatArray, spacing: FloatArray) -> NDArray[np.bool_]:
        box = self.problem.likelihood.box
        inside: NDArray[np.bool_] = (point - spacing >= box.low) & (point + spacing <= box.high)
        return inside

    def _point(self, values: "ArrayLike | Mapping[str, float]") -> FloatArray:
        if isinstance(values, Mapping):
            if set(values) != set(self.names):
                raise ValueError(f"values must name {', '.join(self.names)}, got {', '.join(map(str, values))}")
            values = [values[name] for name in self.names]
        point = np.asarray(values, dtype=float)
        if point.shape != (len(self.names),):
            raise ValueError(
                f"values must be {len(self.names)} numbers, of {', '.join(self.names)}, got shape {point.shape}"
            )
        return point


def plain_names(parameters: Sequence[str]) -> tuple[str, ...]:
    """The parameters of Python by the names of the command line, which are without units.

    Raises ValueError for names that are no parameters.
    """
    import re

    from cascade_steering.analysis.identification.fit_parameters import PARAMETERS, names

    if isinstance(parameters, str):
        raise ValueError(f"parameters must be a list of names, got {parameters!r}")
    if not parameters:
        raise ValueError(f"parameters must name at least one of {', '.join(PARAMETERS)}, got none")
    keys = [re.sub("-(pi|hz|db)$", "", each.replace("_", "-")) for each in parameters]
    return names(",".join(keys))
