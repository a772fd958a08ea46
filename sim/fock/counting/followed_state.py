"""A state, the frame and the levels in which it is held, and what changes both. Sections 6 and 7 of sim/README.md."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.diagnostics import UnphysicalStateError
from cascade_steering.sim.fock.basis.normal_modes import normal_modes
from cascade_steering.sim.fock.counting.between_clicks import copy_state
from cascade_steering.sim.fock.counting.following import (
    MOST_LEVELS,
    Room,
    StepOperators,
    carried_over,
    levels_needed,
    misfit,
    operators_of,
    populations_in,
    room_of,
    rounded,
    suiting_cutoffs,
)
from cascade_steering.sim.fock.counting.one_click import MOST_DEFECT, MOST_MISFIT, Rules
from cascade_steering.sim.fock.moving.kernel import State, Work, measure
from cascade_steering.sim.fock.moving.preparation import work_for
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["FollowedState"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# The number of levels that are added when a step fills a mode, and beyond those needed, at first and at most.
_MORE, _MARGIN, _MOST_MARGIN = 2, 1, 8
# Beside polynomials: the population above the levels with which a frame is tried, and the misfit of the next attempt.
_MOST_LOST, _LATER = 1e-6, 1.5


def _like(state: State) -> State:
    """A state of the same shapes."""
    return State._make(np.empty_like(each) for each in state)


class FollowedState:
    """A state in its frame and on its levels, which follow it, with the operators of a step.

    Sections 6 and 7 of sim/README.md.

    Parameters
    ----------
    rules : how frame and levels follow the state
    density, room, symplectic, origin : ρ (D, D) of ξ at the start, its levels, 𝖲 (d, d) and x̄ (d,)
    step : length of a step, seconds
    evidence : the message about a state of which the argument is said
    """

    def __init__(
        self,
        *,
        rules: Rules,
        density: ComplexArray,
        room: Room,
        symplectic: FloatArray,
        origin: FloatArray,
        step: float,
        evidence: Callable[[str], str],
    ) -> None:
        d = origin.size
        self.symplectic, self.room, self.limits = symplectic, room, rules.limits
        self.model: LinearModel | None = None
        self.operators: StepOperators | None = None
        self.work: Work = work_for(room.basis)
        self.state = State(
            density=density.copy(),
            origin=origin.copy(),
            mean=np.zeros(d),
            covariance=np.zeros((d, d)),
            edges=np.zeros(d),
            worst_edges=np.zeros(d),
            worst_term=np.zeros(1),
        )
        # before a step, which may have to be repeated
        self.before = _like(self.state)
        self.frames, self.states = 1, room.levels.size
        self._rules, self._step, self._evidence = rules, step, evidence
        self._margin = _MARGIN + rules.more_levels

    def enter(self, model: LinearModel, operators: StepOperators | None) -> None:
        """Let ``model`` act from now on, with the operators of the state at hand if they are known."""
        self.model, self.operators = model, operators
        if operators is None:
            self.settle(self.state.density, self.room)
        else:
            measure(self.state, self.room.basis)

    def settle(self, density: ComplexArray, room: Room) -> None:
        """Take the state ρ of ``room`` over, in a frame and a room that suit it, with their operators."""
        covariance = room.moments(density)[1]
        change: FloatArray | None = None
        symplectic = self.symplectic
        if self._rules.turns and misfit(covariance) > MOST_MISFIT:
            symplectic = normal_modes(symplectic @ covariance @ symplectic.T, near=symplectic)
            if self.model is not None and self.model.nonlinear:
                symplectic = self._frugal(density, room, symplectic, misfit(covariance))
            if symplectic is not self.symplectic:
                change = np.asarray(np.linalg.solve(symplectic, self.symplectic), dtype=np.float64)
        have = self.room.cutoffs
        wanted = suiting_cutoffs(density, room, change, have, self._margin) if self._rules.grows else have
        if wanted != have:
            self._require(wanted)
        box = carried_over(density, room, change, wanted)
        fitting = room_of(wanted)
        kept = np.ascontiguousarray(fitting.levels.of_box(box, wanted))
        kept /= np.trace(kept).real
        self._place(kept, fitting, symplectic, changed=change is not None)

    def enlarge(self) -> None:
        """More levels for the modes that a step has filled, and from now on a wider margin."""
        defects = self.before.edges[len(self.room.cutoffs) :]
        full = ~(defects <= MOST_DEFECT)
        wanted = rounded(tuple(n + (_MORE if each else 0) for n, each in zip(self.room.cutoffs, full, strict=True)))
        self._require(wanted)
        self._margin = min(self._margin + 1, _MOST_MARGIN)
        fitting = room_of(wanted)
        box = carried_over(self.state.density, self.room, None, wanted)
        kept = np.ascontiguousarray(fitting.levels.of_box(box, wanted))
        self._place(kept, fitting, self.symplectic, changed=False)

    def move(self) -> None:
        """Let the polynomials act for half a step, on as many levels as that takes."""
        while True:
            assert self.operators is not None
            assert self.operators.motion is not None
            copy_state(self.state, self.before)
            unitary, origin = self.operators.motion.unitary(self.state.origin, 0.5 * self._step)
            self.state.density[:] = unitary @ self.state.density @ unitary.conj().T
            self.state.origin[:] = origin
            measure(self.state, self.room.basis)
            after = self.state.edges.copy()
            defect = np.max(after[len(self.room.cutoffs) :])
            left = not defect <= self.limits[2]
            if left and not self.limits[1] < self.limits[2]:
                raise UnphysicalStateError(self._evidence("is not finite, or leaves its"))
            if not left and defect <= self.limits[1]:
                return
            copy_state(self.before, self.state)
            self.before.edges[:] = after
            self.enlarge()

    def _frugal(self, density: ComplexArray, room: Room, modes: FloatArray, off: float) -> FloatArray:
        """The frame in which the state takes the fewest levels: its normal modes, 𝖲 = 1, or the present one, (d, d).

        Beside polynomials a state may be far from Gaussian, such as two coherent states apart: 𝖲 that squeezes it into
        its covariance then fills more levels. Where the present frame is the best the next attempt is made at a misfit
        that is ``_LATER`` times larger.
        """
        frames = [self.symplectic, modes, np.eye(len(modes))]
        counts = [int(np.prod(levels_needed(populations_in(density, room, None))))]
        for frame in frames[1:]:
            change = np.asarray(np.linalg.solve(frame, self.symplectic), dtype=np.float64)
            found = populations_in(density, room, change)
            # what is above these levels would need more of them
            held = all(1.0 - float(np.sum(each)) < _MOST_LOST for each in found)
            counts.append(int(np.prod(levels_needed(found))) if held else np.iinfo(np.int64).max)
        best = frames[int(np.argmin(counts))]
        self.limits[0] = _LATER * off if best is self.symplectic else MOST_MISFIT
        return best

    def _place(self, density: ComplexArray, room: Room, symplectic: FloatArray, *, changed: bool) -> None:
        """Put ρ in its place, with the operators of the frame 𝖲 and of the room."""
        if room is not self.room:
            self.work = work_for(room.basis)
            self.state = self.state._replace(density=density)
            self.before = _like(self.state)
        else:
            self.state.density[:] = density
        if self.operators is None or changed or room is not self.room:
            assert self.model is not None
            self.operators = operators_of(self.model, symplectic, room, self._step, density, self._rules.more_terms)
            self.frames += 1
        self.symplectic, self.room = symplectic, room
        self.states = max(self.states, room.levels.size)
        measure(self.state, room.basis)

    def _require(self, cutoffs: tuple[int, ...]) -> None:
        """Raise UnphysicalStateError for more levels than there may be."""
        most = MOST_LEVELS[min(len(cutoffs), len(MOST_LEVELS)) - 1]
        if max(cutoffs) > most:
            raise UnphysicalStateError(self._evidence(f"needs more than {most} levels of a mode, and not"))
