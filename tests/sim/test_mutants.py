"""What is wrong turns tests red: each mutant below is planted in the package, and tests of the suite are run on it.

Statistical tests are given twice the room they have, so that it is the mutant that they catch and not chance.
"""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from cascade_steering.sim.gaussian.trajectories import Gaussian, GaussianEngine
from cascade_steering.sim.grid import TimeGrid
from cascade_steering.sim.initial_state import Trajectories
from cascade_steering.sim.model.linear_model import LinearModel
from tests.sim.gaussian import simulated_records, test_filtering, test_riccati, test_trajectories
from tests.sim.model import test_model
from tests.support import chance

MODULES: tuple[ModuleType, ...] = (test_model, test_riccati, test_trajectories, test_filtering, simulated_records)
Test = Callable[[], None]


def of(test: Callable[..., None], *arguments: str) -> Test:
    return functools.update_wrapper(functools.partial(test, *arguments), test)


MOMENT_EQUATIONS = of(test_model.test_moment_equations_against_commutators, "mild")
UNCONDITIONAL = of(test_riccati.test_unconditional_steady_state, "mild")
CONDITIONAL = of(test_riccati.test_conditional_steady_state, "mild")
TOTAL_COVARIANCE = of(test_trajectories.test_law_of_total_covariance_at_every_save, "mild", "thermal")
WHITE = of(test_filtering.test_innovations_are_white, "mild")
FILTERED_MEANS = of(test_filtering.test_what_it_does_not_know_is_its_covariance)
TESTS = (MOMENT_EQUATIONS, UNCONDITIONAL, CONDITIONAL, TOTAL_COVARIANCE, WHITE, FILTERED_MEANS)


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """What a model, an engine and a block become, and the tests that see it."""

    model: Callable[[LinearModel], LinearModel] = lambda model: model
    engine: Callable[[GaussianEngine, TimeGrid], GaussianEngine] = lambda engine, _: engine
    block: Callable[[Trajectories], Trajectories] = lambda block: block
    seen_by: tuple[Test, ...]


def noise(factor: Callable[[float], float]) -> Callable[[GaussianEngine, TimeGrid], GaussianEngine]:
    return lambda engine, grid: replace(engine, factors=factor(grid.save_interval) * engine.factors)


def record(factor: float) -> Callable[[Trajectories], Trajectories]:
    return lambda block: replace(block, record=factor * block.record)


def half_the_readout_hidden(model: LinearModel) -> LinearModel:
    """The last channel counted as unseen."""
    return replace(
        model,
        monitored=model.monitored[:-1],
        efficiency=model.efficiency[:-1],
        unmonitored=np.concatenate([model.unmonitored, model.monitored[-1:]]),
        record_names=model.record_names[:-1],
    )


def without(row: int) -> Callable[[LinearModel], LinearModel]:
    """An undetected channel dropped: the two of lost light, then emission and absorption of the baths."""
    return lambda model: replace(model, unmonitored=np.delete(model.unmonitored, row, axis=0))


def loss_after_the_second(model: LinearModel) -> LinearModel:
    """The light of both is lost by as much: what − sends is whole where it drives +."""
    minus, plus = np.array([1.0, 1.0, 0.0, 0.0]), np.array([0.0, 0.0, 1.0, 1.0])
    sent = math.sqrt(1 - test_model.MILD.cascade.loss)
    whole = model.monitored * (minus / sent + plus)
    lost = math.sqrt(1 - sent**2) * whole
    return replace(model, monitored=sent * whole, unmonitored=np.concatenate([lost, model.unmonitored[2:]]))


MODEL = (MOMENT_EQUATIONS, UNCONDITIONAL, CONDITIONAL, TOTAL_COVARIANCE)
NOISE = (TOTAL_COVARIANCE, WHITE)
MUTANTS = {
    "noise halved": Mutant(engine=noise(lambda _: 0.5), seen_by=NOISE),
    "noise × 1.4": Mutant(engine=noise(lambda _: 1.4), seen_by=NOISE),
    "√dt → dt": Mutant(engine=noise(math.sqrt), seen_by=NOISE),
    "record flipped": Mutant(block=record(-1.0), seen_by=(FILTERED_MEANS,)),
    "record halved": Mutant(block=record(0.5), seen_by=(WHITE, FILTERED_MEANS)),
    "efficiency ignored": Mutant(
        model=lambda model: replace(model, efficiency=np.ones_like(model.efficiency)),
        seen_by=(MOMENT_EQUATIONS, CONDITIONAL, TOTAL_COVARIANCE),
    ),
    "sine channel dropped": Mutant(model=half_the_readout_hidden, seen_by=(CONDITIONAL,)),
    "first bath's absorption dropped": Mutant(model=without(3), seen_by=MODEL),
    "second bath's emission dropped": Mutant(model=without(4), seen_by=MODEL),
    "lost light dropped": Mutant(model=without(0), seen_by=MODEL),
    "cascade term dropped": Mutant(model=lambda m: replace(m, hamiltonian=0 * m.hamiltonian), seen_by=MODEL),
    "cascade term reversed": Mutant(model=lambda m: replace(m, hamiltonian=-m.hamiltonian), seen_by=MODEL),
    "loss on the wrong side": Mutant(model=loss_after_the_second, seen_by=MODEL),
    "back-action reversed": Mutant(
        model=lambda m: replace(m, monitored=m.monitored.conj(), unmonitored=m.unmonitored.conj()),
        seen_by=(MOMENT_EQUATIONS, CONDITIONAL),
    ),
}


def planted(mutant: Mutant, patch: pytest.MonkeyPatch) -> None:
    rwa, prepare, run = test_model.rwa, Gaussian.prepare, GaussianEngine.run

    def spoiled_model(*arguments: Any) -> LinearModel:
        return mutant.model(rwa(*arguments))

    def spoiled_engine(self: Gaussian, model: LinearModel, grid: TimeGrid, *rest: Any) -> GaussianEngine:
        return mutant.engine(prepare(self, model, grid, *rest), grid)

    def spoiled_block(self: GaussianEngine, *arguments: Any) -> Trajectories:
        return mutant.block(run(self, *arguments))

    for module in MODULES:
        patch.setattr(module, "rwa", spoiled_model)
    patch.setattr(Gaussian, "prepare", spoiled_engine)
    patch.setattr(GaussianEngine, "run", spoiled_block)
    for bound in (chance.normal, chance.quadratic):
        for module in (test_trajectories, test_filtering):
            patch.setattr(module, bound.__name__, functools.partial(_twice, bound), raising=False)


def _twice(bound: Callable[..., float], *arguments: int) -> float:
    return 2 * bound(*arguments)


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.__name__)
def test_what_is_right_passes(test: Test, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(Mutant(seen_by=()), monkeypatch)
    test()


@pytest.mark.few(12)
@pytest.mark.parametrize(
    ("name", "test"),
    [(name, test) for name, mutant in MUTANTS.items() for test in mutant.seen_by],
    ids=lambda value: value if isinstance(value, str) else value.__name__,
)
def test_what_is_wrong_fails_by_far(name: str, test: Test, monkeypatch: pytest.MonkeyPatch) -> None:
    planted(MUTANTS[name], monkeypatch)
    with pytest.raises(AssertionError):
        test()
