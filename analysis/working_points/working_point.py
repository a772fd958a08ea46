"""A working point: the numbers of an experiment as they are given, and from there to the answers."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import (
    Bath,
    Cascade,
    Detection,
    DetectionScheme,
    Oscillator,
    UnstableError,
    plain_number,
    require,
)

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from cascade_steering.analysis.closed_loop.simulated_loop import Feedback
    from cascade_steering.analysis.criteria.steering import AnyDirection
    from cascade_steering.analysis.identification.log_likelihood import LogLikelihood
    from cascade_steering.analysis.long_records.long_record import LongReading
    from cascade_steering.analysis.planning.plan_result import PlanResult
    from cascade_steering.analysis.records.record import Record
    from cascade_steering.analysis.records.suspects import Told, Treatment
    from cascade_steering.analysis.results.feedback_result import FeedbackResult
    from cascade_steering.analysis.results.fitted.fit_result import FitResult
    from cascade_steering.analysis.results.fitted.information_result import InformationResult
    from cascade_steering.analysis.results.optimum_result import OptimumResult
    from cascade_steering.analysis.results.pulse_result import PulseResult
    from cascade_steering.analysis.results.record_results import FilteredResult
    from cascade_steering.analysis.results.scan_result import ScanResult
    from cascade_steering.analysis.results.simulated import Simulated
    from cascade_steering.analysis.results.steady_result import SteadyResult
    from cascade_steering.analysis.results.transient_result import TransientResult
    from cascade_steering.sim.control.closed_loop import Law
    from cascade_steering.sim.ensemble.contract import Method
    from cascade_steering.sim.initial_state import InitialState
    from cascade_steering.sim.model.counters import Counter
    from cascade_steering.sim.outputs.saving import Save

__all__ = ["WorkingPoint", "named_state", "require_stationary"]

FloatArray = NDArray[np.float64]
# states at t = 0 that a name stands for
_STATES = ("stationary", "conditional", "ground", "thermal")


@dataclass(frozen=True, kw_only=True)
class WorkingPoint:
    """The pair of oscillators, the light between them and its detection, in the units of the command line.

        point = cs.WorkingPoint(c_minus=50, c_plus=50, theta_minus_pi=0.35, theta_plus_pi=0.40, loss=0.1)
        print(point.steady(), point.transient(times_units=[0.5, 1.0, 5.0]))

    Parameters
    ----------
    c_minus, c_plus : cooperativities C = Γ/γ̃₀ of the first oscillator, −, and of the second, +
    theta_minus_pi, theta_plus_pi : interaction angles θ in units of π, from 0 to 0.5
    bath_minus, bath_plus : thermal baths: ``"hot"``, ``"vacuum"`` or a ``Bath``
    loss : power loss ε between the oscillators, from 0 to 1
    path_phase_pi : phase φ of the path between them, in units of π
    squeezing_db : squeezing of the light that arrives at −, 20 log₁₀ eʳ, from 0 to 30
    squeezing_angle_pi : its angle ψ, in units of π; at 0 the quadrature is squeezed that is read at ϑ = π/2, at 1 that
        read at ϑ = 0. Without squeezing it has no effect
    squeezing_loss : power loss between the source of squeezed light and −, from 0 to 1
    lo_phase_pi : local-oscillator phase ϑ, in units of π
    efficiency : efficiency η of the detection, from 0 to 1
    scheme : ``"homodyne"`` or ``"heterodyne"``
    efficiency_orthogonal : η of the heterodyne detector at ϑ + π/2; None for that of the other one
    bandwidth_hz : of the low-pass filter behind each detector, or of several in series, Hz; in the rotating wave they
        are behind the demodulation. None for a current without a filter
    dark_noise : δ, the power of the noise of the electronics over that of shot noise
    frequency_hz : None for the rotating-wave model; |Ω|/2π in Hz of both oscillators, or of each, for the laboratory
        frame

    Times are given in units of 1/γ̃₀ of the first oscillator, which is ``time_unit`` seconds (``duration_units=5``), or
    in seconds (``duration_s=80e-6``).

    Raises
    ------
    ValueError
        for a value out of its range.
    """

    c_minus: float = 50.0
    c_plus: float = 50.0
    theta_minus_pi: float = 0.35
    theta_plus_pi: float = 0.4
    bath_minus: Bath | str = "hot"
    bath_plus: Bath | str = "hot"
    loss: float = 0.0
    path_phase_pi: float = 0.0
    squeezing_db: float = 0.0
    squeezing_angle_pi: float = 0.0
    squeezing_loss: float = 0.0
    lo_phase_pi: float = 0.5
    efficiency: float = 1.0
    scheme: DetectionScheme = "homodyne"
    efficiency_orthogonal: float | None = None
    bandwidth_hz: float | tuple[float, ...] | None = None
    dark_noise: float = 0.0
    frequency_hz: float | tuple[float, float] | None = None

    def __post_init__(self) -> None:
        # what is wrong is said here, not where it is first used
        _ = self.cascade, self.detection, self.frequencies_hz

    @classmethod
    def of(cls, cascade: Cascade, detection: Detection) -> Self:
        """The working point of a cascade and its detection, in the rotating-wave model.

        Raises ValueError for a bath without decoherence, with which C is undefined.
        """
        return cls(
            c_minus=cascade.minus.cooperativity,
            c_plus=cascade.plus.cooperativity,
            theta_minus_pi=cascade.minus.angle_pi,
            theta_plus_pi=cascade.plus.angle_pi,
            bath_minus=cascade.minus.bath,
            bath_plus=cascade.plus.bath,
            loss=cascade.loss,
            path_phase_pi=cascade.path_phase_pi,
            squeezing_db=cascade.squeezing_db,
            squeezing_angle_pi=cascade.squeezing_angle_pi,
            squeezing_loss=cascade.squeezing_loss,
            lo_phase_pi=detection.lo_phase_pi,
            efficiency=detection.efficiency,
            scheme=detection.scheme,
            efficiency_orthogonal=detection.efficiency_orthogonal,
            bandwidth_hz=detection.bandwidths_hz or None,
            dark_noise=detection.dark_noise,
        )

    @cached_property
    def cascade(self) -> Cascade:
        """The two oscillators and the light between them; not necessarily a stable pair."""
        minus = _oscillator("minus", self.c_minus, self.theta_minus_pi, self.bath_minus)
        plus = _oscillator("plus", self.c_plus, self.theta_plus_pi, self.bath_plus)
        return Cascade(
            minus=minus, plus=plus, loss=self.loss, path_phase_pi=self.path_phase_pi, squeezing_db=self.squeezing_db,
            squeezing_angle_pi=self.squeezing_angle_pi, squeezing_loss=self.squeezing_loss,
        )  # fmt: skip

    @cached_property
    def detection(self) -> Detection:
        """How the light is measured that leaves the second oscillator."""
        widths = self.bandwidth_hz
        return Detection(
            lo_phase_pi=self.lo_phase_pi, efficiency=self.efficiency, scheme=self.scheme, dark_noise=self.dark_noise,
            efficiency_orthogonal=self.efficiency_orthogonal,
            bandwidths_hz=() if widths is None else tuple(widths) if isinstance(widths, Sequence) else (widths,),
        )  # fmt: skip

    @cached_property
    def model(self) -> LinearModel:
        """The linear model: of the rotating wave, or of the laboratory frame where there is a frequency."""
        if self.frequencies_hz is None:
            return rwa(self.cascade, self.detection)
        return lab(self.cascade, self.detection, frequency_hz=self.frequencies_hz)

    def counted(self, counter: "Counter") -> LinearModel:
        """The model with a photon counter on the ports ``lower`` and ``upper``, in the laboratory frame on ``field``.

        Raises ValueError for another port, and for squeezed light.
        """
        if self.frequencies_hz is None:
            return rwa(self.cascade, self.detection, counters=(counter,))
        return lab(self.cascade, self.detection, frequency_hz=self.frequencies_hz, counters=(counter,))

    def schedule(
        self, *, pulse_units: float | None = None, pulse_s: float | None = None, counter: "Counter | None" = None
    ) -> LinearModel | Schedule:
        """The light on from t = 0 for a pulse, and then the baths alone; with neither, on for good: ``model``.

        With a ``counter`` its dark clicks go on after the pulse. Raises ValueError for both kinds of pulse, or one that
        is negative or not finite.
        """
        lit = self.model if counter is None else self.counted(counter)
        if pulse_units is pulse_s is None:
            return lit
        other = replace(self, c_minus=0.0, c_plus=0.0)
        dark = other.model if counter is None else other.counted(counter)
        return Schedule.pulse(lit, dark, float(self._seconds("pulse", pulse_units, pulse_s)))

    @property
    def time_unit(self) -> float:
        """1/γ̃₀ of the first oscillator, seconds."""
        return self.cascade.time_unit

    @property
    def frequencies_hz(self) -> tuple[float, float] | None:
        """|Ω|/2π of − and +, Hz; None in the rotating frame."""
        if self.frequency_hz is None:
            return None
        both = self.frequency_hz if isinstance(self.frequency_hz, Sequence) else (self.frequency_hz,) * 2
        if len(both) != 2:
            raise ValueError(f"frequency_hz must be one number or one for each oscillator, got {self.frequency_hz!r}")
        for value in both:
            require(value, "frequency_hz", low=0.0, low_open=True)
        return plain_number(both[0]), plain_number(both[1])

    def steady(self) -> "SteadyResult":
        """The steady state, exact: E in both directions, without and with the record.

        Where a damping rate γ is not positive variances grow without the record; E without it is then its limit at long
        times, and ``stable`` of the result is false. Raises NoSteadyStateError, which says which oscillator, where the
        record does not show a motion that grows.
        """
        from cascade_steering.analysis.results.steady_result import steady

        return steady(self.model)

    def transient(
        self,
        *,
        times_units: "Sequence[float] | FloatArray | None" = None,
        times_s: "Sequence[float] | FloatArray | None" = None,
        initial: "InitialState | str" = "thermal",
        pulse_units: float | None = None,
        pulse_s: float | None = None,
        most_quanta: float | None = None,
    ) -> "TransientResult":
        """E(t) and d(t), exact, the light switched on at t = 0.

        Parameters
        ----------
        times_units, times_s : increasing times ≥ 0, (n,), in units of 1/γ̃₀ or in seconds: one of the two
        initial : the state at t = 0: ``"thermal"`` (of the baths), ``"ground"``, ``"stationary"``, ``"conditional"``
            (the steady state given the record, means at zero) or a Gaussian ``InitialState``
        pulse_units, pulse_s : how long the light is on, in units of 1/γ̃₀ or in seconds; for good if left out
        most_quanta : the most quanta in one oscillator for which its coupling is linear; a run with more is refused

        Raises ValueError for both or neither kind of times, for times that decrease or are negative, for a state
        that is not Gaussian, and for more quanta than allowed or than can be computed.
        """
        from cascade_steering.analysis.results.transient_result import TransientResult
        from cascade_steering.analysis.time_courses.growth_limit import require_quanta

        times = np.asarray(self._seconds("times", times_units, times_s), dtype=float)
        model = self.schedule(pulse_units=pulse_units, pulse_s=pulse_s)
        start, end = self.initial_state(initial), float(np.max(times, initial=0.0))
        if np.isfinite(end):
            require_quanta(model, start, end, unit=self.time_unit, most_quanta=most_quanta)
        return TransientResult.of(model, start, times, time_unit=self.time_unit)

    def simulate(
        self,
        *,
        duration_units: float | None = None,
        duration_s: float | None = None,
        step_units: float | None = None,
        step_s: float | None = None,
        pulse_units: float | None = None,
        pulse_s: float | None = None,
        saves: int = 20,
        trajectories: int = 1000,
        engine: "Method | None" = None,
        initial: "InitialState | str | None" = None,
        seed: int = 0,
        jobs: int = 1,
        keep: int = 0,
        save: "Save | None" = None,
        feedback: "Feedback | Law | None" = None,
        counter: "Counter | None" = None,
        most_quanta: float | None = None,
        **more: Any,
    ) -> "Simulated":
        """An ensemble of trajectories: E and d with 95 % intervals, and the dataset.

            result = point.simulate(duration_units=5, trajectories=2000, seed=1, save=cs.Save(purity=True))
            print(result, result.purity)

        Parameters
        ----------
        duration_units, duration_s : how long, in units of 1/γ̃₀ or in seconds: one of the two
        step_units, step_s : the step, which must divide the save interval; left out, the engine chooses
        pulse_units, pulse_s : how long the light is on from t = 0; for good if left out
        saves : save intervals
        trajectories : how many, at least 2 for estimates
        engine : ``Gaussian()`` if left out, ``Fock(...)`` or ``QutipSME(...)``
        initial : the state at t = 0: ``"stationary"``, ``"conditional"`` (the steady state given the record, means at
            zero), ``"ground"``, ``"thermal"`` (of the baths) or an ``InitialState``; left out, stationary, and in a
            closed loop conditional
        seed : the same seed gives the same numbers, for any number of workers
        jobs : worker processes; −1 for one per core
        keep : of how many trajectories means and record are kept
        save : what else is kept and averaged, such as ``Save(purity=True)``
        feedback : how the record acts back on the oscillators: a ``Feedback``, or the law of one with its defaults; no
            damping rate need then be positive, and E without the record is that in the closed loop
        counter : a photon counter that takes a share of the light; the engine is then ``FockCounting()`` and the state
            ``"conditional"``, if these are left out
        most_quanta : the most quanta in one oscillator for which its coupling is linear; a run with more is refused
        more : further arguments of ``cascade_steering.sim.simulate``: ``check``, ``store`` …

        Raises ValueError for both or neither kind of duration, for a pulse in a closed loop, and as
        ``cascade_steering.sim.simulate`` does.
        """
        from cascade_steering.analysis.closed_loop.simulated_loop import Feedback, SimulatedLoop
        from cascade_steering.analysis.results.simulated import Simulated
        from cascade_steering.analysis.time_courses.growth_limit import require_quanta
        from cascade_steering.sim.ensemble.dataset import label
        from cascade_steering.sim.ensemble.simulate import grid_for, simulate
        from cascade_steering.sim.gaussian.trajectories import Gaussian
        from cascade_steering.sim.grid import TimeGrid

        method = engine or (Gaussian() if counter is None else _counting())
        duration = float(self._seconds("duration", duration_units, duration_s))
        step = None if step_units is step_s is None else self._seconds("step", step_units, step_s)
        model = self.schedule(pulse_units=pulse_units, pulse_s=pulse_s, counter=counter)
        loop = None
        if feedback is not None:
            if not isinstance(model, LinearModel):
                raise ValueError("a closed loop needs light that is always on: leave out the pulse or the feedback")
            asked = Feedback(law=feedback) if isinstance(feedback, str) else feedback
            save_interval = TimeGrid.over(duration, saves=saves).save_interval
            loop = SimulatedLoop.of(model, asked, save_interval, self.time_unit)
            model = loop.model
        start = self.initial_state(initial or ("stationary" if loop is None and counter is None else "conditional"))
        if loop is None and np.isfinite(duration) and duration > 0.0:
            require_quanta(model, start, duration, unit=self.time_unit, most_quanta=most_quanta, sampled=True)
        interval = None if loop is None else loop.interval
        grid = grid_for(method, model, start, duration, saves=saves, step=step, control_interval=interval)
        if loop is not None:
            control = loop.controller(start, grid)
            more |= {"control": control}
            loop.require_quanta(start, grid, control, most_quanta, self.time_unit)
        more |= {} if save is None else {"save": save}
        found = simulate(model, method, grid, start, trajectories=trajectories, seed=seed, jobs=jobs, keep=keep, **more)
        if loop is not None:
            found = found.assign_attrs(feedback=json.dumps(loop.identity))
        return Simulated(label(found, self.cascade, self.detection))

    def scan(self, axes: "Mapping[str, ArrayLike]") -> "ScanResult":
        """E and d over one or more parameters, all others being those of this point.

            found = point.scan({"theta_plus_pi": np.linspace(0.26, 0.5, 100), "c_plus": np.geomspace(1, 100, 100)})
            found.plot("scan.png")

        Parameters
        ----------
        axes : values of each parameter, arrays of one dimension, by name: ``c_minus``, ``c_plus``, ``theta_minus_pi``,
            ``theta_plus_pi``, ``loss``, ``path_phase_pi``, ``squeezing_db``, ``squeezing_angle_pi``,
            ``squeezing_loss``, ``lo_phase_pi``, ``efficiency``, ``efficiency_orthogonal``, ``bandwidth_hz``,
            ``dark_noise``, ``frequency_hz``, ``linewidth_minus_hz``, ``linewidth_plus_hz``, ``occupation_minus`` or
            ``occupation_plus``

        Raises ValueError for another name, a value out of its range, and for more than 20 000 points in the laboratory
        frame, where each takes some 10 ms.
        """
        from cascade_steering.analysis.results.scan_result import ScanResult
        from cascade_steering.analysis.working_points.scan import scan

        return ScanResult(scan(self, axes))

    def optimum(
        self, *, conditional: bool = True, free_lo_phase: bool = True, free_squeezing_angle: bool = True,
        symmetric: bool = False, unstable: bool = False, largest_ratio: float = 100.0,
    ) -> "OptimumResult":  # fmt: skip
        """The smallest E of each direction over θ₋, θ₊ and C₊, all else as at this point; θ and C₊ of it do not matter.

        Parameters
        ----------
        conditional : E given the record, or without it
        free_lo_phase : whether the local-oscillator phase is free as well
        free_squeezing_angle : whether the angle of squeezed light is free as well
        symmetric : θ₋ = θ₊
        unstable : without the demand γ± > 0; E without the record is then its limit at long times
        largest_ratio : bound on C₊/C₋

        Raises ValueError for a point in the laboratory frame.
        """
        from cascade_steering.analysis.results.optimum_result import OptimumResult

        return OptimumResult.of(
            self,
            conditional=conditional,
            free_lo_phase=free_lo_phase,
            free_squeezing_angle=free_squeezing_angle,
            symmetric=symmetric,
            unstable=unstable,
            largest_ratio=largest_ratio,
        )

    def best_pulse(
        self,
        *,
        within_units: float | None = None,
        within_s: float | None = None,
        below: float | None = None,
        segments: int = 1,
        most_quanta: float | None = None,
        initial: "InitialState | str" = "ground",
        conditional: bool = False,
        free_lo_phase: bool = True,
        free_squeezing_angle: bool = True,
        largest_ratio: float = 100.0,
    ) -> "PulseResult":
        """The pulse after which E is smallest, over θ₋, θ₊, C₊ and duration of each of its segments of constant light.

            found = point.best_pulse(within_units=0.5, segments=2)
            print(found, found.transient("plus_given_minus"))

        All else is as at this point; its θ and C₊ do not matter. A pulse may be unstable while it lasts.

        Parameters
        ----------
        within_units, within_s : the longest duration, in units of 1/γ̃₀ or in seconds: one of the two
        below : None for the smallest E; a bound, such as 0.5, for the shortest pulse after which E is smaller
        segments : how many segments at most
        most_quanta : the largest mean number of quanta of either oscillator at any time of the pulse; if left out 1e15
        initial : the state before: ``"ground"``, ``"thermal"`` (of the baths) or two thermal states
        conditional : E given the record of the pulse, or without it
        free_lo_phase : whether the local-oscillator phase, one for the whole pulse, is free as well
        free_squeezing_angle : whether the angle of squeezed light, one for the whole pulse, is free as well
        largest_ratio : bound on C₊/C₋

        Raises ValueError for a value out of its range, another initial state, a point in the laboratory frame, and a
        bound ``below`` that is not reached, with the best E.
        """
        from cascade_steering.analysis.results.pulse_result import PulseResult, pulse_search

        longest = float(self._seconds("within", within_units, within_s)) / self.time_unit
        start = self.initial_state(initial)
        search = pulse_search(
            self, start, longest_units=longest, segments=segments, most_quanta=most_quanta, conditional=conditional,
            free_lo_phase=free_lo_phase, free_squeezing_angle=free_squeezing_angle, largest_ratio=largest_ratio,
        )  # fmt: skip
        return PulseResult.of(self, start, search, below=below)

    def plan(
        self,
        *,
        verify: bool = False,
        saves: int | None = None,
        sigmas: float = 3.0,
        duration_units: float | None = None,
        duration_s: float | None = None,
        dead_time_s: float = 0.0,
        initial: "InitialState | str" = "stationary",
    ) -> "PlanResult":
        """How long to measure: runs, seconds of light and hours until d, or E < ½, is known to so many standard errors.

            found = cs.WorkingPoint(loss=0.1).plan(verify=True, dead_time_s=1e-3)
            print(found, found.needed["d"]["plus_given_minus"].runs)

        Parameters
        ----------
        verify : from one quadrature of each oscillator, measured at the end of each run; else from the conditional
            means of all runs, as from simulated trajectories
        saves : with ``verify``, over how many intervals of a run the record is summed; left out, the fewest that cost
            less than 1 % of d
        sigmas : how many standard errors d is to be above 0, and E below ½; > 0
        duration_units, duration_s : of each run, in units of 1/γ̃₀ or in seconds; left out, five conditional relaxation
            times
        dead_time_s : between two runs, seconds
        initial : the state at the start of each run, as for ``simulate``

        Nothing is sampled. Raises ValueError for a value out of its range, and for ``saves`` without ``verify``.
        """
        from cascade_steering.analysis.planning.plan import PlannedExperiment
        from cascade_steering.analysis.planning.plan_result import PlanResult

        if saves is not None and not verify:
            raise ValueError(f"saves has no meaning without verify: trajectories are those given every dY, got {saves}")
        given = None if duration_units is duration_s is None else self._seconds("duration", duration_units, duration_s)
        return PlanResult.of(
            self, PlannedExperiment(verify=verify, saves=saves, sigmas=sigmas), self.initial_state(initial),
            duration=None if given is None else float(given), dead_time=dead_time_s,
        )  # fmt: skip

    def feedback(
        self, *, law: "Law" = "direct", actuators_on: str | Sequence[str] = "both",
        cost: "AnyDirection | str" = "plus_given_minus", price: float = 1e-7, delay_units: float = 0.0,
        actuator_noise: float = 0.0,
    ) -> "FeedbackResult":  # fmt: skip
        """The stationary closed loop at this point, exact; no damping rate need be > 0. Section 9 of sim/README.md.

            found = cs.WorkingPoint(c_minus=10, c_plus=17.4, theta_minus_pi=0, theta_plus_pi=0.5).feedback(law="lqg")
            print(found, found.power)

        Parameters
        ----------
        law : ``direct``: the current itself acts as a force; ``lqg``: a force that follows the filtered means;
            ``ideal``: the best that any controller can do with these actuators, whatever force it takes
        actuators_on : ``minus``, ``plus``, ``both``, or ``mode``: along what grows
        cost : the E that is to be small, or ``energy``: the sum of the second moments
        price : ρ of ``lqg``, in units of 1/γ̃₀²: 2 ln E + ρ⟨uᵀu⟩ is made small
        delay_units : between the light and the force, in units of 1/γ̃₀; not for ``direct``
        actuator_noise : diffusion of each quadrature that an actuator moves, unknown to the controller, in units of γ̃₀

        Raises ValueError for a value out of its range, for actuators that do not reach what grows, and where no loop of
        the law holds it.
        """
        from cascade_steering.analysis.results.feedback_result import feedback

        return feedback(
            self.model,
            law=law,
            actuators_on=actuators_on,
            cost=cost,
            price=price,
            delay=delay_units,
            actuator_noise=actuator_noise,
            time_unit=self.time_unit,
        )

    def filter(
        self,
        record: "Record | str | Path",
        *,
        initial: "InitialState | str" = "stationary",
        pulse_units: float | None = None,
        pulse_s: float | None = None,
        engine: "Method | None" = None,
        counter: "Counter | None" = None,
        jobs: int = 1,
        smooth: bool = False,
        suspect: "Treatment" = "gap",
    ) -> "FilteredResult":
        """What a measured record says: conditional states, E(t) given it, and whether it fits this point.

            found = point.filter("record.csv")
            print(found.fits, found.E["plus_given_minus"][-1])

        Parameters
        ----------
        record : a ``Record``, or the path of a CSV or netCDF file; ``open_record`` takes a calibration
        initial : the state before it, as for ``simulate``
        pulse_units, pulse_s : how long the light is on from the start of the record; for good if left out
        engine : ``Fock(...)`` filters beside the Gaussian engine, which is exact and does so alone if left out
        counter : whose clicks the record has; the engine is then ``FockCounting()`` if left out
        jobs : worker processes of the Fock engine
        smooth : also what the whole record says of each moment, its future included: ``found.smoothed``
        suspect : what becomes of values that no noise can give, see ``treated``: they are a ``gap``, ``found.told``
            says which; ``refuse`` raises ValueError, ``keep`` takes them as they are

        Raises ValueError for a file that is not a record, for channels that this detection does not give, and if a
        record with clicks, or behind filters of finite bandwidth, is to be smoothed.
        """
        from cascade_steering.analysis.past_states.whole_record import look_back, require_white_record
        from cascade_steering.analysis.records.filtered import read_out
        from cascade_steering.analysis.results.record_results import FilteredResult

        model = self.schedule(pulse_units=pulse_units, pulse_s=pulse_s, counter=counter)
        start = self.initial_state(initial)
        if smooth:
            require_white_record(model)
        if counter is not None:
            if smooth:
                raise ValueError("a record with clicks is not smoothed: leave out the counter or smooth")
            engine = engine or _counting()
        opened, told = _trusted(record, suspect)
        reading = read_out(opened, model, start, engine, jobs)
        past = look_back(reading, start) if smooth else None
        return FilteredResult(reading=reading, time_unit=self.time_unit, past=past, told=told)

    def filter_pieces(
        self,
        record: "Iterable[Record] | str | Path",
        folder: str | Path,
        *,
        pieces: int = 100_000,
        initial: "InitialState | str" = "stationary",
        pulse_units: float | None = None,
        pulse_s: float | None = None,
        smooth: bool = False,
        suspect: "Treatment" = "gap",
    ) -> "LongReading":
        """``filter`` for records of any length, in the memory of one piece; a netCDF file of each into ``folder``.

            found = point.filter_pieces("record.csv", "pieces", smooth=True)
            dataset = xarray.open_mfdataset("pieces/*.nc")

        Parameters
        ----------
        record : the path of a file, or records that follow one another without a hole
        folder : new, or empty
        pieces : about how many intervals of a file are taken at a time
        initial, pulse_units, pulse_s, smooth : as for ``filter``
        suspect : what becomes of values that no noise can give: ``gap``, ``refuse`` or ``keep``, see ``treated``

        Raises ValueError as ``filter`` does, and for a folder that is not empty.
        """
        from cascade_steering.analysis.long_records.long_record import filtered_in_pieces
        from cascade_steering.analysis.records.preparing.piecewise import pieces_of

        model = self.schedule(pulse_units=pulse_units, pulse_s=pulse_s)
        several = pieces_of(Path(record), rows=pieces) if isinstance(record, str | Path) else record
        return filtered_in_pieces(
            several, model, self.initial_state(initial), Path(folder), smooth=smooth, suspect=suspect
        )

    def fit(
        self,
        record: "Record | str | Path",
        parameters: Sequence[str],
        *,
        initial: "InitialState | str" = "stationary",
        pulse_units: float | None = None,
        pulse_s: float | None = None,
        suspect: "Treatment" = "gap",
    ) -> "FitResult":
        """Parameters from a measured record by maximum likelihood, with standard errors; all others as at this point.

            found = point.fit("record.csv", ["efficiency", "lo_phase_pi"])
            print(found, found.point.steady())

        Parameters
        ----------
        record, initial, pulse_units, pulse_s, suspect : as for ``filter``; ``found.told`` says what is suspect
        parameters : what is fitted, from this point's values, which must be near: names as for ``scan``, and
            ``calibration`` of the record, or ``calibration_cosine`` and the like of one channel, which begin where the
            record has the shot noise of the model

        Raises ValueError for another name, and as ``filter`` does, and BoundOfSearchError (an ArithmeticError) where
        the search ends at a bound that nature does not set.
        """
        from cascade_steering.analysis.results.fitted.fit_result import FitResult

        opened, told = _trusted(record, suspect)
        return replace(FitResult.of(self, opened, parameters, self._built(initial, pulse_units, pulse_s)), told=told)

    def log_likelihood(
        self,
        record: "Record | str | Path",
        parameters: Sequence[str],
        *,
        initial: "InitialState | str" = "stationary",
        pulse_units: float | None = None,
        pulse_s: float | None = None,
        suspect: "Treatment" = "gap",
    ) -> "LogLikelihood":
        """The log-likelihood of a record as a function of parameters, with score and Fisher information.

            likelihood = point.log_likelihood("record.csv", ["efficiency", "lo_phase_pi"])
            print(likelihood(likelihood.start), likelihood.score(likelihood.start))

        Parameters and errors are those of ``fit``.
        """
        from cascade_steering.analysis.results.fitted.fit_result import likelihood_of

        opened, told = _trusted(record, suspect)
        return replace(likelihood_of(self, opened, parameters, self._built(initial, pulse_units, pulse_s)), told=told)

    def information(self, parameters: Sequence[str], *, interval_s: float | None = None) -> "InformationResult":
        """What a stationary record of this point tells of parameters: Fisher information per second, without a record.

            found = point.information(["efficiency", "c_minus"])
            print(found, found.best_lo_phase("c_minus"), found.detectable(duration_s=10))

        Parameters
        ----------
        parameters : as for ``fit``
        interval_s : length of the intervals of the record, seconds; left out, a continuous record, which tells most

        Raises ValueError for another name, an efficiency of 0, a pair that is not damped, and a calibration from a
        continuous record.
        """
        from cascade_steering.analysis.results.fitted.information_result import InformationResult

        return InformationResult.of(self, parameters, interval_s)

    def _built(
        self, initial: "InitialState | str", pulse_units: float | None, pulse_s: float | None
    ) -> "Callable[[WorkingPoint], tuple[LinearModel | Schedule, InitialState]]":
        """What makes the model and the initial state of a trial point, the pulse being that of this one."""
        light = None if pulse_units is pulse_s is None else float(self._seconds("pulse", pulse_units, pulse_s))
        return lambda trial: (trial.schedule(pulse_s=light), trial.initial_state(initial))

    def initial_state(self, name: "InitialState | str") -> "InitialState":
        """The state of a name: ``stationary``, ``conditional``, ``ground`` or ``thermal``; a state as it is.

        Raises ValueError for another name, UnstableError for a stationary state where a damping rate is not positive,
        and NoSteadyStateError for a conditional one where the record does not show a motion that grows.
        """
        if not isinstance(name, str):
            return name
        if name not in _STATES:
            raise ValueError(f"initial must be an InitialState or one of {', '.join(_STATES)}, got {name!r}")
        return named_state(name, self.cascade, self.model)

    def _seconds(self, name: str, units: Any, seconds: Any) -> Any:
        """What is given in units of 1/γ̃₀ or in seconds, in seconds. Raises ValueError for both or neither."""
        if (units is None) == (seconds is None):
            raise ValueError(
                f"give one of {name}_units (units of 1/gamma~_0, {self.time_unit:.4g} s) and {name}_s (seconds), "
                f"got {'neither' if units is None else 'both'}"
            )
        return seconds if units is None else np.asarray(units, dtype=float) * self.time_unit


def _counting() -> "Method":
    """The engine of a run with a photon counter; its compiled code is loaded only here."""
    from cascade_steering.sim.fock.counting.counting_engine import FockCounting

    return FockCounting()


def named_state(name: str, cascade: Cascade, model: LinearModel | Schedule) -> "InitialState":
    """The state of one of the names of ``WorkingPoint.initial_state``.

    The stationary and the conditional one are those of light that is always on: of the first model of a schedule.
    Raises as ``WorkingPoint.initial_state`` does.
    """
    from cascade_steering.sim.gaussian.covariance import conditional_state, stationary_state
    from cascade_steering.sim.initial_state import ground_state, thermal_state

    if name == "stationary":
        require_stationary(cascade)
        return stationary_state(Schedule.of(model).models[0])
    if name == "conditional":
        return conditional_state(Schedule.of(model).models[0])
    if name == "ground":
        return ground_state()
    return thermal_state((cascade.minus.bath.occupation, cascade.plus.bath.occupation))


def require_stationary(cascade: Cascade) -> None:
    """Raise UnstableError, which says what to start from instead, unless γ₋ > 0 and γ₊ > 0."""
    try:
        cascade.require_stable()
    except UnstableError as error:
        raise UnstableError(
            f"{error}, or start from conditional, ground, thermal or occupations: the stationary state does not exist"
        ) from None


def _trusted(record: "Record | str | Path", suspect: "Treatment") -> "tuple[Record, tuple[Told, ...]]":
    """The record, from its file where it is given by its path, with suspect values treated, and what they were."""
    from cascade_steering.analysis.records.suspects import treated
    from cascade_steering.analysis.results.record_results import open_record

    opened = open_record(record) if isinstance(record, str | Path) else record
    # what was subtracted hides what was held or cut off
    return (opened, ()) if opened.removed is not None else treated(opened, suspect)


def _oscillator(name: str, cooperativity: float, angle_pi: float, bath: Bath | str) -> Oscillator:
    try:
        thermal = Bath.named(bath) if isinstance(bath, str) else bath
        return Oscillator.from_cooperativity(cooperativity, angle_pi=angle_pi, bath=thermal)
    except ValueError as error:
        raise ValueError(f"oscillator {name}: {error}") from None
