"""States and records in, answers out: steering, its estimates, the comparison of schemes, the command line.

``WorkingPoint`` takes the numbers of the command line and gives the answers: ``steady``, ``transient`` and
``simulate``. Their results say E and d in both directions, without and with the record, with intervals where they are
sampled, print themselves and plot themselves; ``open_result`` opens what the command line has saved. For any model of
``cascade_steering.sim`` there are the functions ``steady`` and ``steering_transient``, and ``Simulated`` for the
dataset of an ensemble.

``steering_parameter`` is E of a covariance matrix, with ``gaussian_steerability``, ``logarithmic_negativity``,
``epr_variance`` and ``key_rate`` beside it. ``scan`` is E over any parameters as arrays, ``best_points`` finds the best
working points of a ``Search``.
"""

from cascade_steering.sim.facade import attach, public_names

__getattr__, __dir__, __all__ = attach(__name__, public_names(__file__))
