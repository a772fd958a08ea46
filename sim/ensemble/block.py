"""A block of trajectories, computed and reduced in a worker process, which imports no more than this needs."""

import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.ensemble.kept_values import kept_values_of, values_of
from cascade_steering.sim.ensemble.pooling import Moments
from cascade_steering.sim.initial_state import Trajectories
from cascade_steering.sim.outputs.saving import NOTHING, Save
from cascade_steering.sim.parallel.carried_warnings import Issued, gathered, joined
from cascade_steering.sim.parallel.linear_algebra import on_one_thread
from cascade_steering.sim.roots import product

__all__ = [
    "Block",
    "Engine",
    "Experiment",
    "Task",
    "compute",
    "one_thread",
    "one_thread_with_warnings_caught",
    "reduce",
    "scatter_error",
]

FloatArray = NDArray[np.float64]
# Limits of threads and caught warnings belong to a process, and a worker process may have several threads.
_ONE_AT_A_TIME = threading.RLock()


class Engine(Protocol):
    """A prepared engine, which computes trajectories of one problem. It can be pickled."""

    def run(self, entropy: int, trajectories: range) -> Trajectories:
        """The trajectories of the given indices; each of them depends on (entropy, index) alone."""


class Experiment(Protocol):
    """A measurement on every trajectory, beside its mean and covariance. It can be pickled.

    One with an attribute ``takes_states`` that is true is given the state of each trajectory at its end.
    """

    @property
    def identity(self) -> Mapping[str, Any]:
        """A name and the settings on which its moments depend, beside model, grid and initial state."""

    def tally(self, entropy: int, indices: range, trajectories: Trajectories) -> dict[str, Moments]:
        """Moments over the trajectories of the given indices, by name; each trajectory has its own random numbers."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """A block of trajectories, or a whole ensemble, reduced to its moments.

    Parameters
    ----------
    mean : moments of the conditional means, samples of shape (saves + 1, d)
    covariance : moments of the conditional covariances, samples of shape (saves + 1, d²); the root of their deviations,
        d⁴ numbers at each save, has no rows if all trajectories share them
    diagnostics : the worst value of each diagnostic of the engine over the trajectories
    kept_means, kept_records : means and records of the kept trajectories, in order: arrays of shape
        (kept, saves + 1, d) and (kept, saves, channels)
    values : moments of purity, observables and the population above the levels of these, samples of shape
        (saves + 1, k); see ``values_of``
    kept_values : other values of the kept trajectories, by name, in order; see ``kept_values_of``
    tallies : moments of an experiment, by name
    warnings : warnings of the engine, by ``module:name`` of their class
    roots : roots of covariances that all trajectories share, as in ``Trajectories``
    squares : moments of (x̄, x̄x̄ᵀ), samples of shape (saves + 1, d + d²), from which the sampling error of the scatter of
        the means follows whatever distribution they have; None where they are Gaussian
    """

    mean: Moments
    covariance: Moments
    diagnostics: Mapping[str, FloatArray]
    kept_means: tuple[FloatArray, ...] = ()
    kept_records: tuple[FloatArray, ...] = ()
    values: Mapping[str, Moments] = field(default_factory=dict)
    kept_values: Mapping[str, tuple[FloatArray, ...]] = field(default_factory=dict)
    tallies: Mapping[str, Moments] = field(default_factory=dict)
    warnings: Mapping[str, Issued] = field(default_factory=dict)
    roots: FloatArray | None = None
    squares: Moments | None = None

    @property
    def count(self) -> int:
        """The number of trajectories."""
        return self.mean.count

    def joined(self, other: Self) -> Self:
        """The moments of both blocks together; ``other`` comes after this one."""
        return type(self)(
            mean=self.mean.joined(other.mean),
            covariance=self.covariance.joined(other.covariance),
            diagnostics={
                name: _worst(name, np.stack([value, other.diagnostics[name]]))
                for name, value in self.diagnostics.items()
            },
            kept_means=self.kept_means + other.kept_means,
            kept_records=self.kept_records + other.kept_records,
            values={name: value.joined(other.values[name]) for name, value in self.values.items()},
            kept_values={
                name: self.kept_values.get(name, ()) + other.kept_values.get(name, ())
                for name in dict.fromkeys([*self.kept_values, *other.kept_values])
            },
            tallies={name: value.joined(other.tallies[name]) for name, value in self.tallies.items()},
            warnings=joined(self.warnings, other.warnings),
            roots=self.roots,
            squares=None if self.squares is None or other.squares is None else self.squares.joined(other.squares),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Task:
    """What the blocks of an ensemble share.

    Parameters
    ----------
    engine : the prepared engine
    seed : entropy of the ensemble
    keep : number of trajectories that are kept
    experiment : a measurement on every trajectory, or None
    save : what is returned of a state beside mean and covariance
    gaussian : whether the conditional means are Gaussian
    """

    engine: Engine
    seed: int
    keep: int = 0
    experiment: Experiment | None = None
    save: Save = NOTHING
    gaussian: bool = True

    def __call__(self, indices: range) -> tuple[Block, float]:
        """The block of these trajectories, and the time it took, seconds."""
        started = time.perf_counter()
        block = compute(self.engine, self.seed, indices, self.keep, self.experiment, self.save, gaussian=self.gaussian)
        return block, time.perf_counter() - started


@contextmanager
def one_thread() -> Iterator[None]:
    """Linear algebra on one thread, since its last bits depend on their number; for one caller at a time."""
    with _ONE_AT_A_TIME, on_one_thread():
        yield


@contextmanager
def one_thread_with_warnings_caught() -> Iterator[list[warnings.WarningMessage]]:
    """``one_thread``, with all warnings caught."""
    # Not every backend limits the threads of linear algebra, and workers × threads would be too many.
    with one_thread(), warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield caught


def compute(
    engine: Engine,
    seed: int,
    indices: range,
    keep: int,
    experiment: Experiment | None = None,
    save: Save = NOTHING,
    *,
    gaussian: bool = True,
) -> Block:
    """The reduced block of trajectories ``indices`` of the ensemble ``seed``.

    The first ``keep`` trajectories of the ensemble are kept.
    """
    with one_thread_with_warnings_caught() as caught:
        trajectories = engine.run(seed, indices)
        tallies = {} if experiment is None else experiment.tally(seed, indices, trajectories)
    kept = min(max(keep - indices.start, 0), len(indices))
    return reduce(trajectories, kept, tallies, gathered(caught), save, gaussian=gaussian)


def reduce(
    block: Trajectories,
    keep: int,
    tallies: Mapping[str, Moments] | None = None,
    issued: Mapping[str, Issued] | None = None,
    save: Save = NOTHING,
    *,
    gaussian: bool = True,
) -> Block:
    """The moments of a block, and what is kept of its first ``keep`` trajectories."""
    count = len(block.means)
    entries = block.covariances.reshape(*block.covariances.shape[:-2], -1)
    shared = block.covariances.ndim == block.means.ndim
    values = values_of(block, save)
    return Block(
        mean=Moments.of(block.means),
        covariance=Moments.shared(entries, count) if shared else Moments.of(entries),
        diagnostics={name: _worst(name, values) for name, values in block.diagnostics.items()},
        kept_means=(block.means[:keep],) if keep else (),
        kept_records=(block.record[:keep],) if keep else (),
        values={name: _moments(each, count) for name, each in values.items()},
        kept_values=kept_values_of(block, values, save, keep) if keep else {},
        tallies=tallies or {},
        warnings=issued or {},
        roots=block.roots,
        squares=None if gaussian else Moments.of(_with_squares(block.means)),
    )


def _with_squares(means: FloatArray) -> FloatArray:
    """x̄ and the entries of x̄x̄ᵀ, array of shape (n, saves + 1, d + d²)."""
    squares = means[..., :, None] * means[..., None, :]
    return np.concatenate([means, squares.reshape(*means.shape[:-1], -1)], axis=-1)


def _worst(name: str, values: FloatArray) -> FloatArray:
    """The worst value of a diagnostic along the first axis."""
    return np.asarray(values.min(axis=0) if name.startswith("min_") else values.max(axis=0))


def _moments(samples: FloatArray, count: int) -> Moments:
    """The moments of samples (n, saves + 1, k), or of ``count`` equal samples (saves + 1, k)."""
    return Moments.of(samples) if samples.ndim > 2 else Moments.constant(samples, count)


def scatter_error(block: Block) -> FloatArray | None:
    """The covariance of the errors of the entries of the scatter S, array of shape (saves + 1, d, d, d, d).

    S is the average of (x̄x̄ᵀ)_i − μx̄_iᵀ − x̄_iμᵀ and a constant, μ the mean of x̄: linear in ``squares`` of the block. NaN
    for a single trajectory; None where the means are Gaussian. Section 8 of sim/README.md.
    """
    if block.squares is None:
        return None
    centre, d = block.mean.mean, block.mean.mean.shape[-1]
    shift = -centre[:, None, :, None] * np.eye(d)[:, None, :]
    shift = shift + np.swapaxes(shift, -1, -2)
    root = block.squares.covariance_root
    added = root[..., d:] + np.einsum("tra,taij->trij", root[..., :d], shift).reshape(*root.shape[:-1], -1)
    return np.asarray(product(added)).reshape(*centre.shape, d, d, d) / block.count
