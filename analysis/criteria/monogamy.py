"""Who steers, among several parties that are not to steer each by itself: monogamy, and the smallest sets that steer.

Of two parties j and k that have no oscillator in common, each infers one quadrature of the oscillator s, and the two
quadratures obey the uncertainty relation: with vacuum variance ½

    E_{s|j} E_{s|k} ≥ ¼

so that two parties never both steer s, whatever the state: M. D. Reid, Phys. Rev. A 88, 062108 (2013), where only two
quadratures are measured; seen by X. Deng et al., Phys. Rev. Lett. 118, 230501 (2017). One party may steer two
oscillators. The sets of parties that steer, and of which no part does, are those that can open a shared secret: Y.
Xiang et al., arXiv:1801.08758 and X. Deng et al., arXiv:1804.00555. Section 8 of sim/README.md.
"""

from collections.abc import Sequence
from itertools import combinations

from cascade_steering.analysis.criteria.steering import (
    STEERING_BOUND,
    FloatArray,
    Steered,
    steering_of_root,
    steering_parameter,
)
from cascade_steering.sim.conventions import Mode

__all__ = ["monogamy_product", "steering_sets"]


def monogamy_product(
    covariance: FloatArray, mode: Mode, first: tuple[Mode, ...], second: tuple[Mode, ...], modes: Sequence[str] = ()
) -> FloatArray:
    """4 E_{s|first} E_{s|second} ≥ 1 of an oscillator s given each of two sets without a common member; shape (...,).

    Covariance of shape (..., d, d); ``modes`` names the oscillators. Section 8 of sim/README.md. Raises ValueError for
    sets with a common member, and as ``steering_parameter`` does.
    """
    common = sorted({str(each) for each in first} & {str(each) for each in second})
    if common:
        raise ValueError(f"two parties must have no oscillator in common, got {', '.join(common)} in both")
    one, other = (steering_parameter(covariance, Steered(mode=mode, by=by), modes) for by in (first, second))
    result: FloatArray = one * other / STEERING_BOUND**2
    return result


def steering_sets(root: FloatArray, steered: Steered, modes: Sequence[str] = ()) -> tuple[tuple[Mode, ...], ...]:
    """The smallest subsets of ``by`` that steer, none of which contains another: who can open a shared secret.

    From a root of the covariance (see ``sim.roots``), (r, d). Steering is collective if ``by`` itself is the only one.
    A larger set never has a larger E, so that sets of which a subset steers need not be looked at. Section 8 of
    sim/README.md. Raises ValueError as ``steering_of_root`` does.
    """
    found: list[tuple[Mode, ...]] = []
    for size in range(1, len(steered.by) + 1):
        for by in combinations(steered.by, size):
            if any(set(each) <= set(by) for each in found):
                continue
            if float(steering_of_root(root, Steered(mode=steered.mode, by=by), modes)) < STEERING_BOUND:
                found.append(by)
    return tuple(found)
