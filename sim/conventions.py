"""The conventions that all modules share.

Quadratures are ordered X, P oscillator by oscillator, for the pair of the paper ``X_minus, P_minus, X_plus, P_plus``,
with [X, P] = i (ħ = 1), so the vacuum variance is ½. Covariances are symmetrised. Rates are in rad/s, times in seconds.
Subscript − is the first oscillator on the light field (negative mass), + the second.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "COVARIANCE_CONVENTION",
    "DIAGNOSTIC",
    "OSCILLATORS",
    "RECORD_CONVENTION",
    "TALLY",
    "VACUUM_VARIANCE",
    "Mode",
    "frozen",
    "mode_index",
    "mode_names",
    "quadrature_indices",
    "quadrature_names",
    "symplectic_form",
]

# The two oscillators of the paper, in the order of the light.
OSCILLATORS = ("minus", "plus")
# An oscillator is given by its name, or by its place in the order of the light, from 0.
Mode = str | int
VACUUM_VARIANCE = 0.5

RECORD_CONVENTION = (
    "dY_k = sqrt(efficiency) <L_k + L_k^dagger> dt + dW_k, summed over each save interval; units sqrt(s)"
)
COVARIANCE_CONVENTION = "<(x_i x_j + x_j x_i)/2> - <x_i><x_j>, [X, P] = i, vacuum variance 1/2"

# The prefixes of variables in a dataset: diagnostics of an engine, and moments of an experiment.
DIAGNOSTIC = "diagnostic_"
TALLY = "tally_"


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A read-only copy, for immutable objects."""
    copy = np.array(array)
    copy.setflags(write=False)
    return copy


def mode_names(modes: int) -> tuple[str, ...]:
    """The names of oscillators that are not named: minus and plus if there are two, otherwise mode_1, mode_2, …"""
    return OSCILLATORS if modes == len(OSCILLATORS) else tuple(f"mode_{mode + 1}" for mode in range(modes))


def quadrature_names(modes: tuple[str, ...]) -> tuple[str, ...]:
    """The names of the quadratures of named oscillators, in order: X_minus, P_minus, …"""
    return tuple(f"{quadrature}_{mode}" for mode in modes for quadrature in "XP")


def mode_index(mode: Mode, modes: Sequence[str]) -> int:
    """The place of an oscillator among ``modes``, from its name or its place. Raises ValueError if there is none."""
    if isinstance(mode, str) and mode in modes:
        return tuple(modes).index(mode)
    if not isinstance(mode, str | bool) and 0 <= mode < len(modes):
        return int(mode)
    raise ValueError(
        f"an oscillator must be one of {', '.join(modes)}, or its place from 0 to {len(modes) - 1}, got {mode!r}"
    )


def quadrature_indices(wanted: Sequence[Mode], modes: Sequence[str]) -> list[int]:
    """The indices of X and P of the ``wanted`` oscillators among the quadratures of ``modes``, in the wanted order.

    Raises ValueError for an oscillator that does not exist, or is wanted twice.
    """
    places = [mode_index(each, modes) for each in wanted]
    if len(set(places)) != len(places):
        raise ValueError(f"each oscillator must be named once, got {', '.join(map(str, wanted))}")
    return [2 * place + quadrature for place in places for quadrature in (0, 1)]


def symplectic_form(modes: int) -> NDArray[np.float64]:
    """Σ with [x_j, x_k] = i Σ_jk for ``modes`` oscillators; array of shape (2 modes, 2 modes)."""
    return np.kron(np.eye(modes), np.array([[0.0, 1.0], [-1.0, 0.0]]))
