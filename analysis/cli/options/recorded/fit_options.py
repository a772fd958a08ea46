"""The options of the command that fits: what is asked for beside the fit."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from cascade_steering.analysis.cli.options.kinds import FILE, Text, options


def parameter_names(text: str) -> tuple[str, ...]:
    """Names of parameters, separated by commas. Raises ValueError for another, or one given twice."""
    from cascade_steering.analysis.identification.fit_parameters import names

    return names(text)


class PriorTexts(dict[str, str]):
    """The texts of priors, by the name of the parameter."""


class Priors(click.ParamType[Any]):
    """Priors of parameters, ``NAME=KIND:NUMBER,NUMBER`` separated by semicolons, or a table of them in a file."""

    name = "priors"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> PriorTexts:
        """The texts of the priors by name, from text or from the table of a configuration file."""
        from cascade_steering.analysis.identification.posterior.priors import priors_of

        pairs = value if isinstance(value, Mapping) else self._pairs(str(value), param, ctx)
        for name, text in pairs.items():
            if not isinstance(text, str):
                self.fail(f"prior of {name} must be text such as 'normal:0.9,0.02', got {text!r}", param, ctx)
        try:
            return PriorTexts({name: prior.text for name, prior in priors_of(pairs).items()})
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def _pairs(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> dict[str, str]:
        found: dict[str, str] = {}
        for each in text.split(";"):
            name, equals, prior = each.partition("=")
            if not equals:
                self.fail(f"priors must be NAME=KIND:NUMBER,NUMBER, separated by semicolons, got {each!r}", param, ctx)
            if name.strip() in found:
                self.fail(f"prior of {name.strip()} is given twice", param, ctx)
            found[name.strip()] = prior.strip()
        return found


FREE = click.option(
    "--free", type=Text("parameters", parameter_names), default=None, metavar="NAME,NAME,...", show_default="none",
    help="What else is not known: E and d then come with the interval that the record leaves, over all of these.",
)  # fmt: skip
ASKED = options(
    click.option("--profile", is_flag=True, help="All intervals by profile likelihood, not only those near bounds."),
    click.option("--steering", is_flag=True,
                 help="E and d of the fitted parameters, with the intervals that the record leaves them."),
    FREE,
    click.option("--detectable", is_flag=True,
                 help="How wrong each parameter may be before the record shows it with a probability of 0.9."),
    click.option("--posterior", is_flag=True, help="The posterior of the parameters, by emcee, beside the maximum."),
    click.option("--priors", type=Priors(), default=None, metavar="NAME=KIND:NUMBER,NUMBER;...",
                 show_default="uniform over the bounds of the fit",
                 help="With --posterior: uniform:LOW,HIGH, loguniform:LOW,HIGH, normal:MEAN,SD or lognormal:MEDIAN,SD "
                 "of the logarithm; in a file a table [priors]."),
    click.option("--walkers", type=click.IntRange(min=2), default=None, show_default="4 for each parameter",
                 help="With --posterior: walkers of the sampler, at least 2 for each parameter."),
    click.option("--steps", type=click.IntRange(min=8), default=5000, show_default=True,
                 help="With --posterior: steps of every walker, at most; the chain ends when it has converged."),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True,
                 help="With --posterior: seed of the chain."),
    click.option("--chain", type=FILE, default=None, metavar="FILE.h5", show_default="none",
                 help="With --posterior: keep every step in this file, and continue from it if it is there."),
    click.option("--corner", type=FILE, default=None, metavar="FILE", show_default="none",
                 help="With --posterior: the corner figure."),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class FitOptions:
    """What is asked for beside the most likely parameters.

    Parameters
    ----------
    profile : all intervals by profile likelihood
    steering, free : E and d with intervals, over the fitted parameters and those that are free beside them
    detectable : which errors the record would show
    posterior, priors, walkers, steps, seed, chain, corner : of the sampler
    """

    profile: bool
    steering: bool
    free: tuple[str, ...] | None
    detectable: bool
    posterior: bool
    priors: PriorTexts | None
    walkers: int | None
    steps: int
    seed: int
    chain: Path | None
    corner: Path | None

    def require_sense(self, parameters: tuple[str, ...]) -> None:
        """Raise ValueError for options of the posterior without it, and for a free parameter that is fitted."""
        of_sampler = {"priors": self.priors, "walkers": self.walkers, "chain": self.chain, "corner": self.corner}
        for name, value in of_sampler.items():
            if value is not None and not self.posterior:
                raise ValueError(f"--{name} has no meaning without --posterior")
        for name in self.free or ():
            if name in parameters:
                raise ValueError(f"--free names {name}, which is fitted already")
        for name in self.priors or {}:
            if name not in parameters:
                raise ValueError(f"a prior of {name!r} needs it among --parameters: {', '.join(parameters)}")
        if self.posterior:
            from cascade_steering.analysis.identification.posterior.sampling_posterior import require_sampler

            require_sampler()
