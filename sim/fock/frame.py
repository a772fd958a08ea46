"""Where the Fock basis sits: x = S ξ + x̄(t), with S symplectic and ξ the quadratures of the ladder operators.

A frame is a choice of basis and no more: results do not depend on it beyond truncation. x̄ is moved by the
simulation itself to the conditional mean of the state it has (Schack, Brun and Percival, J. Phys. A 28, 5401
(1995)). S is squeezed like the state: from the conditional covariance V = S diag(ν) Sᵀ of the Riccati equation, in
whose normal modes a Gaussian state is thermal with ν − ½ quanta; it is chosen anew, for all trajectories alike,
whenever the modes have moved on.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sim.conventions import VACUUM_VARIANCE
from sim.fock.gaussian_operators import thermal_ratio
from sim.fock.levels import mode_names
from sim.fock.normal_modes import normal_modes, require_symplectic
from sim.gaussian.covariance import transient
from sim.gaussian.moments import MomentEquations, moment_equations
from sim.grid import TimeGrid
from sim.model import LinearModel
from sim.states import InitialState

FloatArray = NDArray[np.float64]

# rest: S = 1 and x̄ = 0, a Fock space at rest; moving: S = 1; squeezed: both follow the state
FRAMES = ("squeezed", "moving", "rest")
# of ‖S⁻¹S' − 1‖ between the frame in use and the state's own normal modes
_MOST_MISMATCH = 0.1
_MOST_TIMES = 400
# Step × fastest rate in the frame. Measured at 0.2 over a dozen working points: the mean given a record is off by
# at most 1.5e-3 of the vacuum's spread, and a step moves the state by less than its own width.
STEP_FRACTION = 0.2
# Cutoff × (population of the top level and all above), asked of a chosen cutoff: a bound on the defect of its
# commutator. The covariance is then off by 0.5 to 20 times as much, up to 35 times over thousands of short steps.
_CHOSEN_DEFECT = 1e-5
# Even a mode in its ground state is kicked by the noise of a step. With 6 levels the defect is 1e-4 for kicks of
# variance 0.05, 7e-3 for 0.19; two more levels lower it fortyfold.
_LEAST_LEVELS = 6
_LEVELS_PER_KICK = 10.0
_MOST_FOR_KICKS = 4
_MOST_LEVELS = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class FramePath:
    """The frames of a run, in order.

    Parameters
    ----------
    symplectics : S of each, array of shape (frames, d, d)
    first_steps : the step of the grid at which each takes over, array of shape (frames,); the first is 0
    follow : whether x̄ follows the mean
    variances : the largest mean variance of each mode of the frame that the run is expected to meet, (modes,)
    kicks : the largest variance by which the noise of a step moves each mode, (modes,)
    """

    symplectics: FloatArray
    first_steps: NDArray[np.intp]
    follow: bool
    variances: FloatArray
    kicks: FloatArray

    def spans(self, steps: int) -> Iterator[tuple[FloatArray, int, int]]:
        """S, first step and step after the last of each frame of a run of ``steps``."""
        ends = [*self.first_steps[1:].tolist(), steps]
        yield from zip(self.symplectics, self.first_steps.tolist(), ends, strict=True)


def frame_path(kind: str | FloatArray, model: LinearModel, grid: TimeGrid, initial: InitialState) -> FramePath:
    """The frames for a run of ``model`` over ``grid`` from ``initial``.

    Parameters
    ----------
    kind : one of ``FRAMES``, or a symplectic S (d, d) to be kept throughout while x̄ follows

    Raises ValueError for another kind, or an array that is not symplectic.
    """
    require_frame(kind)
    name = kind if isinstance(kind, str) else "given"
    steps = _steps_looked_at(grid)
    follow = name != "rest"
    start = initial.covariance if follow else initial.unconditional
    times = np.asarray(steps[1:] * grid.step, dtype=np.float64)
    covariances = np.concatenate([start[None], transient(model, start, times, conditional=follow)])
    if name == "squeezed":
        symplectics = _continuous(covariances)
        chosen = _sparse(symplectics)
    else:
        fixed = np.asarray(kind, dtype=float) if name == "given" else np.eye(model.dimension)
        require_symplectic(fixed, model.dimension)
        symplectics, chosen = fixed[None], [0]
    frames = symplectics[chosen]
    in_force = np.searchsorted(chosen, np.arange(len(steps)), side="right") - 1
    excursion = np.zeros_like(initial.covariance) if follow else np.outer(initial.center, initial.center)
    seen = [mode_variances(frames[k], v + excursion) for k, v in zip(in_force, covariances, strict=True)]
    equations = moment_equations(model)
    return FramePath(
        symplectics=frames,
        first_steps=steps[chosen],
        follow=follow,
        variances=np.max(seen, axis=0),
        kicks=np.max(
            [_kicks(equations, frames[k], v, grid.step) for k, v in zip(in_force, covariances, strict=True)], axis=0
        ),
    )


def require_frame(kind: str | FloatArray) -> None:
    """Raise ValueError for a name that is not one of ``FRAMES``."""
    if isinstance(kind, str) and kind not in FRAMES:
        raise ValueError(f"frame must be one of {', '.join(FRAMES)} or a symplectic matrix, got {kind!r}")


def in_frame(model: LinearModel, symplectic: FloatArray) -> LinearModel:
    """The same sums H = ½ xᵀGx, L_k = c_k·x put on x = Sξ: the model in the quadratures ξ."""
    hamiltonian = symplectic.T @ model.hamiltonian @ symplectic
    return replace(
        model,
        hamiltonian=0.5 * (hamiltonian + hamiltonian.T),
        monitored=model.monitored @ symplectic,
        unmonitored=model.unmonitored @ symplectic,
    )


def suggested_cutoffs(path: FramePath) -> tuple[int, ...]:
    """For each mode the fewest levels whose commutator a thermal state of its variance leaves intact to 1e-5.

    Raises ValueError where that takes more than 40 levels; the message says which mode and why.
    """
    chosen = []
    for name, variance, kick in zip(mode_names(path.variances.size), path.variances, path.kicks, strict=True):
        ratio = thermal_ratio(variance)
        levels = np.arange(2, _MOST_LEVELS + 1)
        enough = levels[levels * ratio ** (levels - 1.0) <= _CHOSEN_DEFECT]
        if enough.size == 0:
            raise ValueError(
                f"mode {name} of the frame would hold {variance - VACUUM_VARIANCE:.4g} quanta, too many for "
                f"{_MOST_LEVELS} levels: start from a state the record keeps small (stationary, ground), measure the "
                "light, let the frame follow, or give cutoffs if fewer will do"
            )
        least = _LEAST_LEVELS + min(round(_LEVELS_PER_KICK * float(kick)), _MOST_FOR_KICKS)
        chosen.append(int(max(enough[0], least)))
    return tuple(chosen)


def suggested_step(kind: str | FloatArray, model: LinearModel, grid: TimeGrid, initial: InitialState) -> float:
    """A step for the Fock engine, seconds: ``STEP_FRACTION`` over the fastest rate of the moments in the frame.

    The rates of drift and diffusion of ξ, whatever the occupation of the baths and the cutoffs; the step of ``grid``
    plays no part, only its duration. Halve it to see what it costs (``sim.discretisation``).
    Raises ValueError if nothing moves.
    """
    rates = []
    for symplectic in frame_path(kind, model, grid, initial).symplectics:
        equations = moment_equations(in_frame(model, symplectic))
        rates += [np.linalg.norm(equations.drift, 2), np.linalg.norm(equations.diffusion, 2)]
    if max(rates) == 0.0:
        raise ValueError("no step can be suggested for a model without Hamiltonian and channels")
    return float(STEP_FRACTION / max(rates))


def _steps_looked_at(grid: TimeGrid) -> NDArray[np.intp]:
    count = min(grid.steps, _MOST_TIMES)
    # early times closer together: that is where a state changes most
    spread = (np.arange(count + 1) / count) ** 2 * grid.steps
    return np.unique(np.round(spread).astype(np.intp))


def _continuous(covariances: FloatArray) -> FloatArray:
    """Normal modes at each time; from the last backwards, since at the first they may be anyone's."""
    modes = [normal_modes(covariances[-1])]
    for covariance in covariances[-2::-1]:
        modes.append(normal_modes(covariance, near=modes[-1]))
    return np.array(modes[::-1])


def _kicks(equations: MomentEquations, symplectic: FloatArray, covariance: FloatArray, step: float) -> FloatArray:
    gain = np.linalg.solve(symplectic, equations.gain(covariance))
    kicks: FloatArray = step * np.sum(gain**2, axis=1).reshape(-1, 2).mean(axis=1)
    return kicks


def _sparse(symplectics: FloatArray) -> list[int]:
    """Indices of the frames worth changing to."""
    chosen = [0]
    for index, symplectic in enumerate(symplectics):
        mismatch = np.linalg.solve(symplectics[chosen[-1]], symplectic) - np.eye(symplectic.shape[0])
        if np.linalg.norm(mismatch, 2) > _MOST_MISMATCH:
            chosen.append(index)
    return chosen


def mode_variances(symplectic: FloatArray, covariance: FloatArray) -> FloatArray:
    """Mean of the variances of X and P of each mode of the frame S; array of shape (modes,)."""
    inverse = np.linalg.inv(symplectic)
    variances = np.diag(inverse @ covariance @ inverse.T).reshape(-1, 2)
    pairs: FloatArray = variances.mean(axis=1)
    return pairs
