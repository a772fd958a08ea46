"""Observables: quadratic in the quadratures, or operators between Fock levels. Section 7 of sim/README.md."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import VACUUM_VARIANCE, frozen
from cascade_steering.sim.parameters import plain_number

if TYPE_CHECKING:
    import qutip

__all__ = ["Observable", "Operator", "Quadratic", "expectations_of", "observable", "quanta"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class Quadratic:
    """The observable ½ xᵀQx + l·x + c of the quadratures x, in symmetric order. ``quanta`` makes one.

    Its expectation value follows exactly from mean and covariance in any state, so every engine gives it without a
    limit on the number of quanta. Section 7 of sim/README.md.

    Parameters
    ----------
    quadratic : Q, real and symmetric, array of shape (d, d)
    linear : l, array of shape (d,); zero if left out
    constant : c

    Raises ValueError for another shape, a Q that is not symmetric, or numbers that are not finite.
    """

    quadratic: FloatArray
    linear: FloatArray | None = None
    constant: float = 0.0

    def __post_init__(self) -> None:
        quadratic = frozen(np.asarray(self.quadratic, dtype=float))
        if quadratic.ndim != 2 or quadratic.shape[0] != quadratic.shape[1] or quadratic.shape[0] % 2:
            raise ValueError(f"quadratic must be a square array of even size, got shape {quadratic.shape}")
        linear = frozen(np.zeros(len(quadratic)) if self.linear is None else np.asarray(self.linear, dtype=float))
        if linear.shape != quadratic.shape[:1]:
            raise ValueError(f"linear must have shape {quadratic.shape[:1]}, got {linear.shape}")
        constant = plain_number(self.constant)
        if not (np.all(np.isfinite(quadratic)) and np.all(np.isfinite(linear)) and np.isfinite(constant)):
            raise ValueError("quadratic, linear and constant must be finite")
        if not np.allclose(quadratic, quadratic.T, rtol=_ROUNDING, atol=0.0):
            raise ValueError("quadratic must be symmetric")
        for name, value in (("quadratic", quadratic), ("linear", linear), ("constant", constant)):
            object.__setattr__(self, name, value)

    def expectation(self, means: FloatArray, covariances: FloatArray) -> FloatArray:
        """⟨½ xᵀQx + l·x + c⟩ in states of ``means`` (..., d) and ``covariances`` (..., d, d); array of shape (...)."""
        spread = 0.5 * np.einsum("ij,...ij->...", self.quadratic, covariances)
        moved = 0.5 * np.einsum("...i,ij,...j->...", means, self.quadratic, means)
        return np.asarray(spread + moved + means @ np.asarray(self.linear) + self.constant)


def quanta(mode: int, modes: int = 2) -> Quadratic:
    """The number of quanta a†a = (X² + P² − 1)/2 of oscillator ``mode``, from 0, among ``modes`` oscillators.

    Raises ValueError for a mode that does not exist.
    """
    if not 0 <= mode < modes:
        raise ValueError(f"mode must be from 0 to {modes - 1}, got {mode}")
    return Quadratic(quadratic=np.diag(np.repeat(np.arange(modes) == mode, 2).astype(float)), constant=-VACUUM_VARIANCE)


@dataclass(frozen=True, kw_only=True, eq=False)
class Operator:
    """A Hermitian operator between Fock levels of x, and zero above them.

    Parameters
    ----------
    levels : number of levels of each oscillator
    matrix : elements of the operator, array of shape (D, D), D the product of the levels
    """

    levels: tuple[int, ...]
    matrix: ComplexArray

    @classmethod
    def of(cls, operator: "qutip.Qobj", name: str) -> "Operator":
        """The same as a QuTiP operator. Raises ValueError that names ``name`` if it is not Hermitian or not finite."""
        dims: Any = getattr(operator, "dims", None)
        if dims is None or not operator.isoper or dims[0] != dims[1]:
            raise ValueError(
                f"observable {name} must be a Quadratic or a QuTiP operator on one space for each oscillator, "
                f"got {type(operator).__name__}" + ("" if dims is None else f" with dims {dims}")
            )
        matrix = operator.full()
        if not np.all(np.isfinite(matrix)):
            raise ValueError(f"observable {name} must be finite")
        if np.max(np.abs(matrix - matrix.conj().T)) > _ROUNDING * np.max(np.abs(matrix)):
            raise ValueError(f"observable {name} must be Hermitian; give O + O† and i(O† − O) instead")
        return cls(levels=tuple(int(levels) for levels in dims[0]), matrix=frozen(0.5 * (matrix + matrix.conj().T)))


Observable = Quadratic | Operator


def observable(given: Any, name: str) -> Observable:
    """``given`` as an observable, if it is one or a QuTiP operator. Raises ValueError that names ``name`` otherwise."""
    return given if isinstance(given, Quadratic | Operator) else Operator.of(given, name)


def expectations_of(operators: "tuple[Operator, ...]", densities: ComplexArray) -> tuple[FloatArray, FloatArray]:
    """Tr(Oρ) of each operator (..., operators), and the population 1 − Tr ρ above their levels (...).

    ``densities`` is ρ between the levels of the operators, which all have the same levels; array of shape (..., D, D).
    """
    matrices = np.array([each.matrix for each in operators])
    values = np.einsum("oij,...ji->...o", matrices, densities, optimize=True).real
    return np.asarray(values), np.asarray(1.0 - np.einsum("...ii->...", densities).real)
