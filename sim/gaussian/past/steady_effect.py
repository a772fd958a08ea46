"""The effect of a continuous record that goes on without end. Section 4 of sim/README.md.

Backwards in time V_R obeys the Riccati equation of (−A, D, F, −S); its inverse Λ that of the adjoint system,

    −Λ̇ = (A − SF)ᵀΛ + Λ(A − SF) − Λ(D − SSᵀ)Λ + FᵀF

which starts from Λ = 0 and has a limit also where V_R has none.
"""

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.gaussian.moment_equations import MomentEquations, moment_equations
from cascade_steering.sim.gaussian.riccati import steady_covariance
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.roots import root_of, triangular

__all__ = ["adjoint_equations", "steady_effect"]

FloatArray = NDArray[np.float64]


def adjoint_equations(equations: MomentEquations) -> MomentEquations:
    """The system whose covariance is the information Λ of the effect, backwards in time. Section 4 of sim/README.md.

    Its drift is (A − SF)ᵀ, its diffusion FᵀF, and what it shows a root of D − SSᵀ.
    """
    closed = equations.drift - equations.cross @ equations.readout
    apart = equations.diffusion - equations.cross @ equations.cross.T
    return MomentEquations(
        drift=closed.T,
        diffusion=equations.readout.T @ equations.readout,
        readout=root_of(apart),
        cross=np.zeros_like(equations.drift),
    )


def steady_effect(model: LinearModel) -> FloatArray:
    """R, upper triangular, of the effect of an endless continuous record: RᵀR = V_R⁻¹; array of shape (d, d).

    It is singular where the record does not show a damped motion. A motion that grows is shown by what it becomes: with
    N its noise and γ < 0 its rate, V_R → N/|γ| however inefficient the detector is. Section 4 of sim/README.md.

    Raises NoSteadyStateError if there is none, and ValueError for a model with electronics.
    """
    return triangular(root_of(steady_covariance(adjoint_equations(moment_equations(model)))))
