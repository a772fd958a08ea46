"""Linear algebra on one thread: in the context, not after it, and with few searches for the libraries."""

import sys
from types import ModuleType

import numpy  # noqa: F401 - brings a library of linear algebra
import pytest
from threadpoolctl import ThreadpoolController, threadpool_info

from cascade_steering.sim.parallel import linear_algebra
from cascade_steering.sim.parallel.linear_algebra import on_one_thread


def counts() -> list[int]:
    return [each["num_threads"] for each in threadpool_info()]


def test_one_thread_in_it_and_as_before_after_it() -> None:
    before = counts()
    assert before
    for _ in range(2):
        with on_one_thread(), on_one_thread():
            assert set(counts()) == {1}
        assert counts() == before


def test_libraries_are_looked_for_again_after_a_module_was_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    searches = []

    def searched() -> ThreadpoolController:
        searches.append(len(sys.modules))
        return ThreadpoolController()

    monkeypatch.setattr(linear_algebra, "ThreadpoolController", searched)
    monkeypatch.setattr(linear_algebra, "_FOUND", {})
    for _ in range(3):
        with on_one_thread():
            pass
    assert len(searches) == 1
    monkeypatch.setitem(sys.modules, "a module that was loaded since", ModuleType("loaded"))
    with on_one_thread():
        pass
    assert len(searches) == 2
