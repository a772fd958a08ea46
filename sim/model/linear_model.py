"""The cascade as an engine-free linear model: a quadratic Hamiltonian and channels linear in x."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import frozen, mode_names
from cascade_steering.sim.parameters import Bath, Cascade, Detection, plain_number, require

__all__ = ["ANNIHILATION", "LinearModel", "lab", "rwa", "series_hamiltonian", "thermal_channels"]

ComplexArray = NDArray[np.complex128]

# a = ANNIHILATION·(X, P), a† its conjugate
ANNIHILATION = np.array([1.0, 1.0j]) / np.sqrt(2.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearModel:
    """H = ½ xᵀ G x + h·x and channels L_k = c_k·x on the quadratures x of d/2 oscillators.

    Parameters
    ----------
    hamiltonian : G, real symmetric array of shape (d, d), rad/s
    monitored : c_k of the detected channels, complex array of shape (m, d), √(rad/s)
    efficiency : η_k of the detected channels, array of shape (m,), in [0, 1]
    unmonitored : c_k of the channels nobody looks at, complex array of shape (k, d), √(rad/s)
    record_names : one name per detected channel
    modes : one name per oscillator; left out, minus and plus where there are two, else mode_1, mode_2, …
    force : h, real array of shape (d,), rad/s; left out, zero. The means then move by ẋ = A x + Σ h

    The record of channel k is dY_k = √η_k ⟨L_k + L_k†⟩ dt + dW_k.

    Raises
    ------
    ValueError
        if shapes disagree, G is not real symmetric, an efficiency lies outside [0, 1], an entry is not finite or a name
        is there twice.
    """

    hamiltonian: NDArray[np.float64]
    monitored: ComplexArray
    efficiency: NDArray[np.float64]
    unmonitored: ComplexArray
    record_names: tuple[str, ...]
    modes: tuple[str, ...] = ()
    force: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        quadratures = np.shape(self.hamiltonian)[:1]
        if np.size(self.force) == 0:
            object.__setattr__(self, "force", np.zeros(quadratures))
        if not self.modes:
            object.__setattr__(self, "modes", mode_names(sum(quadratures) // 2))
        for name in ("hamiltonian", "monitored", "efficiency", "unmonitored", "force"):
            object.__setattr__(self, name, frozen(getattr(self, name)))
        for name in ("hamiltonian", "monitored", "unmonitored"):
            if np.ndim(getattr(self, name)) == 0:
                raise ValueError(f"{name} must be a matrix, got {getattr(self, name)!r}")
        d = self.hamiltonian.shape[0]
        m = self.monitored.shape[0]
        for name, shape in (
            ("hamiltonian", (d, d)),
            ("monitored", (m, d)),
            ("efficiency", (m,)),
            ("unmonitored", (self.unmonitored.shape[0], d)),
            ("force", (d,)),
        ):
            array = getattr(self, name)
            if array.shape != shape:
                raise ValueError(f"{name} must have shape {shape}, got {array.shape}")
            if not np.all(np.isfinite(array)):
                raise ValueError(f"{name} must be finite, got {array!r}")
        if d == 0 or d % 2:
            raise ValueError(f"a model needs an even number of quadratures, got {d}")
        if np.iscomplexobj(self.hamiltonian) or not np.array_equal(self.hamiltonian, self.hamiltonian.T):
            raise ValueError(f"hamiltonian must be real and symmetric, got {self.hamiltonian}")
        if np.any((self.efficiency < 0) | (self.efficiency > 1)):
            raise ValueError(f"efficiency must lie in [0, 1], got {self.efficiency}")
        if len(self.record_names) != m:
            raise ValueError(f"record_names must name {m} channels, got {self.record_names}")
        if np.iscomplexobj(self.force):
            raise ValueError(f"force must be real, got {self.force}")
        if len(self.modes) != d // 2 or len(set(self.modes)) != d // 2:
            raise ValueError(f"modes must name {d // 2} oscillators, each once, got {self.modes}")

    @property
    def dimension(self) -> int:
        """Number d of quadratures."""
        return int(self.hamiltonian.shape[0])

    @property
    def channels(self) -> ComplexArray:
        """All channels, detected ones first; complex array of shape (m + k, d)."""
        return np.concatenate([self.monitored, self.unmonitored])


def rwa(cascade: Cascade, detection: Detection) -> LinearModel:
    """The rotating-wave model of the cascade: two field modes, the sidebands l and u.

    Detected: L_l = √(1−ε) e^{iφ} √Γ₋B a₋ + √Γ₊P a₊† and L_u = √(1−ε) e^{iφ} √Γ₋P a₋† + √Γ₊B a₊, read as
    cosine and sine parts L_c = e^{−iϑ}(L_l + L_u)/√2, L_s = i e^{−iϑ}(L_l − L_u)/√2. It is the SLH series
    product of oscillator −, a beam splitter of power loss ε, and oscillator +, whose steady state is
    Eq. (4) of arXiv:1901.04250 at φ = 0.

    Stability is not required here: ``Cascade.require_stable`` asks for it where a steady state is wanted.
    """
    minus, plus = cascade.minus, cascade.plus
    a_minus, a_plus = np.zeros((2, 4), dtype=complex)
    a_minus[:2] = a_plus[2:] = ANNIHILATION
    # rows: the sidebands l and u
    first = np.array([np.sqrt(minus.beam_splitter_rate) * a_minus, np.sqrt(minus.parametric_rate) * a_minus.conj()])
    second = np.array([np.sqrt(plus.parametric_rate) * a_plus.conj(), np.sqrt(plus.beam_splitter_rate) * a_plus])
    sent = np.sqrt(1.0 - cascade.loss) * np.exp(1j * cascade.path_phase) * first
    lower, upper = sent + second
    demodulated = np.array([lower + upper, 1j * (lower - upper)]) / np.sqrt(2.0)
    phases = detection.lo_phases
    names = ("cosine", "sine", "cosine_orthogonal", "sine_orthogonal")
    return LinearModel(
        hamiltonian=series_hamiltonian(sent, second),
        monitored=np.concatenate([np.exp(-1j * phase) * demodulated for phase in phases]) / np.sqrt(len(phases)),
        efficiency=np.full(2 * len(phases), detection.efficiency),
        unmonitored=np.concatenate(
            [np.sqrt(cascade.loss) * first, thermal_channels(minus.bath, a_minus), thermal_channels(plus.bath, a_plus)]
        ),
        record_names=names[: 2 * len(phases)],
    )


def lab(cascade: Cascade, detection: Detection, frequency: float | tuple[float, float]) -> LinearModel:
    """The cascade without the rotating-wave approximation: one broadband field, one homodyne channel.

    L_j = √Γ_jB a_j + √Γ_jP a_j†; detected L = √(1−ε) e^{iφ} L₋ + L₊, lost √ε L₋, H = Ω₊a₊†a₊ − Ω₋a₋†a₋ and the coupling
    of the series product. In a frame that turns with the oscillators the field that turns as e^{iΩt} is L_l of ``rwa``,
    that as e^{−iΩt} L_u; the terms left out there turn at 2Ω. What they do is even in Ω, so of order (Γ/Ω)², without a
    path phase and, given the record, at LO phase 0 or π/2: conjugation, P → −P, maps Ω, φ and ϑ on their negatives.
    Elsewhere it is of order Γ/Ω.

    Parameters
    ----------
    frequency : |Ω| of both oscillators, or (|Ω₋|, |Ω₊|) where they differ; rad/s, > 0

    Raises ValueError for a frequency that is not positive and finite.
    """
    of_minus, of_plus = map(plain_number, frequency if isinstance(frequency, tuple) else (frequency, frequency))
    for name, value in (("of minus", of_minus), ("of plus", of_plus)):
        require(value, f"frequency {name}", low=0.0, low_open=True)
    fields = np.zeros((2, 4), dtype=complex)
    ladders = np.zeros((2, 4), dtype=complex)
    for mode, oscillator in enumerate((cascade.minus, cascade.plus)):
        ladders[mode, 2 * mode : 2 * mode + 2] = ANNIHILATION
        fields[mode] = np.sqrt(oscillator.beam_splitter_rate) * ladders[mode]
        fields[mode] += np.sqrt(oscillator.parametric_rate) * ladders[mode].conj()
    sent, second = np.sqrt(1.0 - cascade.loss) * np.exp(1j * cascade.path_phase) * fields[:1], fields[1:]
    phases = detection.lo_phases
    return LinearModel(
        hamiltonian=np.diag([-of_minus, -of_minus, of_plus, of_plus]) + series_hamiltonian(sent, second),
        monitored=np.concatenate([np.exp(-1j * phase) * (sent + second) for phase in phases]) / np.sqrt(len(phases)),
        efficiency=np.full(len(phases), detection.efficiency),
        unmonitored=np.concatenate(
            [
                np.sqrt(cascade.loss) * fields[:1],
                thermal_channels(cascade.minus.bath, ladders[0]),
                thermal_channels(cascade.plus.bath, ladders[1]),
            ]
        ),
        record_names=("homodyne", "homodyne_orthogonal")[: len(phases)],
    )


def series_hamiltonian(first: ComplexArray, second: ComplexArray) -> NDArray[np.float64]:
    """G of H = (1/2i) Σ_k (L_{k,2}† L_{k,1} − h.c.), the coupling of the SLH series product 1 → 2.

    ``first`` and ``second`` hold the coefficients of commuting operators, arrays of shape (channels, d).
    Gough and James, IEEE Trans. Autom. Control 54, 2530 (2009).
    """
    half = np.imag(second.conj().T @ first)
    return half + half.T


def thermal_channels(bath: Bath, annihilation: ComplexArray) -> ComplexArray:
    """√(γ₀(n̄+1)) a and √(γ₀ n̄) a† of a thermal bath; array of shape (2, d)."""
    emission = np.sqrt(bath.linewidth * (bath.occupation + 1.0))
    absorption = np.sqrt(bath.linewidth * bath.occupation)
    return np.array([emission * annihilation, absorption * annihilation.conj()])
