"""Kept states of blocks that have different levels, on common levels, as a dataset holds them."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.levels import resize

__all__ = ["on_common_levels"]

FloatArray = NDArray[np.float64]


def on_common_levels(kept: Mapping[str, tuple[FloatArray, ...]]) -> Mapping[str, tuple[FloatArray, ...]]:
    """``Block.kept_values`` with states on the levels that no block exceeds; unchanged if all have the same.

    The levels of an engine that counts follow each state, so that those of blocks differ.
    """
    levels = [tuple(int(n) for n in each[0]) for each in kept.get("state_levels", ()) if len(each)]
    if len(set(levels)) < 2:
        return kept
    most = tuple(max(column) for column in zip(*levels, strict=True))
    found = dict(kept)
    for name in ("state_real", "state_imag"):
        blocks = [each for each in kept[name] if len(each)]
        found[name] = tuple(_resized(each, own, most) for each, own in zip(blocks, levels, strict=True))
    found["state_levels"] = tuple(
        np.tile(np.array(most, dtype=float), (len(each), 1)) for each in kept["state_levels"] if len(each)
    )
    return found


def _resized(states: FloatArray, own: tuple[int, ...], most: tuple[int, ...]) -> FloatArray:
    """States (k, s, D, D) with empty levels added."""
    size = int(np.prod(most))
    each = [resize(one.astype(complex), own, most).real for one in states.reshape(-1, *states.shape[2:])]
    return np.array(each).reshape(*states.shape[:2], size, size)
