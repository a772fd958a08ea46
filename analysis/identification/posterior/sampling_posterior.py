"""Samples of the posterior by emcee, from the exact likelihood. Section 8 of sim/README.md.

Half of the moves propose from a t distribution with the covariance (J + Π)⁻¹ of the Gaussian limit, Π the precision of
the priors, around the maximum, and accept by the exact posterior; where the record is long nearly all are accepted, and
neighbouring steps are all but independent. The other half are the stretch moves of Goodman and Weare.
"""

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.identification.fitting import FitProblem
from cascade_steering.analysis.identification.likelihood import Box
from cascade_steering.analysis.identification.maximum import Fit
from cascade_steering.analysis.identification.posterior.convergence import Convergence, converged_chain
from cascade_steering.analysis.identification.posterior.priors import Prior, prior_of
from cascade_steering.sim.parameters import require_count

if TYPE_CHECKING:
    import emcee

__all__ = ["Chain", "require_sampler", "sample_posterior"]

FloatArray = NDArray[np.float64]
# degrees of freedom of the t distribution: its tails are longer than those of any posterior near its Gaussian limit
_FREEDOM = 5.0
# share of those moves, steps between judgements of convergence, and trials for a first possible place of a walker
_INDEPENDENT, _BETWEEN, _TRIALS = 0.5, 100, 1000
_IDENTITY = "cascade_steering"


@dataclass(frozen=True, kw_only=True, eq=False)
class Chain:
    """Samples of the posterior.

    Parameters
    ----------
    names : of the parameters
    samples : all steps of all walkers, array of shape (steps, walkers, p)
    convergence : how far the chain is
    acceptance : share of moves that were accepted
    priors : by name, those that were not given among them
    """

    names: tuple[str, ...]
    samples: FloatArray
    convergence: Convergence
    acceptance: float
    priors: dict[str, Prior]

    @property
    def flat(self) -> FloatArray:
        """The samples after the beginning, array of shape (samples, p)."""
        return self.samples[self.convergence.burn_in :].reshape(-1, len(self.names))

    def spread_over_prior(self) -> dict[str, float]:
        """The standard deviation of each parameter over that of its prior; near 1 the record says nothing of it."""
        return {
            name: float(spread) / self.priors[name].spread
            for name, spread in zip(self.names, self.flat.std(axis=0), strict=True)
        }


def require_sampler() -> None:
    """Raise ValueError where emcee or h5py is not installed."""
    try:
        import emcee  # noqa: F401
        import h5py  # noqa: F401
    except ImportError as error:
        raise ValueError(
            f"a posterior needs emcee and h5py: pip install 'cascade-steering[posterior]' ({error})"
        ) from None


def sample_posterior(
    problem: FitProblem,
    found: Fit,
    information: FloatArray,
    given: Mapping[str, Prior] | None = None,
    *,
    walkers: int | None = None,
    most_steps: int = 5000,
    seed: int = 0,
    chain: Path | None = None,
    identity: Mapping[str, Any] | None = None,
    advance: Callable[[int], None] | None = None,
) -> Chain:
    """Samples until the chain has converged, or ``most_steps`` in all. Section 8 of sim/README.md.

    Parameters
    ----------
    problem, found, information : the likelihood, its maximum, and the information there (p, p)
    given : priors by name; a parameter without one has a uniform prior over the bounds of the fit
    walkers : at least 2p; left out, 4p
    seed : the same seed gives the same samples
    chain : a file (HDF5) that keeps every step, and is continued if it is there
    identity : beside parameters, priors, walkers and seed what the file must have been made with
    advance : called with the number of steps after each

    Raises ValueError for a prior of another parameter or that excludes the bounds, for walkers or steps out of range,
    and for a file of another chain.
    """
    require_sampler()
    names = problem.likelihood.names
    size = len(names)
    count = max(4 * size, 8) if walkers is None else walkers
    require_count(count, "walkers", low=2 * size)
    require_count(most_steps, "steps", low=8)
    priors = _priors(problem, given or {})
    made_with = {
        **(identity or {}), "parameters": list(names), "walkers": count, "seed": seed,
        "priors": {name: each.text for name, each in priors.items()},
    }  # fmt: skip
    backend = None if chain is None else _file(chain, made_with, count, size)
    sampler, start = _sampler(problem, found, information, priors, count, seed, backend)
    state = start()
    for steps in _steps(sampler, state, most_steps, advance):
        if (steps % _BETWEEN == 0 or steps >= most_steps) and converged_chain(sampler.get_chain()).done:
            break
    samples = sampler.get_chain()
    return Chain(
        names=names,
        samples=samples,
        convergence=converged_chain(samples),
        acceptance=float(np.mean(sampler.acceptance_fraction)),
        priors=priors,
    )


def _steps(
    sampler: "emcee.EnsembleSampler", state: Any, most: int, advance: Callable[[int], None] | None
) -> Iterator[int]:
    """The number of steps that the chain has, before the first move and after each; moves until it has ``most``."""
    done = int(sampler.backend.iteration)
    if done >= 8:
        yield done
    if done >= most:
        return
    for _ in sampler.sample(state, iterations=most - done, skip_initial_state_check=True):
        done += 1
        if advance is not None:
            advance(1)
        if done >= 8:
            yield done


def _priors(problem: FitProblem, given: Mapping[str, Prior]) -> dict[str, Prior]:
    names, box = problem.likelihood.names, problem.likelihood.box
    for name in given:
        if name not in names:
            raise ValueError(f"a prior of {name!r} needs it among the parameters: {', '.join(names)}")
    bounds = zip(names, box.low.tolist(), box.high.tolist(), strict=True)
    return {name: given[name] if name in given else prior_of(f"uniform:{low!r},{high!r}") for name, low, high in bounds}


def _sampler(
    problem: FitProblem, found: Fit, information: FloatArray, priors: dict[str, Prior], count: int, seed: int,
    backend: Any,
) -> "tuple[emcee.EnsembleSampler, Callable[[], Any]]":  # fmt: skip
    import emcee

    names, likelihood = problem.likelihood.names, problem.likelihood
    densities = [priors[name].log_density for name in names]
    supports = np.array([priors[name].support for name in names])
    box = Box(low=np.maximum(likelihood.box.low, supports[:, 0]), high=np.minimum(likelihood.box.high, supports[:, 1]))
    if np.any(box.low >= box.high):
        raise ValueError("the priors exclude the bounds of the fit: begin nearer to them, or take wider ones")

    def log_posterior(point: FloatArray) -> float:
        if np.any(point < box.low) or np.any(point > box.high):
            return -math.inf
        prior = math.fsum(density(float(value)) for density, value in zip(densities, point, strict=True))
        there = likelihood.possible(point) if math.isfinite(prior) else None
        return -math.inf if there is None else prior + there.value

    center = box.nearest(np.array([found.estimates[name] for name in names]))
    spreads = np.array([priors[name].spread for name in names])
    center, root = _gaussian_limit(center, information, priors, spreads)
    center = box.nearest(center)
    moves = [
        (emcee.moves.MHMove(_independent(center, root)), _INDEPENDENT),
        (emcee.moves.StretchMove(), 1.0 - _INDEPENDENT),
    ]
    sampler = emcee.EnsembleSampler(count, len(names), log_posterior, moves=moves, backend=backend)

    def start() -> Any:
        if sampler.backend.iteration:
            return sampler.get_last_sample()
        # emcee has the generator of older numpy
        random = np.random.RandomState(seed)
        places = [_possible(log_posterior, center, root, random) for _ in range(count)]
        return emcee.State(np.array(places), random_state=random.get_state())

    return sampler, start


def _gaussian_limit(
    center: FloatArray, information: FloatArray, priors: dict[str, Prior], spreads: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Mean (p,) and root (p, p) of the covariance of the posterior where the record is long."""
    middle = np.array([each.center for each in priors.values()])
    precision = information + np.diag(spreads**-2.0)
    covariance = np.linalg.inv(precision * np.outer(spreads, spreads)) * np.outer(spreads, spreads)
    gaussian = np.array([each.text.startswith(("normal", "lognormal")) for each in priors.values()])
    pull = np.where(gaussian, (middle - center) * spreads**-2.0, 0.0)
    root = np.linalg.cholesky(0.5 * (covariance + covariance.T))
    return center + covariance @ pull, np.asarray(root, dtype=np.float64)


def _possible(
    log_posterior: Callable[[FloatArray], float], center: FloatArray, root: FloatArray, random: Any
) -> FloatArray:
    """A place of a walker, nearer to the center the more of them were impossible."""
    for trial in range(_TRIALS):
        place: FloatArray = center + 0.99**trial * root @ random.standard_normal(len(center))
        if math.isfinite(log_posterior(place)):
            return place
    raise ValueError("the priors exclude what the record says: no possible values were found near its most likely ones")


def _independent(center: FloatArray, root: FloatArray) -> Callable[[FloatArray, Any], tuple[FloatArray, FloatArray]]:
    """Proposals of a multivariate t distribution, and log q(old) − log q(new) up to a constant."""
    size = len(center)

    def log_density(points: FloatArray) -> FloatArray:
        scaled = np.linalg.solve(root, (points - center).T)
        found: FloatArray = -0.5 * (_FREEDOM + size) * np.log1p(np.sum(scaled**2, axis=0) / _FREEDOM)
        return found

    def propose(points: FloatArray, random: Any) -> tuple[FloatArray, FloatArray]:
        normal, energy = random.standard_normal(points.shape), random.chisquare(_FREEDOM, len(points))
        new = center + (normal * np.sqrt(_FREEDOM / energy)[:, None]) @ root.T
        return new, log_density(points) - log_density(new)

    return propose


def _file(path: Path, made_with: Mapping[str, Any], walkers: int, size: int) -> Any:
    """The backend of a chain in a file, new or to be continued. Raises ValueError for another file."""
    import emcee
    import h5py

    text = json.dumps(made_with, sort_keys=True)
    backend = emcee.backends.HDFBackend(str(path))
    try:
        if not path.exists():
            backend.reset(walkers, size)
            with h5py.File(path, "a") as file:
                file.attrs[_IDENTITY] = text
            return backend
        with h5py.File(path, "r") as file:
            before = file.attrs.get(_IDENTITY)
    except OSError as error:
        raise ValueError(f"chain {str(path)!r}: cannot be opened: {' '.join(str(error).split())}") from None
    if before is None:
        raise ValueError(f"chain {str(path)!r}: is not a chain of this package")
    other = json.loads(before)
    wrong = [name for name in {**other, **made_with} if other.get(name) != json.loads(text).get(name)]
    if wrong:
        raise ValueError(
            f"chain {str(path)!r}: was made with other {', '.join(sorted(wrong))}: give another file, or "
            "the same options"
        )
    return backend
