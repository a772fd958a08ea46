"""A Hamiltonian that is not quadratic: a polynomial of at most fourth degree in the quadratures of one oscillator.

H = Σ c_ij {X^i P^j}, where {…} is Weyl's symmetrised product. The symbol of such an operator is the same polynomial
f(x, p) = Σ c_ij x^i p^j of numbers, and only in this ordering does it transform as a function does: displaced by x̄ and
seen in a frame x = 𝖲ξ + x̄ with 𝖲 symplectic, the operator has the symbol f(𝖲ξ + x̄). Its derivatives at x̄ are therefore
the coefficients of the same operator about x̄, in any such frame. Section 7 of sim/README.md.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade_steering.sim.parameters import plain_number, require

__all__ = ["MOST_DEGREE", "Polynomial", "Term", "duffing", "kerr", "require_motion"]

FloatArray = NDArray[np.float64]
# exponents (i, j) and coefficient c_ij
Term = tuple[tuple[int, int], float]
MOST_DEGREE = 4
# A form of degree four that is this small in a direction, as a fraction of its largest value, vanishes there.
_ROUNDING = 1e-10
# Directions are known to the root of that.
_SAME = 1e-5


@dataclass(frozen=True, kw_only=True)
class Polynomial:
    """H = Σ c_ij {X^i P^j} of one oscillator in Weyl's ordering, rad/s; in addition to what is quadratic in a model.

        duffing = cs.Polynomial(mode="a", terms={(4, 0): 0.01})

    Parameters
    ----------
    mode : name of the oscillator
    terms : the coefficients c_ij by (i, j), rad/s, as a mapping or in pairs; i + j at most 4

    The classical motion must stay finite at any time, which is so if H is bounded below or above: the form of degree
    four must have one sign in all directions of phase space, or be the fourth power of one quadrature, in which case
    the polynomial may contain powers of this quadrature and terms of degree two and less beside it. A rotating frame
    changes energies, so that a Kerr term may have either sign there. A leading degree of three has both signs.
    Section 7 of sim/README.md.

    Raises ValueError for other exponents, a coefficient that is not finite, and a polynomial that is unbounded on both
    sides.
    """

    mode: str
    terms: Mapping[tuple[int, int], float] | tuple[Term, ...]

    def __post_init__(self) -> None:
        found: dict[tuple[int, int], float] = {}
        for (i, j), value in self.pairs:
            whole = all(isinstance(each, int | np.integer) and not isinstance(each, bool) for each in (i, j))
            if not whole or min(i, j) < 0 or i + j > MOST_DEGREE:
                raise ValueError(
                    f"exponents of a polynomial of {self.mode} must be whole numbers from 0 with a sum of at most "
                    f"{MOST_DEGREE}, got {(i, j)}"
                )
            require(value, f"coefficient of X^{i} P^{j} of {self.mode}", low=-math.inf)
            found[int(i), int(j)] = found.get((int(i), int(j)), 0.0) + float(plain_number(value))
        kept = tuple((powers, value) for powers, value in sorted(found.items()) if value != 0.0)
        object.__setattr__(self, "terms", kept)
        require_motion(self, np.zeros((2, 2)))

    @classmethod
    def sum_of(cls, polynomials: Iterable["Polynomial"]) -> tuple["Polynomial", ...]:
        """One polynomial for each oscillator, the sum of those of the same one, without those that are zero.

        Raises ValueError for a sum that is unbounded on both sides.
        """
        each = tuple(polynomials)
        modes = dict.fromkeys(one.mode for one in each)
        terms = {mode: tuple(pair for one in each if one.mode == mode for pair in one.pairs) for mode in modes}
        return tuple(one for one in (cls(mode=mode, terms=given) for mode, given in terms.items()) if one.terms)

    @property
    def pairs(self) -> tuple[Term, ...]:
        """The exponents and coefficients of all terms, in order."""
        return tuple(self.terms.items()) if isinstance(self.terms, Mapping) else self.terms

    def coefficient(self, i: int, j: int) -> float:
        """c_ij, rad/s; 0 for terms that there are not."""
        return dict(self.pairs).get((i, j), 0.0)

    @property
    def degree(self) -> int:
        """The largest i + j of the coefficients that are not zero; 0 if there are none."""
        return max((i + j for (i, j), _ in self.pairs), default=0)

    def derivative(self, order: int, points: ArrayLike) -> FloatArray:
        """All partial derivatives of one order of the symbol at points (..., 2), shape (...) + (2,) * order, rad/s.

        ``order`` 0 is the symbol itself. Indices are 0 for x and 1 for p.
        """
        x, p = np.moveaxis(np.asarray(points, dtype=float), -1, 0)
        # by the number of derivatives with respect to p
        found = [np.zeros(np.shape(x)) for _ in range(order + 1)]
        for (i, j), value in self.pairs:
            for times in range(max(order - i, 0), min(order, j) + 1):
                power, other = i - (order - times), j - times
                factor = value * math.perm(i, order - times) * math.perm(j, times)
                found[times] = found[times] + factor * x**power * p**other
        which = np.indices((2,) * order).sum(axis=0) if order else np.zeros((), dtype=int)
        return np.asarray(np.moveaxis(np.array(found), 0, -1)[..., which], dtype=np.float64)

    def value(self, points: ArrayLike) -> FloatArray:
        """The Weyl symbol f at points (..., 2), shape (...), rad/s."""
        return self.derivative(0, points)

    def gradient(self, points: ArrayLike) -> FloatArray:
        """(∂f/∂x, ∂f/∂p) at points (..., 2), shape (..., 2), rad/s."""
        return self.derivative(1, points)

    def hessian(self, points: ArrayLike) -> FloatArray:
        """The second derivatives at points (..., 2), shape (..., 2, 2), rad/s."""
        return self.derivative(2, points)


def duffing(mode: str, strength: float) -> Polynomial:
    """H = c X⁴ with c = ``strength`` in rad/s, either sign; ⟨X²⟩ = ½ in the ground state. Section 7 of sim/README.md.

    Beside H = Ω(X² + P²)/2 a negative c Ω lets the oscillator run away in a finite time, which the model refuses. In a
    frame that rotates with Ω ≫ c what remains of it is ``kerr`` with χ = 3c, and a shift of the frequency by 3c.

    Raises ValueError for a strength that is not finite.
    """
    require(strength, f"Duffing strength of {mode}", low=-math.inf)
    return Polynomial(mode=mode, terms=(((4, 0), plain_number(strength)),))


def kerr(mode: str, strength: float) -> Polynomial:
    """H = (χ/2) a†²a² with χ = ``strength`` in rad/s, either sign. Section 7 of sim/README.md.

    A quantum more changes the frequency by χ. Its symbol is χ(r⁴/8 − r²/2 + ¼) with r² = x² + p²: a†²a² is in normal
    order, and the second and third term reorder it.

    Raises ValueError for a strength that is not finite.
    """
    require(strength, f"Kerr strength of {mode}", low=-math.inf)
    chi = plain_number(strength)
    terms = {(4, 0): 0.125, (2, 2): 0.25, (0, 4): 0.125, (2, 0): -0.5, (0, 2): -0.5, (0, 0): 0.25}
    return Polynomial(mode=mode, terms=tuple((powers, chi * value) for powers, value in terms.items()))


def require_motion(polynomial: Polynomial, quadratic: FloatArray) -> None:
    """Raise ValueError unless the motion of f + ½ ξᵀQξ stays finite at any time, Q = ``quadratic`` (2, 2), rad/s.

    A form of degree four of one sign holds all that is of lower degree. Where it is the fourth power of one quadrature,
    the square of the other one must not have the opposite sign: X⁴ − P²/2 reaches infinity in a finite time.
    Section 7 of sim/README.md.
    """
    if polynomial.degree < 3:
        return
    said = f"the polynomial of {polynomial.mode} is unbounded below and above"
    fourth = [polynomial.coefficient(MOST_DEGREE - j, j) for j in range(MOST_DEGREE + 1)]
    if not any(fourth):
        raise ValueError(f"{said}: its leading terms are of degree 3; add a term of degree 4, such as X^4")
    directions = _extreme_directions(fourth)
    form = np.array([sum(c * x ** (MOST_DEGREE - j) * p**j for j, c in enumerate(fourth)) for x, p in directions])
    largest = form[np.argmax(np.abs(form))]
    least = float(np.min(form / largest))
    if least > _ROUNDING:
        return
    if least < -_ROUNDING:
        raise ValueError(f"{said}: its terms of degree 4 have both signs; they must have one sign in all directions")
    along = directions[np.argmax(np.abs(form))]
    across = np.array([-along[1], along[0]])
    # f = largest (along·ξ)⁴ + …, if each derivative across that direction vanishes
    leading = polynomial.derivative(MOST_DEGREE, np.zeros(2)) @ across
    cubic = polynomial.derivative(MOST_DEGREE - 1, np.zeros(2)) @ across
    scale = np.max(np.abs(polynomial.derivative(MOST_DEGREE - 1, np.zeros(2))), initial=0.0)
    if np.max(np.abs(leading)) > _SAME * abs(largest) or np.max(np.abs(cubic)) > _SAME * scale:
        raise ValueError(
            f"the polynomial of {polynomial.mode} may be unbounded below and above: its terms of degree 4 vanish in a "
            "direction; they must be the fourth power of one quadrature, with powers of it and terms of degree 2 beside"
        )
    square = across @ (polynomial.hessian(np.zeros(2)) + quadratic) @ across
    size = np.max(np.abs(polynomial.hessian(np.zeros(2)) + quadratic))
    if np.sign(largest) * square < -_ROUNDING * size:
        raise ValueError(
            f"the oscillator {polynomial.mode} runs away in a finite time: its term of degree 4 is "
            f"{'positive' if largest > 0 else 'negative'}, but the square of the other quadrature has the coefficient "
            f"{0.5 * square:.4g} rad/s of the opposite sign; change one of the signs"
        )


def _extreme_directions(fourth: list[float]) -> FloatArray:
    """Unit vectors (n, 2), among which those where the form Σ_j c_j x^{4−j} p^j has its extremes."""
    # With t = p/x the form is g(t)/(1 + t²)²; the root of a double zero of g is a simple one of the derivative.
    g = np.polynomial.Polynomial(fourth)
    slope = g.deriv() * np.polynomial.Polynomial([1.0, 0.0, 1.0]) - 4.0 * np.polynomial.Polynomial([0.0, 1.0]) * g
    coefficients = np.where(np.abs(slope.coef) > _ROUNDING * np.max(np.abs(fourth)), slope.coef, 0.0)
    roots: FloatArray = np.zeros(0)
    if coefficients.any():
        roots = np.polynomial.Polynomial(np.trim_zeros(coefficients, "b")).roots().real
    angles = np.concatenate([np.arctan(roots), 0.25 * np.pi * np.arange(4)])
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)
