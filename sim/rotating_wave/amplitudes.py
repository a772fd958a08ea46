"""Nodes of a chain in the rotating wave, with one complex amplitude each, for arrays of working points.

z = a for a negative mass and z = a† for a positive one. Then the sidebands couple to z alone, L_l = Σ l_j z_j and
L_u† = Σ u_j z_j, and z obeys a closed system. The rates at which node j drives a later node k, and of their common
noise, contain

    l_k l_j − u_k u_j        l_k l_j + u_k u_j

As products of sines and cosines these would lose digits near equal angles or θ = π/4, so they are written with sines
and cosines of sums and differences of the angles, and γ with cos 2θ. For this reason the equations are not made by
``sim.model.components.series``, whose result they equal. Section 5 of sim/README.md.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cascade_steering.sim.gaussian.moment_equations import MomentEquations, adjoint
from cascade_steering.sim.model.pieces import MASSES, Mass
from cascade_steering.sim.parameters import Bath, DetectionScheme
from cascade_steering.sim.rotating_wave.baths import Baths
from cascade_steering.sim.rotating_wave.filtered_record import behind_filters
from cascade_steering.sim.rotating_wave.squeezed_light import SqueezedSidebands

__all__ = ["AmplitudeNode", "amplitude_equations", "crossed_products", "products", "quadrature_covariance"]

FloatArray = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, kw_only=True, eq=False)
class AmplitudeNode:
    """A node of a chain at one or many working points; all arrays of a chain broadcast together.

    Parameters
    ----------
    mass : ``negative`` or ``positive``
    strength, angle : Γ, rad/s, and θ, radians
    bath : thermal bath, the same at all working points or an array of baths
    transmission : amplitude transmission √(1−ε) of the path from the node before
    path_phase : phase φ of that path, radians
    tap : power fraction of the light that leaves the node, which is detected there
    """

    mass: Mass
    strength: FloatArray
    angle: FloatArray
    bath: Bath | Baths
    transmission: FloatArray | float = 1.0
    path_phase: FloatArray | float = 0.0
    tap: FloatArray | float = 0.0

    @property
    def passed(self) -> FloatArray:
        """The amplitude of the light that goes on behind the tap."""
        return np.sqrt(1.0 - np.asarray(self.tap, dtype=np.float64))

    @property
    def sign(self) -> int:
        """[z, z†]: 1 for a negative mass, −1 for a positive one."""
        return -MASSES[self.mass]

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the array of working points."""
        arrays = (
            self.strength,
            self.angle,
            self.transmission,
            self.path_phase,
            self.tap,
            self.bath.linewidth,
            self.bath.occupation,
        )
        return np.broadcast_shapes(*(np.shape(each) for each in arrays))

    @property
    def damping(self) -> FloatArray:
        """γ = γ₀ − Γ cos 2θ, rad/s."""
        return self.bath.linewidth - self.strength * np.cos(2 * self.angle)

    @property
    def noise(self) -> FloatArray:
        """N = Γ/2 + γ̃₀, rad/s: back-action and thermal noise."""
        return self.strength / 2 + self.bath.decoherence_rate

    @property
    def couplings(self) -> tuple[FloatArray, FloatArray]:
        """l and u, √(rad/s)."""
        exchange, pairs = np.sqrt(self.strength) * np.sin(self.angle), np.sqrt(self.strength) * np.cos(self.angle)
        return (exchange, pairs) if self.mass == "negative" else (pairs, exchange)


def products(first: AmplitudeNode, second: AmplitudeNode) -> tuple[FloatArray, FloatArray]:
    """l₂l₁ − u₂u₁ and l₂l₁ + u₂u₁, rad/s, without cancellation. Section 5 of sim/README.md."""
    scale = np.sqrt(first.strength * second.strength)
    total, difference = first.angle + second.angle, first.angle - second.angle
    if first.mass == second.mass:
        return -first.sign * scale * np.cos(total), scale * np.cos(difference)
    return first.sign * scale * np.sin(difference), scale * np.sin(total)


def crossed_products(first: AmplitudeNode, second: AmplitudeNode) -> tuple[FloatArray, FloatArray]:
    """l₂u₁ − u₂l₁ and l₂u₁ + u₂l₁, rad/s, without cancellation. Section 5 of sim/README.md."""
    scale = np.sqrt(first.strength * second.strength)
    total, difference = first.angle + second.angle, first.angle - second.angle
    if first.mass == second.mass:
        return -first.sign * scale * np.sin(difference), scale * np.sin(total)
    return first.sign * scale * np.cos(total), scale * np.cos(difference)


def amplitude_equations(
    nodes: Sequence[AmplitudeNode],
    lo_phase: ArrayLike = np.pi / 2,
    efficiency: ArrayLike = 1.0,
    scheme: DetectionScheme = "homodyne",
    light: SqueezedSidebands | None = None,
    *,
    efficiency_orthogonal: ArrayLike | None = None,
    bandwidths_hz: Sequence[ArrayLike] = (),
    dark_noise: ArrayLike = 0.0,
) -> MomentEquations:
    """The moment equations of W = ½⟨{z, z†}⟩ with the record of ``Detection``; a stack of N×N systems.

    There is one complex record (Y_c − i Y_s)/√2 for homodyne detection, two for heterodyne, the second with an
    efficiency of its own if one is given, of the light that leaves the chain and then of each tap, in the order of the
    light. ``lo_phase`` and ``efficiency`` are those of all detectors and broadcast with the working points, as does
    ``light``, the input of the chain if it is squeezed; records are then in units of their noise without oscillators.
    Section 5 of sim/README.md. With ``bandwidths_hz`` and a dark noise δ > 0 the systems are those of
    ``behind_filters``; without filters dark noise is a lower efficiency, which is to be given.
    """
    offsets = (0.0,) if scheme == "homodyne" else (0.0, np.pi / 2)
    each = (efficiency, efficiency if efficiency_orthogonal is None else efficiency_orthogonal)
    shares = [np.asarray(one, dtype=np.float64) / len(offsets) for one in each[: len(offsets)]]
    shapes = [np.shape(lo_phase), *(share.shape for share in shares), *(node.shape for node in nodes)]
    zero = np.zeros(np.broadcast_shapes(*shapes, () if light is None else light.shape))
    drift, diffusion = _rates(nodes)
    readings = [
        _Reading(end=end, amplitude=np.sqrt(share) * amplitude, lo_phase=np.asarray(lo_phase) + offset)
        for end, amplitude in _detected(nodes)
        for share, offset in zip(shares, offsets, strict=True)
    ]
    sums, differences = zip(*(_output(nodes, reading) for reading in readings), strict=True)
    signs = np.array([[node.sign] for node in nodes])
    found = MomentEquations(
        drift=_stack(drift, zero),
        diffusion=_stack(diffusion, zero),
        readout=_stack(sums, zero),
        cross=-0.5 * signs * adjoint(_stack(differences, zero)),
    )
    root = None
    if light is not None:
        found, root = _squeezed(found, nodes, light, readings, zero)
    return behind_filters(found, bandwidths_hz, dark_noise, root) if bandwidths_hz else found


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reading:
    """A complex record: the node behind which the light is read, √η times the amplitude that is read there, and ϑ."""

    end: int
    amplitude: FloatArray
    lo_phase: FloatArray


def _detected(nodes: Sequence[AmplitudeNode]) -> Iterator[tuple[int, FloatArray]]:
    """Where light is detected: the place of the node and the amplitude there, of the whole chain and of the taps."""
    yield len(nodes) - 1, nodes[-1].passed
    for place, node in enumerate(nodes):
        if np.any(node.tap):
            yield place, np.sqrt(np.asarray(node.tap, dtype=np.float64))


def _squeezed(
    vacuum: MomentEquations,
    nodes: Sequence[AmplitudeNode],
    light: SqueezedSidebands,
    readings: Sequence[_Reading],
    zero: FloatArray,
) -> tuple[MomentEquations, ComplexArray]:
    """The same chain on squeezed light, from the equations with the vacuum, and a root of Λ."""
    arrived = list(_arrived(nodes))
    excess, correlation = light.excess, light.correlation
    diffusion: list[list[Any]] = [[0.0] * len(nodes) for _ in nodes]
    for k, (node, (amplitude, phase)) in enumerate(zip(nodes, arrived, strict=True)):
        diffusion[k][k] = amplitude**2 * (light.back_action(node.angle, phase) - 1.0) * node.strength / 2
        for j, (before, (first, first_phase)) in enumerate(zip(nodes[:k], arrived[:k], strict=True)):
            difference, total = products(before, node)
            crossed, both = crossed_products(before, node)
            apart, turned = phase - first_phase, correlation * np.exp(1j * (phase + first_phase))
            alike = np.cos(apart) * total + 1j * np.sin(apart) * difference
            unlike = turned.real * both + 1j * turned.imag * crossed
            sign = node.sign * before.sign * amplitude * first
            diffusion[k][j] = sign * (excess * alike - unlike) / 2
            diffusion[j][k] = np.conj(diffusion[k][j])
    # what is read of the source, and the phase at which
    seen = [(each.amplitude * arrived[each.end][0], each.lo_phase - arrived[each.end][1]) for each in readings]
    cross = []
    for node, (own, own_phase) in zip(nodes, arrived, strict=True):
        lower, upper = node.couplings
        from_lower = -node.sign * own * np.exp(1j * own_phase) * lower
        from_upper = node.sign * own * np.exp(-1j * own_phase) * upper
        row = []
        for amplitude, phase in seen:
            read = np.exp(-1j * phase)
            row.append(
                amplitude
                * (
                    excess * (from_lower * read.conj() + from_upper * read)
                    + correlation * from_lower * read
                    + correlation.conj() * from_upper * read.conj()
                )
                / 2
            )
        cross.append(row)
    noise = [[one * other * light.seen(phase, another) for other, another in seen] for one, phase in seen]
    root: ComplexArray = np.asarray(np.linalg.cholesky(np.eye(len(seen)) + _stack(noise, zero)), dtype=complex)
    squeezed = MomentEquations(
        drift=vacuum.drift,
        diffusion=vacuum.diffusion + _stack(diffusion, zero),
        readout=np.linalg.solve(root, vacuum.readout),
        cross=adjoint(np.linalg.solve(root, adjoint(vacuum.cross + _stack(cross, zero)))),
    )
    return squeezed, root


def _arrived(nodes: Sequence[AmplitudeNode]) -> Iterator[tuple[FloatArray, FloatArray]]:
    """The amplitude transmission and the phase of the light from the source to each node."""
    transmission, phase = np.asarray(1.0), np.asarray(0.0)
    for node in nodes:
        transmission, phase = transmission * node.transmission, phase + node.path_phase
        yield transmission, phase
        transmission = transmission * node.passed


def _rates(nodes: Sequence[AmplitudeNode]) -> tuple[list[list[Any]], list[list[Any]]]:
    """The entries of A, lower triangular, and of D, Hermitian."""
    count = len(nodes)
    drift: list[list[Any]] = [[0.0] * count for _ in nodes]
    diffusion: list[list[Any]] = [[0.0] * count for _ in nodes]
    for k, node in enumerate(nodes):
        drift[k][k], diffusion[k][k] = -node.damping / 2, node.noise
        transmission, phase = np.asarray(1.0), np.asarray(0.0)
        for j in range(k - 1, -1, -1):
            transmission = transmission * nodes[j].passed * nodes[j + 1].transmission
            phase = phase + nodes[j + 1].path_phase
            difference, total = products(nodes[j], node)
            cos, sin = transmission * np.cos(phase), 1j * transmission * np.sin(phase)
            drift[k][j] = -node.sign * (cos * difference + sin * total)
            diffusion[k][j] = node.sign * nodes[j].sign * (cos * total + sin * difference) / 2
            diffusion[j][k] = np.conj(diffusion[k][j])
    return drift, diffusion


def _output(nodes: Sequence[AmplitudeNode], reading: _Reading) -> tuple[list[Any], list[Any]]:
    """The coefficients of z in √η (e^{−iϑ} L_l + e^{iϑ} L_u†) where it is read, and with a minus sign."""
    later = [0.0] * (len(nodes) - 1 - reading.end)
    sums, differences = list(later), list(later)
    transmission, phase = reading.amplitude, np.asarray(0.0)
    for place in range(reading.end, -1, -1):
        node = nodes[place]
        lower, upper = node.couplings
        arriving = transmission * np.exp(1j * (phase - reading.lo_phase))
        sums.append(arriving * lower + arriving.conj() * upper)
        differences.append(arriving * lower - arriving.conj() * upper)
        # The light from an earlier node also takes the path to this one.
        transmission = transmission * node.transmission * (nodes[place - 1].passed if place else 1.0)
        phase = phase + node.path_phase
    return sums[::-1], differences[::-1]


def quadrature_covariance(amplitudes: ComplexArray, masses: Sequence[Mass] = ("negative", "positive")) -> FloatArray:
    """The covariance of (X, P) of each node from W; arrays of shape (..., N, N) → (..., 2N, 2N).

    z = (X ± iP)/√2, + for a negative mass, and ⟨zzᵀ⟩ = 0. Section 5 of sim/README.md.
    """
    count = len(masses)
    above = np.triu(amplitudes, 1)
    moments = above + above.conj().swapaxes(-1, -2)
    moments[..., range(count), range(count)] = np.einsum("...ii->...i", amplitudes).real
    # P of a positive mass enters z with the opposite sign.
    signs = np.array([-MASSES[mass] for mass in masses], dtype=float)
    result = np.empty((*moments.shape[:-2], count, 2, count, 2))
    result[..., :, 0, :, 0] = moments.real
    result[..., :, 1, :, 1] = moments.real * np.outer(signs, signs)
    result[..., :, 0, :, 1] = -moments.imag * signs
    result[..., :, 1, :, 0] = moments.imag * signs[:, None]
    # Adding 0 changes −0 to 0.
    return result.reshape(*moments.shape[:-2], 2 * count, 2 * count) + 0.0


def _stack(rows: Iterable[Iterable[Any]], zero: FloatArray) -> ComplexArray:
    """One complex array of shape (..., rows, columns) from nested rows of arrays."""
    return np.stack([np.stack([entry + zero for entry in row], axis=-1) for row in rows], axis=-2).astype(complex)
