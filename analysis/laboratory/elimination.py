"""What it costs to eliminate the cavities and to take the rotating wave: E of both models.

Section 10 of sim/README.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from cascade_steering.analysis.criteria.steering import DIRECTIONS, PAIR, SCHEMES, Scheme, steering_of_root
from cascade_steering.analysis.results.printed import ROWS, text_table
from cascade_steering.sim.gaussian.fast_oscillations import steady_root_of_fast
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.laboratory.pair import LaboratoryPair
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["Elimination", "eliminated_and_kept", "steady_steering"]

_ByScheme = Mapping[Scheme, Mapping[str, float | None]]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Elimination:
    """E in the steady state by scheme and direction, twice; None where there is no steady state.

    Parameters
    ----------
    eliminated : with the cavities eliminated, in the rotating wave and in tune
    explicit : with the cavities kept, in the laboratory frame
    """

    eliminated: _ByScheme
    explicit: _ByScheme

    @property
    def difference(self) -> dict[Scheme, dict[str, float | None]]:
        """E by elimination over the explicit E, less 1: what elimination costs, by scheme and direction."""
        return {
            scheme: {each: _ratio(self.eliminated[scheme][each], self.explicit[scheme][each]) for each in DIRECTIONS}
            for scheme in SCHEMES
        }

    def __repr__(self) -> str:
        rows = {}
        for scheme in SCHEMES:
            for name, found, style in (
                ("eliminated", self.eliminated, ".7f"),
                ("cavity kept", self.explicit, ".7f"),
                ("difference", self.difference, "+.2e"),
            ):
                values = found[scheme].values()
                rows[f"{ROWS[scheme]}, {name}"] = ["none" if each is None else f"{each:{style}}" for each in values]
        return text_table("steady state", DIRECTIONS, rows)


def eliminated_and_kept(pair: LaboratoryPair) -> Elimination:
    """E of the pair in the steady state, with the cavities eliminated and with the cavities kept, exact."""
    return Elimination(eliminated=steady_steering(pair.eliminated), explicit=steady_steering(pair.kept))


def steady_steering(model: LinearModel) -> dict[Scheme, dict[str, float | None]]:
    """E of − and + in both directions by scheme, all other modes left out; None where there is no steady state.

    All digits are kept however different the rates are (``sim.gaussian.fast_oscillations``).
    """
    return {scheme: _steering(model, scheme) for scheme in SCHEMES}


def _steering(model: LinearModel, scheme: Scheme) -> dict[str, float | None]:
    try:
        root = steady_root_of_fast(model, conditional=scheme == "conditional")
    except NoSteadyStateError:
        return dict.fromkeys(DIRECTIONS)
    return {each: float(steering_of_root(root, PAIR[each], model.modes)) for each in DIRECTIONS}


def _ratio(eliminated: float | None, explicit: float | None) -> float | None:
    return None if eliminated is None or explicit is None else eliminated / explicit - 1.0
