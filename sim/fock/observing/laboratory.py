"""From a frame x = 𝖲ξ + x̄ back to the Fock levels of x."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.exact_elements import displacement, unitary_elements
from cascade_steering.sim.fock.basis.levels import resize

__all__ = ["in_laboratory"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
# The elements of a displacement decay within this distance beyond the last level that it reaches, in units of the
# square root of the number of quanta.
_TAIL = 1.5
# The reach of a displacement is rounded up to a multiple of this, so that several displacements share a squeezer.
_REACH_STEP = 0.5
# If the displacement has this many quanta more than the wanted levels, the population below them is negligible.
_FAR = 60.0
_ROUNDING = 1e-9


def in_laboratory(
    density: ComplexArray, symplectic: FloatArray, origin: FloatArray, own: tuple[int, ...], levels: tuple[int, ...]
) -> ComplexArray:
    """The elements of a state between Fock levels of x, from its elements between levels of ξ, x = 𝖲ξ + x̄.

    ``density`` is ρ of ξ on all levels below ``own``, array of shape (D, D). The result is ρ of x on all levels below
    ``levels``; its trace is the population of these levels. Section 7 of sim/README.md.
    """
    size = int(np.prod(levels))
    reach = np.sqrt(0.5 * np.sum(origin.reshape(-1, 2) ** 2, axis=1))
    if np.any(reach > np.sqrt(levels) + np.sqrt(_FAR)):
        return np.zeros((size, size), dtype=complex)
    at_rest = np.allclose(symplectic, np.eye(len(origin)), rtol=0.0, atol=_ROUNDING)
    if at_rest and not np.any(origin):
        return resize(density, own, levels)
    unitary = _squeezer(symplectic, own, _room(levels, reach)).reshape(*_room(levels, reach), -1)
    for mode, wanted in enumerate(levels):
        amplitude = complex(origin[2 * mode], origin[2 * mode + 1]) / np.sqrt(2.0)
        shift = displacement(amplitude, wanted, unitary.shape[mode])
        unitary = np.moveaxis(np.tensordot(shift, unitary, (1, mode)), 0, mode)
    rows = unitary.reshape(size, -1)
    found: ComplexArray = rows @ density @ rows.conj().T
    return found


def _room(levels: tuple[int, ...], reach: FloatArray) -> tuple[int, ...]:
    """The levels of each mode that a displacement by ``reach`` connects with those below ``levels``."""
    steps = np.ceil(reach / _REACH_STEP) * _REACH_STEP
    return tuple(
        int(np.ceil((np.sqrt(wanted) + step + _TAIL) ** 2)) if step else wanted
        for wanted, step in zip(levels, steps, strict=True)
    )


def _squeezer(symplectic: FloatArray, own: tuple[int, ...], rows: tuple[int, ...]) -> ComplexArray:
    return _cached_squeezer(np.ascontiguousarray(symplectic).tobytes(), own, rows)


@lru_cache(maxsize=16)
def _cached_squeezer(symplectic: bytes, own: tuple[int, ...], rows: tuple[int, ...]) -> ComplexArray:
    d = 2 * len(own)
    return unitary_elements(np.frombuffer(symplectic).reshape(d, d), np.zeros(d), rows, own)
