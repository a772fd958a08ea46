"""Initial states of the Fock engines: a Gaussian state in a frame, or a given density matrix."""

import warnings
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import frozen, mode_names
from cascade_steering.sim.fock.basis.diagnostics import CutoffWarning
from cascade_steering.sim.fock.basis.exact_elements import displaced, gaussian_elements, unitary_elements
from cascade_steering.sim.fock.basis.levels import Levels, check_cutoffs, resize
from cascade_steering.sim.fock.basis.moments import FockMoments
from cascade_steering.sim.initial_state import InitialState

if TYPE_CHECKING:
    import qutip

__all__ = [
    "MAX_LOST_POPULATION",
    "MAX_MOMENT_CHANGE",
    "MOMENT_LIMIT",
    "DensityState",
    "density_at_rest",
    "density_in_frame",
    "density_state",
]

ComplexArray = NDArray[np.complex128]
FloatArray = NDArray[np.float64]
# An initial state is refused if more than this population is above the levels, or if truncation changes a variance by
# more than this fraction, or the mean by more than this many standard deviations.
MAX_LOST_POPULATION = 1e-2
MAX_MOMENT_CHANGE = 5e-2
# The same change of moments leads to a warning: below it they are right to three digits, as for the commutators of
# ``sim.fock.basis.diagnostics``.
MOMENT_LIMIT = 1e-3
_ROUNDING = 1e-9
# The population that is neglected when a state is displaced to its mean: moments change by the root of it.
_NEGLIGIBLE = 1e-24
# The number of levels, beside its own and its quanta, that a displaced state is given.
_MORE_LEVELS = 20


@dataclass(frozen=True, kw_only=True, eq=False)
class DensityState(InitialState):
    """One density matrix from which every trajectory starts; it need not be Gaussian. Use ``density_state``.

    Parameters
    ----------
    density : ρ of ξ in the frame x = 𝖲ξ + x̄, array of shape (D, D)
    cutoffs : its levels of each mode of the frame
    symplectic : 𝖲, array of shape (d, d)
    """

    density: ComplexArray
    cutoffs: tuple[int, ...]
    symplectic: FloatArray

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("density", "symplectic"):
            object.__setattr__(self, name, frozen(getattr(self, name)))

    @property
    def gaussian(self) -> bool:
        """False: mean and covariance do not determine the state."""
        return False

    @property
    def density_state(self) -> Self:
        """The state itself."""
        return self

    @cached_property
    def around_mean(self) -> tuple[ComplexArray, tuple[int, ...]]:
        """ρ (D, D) of ξ less its mean, and the levels that this displaced state fills."""
        mean = FockMoments(self.cutoffs).of(self.density)[0]
        moved, room = self.density, self.cutoffs
        if np.max(np.abs(mean)) > _ROUNDING:
            quanta = 0.5 * np.sum(mean.reshape(-1, 2) ** 2, axis=1)
            room = tuple(
                n + (_MORE_LEVELS + int(np.ceil(q)) if q else 0) for n, q in zip(self.cutoffs, quanta, strict=True)
            )
            moved = displaced(self.density, -mean, self.cutoffs, room)
        needed = tuple(_filled(moved, room, mode) for mode in range(len(room)))
        return resize(moved, room, needed), needed


def density_state(
    state: "qutip.Qobj",
    *,
    symplectic: FloatArray | None = None,
    origin: FloatArray | None = None,
    name: str = "density matrix",
) -> DensityState:
    """An initial state from a QuTiP ket or density operator, in the frame x = 𝖲ξ + x̄.

    Parameters
    ----------
    state : ket or density operator on one space per oscillator, with any numbers of levels
    symplectic : 𝖲, array of shape (d, d); 1 if left out
    origin : x̄, array of shape (d,); 0 if left out
    name : the name of the state in results and messages

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
    mean, covariance, _, _ = FockMoments(cutoffs).of(matrix)
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
    """ρ (D, D) of ``initial`` in the quadratures ξ = 𝖲⁻¹(x − x̄), x̄ its mean, normalised.

    Warns CutoffWarning if truncation changes a moment by more than 1e-3.
    Raises ValueError if more than 1e-2 of the population lies above the levels, or a moment changes by more than 5e-2.
    """
    check_cutoffs(levels.cutoffs, mode_names(initial.covariance.shape[0] // 2))
    center = np.zeros_like(initial.center)
    return _truncated(_in_box(initial, symplectic, center, levels.cutoffs), initial, symplectic, center, levels)


def density_at_rest(initial: InitialState, levels: Levels) -> ComplexArray:
    """ρ (D, D) of ``initial`` in the quadratures x themselves, so that its mean is that of ρ, normalised.

    Warns CutoffWarning and raises ValueError as ``density_in_frame`` does, and ValueError if the means are scattered.
    """
    check_cutoffs(levels.cutoffs, mode_names(initial.covariance.shape[0] // 2))
    if np.any(initial.scatter):
        raise ValueError(
            f"in a Fock space at rest all trajectories start from the same state, but {initial.name} has scatter: "
            "use a frame that follows the mean"
        )
    quanta = float(np.max(np.sum(initial.center.reshape(-1, 2) ** 2, axis=1))) / 2
    if quanta > max(levels.cutoffs):
        raise _does_not_fit(initial, levels.cutoffs, f"its mean alone has {quanta:.3g} quanta")
    at_rest = np.eye(initial.covariance.shape[0])
    return _truncated(
        _in_box(initial, at_rest, initial.center, levels.cutoffs), initial, at_rest, initial.center, levels
    )


def _in_box(
    initial: InitialState, symplectic: FloatArray, center: FloatArray, cutoffs: tuple[int, ...]
) -> ComplexArray:
    """The exact elements of ``initial`` on all levels below ``cutoffs``, of ξ with the mean ``center``."""
    given = initial.density_state
    if given is None:
        inverse = np.linalg.inv(symplectic)
        return gaussian_elements(inverse @ initial.covariance @ inverse.T, center, cutoffs)
    density, own = given.around_mean
    turn = np.asarray(np.linalg.solve(symplectic, given.symplectic), dtype=np.float64)
    moved = bool(np.any(center))
    # The state is displaced last, and needs levels for what the displacement takes to lower levels.
    reach = np.sqrt(np.sum(center.reshape(-1, 2) ** 2, axis=1) / 2)
    room = tuple(int(np.ceil((np.sqrt(n) + r) ** 2)) for n, r in zip(cutoffs, reach, strict=True)) if moved else cutoffs
    if np.allclose(turn, np.eye(turn.shape[0]), rtol=0.0, atol=_ROUNDING):
        turned = resize(density, own, room)
    else:
        unitary = unitary_elements(turn, np.zeros_like(center), room, own)
        turned = unitary @ density @ unitary.conj().T
    return displaced(turned, center, room, cutoffs) if moved else turned


def _filled(density: ComplexArray, cutoffs: tuple[int, ...], mode: int) -> int:
    """The number of levels of a mode, at least 2, above which its population is negligible."""
    populations = np.diag(density).real.reshape(cutoffs)
    marginal = np.sum(populations, axis=tuple(k for k in range(len(cutoffs)) if k != mode))
    above = np.cumsum(marginal[::-1])[::-1]
    return max(2, int(np.count_nonzero(above > _NEGLIGIBLE)))


def _truncated(
    box: ComplexArray, initial: InitialState, symplectic: FloatArray, center: FloatArray, levels: Levels
) -> ComplexArray:
    """The state between the kept levels, normalised, after its moments are compared with those of ``initial``."""
    density = levels.of_box(box, levels.cutoffs)
    kept = float(np.trace(density).real)
    lost = f"{100 * (1 - kept):.2g} % of its population lies above them"
    if not 1.0 - kept <= MAX_LOST_POPULATION:
        raise _does_not_fit(initial, levels.cutoffs, lost)
    density = density / kept
    mean, covariance, _, _ = FockMoments(levels.cutoffs).of(levels.to_box(density))
    inverse = np.linalg.inv(symplectic)
    wanted = inverse @ initial.covariance @ inverse.T
    root = np.linalg.cholesky(wanted)
    ratios = np.linalg.eigvalsh(np.linalg.solve(root, np.linalg.solve(root, covariance).T)) - 1.0
    worst = float(ratios[np.argmax(np.abs(ratios))])
    displacement = float(np.linalg.norm(np.linalg.solve(root, mean - center)))
    change = max(abs(worst), displacement)
    what = (
        f"{lost}, which changes a variance by {100 * worst:+.2g} % and the mean by {displacement:.2g} standard "
        "deviations"
    )
    if not change <= MAX_MOMENT_CHANGE:
        raise _does_not_fit(initial, levels.cutoffs, what)
    if change > MOMENT_LIMIT:
        warnings.warn(str(_does_not_fit(initial, levels.cutoffs, what)), CutoffWarning, stacklevel=4)
    return density


def _does_not_fit(initial: InitialState, cutoffs: tuple[int, ...], what: str) -> ValueError:
    return ValueError(
        f"the initial state {initial.name} does not fit {' x '.join(map(str, cutoffs))} levels: {what}; raise the "
        "cutoffs, start from a smaller state, or use a squeezed frame"
    )
