"""The checkable statements of arXiv:1901.04250, each compared with the results of this package.

Every verdict is computed: each function evaluates the quantities of its statement and compares them.
"""

from collections.abc import Callable, Iterator

from cascade_steering.analysis.paper.claims.appendices import (
    angle_claims,
    appendix_b,
    branches,
    limiting_ratios,
    ratio_claims,
)
from cascade_steering.analysis.paper.claims.beyond_stability import (
    corner,
    cost_of_stability,
    record_without_stability,
    strong_coupling_without_stability,
)
from cascade_steering.analysis.paper.claims.claim import Claim
from cascade_steering.analysis.paper.claims.networks import (
    clients_and_losses,
    clients_as_one,
    one_client_alone,
    parts_of_clients,
)
from cascade_steering.analysis.paper.claims.section_v import (
    asymmetry,
    loss_tolerance,
    strong_coupling,
    two_directions,
    two_servers,
)
from cascade_steering.analysis.paper.claims.section_vi import feedback_stabilization
from cascade_steering.analysis.paper.claims.sections_iii_iv import (
    equations,
    figure_3,
    negative_f,
    positive_f,
    symmetric_regions,
    vacuum_regions,
    windows,
)
from cascade_steering.analysis.paper.claims.squeezed_input import worth_of_squeezing

__all__ = ["CLAIMS", "Claim", "claims"]

CLAIMS: tuple[Callable[[], Iterator[Claim]], ...] = (
    equations,
    symmetric_regions,
    windows,
    positive_f,
    negative_f,
    vacuum_regions,
    figure_3,
    asymmetry,
    angle_claims,
    two_directions,
    two_servers,
    strong_coupling,
    loss_tolerance,
    clients_as_one,
    one_client_alone,
    clients_and_losses,
    parts_of_clients,
    feedback_stabilization,
    ratio_claims,
    limiting_ratios,
    branches,
    appendix_b,
    corner,
    strong_coupling_without_stability,
    cost_of_stability,
    record_without_stability,
    worth_of_squeezing,
)


def claims() -> Iterator[Claim]:
    """All claims in the order of the paper, each as soon as it is computed."""
    for group in CLAIMS:
        yield from group()
