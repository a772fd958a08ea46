"""A block of trajectories, computed and reduced where a worker is: all that a worker process has to import."""

import warnings
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from sim.states import Trajectories

FloatArray = NDArray[np.float64]


class Engine(Protocol):
    """What computes trajectories once everything they share is known. Must pickle."""

    def run(self, entropy: int, trajectories: range) -> Trajectories:
        """The trajectories of the given indices; each a function of (entropy, index) alone."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """A block of trajectories reduced to its means over them and the sums of squared deviations from those.

    ``mean`` (saves + 1, d), ``mean_deviations`` (saves + 1, d, d), ``covariance`` (saves + 1, d, d)
    and ``covariance_deviations`` (saves + 1, d, d, d, d), between every two entries; ``warnings`` of the
    engine; the rest as in ``sim.states.Trajectories``.
    """

    count: int
    mean: FloatArray
    mean_deviations: FloatArray
    covariance: FloatArray
    covariance_deviations: FloatArray
    diagnostics: dict[str, FloatArray]
    kept_means: FloatArray
    kept_records: FloatArray
    warnings: tuple[Warning, ...] = ()


def compute(engine: Engine, seed: int, indices: range, keep: int) -> Block:
    """The trajectories ``indices`` of the ensemble ``seed``, reduced; the first ``keep`` of the ensemble kept."""
    # not every backend caps the threads of the linear algebra; workers × threads would thrash
    with threadpool_limits(1), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        reduced = reduce(engine.run(seed, indices), min(max(keep - indices.start, 0), len(indices)))
    issued = tuple(each.message for each in caught if isinstance(each.message, Warning))
    return replace(reduced, warnings=issued)


def reduce(block: Trajectories, keep: int) -> Block:
    """The moments of a block, and its first ``keep`` trajectories."""
    mean = block.means.mean(axis=0)
    deviations = block.means - mean
    shared = block.covariances.ndim == mean.ndim + 1
    covariance = block.covariances if shared else block.covariances.mean(axis=0)
    if shared:
        spread = np.zeros(covariance.shape + covariance.shape[-2:])
    else:
        fluctuations = block.covariances - covariance
        spread = np.einsum("ntij,ntkl->tijkl", fluctuations, fluctuations)
    return Block(
        count=block.means.shape[0],
        mean=mean,
        mean_deviations=np.einsum("nti,ntj->tij", deviations, deviations),
        covariance=covariance,
        covariance_deviations=spread,
        diagnostics=block.diagnostics,
        kept_means=block.means[:keep],
        kept_records=block.record[:keep],
    )
