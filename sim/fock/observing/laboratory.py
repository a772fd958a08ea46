"""From a frame x = Sξ + x̄ back to the Fock levels of x itself."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.fock.basis.exact_elements import displacement, unitary_elements
from cascade_steering.sim.fock.basis.levels import resize

__all__ = ["in_laboratory"]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
# beyond the last level that a displacement reaches in phase space its elements fall off within this distance, in units
# of the square root of the number of quanta
_TAIL = 1.5
# displacements are brought up to such steps of it, so that the squeezer between levels serves several
_GRAIN = 0.5
# quanta of the displacement, beyond the levels wanted: there is next to nothing of the state below them
_FAR = 60.0
_ROUNDING = 1e-9


def in_laboratory(
    density: ComplexArray, symplectic: FloatArray, origin: FloatArray, own: tuple[int, ...], levels: tuple[int, ...]
) -> ComplexArray:
    """The elements between ``levels`` of x of a state given by those of ξ, x = Sξ + x̄.

    ``density`` is ρ on all levels below ``own``, array of shape (D, D); so is the result, below ``levels``. What of
    the state lies above them is left out: its trace is the population there is below.
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
    """Levels of each mode from which a displacement by ``reach`` comes down to ``levels``."""
    steps = np.ceil(reach / _GRAIN) * _GRAIN
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
