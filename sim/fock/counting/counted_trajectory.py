"""One trajectory with clicks as it advances, in a frame and on levels that follow its own state."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.controller import Acting, Controller
from cascade_steering.sim.fock.basis.diagnostics import UnphysicalStateError
from cascade_steering.sim.fock.counting.between_clicks import (
    CLICK,
    FAILED,
    FULL,
    MISFIT,
    MOVE,
    advance_counted,
    click_rates,
)
from cascade_steering.sim.fock.counting.followed_state import FollowedState
from cascade_steering.sim.fock.counting.following import Room, StepOperators
from cascade_steering.sim.fock.counting.one_click import Rules, after_click
from cascade_steering.sim.fock.observing.observer import Observer
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["CountedTrajectory"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


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
        self.min_eigenvalue = self.hermiticity = 0.0
        self._grid, self._stream = grid, stream
        self._held = FollowedState(
            rules=rules, density=density, room=room, symplectic=symplectic, origin=origin, step=grid.step,
            evidence=self._evidence,
        )  # fmt: skip
        self._steps = 0
        self._clock = np.array([self._threshold(), 0.5 * grid.step, 0.0, 0.0, -1.0])
        self._log_rates = 0.0
        self._acting = None if control is None else Acting(control)
        self._interval = grid.steps_per_save if control is None else control.steps_of(grid)
        self._given = np.zeros(channels)

    def enter(self, model: LinearModel, operators: StepOperators | None = None) -> None:
        """Let ``model`` act from now on, with the operators of the state at hand if they are known.

        At the start of the run, also save the state.
        """
        self._clock[4] = 0.0 if model.nonlinear else -1.0
        self._held.enter(model, operators)
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
                self._held.state.origin[:] += displaced
                self.displacement[save] += displaced
                self._given[:] = 0.0
        if self._steps % self._grid.steps_per_save == 0:
            self._save()

    def close(self) -> "CountedTrajectory":
        """Compute the diagnostics of the last state."""
        density = self._held.state.density
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
    def frames(self) -> int:
        """The number of frames and choices of levels so far."""
        return self._held.frames

    @property
    def states(self) -> int:
        """The largest number of levels so far."""
        return self._held.states

    @property
    def cutoffs(self) -> tuple[int, ...]:
        """The levels of each mode at the end."""
        return self._held.room.cutoffs

    @property
    def edges(self) -> FloatArray:
        """The largest population of the edge of each mode so far, (modes,)."""
        return self._held.state.worst_edges[: len(self._held.room.cutoffs)]

    @property
    def defects(self) -> FloatArray:
        """The largest defect of the commutator of each mode so far, (modes,)."""
        return self._held.state.worst_edges[len(self._held.room.cutoffs) :]

    @property
    def remainder(self) -> float:
        """The largest contribution of the last term of exp(𝓙) to the trace so far."""
        return float(self._held.state.worst_term[0])

    def _run(self, path: FloatArray, record: FloatArray, *, measured: bool) -> None:
        done = 0
        while done < len(path):
            assert self._held.operators is not None
            taken, why = advance_counted(
                self._held.state,
                path[done:],
                record[done:],
                self._clock,
                measured,
                self._held.limits,
                self._held.operators.frame,
                self._held.operators.counted,
                self._held.room.basis,
                self._held.work,
                self._held.before,
            )
            done += taken
            self._steps += taken
            if why == FAILED:
                raise UnphysicalStateError(self._evidence("is not finite, or leaves its"))
            if why == CLICK:
                self._draw()
            elif why == MISFIT:
                self._held.settle(self._held.state.density, self._held.room)
            elif why == FULL:
                self._held.enlarge()
            elif why == MOVE:
                self._held.move()
                self._clock[4] += 1.0

    def _threshold(self) -> float:
        return np.inf if self._stream is None else float(self._stream.exponential())

    def _draw(self) -> None:
        """The click at hand, of a counter drawn by the rates, and the hazard until the next one."""
        assert self._held.operators is not None
        assert self._stream is not None
        sums = np.cumsum(click_rates(self._held.state, self._held.operators.counted))
        counter = int(np.searchsorted(sums, self._stream.random() * sums[-1], side="right"))
        half = 0.5 * self._grid.step
        self._click(counter, self._steps * self._grid.step + half * (1.0 + 0.5 * self._clock[2]) - self._clock[1])
        self._clock[0] = self._threshold()

    def _click(self, counter: int, time: float) -> None:
        held = self._held
        assert held.operators is not None
        assert held.model is not None
        counted = held.operators.counted
        own = counted.counter == counter
        density, room, rate = after_click(
            held.state.density,
            held.room,
            counted.rows[own],
            counted.at_rest[own] @ held.state.origin + counted.amplitude[own],
            held.model.counted[counter].dark_rate,
        )
        self._log_rates += float(np.log(rate))
        self.clicks.append((counter, time))
        self.counts[min(int(time / self._grid.save_interval), self._grid.saves - 1), counter] += 1.0
        self._held.settle(density, room)

    def _save(self) -> None:
        self.means.append(self._held.state.origin + self._held.symplectic @ self._held.state.mean)
        self.covariances.append(self._held.symplectic @ self._held.state.covariance @ self._held.symplectic.T)
        self.observer.levels = self._held.room.levels
        self.observer.take(self._held.state.density, self._held.symplectic, self._held.state.origin)

    def _evidence(self, what: str) -> str:
        levels = " x ".join(map(str, self._held.room.cutoffs))
        return (
            f"the state {what} {levels} levels: {self.label}, step {self._steps + 1} "
            f"(t = {self._steps * self._grid.step:.6g} s, {len(self.clicks)} clicks so far): raise the cutoffs, "
            "shorten the step, or start from a state with fewer quanta given the record"
        )
