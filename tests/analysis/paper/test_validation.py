import dataclasses
import functools
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from cascade_steering.analysis.paper import exact_suites, sampled_suites, validation
from cascade_steering.analysis.paper.known_result import KnownResult
from cascade_steering.sim.gaussian.filtering import filter_record
from cascade_steering.sim.parameters import Detection


def check(value: float, tolerance: float = 0.1) -> KnownResult:
    return KnownResult(name="a number", value=value, expected=1.0, tolerance=tolerance, why="known")


def test_a_check_passes_within_its_tolerance() -> None:
    assert check(1.05).passed
    assert check(0.95).passed
    assert check(1.0, tolerance=0.0).passed
    assert not check(1.15).passed
    assert not check(0.85).passed
    assert not check(math.nan).passed
    assert not check(math.inf).passed


@functools.cache
def results() -> tuple[KnownResult, ...]:
    return tuple(check for suite in validation.SUITES for check in suite())


@pytest.mark.slow
def test_this_installation_is_valid() -> None:
    assert [each.name for each in results() if not each.passed] == []


@pytest.mark.slow
def test_every_check_says_what_it_is_and_why() -> None:
    names = [each.name for each in results()]
    assert len(set(names)) == len(names)
    assert all(each.why for each in results())
    # both directions, the engines and the filter all have their say
    for word in ("E_plus_given_minus", "E_minus_given_plus", "Riccati", "master equation", "QuTiP", "innovations"):
        assert any(word in name for name in names)


def scaled(function: Callable[..., Any], factor: float) -> Callable[..., Any]:
    return lambda *args, **kwargs: factor * function(*args, **kwargs)


def replaced(function: Callable[..., Any], **factors: float) -> Callable[..., Any]:
    """``function`` with factors on fields of the object that it returns."""

    def wrong(*args: Any, **kwargs: Any) -> Any:
        found = function(*args, **kwargs)
        return dataclasses.replace(found, **{name: factor * getattr(found, name) for name, factor in factors.items()})

    return wrong


def failures(suite: Callable[[], Any]) -> list[str]:
    return [each.name for each in suite() if not each.passed]


def test_a_wrong_closed_form_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    right = exact_suites.analytic.steering_parameters
    wrong = SimpleNamespace(steering_parameters=lambda point: [(1 + 1e-6) * each for each in right(point)])
    monkeypatch.setattr(exact_suites, "analytic", wrong)
    assert len(failures(exact_suites.closed_forms)) == 4


def test_a_wrong_moments_engine_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exact_suites, "steady_state", scaled(exact_suites.steady_state, 1 + 1e-6))
    assert all("moments engine" in name for name in failures(exact_suites.closed_forms))
    assert len(failures(exact_suites.closed_forms)) == 2
    assert len(failures(exact_suites.riccati)) == 3


@pytest.mark.slow
def test_a_wrong_master_equation_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        exact_suites, "fock_steady_state", replaced(exact_suites.fock_steady_state, covariance=1 + 1e-5)
    )
    assert len(failures(exact_suites.fock_steady)) == 2
    assert len(failures(exact_suites.fock_steady_large)) == 1


@pytest.mark.parametrize("factor", [0.8, 1.25])
def test_a_wrong_scatter_of_the_means_is_seen(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    right = sampled_suites.simulate

    def wrong(*args: Any, **kwargs: Any) -> Any:
        dataset = right(*args, **kwargs)
        return dataset.assign(scatter_root=math.sqrt(factor) * dataset["scatter_root"])

    monkeypatch.setattr(sampled_suites, "simulate", wrong)
    assert len(failures(sampled_suites.ensembles)) == 2


@pytest.mark.parametrize("factor", [0.5, 1.4])
def test_wrong_innovations_are_seen(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    monkeypatch.setattr(sampled_suites, "filter_record", replaced(filter_record, innovations=factor))
    assert failures(sampled_suites.whiteness_of_the_record) == [
        "innovations, right model: variance less 1 beyond 4 standard errors"
    ]


def test_a_check_without_power_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    # a filter that is right whatever the phase cannot tell models apart
    monkeypatch.setattr(
        sampled_suites, "Detection", lambda lo_phase_pi, efficiency: Detection(lo_phase_pi=0.4, efficiency=efficiency)
    )
    assert failures(sampled_suites.whiteness_of_the_record) == [
        "innovations, wrong LO phase: variance less 1 beyond 4 standard errors"
    ]


@pytest.mark.long
@pytest.mark.slow
def test_trajectories_that_tend_elsewhere_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    # an error that does not shrink with the step lowers the order
    monkeypatch.setattr(sampled_suites, "filter_record", replaced(filter_record, means=1.05))
    monkeypatch.setattr(sampled_suites, "transient", scaled(sampled_suites.transient, 1.02))
    assert len(failures(sampled_suites.stochastic_order)) == 2
