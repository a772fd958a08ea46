"""Oscillators in series on a one-way light field: the cascade of two, and chains of any number.

Sections 1 and 2 of sim/README.md.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Self

from cascade_steering.sim.model.components import Component, series
from cascade_steering.sim.model.counters import Counter
from cascade_steering.sim.model.detectors import demodulated, detect, reading
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.pieces import (
    FIELD,
    SIDEBANDS,
    Mass,
    beam_splitter,
    broadband_coupling,
    loss,
    phase_shift,
    sideband_coupling,
    squeezed_source,
    thermal_bath,
)
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator, plain_number, require

__all__ = ["Node", "chain", "lab", "lit", "nodes_of", "rwa", "squeezed_input"]

# components that are kept: neighbouring points of a fit or a scan mostly differ in one of them
_KEPT = 16


@dataclass(frozen=True, kw_only=True)
class Node:
    """An oscillator on the light field, and the path of the light from the oscillator before it.

    Parameters
    ----------
    name : name of the mode
    oscillator : Γ, θ and the bath
    mass : ``negative`` or ``positive``
    loss_before : power loss ε of the path before the oscillator, 0 ≤ ε ≤ 1
    path_phase_pi : phase φ of that path, in units of π
    tap : power fraction of the light that leaves the oscillator, which a beam splitter takes to ports of its own, see
        ``tap_ports``; 0 ≤ tap ≤ 1

    Raises
    ------
    ValueError
        if the mass is neither, the loss or the tap is outside [0, 1] or the phase is not finite.
    """

    name: str
    oscillator: Oscillator
    mass: Mass
    loss_before: float = 0.0
    path_phase_pi: float = 0.0
    tap: float = 0.0

    def __post_init__(self) -> None:
        if self.mass not in ("negative", "positive"):
            raise ValueError(f"mass must be negative or positive, got {self.mass!r}")
        require(self.loss_before, "loss_before", low=0.0, high=1.0)
        require(self.path_phase_pi, "path_phase_pi", low=-math.inf)
        require(self.tap, "tap", low=0.0, high=1.0)

    @classmethod
    def from_cooperativity(
        cls,
        cooperativity: float,
        *,
        name: str,
        mass: Mass,
        theta_pi: float,
        bath: Bath | str,
        loss_before: float = 0.0,
        path_phase_pi: float = 0.0,
        tap: float = 0.0,
    ) -> Self:
        """The node with Γ = C γ̃₀ of its own bath, and θ in units of π; ``bath`` may be ``"hot"`` or ``"vacuum"``.

        Raises ValueError as ``Oscillator.from_cooperativity`` and the class do.
        """
        bath = Bath.named(bath) if isinstance(bath, str) else bath
        oscillator = Oscillator.from_cooperativity(cooperativity, angle_pi=theta_pi, bath=bath)
        return cls(
            name=name,
            mass=mass,
            oscillator=oscillator,
            loss_before=loss_before,
            path_phase_pi=path_phase_pi,
            tap=tap,
        )

    def tap_ports(self, ports: tuple[str, ...] = SIDEBANDS) -> tuple[str, ...]:
        """The ports of the light that the tap takes from ``ports``: of the sidebands, or of the broadband field.

        Section 5 of sim/README.md.
        """
        return tuple(f"{port}_tap_{self.name}" for port in ports)


def chain(nodes: Sequence[Node], *, frequencies_hz: Sequence[float] | None = None) -> Component:
    """The nodes in series, in the rotating frame, or in the laboratory frame if ``frequencies_hz`` are given.

    The ports are ``lower`` and ``upper`` in the first case, ``field`` in the second, and those of taps. Sections 1 and
    2 of sim/README.md.

    Components before or after the chain are added by ``series``, as in ``series(squeezer(…), chain(…))``.

    Parameters
    ----------
    nodes : in the order in which the light meets them
    frequencies_hz : |Ω|/2π of each node, Hz; if left out, all are equal and much larger than Γ

    Raises ValueError without a node, for a repeated name, and unless there is one positive frequency for each node.
    """
    names = [node.name for node in nodes]
    if not nodes or len(set(names)) != len(names):
        raise ValueError(f"a chain needs at least one node, and different names, got {names}")
    rates = (None,) * len(nodes) if frequencies_hz is None else tuple(map(plain_number, frequencies_hz))
    if len(rates) != len(nodes):
        raise ValueError(f"frequencies_hz must be one for each of {len(nodes)} nodes, got {len(rates)}")
    light = [part for node, rate in zip(nodes, rates, strict=True) for part in _met(node, rate)]
    if not nodes[0].loss_before:
        # A loss of 0 before the first node would only add a line that nothing couples to.
        light = light[1:]
    # The place of a bath in the series does not matter, since its lines meet no other component.
    return series(*light, *(thermal_bath(node.name, node.oscillator.bath) for node in nodes))


@lru_cache(maxsize=_KEPT)
def _met(node: Node, frequency_hz: float | None) -> tuple[Component, ...]:
    """The components that the light meets at a node: loss, path phase, coupling and tap."""
    ports: tuple[str, ...]
    if frequency_hz is None:
        ports, coupled = SIDEBANDS, sideband_coupling(node.name, node.oscillator, mass=node.mass)
    else:
        require(frequency_hz, f"frequency_hz of {node.name}", low=0.0, low_open=True)
        ports = (FIELD,)
        coupled = broadband_coupling(node.name, node.oscillator, mass=node.mass, frequency=2 * math.pi * frequency_hz)
    taken = zip(ports, node.tap_ports(ports), strict=True) if node.tap else ()
    taps = (beam_splitter(*each, transmission=1.0 - node.tap) for each in taken)
    return loss(*ports, power=node.loss_before), phase_shift(*ports, phase_pi=node.path_phase_pi), coupled, *taps


def nodes_of(cascade: Cascade) -> tuple[Node, Node]:
    """The two oscillators of the cascade as nodes, minus and plus."""
    return (
        Node(name="minus", oscillator=cascade.minus, mass="negative"),
        Node(
            name="plus",
            oscillator=cascade.plus,
            mass="positive",
            loss_before=cascade.loss,
            path_phase_pi=cascade.path_phase_pi,
        ),
    )


def lit(cascade: Cascade, *, frequencies_hz: Sequence[float] | None = None) -> Component:
    """The cascade with the light that arrives at it: ``chain`` of its nodes behind a source of squeezed light, if any.

    Squeezed around the carrier, the light is squeezed on the one port of the laboratory frame, or on the pair of
    sidebands of the rotating frame; then the loss λ. Without squeezing nothing is added. Section 2 of sim/README.md.
    """
    return _lit(cascade, None if frequencies_hz is None else tuple(map(plain_number, frequencies_hz)))


@lru_cache(maxsize=_KEPT)
def _lit(cascade: Cascade, frequencies_hz: tuple[float, ...] | None) -> Component:
    return squeezed_input(
        chain(nodes_of(cascade), frequencies_hz=frequencies_hz),
        decibels=cascade.squeezing_db,
        angle_pi=cascade.squeezing_angle_pi,
        lost=cascade.squeezing_loss,
    )


def squeezed_input(nodes: Component, *, decibels: float, angle_pi: float, lost: float) -> Component:
    """A ``chain`` behind a source of squeezed light and a loss; without squeezing nothing is added.

    Section 2 of sim/README.md.
    """
    # ports of taps are not those of the input
    ports = nodes.ports[:1] if nodes.ports[0] == FIELD else SIDEBANDS
    return series(*squeezed_source(*ports, decibels=decibels, angle_pi=angle_pi, lost=lost), nodes)


def rwa(cascade: Cascade, detection: Detection, *, counters: Sequence[Counter] = ()) -> LinearModel:
    """The rotating-wave model of the cascade: two field modes, the sidebands l and u.

    Detected: L_l = √(1−ε) e^{iφ} √Γ₋B a₋ + √Γ₊P a₊† and L_u = √(1−ε) e^{iφ} √Γ₋P a₋† + √Γ₊B a₊, read as
    cosine and sine parts L_c = e^{−iϑ}(L_l + L_u)/√2, L_s = i e^{−iϑ}(L_l − L_u)/√2. Its steady state is
    Eq. (4) of arXiv:1901.04250 at φ = 0. Section 2 of sim/README.md. With squeezed input light the channels are those
    of ``detect``, and the records are in units of their noise without oscillators. ``counters`` take their share of the
    sidebands first (section 7).

    Stability is not required here: ``Cascade.require_stable`` requires it where a steady state is needed.
    """
    return detect(lit(cascade), demodulated(detection), *counters)


def lab(
    cascade: Cascade,
    detection: Detection,
    *,
    frequency_hz: float | tuple[float, float],
    counters: Sequence[Counter] = (),
) -> LinearModel:
    """The cascade without the rotating-wave approximation: one broadband field, one homodyne channel.

    L_j = √Γ_jB a_j + √Γ_jP a_j†; detected is L = √(1−ε) e^{iφ} L₋ + L₊, lost √ε L₋. H = Ω₊a₊†a₊ − |Ω₋|a₋†a₋ with the
    coupling of the series product. In a frame that rotates with the oscillators, the part of L that rotates as e^{iΩt}
    is L_l of ``rwa``, that as e^{−iΩt} is L_u, and the neglected terms rotate at 2Ω. Their effect on E is of order
    (Γ/Ω)² for φ = 0 and, given the record, ϑ = 0 or π/2, and of order Γ/Ω otherwise. Section 2 of sim/README.md.

    Parameters
    ----------
    frequency_hz : |Ω|/2π of both oscillators, or (|Ω₋|, |Ω₊|)/2π where they differ; Hz, > 0
    counters : photon counters, which take their share of the light of the port ``field`` first (section 7)

    Raises ValueError for a frequency that is not positive and finite.
    """
    each = frequency_hz if isinstance(frequency_hz, tuple) else (frequency_hz, frequency_hz)
    return detect(lit(cascade, frequencies_hz=each), reading(detection), *counters)
