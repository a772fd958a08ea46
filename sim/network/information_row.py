"""What all nodes of a row know of one another: the inverse P = W⁻¹ of the covariance, which exists where W grows.

Without the record P obeys

    P A + A† P + P D P = 0

and 1/P_jj is the variance of z_j given all other nodes, so for the last node it is E. Where nodes are not damped W
grows without bound, and P has a limit at long times: it tells nothing of what grows, and all of what settles. Since
each node acts on later ones only, P follows node by node: with g the gains on the nodes before it, y = z_j − g z is
uncorrelated with those, so that its variance E_j is that of its own noise over its damping rate, and nothing cancels:

    g = −(A_j + D_j P)(A_jj − A − D P)⁻¹      E_j = (D_jj − 2 Re g D_j† + g D g†)/γ_j      P → P + (−g, 1)†(−g, 1)/E_j

A node that is not damped adds nothing to P. Section 5 of sim/README.md.
"""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.moment_equations import Array, MomentEquations, adjoint
from cascade_steering.sim.gaussian.riccati import solved_stack

__all__ = ["information_row"]


def information_row(equations: MomentEquations) -> NDArray[np.complex128]:
    """P at long times without the record, for any signs of the damping rates; array of shape (..., N, N).

    ``equations`` of a row: a lower triangular drift. NaN where variances are too different for its digits. Section 5 of
    sim/README.md.
    """
    drift, diffusion = equations.drift, equations.diffusion
    n = drift.shape[-1]
    known: NDArray[np.complex128] = np.zeros(drift.shape, dtype=complex)
    for j in range(n):
        damping = -2 * drift[..., j, j].real
        settles = damping > 0.0
        if not np.any(settles):
            continue
        row = _row(drift, diffusion, known, j, settles)
        power = (row @ diffusion[..., : j + 1, : j + 1] @ adjoint(row))[..., 0, 0].real
        added = adjoint(row) @ row * (np.where(settles, damping, 0.0) / power)[..., None, None]
        known[..., : j + 1, : j + 1] += added
    return known


def _row(drift: Array, diffusion: Array, known: Array, j: int, settles: NDArray[np.bool_]) -> Array:
    """(−g, 1) of node j, of no meaning where it does not settle; array of shape (..., 1, j + 1)."""
    one = np.ones((*drift.shape[:-2], 1, 1), dtype=complex)
    if j == 0:
        return one
    past = (..., slice(j), slice(j))
    new = (..., slice(j, j + 1), slice(j))
    moved = drift[..., j, j, None, None] * np.eye(j) - drift[past] - diffusion[past] @ known[past]
    # Where the node does not settle the system may be singular.
    moved = np.where(settles[..., None, None], moved, np.eye(j))
    pushed = drift[new] + diffusion[new] @ known[past]
    turned, right = np.swapaxes(moved, -1, -2), np.swapaxes(-pushed, -1, -2)
    gain = solved_stack(turned, right)
    # Behind several nodes at the edge of stability it may be singular to rounding. The node adds as little as it is
    # damped, so that its gain on what grows so much does not matter.
    lost = ~np.all(np.isfinite(gain), axis=(-1, -2)) & np.all(np.isfinite(turned), axis=(-1, -2))
    if np.any(lost):
        gain[lost] = np.linalg.pinv(turned[lost], rcond=1e-15) @ right[lost]
    gain = np.swapaxes(gain, -1, -2)
    return np.concatenate([-gain, one], axis=-1)
