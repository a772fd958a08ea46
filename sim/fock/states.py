"""Where Fock trajectories start: any Gaussian state put into a frame, or a density matrix given in one."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from sim.fock.gaussian_operators import displaced, gaussian_density, metaplectic
from sim.fock.levels import Levels, check_cutoffs
from sim.fock.moments import Moments
from sim.states import InitialState

if TYPE_CHECKING:
    import qutip

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
# A tail this heavy moves the covariance by several percent: refused, not warned about.
MAX_LOST_POPULATION = 1e-2
_ROUNDING = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False)
class DensityState(InitialState):
    """Every trajectory starts from one density matrix, which need not be Gaussian: see ``density_state``.

    Parameters
    ----------
    density : ρ of x = Sξ + x̄ between ``cutoffs`` levels, array of shape (D, D)
    symplectic : S, array of shape (d, d)
    """

    density: ComplexArray
    cutoffs: tuple[int, ...]
    symplectic: FloatArray

    @property
    def gaussian(self) -> bool:
        """False: its covariance does not say all there is to say."""
        return False


def density_state(
    state: "qutip.Qobj",
    *,
    symplectic: FloatArray | None = None,
    origin: FloatArray | None = None,
    name: str = "density matrix",
) -> DensityState:
    """A state given as a QuTiP ket or density operator of the oscillators, in the frame x = Sξ + x̄.

    Parameters
    ----------
    state : on one space per oscillator, of any numbers of levels
    symplectic : S, array of shape (d, d); 1 if left out
    origin : x̄, array of shape (d,); 0 if left out
    name : how results refer to it

    Raises ValueError if it is no density operator: not square, not finite, not Hermitian, negative or of trace 0.
    """
    operator = state.proj() if state.isket else state
    if not operator.isoper or operator.dims[0] != operator.dims[1]:
        raise ValueError(f"state must be a ket or a density operator, got {state.type} with dims {state.dims}")
    matrix = operator.full()
    trace = np.trace(matrix).real
    if not np.all(np.isfinite(matrix)) or not trace > 0.0:
        raise ValueError(f"state must be finite and of positive trace, got trace {trace}")
    if (
        np.max(np.abs(matrix - matrix.conj().T)) > _ROUNDING * trace
        or np.linalg.eigvalsh(matrix)[0] < -_ROUNDING * trace
    ):
        raise ValueError("state must be Hermitian and positive semidefinite")
    cutoffs = tuple(operator.dims[0])
    frame: FloatArray = np.eye(2 * len(cutoffs)) if symplectic is None else np.asarray(symplectic, dtype=float)
    mean, covariance, _, _ = Moments(cutoffs).of(matrix)
    spread = frame @ covariance @ frame.T
    return DensityState(
        covariance=spread,
        scatter=np.zeros_like(spread),
        mean=frame @ mean + (0.0 if origin is None else np.asarray(origin, dtype=float)),
        name=name,
        density=matrix / trace,
        cutoffs=cutoffs,
        symplectic=frame,
    )


def density_in_frame(initial: InitialState, symplectic: FloatArray, levels: Levels) -> ComplexArray:
    """ρ (D, D) of ``initial`` on ξ = S⁻¹(x − x̄), normalised, x̄ its mean; for a DensityState, x̄ its own origin.

    Raises ValueError if more than 1e-2 of it lies above the levels kept.
    """
    check_cutoffs(levels.cutoffs, initial.covariance.shape[0] // 2)
    if isinstance(initial, DensityState):
        turn = np.asarray(np.linalg.solve(symplectic, initial.symplectic), dtype=np.float64)
        density = levels.of_box(*_turned(initial, turn, levels.cutoffs))
    else:
        inverse = np.linalg.inv(symplectic)
        density = gaussian_density(inverse @ initial.covariance @ inverse.T, levels)
    return _normalised(density, initial, levels.cutoffs)


def _turned(initial: DensityState, turn: FloatArray, cutoffs: tuple[int, ...]) -> tuple[ComplexArray, tuple[int, ...]]:
    """ρ under ξ → Xξ with the levels it is given on: its own, or as many as both frames have and some to spare."""
    if np.allclose(turn, np.eye(turn.shape[0]), rtol=0.0, atol=_ROUNDING):
        return initial.density, initial.cutoffs
    room = tuple(max(own, wanted) + 8 for own, wanted in zip(initial.cutoffs, cutoffs, strict=True))
    larger = Levels(room, triangular=False)
    unitary = metaplectic(turn, larger)
    return unitary @ larger.of_box(initial.density, initial.cutoffs) @ unitary.conj().T, room


def density_at_rest(initial: InitialState, levels: Levels) -> ComplexArray:
    """ρ (D, D) of ``initial`` on x itself, its mean included.

    Raises ValueError if the means are scattered, or more than 1e-2 of it lies above the levels kept.
    """
    if np.any(initial.scatter):
        raise ValueError(
            f"a Fock space at rest starts every trajectory alike, but the initial state {initial.name} has scatter: "
            "use a frame that follows the mean"
        )
    at_rest = np.eye(initial.covariance.shape[0])
    if isinstance(initial, DensityState):
        own = np.linalg.solve(initial.symplectic, initial.center)
        shift = initial.center - initial.symplectic @ Moments(initial.cutoffs).of(initial.density)[0]
    else:
        shift = own = initial.center
    if np.max(np.abs(shift)) <= _ROUNDING:
        return density_in_frame(initial, at_rest, levels)
    quanta = float(np.max(np.sum(own.reshape(-1, 2) ** 2, axis=1))) / 2
    if quanta > max(levels.cutoffs):
        raise _does_not_fit(initial, levels.cutoffs, "most")
    # a displaced state is built with room for where it comes from and goes
    room = 8 + int(np.ceil(quanta + 4 * np.sqrt(quanta)))
    larger = Levels(tuple(n + room for n in levels.cutoffs), triangular=False)
    moved = displaced(density_in_frame(initial, at_rest, larger), shift, larger.cutoffs)
    return _normalised(levels.of_box(moved, larger.cutoffs), initial, levels.cutoffs)


def _normalised(density: ComplexArray, initial: InitialState, cutoffs: tuple[int, ...]) -> ComplexArray:
    kept = float(np.trace(density).real)
    if not 1.0 - kept <= MAX_LOST_POPULATION:
        raise _does_not_fit(initial, cutoffs, f"{1 - kept:.2g}")
    return density / kept


def _does_not_fit(initial: InitialState, cutoffs: tuple[int, ...], lost: str) -> ValueError:
    return ValueError(
        f"the initial state {initial.name} does not fit {' x '.join(map(str, cutoffs))} levels: {lost} of it lies "
        "above them; raise the cutoffs, start from a smaller state, or let a squeezed frame follow it"
    )
