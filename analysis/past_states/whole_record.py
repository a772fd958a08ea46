"""A record looked at as a whole: what its past, its future and both say of each moment. Section 8 of sim/README.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import (
    AnyDirection,
    Steered,
    pairwise_directions,
    steering_parameter,
)
from cascade_steering.analysis.past_states.outcomes import (
    outcome_uncertainty,
    outcome_variances,
    retrodicted_steering,
)
from cascade_steering.analysis.records.filtered import FilteredRecord
from cascade_steering.analysis.results.by_direction import ByDirection
from cascade_steering.sim.gaussian.past.effect import Effect, LaterRecord, retrodict_record
from cascade_steering.sim.gaussian.past.shared import SharedMatrices, run_starts
from cascade_steering.sim.gaussian.past.smoothing import Smoothed, smoothed_states, weak_values
from cascade_steering.sim.gaussian.past.true_states import Unseen, true_states
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = ["PastStates", "look_back", "past_variables", "require_white_record"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class PastStates:
    """States of the oscillators given a whole record, at its start and after each interval. Section 8 of sim/README.md.

    Parameters
    ----------
    reading : the record filtered: what the past says
    effect : what the future says, see ``sim.gaussian.past.effect``
    weak : weak values, and the covariance that belongs to them, which is not one of a state
    state : the state given past and future, by true-state smoothing
    true : the states of the second observer on whom that state depends
    unseen : how he detects what the detector of the record leaves
    """

    reading: FilteredRecord
    effect: Effect
    weak: Smoothed
    state: Smoothed
    true: SharedMatrices
    unseen: Unseen

    @property
    def mean(self) -> FloatArray:
        """Of the smoothed state, array of shape (records, intervals + 1, d)."""
        return self.state.means

    @property
    def covariance(self) -> FloatArray:
        """Of the smoothed state, a state at each time; array of shape (intervals + 1, d, d)."""
        return self.state.covariances

    @property
    def weak_value(self) -> FloatArray:
        """Re Tr(Ê x ρ)/Tr(Ê ρ) of the quadratures, array of shape (records, intervals + 1, d)."""
        return self.weak.means

    @property
    def retrodicted_mean(self) -> FloatArray:
        """x̂_R given the record after t alone, NaN where that does not determine it; (records, intervals + 1, d)."""
        return self.effect.means

    @property
    def retrodicted_information(self) -> FloatArray:
        """V_R⁻¹, zero at the end of the record; array of shape (intervals + 1, d, d)."""
        return self.effect.information

    @property
    def outcome_variance(self) -> FloatArray:
        """Of each quadrature, if it had been measured, given past and future; array of shape (intervals + 1, d)."""
        covariances, roots, numbers = self._both
        return outcome_variances(covariances, roots)[numbers]

    @property
    def E(self) -> ByDirection[FloatArray]:
        """E of the smoothed state, by direction, arrays of shape (intervals + 1,)."""
        modes = self.reading.model.modes
        return self._by_direction(
            lambda way: steering_parameter(self.state.shared.kinds, way, modes)[self.state.shared.numbers]
        )

    @property
    def retrodicted_E(self) -> ByDirection[FloatArray]:
        """E of the effect of the record after t; infinite where that says nothing."""
        modes = self.reading.model.modes
        return self._by_direction(
            lambda way: retrodicted_steering(self.effect.shared.kinds, way, modes)[self.effect.shared.numbers]
        )

    @property
    def outcome_E(self) -> ByDirection[FloatArray]:
        """How well outcomes of X and P of one oscillator are known from those of another and from past and future.

        The product of two standard deviations; the bound of ½ has no meaning for it, see
        ``analysis.past_states.outcomes``.
        """
        modes, (covariances, roots, numbers) = self.reading.model.modes, self._both
        return self._by_direction(lambda way: outcome_uncertainty(covariances, roots, way, modes)[numbers])

    @cached_property
    def _both(self) -> tuple[FloatArray, FloatArray, NDArray[np.intp]]:
        """The different pairs of V_F and R, and which of them holds at each time."""
        known, shared = self.reading.exact.covariances, self.effect.shared
        starts = run_starts(known, shared.numbers)
        numbers = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(known)))
        return known[starts], shared.kinds[shared.numbers[starts]], numbers

    def _by_direction(self, steering: Any) -> ByDirection[FloatArray]:
        modes = self.reading.model.modes
        found: dict[str, FloatArray] = {str(way): steering(way) for way in pairwise_directions(modes)}

        def of(way: "Steered | str") -> FloatArray:
            result: FloatArray = steering(way)
            return result

        return ByDirection(found, of)


def look_back(
    reading: FilteredRecord, initial: InitialState, unseen: Unseen = "heterodyne",
    *, later: LaterRecord | None = None, start: FloatArray | None = None, before: int = 0
) -> PastStates:  # fmt: skip
    """What the whole of a filtered record says of each moment. Section 8 of sim/README.md.

    Parameters
    ----------
    reading : of ``analysis.records.filtered.read_out``; the exact filter counts, whichever engine was chosen
    initial : the state before the record, as it was filtered
    unseen : how the second observer of true-state smoothing detects what the detector of the record leaves
    later, start, before : of a piece of a longer record: what the record after it says, the true state at its start,
        and the number of intervals before it

    Raises ValueError for a record behind filters of finite bandwidth, and for another ``unseen``.
    """
    record, model, exact = reading.record, reading.model, reading.exact
    effect = retrodict_record(model, record.values, record.interval, record.observed, later=later, before=before)
    true = true_states(model, initial, record.interval, record.values.shape[1], unseen, start=start, before=before)
    return PastStates(
        reading=reading,
        effect=effect,
        weak=weak_values(exact.means, exact.covariances, effect),
        state=smoothed_states(exact.means, exact.covariances, effect, true),
        true=true,
        unseen=unseen,
    )


def require_white_record(model: LinearModel | Schedule) -> None:
    """Raise ValueError for a record behind filters, which remember the state before: it has no effect of x alone."""
    for each in Schedule.of(model).models:
        each.require_white_record()


def past_variables(found: PastStates, directions: Sequence[AnyDirection] | None = None) -> dict[str, Any]:
    """Variables for the dataset of ``analysis.records.filtered.filtered_dataset``, by name: (axes, values, attributes).

    E in ``directions``, of every oscillator given every other one if left out.
    """
    from cascade_steering.sim.conventions import COVARIANCE_CONVENTION

    ways = pairwise_directions(found.reading.model.modes) if directions is None else directions
    each, shared = ("trajectory", "time", "quadrature"), ("time", "quadrature", "quadrature_2")
    state = {
        "long_name": "state given past and future, by true-state smoothing",
        "unseen": f"{found.unseen} detection of all that the detector leaves",
    }
    outcome = "of outcomes at that time given past and future; the bound of 1/2 does not apply"
    return {
        "retrodicted_mean": (each, found.retrodicted_mean, {"long_name": "mean given the record after that time"}),
        "retrodicted_information": (
            shared, found.retrodicted_information, {"long_name": "inverse of the covariance of the effect"},
        ),
        **{f"retrodicted_E_{way}": (("time",), found.retrodicted_E[way]) for way in ways},
        "smoothed_mean": (each, found.mean, state),
        "smoothed_covariance": (shared, found.covariance, {**state, "convention": COVARIANCE_CONVENTION}),
        **{f"smoothed_E_{way}": (("time",), found.E[way], state) for way in ways},
        "smoothed_weak_value": (each, found.weak_value, {"long_name": "Re Tr(E x rho)/Tr(E rho)"}),
        "smoothed_outcome_variance": (each[1:], found.outcome_variance, {"long_name": f"variance {outcome}"}),
        **{f"smoothed_outcome_E_{way}": (("time",), found.outcome_E[way], {"long_name": outcome}) for way in ways},
    }  # fmt: skip
