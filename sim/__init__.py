"""The cascade of two oscillators on a one-way light field: physics in, states and records out.

A *model* is a quadratic Hamiltonian and channels linear in the quadratures (``LinearModel``): ``rwa`` and ``lab`` make
one of a ``Cascade`` and a ``Detection``, and ``detect`` one of any components, such as ``oscillator``, ``cavity`` and
``loss``, joined by ``series`` and ``concatenate``. It starts from an ``InitialState`` (``ground_state``,
``thermal_state``, ``coherent_state``, ``squeezed_state``, ``density_state``, ``stationary_state``). Its covariances are
exact (``steady_state``); an *engine* (``Gaussian``, ``Fock``, ``QutipSME``) gives trajectories on a ``TimeGrid``, and
``simulate`` ensembles of them, as xarray datasets. ``filter_record`` turns a measured record into conditional states.

Times are in seconds, rates in rad/s; arguments in other units carry them in their names (``linewidth_hz``,
``angle_pi``). Quadratures are ordered X₋, P₋, X₊, P₊ with [X, P] = i, so the vacuum variance is ½.
"""

from cascade_steering.sim.facade import attach, public_names

__getattr__, __dir__, __all__ = attach(__name__, public_names(__file__))
