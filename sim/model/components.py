"""Open linear systems with named modes and named ports, and how they are joined.

A component meets one field b_k on each of its lines. Its couplings L = C x + λ act on the field after the scattering,

    f = S₋ b + S₊ b^#      b_out = f + L      Ẋ = i[H, X] + Σ_k (f_k†[X, L_k] + [L_k†, X] f_k)  (Stratonovich)

where b^# holds the b_k†. S₊ = 0 for what loses, mixes or delays light, S₊ ≠ 0 for a squeezer, and λ is a coherent
amplitude added to the light. The light of one component may run into the next: the series product of Gough and James
(IEEE Trans. Autom. Control 54, 2530 (2009)), with squeezing as in Gough, James and Nurdin (Phys. Rev. A 81, 023804
(2010)). Section 1 of sim/README.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import frozen

__all__ = ["Component", "concatenate", "series"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

# relative to the largest entry squared: far above rounding, far below any setting
_ROUNDING = 1e-9


def _empty() -> NDArray[Any]:
    return np.zeros(0)


@dataclass(frozen=True, kw_only=True, eq=False)
class Component:
    """An open linear system: H = ½ xᵀGx + h·x, and on each line a coupling L = c·x + λ and a scattering.

    Lines come in the order of ``couplings``. The first ones are the ports, which have names and may be connected; the
    others are closed: vacuum comes in and what goes out is not detected, as in a bath or at an open beam splitter.

    Parameters
    ----------
    modes : names of the oscillators, d/2 of them; x = (X, P) of each in this order
    ports : names of the first lines
    couplings : c of every line, complex array of shape (m, d), √(rad/s)
    hamiltonian : G, real symmetric array of shape (d, d), rad/s; left out, zero
    force : h, real array of shape (d,), rad/s; left out, zero
    amplitudes : λ of every line, complex array of shape (m,), √(rad/s); left out, zero
    passive, active : S₋ and S₊, complex arrays of shape (m, m); left out, 1 and 0

    Raises
    ------
    ValueError
        if shapes disagree, a name is there twice, an entry is not finite, G is not symmetric, or f does not have the
        commutators of a field: S₋S₋† − S₊S₊† = 1 and S₋S₊ᵀ symmetric.
    """

    modes: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    couplings: ComplexArray
    hamiltonian: FloatArray = field(default_factory=_empty)
    force: FloatArray = field(default_factory=_empty)
    amplitudes: ComplexArray = field(default_factory=_empty)
    passive: ComplexArray = field(default_factory=_empty)
    active: ComplexArray = field(default_factory=_empty)

    def __post_init__(self) -> None:
        d, m = 2 * len(self.modes), len(self.couplings)
        defaults = {
            "couplings": np.zeros((m, d), dtype=complex),
            "hamiltonian": np.zeros((d, d)),
            "force": np.zeros(d),
            "amplitudes": np.zeros(m, dtype=complex),
            "passive": np.eye(m, dtype=complex),
            "active": np.zeros((m, m), dtype=complex),
        }
        for name, default in defaults.items():
            given = np.asarray(getattr(self, name))
            value = given if given.size or name == "couplings" else default
            if value.shape != default.shape:
                raise ValueError(f"{name} must have shape {default.shape}, got {value.shape}")
            if not np.all(np.isfinite(value)):
                raise ValueError(f"{name} must be finite")
            if np.iscomplexobj(value) and not np.iscomplexobj(default):
                raise ValueError(f"{name} must be real")
            object.__setattr__(self, name, frozen(value.astype(default.dtype)))
        self._require_names(m)
        if not np.array_equal(self.hamiltonian, self.hamiltonian.T):
            raise ValueError("hamiltonian must be symmetric")
        self._require_field()

    def _require_names(self, lines: int) -> None:
        for what, names in (("modes", self.modes), ("ports", self.ports)):
            if len(set(names)) != len(names):
                raise ValueError(f"{what} must be named once each, got {names}")
        if len(self.ports) > lines:
            raise ValueError(f"ports must name at most {lines} lines, got {self.ports}")

    def _require_field(self) -> None:
        """[f_j, f_k†] = δ_jk and [f_j, f_k] = 0."""
        same = self.passive @ self.passive.conj().T - self.active @ self.active.conj().T - np.eye(len(self.passive))
        mixed = self.passive @ self.active.T
        largest = 1.0 + np.max(np.abs(self.passive), initial=0.0) ** 2
        off = max(np.max(np.abs(same), initial=0.0), np.max(np.abs(mixed - mixed.T), initial=0.0))
        if off > _ROUNDING * largest:
            raise ValueError(f"passive and active must keep the commutators of the field, which are off by {off:.2g}")

    def scattered(self, operators: ComplexArray) -> ComplexArray:
        """S₋ o + S₊ o^# for operators linear in x and 1, given by their coefficients; array of shape (m, n)."""
        return self.passive @ operators + self.active @ operators.conj()


def series(*components: Component) -> Component:
    """Components one after the other: the light that leaves a port enters the port of that name in the next one.

        (S², L², H²) ◁ (S¹, L¹, H¹) = (S²S¹, L² + S²L¹, H¹ + H² + (1/2i) Σ_k (L²_k†(S²L¹)_k − h.c.))

    with S acting as f above. Light of a port that a component does not have passes it by. An oscillator that two
    components name is one oscillator, which the light meets twice. Closed lines stay closed.

    Raises ValueError without a component.
    """
    if not components:
        raise ValueError("series needs at least one component")
    return reduce(_then, components)


def concatenate(*components: Component) -> Component:
    """Components side by side, without light from one to the other.

    Raises ValueError without a component, or if two of them share a port.
    """
    ports = [port for component in components for port in component.ports]
    shared = sorted({port for port in ports if ports.count(port) > 1})
    if shared:
        raise ValueError(f"components side by side must have different ports, {', '.join(shared)} is there twice")
    return series(*components)


def _then(first: Component, second: Component) -> Component:
    modes, ports = _union(first.modes, second.modes), _union(first.ports, second.ports)
    of_first, of_second = (len(each.couplings) - len(each.ports) for each in (first, second))
    before = _widened(first, modes, ports, closed=(0, of_second))
    after = _widened(second, modes, ports, closed=(of_first, 0))
    # an operator linear in x is one in (x, 1), its amplitude the last coefficient
    sent, met = after.scattered(_extended(before)), _extended(after)
    half = np.imag(met.conj().T @ sent)
    exchange, total = half + half.T, sent + met
    return Component(
        modes=modes,
        ports=ports,
        couplings=total[:, :-1],
        hamiltonian=before.hamiltonian + after.hamiltonian + exchange[:-1, :-1],
        force=before.force + after.force + exchange[:-1, -1],
        amplitudes=total[:, -1],
        passive=after.passive @ before.passive + after.active @ before.active.conj(),
        active=after.passive @ before.active + after.active @ before.passive.conj(),
    )


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return first + tuple(name for name in second if name not in first)


def _extended(component: Component) -> ComplexArray:
    return np.concatenate([component.couplings, component.amplitudes[:, None]], axis=1)


def _widened(component: Component, modes: Sequence[str], ports: Sequence[str], closed: tuple[int, int]) -> Component:
    """The component with further modes and ports, and so many closed lines before and after its own."""
    own = len(component.couplings) - len(component.ports)
    lines = [ports.index(port) for port in component.ports] + [len(ports) + closed[0] + line for line in range(own)]
    quadratures = [2 * modes.index(mode) + half for mode in component.modes for half in (0, 1)]
    m, d = len(ports) + closed[0] + own + closed[1], 2 * len(modes)
    between, within, among = np.ix_(lines, quadratures), np.ix_(quadratures, quadratures), np.ix_(lines, lines)
    couplings, hamiltonian = np.zeros((m, d), dtype=complex), np.zeros((d, d))
    passive, active = np.eye(m, dtype=complex), np.zeros((m, m), dtype=complex)
    force, amplitudes = np.zeros(d), np.zeros(m, dtype=complex)
    couplings[between], hamiltonian[within] = component.couplings, component.hamiltonian
    passive[among], active[among] = component.passive, component.active
    force[quadratures], amplitudes[lines] = component.force, component.amplitudes
    return Component(
        modes=tuple(modes),
        ports=tuple(ports),
        couplings=couplings,
        hamiltonian=hamiltonian,
        force=force,
        amplitudes=amplitudes,
        passive=passive,
        active=active,
    )
