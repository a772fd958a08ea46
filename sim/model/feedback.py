"""Direct feedback of the record: the closed loop is again a linear model. Section 9 of sim/README.md.

The record dY_k acts at once as a force, H ∋ f_k·x dY_k/dt, and adds b_k dY_k to dx̂, with b_k = Σf_k. Wiseman and
Milburn, Phys. Rev. Lett. 70, 548 (1993), for any efficiency: the noise that an imperfect detector adds to dY belongs to
the detected channel, because the controller knows dY and not its parts. With L_k the detected channels of efficiency
η_k,

    detected, η = 1   √η_k L_k − i f_k·x      undetected   √(1−η_k) L_k      H → H + ½ Σ_k √η_k (L_k† f_k·x + f_k·x L_k)

    A′ = A + bF      D′ = D + bbᵀ + bSᵀ + Sbᵀ      F′ = F      S′ = S + b

The state given the record is that of the open loop but for its mean: V is unchanged, and K′ = K + b.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["direct"]


def direct(model: LinearModel, gain: ArrayLike) -> LinearModel:
    """The closed loop in which the record moves the quadratures by b dY. Section 9 of sim/README.md.

    Parameters
    ----------
    gain : b, real array of shape (d, m) for m records, √(rad/s)

    With b = −K, K the gain of the filter in the conditional steady state, the covariance without the record is the one
    given it. An open channel of efficiency η becomes a detected one of efficiency 1 and, for η < 1, an undetected one.

    Raises ValueError for a gain of another shape, or one that is not real and finite.
    """
    model.require_white_record()
    b = np.asarray(gain)
    shape = (model.dimension, len(model.record_names))
    if b.shape != shape:
        raise ValueError(f"gain must have shape {shape}, a column for each record, got {b.shape}")
    if np.iscomplexobj(b) or not np.all(np.isfinite(b)):
        raise ValueError(f"gain must be real and finite, got {b.tolist()}")
    # Σf = b, one row f_k for each record
    forces = np.asarray(b, dtype=float).T @ symplectic_form(model.dimension // 2)
    root = np.sqrt(model.efficiency)[:, None]
    # ½ (c* fᵀ + f cᵀ) and its transpose: as a quadratic form only the real part of c is left
    half = forces.T @ (root * model.monitored.real)
    partly = model.efficiency < 1.0
    undetected = np.sqrt(1.0 - model.efficiency[partly])[:, None] * model.monitored[partly]
    return replace(
        model,
        hamiltonian=model.hamiltonian + (half + half.T),
        monitored=root * model.monitored - 1j * forces,
        efficiency=np.ones(len(b.T)),
        unmonitored=np.concatenate([undetected, model.unmonitored]),
    )
