"""A run prepared for the kernel: the truncated basis, and the operators of every frame."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import scipy.linalg as la
import scipy.sparse as sp
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.fock.basis.gaussian_operators import exponential, metaplectic, thermal
from cascade_steering.sim.fock.basis.levels import LADDER, Levels
from cascade_steering.sim.fock.basis.moments import moment_rows
from cascade_steering.sim.fock.moving.frame import FramePath, in_frame
from cascade_steering.sim.fock.moving.kernel import Basis, Frame, Work, jump
from cascade_steering.sim.fock.moving.step_factors import step_factors, substeps
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, moment_equations
from cascade_steering.sim.gaussian.propagator import driven
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["Span", "basis_of", "spans", "work_for"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
# Trace of the first term of exp(𝓙) left out over that of the first kept, so that what is left out of the heating does
# not depend on the step; in a thermal state a quarter of a quantum above those expected.
_SERIES = 3e-6
_MOST_TERMS = 30


@dataclass(frozen=True, kw_only=True, eq=False)
class Span:
    """Steps ``first`` to ``last`` (excluded) in one frame.

    ``change`` is the unitary (D, D) that takes the state into it, None at the start and where only the model changes.
    """

    frame: Frame
    first: int
    last: int
    change: ComplexArray | None

    def with_terms(self, more: int) -> "Span":
        """The same with so many more terms of exp(𝓙)."""
        return replace(self, frame=self.frame._replace(terms=self.frame.terms + more))


def basis_of(levels: Levels) -> Basis:
    """The truncated ladder operators and moments of the kept levels."""
    sources, weights = [], []
    for mode, above in enumerate(levels.above):
        number = levels.numbers[:, mode]
        below = np.zeros_like(above)
        below[above[above >= 0]] = np.flatnonzero(above >= 0)
        sources += [np.maximum(above, 0), below]
        weights += [np.where(above >= 0, np.sqrt(number + 1.0), 0.0), np.sqrt(number)]
    rows = sp.vstack([moment_rows(levels), *(sp.csr_array(edge.reshape(1, -1)) for edge in _edges(levels))], "csr")
    # the rows are over column-stacked ρ, the kernel's ρ is row-stacked
    places = (rows.indices % levels.size) * levels.size + rows.indices // levels.size
    runs = [(r, *run) for r, pair in enumerate(zip(sources, weights, strict=True)) for run in _runs(*pair)]
    return Basis(
        sources=np.array(sources, dtype=np.intp),
        weights=np.array(weights, dtype=float),
        twice=np.repeat(np.array(weights, dtype=float), 2, axis=1),
        runs=np.array(runs, dtype=np.intp),
        numbers=np.ascontiguousarray(levels.numbers),
        cutoffs=np.array(levels.cutoffs, dtype=np.intp),
        starts=rows.indptr.astype(np.intp),
        places=places.astype(np.intp),
        factors=rows.data.astype(complex),
    )


def _runs(sources: IntArray, weights: FloatArray) -> list[tuple[int, int, int]]:
    """(first, last, shift) of the stretches over which sources of weight are a constant shift away."""
    places = np.flatnonzero(weights)
    shifts = sources[places] - places
    cuts = np.flatnonzero(np.diff(shifts)) + 1
    return [
        (int(stretch[0]), int(stretch[-1]) + 1, int(shift[0]))
        for stretch, shift in zip(np.split(places, cuts), np.split(shifts, cuts), strict=True)
    ]


def _edges(levels: Levels) -> list[FloatArray]:
    """Diagonal observables (D, D): of each mode the population of its edge, then the defects of the commutators.

    a a† − a†a between kept levels is 1 but at the edge, where the first term is missing: there it is off by n + 1.
    The edge is taken two levels deep, or a squeezed state, which has every other level, could hide from it.
    """
    top = levels.above < 0
    at_edge = top | np.take_along_axis(np.pad(top, ((0, 0), (0, 1))), levels.above, axis=1)
    populations = [np.diag(edge.astype(float)) for edge in at_edge]
    defects = [np.diag(np.where(edge, levels.numbers[:, mode] + 1.0, 0.0)) for mode, edge in enumerate(at_edge)]
    return [*populations, *defects]


def work_for(basis: Basis) -> Work:
    """Scratch for the kernel."""
    ladders, size = basis.weights.shape
    first, second, third = (np.empty((size, size), dtype=complex) for _ in range(3))
    return Work(first, second, third, np.empty((ladders, size), dtype=complex))


def spans(grid: TimeGrid, path: FramePath, levels: Levels, basis: Basis, start: ComplexArray) -> list[Span]:
    """The frames of a run from the state ``start`` (D, D), with all their operators.

    Frames share the number of substeps, so that a state's history does not depend on when they change.
    """
    found = list(path.spans(grid.steps))
    framed = [in_frame(model, symplectic) for symplectic, model, _, _ in found]
    parts = max(substeps(each, grid.step) for each in framed)
    # a quarter of a quantum above what is expected, and the state itself, which may be far from thermal
    probes = [thermal(path.variances + 0.25, levels), start]
    frames = [
        _frame(model, each, symplectic, grid.step, parts, levels, basis, probes, follow=path.follow)
        for each, (symplectic, model, _, _) in zip(framed, found, strict=True)
    ]
    changes: list[ComplexArray | None] = [None]
    for before, after in pairwise(path.symplectics):
        same = np.array_equal(before, after)
        changes.append(None if same else metaplectic(np.linalg.solve(after, before), levels))
    return [
        Span(frame=frame, first=first, last=last, change=change)
        for frame, change, (_, _, first, last) in zip(frames, changes, found, strict=True)
    ]


def _frame(
    model: LinearModel,
    framed: LinearModel,
    symplectic: FloatArray,
    step: float,
    parts: int,
    levels: Levels,
    basis: Basis,
    probes: list[ComplexArray],
    *,
    follow: bool,
) -> Frame:
    modes = len(levels.cutoffs)
    factors = step_factors(framed, step / parts)
    to_ladder = np.kron(np.eye(modes), LADDER)
    noise = _clean(to_ladder.T @ factors.noise @ to_ladder.conj())
    equations = moment_equations(model)
    readout = equations.readout @ symplectic
    drift, drive, _, _ = _forecast(equations, step / parts)
    _, _, forecast, forecast_drive = _forecast(equations, step)
    displacement = -1j * to_ladder.T @ symplectic_form(modes)
    # a basis at rest is not carried along by a force: the state is displaced instead
    held = np.asarray(0.0 * drive if follow else -np.linalg.solve(drift, drive), dtype=np.float64)
    return Frame(
        operator=exponential(factors.quadratic, levels),
        noise=noise,
        terms=max(_terms(noise, probe, basis) for probe in probes),
        response=np.ascontiguousarray(to_ladder.T @ factors.response),
        lag=np.ascontiguousarray(to_ladder.T @ factors.lag @ np.linalg.inv(symplectic)),
        displacement=np.ascontiguousarray(displacement),
        symplectic=np.ascontiguousarray(symplectic),
        substeps=parts,
        drift=drift,
        drive=drive,
        held=held,
        held_response=np.ascontiguousarray(displacement @ np.linalg.solve(symplectic, held)),
        forecast=forecast,
        forecast_drive=forecast_drive,
        half_readout=np.sqrt(0.5 * step) * readout,
        half_cross=0.5 * step * equations.readout @ equations.cross,
    )


def _forecast(equations: MomentEquations, time: float) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Φ = e^{At} (d, d) and what a force adds to x (d,); F ∫₀ᵗ e^{As} ds (m, d) and what a force adds to Y (m,)."""
    (m, d), drift = equations.readout.shape, equations.drift
    block = la.expm(np.block([[drift * time, np.eye(d)], [np.zeros((d, 2 * d))]]))
    both = np.block([[drift, np.zeros((d, m))], [equations.readout, np.zeros((m, m))]])
    moved = driven(both, np.concatenate([equations.drive, np.zeros(m)]), time)
    forecast = time * equations.readout @ block[:d, d:]
    return np.ascontiguousarray(block[:d, :d]), moved[:d].copy(), np.ascontiguousarray(forecast), moved[d:].copy()


def _terms(noise: ComplexArray, density: ComplexArray, basis: Basis) -> int:
    """How many terms of exp(𝓙) matter in a state."""
    work = work_for(basis)
    term, whole = np.ascontiguousarray(density), 0.0
    for order in range(1, _MOST_TERMS + 1):
        jump(term, work.first, noise, basis, work.rows)
        term = work.first / order
        share = np.trace(term).real
        whole = whole or share
        if share <= _SERIES * whole:
            return order - 1
    return _MOST_TERMS


def _clean(coefficients: ComplexArray) -> ComplexArray:
    """Without what rounding leaves of terms that cancel: each nonzero entry costs a pass over ρ."""
    return np.where(np.abs(coefficients) > 1e-13 * np.max(np.abs(coefficients)), coefficients, 0.0)
