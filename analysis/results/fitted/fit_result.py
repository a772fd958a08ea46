"""What a record says of parameters: the fit, intervals, E and d with what they leave open, and the posterior."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.results.record_results import verdict_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from cascade_steering.analysis.criteria.steering import Direction
    from cascade_steering.analysis.identification.fitting import Built, FitProblem
    from cascade_steering.analysis.identification.informing.detectable import Detectable
    from cascade_steering.analysis.identification.intervals.steering_interval import SteeringOfFit
    from cascade_steering.analysis.identification.log_likelihood import LogLikelihood
    from cascade_steering.analysis.identification.maximum import Fit
    from cascade_steering.analysis.identification.posterior.sampling_posterior import Chain
    from cascade_steering.analysis.records.judging.statistic import Whiteness
    from cascade_steering.analysis.records.record import Record
    from cascade_steering.analysis.records.suspects import Told
    from cascade_steering.analysis.working_points.working_point import WorkingPoint

__all__ = ["FitResult", "Posterior", "likelihood_of"]

FloatArray = NDArray[np.float64]
# draws of which E and d are computed: the ends of their intervals are then known to a twentieth of these
_DRAWS = 300


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class FitResult:
    """Parameters that make a record most probable, with intervals.

    Parameters
    ----------
    fit : as ``analysis.identification.fitting.fitted`` returns it
    problem : the likelihood that was made large
    names : the parameters, in the order of the fit
    point : the working point with what was fitted
    whiteness : whether the record fits even that
    record, built : what was fitted, and what makes the model and the initial state of a working point
    told : values of the record that no noise can have given
    """

    fit: "Fit"
    problem: "FitProblem"
    names: tuple[str, ...]
    point: "WorkingPoint"
    whiteness: "Whiteness"
    record: "Record"
    built: "Built"
    told: "tuple[Told, ...]" = ()

    @classmethod
    def of(cls, point: "WorkingPoint", record: "Record", parameters: Sequence[str], built: "Built") -> Self:
        """The fit of ``WorkingPoint.fit``; ``built`` makes the model and the initial state of a trial point.

        Raises ValueError for names that are no parameters, and as ``analysis.identification.fitting.problem_of`` does,
        and BoundOfSearchError (an ArithmeticError) where the search ended at a bound that is not one of nature.
        """
        from cascade_steering.analysis.identification import fitting
        from cascade_steering.analysis.identification.fit_parameters import with_values
        from cascade_steering.analysis.identification.log_likelihood import plain_names
        from cascade_steering.analysis.records.whiteness import whiteness

        problem = fitting.problem_of(record, plain_names(parameters), point, built)
        found = fitting.fitted(problem)
        fitting.require_result(found, problem)
        return cls(
            fit=found,
            problem=problem,
            names=tuple(parameters),
            point=with_values(point, found.estimates),
            whiteness=whiteness(found.innovations, record.channels, interval=record.interval),
            record=record,
            built=built,
        )

    @property
    def estimates(self) -> dict[str, float]:
        """The fitted values by name."""
        return dict(zip(self.names, self.fit.estimates.values(), strict=True))

    @property
    def standard_errors(self) -> dict[str, float]:
        """By name; infinite for what the record does not determine."""
        return dict(zip(self.names, self.fit.standard_errors.values(), strict=True))

    @property
    def fits(self) -> bool:
        """Whether the record fits the fitted model."""
        return self.whiteness.fits

    def interval(self, name: str, confidence: float = 0.95, *, profiled: bool = False) -> tuple[float, float]:
        """The confidence interval of a parameter, never beyond a bound that nature sets.

        Estimate ± z standard errors, and by profile likelihood where such a bound is near, where the record does not
        determine the parameter, or if ``profiled``. Raises ValueError for one that was not fitted.
        """
        from cascade_steering.analysis.identification.intervals.parameter_interval import parameter_interval

        if name not in self.names:
            raise ValueError(f"name must be one of {', '.join(self.names)}, got {name!r}")
        own = list(self.fit.estimates)[self.names.index(name)]
        return parameter_interval(self.problem, self.fit, own, confidence=confidence, profiled=profiled).interval

    def steering(
        self, free: Sequence[str] = (), *, directions: "Sequence[Direction]" = DIRECTIONS, gain: bool = True
    ) -> "SteeringOfFit":
        """E given the record and d in the steady state of the fitted point, with what the record leaves open of them.

        ``free`` are parameters beside the fitted ones that are not known either. E is that in ``directions``, with d
        unless ``gain`` is false: each of them has a profile of its own, which takes hundreds of evaluations of the
        likelihood. Raises ValueError for names that are no parameters, and for other directions.
        """
        from cascade_steering.analysis.identification.intervals.steering_interval import steering_left
        from cascade_steering.analysis.identification.log_likelihood import plain_names

        for way in directions:
            if way not in DIRECTIONS:
                raise ValueError(f"directions must be among {', '.join(DIRECTIONS)}, got {way!r}")
        own = tuple(self.fit.estimates)
        names = plain_names([*own, *(each for each in free if each not in own)])
        return steering_left(
            self.record, names, self.point, self.built, self.fit.estimates, directions=tuple(directions), gain=gain
        )

    @cached_property
    def information(self) -> FloatArray:
        """The expected information of this record at the fitted parameters, (p, p)."""
        from cascade_steering.analysis.identification.log_likelihood import LogLikelihood

        return LogLikelihood(self.problem, tuple(self.fit.estimates)).information(self.fit.estimates)

    def detectable(self, *, power: float = 0.9, false_alarm: float = 1e-3) -> "Detectable":
        """How wrong a parameter may be before this record shows it with a probability of ``power``.

        By a likelihood-ratio test that refuses a right value with the probability ``false_alarm``.
        """
        from cascade_steering.analysis.identification.informing.detectable import detectable

        return detectable(self.names, self.information, power=power, false_alarm=false_alarm)

    def posterior(
        self,
        priors: Mapping[str, str] | None = None,
        *,
        walkers: int | None = None,
        most_steps: int = 5000,
        seed: int = 0,
        chain: str | Path | None = None,
        advance: Callable[[int], None] | None = None,
    ) -> "Posterior":
        """The posterior of the fitted parameters, by emcee (the extra ``posterior``).

            found = point.fit("record.csv", ["efficiency", "c_minus"]).posterior({"efficiency": "normal:0.9,0.02"})

        Parameters
        ----------
        priors : by name, such as ``uniform:0.5,1``, ``normal:0.9,0.02``, ``lognormal:50,0.1``, ``loguniform:1,100``;
            a parameter without one has a uniform prior over the bounds of the fit
        walkers, most_steps : of the sampler; it ends when the chain has converged
        seed : the same seed gives the same samples
        chain : a file (HDF5) that keeps every step, and is continued if it is there
        advance : called with the number of steps after each

        Raises ValueError for a prior of another parameter, and for a file of another chain.
        """
        from cascade_steering.analysis.identification.posterior.priors import priors_of
        from cascade_steering.analysis.identification.posterior.sampling_posterior import sample_posterior

        found = sample_posterior(
            self.problem, self.fit, self.information, priors_of(priors or {}), walkers=walkers, most_steps=most_steps,
            seed=seed, chain=None if chain is None else Path(chain), identity=self.identity,
            advance=advance,
        )  # fmt: skip
        return Posterior(chain=found, problem=self.problem)

    @property
    def identity(self) -> dict[str, str]:
        """What the likelihood is of: the working point and a digest of the record."""
        import hashlib

        record = hashlib.sha256(np.ascontiguousarray(self.record.values).tobytes()).hexdigest()
        return {"record": record, "point": repr(self.problem.point), "interval": repr(self.record.interval)}

    def __repr__(self) -> str:
        from cascade_steering.analysis.records.judging.findings import findings

        width = max(map(len, self.names))
        errors = self.standard_errors
        lines = [f"{name.ljust(width)}  {value:.6g} +- {errors[name]:.2g}" for name, value in self.estimates.items()]
        own = dict(zip(self.fit.estimates, self.names, strict=True))
        for names, what in (
            (self.fit.undetermined, "not determined by the record"),
            (self.fit.at_bound, "at a bound; its interval is by profile likelihood"),
        ):
            lines += [f"{what}: {', '.join(own[name] for name in names)}"] if names else []
        lines += [] if self.fit.converged else ["the search did not converge: begin nearer to the true values"]
        told = [each.sentence for each in self.told]
        return "\n".join([*lines, *told, *verdict_text(self.whiteness, findings(self.whiteness))])


def likelihood_of(
    point: "WorkingPoint", record: "Record", parameters: Sequence[str], built: "Built"
) -> "LogLikelihood":
    """The log-likelihood of ``WorkingPoint.log_likelihood``. Raises ValueError as that does."""
    from cascade_steering.analysis.identification.fitting import problem_of
    from cascade_steering.analysis.identification.log_likelihood import LogLikelihood, plain_names

    return LogLikelihood(problem_of(record, plain_names(parameters), point, built), tuple(parameters))


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Posterior:
    """Samples of parameters given a record and priors.

    Parameters
    ----------
    chain : the samples, and how far the chain is
    problem : the likelihood
    """

    chain: "Chain"
    problem: "FitProblem"

    @property
    def converged(self) -> bool:
        """Whether the chain is long enough: no interval is given before that."""
        return self.chain.convergence.done

    @cached_property
    def steering_samples(self) -> dict[str, FloatArray]:
        """E given the record and d in the steady state, of up to 300 samples, by names as ``E_plus_given_minus``."""
        from cascade_steering.analysis.identification.intervals.steering_interval import steady_numbers

        flat = self.chain.flat
        some = flat[np.unique(np.linspace(0, len(flat) - 1, _DRAWS).round().astype(int))]
        found = [steady_numbers(self.problem.at(values)) for values in some]
        arrays = {name: np.array([each[name] for each in found]) for name in found[0]}
        # where variances grow without the record there is no d
        return {name: values for name, values in arrays.items() if np.all(np.isfinite(values))}

    def quantiles(self, *shares: float) -> dict[str, tuple[float, ...]]:
        """Quantiles of the parameters, and of E and d, by name. Raises ArithmeticError before the chain converged."""
        if not self.converged:
            state = self.chain.convergence
            raise ArithmeticError(
                f"the chain has not converged: {state.steps} steps are {state.steps / state.autocorrelation_time:.3g} "
                f"autocorrelation times, of 50, and R̂ is {state.r_hat:.3f}, of at most 1.03"
            )
        samples = dict(zip(self.chain.names, self.chain.flat.T, strict=True)) | self.steering_samples
        return {name: tuple(map(float, np.quantile(each, shares))) for name, each in samples.items()}

    def corner(self, path: str | Path) -> "Figure":
        """The corner figure of the samples, written to ``path``. Raises ValueError for a path it cannot be."""
        from cascade_steering.analysis.plots.posterior_figure import draw_corner

        return draw_corner(self.chain, Path(path))

    def __repr__(self) -> str:
        state = self.chain.convergence
        title = (
            f"{state.steps} steps of {self.chain.samples.shape[1]} walkers, autocorrelation time "
            f"{state.autocorrelation_time:.3g}, R̂ {state.r_hat:.3f}"
        )
        if not self.converged:
            return f"{title}: not converged"
        width = max(map(len, self.chain.names))
        lines = [
            f"{name.ljust(width)}  {median:.6g} [{low:.6g}, {high:.6g}]"
            for name, (low, median, high) in self.quantiles(0.025, 0.5, 0.975).items()
        ]
        return "\n".join([title, *lines])
