from dataclasses import replace

import pytest

from cascade_steering.analysis.criteria.steering import DIRECTIONS
from cascade_steering.analysis.squeezing.equivalent_squeezing import IMPROVEMENTS, equivalent_squeezing
from cascade_steering.analysis.working_points.optimum import Search, best_points
from tests.support.systems import HOT

SEARCH = Search(c_minus=10.0, bath_minus=HOT, bath_plus=HOT, loss=0.1, symmetric=True)


@pytest.mark.slow
def test_squeezed_light_is_worth_its_own_squeezing() -> None:
    squeezed = replace(SEARCH, squeezing_db=2.7)
    found = equivalent_squeezing(SEARCH, squeezed, conditional=False)
    assert [found[way][1] for way in DIRECTIONS] == pytest.approx([2.7, 2.7], abs=2e-3)


def test_the_worse_one_of_two_experiments_takes_no_squeezing() -> None:
    none = equivalent_squeezing(SEARCH, replace(SEARCH, loss=0.2), conditional=False)
    assert [none[way][1] for way in DIRECTIONS] == [0.0, 0.0]


@pytest.mark.slow
def test_what_is_found_reaches_the_improvement_and_less_does_not() -> None:
    better = IMPROVEMENTS["twice C"](SEARCH)
    assert better.c_minus == 20.0
    for way, (value, decibels) in equivalent_squeezing(SEARCH, better, conditional=False).items():
        assert value == pytest.approx(best_points(better, conditional=False)[way].value, rel=1e-12)
        assert decibels is not None
        for change, sign in ((-0.05, 1.0), (0.05, -1.0)):
            at = best_points(replace(SEARCH, squeezing_db=decibels + change), conditional=False)[way].value
            assert sign * (at - value) > 0.0
