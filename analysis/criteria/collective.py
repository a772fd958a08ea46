"""How steering is shared among many oscillators: monogamy, collective steering, all bipartitions.

With vacuum variance ½, E < ½ is steering, and G = max(0, −ln 2E) of a single steered oscillator. For oscillators j that
are measured by different parties, and one steered oscillator s,

    E_{s|j} E_{s|k} ≥ ¼                    two parties cannot both steer s
    G_{s|all} − Σ_j G_{s|j} ≥ 0            what only all of them together can do

The first follows from the uncertainty of s alone, since party j may infer X of s and party k its P: for any state and the
criterion with two settings, M. D. Reid, Phys. Rev. A 88, 062108 (2013). The second holds for Gaussian states and
measurements: Y. Xiang, I. Kogias, G. Adesso, Q. He, Phys. Rev. A 95, 010101 (2017), seen in the experiments of X. Deng et
al., Phys. Rev. Lett. 118, 230501 (2017) and of X. Deng et al., arXiv:1804.00555. Steering by all and by no smaller set is
collective; that is what secret sharing needs: Q. Y. He, M. D. Reid, Phys. Rev. Lett. 111, 250403 (2013), Y. Xiang et al.,
arXiv:1801.08758. Section 8 of sim/README.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from cascade_steering.analysis.criteria.measures import gaussian_steerability
from cascade_steering.analysis.criteria.steering import (
    STEERING_BOUND,
    FloatArray,
    Steered,
    steering_of_root,
    steering_parameter,
)
from cascade_steering.sim.conventions import Mode

__all__ = ["Bipartition", "bipartitions", "monogamy_product", "residual_steerability", "steering_sets"]

# the bipartitions of more oscillators are not listed: their number is 2^(N−1) − 1
_MOST_OSCILLATORS = 10


@dataclass(frozen=True, kw_only=True)
class Bipartition:
    """The oscillators in two sets, and E of each set given the other."""

    first: tuple[str, ...]
    second: tuple[str, ...]
    first_given_second: float
    second_given_first: float


def monogamy_product(covariance: FloatArray, mode: Mode, first: tuple[Mode, ...], second: tuple[Mode, ...],
                     modes: Sequence[str] = ()) -> FloatArray:
    """4 E_{s|first} E_{s|second} ≥ 1 of an oscillator s given each of two sets without a common member; shape (...,).

    Covariance of shape (..., d, d); ``modes`` names the oscillators. Section 8 of sim/README.md. Raises ValueError for sets
    with a common member, and as ``steering_parameter`` does.
    """
    common = sorted({str(each) for each in first} & {str(each) for each in second})
    if common:
        raise ValueError(f"two parties must have no oscillator in common, got {', '.join(common)} in both")
    one, other = (steering_parameter(covariance, Steered(mode=mode, by=by), modes) for by in (first, second))
    result: FloatArray = one * other / STEERING_BOUND**2
    return result


def residual_steerability(covariance: FloatArray, steered: Steered, modes: Sequence[str] = ()) -> FloatArray:
    """G of one oscillator given all of ``by`` together, less G given each by itself, nats ≥ 0; array of shape (...,).

    Section 8 of sim/README.md. Raises ValueError for several steered oscillators, of which it need not be positive, and as
    ``gaussian_steerability`` does.
    """
    if len(steered.steered) != 1:
        raise ValueError(f"the residual is that of one steered oscillator, got {steered.mode!r}")
    together = gaussian_steerability(covariance, steered, modes)
    alone = [gaussian_steerability(covariance, Steered(mode=steered.mode, by=(each,)), modes) for each in steered.by]
    result: FloatArray = together - sum(alone)
    return result


def steering_sets(root: FloatArray, steered: Steered, modes: Sequence[str] = ()) -> tuple[tuple[Mode, ...], ...]:
    """The smallest subsets of ``by`` that steer, none of which contains another: who can open a shared secret.

    From a root of the covariance (see ``sim.roots``), (r, d). Steering is collective if ``by`` itself is the only one. A
    larger set never has a larger E, so that sets of which a subset steers need not be looked at. Section 8 of
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


def bipartitions(root: FloatArray, modes: Sequence[str]) -> tuple[Bipartition, ...]:
    """E of each set of oscillators given all others, for every way to make two sets; in the order of their sizes.

    From a root of the covariance (see ``sim.roots``), (r, d). E of a set is that of the collective mode that is steered
    best: steering by Gaussian measurements where it is below ½. Section 8 of sim/README.md. Raises ValueError for fewer
    than two oscillators and for more than ten, which have more than 511 bipartitions.
    """
    names = tuple(modes)
    if not 2 <= len(names) <= _MOST_OSCILLATORS:
        raise ValueError(f"bipartitions are those of 2 to {_MOST_OSCILLATORS} oscillators, got {len(names)}")
    return tuple(
        Bipartition(
            first=first,
            second=second,
            first_given_second=float(steering_of_root(root, _given(first, second), names)),
            second_given_first=float(steering_of_root(root, _given(second, first), names)),
        )
        for first, second in _splits(names)
    )


def _splits(names: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    for size in range(1, len(names) // 2 + 1):
        for first in combinations(names, size):
            # of two halves of equal size that with the first name comes first
            if 2 * size < len(names) or names[0] in first:
                yield first, tuple(each for each in names if each not in first)


def _given(steered: tuple[str, ...], by: tuple[str, ...]) -> Steered:
    return Steered(mode=steered[0] if len(steered) == 1 else steered, by=by)
