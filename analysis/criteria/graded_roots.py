"""The triangular form of a root whose rows differ by any factor. Section 8 of sim/README.md.

Where variances grow, rows of a root are 1e100 times others. Reflections that eliminate the columns of what is measured
round every row relative to its own size if in each step the largest remaining column is taken, and in it the row with
the largest entry (Powell and Reid, Information Processing 68, 122 (1969); Cox and Higham, in Numerical Analysis 1997,
57). A row of 1e100 that the measured columns do not contain is then left as it is, and so are the digits of the others.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["eliminated", "rest_of_root", "triangular_in_order"]

FloatArray = NDArray[np.float64]


def rest_of_root(root: FloatArray, known: int) -> FloatArray:
    """A root of the covariance of what is inferred from the first ``known`` columns; (..., r, d) → (..., s, d − known).

    s is the number of rows that are left, r − known, and at least the number of columns.
    """
    rows, d = root.shape[-2:]
    if rows < d:
        root = np.concatenate([root, np.zeros((*root.shape[:-2], d - rows, d))], axis=-2)
    return eliminated(root, known)[0][..., known:, known:]


def triangular_in_order(root: FloatArray) -> tuple[FloatArray, NDArray[np.intp]]:
    """The triangular root of (..., r, d) with the largest columns first, (..., d, d), and their order, (..., d)."""
    d = root.shape[-1]
    reduced, order = eliminated(root, d)
    return np.triu(reduced[..., :d, :]), order


def eliminated(root: FloatArray, count: int) -> tuple[FloatArray, NDArray[np.intp]]:
    """The root after reflections by which the first ``count`` columns, reordered, are upper triangular, and the order.

    Arrays of shape (..., r, d) with r ≥ count, and (..., d).
    """
    reduced = np.array(root, dtype=np.float64)
    order = np.zeros((*root.shape[:-2], root.shape[-1]), dtype=np.intp) + np.arange(root.shape[-1])
    for step in range(count):
        sizes = np.linalg.norm(reduced[..., step:, step:count], axis=-2)
        swap = _swapped(order.shape, step, step + np.argmax(sizes, axis=-1))
        order = np.take_along_axis(order, swap, axis=-1)
        reduced = np.take_along_axis(reduced, swap[..., None, :], axis=-1)
        largest = step + np.argmax(np.abs(reduced[..., step:, step]), axis=-1)
        swap = _swapped(reduced.shape[:-1], step, largest)
        reduced = np.take_along_axis(reduced, swap[..., None], axis=-2)
        column = reduced[..., step:, step].copy()
        norm = -np.copysign(np.linalg.norm(column, axis=-1), column[..., 0])
        still = norm == 0.0
        weight = np.where(still, 0.0, 1.0 - column[..., 0] / np.where(still, 1.0, norm))
        first = np.where(still, 1.0, column[..., 0] - norm)
        vector = column / first[..., None]
        vector[..., 0] = 1.0
        seen = np.einsum("...i,...ij->...j", vector, reduced[..., step:, step:])
        reduced[..., step:, step:] -= (weight[..., None] * vector)[..., None] * seen[..., None, :]
        reduced[..., step + 1 :, step] = 0.0
    return reduced, order


def _swapped(shape: tuple[int, ...], first: int, second: NDArray[np.intp]) -> NDArray[np.intp]:
    """Indices along the last axis of an array of this shape, in which two places are exchanged."""
    index = np.zeros(shape, dtype=np.intp) + np.arange(shape[-1])
    np.put_along_axis(index, second[..., None], first, axis=-1)
    index[..., first] = second
    return index
