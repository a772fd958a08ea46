"""Detection at the ports of a component, which gives the ``LinearModel`` that every engine reads.

The light of a port is f + L, with f vacuum or squeezed. A passive device leaves a vacuum unchanged, so without
squeezing each line is a channel L. With squeezing f = Πb, where b is vacuum and Π the positive root of twice the
covariance of f. The oscillators then couple to b by L′ = Π⁻¹L, and a detector reads a real combination of the vacuum
inputs. The orthonormalised combinations are the detected channels, the remaining ones are undetected. Section 2 of
sim/README.md.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.conventions import frozen
from cascade_steering.sim.model.components import Component
from cascade_steering.sim.model.counters import CountedChannel, Counter
from cascade_steering.sim.model.electronics import Electronics
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.pieces import FIELD, SIDEBANDS
from cascade_steering.sim.model.polynomials import Polynomial
from cascade_steering.sim.parameters import Detection, require

__all__ = ["Detector", "demodulated", "detect", "heterodyne", "homodyne", "reading"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

_ROUNDING = 1e-12


@dataclass(frozen=True, kw_only=True, eq=False)
class Detector:
    """Homodyne detectors that share all the light of some ports: dY_k = √η ⟨ζ_k·b_out + h.c.⟩ dt + noise.

    Section 2 of sim/README.md.

    Parameters
    ----------
    ports : the ports whose light is detected
    rows : ζ, complex array of shape (detectors, ports) with ζ†ζ = 1; with more detectors than ports the light is
        divided, and vacuum enters
    names : one name for each record
    efficiency : η of all of them, or one for each, in [0, 1]
    electronics : filters and dark noise behind all of them; None for a record of the current itself

    Raises
    ------
    ValueError
        if ζ†ζ is not 1, the shape does not fit or the efficiency is outside its range.
    """

    ports: tuple[str, ...]
    rows: ComplexArray
    names: tuple[str, ...]
    efficiency: float | tuple[float, ...] = 1.0
    electronics: Electronics | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "rows", frozen(np.asarray(self.rows, dtype=complex)))
        shape = (len(self.names), len(self.ports))
        if self.rows.shape != shape:
            raise ValueError(f"rows must have shape {shape}, got {self.rows.shape}")
        if np.max(np.abs(self.rows.conj().T @ self.rows - np.eye(len(self.ports)))) > _ROUNDING:
            raise ValueError("rows must divide the light of each port completely, so that rows† rows = 1")
        if len(self.efficiencies) != len(self.names):
            raise ValueError(f"efficiency must be one number or {len(self.names)}, got {self.efficiency}")
        for each in self.efficiencies:
            require(each, "efficiency", low=0.0, high=1.0)

    @property
    def efficiencies(self) -> tuple[float, ...]:
        """η of each detector."""
        several = isinstance(self.efficiency, tuple)
        return self.efficiency if several else (self.efficiency,) * len(self.names)  # type: ignore[return-value]


def homodyne(port: str = FIELD, *, phase_pi: float = 0.0, efficiency: float = 1.0, name: str = "homodyne") -> Detector:
    """A detector of the quadrature e^{−iϑ} b + h.c. of a port, ϑ in units of π. Section 2 of sim/README.md.

    Raises ValueError unless 0 ≤ η ≤ 1 and ϑ is finite.
    """
    return reading(Detection(lo_phase_pi=phase_pi, efficiency=efficiency), port, name=name)


def heterodyne(
    port: str = FIELD, *, phase_pi: float = 0.0, efficiency: float = 1.0, name: str = "homodyne"
) -> Detector:
    """Detectors of two quadratures of a port, each with half the light, at ϑ and ϑ + π/2. Section 2 of sim/README.md.

    The second record is named ``name``_orthogonal.

    Raises ValueError unless 0 ≤ η ≤ 1 and ϑ is finite.
    """
    return reading(Detection(lo_phase_pi=phase_pi, efficiency=efficiency, scheme="heterodyne"), port, name=name)


def reading(detection: Detection, port: str = FIELD, *, name: str = "homodyne") -> Detector:
    """Homodyne or heterodyne detectors of a broadband port, from the settings ``detection``."""
    return _divided(detection, (port,), np.eye(1), (name,))


def demodulated(detection: Detection, ports: tuple[str, ...] = SIDEBANDS, *, name: str = "") -> Detector:
    """Detectors of the cosine and sine parts of two sidebands, L_c = e^{−iϑ}(L_l + L_u)/√2 and
    L_s = i e^{−iϑ}(L_l − L_u)/√2. Section 2 of sim/README.md.

    The records are ``cosine`` and ``sine``, and with a ``name`` ``cosine_name`` and ``sine_name``.
    """
    names = tuple(f"{part}_{name}" if name else part for part in ("cosine", "sine"))
    return _divided(detection, ports, np.array([[1.0, 1.0], [1.0j, -1.0j]]) / np.sqrt(2.0), names)


def _divided(
    detection: Detection, ports: tuple[str, ...], parts: NDArray[np.generic], names: tuple[str, ...]
) -> Detector:
    phases = detection.lo_phases
    every = (*names, *(f"{name}_orthogonal" for name in names))
    return Detector(
        ports=ports,
        rows=np.concatenate([np.exp(-1j * phase) * parts for phase in phases]) / np.sqrt(len(phases)),
        names=every[: len(names) * len(phases)],
        efficiency=tuple(np.repeat(detection.efficiencies, len(names)).tolist()),
        electronics=Electronics(bandwidths_hz=detection.bandwidths_hz, dark_noise=detection.dark_noise)
        if detection.bandwidths_hz
        else None,
    )


def detect(component: Component, *devices: Detector | Counter) -> LinearModel:
    """The model of a component with vacuum at every input and detectors at some ports; all other light is undetected.

        model = cs.detect(cs.cavity("a", {"field": 1.0}), cs.homodyne(efficiency=0.9))

    A coherent amplitude that reaches the oscillators becomes a force. The records do not include the constant current
    that coherent light makes in a detector. Their noise without oscillators is normalised to white noise of unit
    variance: if squeezed light reaches detectors, they are Λ^{−1/2} dY with Λ the noise matrix. Section 2 of
    sim/README.md. A ``Counter`` takes its share of the light first, and of its coherent amplitude (section 7).

    Raises ValueError if a port is unknown or detected twice, if two records have the same name, and if the light of a
    counter is squeezed at all frequencies, which is an infinite rate of quanta.
    """
    counters = tuple(each for each in devices if isinstance(each, Counter))
    detectors = tuple(each for each in devices if isinstance(each, Detector))
    names = tuple(name for each in detectors for name in each.names)
    _require_ports(component, detectors, names)
    rows = np.zeros((len(names), len(component.couplings)), dtype=complex)
    ends = np.cumsum([0, *(len(each.names) for each in detectors)])
    for each, start, end in zip(detectors, ends[:-1], ends[1:], strict=True):
        rows[start:end, [component.ports.index(port) for port in each.ports]] = each.rows
    efficiency = np.array([one for each in detectors for one in each.efficiencies], dtype=float)
    electronics = _electronics_of(detectors)
    squeezed = np.any(component.active != 0.0, axis=1)
    couplings, counted = _counted(component, counters, squeezed)
    if np.any(squeezed):
        root = _noise_root(component, squeezed)
        couplings = _coupling_to_vacuum(couplings, root)
    if np.any(rows[:, squeezed]):
        monitored, unmonitored, noise = _split(rows, efficiency, couplings, root)
        if electronics is not None:
            electronics = replace(electronics, light_noise=tuple(map(tuple, noise.tolist())))
        efficiency = np.ones(len(names))
    else:
        monitored, unmonitored = rows @ couplings, couplings[~np.any(rows, axis=0) & ~_taken(component, counters)]
    return LinearModel(
        hamiltonian=component.hamiltonian,
        monitored=monitored,
        efficiency=efficiency,
        unmonitored=unmonitored,
        record_names=names,
        modes=component.modes,
        electronics=electronics,
        counted=counted,
        nonlinear=Polynomial.sum_of(component.nonlinear),
        # L + λ acts as L does with (λL† − λ*L)/2i added to H.
        force=component.force + np.imag(component.couplings.conj().T @ component.amplitudes),
    )


def _counted(
    component: Component, counters: tuple[Counter, ...], squeezed: NDArray[np.bool_]
) -> tuple[ComplexArray, tuple[CountedChannel, ...]]:
    """The couplings of the light that the counters leave, and the counted channels."""
    every = [port for each in counters for port in each.ports]
    couplings = component.couplings
    for port in every:
        if port not in component.ports:
            raise ValueError(f"counted ports must be among {', '.join(component.ports)}, got {port!r}")
        if every.count(port) > 1:
            raise ValueError(f"each port may have one counter only, but {port} has {every.count(port)}")
        line = component.ports.index(port)
        if squeezed[line]:
            raise ValueError(
                f"port {port} cannot be counted: squeezed light has quanta at all frequencies, and their rate is "
                "infinite; describe the source of finite bandwidth as a component of its own"
            )
    found = []
    for each in counters:
        lines = [component.ports.index(port) for port in each.ports]
        found.append(
            CountedChannel(
                name=each.name,
                rows=np.sqrt(each.share) * component.couplings[lines],
                efficiency=each.efficiency,
                dark_rate=each.dark_rate,
                amplitudes=np.sqrt(each.share) * component.amplitudes[lines] + each.amplitudes,
            )
        )
        couplings = couplings.copy()
        couplings[lines] *= np.sqrt(1.0 - each.share)
    return couplings, tuple(found)


def _taken(component: Component, counters: tuple[Counter, ...]) -> NDArray[np.bool_]:
    """Which lines a counter takes completely, (lines,)."""
    whole = {port for each in counters if each.share == 1.0 for port in each.ports}
    taken = np.zeros(len(component.couplings), dtype=bool)
    taken[[component.ports.index(port) for port in sorted(whole)]] = True
    return taken


def _electronics_of(detectors: tuple[Detector, ...]) -> Electronics | None:
    """The electronics that all detectors have. Raises ValueError if they differ."""
    found = {each.electronics for each in detectors} or {None}
    if len(found) > 1:
        raise ValueError("all detectors of a model must have the same electronics")
    return found.pop()


def _require_ports(component: Component, detectors: tuple[Detector, ...], names: tuple[str, ...]) -> None:
    ports = [port for each in detectors for port in each.ports]
    for port in ports:
        if port not in component.ports:
            raise ValueError(f"detected ports must be among {', '.join(component.ports)}, got {port!r}")
    for what, all_of_them in (("port", ports), ("record name", list(names))):
        twice = sorted({each for each in all_of_them if all_of_them.count(each) > 1})
        if twice:
            raise ValueError(f"each {what} may be used by one detector only, but {', '.join(twice)} is repeated")


def _noise_root(component: Component, squeezed: NDArray[np.bool_]) -> FloatArray:
    """Π with f = Π b, symmetric and symplectic, on (Re f, Im f); array of shape (2m, 2m), exactly 1 for vacuum."""
    plus, less = component.passive + component.active, component.passive - component.active
    whole = np.block([[plus.real, -less.imag], [plus.imag, less.real]])
    root = np.eye(len(whole))
    # Fields in the vacuum are independent of all others.
    lines = np.flatnonzero(np.tile(squeezed, 2))
    # Singular values keep digits that eigenvalues of whole wholeᵀ, their squares, would lose.
    vectors, values, _ = np.linalg.svd(whole[lines], full_matrices=False)
    root[np.ix_(lines, lines)] = (vectors * values) @ vectors.T
    return root


def _coupling_to_vacuum(couplings: ComplexArray, root: FloatArray) -> ComplexArray:
    """Π⁻¹ L, with Π⁻¹ = −JΠJ for J the symplectic form; complex array of shape (m, d)."""
    m = len(couplings)
    form = np.kron(np.array([[0.0, 1.0], [-1.0, 0.0]]), np.eye(m))
    parts = -(form @ root @ form) @ np.concatenate([couplings.real, couplings.imag])
    return np.asarray(parts[:m] + 1j * parts[m:])


def _split(
    rows: ComplexArray, efficiency: FloatArray, couplings: ComplexArray, root: FloatArray
) -> tuple[ComplexArray, ComplexArray, FloatArray]:
    """The detected channels, of efficiency 1, the undetected ones, and Λ, if squeezed light is detected."""
    scale, m = np.sqrt(efficiency)[:, None], len(couplings)
    read = scale * np.concatenate([rows.real, -rows.imag], axis=1) @ root
    # The noise of the light, of the vacuum that divides it, and of the undetected part.
    divided = np.real(np.eye(len(rows)) - rows @ rows.conj().T)
    noise = read @ read.T + scale * divided * scale.T + np.diag(1.0 - efficiency)
    values, vectors = np.linalg.eigh(noise)
    read = (vectors / np.sqrt(values)) @ vectors.T @ read
    combined = read[:, :m] - 1j * read[:, m:]
    share, basis = np.linalg.eigh(np.eye(m) - combined.conj().T @ combined)
    remaining = (basis * np.sqrt(np.maximum(share, 0.0))) @ basis.conj().T
    return combined @ couplings, remaining @ couplings, noise
