"""How large an error of a parameter a record would show, from its Fisher information. Section 8 of sim/README.md.

The likelihood-ratio test of one parameter has a statistic that is χ² with one degree of freedom where its value is
right, and noncentral with λ = δ²J where it is wrong by δ, J being the information with all other parameters known, or
1/(J⁻¹)_ii with all others fitted as well (A. Wald, Trans. Am. Math. Soc. 54, 426 (1943)).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtri, chndtrinc

from cascade_steering.analysis.identification.informing.information_rate import variances
from cascade_steering.sim.parameters import require

__all__ = ["Detectable", "detectable", "noncentrality"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Detectable:
    """Errors of the parameters that are noticed with a probability of ``power`` by a test of each of them.

    Parameters
    ----------
    alone : by name, if all other parameters are known; infinite where the record says nothing
    beside_others : by name, if all others of the list are fitted at the same time
    power, false_alarm : probabilities that a wrong value is noticed, and that a right one is refused
    """

    alone: dict[str, float]
    beside_others: dict[str, float]
    power: float
    false_alarm: float


def noncentrality(power: float, false_alarm: float) -> float:
    """λ of the noncentral χ² with one degree of freedom that exceeds the limit with that power."""
    require(power, "power", low=0.0, high=1.0, low_open=True)
    require(false_alarm, "false_alarm", low=0.0, high=power, low_open=True)
    return float(chndtrinc(chdtri(1, false_alarm), 1, 1.0 - power))


def detectable(
    names: tuple[str, ...], information: FloatArray, *, power: float = 0.9, false_alarm: float = 1e-3
) -> Detectable:
    """The errors that are noticed, from the information of a record (p, p). Section 8 of sim/README.md.

    They hold to first order: where one of them is as large as the parameter itself it is only an order of magnitude.
    Raises ValueError for probabilities out of range.
    """
    root = np.sqrt(noncentrality(power, false_alarm))
    with np.errstate(divide="ignore"):
        alone = root / np.sqrt(np.diagonal(information))
    both = root * np.sqrt(variances(information))
    return Detectable(
        alone=dict(zip(names, alone.tolist(), strict=True)),
        beside_others=dict(zip(names, both.tolist(), strict=True)),
        power=power,
        false_alarm=false_alarm,
    )
