"""Photon counting as its equations stand, on truncated operators: slow, dense, and of first order in its step."""

from collections.abc import Sequence

import numpy as np
import qutip
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from cascade_steering.sim.fock.basis.states import density_state
from cascade_steering.sim.fock.qutip.operators import initial_density
from cascade_steering.sim.initial_state import InitialState
from cascade_steering.sim.model.counters import CountedChannel
from cascade_steering.sim.model.linear_model import LinearModel

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

# One oscillator without any symmetry: a force, complex c_k, η < 1, two counters, one of them of two channels.
COUNTED = (
    CountedChannel(name="first", rows=np.array([[0.5, 0.4j], [0.2 + 0.1j, 0.3]]), efficiency=0.7, dark_rate=0.2),
    CountedChannel(name="second", rows=np.array([[0.3, -0.5j]]), efficiency=0.9),
)
HAMILTONIAN, FORCE = np.array([[0.3, 0.1], [0.1, -0.2]]), np.array([0.5, -0.3])
UNDETECTED = np.array([[0.3, 0.2j]])
COUNTING_ONLY = LinearModel(
    hamiltonian=HAMILTONIAN,
    monitored=np.zeros((0, 2)),
    efficiency=np.zeros(0),
    unmonitored=UNDETECTED,
    record_names=(),
    force=FORCE,
    counted=COUNTED,
)
BOTH = LinearModel(
    hamiltonian=HAMILTONIAN,
    monitored=np.array([[0.5 + 0.2j, 0.1 + 0.4j]]),
    efficiency=np.array([0.7]),
    unmonitored=UNDETECTED,
    record_names=("X",),
    force=FORCE,
    counted=COUNTED,
)


class Dense:
    """One oscillator on ``levels`` Fock levels.

    Between clicks dρ = (𝓛 − Σ η L·L†)ρ dt + √η(Lρ + ρL†)dY, unnormalised, in steps M ρ M† + Σ w LρL† dt with
    M = 1 − (iH + ½ΣL†L)dt + √ηL dY + ½ηL²(dY² − dt) (Rouchon and Ralph, PRA 91, 012118 (2015)).
    """

    def __init__(self, model: LinearModel, levels: int) -> None:
        a = qutip.destroy(levels).full()
        self.x, self.p = (a + a.conj().T) / np.sqrt(2), (a - a.conj().T) / (1j * np.sqrt(2))
        self.model, self.levels = model, levels
        quadratures = (self.x, self.p)
        form = model.hamiltonian
        self.hamiltonian = sum(
            0.5 * form[i, j] * quadratures[i] @ quadratures[j] for i in (0, 1) for j in (0, 1)
        ) + sum(model.force[i] * quadratures[i] for i in (0, 1))

    def operator(self, row: ComplexArray) -> ComplexArray:
        found: ComplexArray = row[0] * self.x + row[1] * self.p
        return found

    def start(self, initial: InitialState) -> ComplexArray:
        found: ComplexArray = initial_density(initial, (self.levels,)).full()
        return found

    def clicked(self, density: ComplexArray, counter: int) -> ComplexArray:
        each = self.model.counted[counter]
        found = each.dark_rate * density
        for row, amplitude in zip(each.rows, each.amplitudes, strict=True):
            jump = self.operator(row) + amplitude * np.eye(self.levels)
            found = found + each.efficiency * jump @ density @ jump.conj().T
        return found / np.trace(found)

    def rate(self, density: ComplexArray, counter: int) -> float:
        """η Σ⟨L†L⟩ of a state, without dark clicks."""
        each = self.model.counted[counter]
        jumps = (
            self.operator(row) + light * np.eye(self.levels)
            for row, light in zip(each.rows, each.amplitudes, strict=True)
        )
        decays = sum(jump.conj().T @ jump for jump in jumps)
        return float(each.efficiency * np.trace(decays @ density).real)

    def between(
        self, density: ComplexArray, increments: FloatArray, dt: float, *, measured: bool = False
    ) -> ComplexArray:
        """The state after steps without a click, with dW (or dY) of each, (steps, channels)."""
        model, one = self.model, np.eye(self.levels)
        seen = [np.sqrt(eta) * self.operator(row) for eta, row in zip(model.efficiency, model.monitored, strict=True)]
        partly = [
            np.sqrt(1 - eta) * self.operator(row) for eta, row in zip(model.efficiency, model.monitored, strict=True)
        ]
        unseen = partly + [self.operator(row) for row in model.unmonitored]
        unseen += [np.sqrt(1 - each.efficiency) * self.operator(row) for each in model.counted for row in each.rows]
        decay = sum(self.operator(row).conj().T @ self.operator(row) for row in model.channels)
        # of the quanta that click also λ*L + λL† and |λ|² are missing, which 𝓛 does not contain
        still = one - (1j * self.hamiltonian + 0.5 * decay + self._interference()) * dt
        for row in increments:
            kraus = still
            for jump, dw in zip(seen, row, strict=True):
                dy = dw if measured else dw + 2 * np.trace(jump @ density).real * dt
                kraus = kraus + jump * dy + 0.5 * jump @ jump * (dy**2 - dt)
            density = kraus @ density @ kraus.conj().T + sum(dt * jump @ density @ jump.conj().T for jump in unseen)
            density = density / np.trace(density).real
        return density

    def _interference(self) -> ComplexArray:
        """Σ η λ* L: −η LρL† of L + λ is −η (LρL† + λ*Lρ + λρL† + |λ|²ρ), and the last term is a number."""
        found = np.zeros((self.levels, self.levels), dtype=complex)
        for each in self.model.counted:
            for row, amplitude in zip(each.rows, each.amplitudes, strict=True):
                found += each.efficiency * np.conj(amplitude) * self.operator(row)
        return found

    def moments(self, density: ComplexArray) -> FloatArray:
        """⟨X⟩, ⟨P⟩, and V_XX, V_PP, V_XP."""
        x, p = (np.trace(each @ density).real for each in (self.x, self.p))
        xx, pp = (np.trace(each @ each @ density).real for each in (self.x, self.p))
        xp = np.trace(self.x @ self.p @ density).real
        return np.array([x, p, xx - x * x, pp - p * p, xp - x * p])

    def along(
        self,
        density: ComplexArray,
        increments: FloatArray,
        dt: float,
        clicks: Sequence[tuple[float, int]],
        duration: float,
    ) -> FloatArray:
        """Moments at ``duration`` with clicks at given times, multiples of dt."""
        done = 0
        for time, counter in clicks:
            place = round(time / dt)
            density = self.clicked(self.between(density, increments[done:place], dt), counter)
            done = place
        return self.moments(self.between(density, increments[done : round(duration / dt)], dt))


def five(means: FloatArray, covariances: FloatArray) -> FloatArray:
    """⟨X⟩, ⟨P⟩, V_XX, V_PP, V_XP from arrays (..., 2) and (..., 2, 2); array of shape (..., 5)."""
    v = covariances
    return np.concatenate([means, np.stack([v[..., 0, 0], v[..., 1, 1], v[..., 0, 1]], axis=-1)], axis=-1)


def cat() -> InitialState:
    """Mean, squeezing and negativity at once."""
    ket = qutip.basis(3, 0) + (0.5 + 0.3j) * qutip.basis(3, 1) - 0.7j * qutip.basis(3, 2)
    return density_state(ket.unit(), name="superposition")


def without_clicks(dense: Dense, density: ComplexArray, time: float, *, normalised: bool = True) -> ComplexArray:
    """ρ̇ = 𝓛ρ − Σ ηLρL† by an integrator, averaged over homodyne records."""
    channels = [dense.operator(row) for row in dense.model.channels]
    decay = -1j * dense.hamiltonian - 0.5 * sum(each.conj().T @ each for each in channels)
    jumps = [dense.operator(row) for row in [*dense.model.monitored, *dense.model.unmonitored]]
    jumps += [np.sqrt(1 - each.efficiency) * dense.operator(row) for each in dense.model.counted for row in each.rows]

    def slope(_: float, flat: ComplexArray) -> ComplexArray:
        rho = flat.reshape(density.shape)
        half = decay @ rho
        return np.asarray(half + half.conj().T + sum(k @ rho @ k.conj().T for k in jumps)).ravel()

    found = solve_ivp(slope, (0.0, time), density.ravel(), rtol=1e-9, atol=1e-11).y[:, -1].reshape(density.shape)
    return np.asarray(found / np.trace(found) if normalised else found)
