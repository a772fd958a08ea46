"""Posteriors by emcee: priors, the exact Gaussian limit, convergence, and chains that are continued."""

import functools
import math
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad

from cascade_steering.analysis.identification.fitting import FitProblem, fitted, problem_of
from cascade_steering.analysis.identification.log_likelihood import LogLikelihood
from cascade_steering.analysis.identification.maximum import Fit
from cascade_steering.analysis.identification.posterior.convergence import converged_chain, split_r_hat
from cascade_steering.analysis.identification.posterior.priors import prior_of, priors_of
from cascade_steering.analysis.identification.posterior.sampling_posterior import Chain, sample_posterior
from cascade_steering.analysis.plots.posterior_figure import draw_corner
from cascade_steering.analysis.records.record import Record
from cascade_steering.analysis.results.fitted.fit_result import Posterior
from cascade_steering.analysis.working_points.working_point import WorkingPoint

FloatArray = NDArray[np.float64]
DARK = WorkingPoint(c_minus=5, c_plus=5, theta_plus_pi=0.42, efficiency=0.0)
NAMES = ("calibration-cosine", "calibration-sine")


@pytest.mark.parametrize(
    ("text", "ends"),
    [
        ("uniform:0.5,1", (0.4, 1.2)),
        ("loguniform:0.1,3", (0.05, 4.0)),
        ("normal:1,0.2", (-1.0, 3.0)),
        ("lognormal:2,0.3", (0.1, 20.0)),
    ],
)
def test_a_prior_is_a_density(text: str, ends: tuple[float, float]) -> None:
    prior = prior_of(text)
    inside = [end for end in map(float, text.partition(":")[2].split(",")) if "uniform" in text]
    total, _ = quad(lambda value: math.exp(prior.log_density(value)), *ends, points=inside or None, limit=200)
    assert total == pytest.approx(1.0, abs=1e-6)
    below, _ = quad(lambda value: math.exp(prior.log_density(value)), ends[0], prior.center, points=inside[:1] or None)
    assert below == pytest.approx(0.5, abs=1e-6)
    assert prior_of(prior.text).log_density(prior.center) == prior.log_density(prior.center)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("flat:0,1", "a prior must be one of uniform, loguniform, normal, lognormal"),
        ("normal:1", "normal must have two finite numbers, mean and standard deviation"),
        ("normal:1,inf", "normal must have two finite numbers"),
        ("normal:1,0", "the standard deviation must be above 0"),
        ("uniform:2,1", "the lower bound must be below the upper one"),
        ("loguniform:0,1", "the bounds must be above 0"),
        ("lognormal:-1,1", "must be above 0"),
    ],
)
def test_what_is_no_prior_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^prior of loss: .*{message}"):
        priors_of({"loss": text})
    with pytest.raises(ValueError, match=r"^priors must be of c-minus, .* got 'colour'$"):
        priors_of({"colour": "normal:1,1"})


@functools.cache
def shot_noise() -> tuple[FitProblem, Fit, FloatArray]:
    """A problem whose posterior is known; its model is made once."""
    interval, one = 0.01 * DARK.time_unit, (DARK.model, DARK.initial_state("stationary"))
    values = math.sqrt(interval) * np.random.default_rng(3).standard_normal((1, 500, 2))
    record = Record(values=values, interval=interval, start=0.0, channels=("cosine", "sine"), options={})
    problem = problem_of(record, NAMES, DARK, lambda _: one)
    found = fitted(problem)
    return problem, found, LogLikelihood(problem, NAMES).information(found.estimates)


@functools.cache
def sampled() -> Chain:
    return sample_posterior(*shot_noise(), priors_of({NAMES[0]: "normal:1.03,0.02"}), seed=3)


@pytest.mark.slow
def test_the_posterior_of_a_long_record_is_the_gaussian_limit() -> None:
    problem, found, information = shot_noise()
    chain = sampled()
    assert chain.convergence.done
    # so many independent samples at least, of numbers whose variance is J⁻¹, and (J + 1/σ²)⁻¹ with a prior; with 500
    # intervals the likelihood is not yet quite a parabola: by 1/500 of its width
    count = chain.flat.shape[0] / chain.convergence.autocorrelation_time
    precision = np.diagonal(information) + np.array([0.02**-2, 0.0])
    mean = np.array(list(found.estimates.values()))
    mean[0] = (information[0, 0] * mean[0] + 1.03 * 0.02**-2) / precision[0]
    off = np.sqrt(precision) * (chain.flat.mean(axis=0) - mean)
    assert np.abs(off).max() < 5.5 / math.sqrt(count) + 0.1
    assert np.abs(chain.flat.var(axis=0) * precision - 1.0).max() < 5.5 * math.sqrt(2 / count) + 0.05
    assert chain.acceptance > 0.5
    # the prior is worth as much as the record here, and a wide one nothing
    shares = chain.spread_over_prior()
    assert 0.4 < shares[NAMES[0]] < 1.0
    assert shares[NAMES[1]] < 0.02
    assert problem.likelihood.names == chain.names


@pytest.mark.slow
def test_a_chain_is_continued_bit_for_bit(tmp_path: Path) -> None:
    priors, path = priors_of({NAMES[0]: "normal:1.03,0.02"}), tmp_path / "chain.h5"
    begun = sample_posterior(*shot_noise(), priors, seed=3, most_steps=30, chain=path)
    assert len(begun.samples) == 30
    continued = sample_posterior(*shot_noise(), priors, seed=3, most_steps=60, chain=path)
    np.testing.assert_array_equal(continued.samples, sampled().samples[:60])
    for changed, name in (({"seed": 4}, "seed"), ({"walkers": 6}, "walkers"), ({"identity": {"a": 1}}, "a")):
        with pytest.raises(ValueError, match=f"was made with other {name}: give another file"):
            sample_posterior(*shot_noise(), priors, **{"seed": 3, "chain": path, **changed})  # type: ignore[arg-type]
    (tmp_path / "text.h5").write_text("no chain")
    with pytest.raises(ValueError, match=r"text\.h5': cannot be opened: "):
        sample_posterior(*shot_noise(), chain=tmp_path / "text.h5")


@pytest.mark.slow
def test_a_corner_figure_says_of_which_share_its_intervals_are(tmp_path: Path) -> None:
    chain = sampled()
    figure = draw_corner(chain, tmp_path / "corner.png")
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert len(titles) == len(NAMES)
    for name, title, samples in zip(NAMES, titles, chain.flat.T, strict=True):
        low, median, high = np.quantile(samples, (0.025, 0.5, 0.975))
        assert title == f"{name}: {median:.4g}\n95 %: {low:.4g} to {high:.4g}"


def test_a_chain_that_is_short_gives_no_interval() -> None:
    chain = sample_posterior(*shot_noise(), most_steps=12)
    short = Posterior(chain=chain, problem=shot_noise()[0])
    assert not short.converged
    assert "not converged" in str(short)
    with pytest.raises(ArithmeticError, match=r"^the chain has not converged: 12 steps are "):
        short.quantiles(0.5)
    for wrong, message in (({"walkers": 3}, "walkers must be"), ({"most_steps": 2}, "steps must be")):
        with pytest.raises(ValueError, match=message):
            sample_posterior(*shot_noise(), **wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="a prior of 'loss' needs it among the parameters"):
        sample_posterior(*shot_noise(), priors_of({"loss": "uniform:0,1"}))
    with pytest.raises(ValueError, match="the priors exclude the bounds of the fit"):
        sample_posterior(*shot_noise(), priors_of({NAMES[0]: "uniform:50,60"}))


def test_walkers_that_are_stuck_apart_have_not_converged() -> None:
    random = np.random.default_rng(1)
    mixed = random.standard_normal((400, 8, 1))
    assert split_r_hat(mixed)[0] < 1.02
    assert converged_chain(mixed).done
    apart = mixed + np.repeat([0.0, 2.0], 4)[:, None]
    assert split_r_hat(apart)[0] > 1.3
    assert not converged_chain(apart).done
    # one that drifts, and one that never moved
    assert not converged_chain(mixed + np.linspace(0, 5, 400)[:, None, None]).done
    assert not converged_chain(np.ones((400, 8, 1))).done
