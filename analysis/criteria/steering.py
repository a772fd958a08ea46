"""Steering from a covariance matrix: Reid's criterion, optimal gains, which oscillator steers which.

Of any number of oscillators one is steered and one or several others steer it: they are measured, together, and the
quadratures of the steered one are inferred from the outcomes. The directions of the paper's pair are named by what is
inferred: ``plus_given_minus`` is E_{+|−}, oscillator − steering +. Any other is a ``Steered``. Oscillators that a
direction does not name have no influence. See sim/README.md, section 8.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import Mode, mode_names, quadrature_indices
from cascade_steering.sim.roots import triangular

__all__ = [
    "DIRECTIONS",
    "PAIR",
    "SCHEMES",
    "STEERING_BOUND",
    "AnyDirection",
    "Direction",
    "Scheme",
    "Steered",
    "blocks",
    "both_directions",
    "inference_order",
    "inferred_covariance",
    "key",
    "optimal_gains",
    "ordered",
    "pairwise_directions",
    "regime",
    "require_covariance",
    "steering_of_ordered",
    "steering_of_root",
    "steering_parameter",
]

FloatArray = NDArray[np.float64]
Direction = Literal["plus_given_minus", "minus_given_plus"]

DIRECTIONS: tuple[Direction, ...] = ("plus_given_minus", "minus_given_plus")
Scheme = Literal["unconditional", "conditional"]
# without the record, and given it
SCHEMES: tuple[Scheme, ...] = ("unconditional", "conditional")
# Eq. (5) of arXiv:1901.04250: steering where E is below it
STEERING_BOUND = 0.5


@dataclass(frozen=True, kw_only=True)
class Steered:
    """E of one oscillator given others. Section 8 of sim/README.md.

        together = cs.Steered(mode="server", by=("client_1", "client_2"))
        cs.steady(model).conditional[together]

    Parameters
    ----------
    mode : the steered oscillator, by its name or its place in the order of the light, from 0
    by : the steering oscillators, which are measured together

    Its text is the name used in files, in the form of ``plus_given_minus``.

    Raises ValueError for more than one steered oscillator, for no steering one, and for one that steers itself or is
    named twice.
    """

    mode: Mode
    by: tuple[Mode, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.mode, str | int):
            raise ValueError(
                f"mode must be the name or the number of one steered oscillator, got {self.mode!r}: E of several "
                "oscillators together is not defined here"
            )
        if not isinstance(self.by, tuple) or not self.by:
            raise ValueError(f"by must be a tuple of one or several oscillators, got {self.by!r}")
        if len({self.mode, *self.by}) != 1 + len(self.by):
            raise ValueError(f"the steered and the steering oscillators must differ, got {self.mode!r} by {self.by!r}")

    def __str__(self) -> str:
        return f"{self.mode}_given_{'_'.join(map(str, self.by))}"


# a direction of the paper by name, or any other direction
AnyDirection = Direction | Steered
PAIR: Mapping[Direction, Steered] = MappingProxyType(
    {
        "plus_given_minus": Steered(mode="plus", by=("minus",)),
        "minus_given_plus": Steered(mode="minus", by=("plus",)),
    }
)


def key(direction: AnyDirection | str) -> str:
    """The name of a direction's E in every report and file: E_plus_given_minus for ``plus_given_minus``."""
    return f"E_{direction}"


def both_directions(first: str, second: str) -> tuple[AnyDirection, AnyDirection]:
    """The second oscillator given the first, and the first given the second: for − and + the paper's names."""
    ways = Steered(mode=second, by=(first,)), Steered(mode=first, by=(second,))
    named = {way: name for name, way in PAIR.items()}
    forward, backward = (named.get(way, way) for way in ways)
    return forward, backward


def pairwise_directions(modes: Sequence[str]) -> tuple[AnyDirection, ...]:
    """Every oscillator given one other, first those given an earlier oscillator; for − and + the paper's names."""
    pairs = [both_directions(first, second) for first, second in combinations(modes, 2)]
    return tuple(way for ways in zip(*pairs, strict=True) for way in ways)


def inference_order(direction: AnyDirection, dimension: int, modes: Sequence[str] = ()) -> list[int]:
    """Indices of the quadratures of the steering oscillators, then of the steered one, among ``dimension``.

    ``modes`` names the oscillators; left out, ``sim.conventions.mode_names`` does. Raises ValueError for an unknown
    direction, an oscillator that is not in ``modes``, and a number of ``modes`` that does not fit ``dimension``.
    """
    if not isinstance(direction, Steered):
        if direction not in PAIR:
            raise ValueError(f"direction must be {', '.join(DIRECTIONS)} or a Steered, got {direction!r}")
        direction = PAIR[direction]
    modes = tuple(modes) or mode_names(dimension // 2)
    if dimension != 2 * len(modes):
        raise ValueError(f"modes must name {dimension / 2:g} oscillators, got {', '.join(modes)}")
    return quadrature_indices((*direction.by, direction.mode), modes)


def blocks(
    covariance: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Covariance of the inferred oscillator, of the measured ones, and measured-inferred correlations.

    Arrays of shape (..., 2, 2), (..., 2k, 2k) and (..., 2k, 2) for k measured oscillators of a covariance of shape
    (..., d, d), whose oscillators ``modes`` names as for ``inference_order``. Raises ValueError as
    ``inference_order`` does, and for a covariance of another shape.
    """
    require_covariance(covariance)
    order = inference_order(direction, covariance.shape[-1], modes)
    known, wanted = order[:-2], order[-2:]
    return _block(covariance, wanted, wanted), _block(covariance, known, known), _block(covariance, known, wanted)


def require_covariance(covariance: FloatArray) -> None:
    """Raise ValueError unless it has the shape (..., d, d) with d even."""
    if covariance.ndim < 2 or covariance.shape[-1] != covariance.shape[-2] or covariance.shape[-1] % 2:
        raise ValueError(f"covariance must have shape (..., d, d) with d even, got {covariance.shape}")


def _block(covariance: FloatArray, rows: list[int], columns: list[int]) -> FloatArray:
    return np.ascontiguousarray(covariance[..., rows, :][..., columns])


def optimal_gains(covariance: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """Gains g that minimise the variance of (inferred − gᵀ measured); array of shape (..., 2k, 2) for k measured.

    Section 8 of sim/README.md.

    Under the RWA at φ = 0 g = diag(g_x, −g_p) with the gains of Eq. (5) of arXiv:1901.04250.
    """
    _, measured, correlation = blocks(covariance, direction, modes)
    return np.asarray(np.linalg.solve(measured, correlation), dtype=np.float64)


def inferred_covariance(covariance: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """Covariance of one oscillator given the best linear inference from others; array of shape (..., 2, 2).

    Section 8 of sim/README.md.
    """
    inferred, _, correlation = blocks(covariance, direction, modes)
    gains = optimal_gains(covariance, direction, modes)
    return inferred - np.swapaxes(correlation, -1, -2) @ gains


def steering_parameter(covariance: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """E = √det(V₊ − Cᵀ V₋⁻¹ C), + the steered oscillator and − all steering ones; array of shape (...,).

    Section 8 of sim/README.md.

    Reid's product of inferred uncertainties at the best gains and local axes, Eqs. (5)-(7) of
    arXiv:1901.04250; there is steering where E < ½. ``modes`` names the oscillators as for ``inference_order``. See
    sim/README.md, section 8.
    """
    inferred = inferred_covariance(covariance, direction, modes)
    determinant = inferred[..., 0, 0] * inferred[..., 1, 1] - inferred[..., 0, 1] * inferred[..., 1, 0]
    result: FloatArray = np.sqrt(determinant)
    return result


def ordered(root: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """The columns of a root of the covariance, (..., r, d), those of the measured oscillators first, the inferred last.

    Raises ValueError as ``inference_order`` does.
    """
    return root[..., inference_order(direction, root.shape[-1], modes)]


def steering_of_root(root: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """``steering_parameter`` of V = RᵀR from R, (..., r, d), without the cancellation in V; array of shape (...,).

    Rows of R may differ by any factor, as in a triangular root of a covariance that grows (``sim.gaussian.growth``).
    """
    return steering_of_ordered(ordered(root, direction, modes))


def steering_of_ordered(root: FloatArray) -> FloatArray:
    """E from a root whose last two columns are the steered oscillator and the others those that steer; shape (...,).

    Triangularised in that order, R ends in a root of the inferred covariance. With the largest rows first the
    reflections round every row relative to its own size (Cox and Higham, in Numerical Analysis 1997, 57), so that rows
    of 1e50 leave the digits of rows of order 1.
    """
    sizes = np.linalg.norm(root, axis=-1)
    descending = np.argsort(-sizes, axis=-1, kind="stable")
    last = triangular(np.take_along_axis(root, descending[..., None], axis=-2))[..., -2:, -2:]
    result: FloatArray = last[..., 0, 0] * last[..., 1, 1]
    return result


def regime(plus_given_minus: float, minus_given_plus: float) -> str:
    """``two-way``, ``one-way (- steers +)``, ``one-way (+ steers -)`` or ``none``."""
    forward, backward = plus_given_minus < STEERING_BOUND, minus_given_plus < STEERING_BOUND
    if forward and backward:
        return "two-way"
    if forward:
        return "one-way (- steers +)"
    return "one-way (+ steers -)" if backward else "none"
