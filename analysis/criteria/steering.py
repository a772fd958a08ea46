"""Steering from a covariance matrix: Reid's criterion, optimal gains, which oscillator steers which.

Of any number of oscillators one or several are steered and one or several others steer them: these are measured,
together, and the quadratures of the steered ones are inferred from the outcomes. The directions of the paper's pair are
named by what is inferred: ``plus_given_minus`` is E_{+|−}, oscillator − steering +. Any other is a ``Steered``.
Oscillators that a direction does not name have no influence. See sim/README.md, section 8.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import combinations
from types import MappingProxyType
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.criteria.graded_roots import rest_of_root, triangular_in_order
from cascade_steering.sim.conventions import Mode, mode_names, quadrature_indices, symplectic_form
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
    "best_collective_mode",
    "blocks",
    "both_directions",
    "inference_order",
    "inference_sets",
    "inferred_covariance",
    "inferred_eigenvalues",
    "inferred_eigenvalues_of_root",
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
    """E of one oscillator, or of several together, given others. Section 8 of sim/README.md.

        together = cs.Steered(mode="server", by=("client_1", "client_2"))
        cs.steady(model).conditional[together]
        cs.steady(model).conditional[cs.Steered(mode=("server", "client_2"), by=("client_1",))]

    Parameters
    ----------
    mode : the steered oscillator, by its name or its place in the order of the light, from 0; or a tuple of several,
        of which E is that of the collective mode that is steered best
    by : the steering oscillators, which are measured together

    Its text is the name used in files, in the form of ``plus_given_minus``.

    Raises ValueError for no steered or no steering oscillator, and for one that steers itself or is named twice.
    """

    mode: Mode | tuple[Mode, ...]
    by: tuple[Mode, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.mode, str | int | tuple) or self.mode == ():
            raise ValueError(
                "mode must be the name or the number of the steered oscillator, or a tuple of several, "
                f"got {self.mode!r}"
            )
        if not isinstance(self.by, tuple) or not self.by:
            raise ValueError(f"by must be a tuple of one or several oscillators, got {self.by!r}")
        if len({*self.steered, *self.by}) != len(self.steered) + len(self.by):
            raise ValueError(f"the steered and the steering oscillators must differ, got {self.mode!r} by {self.by!r}")

    @property
    def steered(self) -> tuple[Mode, ...]:
        """The steered oscillators."""
        return self.mode if isinstance(self.mode, tuple) else (self.mode,)

    def __str__(self) -> str:
        return f"{'_'.join(map(str, self.steered))}_given_{'_'.join(map(str, self.by))}"


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


def inference_sets(direction: AnyDirection, dimension: int, modes: Sequence[str] = ()) -> tuple[list[int], list[int]]:
    """Indices of the quadratures of the steering oscillators, and of the steered ones, among ``dimension``.

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
    order = quadrature_indices((*direction.by, *direction.steered), modes)
    return order[: 2 * len(direction.by)], order[2 * len(direction.by) :]


def inference_order(direction: AnyDirection, dimension: int, modes: Sequence[str] = ()) -> list[int]:
    """Indices of the quadratures of the steering oscillators, then of the one that is steered, among ``dimension``.

    Raises ValueError as ``inference_sets`` does, and for several steered oscillators.
    """
    known, wanted = inference_sets(direction, dimension, modes)
    if len(wanted) > 2:
        raise ValueError(f"one oscillator must be steered here, got {direction}")
    return known + wanted


def blocks(
    covariance: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Covariance of the inferred oscillators, of the measured ones, and measured-inferred correlations.

    Arrays of shape (..., 2n, 2n), (..., 2k, 2k) and (..., 2k, 2n) for n inferred and k measured oscillators of a
    covariance of shape (..., d, d), whose oscillators ``modes`` names as for ``inference_sets``. Raises ValueError as
    ``inference_sets`` does, and for a covariance of another shape.
    """
    require_covariance(covariance)
    known, wanted = inference_sets(direction, covariance.shape[-1], modes)
    return _block(covariance, wanted, wanted), _block(covariance, known, known), _block(covariance, known, wanted)


def require_covariance(covariance: FloatArray) -> None:
    """Raise ValueError unless it has the shape (..., d, d) with d even."""
    if covariance.ndim < 2 or covariance.shape[-1] != covariance.shape[-2] or covariance.shape[-1] % 2:
        raise ValueError(f"covariance must have shape (..., d, d) with d even, got {covariance.shape}")


def _block(covariance: FloatArray, rows: list[int], columns: list[int]) -> FloatArray:
    return np.ascontiguousarray(covariance[..., rows, :][..., columns])


def optimal_gains(covariance: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """Gains g that minimise the variances of (inferred − gᵀ measured); (..., 2k, 2n) for n inferred and k measured.

    Section 8 of sim/README.md.

    Under the RWA at φ = 0 g = diag(g_x, −g_p) with the gains of Eq. (5) of arXiv:1901.04250.
    """
    _, measured, correlation = blocks(covariance, direction, modes)
    return np.asarray(np.linalg.solve(measured, correlation), dtype=np.float64)


def inferred_covariance(covariance: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """Covariance of n oscillators given the best linear inference from others; array of shape (..., 2n, 2n).

    Section 8 of sim/README.md.
    """
    inferred, _, correlation = blocks(covariance, direction, modes)
    gains = optimal_gains(covariance, direction, modes)
    return inferred - np.swapaxes(correlation, -1, -2) @ gains


def steering_parameter(covariance: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """E = √det(V₊ − Cᵀ V₋⁻¹ C), + the steered oscillator and − all steering ones; array of shape (...,).

    Section 8 of sim/README.md.

    Reid's product of inferred uncertainties at the best gains and local axes, Eqs. (5)-(7) of
    arXiv:1901.04250; there is steering where E < ½. Of several steered oscillators it is the least of
    ``inferred_eigenvalues``. ``modes`` names the oscillators as for ``inference_sets``. See sim/README.md, section 8.
    """
    inferred = inferred_covariance(covariance, direction, modes)
    if inferred.shape[-1] > 2:
        return _eigenvalues(_root(inferred))[..., 0]
    determinant = inferred[..., 0, 0] * inferred[..., 1, 1] - inferred[..., 0, 1] * inferred[..., 1, 0]
    result: FloatArray = np.sqrt(determinant)
    return result


def inferred_eigenvalues(covariance: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """The symplectic eigenvalues of ``inferred_covariance``, ascending; (..., n) for n steered oscillators.

    The first one is E, and there is steering where it is below ½: U + iΣ/2 ≥ 0 fails (Wiseman, Jones and Doherty, Phys.
    Rev. Lett. 98, 140402 (2007)). It is Reid's product for the collective mode of the steered oscillators that is
    inferred best. Section 8 of sim/README.md.
    """
    inferred = inferred_covariance(covariance, direction, modes)
    if inferred.shape[-1] == 2:
        return np.asarray(steering_parameter(covariance, direction, modes))[..., None]
    return _eigenvalues(_root(inferred))


def inferred_eigenvalues_of_root(root: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """``inferred_eigenvalues`` of V = RᵀR from R, (..., r, d), without the cancellation in V; (..., n)."""
    known, wanted = inference_sets(direction, root.shape[-1], modes)
    if len(wanted) == 2:
        return steering_of_ordered(root[..., known + wanted])[..., None]
    return _eigenvalues(rest_of_root(root[..., known + wanted], len(known)))


def _root(covariance: FloatArray) -> FloatArray:
    """The upper triangular root of U; NaN where rounding has made it indefinite."""
    stack = covariance.reshape(-1, *covariance.shape[-2:])
    roots = np.full(stack.shape, np.nan)
    for place, each in enumerate(stack):
        with suppress(np.linalg.LinAlgError):
            roots[place] = np.linalg.cholesky(each).T
    return roots.reshape(covariance.shape)


def _eigenvalues(root: FloatArray) -> FloatArray:
    """The symplectic eigenvalues of TᵀT, ascending, for T of shape (..., r, 2n): T⁻ᵀ Σ T⁻¹ has the values 1/ν."""
    finite = np.all(np.isfinite(root), axis=(-2, -1))
    triangle, order = triangular_in_order(np.where(finite[..., None, None], root, np.eye(*root.shape[-2:])))
    back = np.linalg.inv(triangle)
    form = symplectic_form(root.shape[-1] // 2)[order[..., :, None], order[..., None, :]]
    values = np.linalg.svd(np.swapaxes(back, -1, -2) @ form @ back, compute_uv=False)[..., ::2]
    with np.errstate(divide="ignore"):
        return np.asarray(np.where(finite[..., None], 1.0 / values, np.nan))


def best_collective_mode(root: FloatArray) -> FloatArray:
    """The collective mode of least symplectic eigenvalue of TᵀT, T (2n, 2n): columns u, v with uᵀΣv = 1; (2n, 2).

    Its quadratures are uᵀx and vᵀx, with equal and uncorrelated variances, ν. Section 8 of sim/README.md.
    """
    back = np.linalg.inv(root)
    form = symplectic_form(len(root) // 2)
    left, values, right = np.linalg.svd(back.T @ form @ back)
    pair: FloatArray = back @ np.stack([left[:, 0], right[0]], axis=1) / np.sqrt(values[0])
    return pair


def ordered(root: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """The columns of a root of the covariance, (..., r, d), those of the measured oscillators first, the inferred last.

    Raises ValueError as ``inference_order`` does.
    """
    return root[..., inference_order(direction, root.shape[-1], modes)]


def steering_of_root(root: FloatArray, direction: AnyDirection, modes: Sequence[str] = ()) -> FloatArray:
    """``steering_parameter`` of V = RᵀR from R, (..., r, d), without the cancellation in V; array of shape (...,).

    Rows of R may differ by any factor, as in a triangular root of a covariance that grows (``sim.gaussian.growth``).
    """
    known, wanted = inference_sets(direction, root.shape[-1], modes)
    if len(wanted) > 2:
        return inferred_eigenvalues_of_root(root, direction, modes)[..., 0]
    return steering_of_ordered(root[..., known + wanted])


def steering_of_ordered(root: FloatArray) -> FloatArray:
    """E from a root whose last two columns are the steered oscillator and the others those that steer; shape (...,).

    Triangularised in that order, R ends in a root of the inferred covariance. With the largest rows first the
    reflections round every row relative to its own size (Cox and Higham, in Numerical Analysis 1997, 57), so that rows
    of 1e50 leave the digits of rows of order 1. Of several steering oscillators not all contain what is in these rows:
    see ``analysis.criteria.graded_roots``.
    """
    if root.shape[-1] > 4:
        root = rest_of_root(root, root.shape[-1] - 2)
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
