"""Open linear systems with named modes and named ports, and their connection.

A component has one field b_k on each of its lines. The field is scattered to f, and f couples to L = C x + λ:

    f = S₋ b + S₊ b^#      b_out = f + L      Ẋ = i[H, X] + Σ_k (f_k†[X, L_k] + [L_k†, X] f_k)  (Stratonovich)

where b^# holds the b_k†. S₊ = 0 for passive devices, S₊ ≠ 0 for a squeezer, and λ is a coherent amplitude that is added
to the light. The output of one component may be the input of the next: the series product of Gough and James
(IEEE Trans. Autom. Control 54, 2530 (2009)), with squeezing as in Gough, James and Nurdin (Phys. Rev. A 81, 023804
(2010)). Section 1 of sim/README.md.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import frozen
from cascade_steering.sim.model.polynomials import Polynomial

__all__ = ["Component", "concatenate", "series"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

# Error of the commutators relative to the largest squared entry: far above rounding, and below any intended value.
_ROUNDING = 1e-9


def _empty() -> NDArray[Any]:
    return np.zeros(0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Component:
    """An open linear system: H = ½ xᵀGx + h·x, and on each line a coupling L = c·x + λ and a scattering.

    Lines are in the order of ``couplings``. The first ones are the ports, which have names and may be connected. The
    others are closed: their input is vacuum and their output is not detected, as for a bath or the open port of a beam
    splitter. Section 1 of sim/README.md.

    Parameters
    ----------
    modes : names of the oscillators, d/2 of them; x = (X, P) of each in this order
    ports : names of the first lines
    couplings : c of every line, complex array of shape (m, d), √(rad/s)
    hamiltonian : G, real symmetric array of shape (d, d), rad/s; zero if left out
    force : h, real array of shape (d,), rad/s; zero if left out
    amplitudes : λ of every line, complex array of shape (m,), √(rad/s); zero if left out
    passive, active : S₋ and S₊, complex arrays of shape (m, m); 1 and 0 if left out
    nonlinear : polynomials of the oscillators that are added to H; ``series`` adds those of the same oscillator up

    Raises
    ------
    ValueError
        if shapes disagree, a name is repeated or unknown, an entry is not finite, G is not symmetric, or f does not
        have the commutators of a field: S₋S₋† − S₊S₊† = 1 and S₋S₊ᵀ symmetric.
    """

    modes: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    couplings: ComplexArray
    hamiltonian: FloatArray = field(default_factory=_empty)
    force: FloatArray = field(default_factory=_empty)
    amplitudes: ComplexArray = field(default_factory=_empty)
    passive: ComplexArray = field(default_factory=_empty)
    active: ComplexArray = field(default_factory=_empty)
    nonlinear: tuple[Polynomial, ...] = ()

    def __post_init__(self) -> None:
        d, m = 2 * len(self.modes), len(self.couplings)
        scatters = np.size(self.passive) > 0 or np.size(self.active) > 0
        shapes = {
            "couplings": ((m, d), complex),
            "hamiltonian": ((d, d), float),
            "force": ((d,), float),
            "amplitudes": ((m,), complex),
            "passive": ((m, m), complex),
            "active": ((m, m), complex),
        }
        for name, (shape, kind) in shapes.items():
            value = np.asarray(getattr(self, name))
            if not value.size:
                value = np.eye(m) if name == "passive" else np.zeros(shape)
            if value.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {value.shape}")
            if kind is float and np.iscomplexobj(value):
                raise ValueError(f"{name} must be real")
            if not np.isfinite(value).all():
                raise ValueError(f"{name} must be finite")
            object.__setattr__(self, name, frozen(value.astype(kind)))
        self._require_names(m)
        if not np.array_equal(self.hamiltonian, self.hamiltonian.T):
            raise ValueError("hamiltonian must be symmetric")
        if scatters:
            self._require_field()

    def _require_names(self, lines: int) -> None:
        for what, names in (("modes", self.modes), ("ports", self.ports)):
            if len(set(names)) != len(names):
                raise ValueError(f"{what} must be named once each, got {names}")
        for each in self.nonlinear:
            if each.mode not in self.modes:
                raise ValueError(f"a polynomial must be of one of {', '.join(self.modes)}, got {each.mode!r}")
        if len(self.ports) > lines:
            raise ValueError(f"ports must name at most {lines} lines, got {self.ports}")

    def _require_field(self) -> None:
        """Raise ValueError unless [f_j, f_k†] = δ_jk and [f_j, f_k] = 0."""
        same = self.passive @ self.passive.conj().T - self.active @ self.active.conj().T - np.eye(len(self.passive))
        mixed = self.passive @ self.active.T
        largest = 1.0 + np.max(np.abs(self.passive), initial=0.0) ** 2
        off = max(np.max(np.abs(same), initial=0.0), np.max(np.abs(mixed - mixed.T), initial=0.0))
        if off > _ROUNDING * largest:
            raise ValueError(f"passive and active must keep the commutators of the field, which are off by {off:.2g}")

    @property
    def closed(self) -> int:
        """The number of closed lines."""
        return len(self.couplings) - len(self.ports)


def series(*components: Component) -> Component:
    """Components in series: the light that leaves a port enters the port of the same name in the next component.

        driven = cs.series(cs.coherent_drive(amplitude=2.0), cs.cavity("a", {"field": 1.0}), cs.loss(power=0.1))

        (S², L², H²) ◁ (S¹, L¹, H¹) = (S²S¹, L² + S²L¹, H¹ + H² + (1/2i) Σ_k (L²_k†(S²L¹)_k − h.c.))

    with S acting as on b above. Light of a port that a component does not have passes unchanged. A mode that two
    components name is one oscillator, which couples to the light twice. Closed lines remain closed. Section 1 of
    sim/README.md.

    Raises ValueError without a component.
    """
    if not components:
        raise ValueError("series needs at least one component")
    modes = tuple(dict.fromkeys(mode for component in components for mode in component.modes))
    ports = tuple(dict.fromkeys(port for component in components for port in component.ports))
    d, m = 2 * len(modes), len(ports) + sum(component.closed for component in components)
    # An operator linear in x is a row of coefficients of (x, 1).
    met, form = np.zeros((m, d + 1), dtype=complex), np.zeros((d + 1, d + 1))
    passive, active = np.eye(m, dtype=complex), np.zeros((m, m), dtype=complex)
    for each, lines, quadratures in _placed(components, modes, ports):
        own = np.zeros((len(lines), d + 1), dtype=complex)
        own[:, quadratures], own[:, d] = each.couplings, each.amplitudes
        arriving = _scattered(each, met[lines], met[lines])
        half = np.imag(own.conj().T @ arriving)
        form += half + half.T
        form[np.ix_(quadratures, quadratures)] += each.hamiltonian
        form[quadratures, d] += each.force
        met[lines] = arriving + own
        passive[lines], active[lines] = (
            _scattered(each, passive[lines], active[lines]),
            _scattered(each, active[lines], passive[lines]),
        )
    return Component(
        modes=modes,
        ports=ports,
        couplings=met[:, :d],
        hamiltonian=form[:d, :d],
        force=form[:d, d],
        amplitudes=met[:, d],
        passive=passive,
        active=active,
        nonlinear=Polynomial.sum_of(one for each in components for one in each.nonlinear),
    )


def concatenate(*components: Component) -> Component:
    """Components in parallel, without light from one to another. Section 1 of sim/README.md.

    Raises ValueError without a component, or if two of them share a port.
    """
    ports = [port for component in components for port in component.ports]
    shared = sorted({port for port in ports if ports.count(port) > 1})
    if shared:
        raise ValueError(f"components in parallel must have different ports, but {', '.join(shared)} is repeated")
    return series(*components)


def _placed(
    components: tuple[Component, ...], modes: tuple[str, ...], ports: tuple[str, ...]
) -> Iterator[tuple[Component, list[int], list[int]]]:
    """Each component with the indices of its lines and quadratures in the result, where ports precede closed lines."""
    free = len(ports)
    for each in components:
        lines = [*(ports.index(port) for port in each.ports), *range(free, free + each.closed)]
        free += each.closed
        yield each, lines, [2 * modes.index(mode) + half for mode in each.modes for half in (0, 1)]


def _scattered(component: Component, operators: ComplexArray, partners: ComplexArray) -> ComplexArray:
    """S₋ o + S₊ p*, for rows o of coefficients of operators on the lines, and p* of their adjoints."""
    return np.asarray(component.passive @ operators + component.active @ partners.conj())
