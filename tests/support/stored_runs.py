"""Fixtures of tests of runs on disk: ``pytest_plugins = ["tests.support.stored_runs"]``."""

import logging
from pathlib import Path

import pytest

from tests.support.stored import Case


@pytest.fixture
def log(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.WARNING, "cascade_steering.sim")
    return caplog


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("whole") / "run"
    Case().run(run)
    return run


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("other") / "run"
    Case(seed=8).run(run)
    return run
