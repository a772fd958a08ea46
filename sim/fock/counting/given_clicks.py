"""Errors of step and truncation of trajectories with clicks: a finer calculation on the same noise and clicks."""

from dataclasses import dataclass

import numpy as np

from cascade_steering.sim.ensemble.discretisation import OWN_NOISE, Checked, Halved
from cascade_steering.sim.fock.counting.prepared import OF_CLICKS, CountingEngine
from cascade_steering.sim.noise import coarsen, generator

__all__ = ["GivenClicks"]


@dataclass(frozen=True, kw_only=True, eq=False)
class GivenClicks:
    """A check of trajectories with clicks: the clicks of the engine are imposed on the finer one.

    They are imposed where they act in the coarse calculation, at the boundaries of its steps, so that the change is the
    error of a state given record and clicks, of first order. That clicks act there, and how much the step changes their
    probability, is left out: both are of second order on average. Section 7 of sim/README.md.

    Parameters
    ----------
    coarse, fine : the engine of the ensemble, and the finer one
    plain : the same check, but for the clicks
    """

    coarse: CountingEngine
    fine: CountingEngine
    plain: Halved

    def run(self, entropy: int, trajectory: int) -> Checked:
        """One trajectory on its own Wiener path and with clicks of its own, from the mean of the initial means."""
        path = self.plain.path(entropy, trajectory)
        before = self.coarse.run_path(coarsen(path, 2), generator(entropy, OF_CLICKS, OWN_NOISE, trajectory))
        if before.clicks is None:
            return self.plain.compared(before, self.fine.run_path(path, []))
        # before the end of the run, where a time would be outside; half of the finer step is still the same boundary
        latest = self.fine.grid.times[-1] - 0.25 * self.fine.grid.step
        acting = np.minimum(np.floor(before.clicks.time / self.coarse.grid.step + 0.5) * self.coarse.grid.step, latest)
        clicks = list(zip(acting.tolist(), before.clicks.counter.tolist(), strict=True))
        return self.plain.compared(before, self.fine.run_path(path, clicks))
