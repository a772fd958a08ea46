"""Whether a chain has converged: its autocorrelation time, and the scatter between halves of walkers."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Convergence", "converged_chain", "split_r_hat"]

FloatArray = NDArray[np.float64]
# steps in autocorrelation times that an estimate of these needs (Goodman and Weare, Commun. Appl. Math. Comput. Sci. 5,
# 65 (2010)), those left out at the beginning, and the largest R̂: halves of 25 times have 1.02
_LONG_ENOUGH, _BURN_IN, _LARGEST = 50.0, 5.0, 1.03


@dataclass(frozen=True, kw_only=True)
class Convergence:
    """How far a chain is.

    Parameters
    ----------
    steps : of every walker
    autocorrelation_time : the longest of all parameters, in steps
    r_hat : the largest split R̂ of all parameters
    """

    steps: int
    autocorrelation_time: float
    r_hat: float

    @property
    def done(self) -> bool:
        """Whether the chain is longer than 50 autocorrelation times, and R̂ below 1.03."""
        return self.steps > _LONG_ENOUGH * self.autocorrelation_time and self.r_hat < _LARGEST

    @property
    def burn_in(self) -> int:
        """Steps at the beginning that are left out: five autocorrelation times."""
        return min(int(np.ceil(_BURN_IN * self.autocorrelation_time)), self.steps // 2)


def split_r_hat(chain: FloatArray) -> FloatArray:
    """R̂ of each parameter between the halves of all walkers, array of shape (p,).

    The root of the variance of all samples over that within halves (A. Gelman and D. B. Rubin, Stat. Sci. 7, 457
    (1992); halves as in A. Gelman et al., Bayesian Data Analysis (2013)). ``chain`` has the shape (steps, walkers, p).
    """
    length = len(chain) // 2
    halves = np.concatenate([chain[:length], chain[-length:]], axis=1)
    within, between = halves.var(axis=0, ddof=1).mean(axis=0), halves.mean(axis=0).var(axis=0, ddof=1)
    found: FloatArray = np.sqrt((length - 1) / length + between / within)
    return found


def converged_chain(chain: FloatArray) -> Convergence:
    """How far a chain of shape (steps, walkers, p) is; steps ≥ 8."""
    from emcee.autocorr import integrated_time

    with np.errstate(invalid="ignore", divide="ignore"):
        times = integrated_time(chain, tol=0, quiet=True)
        ratios = split_r_hat(chain)
    # walkers that never moved have neither
    longest = float(np.max(times)) if np.all(np.isfinite(times)) else float(len(chain))
    largest = float(np.max(ratios)) if np.all(np.isfinite(ratios)) else float("inf")
    return Convergence(steps=len(chain), autocorrelation_time=max(longest, 1.0), r_hat=largest)
