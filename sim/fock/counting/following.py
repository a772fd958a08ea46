"""The frame and the levels of one trajectory, which follow its own state. Sections 6 and 7 of sim/README.md.

After a click the covariance is random, so no frame suits all trajectories. A state is carried over into the normal
modes of its own covariance when it has moved too far from them, and to as many levels as its populations fill.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import linalg as la
from scipy import sparse as sp

from cascade_steering.sim.fock.basis.exact_elements import unitary_elements
from cascade_steering.sim.fock.basis.gaussian_operators import thermal
from cascade_steering.sim.fock.basis.levels import LADDER, Levels, ladder_products, resize
from cascade_steering.sim.fock.basis.moments import expectations, moment_rows
from cascade_steering.sim.fock.basis.weyl_products import monomial_columns
from cascade_steering.sim.fock.counting.between_clicks import Counted
from cascade_steering.sim.fock.counting.nonlinear_motion import Motion, motion_of
from cascade_steering.sim.fock.moving.frame import in_frame
from cascade_steering.sim.fock.moving.kernel import Basis, Frame
from cascade_steering.sim.fock.moving.preparation import basis_of, clean, frame_for
from cascade_steering.sim.fock.moving.step_factors import StepFactors, step_factors, substeps
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = [
    "MOST_LEVELS",
    "Room",
    "StepOperators",
    "carried_over",
    "levels_needed",
    "misfit",
    "operators_of",
    "populations_in",
    "room_of",
    "rounded",
    "suiting_cutoffs",
]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
# The most levels of a single mode, and of each of several modes.
MOST_LEVELS = (80, 40)
_LEAST_LEVELS = 4
# Levels are chosen so that their number times the population of the two top levels and all above is at most this.
_CHOSEN_DEFECT = 2e-6
# The number of levels that are added before the frame changes, and how many may be there beyond those and the margin.
_ROOM_TO_TURN, _SPARE = 6, 2


class Room:
    """The kept levels of one choice of cutoffs, and the operators between them that no frame changes.

    Parameters
    ----------
    cutoffs : levels of each mode
    """

    def __init__(self, cutoffs: tuple[int, ...]) -> None:
        self.levels = Levels(cutoffs, triangular=True)
        self.basis: Basis = basis_of(self.levels)

    @property
    def cutoffs(self) -> tuple[int, ...]:
        """The levels of each mode."""
        return self.levels.cutoffs

    @cached_property
    def to_ladder(self) -> ComplexArray:
        """ξ = to_ladder·(a_0, a_0†, …), (d, d)."""
        return np.kron(np.eye(len(self.cutoffs)), LADDER)

    @cached_property
    def ladders(self) -> ComplexArray:
        """The ladder operators (a_0, a_0†, a_1, …), (d, D, D)."""
        return np.array([each.toarray() for each in self.levels.ladders()], dtype=complex)

    @cached_property
    def _products(self) -> sp.csr_array:
        """The products of two ladder operators, one column of row-stacked elements for each, (D², d²)."""
        found = [self.levels.restrict(each) for row in ladder_products(self.levels.cutoffs) for each in row]
        return sp.csr_array(sp.hstack([each.reshape((-1, 1)) for each in found]))

    @cached_property
    def monomials(self) -> sp.csr_array:
        """The monomials of second to fourth degree in the ladder operators, (D², monomials)."""
        return monomial_columns(self.levels)

    @cached_property
    def _moment_rows(self) -> sp.csr_array:
        return moment_rows(self.levels)

    def exponential(self, quadratic: ComplexArray) -> ComplexArray:
        """𝒢 = exp(½ ξᵀQξ) for a complex symmetric Q (d, d), (D, D)."""
        form = 0.5 * self.to_ladder.T @ quadratic @ self.to_ladder
        size = self.levels.size
        operator: ComplexArray = la.expm((self._products @ form.ravel()).reshape(size, size))
        return operator

    def moments(self, density: ComplexArray) -> tuple[FloatArray, FloatArray]:
        """Mean (d,) and covariance (d, d) of ξ in the state ρ (D, D), which is normalised."""
        values, d = expectations(self._moment_rows, density), 2 * len(self.cutoffs)
        mean, covariance = values[:d], np.empty((d, d))
        upper = np.triu_indices(d)
        covariance[upper] = covariance[upper[::-1]] = values[d:]
        return mean, covariance - np.outer(mean, mean)

    def populations(self, density: ComplexArray) -> list[FloatArray]:
        """The population of each level of each mode."""
        diagonal, numbers = np.diag(density).real, self.levels.numbers
        found = (np.bincount(numbers[:, k], diagonal, minlength=n) for k, n in enumerate(self.cutoffs))
        return [np.asarray(each, dtype=np.float64) for each in found]


def rounded(cutoffs: tuple[int, ...]) -> tuple[int, ...]:
    """The cutoffs rounded up to even numbers, so that a run takes few different rooms."""
    return tuple(n + n % 2 for n in cutoffs)


@lru_cache(maxsize=64)
def room_of(cutoffs: tuple[int, ...]) -> Room:
    """The room of these cutoffs, made once for each process."""
    return Room(cutoffs)


@dataclass(frozen=True, kw_only=True, eq=False)
class StepOperators:
    """What a step in one frame and on the levels of one room needs; ``motion`` is None for a linear model."""

    frame: Frame
    counted: Counted
    motion: Motion | None


def operators_of(
    model: LinearModel, symplectic: FloatArray, room: Room, step: float, density: ComplexArray, more_terms: int = 0
) -> StepOperators:
    """The operators of a step of ``step`` seconds in the frame 𝖲, for a state near ``density`` (D, D).

    ``more_terms`` are terms of exp(𝓙) beyond those needed.
    """
    motion = motion_of(model, symplectic, room.monomials) if model.nonlinear else None
    model = model.linear_part
    framed = in_frame(model, symplectic)
    parts = substeps(framed, step)
    factors = step_factors(framed, step / parts)
    _, covariance = room.moments(density)
    variances = 0.5 * np.diag(covariance).reshape(-1, 2).sum(axis=1)
    probes = [thermal(variances + 0.25, room.levels), density]
    frame = frame_for(
        model, symplectic, step, parts, factors, room.exponential(factors.quadratic), room.basis, probes, follow=True
    )
    frame = frame._replace(terms=frame.terms + more_terms)
    return StepOperators(frame=frame, counted=_counted(model, symplectic, factors, step), motion=motion)


def _counted(model: LinearModel, symplectic: FloatArray, factors: StepFactors, step: float) -> Counted:
    d = model.dimension
    to_ladder = np.kron(np.eye(d // 2), LADDER)
    rows = np.concatenate([np.sqrt(each.efficiency) * each.rows for each in model.counted] or [np.zeros((0, d))])
    inside = np.asarray(rows @ symplectic, dtype=np.complex128)
    noise = np.asarray(to_ladder.T @ (inside.T @ inside.conj()) @ to_ladder.conj(), dtype=np.complex128)
    pull = to_ladder.T @ factors.pull
    # The force is given in the frame as well, x̄ in x.
    return Counted(
        pull=np.ascontiguousarray(pull[:, :d] @ np.linalg.inv(symplectic)),
        pull_drive=np.ascontiguousarray(pull[:, d]),
        noise=clean(noise) if np.any(noise) else noise,
        rows=np.ascontiguousarray(inside, dtype=complex),
        at_rest=np.ascontiguousarray(rows, dtype=complex),
        amplitude=np.concatenate(
            [np.sqrt(each.efficiency) * each.amplitudes for each in model.counted] or [np.zeros(0, complex)]
        ),
        counter=np.repeat(np.arange(len(model.counted)), [len(each.rows) for each in model.counted]).astype(np.intp),
        dark=np.array([each.dark_rate for each in model.counted], dtype=float),
        duration=np.array([step]),
    )


def misfit(covariance: FloatArray) -> float:
    """How far V of ξ (d, d) is from equal variances in each mode without correlations; 0 in its normal modes."""
    variances = np.repeat(np.diag(covariance).reshape(-1, 2).mean(axis=1), 2)
    return float(np.max(np.abs(covariance - np.diag(variances)) / np.sqrt(np.outer(variances, variances))))


def levels_needed(populations: list[FloatArray], most_defect: float = _CHOSEN_DEFECT) -> tuple[int, ...]:
    """The fewest levels N of each mode with N P(n ≥ N − 2) below a bound; one more than there are if none suffice."""
    found = []
    for each in populations:
        above = np.cumsum(each[::-1])[::-1]
        levels = np.arange(2, len(each) + 1)
        enough = levels[levels * above[levels - 2] <= most_defect]
        found.append(max(int(enough[0]) if enough.size else len(each) + 1, _LEAST_LEVELS))
    return tuple(found)


def carried_over(
    density: ComplexArray, room: Room, change: FloatArray | None, cutoffs: tuple[int, ...]
) -> ComplexArray:
    """ρ on all levels below ``cutoffs``, in a frame whose quadratures are ``change`` (d, d) times ξ, or in the same.

    The elements are exact, so that its trace is the population of these levels. Section 6 of sim/README.md.
    """
    box = room.levels.to_box(density)
    if change is None:
        return resize(box, room.cutoffs, cutoffs)
    unitary = unitary_elements(change, np.zeros(len(change)), cutoffs, room.cutoffs)
    moved: ComplexArray = unitary @ box @ unitary.conj().T
    return moved


def populations_in(density: ComplexArray, room: Room, change: FloatArray | None) -> list[FloatArray]:
    """The population of each level of each mode of ρ of ``room``, in the frame to come as for ``carried_over``."""
    if change is None:
        return room.populations(density)
    wide = tuple(n + _ROOM_TO_TURN for n in room.cutoffs)
    box = np.diag(carried_over(density, room, change, wide)).real.reshape(wide)
    axes = range(len(wide))
    return [box.sum(axis=tuple(k for k in axes if k != mode)) for mode in axes]


def suiting_cutoffs(
    density: ComplexArray, room: Room, change: FloatArray | None, have: tuple[int, ...], margin: int
) -> tuple[int, ...]:
    """The levels of each mode that ρ of ``room`` fills in the frame to come, and ``margin`` more.

    ``change`` is as for ``carried_over``. In the same frame those that there are, ``have``, if these are about right.
    """
    needed = levels_needed(populations_in(density, room, change))
    if change is None and all(n <= h <= n + margin + _SPARE for n, h in zip(needed, have, strict=True)):
        return have
    return rounded(tuple(n + margin for n in needed))
