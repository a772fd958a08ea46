"""A stretch of vacuum noise where there should be a signal: a lock that fell out, light that missed the detector.

Such values are as they can be, and their innovations are almost white, so no general statistic has much power. The
alternative is known, and so the most powerful test is the ratio of likelihoods (Neyman and Pearson). With the
innovations z, their root L and the record in units of vacuum noise, y = ΔY/√h,

    l = Σ ½ z² − ½ y² + log det(L/√h)

is the logarithm of that of vacuum noise to that of the model. If the model is right eˡ is a martingale of mean 1 from
any interval on, so it exceeds x anywhere with a probability of 1/x at most (Ville 1939): of the largest l between two
of at most 129 places, p ≤ 129 e^(−l).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.records.judging.parts import Parts
from cascade_steering.analysis.records.judging.statistic import Statistic

__all__ = ["LostSignal", "vacuum_evidence"]

FloatArray = NDArray[np.float64]


def vacuum_evidence(innovations: FloatArray, values: FloatArray, roots: FloatArray, interval: float) -> FloatArray:
    """Logarithm of the likelihood of vacuum noise over that of the model, of all records together. Section 8 of
    sim/README.md.

    Parameters
    ----------
    innovations, values : whitened innovations, and the record, √s; arrays of shape (records, intervals, m)
    roots : as ``sim.gaussian.filtering.Innovations`` has them, array of shape (intervals, m, m)
    interval : length of one interval, seconds

    Array of shape (intervals,), 0 in gaps.
    """
    determinant = np.log(np.diagonal(roots, axis1=1, axis2=2) / np.sqrt(interval)).sum(axis=1)
    found = 0.5 * (innovations**2 - values**2 / interval).sum(axis=(0, 2)) + len(values) * determinant
    return np.where(np.isnan(found), 0.0, found)


class LostSignal:
    """Evidence for vacuum noise, as it comes in."""

    def __init__(self) -> None:
        self._parts = Parts()

    def add(self, evidence: FloatArray) -> None:
        """Take the next of ``vacuum_evidence``, array of shape (intervals,)."""
        self._parts.add(evidence)

    def statistics(self) -> Iterator[Statistic]:
        """The stretch with the most evidence, in intervals of the clock."""
        sums = self._parts.sums
        if not sums.size:
            return
        total = np.concatenate([[0.0], np.cumsum(sums)])
        lowest = np.minimum.accumulate(total[:-1])
        last = int((total[1:] - lowest).argmax()) + 1
        first = int(total[:last].argmin())
        most = float(total[last] - total[first])
        yield Statistic(
            name="log of the likelihood of vacuum noise to that of the model, in a stretch",
            value=most,
            expected=0.0,
            p_value=min(1.0, (sums.size + 1) * float(np.exp(-max(most, 0.0)))),
            kind="lost",
            start_s=float(first * self._parts.long),
            end_s=float(last * self._parts.long),
        )
