"""Means and covariances of samples that come in batches: joined in order, without large sums of squares."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """How many samples, their mean, and the sums of products of their deviations from it.

    ``mean`` has the shape (..., n) of a sample, ``deviations`` (..., n, n).
    """

    count: int
    mean: FloatArray
    deviations: FloatArray

    @classmethod
    def of(cls, samples: FloatArray) -> Self:
        """The moments of ``samples``, array of shape (count, ..., n)."""
        if not len(samples):
            return cls.constant(np.zeros(samples.shape[1:]), 0)
        mean = samples.mean(axis=0)
        deviations = samples - mean
        return cls(count=len(samples), mean=mean, deviations=np.einsum("s...i,s...j->...ij", deviations, deviations))

    @classmethod
    def constant(cls, value: FloatArray, count: int) -> Self:
        """The moments of ``count`` samples that are all ``value``, array of shape (..., n)."""
        return cls(count=count, mean=value, deviations=np.zeros((*value.shape, value.shape[-1])))

    def joined(self, other: Self) -> Self:
        """The moments of both sets of samples together.

        Chan, Golub and LeVeque, Am. Stat. 37, 242 (1983). The last bits depend on the order.
        """
        if not self.count or not other.count:
            return self if self.count else other
        total = self.count + other.count
        shift = other.mean - self.mean
        products = shift[..., :, None] * shift[..., None, :]
        return type(self)(
            count=total,
            mean=self.mean + shift * (other.count / total),
            deviations=self.deviations + other.deviations + products * (self.count * other.count / total),
        )

    @property
    def covariance(self) -> FloatArray:
        """The unbiased covariance, array of shape (..., n, n); NaN for fewer than two samples."""
        with np.errstate(invalid="ignore", divide="ignore"):
            unbiased: FloatArray = self.deviations / np.float64(self.count - 1)
        return unbiased if self.count > 1 else np.full_like(unbiased, np.nan)
