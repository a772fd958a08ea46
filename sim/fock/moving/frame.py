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

from cascade_steering.sim.fock.basis.normal_modes import normal_modes, require_symplectic
from cascade_steering.sim.fock.moving.looks import averages, looked_at, turning_rate
from cascade_steering.sim.gaussian.covariance import transient, transient_mean
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, moment_equations
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule

__all__ = [
    "FRAMES",
    "FramePath",
    "frame_path",
    "in_frame",
    "require_frame",
]

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]

# rest: S = 1 and x̄ = 0, a Fock space at rest; moving: S = 1; squeezed: both follow the state
FRAMES = ("squeezed", "moving", "rest")
# of ‖S⁻¹S' − 1‖ between the frame in use and the state's own normal modes
_MOST_MISMATCH = 0.1
_LOOKS = 400
# beyond these a state is not followed through its turns: they cost as much as the run
_MOST_FOLLOWED = 2000
_MOST_FRAMES = 400
# by how much less the frames of averages must hold before they are taken
_GAIN = 1.1


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
