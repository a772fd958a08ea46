"""One trajectory with clicks as it advances, in a frame and on levels that follow its own state."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.controller import Acting, Controller
from cascade_steering.sim.fock.basis.diagnostics import UnphysicalStateError
from cascade_steering.sim.fock.basis.normal_modes import normal_modes
from cascade_steering.sim.fock.counting.between_clicks import (
    CLICK,
    FAILED,
    FULL,
    MISFIT,
    MOVE,
    advance_counted,
    click_rates,
    copy_state,
)
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
from cascade_steering.sim.fock.counting.one_click import MOST_DEFECT, MOST_MISFIT, Rules, after_click
from cascade_steering.sim.fock.moving.kernel import State, Work, measure
from cascade_steering.sim.fock.moving.preparation import work_for
from cascade_steering.sim.fock.observing.observer import Observer
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["CountedTrajectory"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
# The number of levels that are added when a step fills a mode, and beyond those needed, at first and at most.
_MORE, _MARGIN, _MOST_MARGIN = 2, 1, 8
# Beside polynomials: the population above the levels with which a frame is tried, and the misfit of the next attempt.
_MOST_LOST, _LATER = 1e-6, 1.5


def _like(state: State) -> State:
    """A state of the same shapes."""
    return State._make(np.empty_like(each) for each in state)


class CountedTrajectory:
    """One trajectory as it advances through the steps of a run, with its moments, its record and its clicks.

    Parameters
    ----------
    grid : times of the run
    rules : how frame and levels follow the state
    density, room, symplectic, origin : ρ (D, D) of ξ at the start, its levels, 𝖲 (d, d) and x̄ (d,)
    channels, counters : numbers of records and of counters
    label : the words by which messages refer to the trajectory
    observer : takes what ``Save`` asks for at each save
    stream : random numbers of the clicks, if these are not given
    control : the controller that moves x̄ at the end of each control interval by the homodyne records; None in an open
        loop

    Sections 7 and 9 of sim/README.md.
    """

    def __init__(
        self,
        *,
        grid: TimeGrid,
        rules: Rules,
        density: ComplexArray,
        room: Room,
        symplectic: FloatArray,
        origin: FloatArray,
        channels: int,
        counters: int,
        label: str,
        observer: Observer,
        stream: np.random.Generator | None,
        control: Controller | None = None,
    ) -> None:
        d = origin.size
        self.label, self.observer = label, observer
        self.means: list[FloatArray] = []
        self.covariances: list[FloatArray] = []
        self.record = np.zeros((grid.saves, channels))
        self.counts = np.zeros((grid.saves, counters))
        self.clicks: list[tuple[int, float]] = []
        self.displacement = np.zeros((grid.saves, d))
        self.frames, self.states = 1, room.levels.size
        self.min_eigenvalue = self.hermiticity = 0.0
        self._grid, self._rules, self._limits, self._stream = grid, rules, rules.limits, stream
        self._symplectic, self._room = symplectic, room
        self._model: LinearModel | None = None
        self._operators: StepOperators | None = None
        self._work: Work = work_for(room.basis)
        self._state = State(
            density=density.copy(),
            origin=origin.copy(),
            mean=np.zeros(d),
            covariance=np.zeros((d, d)),
            edges=np.zeros(d),
            worst_edges=np.zeros(d),
            worst_term=np.zeros(1),
        )
        self._before = _like(self._state)
        self._steps, self._margin = 0, _MARGIN + rules.more_levels
        self._clock = np.array([self._threshold(), 0.5 * grid.step, 0.0, 0.0, -1.0])
        self._log_rates = 0.0
        self._acting = None if control is None else Acting(control)
        self._interval = grid.steps_per_save if control is None else control.steps_of(grid)
        self._given = np.zeros(channels)

    def enter(self, model: LinearModel, operators: StepOperators | None = None) -> None:
        """Let ``model`` act from now on, with the operators of the state at hand if they are known.

        At the start of the run, also save the state.
        """
        self._model, self._operators = model, operators
        self._clock[4] = 0.0 if model.nonlinear else -1.0
        if operators is None:
            self._settle(self._state.density, self._room)
        else:
            measure(self._state, self._room.basis)
        if not self.means:
            self._save()

    def advance(self, path: FloatArray, given: Sequence[tuple[float, int]], *, measured: bool) -> None:
        """Advance along ``path`` (steps, channels) within one save interval, and save at its end.

        With a controller the path is within one control interval, at the end of which the controller acts. ``given``
        are the clicks to come in these steps, (steps from now, counter), in order, if the clicks are given.

        Raises UnphysicalStateError if the state is not finite or no number of levels holds it.
        """
        record, done = np.zeros_like(path), 0
        for place, counter in given:
            # In the first half of a step a click comes before the step, in the second half after it.
            boundary = int(np.floor(place + 0.5))
            self._run(path[done:boundary], record[done:boundary], measured=measured)
            self._click(counter, (self._steps + place - boundary) * self._grid.step)
            done = boundary
        self._run(path[done:], record[done:], measured=measured)
        save = (self._steps - 1) // self._grid.steps_per_save
        self.record[save] += record.sum(axis=0)
        if self._acting is not None:
            self._given += record.sum(axis=0)
            if self._steps % self._interval == 0:
                displaced = self._acting(self._given[:, None])[:, 0]
                # x̄ moves, and the state of ξ does not change
                self._state.origin[:] += displaced
                self.displacement[save] += displaced
                self._given[:] = 0.0
        if self._steps % self._grid.steps_per_save == 0:
            self._save()

    def close(self) -> "CountedTrajectory":
        """Compute the diagnostics of the last state."""
        density = self._state.density
        self.min_eigenvalue = float(np.linalg.eigvalsh(density)[0])
        self.hermiticity = float(np.max(np.abs(density - density.conj().T)))
        return self

    @property
    def expected_clicks(self) -> float:
        """∫ rate dt of all counters together, given the records and the clicks so far at each moment."""
        return float(self._clock[3])

    @property
    def click_log_likelihood(self) -> float:
        """Σ ln(rate of each click) − ∫ rate dt: of the clicks, each given all that was before it; nats, times in s."""
        return self._log_rates - float(self._clock[3])

    @property
    def cutoffs(self) -> tuple[int, ...]:
        """The levels of each mode at the end."""
        return self._room.cutoffs

    @property
    def edges(self) -> FloatArray:
        """The largest population of the edge of each mode so far, (modes,)."""
        return self._state.worst_edges[: len(self._room.cutoffs)]

    @property
    def defects(self) -> FloatArray:
        """The largest defect of the commutator of each mode so far, (modes,)."""
        return self._state.worst_edges[len(self._room.cutoffs) :]

    @property
    def remainder(self) -> float:
        """The largest contribution of the last term of exp(𝓙) to the trace so far."""
        return float(self._state.worst_term[0])

    def _run(self, path: FloatArray, record: FloatArray, *, measured: bool) -> None:
        done = 0
        while done < len(path):
            assert self._operators is not None
            taken, why = advance_counted(
                self._state,
                path[done:],
                record[done:],
                self._clock,
                measured,
                self._limits,
                self._operators.frame,
                self._operators.counted,
                self._room.basis,
                self._work,
                self._before,
            )
            done += taken
            self._steps += taken
            if why == FAILED:
                raise UnphysicalStateError(self._evidence("is not finite, or leaves its"))
            if why == CLICK:
                self._draw()
            elif why == MISFIT:
                self._settle(self._state.density, self._room)
            elif why == FULL:
                self._enlarge()
            elif why == MOVE:
                self._move()
                self._clock[4] += 1.0

    def _move(self) -> None:
        """Let the polynomials act for half a step, on as many levels as that takes."""
        while True:
            assert self._operators is not None
            assert self._operators.motion is not None
            copy_state(self._state, self._before)
            unitary, origin = self._operators.motion.unitary(self._state.origin, 0.5 * self._grid.step)
            self._state.density[:] = unitary @ self._state.density @ unitary.conj().T
            self._state.origin[:] = origin
            measure(self._state, self._room.basis)
            after = self._state.edges.copy()
            defect = np.max(after[len(self._room.cutoffs) :])
            left = not defect <= self._limits[2]
            if left and not self._limits[1] < self._limits[2]:
                raise UnphysicalStateError(self._evidence("is not finite, or leaves its"))
            if not left and defect <= self._limits[1]:
                return
            copy_state(self._before, self._state)
            self._before.edges[:] = after
            self._enlarge()

    def _threshold(self) -> float:
        return np.inf if self._stream is None else float(self._stream.exponential())

    def _draw(self) -> None:
        """The click at hand, of a counter drawn by the rates, and the hazard until the next one."""
        assert self._operators is not None
        assert self._stream is not None
        sums = np.cumsum(click_rates(self._state, self._operators.counted))
        counter = int(np.searchsorted(sums, self._stream.random() * sums[-1], side="right"))
        half = 0.5 * self._grid.step
        self._click(counter, self._steps * self._grid.step + half * (1.0 + 0.5 * self._clock[2]) - self._clock[1])
        self._clock[0] = self._threshold()

    def _click(self, counter: int, time: float) -> None:
        assert self._operators is not None
        assert self._model is not None
        own = self._operators.counted.counter == counter
        density, room, rate = after_click(
            self._state.density,
            self._room,
            self._operators.counted.rows[own],
            self._operators.counted.at_rest[own] @ self._state.origin + self._operators.counted.amplitude[own],
            self._model.counted[counter].dark_rate,
        )
        self._log_rates += float(np.log(rate))
        self.clicks.append((counter, time))
        self.counts[min(int(time / self._grid.save_interval), self._grid.saves - 1), counter] += 1.0
        self._settle(density, room)

    def _settle(self, density: ComplexArray, room: Room) -> None:
        """Take the state ρ of ``room`` over, in a frame and a room that suit it, with their operators."""
        covariance = room.moments(density)[1]
        change: FloatArray | None = None
        symplectic = self._symplectic
        if self._rules.turns and misfit(covariance) > MOST_MISFIT:
            symplectic = normal_modes(symplectic @ covariance @ symplectic.T, near=symplectic)
            if self._model is not None and self._model.nonlinear:
                symplectic = self._frugal(density, room, symplectic, misfit(covariance))
            if symplectic is not self._symplectic:
                change = np.asarray(np.linalg.solve(symplectic, self._symplectic), dtype=np.float64)
        have = self._room.cutoffs
        wanted = suiting_cutoffs(density, room, change, have, self._margin) if self._rules.grows else have
        if wanted != have:
            self._require(wanted)
        box = carried_over(density, room, change, wanted)
        fitting = room_of(wanted)
        kept = np.ascontiguousarray(fitting.levels.of_box(box, wanted))
        kept /= np.trace(kept).real
        self._place(kept, fitting, symplectic, changed=change is not None)

    def _frugal(self, density: ComplexArray, room: Room, modes: FloatArray, off: float) -> FloatArray:
        """The frame in which the state takes the fewest levels: its normal modes, 𝖲 = 1, or the present one, (d, d).

        Beside polynomials a state may be far from Gaussian, such as two coherent states apart: 𝖲 that squeezes it into
        its covariance then fills more levels. Where the present frame is the best the next attempt is made at a misfit
        that is ``_LATER`` times larger.
        """
        frames = [self._symplectic, modes, np.eye(len(modes))]
        counts = [int(np.prod(levels_needed(populations_in(density, room, None))))]
        for frame in frames[1:]:
            change = np.asarray(np.linalg.solve(frame, self._symplectic), dtype=np.float64)
            found = populations_in(density, room, change)
            # what is above these levels would need more of them
            held = all(1.0 - float(np.sum(each)) < _MOST_LOST for each in found)
            counts.append(int(np.prod(levels_needed(found))) if held else np.iinfo(np.int64).max)
        best = frames[int(np.argmin(counts))]
        self._limits[0] = _LATER * off if best is self._symplectic else MOST_MISFIT
        return best

    def _enlarge(self) -> None:
        """More levels for the modes that a step has filled, and from now on a wider margin."""
        defects = self._before.edges[len(self._room.cutoffs) :]
        full = ~(defects <= MOST_DEFECT)
        wanted = rounded(tuple(n + (_MORE if each else 0) for n, each in zip(self._room.cutoffs, full, strict=True)))
        self._require(wanted)
        self._margin = min(self._margin + 1, _MOST_MARGIN)
        fitting = room_of(wanted)
        box = carried_over(self._state.density, self._room, None, wanted)
        kept = np.ascontiguousarray(fitting.levels.of_box(box, wanted))
        self._place(kept, fitting, self._symplectic, changed=False)

    def _place(self, density: ComplexArray, room: Room, symplectic: FloatArray, *, changed: bool) -> None:
        """Put ρ in its place, with the operators of the frame 𝖲 and of the room."""
        if room is not self._room:
            self._work = work_for(room.basis)
            self._state = self._state._replace(density=density)
            self._before = _like(self._state)
        else:
            self._state.density[:] = density
        if self._operators is None or changed or room is not self._room:
            assert self._model is not None
            self._operators = operators_of(
                self._model, symplectic, room, self._grid.step, density, self._rules.more_terms
            )
            self.frames += 1
        self._symplectic, self._room = symplectic, room
        self.states = max(self.states, room.levels.size)
        measure(self._state, room.basis)

    def _require(self, cutoffs: tuple[int, ...]) -> None:
        """Raise UnphysicalStateError for more levels than there may be."""
        most = MOST_LEVELS[min(len(cutoffs), len(MOST_LEVELS)) - 1]
        if max(cutoffs) > most:
            raise UnphysicalStateError(self._evidence(f"needs more than {most} levels of a mode, and not"))

    def _save(self) -> None:
        self.means.append(self._state.origin + self._symplectic @ self._state.mean)
        self.covariances.append(self._symplectic @ self._state.covariance @ self._symplectic.T)
        self.observer.levels = self._room.levels
        self.observer.take(self._state.density, self._symplectic, self._state.origin)

    def _evidence(self, what: str) -> str:
        levels = " x ".join(map(str, self._room.cutoffs))
        return (
            f"the state {what} {levels} levels: {self.label}, step {self._steps + 1} "
            f"(t = {self._steps * self._grid.step:.6g} s, {len(self.clicks)} clicks so far): raise the cutoffs, "
            "shorten the step, or start from a state with fewer quanta given the record"
        )
