"""E of the steady state of the cascaded master equation: a check that uses no Gaussian assumption and no equation of
moments.

ρ is computed between finitely many levels of each oscillator, without the record. In the rotating wave it is found in
the symmetry sector of ``sim.fock.master_equation.sector``, in the laboratory frame from the whole Liouvillian.
"""

import math
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS, Direction, steering_of_root, steering_parameter
from cascade_steering.sim.fock.basis.diagnostics import CutoffWarning
from cascade_steering.sim.fock.master_equation.sector import Sector, phase_invariant, sector_generator
from cascade_steering.sim.fock.master_equation.sector_solver import couples_imaginary_parts
from cascade_steering.sim.fock.master_equation.solve import steady_fock_state
from cascade_steering.sim.gaussian.covariance import steady_root
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.roots import product

__all__ = ["FockSteady", "steering_between_levels"]

FloatArray = NDArray[np.float64]
# unknowns of the sector: 60 x 60 levels without a path phase take 10 s and 1 GB
_MOST_UNKNOWNS = 75_000
# levels in all of a whole Liouvillian: 10 x 10 take some seconds, 12 x 12 six times as long
_MOST_LEVELS = 100
_LEAST_CUTOFF = 4
# quanta that may lie above the levels: the smallest of these for which the equation can be solved
_LEFT_OUT = (1e-10, 1e-8, 1e-6, 1e-4, 1e-3)
# with more quanta above the levels the result has no meaning
_MOST_LEFT_OUT = 0.1


@dataclass(frozen=True, kw_only=True, eq=False)
class FockSteady:
    """The steady state of the truncated master equation without the record.

    Parameters
    ----------
    cutoffs : levels of − and +
    steering : E by direction
    truncation_error : |E − E′| by direction, where E′ has a fifth fewer levels. It bounds the error of E as long as the
        error at least halves from E′ to E; it falls geometrically, by a factor of ten and more
    moments : E by direction from the moment equations of the same model, for comparison
    covariance : symmetrised, array of shape (4, 4)
    top_population : population of the highest level of each oscillator, array of shape (2,)
    residual : ‖𝓛ρ‖/(‖𝓛‖‖ρ‖)
    """

    cutoffs: tuple[int, ...]
    steering: dict[Direction, float]
    truncation_error: dict[Direction, float]
    moments: dict[Direction, float]
    covariance: FloatArray
    top_population: FloatArray
    residual: float


def steering_between_levels(model: LinearModel, cutoffs: tuple[int, ...] | None = None) -> FockSteady:
    """E of the steady state of the truncated master equation, see sim/README.md, sections 1 and 8.

    Parameters
    ----------
    model : of two oscillators, in the rotating wave or in the laboratory frame
    cutoffs : levels of each, at least 4, or None for as many as the quanta of the exact state need

    Warns CutoffWarning where a cutoff is too small for three digits.

    Raises
    ------
    NoSteadyStateError, UnstableError
        if the model has no steady state.
    ValueError
        if the quanta do not fit into the cutoffs, or into any that can be solved, or the cutoffs are too many.
    UnphysicalStateError
        if the truncated equation was not solved to rounding.
    """
    root = steady_root(model, conditional=False)
    covariance = product(root)
    quanta = (np.diagonal(covariance)[::2] + np.diagonal(covariance)[1::2]) / 2 - 0.5
    chosen = _solvable_cutoffs(model, quanta) if cutoffs is None else cutoffs
    _require_fit(model, quanta, chosen)
    found = steady_fock_state(model, chosen)
    with warnings.catch_warnings():
        # warnings about the smaller one do not concern the result
        warnings.simplefilter("ignore", CutoffWarning)
        smaller = steady_fock_state(model, tuple(levels - max(2, levels // 5) for levels in chosen))
    values, fewer = (_steering_of(each.covariance) for each in (found, smaller))
    return FockSteady(
        cutoffs=chosen,
        steering=values,
        truncation_error={each: abs(values[each] - fewer[each]) for each in DIRECTIONS},
        moments={each: float(steering_of_root(root, each)) for each in DIRECTIONS},
        covariance=found.covariance,
        top_population=found.diagnostics.top_population,
        residual=found.residual,
    )


def _steering_of(covariance: FloatArray) -> dict[Direction, float]:
    """E in both directions."""
    return {each: float(steering_parameter(covariance, each)) for each in DIRECTIONS}


def _left_out(quanta: float, levels: float) -> float:
    """Quanta above the ``levels`` lowest levels of a thermal state: Σ_{n≥N} n pₙ = q^N (N + n̄), q = n̄/(n̄ + 1).

    In the rotating wave each oscillator alone is in a thermal state.
    """
    beyond: float = (quanta / (quanta + 1.0)) ** levels * (levels + quanta)
    return beyond


def _levels(quanta: float, left_out: float) -> int:
    """The fewest levels, at least 4, above which ``left_out`` quanta lie or fewer."""
    # rounded to six digits, so that the last bits decide nothing
    quanta, levels = float(f"{max(quanta, 0.0):.6g}"), _LEAST_CUTOFF
    while _left_out(quanta, levels) > left_out:
        levels = max(levels + 1, int(1.05 * levels))
    return levels


def _solvable_cutoffs(model: LinearModel, quanta: FloatArray) -> tuple[int, ...]:
    """The cutoffs with the fewest quanta above them that can be solved. Raises ValueError if there are too many."""
    for left_out in _LEFT_OUT:
        cutoffs = tuple(_levels(float(each), left_out) for each in quanta)
        if not _excess(model, cutoffs):
            return cutoffs
    name, most = max(zip(model.modes, quanta.tolist(), strict=True), key=lambda each: each[1])
    raise ValueError(
        f"the state fits no truncated master equation: oscillator {name} holds {most:.3g} quanta, which take "
        f"{_levels(most, _LEFT_OUT[-1]):.2g} levels, and {_excess(model, cutoffs)}; take colder baths, or simulate "
        "in the moving Fock basis, which holds as many quanta as there are"
    )


def _require_fit(model: LinearModel, quanta: FloatArray, cutoffs: tuple[int, ...]) -> None:
    """Raise ValueError for cutoffs that are too few for the state or too many to be solved."""
    if len(cutoffs) != len(quanta) or min(cutoffs) < _LEAST_CUTOFF:
        raise ValueError(f"cutoffs must be {len(quanta)} whole numbers of at least {_LEAST_CUTOFF}, got {cutoffs}")
    if excess := _excess(model, cutoffs):
        raise ValueError(f"{excess}; got {' x '.join(map(str, cutoffs))} levels")
    for name, each, levels in zip(model.modes, quanta.tolist(), cutoffs, strict=True):
        if _left_out(each, levels) > _MOST_LEFT_OUT:
            raise ValueError(
                f"{levels} levels do not hold the {each:.3g} quanta of oscillator {name}: "
                f"{_levels(each, _LEFT_OUT[-1]):.2g} would"
            )


def _excess(model: LinearModel, cutoffs: tuple[int, ...]) -> str:
    """The limit that these cutoffs exceed, as text; empty if the equation can be solved in reasonable time."""
    if not phase_invariant(model):
        rule = f"outside the rotating wave the master equation is solved for at most {_MOST_LEVELS} levels in all"
        return rule if math.prod(cutoffs) > _MOST_LEVELS else ""
    # only the populations first, so that very large cutoffs need no sum
    unknowns = math.prod(cutoffs)
    if unknowns <= _MOST_UNKNOWNS:
        small = Sector((3, 3))
        coherences = sum(math.prod(levels - k for levels in cutoffs) for k in range(1, min(cutoffs)))
        twice = couples_imaginary_parts(sector_generator(model, small), small)
        unknowns += (2 if twice else 1) * coherences
    many = unknowns > _MOST_UNKNOWNS
    return f"the master equation is solved for at most {_MOST_UNKNOWNS} elements, 60 x 60 levels" if many else ""
