"""A few rows of the table of ``scripts/check-faults``, whose whole takes a quarter of an hour."""

from functools import cache

import pytest

from cascade_steering.analysis.records.record import Record
from tests.support.chance import successes
from tests.support.faulty_records import faulty, judged, kinds, records

LENGTH = 8000


# a line of 0.2 has N a²/4 = 80 times the mean power, and e⁻⁶⁰ is left where the noise is against it
@pytest.mark.few(1)
@pytest.mark.parametrize("text", ["line:0.2:0.13", "interleave:0.2", "dropout:6", "repeat:20", "shot:3000", "clip:2.5"])
def test_faults_of_this_size_are_called(text: str) -> None:
    assert judged(kinds()["cosine and sine"], faulty(clean(), text))[1]


def test_and_without_a_fault_it_is_not() -> None:
    assert not judged(kinds()["cosine and sine"], clean())[1]


@cache
def clean() -> Record:
    return next(records(kinds()["cosine and sine"], LENGTH, 1, seed=7))


# the whole table, with the kinds of records that are left out here, is that of scripts/check-faults
@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [next(iter(kinds())), *(pytest.param(each, marks=pytest.mark.long) for each in list(kinds())[1:])]
)
def test_clean_records_are_called_as_rarely_as_stated(name: str) -> None:
    kind = kinds()[name]
    alarms = sum(judged(kind, each)[1] for each in records(kind, 500, 60))
    assert alarms <= successes(1e-3, 60)[1]
