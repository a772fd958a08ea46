"""The options of ``simulate``, and the ensemble they describe."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.options import engines, physics, readers, work
from cascade_steering.analysis.cli.options.engines import EngineOptions
from cascade_steering.analysis.cli.options.kinds import DURATION, INITIAL, Text, options
from cascade_steering.analysis.cli.options.simulated.counting import CountOptions
from cascade_steering.analysis.cli.options.simulated.kerr import KerrOptions
from cascade_steering.analysis.cli.options.simulated.loops import FeedbackOptions
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.parameters import require_count

if TYPE_CHECKING:
    # with these comes xarray, which takes a second, and every command imports this
    from cascade_steering.analysis.closed_loop.simulated_loop import SimulatedLoop
    from cascade_steering.analysis.estimation.sampled_moments import Ensemble
    from cascade_steering.analysis.estimation.sampling import Problem
    from cascade_steering.analysis.estimation.stopping import Estimates
    from cascade_steering.analysis.verification.heralded_outcomes import HeraldedVerification
    from cascade_steering.sim.ensemble.contract import Method
    from cascade_steering.sim.ensemble.local_measurements import Verification
    from cascade_steering.sim.grid import TimeGrid
    from cascade_steering.sim.initial_state import InitialState
    from cascade_steering.sim.model.counters import Counter
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
    "--initial", type=INITIAL, default=None,
    help=f"State at t = 0: {readers.STATES}; if left out with --feedback or --count, conditional.",
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
VERIFY = options(
    click.option(
        "--verify", is_flag=True,
        help="Measure X or P of each oscillator at the end of each run, and estimate E from the outcomes; with --count "
        "of the runs that a click at the end selects, and with criteria that see more than E.",
    ),
    click.option(
        "--count-nulled", is_flag=True,
        help="With --count and --verify: displace the light in front of the counter at the end of each run, so that "
        "what the record says of its mean is 0.",
    ),
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
    count_nulled : whether the light in front of the counter is then displaced to a mean of 0
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
    count_nulled: bool = False
    most_quanta: float | None = None

    def start(self, engine: EngineOptions) -> readers.Start:
        """The state at t = 0 that was given, or the default of the engine."""
        return self.initial or readers.start(engine.entry.initial)


@dataclass(frozen=True, kw_only=True, eq=False)
class Simulation:
    """An ensemble to be sampled, and the ``verification`` that ends its runs if there is one.

    ``loop`` is the closed loop, if it is closed; ``after_click`` measures the runs that a click at their end selects.
    """

    problem: "Problem"
    verification: "Verification | None"
    loop: "SimulatedLoop | None" = None
    after_click: "HeraldedVerification | None" = None

    @property
    def least(self) -> int:
        """The smallest number of trajectories from which E can be estimated."""
        from cascade_steering.analysis.verification.inference import FEWEST_RUNS

        # a single trajectory has no scatter
        return 2 if self.verification is None else FEWEST_RUNS * len(self.verification.settings)

    @property
    def fewest_to_stop(self) -> int:
        """The smallest number at which sampling may stop: every setting of a verification is an ensemble of its own."""
        from cascade_steering.analysis.estimation.sampling import FEWEST_TO_STOP

        return FEWEST_TO_STOP * (1 if self.verification is None else len(self.verification.settings))

    def watched(self, ensemble: "Ensemble") -> "Estimates":
        """E and d that a target watches: those of the laboratory with a verification, else those of the ensemble."""
        from cascade_steering.analysis.estimation.estimators import Steering
        from cascade_steering.analysis.verification.inference import verify

        return Steering.of(ensemble) if self.verification is None else verify(ensemble.tallies, self.verification)


def simulation(
    point: WorkingPoint,
    engine: EngineOptions,
    asked: SimulationOptions,
    loop: FeedbackOptions,
    count: CountOptions,
    kerr: KerrOptions,
) -> Simulation:
    """The ensemble that options describe. Raises ValueError, before any work, if it is impossible."""
    from cascade_steering.analysis.time_courses.growth_limit import require_quanta
    from cascade_steering.sim.ensemble.simulate import grid_for

    counter = count.counter(point)
    if asked.count_nulled and (counter is None or not asked.verify):
        raise ValueError("--count-nulled has no meaning without --count and --verify: it is of the click at the end")
    if counter is not None and asked.verify and asked.pulse is not None:
        raise ValueError("a verification after a click needs light that is always on: leave out --pulse or --verify")
    if kerr.polynomials:
        _require_open(asked, loop, kerr)
        method = engine.nonlinear_method(kerr.named) if counter is None else engine.counting_method()
    else:
        method = engine.method() if counter is None else engine.counting_method()
    if loop.feedback is not None:
        return _in_closed_loop(point, method, asked, loop, counter)
    cascade, model = point.cascade, physics.schedule(point, asked.pulse, counter)
    require_count(asked.trajectories, "trajectories", low=2)  # a single trajectory has no scatter
    start = asked.start(engine) if counter is None else asked.initial or readers.start("conditional")
    initial = physics.initial_state(start, cascade, model)
    duration = asked.duration.of(cascade)
    require_quanta(model, initial, duration, unit=cascade.time_unit, most_quanta=asked.most_quanta, sampled=True)
    step = None if asked.dt is None else asked.dt.of(cascade)
    # start and quanta are those of the linear part
    model = kerr.added(model)
    grid = grid_for(method, model, initial, duration, saves=asked.saves, step=step)
    if counter is None:
        return _ensemble(asked, model, method, grid, initial)
    found = _ensemble(replace(asked, verify=False), model, method, grid, initial)
    return _with_measurements(found, point, counter, nulled=asked.count_nulled) if asked.verify else found


def _require_open(asked: SimulationOptions, loop: FeedbackOptions, kerr: KerrOptions) -> None:
    """Raise ValueError for what takes Gaussian states or an exact filter, beside oscillators that are not linear."""
    if loop.feedback is not None:
        raise ValueError(f"the law of --feedback is that of linear oscillators: it has no meaning with {kerr.named}")
    if asked.verify:
        raise ValueError(f"--verify filters records of linear oscillators: it has no meaning with {kerr.named}")


def _with_measurements(found: Simulation, point: WorkingPoint, counter: "Counter", *, nulled: bool) -> Simulation:
    """The simulation whose runs are measured after a click at their end. Raises ValueError for too few of them."""
    from cascade_steering.analysis.verification.heralded_outcomes import HeraldedVerification

    problem = found.problem
    after = HeraldedVerification.of(point.counted(counter), problem.grid, problem.initial, nulled=nulled)
    after.require(problem.trajectories)
    return replace(found, problem=replace(problem, experiment=after), after_click=after)


def _in_closed_loop(
    point: WorkingPoint, method: "Method", asked: SimulationOptions, options: FeedbackOptions, counter: "Counter | None"
) -> Simulation:
    """The ensemble in a closed loop, at a working point that need not be stable."""
    from cascade_steering.analysis.closed_loop.simulated_loop import SimulatedLoop
    from cascade_steering.sim.ensemble.contract import require_controllable
    from cascade_steering.sim.ensemble.simulate import grid_for
    from cascade_steering.sim.grid import TimeGrid

    if asked.pulse is not None:
        raise ValueError("a closed loop needs light that is always on: --pulse has no meaning with --feedback")
    if asked.verify:
        raise ValueError("--verify takes the record of an open loop: it has no meaning with --feedback")
    require_count(asked.trajectories, "trajectories", low=2)
    cascade, feedback = point.cascade, options.asked(point.time_unit)
    assert feedback is not None
    duration, step = asked.duration.of(cascade), None if asked.dt is None else asked.dt.of(cascade)
    save_interval = TimeGrid.over(duration, saves=asked.saves).save_interval
    model = point.model if counter is None else point.counted(counter)
    loop = SimulatedLoop.of(model, feedback, save_interval, point.time_unit)
    if loop.interval is not None:
        require_controllable(method)
    initial = physics.initial_state(asked.initial or readers.start("conditional"), cascade, model)
    grid = grid_for(method, loop.model, initial, duration, saves=asked.saves, step=step, control_interval=loop.interval)
    return _ensemble(asked, loop.model, method, grid, initial, loop, point.time_unit)


def _ensemble(
    asked: SimulationOptions, model: "LinearModel | Schedule", method: "Method", grid: "TimeGrid",
    initial: "InitialState", loop: "SimulatedLoop | None" = None, unit: float = 1.0,
) -> Simulation:  # fmt: skip
    from cascade_steering.analysis.estimation.sampling import Problem
    from cascade_steering.sim.controller import control_grid
    from cascade_steering.sim.ensemble.local_measurements import Verification

    interval = None if loop is None else loop.interval
    intervals = grid.saves if interval is None else control_grid(grid, interval).steps
    _require_modest(grid, min(method.block, asked.trajectories), intervals, in_steps=not method.exact)
    control = None if loop is None else loop.controller(initial, grid)
    if loop is not None:
        loop.require_quanta(initial, grid, control, asked.most_quanta, unit)
    method.require_step(model, grid, initial)
    save = selection(asked.save, model)
    save.require(model.dimension, asked.keep)
    verification = Verification.of(model, grid, initial) if asked.verify else None
    problem = Problem(
        model=model, method=method, grid=grid, initial=initial, trajectories=asked.trajectories, seed=asked.seed,
        keep=asked.keep, save=save, experiment=verification, control=control,
    )  # fmt: skip
    return Simulation(problem=problem, verification=verification, loop=loop)


def _require_modest(grid: "TimeGrid", together: int, intervals: int, *, in_steps: bool) -> None:
    """Raise ValueError if the ``together`` trajectories of a block need more memory than there is.

    The noise of a trajectory has a part for each of its ``intervals``, the saves or the control intervals.
    """
    if in_steps and grid.steps > _MOST_STEPS:
        raise ValueError(
            f"a trajectory can have at most {_MOST_STEPS} steps, got {grid.steps} of {grid.step:.4g} s: shorten the "
            "duration or lengthen the step"
        )
    if intervals > grid.saves and together * intervals > _MOST_SAVED:
        raise ValueError(
            f"the trajectories of a block can have at most {_MOST_SAVED} control intervals together, got {together} "
            f"times {intervals}: take a longer control interval or a shorter duration"
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
