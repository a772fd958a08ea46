"""Preparation of a run for the kernel: the truncated basis, and the operators of every frame."""

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
from cascade_steering.sim.fock.moving.step_factors import StepFactors, step_factors, substeps
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, moment_equations
from cascade_steering.sim.gaussian.propagator import driven
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["Span", "basis_of", "clean", "frame_for", "spans", "work_for"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
# The trace of the first neglected term of exp(𝓙) is at most this fraction of that of the first term, so that the
# neglected part of the heating does not depend on the step.
_NEGLECTED = 3e-6
_MOST_TERMS = 30


@dataclass(frozen=True, kw_only=True, eq=False)
class Span:
    """Steps ``first`` to ``last`` (excluded) in one frame.

    ``change`` is the unitary (D, D) that carries the state over into this frame; None at the start and where only the
    model changes.
    """

    frame: Frame
    first: int
    last: int
    change: ComplexArray | None

    def with_terms(self, more: int) -> "Span":
        """The same span with ``more`` additional terms of exp(𝓙)."""
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
    # The rows act on column-stacked ρ, while ρ of the kernel is row-stacked.
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
    """(first, last, shift) of the stretches over which sources with nonzero weight are a constant shift away."""
    places = np.flatnonzero(weights)
    shifts = sources[places] - places
    cuts = np.flatnonzero(np.diff(shifts)) + 1
    return [
        (int(stretch[0]), int(stretch[-1]) + 1, int(shift[0]))
        for stretch, shift in zip(np.split(places, cuts), np.split(shifts, cuts), strict=True)
    ]


def _edges(levels: Levels) -> list[FloatArray]:
    """Diagonal observables (D, D): the population of the edge of each mode, then the defect of each commutator.

    a a† − a†a between kept levels is 1 except at the edge, where the first term is missing: there it is wrong by n + 1.
    The edge consists of the two highest levels, because a squeezed vacuum fills every other level only.
    """
    top = levels.above < 0
    at_edge = top | np.take_along_axis(np.pad(top, ((0, 0), (0, 1))), levels.above, axis=1)
    populations = [np.diag(edge.astype(float)) for edge in at_edge]
    defects = [np.diag(np.where(edge, levels.numbers[:, mode] + 1.0, 0.0)) for mode, edge in enumerate(at_edge)]
    return [*populations, *defects]


def work_for(basis: Basis) -> Work:
    """The working memory of the kernel."""
    ladders, size = basis.weights.shape
    first, second, third = (np.empty((size, size), dtype=complex) for _ in range(3))
    return Work(first, second, third, np.empty((ladders, size), dtype=complex))


def spans(grid: TimeGrid, path: FramePath, levels: Levels, basis: Basis, start: ComplexArray) -> list[Span]:
    """The spans of a run from the state ``start`` (D, D), with all their operators. Section 4 of sim/README.md.

    All frames have the same number of substeps, so that a trajectory does not depend on when frames change.
    """
    found = list(path.spans(grid.steps))
    framed = [in_frame(model, symplectic) for symplectic, model, _, _ in found]
    parts = max(substeps(each, grid.step) for each in framed)
    # The number of terms is chosen for a thermal state a quarter of a quantum above the expected one, and for the
    # initial state, which may be far from thermal.
    probes = [thermal(path.variances + 0.25, levels), start]
    frames = []
    for each, (symplectic, model, _, _) in zip(framed, found, strict=True):
        factors = step_factors(each, grid.step / parts)
        operator = exponential(factors.quadratic, levels)
        frames.append(
            frame_for(model, symplectic, grid.step, parts, factors, operator, basis, probes, follow=path.follow)
        )
    changes: list[ComplexArray | None] = [None]
    for before, after in pairwise(path.symplectics):
        same = np.array_equal(before, after)
        changes.append(None if same else metaplectic(np.linalg.solve(after, before), levels))
    return [
        Span(frame=frame, first=first, last=last, change=change)
        for frame, change, (_, _, first, last) in zip(frames, changes, found, strict=True)
    ]


def frame_for(
    model: LinearModel,
    symplectic: FloatArray,
    step: float,
    parts: int,
    factors: StepFactors,
    operator: ComplexArray,
    basis: Basis,
    probes: list[ComplexArray],
    *,
    follow: bool,
) -> Frame:
    """What the kernel needs for a step of ``step`` seconds in the frame 𝖲, cut into ``parts`` with these factors.

    Parameters
    ----------
    model : the model in quadratures x
    factors, operator : those of one part, and its 𝒢 between the kept levels
    probes : states (D, D) in which the series of exp(𝓙) must converge
    follow : whether x̄ follows the mean
    """
    modes = len(symplectic) // 2
    to_ladder = np.kron(np.eye(modes), LADDER)
    noise = clean(to_ladder.T @ factors.noise @ to_ladder.conj())
    equations = moment_equations(model)
    readout = equations.readout @ symplectic
    drift, drive, _, _ = _forecast(equations, step / parts)
    _, _, forecast, forecast_drive = _forecast(equations, step)
    displacement = -1j * to_ladder.T @ symplectic_form(modes)
    # A frame at rest does not move with a force: the state is displaced instead.
    held = np.asarray(0.0 * drive if follow else -np.linalg.solve(drift, drive), dtype=np.float64)
    return Frame(
        operator=operator,
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
    """Φ = e^{At} (d, d), the shift of x by a force (d,), F ∫₀ᵗ e^{As} ds (m, d), and the shift of Y by a force (m,)."""
    (m, d), drift = equations.readout.shape, equations.drift
    block = la.expm(np.block([[drift * time, np.eye(d)], [np.zeros((d, 2 * d))]]))
    both = np.block([[drift, np.zeros((d, m))], [equations.readout, np.zeros((m, m))]])
    moved = driven(both, np.concatenate([equations.drive, np.zeros(m)]), time)
    forecast = time * equations.readout @ block[:d, d:]
    return np.ascontiguousarray(block[:d, :d]), moved[:d].copy(), np.ascontiguousarray(forecast), moved[d:].copy()


def _terms(noise: ComplexArray, density: ComplexArray, basis: Basis) -> int:
    """The number of terms of exp(𝓙) that are needed in the state ``density``."""
    work = work_for(basis)
    term, whole = np.ascontiguousarray(density), 0.0
    for order in range(1, _MOST_TERMS + 1):
        jump(term, work.first, noise, basis, work.rows)
        term = work.first / order
        share = np.trace(term).real
        whole = whole or share
        if share <= _NEGLECTED * whole:
            return order - 1
    return _MOST_TERMS


def clean(coefficients: ComplexArray) -> ComplexArray:
    """``coefficients`` with 0 for what is rounding alone: each nonzero entry costs a pass over ρ."""
    return np.where(np.abs(coefficients) > 1e-13 * np.max(np.abs(coefficients)), coefficients, 0.0)
