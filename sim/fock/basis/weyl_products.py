"""Polynomials of quadratures between Fock levels, in Weyl's ordering and without an error of truncation.

What is symmetrised in quadratures is symmetrised in ladder operators, in any linear combinations of them: a polynomial
in Weyl's ordering is one of numbers, whatever its variables are. Section 7 of sim/README.md.
"""

from collections.abc import Iterator
from functools import lru_cache
from itertools import combinations_with_replacement, permutations, product
from math import comb

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.levels import LADDER, Levels, embed
from cascade_steering.sim.model.polynomials import MOST_DEGREE, Polynomial

__all__ = ["in_monomials", "ladder_words", "monomial_columns", "polynomial_operator"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
IntArray = NDArray[np.intp]
# The degrees of what is left of a polynomial about the classical path.
_DEGREES = (2, 3, 4)
# Coefficients below this fraction of the largest one cancel but for rounding.
_ROUND_OFF = 16 * np.finfo(float).eps


@lru_cache(maxsize=64)
def _symmetrised(levels: int) -> dict[tuple[int, int], ComplexArray]:
    """{a^k a†^l} of one mode for k + l ≤ 4 between its levels, the elements of the untruncated operator; (n, n)."""
    # A product of four ladder operators passes at most two levels above those at its ends.
    room = levels + MOST_DEGREE // 2
    a = np.diag(np.sqrt(np.arange(1.0, room)), 1).astype(complex)
    found: dict[tuple[int, int], ComplexArray] = {(0, 0): np.eye(room, dtype=complex)}
    for degree in range(1, MOST_DEGREE + 1):
        for k in range(degree + 1):
            # With a factor r that is linear, ½(rA + Ar) has the symbol of r times that of A.
            factor, rest = (a, found[k - 1, degree - k]) if k else (a.T, found[k, degree - k - 1])
            found[k, degree - k] = 0.5 * (factor @ rest + rest @ factor)
    return {powers: operator[:levels, :levels] for powers, operator in found.items()}


def monomial_columns(levels: Levels) -> sp.csr_array:
    """Each monomial of second to fourth degree in the ladder operators (a_0, a_0†, a_1, …) as a column.

    They are in Weyl's ordering and in the order of ``in_monomials``, row-stacked between the kept levels:
    (D², monomials). Section 7 of sim/README.md.
    """
    columns = []
    modes = range(len(levels.cutoffs))
    for word in _monomials(2 * len(modes)):
        operator = sp.csr_array(np.ones((1, 1), dtype=complex))
        for mode in modes:
            powers = (word.count(2 * mode), word.count(2 * mode + 1))
            operator = sp.csr_array(sp.kron(operator, sp.csr_array(_symmetrised(levels.cutoffs[mode])[powers])))
        columns.append(levels.restrict(operator).reshape((-1, 1)))
    return sp.csr_array(sp.hstack(columns))


def in_monomials(rows: FloatArray, powers: list[tuple[int, int]]) -> ComplexArray:
    """The coefficients of u^i v^j for each (i, j) of ``powers``, with (u, v) = ``rows`` (2, d) times ξ.

    The monomials are those of ``monomial_columns``: (monomials, powers).
    """
    d = rows.shape[1]
    weights = rows @ np.kron(np.eye(d // 2), LADDER)
    found = np.zeros((len(_monomials(d)), len(powers)), dtype=complex)
    for column, (i, j) in enumerate(powers):
        every = np.ones(1, dtype=complex)
        for factor in (0,) * i + (1,) * j:
            every = np.multiply.outer(every, weights[factor]).ravel()
        np.add.at(found[:, column], _places(d, i + j), every)
    return found


@lru_cache(maxsize=16)
def _monomials(d: int) -> list[tuple[int, ...]]:
    """The places of the ladder operators in each monomial, in order."""
    return [word for degree in _DEGREES for word in combinations_with_replacement(range(d), degree)]


@lru_cache(maxsize=64)
def _places(d: int, degree: int) -> IntArray:
    """The number of the monomial of each product of ``degree`` of d ladder operators, (d ** degree,)."""
    numbers = {word: number for number, word in enumerate(_monomials(d))}
    return np.array([numbers[tuple(sorted(word))] for word in product(range(d), repeat=degree)], dtype=np.intp)


def _in_amplitudes(polynomial: Polynomial) -> dict[tuple[int, int], complex]:
    """c_kl with the polynomial = Σ c_kl {a^k a†^l}, by X = (a + a†)/√2 and P = (a − a†)/√2i."""
    sums: dict[tuple[int, int], complex] = {}
    for (i, j), value in polynomial.pairs:
        for k in range(i + 1):
            for l in range(j + 1):
                # k factors a of X and l of P
                key = (k + l, i + j - k - l)
                share = comb(i, k) * comb(j, l) * (-1j) ** l * 1j ** (j - l) / 2.0 ** (0.5 * (i + j))
                sums[key] = sums.get(key, 0.0j) + complex(value * share)
    largest = max(map(abs, sums.values()), default=0.0)
    return {key: total for key, total in sums.items() if abs(total) > _ROUND_OFF * largest}


def polynomial_operator(polynomial: Polynomial, mode: int, cutoffs: tuple[int, ...]) -> sp.csr_array:
    """The operator of a polynomial of oscillator number ``mode`` between the levels below ``cutoffs``, rad/s."""
    products = _symmetrised(cutoffs[mode])
    single = sum(value * products[powers] for powers, value in _in_amplitudes(polynomial).items())
    return embed(sp.csr_array(single), mode, cutoffs)


def ladder_words(polynomial: Polynomial) -> Iterator[tuple[complex, tuple[int, ...]]]:
    """(c, word) with the polynomial = Σ c word, a word being a product of a (0) and a† (1) in this order."""
    for (lowering, raising), total in _in_amplitudes(polynomial).items():
        words = sorted(set(permutations((0,) * lowering + (1,) * raising)))
        for word in words:
            yield total / len(words), word
