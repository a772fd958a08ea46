"""The engines of this package as contenders."""

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from cascade_steering.sim.ensemble.contract import Method
from cascade_steering.sim.fock.basis.diagnostics import CutoffWarning
from cascade_steering.sim.fock.qutip.qutip_sme import QutipSME
from cascade_steering.sim.fock.qutip.stepping import StepWarning
from scripts.benchmark.contender import MissingError, Run, Setting
from scripts.benchmark.job import Job, Trace


@contextmanager
def unwarned() -> Iterator[None]:
    """Suppress warnings about low cutoffs and long steps, because the errors themselves are measured."""
    with warnings.catch_warnings():
        for category in (CutoffWarning, StepWarning):
            warnings.simplefilter("ignore", category)
        yield


class Engine:
    """A contender that is an engine of ``sim.ensemble.contract``."""

    name: str

    def method(self, setting: Setting) -> Method:
        """The method object, as for ``sim.ensemble.simulate.simulate``."""
        raise NotImplementedError

    def trace(self, job: Job, setting: Setting, seed: int) -> Trace:
        """One whole trajectory, step by step."""
        with unwarned():
            engine = self.method(setting).prepare(job.model, job.every_step(setting.steps_per_unit), job.initial)
            run = engine.run(seed, range(1))
        covariances = run.covariances if run.covariances.ndim == 3 else run.covariances[0]
        return Trace(means=run.means[0], covariances=covariances, record=run.record[0])

    def prepare(self, job: Job, setting: Setting, saves: int) -> Run:
        """A function that computes the batch over the first ``saves`` intervals."""
        with unwarned():
            grid = job.grid(setting.steps_per_unit, saves)
            engine = self.method(setting).prepare(job.model, grid, job.initial)

        def run() -> None:
            with unwarned():
                engine.run(0, range(setting.batch))

        return run


@dataclass(frozen=True)
class Ours(Engine):
    """``sim.fock.moving.engine.Fock``; its "method" is the frame of the basis."""

    name: str = "ours"

    def __post_init__(self) -> None:
        _fock()

    def method(self, setting: Setting) -> Method:
        """The method object, as for ``sim.ensemble.simulate.simulate``."""
        method: Method = _fock()(cutoffs=setting.cutoffs, frame=setting.method)
        return method


@dataclass(frozen=True)
class Reference(Engine):
    """``sim.fock.qutip.qutip_sme.QutipSME``: the contender with which the tests run the benchmark."""

    name: str = "reference"

    def method(self, setting: Setting) -> Method:
        """The method object, as for ``sim.ensemble.simulate.simulate``."""
        return QutipSME(cutoffs=setting.cutoffs, method=setting.method)


def _fock() -> Any:
    try:
        return importlib.import_module("cascade_steering.sim.fock.moving.engine").Fock
    except ImportError as error:
        raise MissingError(f"our Fock engine does not import: {error}") from None
