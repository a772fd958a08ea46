"""What one outcome says about another, learned from some runs and tested on others.

The training runs (a, b) give a linear regression, b ≈ c + g a + σ r, and a kernel estimate of the density of r given a:

    q(r|a) = Σ_j w_j(a) N(r − r_j; h²)      w_j(a) ∝ N(a − a_j; h_a²)

Bandwidths, or the plain normal law of r, are chosen by a part of the training runs. Every q, mean and score that comes
out is a valid one for ``analysis.verification.outcome_criteria``: a bad one makes the criterion weaker, not wrong.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

__all__ = ["OutcomeLaw", "cross_fitted"]

FloatArray = NDArray[np.float64]
# Bandwidths over n^(-1/6), the optimal order of a density of two variables; 0 stands for the normal law.
_BANDWIDTHS = (0.0, 0.6, 1.0, 1.6, 2.4)
# Centers of kernels that are kept, runs that choose a bandwidth, and pairs of both that are taken at a time.
_CENTERS, _CHECKED, _PAIRS = 2000, 1500, 500_000
# The share of a wide Cauchy law, so that no outcome is impossible under q.
_TAIL_SHARE, _TAIL_WIDTH = 0.003, 2.0


@dataclass(frozen=True, kw_only=True, eq=False)
class OutcomeLaw:
    """The law of b given a. ``bandwidth`` 0 is the normal law; the other arrays are of shape (centers,)."""

    center: tuple[float, float]
    gain: float
    scales: tuple[float, float]
    known: FloatArray
    residuals: FloatArray
    bandwidth: float

    def standard(self, pairs: FloatArray) -> tuple[FloatArray, FloatArray]:
        """a and the residual r of ``pairs`` (n, 2) in units of their scales."""
        a, b = pairs[:, 0] - self.center[0], pairs[:, 1] - self.center[1]
        return a / self.scales[0], (b - self.gain * a) / self.scales[1]

    def _averages(self, pairs: FloatArray, rows: "Callable[[FloatArray, FloatArray], FloatArray]") -> FloatArray:
        """``rows(r − r_j, w_j)`` of all runs, piece by piece; the last axis is that of runs."""
        known, residuals = self.standard(pairs)
        size = max(1, _PAIRS // max(1, len(self.known)))
        found = []
        for start in range(0, len(known), size):
            part = slice(start, start + size)
            exponent = -0.5 * ((known[part, None] - self.known) / self.bandwidth) ** 2
            weights = np.exp(exponent - np.max(exponent, axis=1, keepdims=True))
            weights /= np.sum(weights, axis=1, keepdims=True)
            found.append(rows(residuals[part, None] - self.residuals, weights))
        return np.concatenate(found, axis=-1)

    def surprise(self, pairs: FloatArray, bin_width: float) -> FloatArray:
        """−ln q(b|a), q averaged over the bin of b if ``bin_width`` is not 0; array of shape (n,)."""
        width = bin_width / self.scales[1]

        def density(apart: FloatArray, weights: FloatArray) -> FloatArray:
            return np.asarray(np.sum(weights * _normal(apart, self.bandwidth, width), axis=1))

        residuals = self.standard(pairs)[1]
        found = self._averages(pairs, density) if self.bandwidth else _normal(residuals, 1.0, width)
        mixed = (1.0 - _TAIL_SHARE) * found + _TAIL_SHARE * _cauchy(residuals, width)
        return np.asarray(math.log(self.scales[1]) - np.log(mixed))

    def errors(self, pairs: FloatArray) -> FloatArray:
        """b less the mean of b given a under the law; array of shape (n,)."""
        residuals = self.standard(pairs)[1]
        if not self.bandwidth:
            return self.scales[1] * residuals
        return self.scales[1] * self._averages(pairs, lambda apart, weights: np.sum(weights * apart, axis=1))

    def scores(self, pairs: FloatArray) -> FloatArray:
        """s = −∂ ln q/∂b and ∂s/∂b; array of shape (2, n)."""
        if not self.bandwidth:
            residuals = self.standard(pairs)[1]
            return np.stack([residuals / self.scales[1], np.full(len(residuals), self.scales[1] ** -2.0)])

        def both(apart: FloatArray, weights: FloatArray) -> FloatArray:
            exponent = np.log(np.maximum(weights, 1e-300)) - 0.5 * (apart / self.bandwidth) ** 2
            shares = np.exp(exponent - np.max(exponent, axis=1, keepdims=True))
            shares /= np.sum(shares, axis=1, keepdims=True)
            mean = np.sum(shares * apart, axis=1)
            spread = np.sum(shares * apart**2, axis=1) - mean**2
            square = self.bandwidth**2
            return np.stack([mean / square, 1.0 / square - spread / square**2])

        found = self._averages(pairs, both)
        return np.stack([found[0] / self.scales[1], found[1] / self.scales[1] ** 2])


# what is to be small, of a law and of runs that it has not seen
_Loss = Callable[[OutcomeLaw, FloatArray], float]


def cross_fitted(
    pairs: FloatArray, loss: _Loss, evaluate: Callable[[OutcomeLaw, FloatArray], FloatArray]
) -> FloatArray:
    """``evaluate`` of each half of the runs with the law of least ``loss`` that the other half has taught.

    Halves are every other run, so they do not depend on outcomes. Arrays whose last axis is that of runs. Section 8 of
    sim/README.md.
    """
    halves = pairs[::2], pairs[1::2]
    return np.concatenate([evaluate(_taught(train, loss), test) for train, test in (halves, halves[::-1])], axis=-1)


def _taught(pairs: FloatArray, loss: _Loss) -> OutcomeLaw:
    train, check = pairs[::2], pairs[1::2][:_CHECKED]
    losses = [loss(_law(train, width), check) for width in _BANDWIDTHS]
    return _law(pairs, _BANDWIDTHS[int(np.argmin(losses))])


def _law(pairs: FloatArray, width: float) -> OutcomeLaw:
    center = pairs.mean(axis=0)
    a, b = (pairs - center).T
    spread = float(a @ a)
    gain = float(a @ b) / spread if spread > 0.0 else 0.0
    residuals = b - gain * a
    scales = float(np.std(a)) or 1.0, float(np.std(residuals)) or 1.0
    kept = slice(None, _CENTERS)
    number = min(len(pairs), _CENTERS)
    return OutcomeLaw(
        center=(float(center[0]), float(center[1])),
        gain=gain,
        scales=scales,
        known=a[kept] / scales[0],
        residuals=residuals[kept] / scales[1],
        bandwidth=width * number ** (-1.0 / 6.0),
    )


def _normal(apart: FloatArray, spread: float, width: float) -> FloatArray:
    """The normal density of standard deviation ``spread``, averaged over ``width``."""
    if not width:
        return np.asarray(np.exp(-0.5 * (apart / spread) ** 2) / (math.sqrt(2.0 * math.pi) * spread))
    return np.asarray((ndtr((apart + width / 2) / spread) - ndtr((apart - width / 2) / spread)) / width)


def _cauchy(apart: FloatArray, width: float) -> FloatArray:
    if not width:
        return np.asarray(_TAIL_WIDTH / (math.pi * (_TAIL_WIDTH**2 + apart**2)))
    ends = [np.arctan((apart + side * width / 2) / _TAIL_WIDTH) for side in (1, -1)]
    return np.asarray((ends[0] - ends[1]) / (math.pi * width))
