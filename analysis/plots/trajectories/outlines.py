"""Outlines in phase space, for figures and for the page in the browser, without what draws either."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["ellipse"]

FloatArray = NDArray[np.float64]
# more corners cannot be seen
_CORNERS = 73


def ellipse(centre: Sequence[float] | FloatArray, covariance: FloatArray) -> FloatArray:
    """The closed outline of one standard deviation of a covariance (2, 2) around its centre; array of shape (n, 2)."""
    values, vectors = np.linalg.eigh(covariance)
    angles = np.linspace(0.0, 2.0 * np.pi, _CORNERS)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    result: FloatArray = np.asarray(centre) + circle * np.sqrt(np.maximum(values, 0.0)) @ vectors.T
    return result
