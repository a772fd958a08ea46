"""Where the Fock basis sits: x = S ξ + x̄(t), with S symplectic and ξ the quadratures of the ladder operators.

A frame is a choice of basis and no more: results do not depend on it beyond truncation. x̄ is moved by the
simulation itself to the conditional mean of the state it has (Schack, Brun and Percival, J. Phys. A 28, 5401
(1995)). S is squeezed like the state: from the conditional covariance V = S diag(ν) Sᵀ of the Riccati equation, in
whose normal modes a Gaussian state is thermal with ν − ½ quanta; it is chosen anew, for all trajectories alike,
whenever the modes have moved on. Where a Hamiltonian turns the state faster than frames can follow, S is squeezed like
the average of V over whole turns.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import VACUUM_VARIANCE
from cascade_steering.sim.fock.basis.normal_modes import normal_modes, require_symplectic
from cascade_steering.sim.fock.basis.populations import carried, gaussian_populations, populations
from cascade_steering.sim.fock.basis.states import DensityState
from cascade_steering.sim.fock.moving.looks import averages, looked_at, turning_rate
from cascade_steering.sim.gaussian.covariance import transient, transient_mean
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, moment_equations
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = [
    "FRAMES",
    "STEP_FRACTION",
    "FramePath",
    "frame_path",
    "in_frame",
    "mode_variances",
    "require_frame",
    "suggested_cutoffs",
    "suggested_step",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

# rest: S = 1 and x̄ = 0, a Fock space at rest; moving: S = 1; squeezed: both follow the state
FRAMES = ("squeezed", "moving", "rest")
# of ‖S⁻¹S' − 1‖ between the frame in use and the state's own normal modes
_MOST_MISMATCH = 0.1
_LOOKS = 400
# to suggest a step, rates are looked at, which change less than the state
_LOOKS_FOR_RATES = 100
# beyond these a state is not followed through its turns: they cost as much as the run
_MOST_FOLLOWED = 2000
_MOST_FRAMES = 400
# by how much less the frames of averages must hold before they are taken
_GAIN = 1.1
# Step × fastest rate in the frame. Measured at 0.2 over a dozen working points: the mean given a record is off by
# at most 1.5e-3 of the vacuum's spread, and a step moves the state by less than its own width.
STEP_FRACTION = 0.2
# Cutoff × (population of the top level and all above), asked of a chosen cutoff: a bound on the defect of its
# commutator. The covariance is then off by 0.5 to 20 times as much, up to 35 times over thousands of short steps.
_CHOSEN_DEFECT = 1e-5
# the same on average over records, for a state that is not Gaussian: single records leave more
_CHOSEN_AVERAGE_DEFECT = 1e-6
# as parts of the duration: when such a state is looked at
_POPULATION_TIMES = (0.0, 0.02, 0.1, 0.3, 1.0)
# Kicks of a step, of variance k in a mode, fill levels as a wider state would. Measured on three models at 1 to 16
# suggested steps: levels chosen for V leave a defect of up to 0.15 over 200 steps, those for V + 2k 1e-6 to 3e-4.
_WIDTH_PER_KICK = 2.0
_LEAST_LEVELS = 6
# of one mode, and of each of several
_MOST_LEVELS = (80, 40)
# a number this near to a whole one is that number
_WHOLE = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class FramePath:
    """The frames of a run, in order.

    Parameters
    ----------
    symplectics : S of each, array of shape (frames, d, d); the same again where only the model is another
    first_steps : the step of the grid at which each takes over, array of shape (frames,); the first is 0
    models : the model that acts in each
    follow : whether x̄ follows the mean
    widest : V of each mode of the frame, X and P, where the run is expected to meet its largest spread, (modes, 2, 2)
    quanta : the largest |⟨ξ⟩|²/2 of each mode in a frame that does not follow, 0 in one that does, (modes,)
    kicks : the largest variance by which the noise of a step moves each mode, (modes,)
    turning : the fastest rate at which the model turns a state, rad/s
    """

    symplectics: FloatArray
    first_steps: IntArray
    models: tuple[LinearModel, ...]
    follow: bool
    widest: FloatArray
    quanta: FloatArray
    kicks: FloatArray
    turning: float

    @property
    def variances(self) -> FloatArray:
        """Mean variance of each mode where it is widest, (modes,)."""
        means: FloatArray = np.trace(self.widest, axis1=1, axis2=2) / 2
        return means

    def spans(self, steps: int) -> Iterator[tuple[FloatArray, LinearModel, int, int]]:
        """S, model, first step and step after the last of each frame of a run of ``steps``."""
        ends = [*self.first_steps[1:].tolist(), steps]
        yield from zip(self.symplectics, self.models, self.first_steps.tolist(), ends, strict=True)

    def at(self, step: int) -> FloatArray:
        """S in force after ``step`` steps."""
        frame: FloatArray = self.symplectics[np.searchsorted(self.first_steps, step, side="right") - 1]
        return frame


@dataclass(frozen=True, kw_only=True, eq=False)
class _Frames:
    """Symplectics (frames, d, d), and the look at which each takes over (frames,)."""

    symplectics: FloatArray
    first: IntArray

    def at(self, looks: int) -> list[tuple[int, slice]]:
        """Of each frame its number, and the looks at which it holds, that at which it is left included."""
        ends = [*(self.first[1:] + 1).tolist(), looks]
        return [(k, slice(first, end)) for k, (first, end) in enumerate(zip(self.first.tolist(), ends, strict=True))]

    def widest(self, covariances: FloatArray) -> FloatArray:
        """V of each mode where its largest spread in any direction is largest, (modes, 2, 2)."""
        found = [_modes_of(self.symplectics[k], covariances[at]) for k, at in self.at(len(covariances))]
        blocks = np.concatenate(found)
        index = np.argmax(_largest(blocks), axis=0)
        largest: FloatArray = np.array([blocks[look, mode] for mode, look in enumerate(index)])
        return largest


def frame_path(
    kind: str | FloatArray, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState, *, looks: int = _LOOKS
) -> FramePath:
    """The frames for a run of ``model`` over ``grid`` from ``initial``.

    Parameters
    ----------
    kind : one of ``FRAMES``, or a symplectic S (d, d) to be kept throughout while x̄ follows
    looks : how often the moments are looked at, at least

    Raises ValueError for another kind, an array that is not symplectic, or a switch within a step.
    """
    require_frame(kind)
    name = kind if isinstance(kind, str) else "given"
    acting = Schedule.of(model).steps(grid.step, grid.steps)
    turning = max(turning_rate(moment_equations(each)) for each, _, _ in acting)
    # a state changes most after a switch, as it does at the start
    found = [first + looked_at(last - first, grid.step, turning, looks) for _, first, last in acting]
    steps = np.unique(np.concatenate(found))
    follow = name != "rest"
    start = initial.covariance if follow else initial.unconditional
    times = np.asarray(steps * grid.step, dtype=np.float64)
    covariances = np.concatenate([start[None], transient(model, start, times[1:], conditional=follow)])
    if name == "squeezed":
        frames = _squeezed(times, covariances, turning)
    else:
        fixed = np.asarray(kind, dtype=float) if name == "given" else np.eye(model.dimension)
        require_symplectic(fixed, model.dimension)
        frames = _Frames(symplectics=fixed[None], first=np.zeros(1, dtype=np.intp))
    quanta = np.zeros(model.dimension // 2) if follow else _quanta(model, initial, times)
    kicks = []
    for k, at in frames.at(len(covariances)):
        for each, first, last in acting:
            during = covariances[at][(steps[at] >= first) & (steps[at] <= last)]
            kicks.append(_kicks(moment_equations(each), frames.symplectics[k], during, grid.step))
    first_steps = np.union1d(steps[frames.first], [first for _, first, _ in acting]).astype(np.intp)
    return FramePath(
        symplectics=frames.symplectics[np.searchsorted(steps[frames.first], first_steps, side="right") - 1],
        first_steps=first_steps,
        # a frame may take over at the very end
        models=tuple([each for each, first, _ in acting if first <= step][-1] for step in first_steps),
        follow=follow,
        widest=frames.widest(covariances),
        quanta=quanta,
        kicks=np.max(np.concatenate(kicks), axis=0),
        turning=turning,
    )


def require_frame(kind: str | FloatArray) -> None:
    """Raise ValueError for a name that is not one of ``FRAMES``."""
    if isinstance(kind, str) and kind not in FRAMES:
        raise ValueError(f"frame must be one of {', '.join(FRAMES)} or a symplectic matrix, got {kind!r}")


def in_frame(model: LinearModel, symplectic: FloatArray) -> LinearModel:
    """The same sums H = ½ xᵀGx + h·x, L_k = c_k·x put on x = Sξ: the model in the quadratures ξ."""
    hamiltonian = symplectic.T @ model.hamiltonian @ symplectic
    return replace(
        model,
        hamiltonian=0.5 * (hamiltonian + hamiltonian.T),
        monitored=model.monitored @ symplectic,
        unmonitored=model.unmonitored @ symplectic,
        force=symplectic.T @ model.force,
    )


def suggested_cutoffs(
    path: FramePath, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState
) -> tuple[int, ...]:
    """For each mode the fewest levels whose commutator the state leaves intact to 1e-5, as it starts and is carried.

    A Gaussian state is thermal with the variance of its mode, another has populations of its own
    (``sim.fock.basis.populations``), for which 1e-6 is asked on average over records.
    Raises ValueError where that takes more than 40 levels; the message says which mode and why.
    """
    modes = len(path.widest)
    most = _MOST_LEVELS[min(modes, len(_MOST_LEVELS)) - 1]
    given = initial.density_state
    if given is not None:
        above = _carried(path, model, grid, given)
        counts = [_enough(each, _CHOSEN_AVERAGE_DEFECT, most) for each in above]
    else:
        blocks = path.widest + _WIDTH_PER_KICK * path.kicks[:, None, None] * np.eye(2)
        counts = [_enough(_above(gaussian_populations(block)), _CHOSEN_DEFECT, most) for block in blocks]
    chosen = []
    for mode, count in enumerate(counts):
        levels = max(count, _LEAST_LEVELS) if count else most + 1
        # around another point of phase space a state of n levels fills those up to (√n + |α|)²
        levels = int(np.ceil((np.sqrt(levels) + np.sqrt(path.quanta[mode])) ** 2 - _WHOLE))
        if levels > most:
            raise ValueError(
                _too_many(path, mode, model.modes[mode], most, grid.step * grid.steps, gaussian=initial.gaussian)
            )
        chosen.append(levels)
    return tuple(chosen)


def suggested_step(
    kind: str | FloatArray, model: LinearModel | Schedule, grid: TimeGrid, initial: InitialState
) -> float:
    """A step for the Fock engine, seconds: ``STEP_FRACTION`` over the fastest rate in the frame.

    The rates of drift and diffusion of ξ, whatever the occupation of the baths and the cutoffs; and where the state is
    not Gaussian that at which the record tells its parts from one another, ‖F V Fᵀ‖, which no Gaussian state shows.
    The step of ``grid`` plays no part, only its duration. Halve it to see what it costs
    (``sim.ensemble.discretisation``). Raises ValueError if nothing moves.
    """
    duration = grid.step * grid.steps
    schedule = Schedule.of(model)
    turning = max(turning_rate(moment_equations(each)) for each in schedule.models)
    # fine enough for any look
    steps = max(_LOOKS_FOR_RATES**2, int(np.ceil(10.0 * turning * duration)))
    fine = TimeGrid(step=duration / steps, steps_per_save=steps, saves=1)
    path = frame_path(kind, schedule.rounded(fine.step), fine, initial, looks=_LOOKS_FOR_RATES)
    rates: list[float] = []
    for symplectic, each, _, _ in path.spans(steps):
        equations = moment_equations(in_frame(each, symplectic))
        rates += [float(np.linalg.norm(matrix, 2)) for matrix in (equations.drift, equations.diffusion)]
    if not initial.gaussian:
        times = np.linspace(0.0, duration, _LOOKS_FOR_RATES)
        covariances = transient(schedule, initial.covariance, times, conditional=True)
        readouts = [moment_equations(schedule.at(float(time))).readout for time in times]
        seen = (readout @ each @ readout.T for readout, each in zip(readouts, covariances, strict=True))
        rates += [float(np.linalg.norm(each, 2)) for each in seen]
    if max(rates) == 0.0:
        raise ValueError("no step can be suggested for a model without Hamiltonian and channels")
    return float(STEP_FRACTION / max(rates))


def mode_variances(symplectic: FloatArray, covariance: FloatArray) -> FloatArray:
    """Mean of the variances of X and P of each mode of the frame S; array of shape (modes,)."""
    pairs: FloatArray = np.trace(_modes_of(symplectic, covariance), axis1=1, axis2=2) / 2
    return pairs


def _modes_of(symplectic: FloatArray, covariance: FloatArray) -> FloatArray:
    """V of each mode of the frame S, of V (..., d, d); array of shape (..., modes, 2, 2)."""
    inverse = np.linalg.inv(symplectic).reshape(-1, 2, covariance.shape[-1])
    blocks: FloatArray = np.einsum("mia,...ab,mjb->...mij", inverse, covariance, inverse)
    return blocks


def _largest(blocks: FloatArray) -> FloatArray:
    """The larger eigenvalue of V of each mode (..., 2, 2)."""
    return np.asarray(np.linalg.eigvalsh(blocks)[..., -1], dtype=np.float64)


def _squeezed(times: FloatArray, covariances: FloatArray, turning: float) -> _Frames:
    """Frames that follow V, or where that turns too fast for it its average over whole turns."""
    means, first = averages(times, covariances, turning)
    followed = None
    if len(times) <= _MOST_FOLLOWED or not len(means):
        followed = _sparse(_continuous(covariances), np.arange(len(times)))
    if not len(means):
        assert followed is not None
        return followed
    averaged = _sparse(_continuous(means), first)
    if followed is None or len(followed.first) > _MOST_FRAMES:
        return averaged
    held = [float(np.sum(_largest(frames.widest(covariances)))) for frames in (followed, averaged)]
    return averaged if held[0] > _GAIN * held[1] else followed


def _continuous(covariances: FloatArray) -> FloatArray:
    """Normal modes at each time; from the last backwards, since at the first they may be degenerate."""
    modes = [normal_modes(covariances[-1])]
    for covariance in covariances[-2::-1]:
        modes.append(normal_modes(covariance, near=modes[-1]))
    return np.array(modes[::-1])


def _sparse(symplectics: FloatArray, first: IntArray) -> _Frames:
    """The frames worth changing to."""
    chosen = [0]
    for index, symplectic in enumerate(symplectics):
        mismatch = np.linalg.solve(symplectics[chosen[-1]], symplectic) - np.eye(symplectic.shape[0])
        if np.linalg.norm(mismatch, 2) > _MOST_MISMATCH:
            chosen.append(index)
    return _Frames(symplectics=symplectics[chosen], first=first[chosen])


def _quanta(model: LinearModel | Schedule, initial: InitialState, times: FloatArray) -> FloatArray:
    """The largest |⟨x⟩|²/2 of each mode of the mean as it drifts, (modes,)."""
    means = transient_mean(model, initial.center, times)
    largest: FloatArray = np.max(0.5 * np.sum(means.reshape(len(times), -1, 2) ** 2, axis=2), axis=0)
    return largest


def _kicks(equations: MomentEquations, symplectic: FloatArray, covariances: FloatArray, step: float) -> FloatArray:
    """Mean variance of the kick of a step in X and P of each mode, at each V (looks, d, d); (looks, modes)."""
    gains = np.linalg.inv(symplectic) @ equations.gain(covariances)
    kicks: FloatArray = step * np.sum(gains**2, axis=2).reshape(len(gains), len(symplectic) // 2, 2).mean(axis=2)
    return kicks


def _carried(path: FramePath, model: LinearModel | Schedule, grid: TimeGrid, initial: DensityState) -> FloatArray:
    """Of each mode P(n ≥ k) of every k, the largest over the run, averaged over records; shape (modes, 128)."""
    above = []
    for part in _POPULATION_TIMES:
        step = int(np.floor(part * grid.steps + 0.5))
        kept, covariance = np.eye(model.dimension), initial.covariance
        for each, first, last in Schedule.of(model).steps(grid.step, step):
            equations = moment_equations(each)
            observer = equations if path.follow else equations.unmonitored
            further, covariance = carried(observer, covariance, (last - first) * grid.step)
            kept = further @ kept
        # at the end of a step the state is in the frame of that step still
        above.append(_above(populations(initial, path.at(max(step - 1, 0)), kept, covariance)))
    largest: FloatArray = np.max(above, axis=0)
    return largest


def _above(found: FloatArray) -> FloatArray:
    """P(n ≥ k) of every k, from the populations of the levels (..., n)."""
    return np.cumsum(found[..., ::-1], axis=-1)[..., ::-1]


def _enough(above: FloatArray, defect: float, most: int) -> int:
    """The fewest levels N with N P(n ≥ N − 1) at most ``defect``, from P(n ≥ k); 0 if ``most`` are not enough."""
    levels = np.arange(2, most + 1)
    enough = levels[levels * above[levels - 1] <= defect]
    return int(enough[0]) if enough.size else 0


def _too_many(path: FramePath, mode: int, name: str, most: int, duration: float, *, gaussian: bool) -> str:
    quanta = float(path.variances[mode]) - VACUUM_VARIANCE + float(path.quanta[mode])
    turned = path.turning * duration
    remedy = (
        f"the Hamiltonian turns the state at {path.turning:.4g} rad/s, by {turned:.4g} rad in all: leave that rotation "
        "out of the model, in quadratures that turn with it, or "
        if turned > 1.0
        else ""
    )
    what = "too many" if gaussian else "in a state whose populations reach too far"
    return (
        f"mode {name} of the frame would hold {quanta:.4g} quanta, {what} for "
        f"{most} levels: {remedy}start from a state the record keeps small (stationary, ground), measure the "
        "light, let the frame follow, or give cutoffs if fewer will do"
    )
