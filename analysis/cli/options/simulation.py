"""The options of ``simulate``, and the ensemble they describe."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.options import engines, physics, readers, work
from cascade_steering.analysis.cli.options.engines import EngineOptions
from cascade_steering.analysis.cli.options.kinds import DURATION, INITIAL, Text, options
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.parameters import require_count

if TYPE_CHECKING:
    # with these comes xarray, which takes a second, and every command imports this
    from cascade_steering.analysis.estimation.sampling import Problem
    from cascade_steering.sim.ensemble.local_measurements import Verification
    from cascade_steering.sim.grid import TimeGrid
    from cascade_steering.sim.model.linear_model import LinearModel
    from cascade_steering.sim.model.schedule import Schedule
    from cascade_steering.sim.outputs.saving import Save

# the moments at each save take 2 kB in the dataset, and a few times as much while they are computed
_MOST_SAVES = 100_000
# the noise of a trajectory takes 16 bytes for each step
_MOST_STEPS = 10_000_000
# saves of all trajectories of a block together: 2 GB
_MOST_SAVED = 20_000_000

# the words of --save
WORDS = ("covariances", "purity", "quanta", "states", "final-states")


def words(text: str) -> tuple[str, ...]:
    """The words of a list separated by commas, in the order of ``WORDS``. Raises ValueError for any other."""
    given = {each.strip() for each in text.split(",")}
    if not given <= set(WORDS):
        raise ValueError(f"save must be some of {', '.join(WORDS)}, separated by commas, got {text!r}")
    if {"states", "final-states"} <= given:
        raise ValueError("save takes states or final-states, and not both")
    return tuple(each for each in WORDS if each in given)


SAVE = click.option(
    "--save", type=Text("save", words), default=None, metavar="WHAT,...", show_default="nothing more",
    help="Into the dataset: purity and quanta (the number of them in each oscillator), averaged and of each trajectory "
    "kept; covariances, and states or final-states (density matrices at all saves or at the end), of each trajectory "
    "kept.",
)  # fmt: skip
START = click.option(
    "--initial", type=INITIAL, default=None, help=f"State at t = 0: {readers.STATES}.",
    show_default=engines.by_engine(engines.SIMULATE, lambda entry: entry.initial),
)  # fmt: skip
ENSEMBLE = options(
    click.option("--trajectories", type=work.TRAJECTORY_COUNT, default=1000, show_default=True,
                 help="Number of trajectories; with --target the largest number."),
    click.option("--duration", type=DURATION, default="5", show_default=True),
    physics.PULSE,
    physics.MOST_QUANTA,
    click.option("--saves", type=click.IntRange(max=_MOST_SAVES), default=20, show_default=True,
                 help="Save intervals."),
    click.option("--dt", type=DURATION, default=None, show_default="by the engine",
                 help="Step; must divide the save interval."),
)  # fmt: skip
KEPT = options(
    click.option("--keep", type=click.INT, default=0, show_default=True,
                 help="Trajectories whose means and records go into the dataset."),
    SAVE,
)  # fmt: skip
VERIFY = click.option(
    "--verify", is_flag=True,
    help="Measure X or P of each oscillator at the end of each run, and estimate E from the outcomes.",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SimulationOptions:
    """The options of an ensemble.

    Parameters
    ----------
    initial : state at t = 0, None for that of the engine
    trajectories, seed : of the ensemble
    duration, saves, dt : of the grid; the engine suggests a step that is left out
    pulse : time for which the light is on; None if always
    keep : trajectories whose means and records are kept
    save : what else is kept, of ``WORDS``; None for nothing
    verify : whether each run ends with local measurements
    most_quanta : bound on the quanta of each oscillator; None for as many as keep their digits
    """

    initial: readers.Start | None
    trajectories: int
    duration: readers.Duration
    pulse: readers.Duration | None
    saves: int
    dt: readers.Duration | None
    keep: int
    save: tuple[str, ...] | None
    verify: bool
    seed: int
    most_quanta: float | None = None

    def start(self, engine: EngineOptions) -> readers.Start:
        """The state at t = 0 that was given, or the default of the engine."""
        return self.initial or readers.start(engine.entry.initial)


@dataclass(frozen=True, kw_only=True, eq=False)
class Simulation:
    """An ensemble to be sampled, and the ``verification`` that ends its runs if there is one."""

    problem: "Problem"
    verification: "Verification | None"

    @property
    def least(self) -> int:
        """The smallest number of trajectories from which E can be estimated."""
        from cascade_steering.analysis.verification.inference import FEWEST_RUNS

        # a single trajectory has no scatter
        return 2 if self.verification is None else FEWEST_RUNS * len(self.verification.settings)


def simulation(point: WorkingPoint, engine: EngineOptions, asked: SimulationOptions) -> Simulation:
    """The ensemble that options describe. Raises ValueError, before any work, if it is impossible."""
    from cascade_steering.analysis.estimation.sampling import Problem
    from cascade_steering.analysis.time_courses.growth_limit import require_quanta
    from cascade_steering.sim.ensemble.local_measurements import Verification
    from cascade_steering.sim.ensemble.simulate import grid_for

    cascade, model = point.cascade, physics.schedule(point, asked.pulse)
    require_count(asked.trajectories, "trajectories", low=2)  # a single trajectory has no scatter
    initial = physics.initial_state(asked.start(engine), cascade, model)
    duration = asked.duration.of(cascade)
    require_quanta(model, initial, duration, unit=cascade.time_unit, most_quanta=asked.most_quanta, sampled=True)
    method = engine.method()
    step = None if asked.dt is None else asked.dt.of(cascade)
    grid = grid_for(method, model, initial, duration, saves=asked.saves, step=step)
    _require_modest(grid, min(method.block, asked.trajectories), in_steps=not method.exact)
    method.require_step(model, grid, initial)
    save = selection(asked.save, model)
    save.require(model.dimension, asked.keep)
    verification = Verification.of(model, grid, initial) if asked.verify else None
    problem = Problem(
        model=model, method=method, grid=grid, initial=initial, trajectories=asked.trajectories, seed=asked.seed,
        keep=asked.keep, save=save, experiment=verification,
    )  # fmt: skip
    return Simulation(problem=problem, verification=verification)


def _require_modest(grid: "TimeGrid", together: int, *, in_steps: bool) -> None:
    """Raise ValueError if the ``together`` trajectories of a block need more memory than there is."""
    if in_steps and grid.steps > _MOST_STEPS:
        raise ValueError(
            f"a trajectory can have at most {_MOST_STEPS} steps, got {grid.steps} of {grid.step:.4g} s: shorten the "
            "duration or lengthen the step"
        )
    if together * grid.saves > _MOST_SAVED:
        raise ValueError(
            f"the trajectories of a block can have at most {_MOST_SAVED} saves together, got {together} times "
            f"{grid.saves}: take fewer saves"
        )


def selection(chosen: tuple[str, ...] | None, model: "LinearModel | Schedule") -> "Save":
    """The selection of ``sim.ensemble.simulate.simulate`` for the words of --save."""
    from cascade_steering.sim.conventions import mode_names
    from cascade_steering.sim.outputs.observables import quanta
    from cascade_steering.sim.outputs.saving import NOTHING, Save

    if chosen is None:
        return NOTHING
    names = model.modes or mode_names(model.dimension // 2)
    observables = {f"quanta_{name}": quanta(mode, len(names)) for mode, name in enumerate(names)}
    return Save(
        covariances="covariances" in chosen,
        purity="purity" in chosen,
        observables=observables if "quanta" in chosen else {},
        states="saves" if "states" in chosen else "end" if "final-states" in chosen else "none",
    )
