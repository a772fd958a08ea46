"""A closed loop whose controller is wrong: in its gain, in the phase of its forces, or in its model.

The oscillators and the mean that the controller believes in move together, and their joint covariance says what the
loop holds, if it holds anything. Section 9 of sim/README.md. With A, D, F, S of the oscillators, A_c, F_c, K_c of the
controller's model, and B′ the actuators as they are where the controller assumes B,

    dx = A x dt − B′L x̂ dt + dw      dY = F x dt + dv      dx̂ = (A_c − BL − K_cF_c) x̂ dt + K_c dY      (lqg)
    dx = (A + B′βF) x dt + dw + B′β dv                                                               (direct)
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.control.closed_loop import ClosedLoop
from cascade_steering.sim.gaussian.moment_equations import MomentEquations, moment_equations
from cascade_steering.sim.gaussian.riccati import steady_covariance
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.roots import product, root_of, triangular

__all__ = ["held_by", "turned"]

FloatArray = NDArray[np.float64]


def turned(columns: FloatArray, angles: Sequence[float]) -> FloatArray:
    """B with the displacement of each oscillator turned by its angle in phase space, radians; (d, p).

    Section 9 of sim/README.md.
    """
    whole = np.zeros((len(columns), len(columns)))
    for place, angle in enumerate(angles):
        cosine, sine = np.cos(angle), np.sin(angle)
        whole[2 * place : 2 * place + 2, 2 * place : 2 * place + 2] = [[cosine, -sine], [sine, cosine]]
    return whole @ columns


def held_by(model: LinearModel, loop: ClosedLoop, acting: FloatArray, basis: FloatArray) -> FloatArray:
    """A root of the covariance that a controller holds, (d, d). Section 9 of sim/README.md.

    Parameters
    ----------
    model : the oscillators as they are, with the noise of the actuators
    loop : the closed loop of the controller's model, of law ``direct`` or ``lqg``, without a delay
    acting : B′, the actuators as they are, (d, p)
    basis : coordinates y, x = ``basis`` y, in which the covariance is near 1, (d, d)

    Raises NoSteadyStateError if the covariance grows without bound, and ValueError for ``ideal`` or a delay.
    """
    if loop.gain is None or loop.delay:
        raise ValueError(
            f"errors of the controller are defined for direct and lqg without a delay, got {loop.law}, {loop.delay:g} s"
        )
    here = moment_equations(model).in_coordinates(basis)
    back = np.linalg.inv(basis)
    moved = back @ acting
    joint = _lqg(here, loop, moved, basis) if loop.law == "lqg" else _direct(here, moved @ loop.gain)
    d = len(basis)
    covariance = np.asarray(steady_covariance(joint), dtype=np.float64)[:d, :d]
    return triangular(root_of(covariance) @ basis.T)


def _direct(here: MomentEquations, b: FloatArray) -> MomentEquations:
    crossed = b @ here.cross.T
    return _unmeasured(here.drift + b @ here.readout, here.diffusion + b @ b.T + crossed + crossed.T)


def _lqg(here: MomentEquations, loop: ClosedLoop, moved: FloatArray, basis: FloatArray) -> MomentEquations:
    assert loop.gain is not None
    believed, back = moment_equations(loop.model), np.linalg.inv(basis)
    gain = back @ believed.gain(product(loop.conditional))
    believed = believed.in_coordinates(basis)
    act = loop.gain @ basis
    drift = np.block(
        [
            [here.drift, -moved @ act],
            [gain @ here.readout, believed.drift - back @ loop.actuators @ act - gain @ believed.readout],
        ]
    )
    crossed = here.cross @ gain.T
    return _unmeasured(drift, np.block([[here.diffusion, crossed], [crossed.T, gain @ gain.T]]))


def _unmeasured(drift: FloatArray, diffusion: FloatArray) -> MomentEquations:
    d = len(drift)
    return MomentEquations(drift=drift, diffusion=diffusion, readout=np.zeros((1, d)), cross=np.zeros((d, 1)))
