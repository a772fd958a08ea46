"""How often intervals hold the truth. Longer runs: scripts/check-coverage."""

from dataclasses import dataclass, replace

import numpy as np
import pytest

from cascade_steering.analysis.working_points.working_point import WorkingPoint
from tests.support.chance import successes

POINT = WorkingPoint(c_minus=10, c_plus=20, theta_minus_pi=0.3, theta_plus_pi=0.4)
# what the truth is drawn from, and so the priors: then an interval of the posterior has its coverage exactly
LOWEST, SPREAD = 0.3, 0.02
PRIORS = {"efficiency": f"uniform:{LOWEST},1", "calibration": f"normal:1,{SPREAD}"}
INTERVALS, UNITS = 300, 6.0


@dataclass(frozen=True, kw_only=True)
class Held:
    """Whether the intervals of one record held the truth, by parameter: by profile likelihood, and of the posterior."""

    profile: dict[str, bool]
    posterior: dict[str, bool]
    converged: bool


def one_record(seed: int) -> Held:
    """A record of an efficiency and a calibration that are drawn from the priors, and what is found of them."""
    random = np.random.default_rng(seed)
    truth = {"efficiency": float(random.uniform(LOWEST, 1.0)), "calibration": float(random.normal(1.0, SPREAD))}
    point = replace(POINT, efficiency=truth["efficiency"])
    record = point.simulate(
        duration_units=UNITS, saves=INTERVALS, trajectories=2, seed=seed, keep=1, initial="thermal"
    ).record
    measured = replace(record, values=record.values / truth["calibration"])
    found = replace(POINT, efficiency=0.7).fit(measured, list(truth), initial="thermal")
    profiles = {name: found.interval(name, profiled=True) for name in truth}
    chain = found.posterior(PRIORS, walkers=4, seed=seed).chain
    ends = dict(zip(truth, np.quantile(chain.flat, [0.025, 0.975], axis=0).T, strict=True))
    return Held(
        profile={name: low <= truth[name] <= high for name, (low, high) in profiles.items()},
        posterior={name: bool(low <= truth[name] <= high) for name, (low, high) in ends.items()},
        converged=chain.convergence.done,
    )


def counts(held: list[Held]) -> dict[str, int]:
    """How many intervals held the truth, by kind and parameter, and how many chains converged."""
    found = {
        f"{kind} {name}": sum(getattr(each, kind)[name] for each in held)
        for kind in ("profile", "posterior")
        for name in PRIORS
    }
    return found | {"converged": sum(each.converged for each in held)}


@pytest.mark.long
@pytest.mark.slow
def test_intervals_hold_the_truth_as_often_as_they_say() -> None:
    held = [one_record(seed) for seed in range(60)]
    found = counts(held)
    assert found.pop("converged") >= 57
    # intervals by profile likelihood hold a truth near a bound more often, and 95 % only for long records: 93 %
    low, _ = successes(0.93, len(held), 4)
    assert min(found.values()) >= low
    _, high = successes(0.95, len(held), 2)
    assert all(found[f"posterior {name}"] <= high for name in PRIORS)
