"""Actuators: the directions in which a force displaces the oscillators, and whether they reach what grows.

Section 9 of sim/README.md.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import quadrature_indices, symplectic_form
from cascade_steering.sim.gaussian.moment_equations import moment_equations
from cascade_steering.sim.gaussian.motions.growing import growing_subspace
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["BOTH", "GROWING_MODE", "actuators", "growing_motions", "require_reach", "with_actuator_noise"]

FloatArray = NDArray[np.float64]

# names of actuators beside those of the oscillators
BOTH, GROWING_MODE = "both", "mode"
# A direction shorter than this has none of its own; a reach below it is none. Both are far above rounding.
_SHORT = 1e-6


def actuators(model: LinearModel, where: str | Sequence[str]) -> FloatArray:
    """B, a column for each actuator, of unit length; array of shape (d, p). Section 9 of sim/README.md.

    Parameters
    ----------
    where : the name of an oscillator or several names: one actuator for X and one for P of each; ``both``: of all
        oscillators; ``mode``: along the motions that grow, in the rotating wave (1, k), see ``growing_motions``

    Raises ValueError for an unknown name, and for ``mode`` where no motion grows.
    """
    identity = np.eye(model.dimension)
    if where == BOTH:
        return identity
    if where == GROWING_MODE:
        found = growing_motions(moment_equations(model).drift)
        if not found.size:
            raise ValueError(
                f"actuators {GROWING_MODE} need a motion that grows, and at this working point none does: choose "
                f"{', '.join(model.modes)} or {BOTH}"
            )
        return found
    names = (where,) if isinstance(where, str) else tuple(where)
    for name in names:
        if name not in model.modes:
            raise ValueError(f"actuators must be {', '.join(model.modes)}, {BOTH} or {GROWING_MODE}, got {name!r}")
    return identity[:, quadrature_indices(names, model.modes)]


def growing_motions(drift: FloatArray) -> FloatArray:
    """The space of motions that do not decay, orthonormal columns; array of shape (d, g). Section 9 of sim/README.md.

    In the rotating wave with γ₋ < 0 < γ₊ it is spanned by (1, k), once for X and once for P. The columns are the
    projections of the quadratures in their order, each less its part along those before it, so that they do not depend
    on which eigenvectors of equal rates are found.
    """
    d = len(drift)
    growing, _ = growing_subspace(drift)
    columns: list[FloatArray] = []
    for column in growing @ growing.T:
        left = column - sum((each * (each @ column) for each in columns), np.zeros(d))
        length = np.linalg.norm(left)
        if len(columns) < growing.shape[1] and length > _SHORT:
            columns.append(left / length)
    return np.array(columns).reshape(-1, d).T


def require_reach(drift: FloatArray, columns: FloatArray, name: str) -> None:
    """Raise ValueError unless the actuators can hold every motion that grows. Section 9 of sim/README.md.

    They can if no motion of the adjoint system with a rate ≥ 0 is orthogonal to all of them (Hautus 1969).
    """
    left = growing_motions(drift.T)
    rates = left.T @ drift @ left
    scale = np.abs(drift).sum(axis=-1).max()
    for value in np.linalg.eigvals(rates):
        reach = np.concatenate([(rates - value * np.eye(len(rates))) / scale, left.T @ columns], axis=1)
        if np.linalg.svd(reach, compute_uv=False).min() < _SHORT:
            raise ValueError(
                f"actuators {name} do not reach the motion that grows at {value.real:.4g} rad/s, so that no control "
                "holds it: choose others"
            )


def with_actuator_noise(model: LinearModel, columns: FloatArray, noise: float) -> LinearModel:
    """The model with the diffusion N B Bᵀ of noisy actuators, unknown to the controller. Section 9 of sim/README.md.

    ``noise`` is N, rad/s. Every actuator adds an undetected channel √N f·x, with B = Σf.
    """
    forces = np.sqrt(noise) * columns.T @ symplectic_form(model.dimension // 2)
    return replace(model, unmonitored=np.concatenate([model.unmonitored, forces]))
