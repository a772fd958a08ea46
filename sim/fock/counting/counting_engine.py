"""Trajectories of a model with photon counters, beside homodyne detectors or alone.

Between clicks a state moves as in ``sim.fock.moving``, with other factors of a step; a click is ρ → LρL†. Frame and
levels follow each trajectory, because after a click its covariance is random. Sections 6 and 7 of sim/README.md.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.controller import Controller
from cascade_steering.sim.ensemble.discretisation import MORE_LEVELS, OWN_NOISE, Checked, Halved
from cascade_steering.sim.fock.basis.levels import Levels, check_cutoffs
from cascade_steering.sim.fock.basis.normal_modes import normal_modes, require_symplectic
from cascade_steering.sim.fock.basis.states import density_in_frame
from cascade_steering.sim.fock.counting.following import (
    MOST_LEVELS,
    levels_needed,
    operators_of,
    room_of,
    rounded,
)
from cascade_steering.sim.fock.counting.one_click import Rules
from cascade_steering.sim.fock.counting.prepared import OF_CLICKS, CountingEngine
from cascade_steering.sim.fock.counting.rates import suggested_counting_step
from cascade_steering.sim.fock.moving.cutoffs import suggested_cutoffs
from cascade_steering.sim.fock.moving.engine import MORE_TERMS, Fock, require_step_near
from cascade_steering.sim.fock.moving.frame import frame_path, require_frame
from cascade_steering.sim.fock.moving.populations import gaussian_populations
from cascade_steering.sim.gaussian.measured import ConditionalStates, Measured
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.noise import coarsen, generator
from cascade_steering.sim.parallel.linear_algebra import on_one_thread
from cascade_steering.sim.parameters import require_count

__all__ = ["FockCounting", "GivenClicks"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, kw_only=True, eq=False)
class GivenClicks:
    """A check of trajectories with clicks: the clicks of the engine are imposed on the finer one.

    They are imposed where they act in the coarse calculation, at the boundaries of its steps, so that the change is the
    error of a state given record and clicks, of first order. That clicks act there, and how much the step changes their
    probability, is left out: both are of second order on average. Section 7 of sim/README.md.

    Parameters
    ----------
    coarse, fine : the engine of the ensemble, and the finer one
    plain : the same check, but for the clicks
    """

    coarse: CountingEngine
    fine: CountingEngine
    plain: Halved

    def run(self, entropy: int, trajectory: int) -> Checked:
        """One trajectory on its own Wiener path and with clicks of its own, from the mean of the initial means."""
        path = self.plain.path(entropy, trajectory)
        before = self.coarse.run_path(coarsen(path, 2), generator(entropy, OF_CLICKS, OWN_NOISE, trajectory))
        if before.clicks is None:
            return self.plain.compared(before, self.fine.run_path(path, []))
        # before the end of the run, where a time would be outside; half of the finer step is still the same boundary
        latest = self.fine.grid.times[-1] - 0.25 * self.fine.grid.step
        acting = np.minimum(np.floor(before.clicks.time / self.coarse.grid.step + 0.5) * self.coarse.grid.step, latest)
        clicks = list(zip(acting.tolist(), before.clicks.counter.tolist(), strict=True))
        return self.plain.compared(before, self.fine.run_path(path, clicks))


@dataclass(frozen=True, kw_only=True, eq=False)
class FockCounting:
    """The stochastic master equation with photon counters, in a Fock basis that follows each state.

        model = cs.detect(component, cs.homodyne(), cs.Counter(ports=("field",), share=0.1))
        dataset = cs.simulate(model, cs.FockCounting(), grid, start, trajectories=100)

    Parameters
    ----------
    cutoffs : levels of each mode of the frame, at least 2; if left out, they follow the populations of each state
    frame : ``squeezed`` (𝖲 and x̄ follow the state), ``moving`` (𝖲 = 1, x̄ follows the mean), or a symplectic array
        (d, d) that is kept as 𝖲 while x̄ follows the mean
    block : number of trajectories in a block of work

    The strong order given clicks between steps is 1, the order of averages over records and clicks is 2, and ρ ≥ 0 at
    any step. Section 7 of sim/README.md.

    Raises ValueError if the block is below 1 or the frame is none of these.
    """

    cutoffs: tuple[int, ...] | None = None
    frame: str | FloatArray = "squeezed"
    block: int = 10

    strong_order = 1.0
    average_order = 2.0
    exact = False
    random_covariances = True
    counts = True
    nonlinear = True
    controllable = True

    def __post_init__(self) -> None:
        require_count(self.block, "block", low=1)
        require_frame(self.frame)
        if isinstance(self.frame, str) and self.frame == "rest":
            raise ValueError("frame must be squeezed, moving or a symplectic matrix where light is counted, got 'rest'")

    @property
    def identity(self) -> dict[str, Any]:
        """The name, the levels and the frame of the engine."""
        return {"engine": "fock-counting", "cutoffs": self.cutoffs, "frame": self.frame}

    def suggested_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> float:
        """The step in seconds from the rates in the frame and the rate of clicks."""
        return suggested_counting_step(self.frame, model, grid, initial)

    def require_step(self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState) -> None:
        """Raise ValueError if the step is more than ``LONGEST_STEP`` times the suggested one."""
        require_step_near(grid.step, self.suggested_step(model, grid, initial), "counting")

    def holds(self, initial: InitialState) -> bool:
        """Whether the state takes at most about 12 levels of each mode, in its own normal modes."""
        return Fock().holds(initial)

    def held(self, covariances: FloatArray) -> NDArray[np.bool_]:
        """Whether ``holds`` is true, for each of many covariances (n, d, d); array of shape (n,)."""
        return Fock().held(covariances)

    def check(
        self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState, control: Controller | None = None
    ) -> GivenClicks:
        """A check with half the step, two more levels of each mode and two more terms of exp(𝓙), on the same clicks.

        Section 7 of sim/README.md.
        """
        with on_one_thread():
            coarse, halved = self._prepared(model, grid, initial, control), grid.halved
            levels = None if self.cutoffs is None else tuple(each + MORE_LEVELS for each in self.cutoffs)
            larger = replace(self, cutoffs=levels)
            fine = larger._prepared(model, halved, initial, control, more_levels=MORE_LEVELS, more_terms=MORE_TERMS)
            plain = Halved.of(coarse, fine, model=model, halved=halved, initial=initial, control=control)
            return GivenClicks(coarse=coarse, fine=fine, plain=plain)

    def prepare(
        self, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState, control: Controller | None = None
    ) -> CountingEngine:
        """The engine for one problem, after all checks; it can be pickled.

        With ``control`` x̄ is displaced after each control interval, by the homodyne records.

        Raises ValueError if cutoffs, frame, model, initial state and controller do not fit together, if a switch falls
        within a step, and if the expected state fills more levels than there may be.
        """
        # The last bits of a matrix product depend on the number of threads.
        with on_one_thread():
            return self._prepared(model, grid, initial, control)

    def filter(self, measured: Measured, jobs: int = 1) -> ConditionalStates:
        """The conditional states given records and clicks, see ``sim.fock.moving.record_filter.filter_in_fock``.

        Section 7 of sim/README.md. Raises ValueError also for a record without its clicks, unless the model has no
        counters but polynomials, which no other engine filters.
        """
        from cascade_steering.sim.fock.moving.record_filter import filter_in_fock

        if measured.clicks is None and not (measured.model.nonlinear and not measured.model.counter_names):
            raise ValueError("the engine 'fock-counting' filters records with their clicks, and this one has none")
        return filter_in_fock(self, measured, jobs)

    def _prepared(
        self,
        model: LinearModel | Schedule,
        grid: TimeGrid,
        initial: InitialState,
        control: Controller | None,
        *,
        more_levels: int = 0,
        more_terms: int = 0,
    ) -> CountingEngine:
        initial.require_dimension(model.dimension)
        if control is not None:
            control.require(model.dimension, len(model.record_names))
            control.steps_of(grid)
        if self.cutoffs is not None:
            check_cutoffs(self.cutoffs, model.modes)
        elif not model.nonlinear:
            # Raises ValueError where no number of levels would do.
            suggested_cutoffs(frame_path(self.frame, model, grid, initial), model, grid, initial)
        symplectic = _first_frame(self.frame, initial)
        cutoffs = self.cutoffs or rounded(_first_cutoffs(initial, symplectic))
        room = room_of(cutoffs)
        density = density_in_frame(initial, symplectic, room.levels)
        return CountingEngine(
            pieces=tuple(Schedule.of(model).steps(grid.step, grid.steps)),
            rules=Rules(
                turns=isinstance(self.frame, str) and self.frame == "squeezed",
                grows=self.cutoffs is None,
                more_levels=more_levels,
                more_terms=more_terms,
            ),
            cutoffs=cutoffs,
            first=operators_of(Schedule.of(model).models[0], symplectic, room, grid.step, density, more_terms),
            density=density,
            symplectic=symplectic,
            origin=initial.center - symplectic @ room.moments(density)[0],
            scatter_factor=initial.scatter_root.T,
            grid=grid,
            modes=model.modes,
            control=control,
        )


def _first_frame(kind: str | FloatArray, initial: InitialState) -> FloatArray:
    """𝖲 at the start, (d, d)."""
    d = len(initial.covariance)
    if not isinstance(kind, str):
        fixed = np.asarray(kind, dtype=float)
        require_symplectic(fixed, d)
        return fixed
    return normal_modes(initial.covariance) if kind == "squeezed" else np.eye(d)


def _first_cutoffs(initial: InitialState, symplectic: FloatArray) -> tuple[int, ...]:
    """The levels of each mode that the initial state fills. Raises ValueError if there are too many."""
    modes = len(symplectic) // 2
    most = MOST_LEVELS[min(modes, len(MOST_LEVELS)) - 1]
    if initial.gaussian:
        inverse = np.linalg.inv(symplectic)
        spread = inverse @ initial.covariance @ inverse.T
        found = [gaussian_populations(spread[2 * k : 2 * k + 2, 2 * k : 2 * k + 2]) for k in range(modes)]
        needed = levels_needed(found)
    else:
        box = (most,) * modes
        density = density_in_frame(initial, symplectic, Levels(box, triangular=False))
        diagonal, axes = np.diag(density).real.reshape(box), range(modes)
        found = [diagonal.sum(axis=tuple(k for k in axes if k != mode)) for mode in axes]
        needed = levels_needed(found)
    if max(needed) > most:
        raise ValueError(f"the initial state {initial.name} needs more than {most} levels of a mode in its frame")
    return needed
