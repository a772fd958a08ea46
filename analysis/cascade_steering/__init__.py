"""Hybrid quantum networks simulated in time: two oscillators of opposite mass in cascade on a one-way light field.

    import cascade_steering as cs

    point = cs.WorkingPoint(c_minus=50, c_plus=50, theta_minus_pi=0.35, theta_plus_pi=0.40, loss=0.1)
    print(point.steady())
    print(point.simulate(trajectories=2000, duration_units=5))

All names of ``cascade_steering.sim``, physics in and states and records out, and of ``cascade_steering.analysis``,
states and records in and answers out, are here at once: see ``help(cs.sim)``, ``help(cs.analysis)`` and
``help(cs.WorkingPoint)``.
"""

from cascade_steering import analysis, sim
from cascade_steering.sim.facade import attach

__getattr__, __dir__, __all__ = attach(
    __name__, {name: package.__name__ for package in (sim, analysis) for name in package.__all__}
)
