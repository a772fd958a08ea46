"""How far a state departs from a Gaussian one beside a polynomial in its Hamiltonian. Section 7 of sim/README.md.

The motion of a Gaussian Wigner function by a polynomial f makes a third and a fourth cumulant at the rates

    dκ₃/dt = 3 {ΣT·V·V} − ¼ ΣΣΣ·T      T = ⟨∂³f⟩      dκ₄/dt = 4 {ΣQ·V·V·V} − {ΣΣΣ·Q·V}      Q = ∂⁴f

{…}: symmetrised over the indices. The second terms are those of quantum mechanics, in which ∂f of third order enters
the motion of the Wigner function. In coordinates where V is 1 the relative entropy of a distribution to the Gaussian
one of equal mean and covariance begins with |κ₃|²/12 + |κ₄|²/48.
"""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import symplectic_form
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["LARGEST_DEPARTURE", "cumulant_rates", "departure"]

FloatArray = NDArray[np.float64]
# Above it averages over the Gaussian state are no good approximation any more: measured, see section 7.
LARGEST_DEPARTURE = 0.01


def cumulant_rates(model: LinearModel, means: FloatArray, covariances: FloatArray) -> tuple[FloatArray, FloatArray]:
    """dκ₃/dt (..., d, d, d) and dκ₄/dt (..., d, d, d, d) in coordinates L⁻¹x in which V = L Lᵀ is 1, rad/s.

    ``means`` and ``covariances`` are arrays of shape (..., d) and (..., d, d). Section 7 of sim/README.md.
    """
    d = model.dimension
    root = np.linalg.cholesky(covariances)
    turned = np.linalg.solve(root, np.broadcast_to(symplectic_form(d // 2), root.shape))
    third, fourth = np.zeros((*root.shape, d)), np.zeros((*root.shape, d, d))
    for polynomial in model.nonlinear:
        place = 2 * model.modes.index(polynomial.mode)
        driven, spread = turned[..., place : place + 2], root[..., place : place + 2, :]
        # f has fourth derivatives at most, so that ⟨∂³f⟩ is ∂³f at the mean
        slope = polynomial.derivative(3, means[..., place : place + 2])
        once = np.einsum("...ia,...abc,...bj,...ck->...ijk", driven, slope, spread, spread, optimize=True)
        cube = np.einsum("...ia,...jb,...kc,...abc->...ijk", driven, driven, driven, slope, optimize=True)
        third += 3.0 * _symmetric(once, 3) - 0.25 * cube
        constant = polynomial.derivative(4, np.zeros(2))
        left = np.einsum("abcd,...bj,...ck,...dl->...ajkl", constant, spread, spread, spread, optimize=True)
        right = np.einsum("abcd,...jb,...kc,...dl->...ajkl", constant, driven, driven, spread, optimize=True)
        fourth += 4.0 * _symmetric(np.einsum("...ia,...ajkl->...ijkl", driven, left - 0.25 * right), 4)
    return third, fourth


def departure(model: LinearModel, means: FloatArray, covariances: FloatArray, memory: float) -> FloatArray:
    """The relative entropy to a Gaussian state that its own motion makes, in nats; array of shape (...).

    The record removes cumulants of order n within ``memory``/n, seconds: the relaxation time of the conditional state.
    So κ_n is at most its rate times that. It is an estimate before the fact, from the Gaussian state alone.
    """
    if not model.nonlinear:
        return np.zeros(means.shape[:-1])
    third, fourth = cumulant_rates(model, means, covariances)
    squares = [np.sum(each**2, axis=tuple(range(-n, 0))) for n, each in ((3, third), (4, fourth))]
    return np.asarray((memory / 3.0) ** 2 * squares[0] / 12.0 + (memory / 4.0) ** 2 * squares[1] / 48.0)


def _symmetric(tensor: FloatArray, order: int) -> FloatArray:
    """The average over all orders of the last ``order`` indices."""
    lead = tensor.ndim - order
    axes: Sequence[int] = range(lead)
    every = [np.transpose(tensor, (*axes, *(lead + k for k in each))) for each in permutations(range(order))]
    return np.asarray(sum(every) / len(every))
