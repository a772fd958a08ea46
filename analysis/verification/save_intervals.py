"""What the laboratory's estimate loses because its filter is given the sums of the record over save intervals.

Within an interval the filter does not know when the light came, so that E given the record is above that of the
continuous record by a term of second order in the interval. Section 8 of sim/README.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import AnyDirection, both_directions, steering_parameter
from cascade_steering.sim.conventions import quadrature_indices
from cascade_steering.sim.ensemble.local_measurements import Verification
from cascade_steering.sim.gaussian.covariance import transient
from cascade_steering.sim.gaussian.filtering import filter_record

__all__ = ["ALLOWED", "MOST_SAVES", "SaveIntervals"]

FloatArray = NDArray[np.float64]
# the share of d that may be lost
ALLOWED = 0.01
# a smaller d takes 1e8 runs or more, and rounding of E is 1e-9 at the edge of stability
_LEAST_D = 1e-4
MOST_SAVES = 100_000


@dataclass(frozen=True, kw_only=True, eq=False)
class SaveIntervals:
    """The save intervals of a verification, held against the continuous record of an observer who knows as much.

    Section 8 of sim/README.md.

    Parameters
    ----------
    verification : the experiment
    compared_with : E without the record, by direction, if d = 1 − E_c/E_u is with that of another working point; only
        these directions then count
    """

    verification: Verification
    compared_with: Mapping[AnyDirection, float] | None = None

    @cached_property
    def lost(self) -> dict[AnyDirection, float]:
        """The share of d that is lost in each direction with d > 10⁻⁴."""
        return self._lost_of(self.verification.conditional)

    @property
    def sufficient(self) -> bool:
        """Whether no direction loses more than ``ALLOWED``."""
        return all(each <= ALLOWED for each in self.lost.values())

    @cached_property
    def fewest(self) -> int | None:
        """The fewest saves, over the same time, that are sufficient; None for more than ``MOST_SAVES``.

        By bisection: of two numbers of which one divides the other the larger never loses more.
        """
        enough = 1
        while not self._is_sufficient(enough):
            enough *= 2
            if enough > MOST_SAVES:
                return None
        short = enough // 2
        while enough - short > 1:
            middle = (enough + short) // 2
            short, enough = (short, middle) if self._is_sufficient(middle) else (middle, enough)
        return enough

    @cached_property
    def _known(self) -> tuple[Mapping[AnyDirection, float], dict[AnyDirection, float]]:
        """E without the record, and given the continuous one, by direction."""
        subject = self.verification
        start, end = subject.initial.unconditional, subject.grid.times[-1:]
        continuous = transient(subject.model, start, end, conditional=True)[0][self._where]
        unconditional = self._steering(subject.unconditional) if self.compared_with is None else self.compared_with
        return unconditional, self._steering(continuous)

    @property
    def _where(self) -> tuple[NDArray[np.intp], ...]:
        return np.ix_(*2 * [quadrature_indices(self.verification.pair, self.verification.model.modes)])

    def _steering(self, covariance: FloatArray) -> dict[AnyDirection, float]:
        pair = self.verification.pair
        return {each: float(steering_parameter(covariance, each, pair)) for each in both_directions(*pair)}

    def _lost_of(self, covariance: FloatArray) -> dict[AnyDirection, float]:
        unconditional, continuous = self._known
        found = self._steering(covariance)
        return {
            each: (found[each] - known) / (unconditional[each] - known)
            for each, known in continuous.items()
            if each in unconditional and unconditional[each] - known > _LEAST_D * unconditional[each]
        }

    def _is_sufficient(self, saves: int) -> bool:
        subject = self.verification
        nothing = np.zeros((1, saves, len(subject.model.record_names)))
        interval = float(subject.grid.times[-1]) / saves
        covariance = filter_record(subject.model, nothing, interval, subject.initial).covariances[-1]
        return all(each <= ALLOWED for each in self._lost_of(covariance[self._where]).values())
