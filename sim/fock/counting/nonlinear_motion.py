"""Half a step under polynomials in the Hamiltonian, in a frame whose origin takes the classical path.

Let x̄ move by dx̄/dt = Σ∇f(x̄). In x = 𝖲ξ + x̄(t) the Hamiltonian f is then what is left of the Taylor series of its Weyl
symbol about x̄, the terms of second to fourth degree in ξ, whatever x̄ is. They are taken at the middle of the time, so
that a state is multiplied by one unitary: of second order, and ρ ≥ 0 at any step. Section 7 of sim/README.md.
"""

from dataclasses import dataclass
from math import factorial
from typing import NamedTuple

import numpy as np
import scipy.linalg as la
import scipy.sparse as sp
from numpy.typing import NDArray

from cascade_steering.sim.compiled import compiled
from cascade_steering.sim.fock.basis.weyl_products import in_monomials
from cascade_steering.sim.model.linear_model import LinearModel

__all__ = ["Motion", "motion_of"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
IntArray = NDArray[np.intp]
# The exponents of the terms that are left of a Taylor series about the classical path.
_LEFT = [(i, degree - i) for degree in (2, 3, 4) for i in range(degree, -1, -1)]
_EXPONENTS = np.array(_LEFT, dtype=np.intp)
_FACTORIALS = np.array([float(factorial(i) * factorial(j)) for i, j in _LEFT])
# The largest turn of the classical path, ‖∇²f‖t, in one of the parts into which its time is cut.
_MOST_TURN = 0.1
_MOST_PARTS = 10_000


class _Force(NamedTuple):
    """One polynomial: the place of X of its oscillator, exponents (k, 2) and coefficients (k,) of its terms."""

    place: int
    powers: IntArray
    values: FloatArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Motion:
    """The polynomials of a model in one frame and on one choice of levels. Section 7 of sim/README.md.

    Parameters
    ----------
    forces : the polynomials
    terms : {u^i v^j} of second to fourth degree of each in monomials of ladder operators, (u, v) being its two
        quadratures less x̄: (monomials, 12 polynomials)
    columns : the monomials between the kept levels, (D², monomials)
    """

    forces: tuple[_Force, ...]
    terms: ComplexArray
    columns: sp.csr_array

    def unitary(self, origin: FloatArray, duration: float) -> tuple[ComplexArray, FloatArray]:
        """The unitary (D, D) by which a state of ξ moves in ``duration`` seconds, and x̄ (d,) after it."""
        after = origin.copy()
        weights = np.empty((len(self.forces), len(_LEFT)))
        for number, (place, powers, values) in enumerate(self.forces):
            middle = _path(powers, values, origin[place : place + 2], 0.5 * duration)
            after[place : place + 2] = _path(powers, values, middle, 0.5 * duration)
            weights[number] = _derivatives(powers, values, middle, _EXPONENTS) / _FACTORIALS
        generator = self.columns @ (self.terms @ weights.ravel())
        size = round(np.sqrt(generator.size))
        unitary: ComplexArray = la.expm(-1j * duration * generator.reshape(size, size))
        return unitary, after


def motion_of(model: LinearModel, symplectic: FloatArray, columns: sp.csr_array) -> Motion:
    """The polynomials of ``model`` in the frame 𝖲 (d, d); ``columns`` are the monomials between the kept levels."""
    forces, terms = [], []
    for each in model.nonlinear:
        place = 2 * model.modes.index(each.mode)
        powers, values = zip(*each.pairs, strict=True)
        forces.append(_Force(place, np.array(powers, dtype=np.intp), np.array(values, dtype=float)))
        terms.append(in_monomials(symplectic[place : place + 2], _LEFT))
    return Motion(forces=tuple(forces), terms=np.concatenate(terms, axis=1), columns=columns)


@compiled
def _derivatives(powers: IntArray, values: FloatArray, point: FloatArray, orders: IntArray) -> FloatArray:
    """∂_x^i ∂_p^j f at a point (2,), for each (i, j) of ``orders`` (n, 2); (n,)."""
    found = np.zeros(orders.shape[0])
    for n in range(orders.shape[0]):
        for k in range(values.size):
            term = values[k]
            for half in range(2):
                power = powers[k, half]
                for _ in range(orders[n, half]):
                    term *= power
                    power -= 1
                for _ in range(power):
                    term *= point[half]
            found[n] += term
    return found


@compiled
def _velocity(powers: IntArray, values: FloatArray, point: FloatArray) -> FloatArray:
    """(∂f/∂p, −∂f/∂x) at a point, (2,)."""
    found = _derivatives(powers, values, point, np.array([[0, 1], [1, 0]]))
    found[1] *= -1.0
    return found


@compiled
def _path(powers: IntArray, values: FloatArray, start: FloatArray, duration: float) -> FloatArray:
    """The classical path from ``start`` (2,) after ``duration`` seconds, by Runge and Kutta's method, (2,)."""
    seconds = _derivatives(powers, values, start, np.array([[2, 0], [1, 1], [0, 2]]))
    turn = (abs(seconds[0]) + 2.0 * abs(seconds[1]) + abs(seconds[2])) * duration
    parts = int(min(np.ceil(turn / _MOST_TURN), _MOST_PARTS)) if turn > 0.0 else 1
    part, point = duration / parts, start.copy()
    for _ in range(parts):
        first = _velocity(powers, values, point)
        second = _velocity(powers, values, point + 0.5 * part * first)
        third = _velocity(powers, values, point + 0.5 * part * second)
        fourth = _velocity(powers, values, point + part * third)
        point = point + part / 6.0 * (first + 2.0 * second + 2.0 * third + fourth)
    return point
