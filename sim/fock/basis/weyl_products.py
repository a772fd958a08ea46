"""Polynomials of quadratures between Fock levels, in Weyl's ordering and without an error of truncation.

Section 7 of sim/README.md.
"""

from collections.abc import Iterator, Sequence
from itertools import permutations
from math import comb

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.levels import LADDER, ladder_operators
from cascade_steering.sim.model.polynomials import MOST_DEGREE, Polynomial

__all__ = ["ladder_words", "polynomial_operator", "weyl_products"]

FloatArray = NDArray[np.float64]
# A product of n ladder operators between kept levels passes at most n/2 levels above them.
_SPARE = MOST_DEGREE // 2


def weyl_products(rows: FloatArray, cutoffs: tuple[int, ...], powers: Sequence[tuple[int, int]]) -> list[sp.csr_array]:
    """{u^i v^j} for each (i, j) of ``powers``, i + j ≤ 4, with (u, v) = ``rows`` (2, d) times ξ; sparse, (D, D).

    The elements are those of the untruncated operators between the levels below ``cutoffs``. With a factor u that is
    linear, ½(uA + Au) has the symbol of u times that of A, so that one factor after the other can be added.
    """
    room = tuple(n + _SPARE for n in cutoffs)
    modes, size = len(cutoffs), int(np.prod(room))
    kept = np.arange(size).reshape(room)[tuple(slice(n) for n in cutoffs)].ravel()
    weights = rows @ np.kron(np.eye(modes), LADDER)
    ladders = ladder_operators(room)
    both = [sp.csr_array(sum(w * each for w, each in zip(row, ladders, strict=True))) for row in weights]
    found: dict[tuple[int, int], sp.csr_array] = {(0, 0): sp.csr_array(sp.eye_array(size, dtype=complex))}

    def product(i: int, j: int) -> sp.csr_array:
        if (i, j) not in found:
            factor, rest = (both[0], product(i - 1, j)) if i else (both[1], product(i, j - 1))
            found[i, j] = sp.csr_array(0.5 * (factor @ rest + rest @ factor))
        return found[i, j]

    return [sp.csr_array(product(i, j)[kept][:, kept]) for i, j in powers]


def polynomial_operator(polynomial: Polynomial, mode: int, cutoffs: tuple[int, ...]) -> sp.csr_array:
    """The operator of a polynomial of oscillator number ``mode`` between the levels below ``cutoffs``, rad/s."""
    rows = np.eye(2 * len(cutoffs))[2 * mode : 2 * mode + 2]
    products = weyl_products(rows, cutoffs, [powers for powers, _ in polynomial.pairs])
    return sp.csr_array(sum(value * each for (_, value), each in zip(polynomial.pairs, products, strict=True)))


def ladder_words(polynomial: Polynomial) -> Iterator[tuple[complex, tuple[int, ...]]]:
    """(c, word) with the polynomial = Σ c word, a word being a product of a (0) and a† (1) in this order.

    What is symmetrised in X and P is symmetrised in a and a†, where X = (a + a†)/√2 and P = (a − a†)/√2i. Terms that
    change the number of quanta are left out where they cancel.
    """
    sums: dict[tuple[int, int], complex] = {}
    for (i, j), value in polynomial.pairs:
        for k in range(i + 1):
            for l in range(j + 1):
                # k factors a of X and l of P
                key = (k + l, i + j - k - l)
                share = comb(i, k) * comb(j, l) * (-1j) ** l * 1j ** (j - l) / 2.0 ** (0.5 * (i + j))
                sums[key] = sums.get(key, 0.0j) + complex(value) * share
    largest = max(map(abs, sums.values()), default=0.0)
    for (lowering, raising), total in sums.items():
        if abs(total) <= 16 * np.finfo(float).eps * largest:
            continue
        words = sorted(set(permutations((0,) * lowering + (1,) * raising)))
        for word in words:
            yield total / len(words), word
