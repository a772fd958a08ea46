"""The frame of the Fock basis: x = 𝖲ξ + x̄(t), with 𝖲 symplectic and ξ the quadratures of the ladder operators.

A frame is only a choice of basis: results depend on it through the truncation error alone. The simulation moves x̄ to
the conditional mean of each trajectory (Schack, Brun and Percival, J. Phys. A 28, 5401 (1995)). 𝖲 is squeezed like the
state: it comes from the conditional covariance V = 𝖲 diag(ν) 𝖲ᵀ of the Riccati equation, in whose normal modes a
Gaussian state is thermal with ν − ½ quanta. It is the same for all trajectories, and is chosen again whenever the
normal modes have changed enough. Where a Hamiltonian rotates the state faster than frames can follow, 𝖲 comes from the
average of V over whole turns. Section 6 of sim/README.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.normal_modes import normal_modes, require_symplectic
from cascade_steering.sim.fock.moving.sampling_times import averages, sampled_steps, turning_rate
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

# rest: 𝖲 = 1 and x̄ = 0; moving: 𝖲 = 1 and x̄ follows the mean; squeezed: both follow the state
FRAMES = ("squeezed", "moving", "rest")
# The frame is changed when ‖𝖲⁻¹𝖲′ − 1‖ exceeds this, 𝖲 being the frame in use and 𝖲′ the normal modes of the state.
_MOST_MISMATCH = 0.1
_SAMPLES = 400
# With more samples, or more frames, the rotation of a state is not followed: that would cost as much as the run.
_MOST_FOLLOWED = 2000
_MOST_FRAMES = 400
# Frames from averages are used if they make the largest variances smaller by more than this factor.
_GAIN = 1.1


@dataclass(frozen=True, kw_only=True, eq=False)
class FramePath:
    """The frames of a run, in order.

    Parameters
    ----------
    symplectics : 𝖲 of each frame, array of shape (frames, d, d); repeated where only the model changes
    first_steps : the step of the grid at which each frame begins, array of shape (frames,); the first is 0
    models : the model that acts in each frame
    follow : whether x̄ follows the mean
    widest : V of each mode of the frame where its largest variance over the run is expected, (modes, 2, 2)
    quanta : the largest |⟨ξ⟩|²/2 of each mode in a frame at rest, 0 in a frame that follows the mean, (modes,)
    kicks : the largest variance of the displacement of the mean of each mode in one step, (modes,)
    turning : the fastest rate at which the model rotates a state, rad/s
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
        """The average of the variances of X and P in ``widest``, (modes,)."""
        means: FloatArray = np.trace(self.widest, axis1=1, axis2=2) / 2
        return means

    def spans(self, steps: int) -> Iterator[tuple[FloatArray, LinearModel, int, int]]:
        """𝖲, model, first step, and the step after the last one, for each frame of a run of ``steps`` steps."""
        ends = [*self.first_steps[1:].tolist(), steps]
        yield from zip(self.symplectics, self.models, self.first_steps.tolist(), ends, strict=True)

    def at(self, step: int) -> FloatArray:
        """𝖲 of the frame after ``step`` steps."""
        frame: FloatArray = self.symplectics[np.searchsorted(self.first_steps, step, side="right") - 1]
        return frame


@dataclass(frozen=True, kw_only=True, eq=False)
class _Frames:
    """The symplectics of frames (frames, d, d), and the sample at which each begins (frames,)."""

    symplectics: FloatArray
    first: IntArray

    def at(self, samples: int) -> list[tuple[int, slice]]:
        """The number of each frame and its samples, including the one at which the next frame begins."""
        ends = [*(self.first[1:] + 1).tolist(), samples]
        return [(k, slice(first, end)) for k, (first, end) in enumerate(zip(self.first.tolist(), ends, strict=True))]

    def widest(self, covariances: FloatArray) -> FloatArray:
        """V of each mode at the sample where its larger eigenvalue is largest, (modes, 2, 2)."""
        found = [_modes_of(self.symplectics[k], covariances[at]) for k, at in self.at(len(covariances))]
        blocks = np.concatenate(found)
        index = np.argmax(_largest(blocks), axis=0)
        largest: FloatArray = np.array([blocks[sample, mode] for mode, sample in enumerate(index)])
        return largest


def frame_path(
    kind: str | FloatArray,
    model: LinearModel | Schedule,
    grid: TimeGrid,
    initial: InitialState,
    *,
    samples: int = _SAMPLES,
) -> FramePath:
    """The frames for a run of ``model`` over ``grid`` from ``initial``.

    Parameters
    ----------
    kind : one of ``FRAMES``, or a symplectic 𝖲 (d, d) that is kept throughout while x̄ follows the mean
    samples : the least number of times at which the moments are computed

    Raises ValueError for another kind, an array that is not symplectic, or a switch within a step. Section 6 of
    sim/README.md.
    """
    require_frame(kind)
    name = kind if isinstance(kind, str) else "given"
    acting = Schedule.of(model).steps(grid.step, grid.steps)
    turning = max(turning_rate(moment_equations(each)) for each, _, _ in acting)
    # A state changes fastest after a switch, as it does at the start.
    found = [first + sampled_steps(last - first, grid.step, turning, samples) for _, first, last in acting]
    steps = np.unique(np.concatenate(found))
    follow = name != "rest"
    start = initial.covariance if follow else initial.unconditional
    times = np.asarray(steps * grid.step, dtype=np.float64)
    covariances = np.concatenate([start[None], transient(model, start, times[1:], conditional=follow)])
    if name == "squeezed":
        frames = _squeezed_frames(times, covariances, turning)
    else:
        fixed = np.asarray(kind, dtype=float) if name == "given" else np.eye(model.dimension)
        require_symplectic(fixed, model.dimension)
        frames = _Frames(symplectics=fixed[None], first=np.zeros(1, dtype=np.intp))
    quanta = np.zeros(model.dimension // 2) if follow else _quanta(model, initial, times)
    first_steps = np.union1d(steps[frames.first], [first for _, first, _ in acting]).astype(np.intp)
    return FramePath(
        symplectics=frames.symplectics[np.searchsorted(steps[frames.first], first_steps, side="right") - 1],
        first_steps=first_steps,
        # The last frame may begin at the end of the run, where no model acts any more.
        models=tuple([each for each, first, _ in acting if first <= step][-1] for step in first_steps),
        follow=follow,
        widest=frames.widest(covariances),
        quanta=quanta,
        kicks=_largest_kicks(acting, frames, steps, covariances, grid.step),
        turning=turning,
    )


def require_frame(kind: str | FloatArray) -> None:
    """Raise ValueError for a name that is not one of ``FRAMES``."""
    if isinstance(kind, str) and kind not in FRAMES:
        raise ValueError(f"frame must be one of {', '.join(FRAMES)} or a symplectic matrix, got {kind!r}")


def in_frame(model: LinearModel, symplectic: FloatArray) -> LinearModel:
    """The model in the quadratures ξ: H = ½ xᵀGx + h·x and L_k = c_k·x with x = 𝖲ξ. Section 6 of sim/README.md.

    Raises ValueError for a model that is not linear.
    """
    model.require_linear("a frame for linear motion")
    hamiltonian = symplectic.T @ model.hamiltonian @ symplectic
    return replace(
        model,
        hamiltonian=0.5 * (hamiltonian + hamiltonian.T),
        monitored=model.monitored @ symplectic,
        unmonitored=model.unmonitored @ symplectic,
        counted=tuple(replace(each, rows=each.rows @ symplectic) for each in model.counted),
        force=symplectic.T @ model.force,
    )


def _modes_of(symplectic: FloatArray, covariance: FloatArray) -> FloatArray:
    """V of each mode of the frame 𝖲, from V of x (..., d, d); array of shape (..., modes, 2, 2)."""
    inverse = np.linalg.inv(symplectic).reshape(-1, 2, covariance.shape[-1])
    blocks: FloatArray = np.einsum("mia,...ab,mjb->...mij", inverse, covariance, inverse)
    return blocks


def _largest(blocks: FloatArray) -> FloatArray:
    """The larger eigenvalue of each matrix (..., 2, 2)."""
    return np.asarray(np.linalg.eigvalsh(blocks)[..., -1], dtype=np.float64)


def _squeezed_frames(times: FloatArray, covariances: FloatArray, turning: float) -> _Frames:
    """Frames that follow V, or its average over whole turns where V rotates too fast."""
    means, first = averages(times, covariances, turning)
    followed = None
    if len(times) <= _MOST_FOLLOWED or not len(means):
        followed = _selected(_continuous_modes(covariances), np.arange(len(times)))
    if not len(means):
        assert followed is not None
        return followed
    averaged = _selected(_continuous_modes(means), first)
    if followed is None or len(followed.first) > _MOST_FRAMES:
        return averaged
    held = [float(np.sum(_largest(frames.widest(covariances)))) for frames in (followed, averaged)]
    return averaged if held[0] > _GAIN * held[1] else followed


def _continuous_modes(covariances: FloatArray) -> FloatArray:
    """Normal modes at each time, each near the next; from the last backwards, since the first may be degenerate."""
    modes = [normal_modes(covariances[-1])]
    for covariance in covariances[-2::-1]:
        modes.append(normal_modes(covariance, near=modes[-1]))
    return np.array(modes[::-1])


def _selected(symplectics: FloatArray, first: IntArray) -> _Frames:
    """The frames that differ from the one before by more than ``_MOST_MISMATCH``."""
    chosen = [0]
    for index, symplectic in enumerate(symplectics):
        mismatch = np.linalg.solve(symplectics[chosen[-1]], symplectic) - np.eye(symplectic.shape[0])
        if np.linalg.norm(mismatch, 2) > _MOST_MISMATCH:
            chosen.append(index)
    return _Frames(symplectics=symplectics[chosen], first=first[chosen])


def _quanta(model: LinearModel | Schedule, initial: InitialState, times: FloatArray) -> FloatArray:
    """The largest |⟨x⟩|²/2 of each mode along the mean of the ensemble, (modes,)."""
    means = transient_mean(model, initial.center, times)
    largest: FloatArray = np.max(0.5 * np.sum(means.reshape(len(times), -1, 2) ** 2, axis=2), axis=0)
    return largest


def _largest_kicks(
    acting: list[tuple[LinearModel, int, int]], frames: _Frames, steps: IntArray, covariances: FloatArray, step: float
) -> FloatArray:
    """The largest of ``_kicks`` of each mode over the run, (modes,)."""
    found = []
    for k, at in frames.at(len(covariances)):
        for model, first, last in acting:
            during = covariances[at][(steps[at] >= first) & (steps[at] <= last)]
            found.append(_kicks(moment_equations(model), frames.symplectics[k], during, step))
    largest: FloatArray = np.max(np.concatenate(found), axis=0)
    return largest


def _kicks(equations: MomentEquations, symplectic: FloatArray, covariances: FloatArray, step: float) -> FloatArray:
    """Variance of the displacement of the mean in one step, averaged over X and P of each mode.

    ``covariances`` has the shape (samples, d, d), the result (samples, modes).
    """
    gains = np.linalg.inv(symplectic) @ equations.gain(covariances)
    kicks: FloatArray = step * np.sum(gains**2, axis=2).reshape(len(gains), len(symplectic) // 2, 2).mean(axis=2)
    return kicks
