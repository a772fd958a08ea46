"""The steady state of a model: E and d in every direction, without and with the record, exact."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import (
    Scheme,
    Steered,
    pairwise_directions,
    regime,
    steering_of_root,
)
from cascade_steering.analysis.results.by_direction import ByDirection, gains
from cascade_steering.analysis.results.printed import (
    GAIN,
    ROWS,
    aligned,
    percent,
    quadratures_table,
    require_several,
    symbol_text,
    text_table,
)
from cascade_steering.sim.conventions import mode_names
from cascade_steering.sim.gaussian.covariance import steady_mean, steady_root
from cascade_steering.sim.gaussian.growth import UNLIMITED, grown_root, require_conditional_steady_state, settles
from cascade_steering.sim.gaussian.moment_equations import oscillator_equations
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.laboratory.fast_growth import grown_root_of_fast
from cascade_steering.sim.laboratory.fast_oscillations import steady_root_of_fast, turns_fast
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.roots import product, root_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["SteadyResult", "limited", "of_roots", "steady"]

FloatArray = NDArray[np.float64]
# of how many oscillators every direction has a column
_MOST_COLUMNS = 3


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class SteadyResult:
    """The steady state of a model, exact.

    Parameters
    ----------
    E : steering parameters by scheme and direction; there is steering where E < ½. Any ``Steered`` may be asked for.
        Where variances grow without the record it is the limit of E(t), infinite where E grows too
    covariance : by scheme, arrays of shape (d, d); NaN without the record where it grows
    mean : of the quadratures, which a force moves, array of shape (d,); left out, zero. NaN where it grows
    modes : names of the oscillators; left out, as ``sim.conventions.mode_names`` has them
    roots : of the covariances by scheme, see ``sim.roots``; left out, they are made from these. Where the covariance
        grows, as ``sim.gaussian.growth.grown_root`` has it
    """

    E: Mapping[Scheme, Mapping[str, float]]
    covariance: Mapping[Scheme, FloatArray]
    mean: FloatArray = field(default_factory=lambda: np.zeros(0))
    modes: tuple[str, ...] = ()
    roots: Mapping[Scheme, FloatArray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        d = len(self.covariance["unconditional"])
        if not self.mean.size:
            object.__setattr__(self, "mean", np.zeros(d))
        object.__setattr__(self, "modes", tuple(self.modes) or mode_names(d // 2))
        found = {scheme: ByDirection(values, partial(self._of, scheme)) for scheme, values in self.E.items()}
        object.__setattr__(self, "E", found)

    def _of(self, scheme: Scheme, way: Steered) -> float:
        root = self.roots[scheme] if scheme in self.roots else root_of(self.covariance[scheme])
        return limited(float(steering_of_root(root, way, self.modes)))

    @property
    def stable(self) -> bool:
        """Whether there is a steady state without the record, so that no variance grows without bound."""
        return bool(np.all(np.isfinite(self.covariance["unconditional"])))

    @property
    def unconditional(self) -> ByDirection[float]:
        """E without the record, by direction."""
        return ByDirection(self.E["unconditional"], partial(self._of, "unconditional"))

    @property
    def conditional(self) -> ByDirection[float]:
        """E given the record, by direction."""
        return ByDirection(self.E["conditional"], partial(self._of, "conditional"))

    @property
    def d(self) -> ByDirection[float]:
        """d = 1 − E_c/E_u, what the record is worth, by direction."""
        return gains(self.unconditional, self.conditional)

    @property
    def regime(self) -> dict[Scheme, str]:
        """Who steers whom of the paper's pair, by scheme: see ``regime``. Raises ValueError for other oscillators."""
        return {
            scheme: regime(values["plus_given_minus"], values["minus_given_plus"]) for scheme, values in self.E.items()
        }

    def plot(self, where: "str | Path | Axes | None" = None) -> "Figure":
        """Draw E in each direction into the file or the axes that are given, or a new figure; returns the figure.

        Raises ValueError for a single oscillator, which has no E.
        """
        from cascade_steering.analysis.plots.result_figures import draw_steady, drawn

        require_several(self.modes)
        return drawn(where, lambda axes: draw_steady(axes, self))

    def __repr__(self) -> str:
        if len(self.modes) == 1:
            return quadratures_table("steady state", self.mean, self.covariance)
        if len(self.modes) > _MOST_COLUMNS:
            return self._by_rows()
        rows = {_row(scheme, self.stable): map(_text, found.values()) for scheme, found in self.E.items()}
        return text_table("steady state", self.unconditional, {**rows, GAIN: map(percent, self.d.values())})

    def _by_rows(self) -> str:
        """A row for each direction, where there are many."""
        head = ("steady state", *(_row(scheme, self.stable) for scheme in self.E), GAIN)
        cells = zip(
            *(map(_text, found.values()) for found in self.E.values()), map(percent, self.d.values()), strict=True
        )
        return aligned([head, *((symbol_text(way), *row) for way, row in zip(self.unconditional, cells, strict=True))])


def _row(scheme: Scheme, stable: bool) -> str:
    return ROWS[scheme] if stable or scheme == "conditional" else f"{ROWS[scheme]}, limit of growing variances"


def _text(value: float) -> str:
    return f"{value:.6f}" if math.isfinite(value) else "grows"


def limited(value: float) -> float:
    """E from a root of ``sim.gaussian.growth.grown_root``, infinite where it grows without limit."""
    return value if value < UNLIMITED else math.inf


def _roots(model: LinearModel) -> tuple[dict[Scheme, FloatArray], bool]:
    """Roots of the covariances by scheme, and whether there is one without the record."""
    stable = settles(model)
    unconditional = steady_root(model, conditional=False) if stable else grown_root(model)
    return {"unconditional": unconditional, "conditional": steady_root(model, conditional=True)}, stable


def _roots_of_fast(model: LinearModel) -> tuple[dict[Scheme, FloatArray], bool]:
    """The same where frequencies are far above linewidths."""
    try:
        unconditional, stable = steady_root_of_fast(model, conditional=False), True
    except NoSteadyStateError:
        unconditional, stable = grown_root_of_fast(model), False
    try:
        conditional = steady_root_of_fast(model, conditional=True)
    except NoSteadyStateError:
        # says which oscillator the record does not show
        require_conditional_steady_state(model)
        raise
    return {"unconditional": unconditional, "conditional": conditional}, stable


def steady(model: LinearModel) -> SteadyResult:
    """The steady state of a model of any oscillators, without and with the record.

        found = cs.steady(cs.detect(cs.chain(nodes), cs.demodulated(cs.Detection())))
        found.conditional[cs.Steered(mode="server", by=("client_1", "client_2"))]

    Of every pair of oscillators E is given in both directions, all others left out of account. Where variances grow
    without the record, E without it is the limit at long times, and ``stable`` is false. Sections 4 and 10 of
    sim/README.md. Raises NoSteadyStateError if there is no steady state given the record.
    """
    roots, stable = _roots_of_fast(model) if turns_fast(model) else _roots(model)
    equations = oscillator_equations(model)
    return of_roots(
        roots,
        model.modes,
        stable=stable,
        mean=steady_mean(equations) if stable or not np.any(equations.drive) else np.full(model.dimension, np.nan),
    )


def of_roots(
    roots: Mapping[Scheme, FloatArray], modes: tuple[str, ...], *, stable: bool, mean: FloatArray | None = None
) -> SteadyResult:
    """The result of steady states of these roots by scheme, see ``SteadyResult``, with E of every pair."""
    covariance = {scheme: product(root) for scheme, root in roots.items()}
    if not stable:
        covariance["unconditional"] = np.full((2 * len(modes),) * 2, np.nan)
    ways = pairwise_directions(modes)
    return SteadyResult(
        E={
            scheme: {str(way): limited(float(steering_of_root(root, way, modes))) for way in ways}
            for scheme, root in roots.items()
        },
        covariance=covariance,
        mean=np.zeros(2 * len(modes)) if mean is None else mean,
        modes=modes,
        roots=roots,
    )
