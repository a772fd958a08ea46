"""What several oscillators steer together, and what each of them does alone. Section 8 of sim/README.md.

Where E < ½ by all of a set and by no smaller part of it, the steering is collective: what is steered remains secret
until all of them share what they measure (He and Reid, Phys. Rev. Lett. 111, 250403 (2013); in an experiment Deng et
al., arXiv:1804.00555). Two oscillators never both steer a third one alone (Reid, Phys. Rev. A 88, 062108 (2013)), and G
by a set is at least the sum of G by its parts (Xiang, Kogias, Adesso and He, Phys. Rev. A 95, 010101 (2017)).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.steering import (
    STEERING_BOUND,
    Steered,
    inferred_eigenvalues_of_root,
    steering_of_root,
)

__all__ = ["CollectiveSteering", "bipartitions", "collective_steering", "steerability_of_root"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CollectiveSteering:
    """E by a set of oscillators, by each of them alone, and by all but each of them. Section 8 of sim/README.md.

    Parameters
    ----------
    direction : who is steered by whom
    together : E by all of them
    alone : E by one of them, by its name
    without : E by all others of them; empty if there is only one
    steerability : G by all of them, nats
    alone_steerability : G by one of them, by its name
    """

    direction: Steered
    together: float
    alone: Mapping[str, float]
    without: Mapping[str, float]
    steerability: float
    alone_steerability: Mapping[str, float]

    @property
    def collective(self) -> bool:
        """Whether all of them steer, and no part of them does: a part never has a smaller E than the whole."""
        return self.together < STEERING_BOUND and all(each >= STEERING_BOUND for each in self.without.values())

    @property
    def residual(self) -> float:
        """G by all of them, less the sum of G by each: the part that they have together only, nats, at least 0."""
        return self.steerability - sum(self.alone_steerability.values())


def collective_steering(root: FloatArray, direction: Steered, modes: Sequence[str]) -> CollectiveSteering:
    """E and G of ``direction``, of its members alone and of all but one, from a root of the covariance, (r, d).

    Section 8 of sim/README.md.

    Raises ValueError for an oscillator that is not in ``modes``.
    """

    def by(*members: str | int) -> Steered:
        return Steered(mode=direction.mode, by=members)

    others = {each: tuple(one for one in direction.by if one != each) for each in direction.by}
    return CollectiveSteering(
        direction=direction,
        together=float(steering_of_root(root, direction, modes)),
        alone={str(each): float(steering_of_root(root, by(each), modes)) for each in direction.by},
        without={str(each): float(steering_of_root(root, by(*rest), modes)) for each, rest in others.items() if rest},
        steerability=steerability_of_root(root, direction, modes),
        alone_steerability={str(each): steerability_of_root(root, by(each), modes) for each in direction.by},
    )


def steerability_of_root(root: FloatArray, direction: Steered, modes: Sequence[str]) -> float:
    """G of ``analysis.criteria.measures.gaussian_steerability`` from a root of the covariance, (r, d); nats."""
    values = inferred_eigenvalues_of_root(root, direction, modes)
    return float(np.sum(np.maximum(0.0, -np.log(values / STEERING_BOUND))))


def bipartitions(modes: Sequence[str]) -> Iterator[Steered]:
    """Every part of the oscillators, steered by all others; there are 2ᴺ − 2 of them."""
    for count in range(1, len(modes)):
        for steered in combinations(modes, count):
            by = tuple(each for each in modes if each not in steered)
            yield Steered(mode=steered[0] if count == 1 else steered, by=by)
