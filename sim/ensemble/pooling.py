"""Means and covariances of samples in batches, which are joined in order and without large sums of squares."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.roots import product, stacked, triangular

__all__ = ["Moments"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Moments:
    """The number of samples, their mean, and a root of the sums of products of their deviations from the mean.

    ``mean`` has the shape (..., n) of a sample. ``root`` (..., n, n) is the upper triangular R with RᵀR equal to these
    sums, which keeps the digits of inferred variances if variances are large (see ``sim.roots``); it may
    have fewer rows.
    """

    count: int
    mean: FloatArray
    root: FloatArray

    @classmethod
    def of(cls, samples: FloatArray) -> Self:
        """The moments of ``samples``, array of shape (count, ..., n)."""
        if not len(samples):
            return cls.constant(np.zeros(samples.shape[1:]), 0)
        mean = samples.mean(axis=0)
        return cls(count=len(samples), mean=mean, root=triangular(np.moveaxis(samples - mean, 0, -2)))

    @classmethod
    def constant(cls, value: FloatArray, count: int) -> Self:
        """The moments of ``count`` samples that are all ``value``, array of shape (..., n)."""
        return cls(count=count, mean=value, root=np.zeros((*value.shape, value.shape[-1])))

    @classmethod
    def shared(cls, value: FloatArray, count: int) -> Self:
        """The same as ``constant``, with a root that has no rows and takes no memory."""
        return cls(count=count, mean=value, root=np.zeros((*value.shape[:-1], 0, value.shape[-1])))

    def joined(self, other: Self) -> Self:
        """The moments of both sets of samples together.

        Chan, Golub and LeVeque, Am. Stat. 37, 242 (1983). The last bits depend on the order.
        """
        if not self.count or not other.count:
            return self if self.count else other
        total = self.count + other.count
        shift = other.mean - self.mean
        between = shift[..., None, :] * np.sqrt(self.count * other.count / total)
        alike = not (self.root.any() or other.root.any() or between.any())
        return type(self)(
            count=total,
            mean=self.mean + shift * (other.count / total),
            root=self.root if alike else stacked(self.root, other.root, between),
        )

    @property
    def deviations(self) -> FloatArray:
        """The sums of products of deviations from the mean, array of shape (..., n, n)."""
        return product(self.root)

    @property
    def covariance(self) -> FloatArray:
        """The unbiased covariance, array of shape (..., n, n); NaN for fewer than two samples."""
        return product(self.covariance_root)

    @property
    def covariance_root(self) -> FloatArray:
        """A root of ``covariance``, array of shape (..., n, n); NaN for fewer than two samples."""
        return self.root / np.sqrt(self.count - 1) if self.count > 1 else np.full_like(self.root, np.nan)
