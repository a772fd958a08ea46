"""The validation report: results of this installation compared with results known independently."""

from collections.abc import Callable, Iterator

from cascade_steering.analysis.paper.exact_suites import (
    closed_forms,
    fock_steady,
    fock_steady_large,
    riccati,
    rotating_wave,
)
from cascade_steering.analysis.paper.known_result import KnownResult
from cascade_steering.analysis.paper.sampled_suites import (
    ensembles,
    fock_at_hot_baths,
    stochastic_order,
    whiteness_of_the_record,
)

__all__ = ["SUITES"]


SUITES: tuple[Callable[[], Iterator[KnownResult]], ...] = (
    closed_forms, riccati, fock_steady, fock_steady_large,
    stochastic_order, fock_at_hot_baths, rotating_wave, ensembles, whiteness_of_the_record
)  # fmt: skip
