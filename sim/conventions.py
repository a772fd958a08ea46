"""The few facts everything agrees on.

Quadratures are ordered ``X_minus, P_minus, X_plus, P_plus`` with [X, P] = i (ħ = 1), so the vacuum
variance is ½. Covariances are symmetrised. Rates are in rad/s, times in seconds. Subscript − is the
first oscillator on the light field (negative mass), + the second.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "COVARIANCE_CONVENTION",
    "DIAGNOSTIC",
    "OSCILLATORS",
    "QUADRATURES",
    "RECORD_CONVENTION",
    "TALLY",
    "VACUUM_VARIANCE",
    "frozen",
    "mode_names",
    "quadrature_names",
    "symplectic_form",
]

QUADRATURES = ("X_minus", "P_minus", "X_plus", "P_plus")
OSCILLATORS = ("minus", "plus")
VACUUM_VARIANCE = 0.5

RECORD_CONVENTION = (
    "dY_k = sqrt(efficiency) <L_k + L_k^dagger> dt + dW_k, summed over each save interval; units sqrt(s)"
)
COVARIANCE_CONVENTION = "<(x_i x_j + x_j x_i)/2> - <x_i><x_j>, [X, P] = i, vacuum variance 1/2"

# what the names of variables in a dataset begin with: figures of an engine's health, moments of an experiment
DIAGNOSTIC = "diagnostic_"
TALLY = "tally_"


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """A copy that cannot be written, for objects that promise not to change."""
    copy = np.array(array)
    copy.setflags(write=False)
    return copy


def mode_names(modes: int) -> tuple[str, ...]:
    """How oscillators are called unless they are named: minus and plus where there are two, else mode_1, mode_2, …"""
    return OSCILLATORS if modes == len(OSCILLATORS) else tuple(f"mode_{mode + 1}" for mode in range(modes))


def quadrature_names(modes: tuple[str, ...]) -> tuple[str, ...]:
    """X_minus, P_minus, …: the quadratures of named oscillators, in order."""
    return tuple(f"{quadrature}_{mode}" for mode in modes for quadrature in "XP")


def symplectic_form(modes: int) -> NDArray[np.float64]:
    """Σ with [x_j, x_k] = i Σ_jk for ``modes`` oscillators; array of shape (2 modes, 2 modes)."""
    return np.kron(np.eye(modes), np.array([[0.0, 1.0], [-1.0, 0.0]]))
