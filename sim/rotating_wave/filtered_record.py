"""Low-pass filters and dark noise behind the detectors of the rotating wave, at many working points.

The filters act on the cosine and the sine part alike, and so on the complex record: the amplitudes of the oscillators
and of the filtered currents are one system, as in ``sim.gaussian.moment_equations``. Section 11 of sim/README.md.
"""

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade_steering.sim.gaussian.moment_equations import MomentEquations, adjoint

__all__ = ["behind_filters"]

ComplexArray = NDArray[np.complex128]


def behind_filters(
    equations: MomentEquations,
    bandwidths_hz: Sequence[ArrayLike],
    dark_noise: ArrayLike,
    light_root: ComplexArray | None = None,
) -> MomentEquations:
    """The equations of (z, u) that give the state given the continuous record. Section 11 of sim/README.md.

    Parameters
    ----------
    equations : of the amplitudes z with m complex records of unit noise, a stack of systems
    bandwidths_hz : B of each filter, Hz, > 0; numbers, or arrays that broadcast with the working points
    dark_noise : δ > 0, the power of the dark noise over that of shot noise; likewise
    light_root : a root of Λ = R R†, (..., m, m), by which the records were divided; None for 1

    Without dark noise filters cost nothing, and ``equations`` are those to take.
    """
    rates = [2.0 * math.pi * np.asarray(each, dtype=np.float64) for each in bandwidths_hz]
    noise = np.asarray(dark_noise, dtype=np.float64)
    (m, d), n = equations.readout.shape[-2:], len(rates)
    shape = np.broadcast_shapes(equations.drift.shape[:-2], noise.shape, *(each.shape for each in rates))
    size, one = d + m * n, np.eye(m)
    drift, diffusion = np.zeros((2, *shape, size, size), dtype=complex)
    readout = np.zeros((*shape, m, size), dtype=complex)
    drift[..., :d, :d], diffusion[..., :d, :d] = equations.drift, equations.diffusion
    first, last = slice(d, d + m), slice(size - m, size)
    for place, rate in enumerate(rates):
        own, before = slice(d + m * place, d + m * (place + 1)), slice(d + m * (place - 1), d + m * place)
        drift[..., own, own] = -_matrix(rate) * one
        if place:
            drift[..., own, before] = _matrix(np.sqrt(rate * rates[place - 1])) * one
    driven = _matrix(np.sqrt(rates[0]))
    drift[..., first, :d] = driven * equations.readout
    diffusion[..., :d, first] = driven * equations.cross
    diffusion[..., first, :d] = adjoint(diffusion[..., :d, first])
    diffusion[..., first, first] = driven**2 * one
    readout[..., :, last] = _matrix(np.sqrt(rates[-1] / noise)) * (one if light_root is None else light_root)
    return MomentEquations(
        drift=drift, diffusion=diffusion, readout=readout, cross=np.zeros((*shape, size, m), dtype=complex)
    )


def _matrix(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """An array of numbers as one of 1×1 matrices."""
    return values[..., None, None]
