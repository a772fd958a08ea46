"""The motions that grow under a drift, alone or apart from one another. Section 4 of sim/README.md."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = ["SLOWEST", "Motions", "growing_subspace", "motions_apart"]

FloatArray = NDArray[np.float64]
# A motion whose rate of decay is below this fraction of the largest rate counts as one that grows: E tends to the same.
SLOWEST = 1e-12
# Rates of growth that differ by less than this fraction of the largest one are alike: they grow apart by a factor of 2
# while a variance grows to 1e300.
_ALIKE = 1e-3
# What a motion has of an oscillator before its own, by rounding.
_BEFORE = 1e-9


def growing_subspace(drift: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Orthonormal bases W and W⊥ of the motions that grow, or stay, under a drift A (d, d), and of all others.

    Arrays of shape (d, p) and (d, d − p): A W = W A_g, and W⊥ᵀA W = 0.
    """
    # SciPy's Schur decomposition is needed at unstable points only.
    from scipy.linalg import schur

    edge = -SLOWEST * np.max(np.abs(drift), initial=0.0)
    _, vectors, count = schur(drift, output="real", sort=lambda real, _: real >= edge)
    return vectors[:, :count], vectors[:, count:]


@dataclass(frozen=True, kw_only=True, eq=False)
class Motions:
    """Motions under a drift A (d, d) of which those of several oscillators grow. Section 4 of sim/README.md.

    Parameters
    ----------
    basis : T, one motion in each column, array of shape (d, d)
    acts : which entries of T⁻¹AT are not zero, array of shape (d, d)
    own : the first oscillator that has something of a motion that grows; d for those that settle; array of shape (d,)
    """

    basis: FloatArray
    acts: NDArray[np.bool_]
    own: NDArray[np.intp]


def motions_apart(drift: FloatArray) -> Motions | None:
    """The motions under a drift A (d, d) where more than one oscillator grows, else None. Section 4 of sim/README.md.

    First come the motions that grow, in the order of the light, each exactly zero for oscillators before its own, then
    what settles. Of those that grow only such of the same rate act on others, later ones.
    """
    from scipy.linalg import schur

    growing, rest = growing_subspace(drift)
    if growing.shape[1] <= 2 or len(drift) <= 4:
        # of a pair that grows no E is finite, and each keeps its digits in the order of the light
        return None
    rates = np.sort(np.linalg.eigvals(growing.T @ drift @ growing).real)
    apart = np.flatnonzero(np.diff(rates) > _ALIKE * rates[-1])
    edges = [0.5 * (_rate_of_rest(drift, rest) + rates[0]), *(rates[apart] + rates[apart + 1]) / 2, np.inf]
    columns, kinds = [rest], [(len(drift), 0)] * rest.shape[1]
    for kind, (low, high) in enumerate(pairwise(edges)):
        _, vectors, count = schur(drift, output="real", sort=lambda real, _, a=low, b=high: a < real <= b)
        for oscillator, shown in _staircase(vectors[:, :count]):
            columns.append(shown)
            kinds += [(oscillator, kind)] * shown.shape[1]
    first, kind_of = np.array(kinds).T
    order = np.lexsort((kind_of, first))
    first, kind_of = first[order], kind_of[order]
    settles_too = first == len(drift)
    acts = (kind_of[:, None] == kind_of) & (first[:, None] >= first) & ~settles_too[:, None]
    return Motions(basis=np.concatenate(columns, axis=1)[:, order], acts=acts | settles_too, own=first)


def _rate_of_rest(drift: FloatArray, rest: FloatArray) -> float:
    """The slowest rate of decay, negative; −∞ if nothing decays."""
    return float(np.max(np.linalg.eigvals(rest.T @ drift @ rest).real, initial=-np.inf)) if rest.size else -np.inf


def _staircase(vectors: FloatArray) -> Iterator[tuple[int, FloatArray]]:
    """The span of orthonormal ``vectors`` (d, p) by oscillators: each with what is exactly zero before it, (d, ≤ 2)."""
    for oscillator in range(len(vectors) // 2):
        own = slice(2 * oscillator, 2 * oscillator + 2)
        _, sizes, turned = np.linalg.svd(vectors[own])
        rank = int(np.sum(sizes > _BEFORE))
        if rank:
            yield oscillator, vectors @ turned[:rank].T
        vectors = vectors @ turned[rank:].T
        vectors[: own.stop] = 0.0
