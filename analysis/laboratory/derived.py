"""The numbers that follow from those of a laboratory, each with its unit and its formula.

Section 10 of sim/README.md.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from cascade_steering.analysis.laboratory.setup import Given, LaboratorySetup
from cascade_steering.sim.laboratory.cavities import Cavity
from cascade_steering.sim.laboratory.pair import LaboratoryNode

__all__ = ["Derived", "derived_numbers", "loss_numbers"]

_TURN = 2 * math.pi
_GIVEN = "as given"


@dataclass(frozen=True, kw_only=True)
class Derived:
    """A number with its name, unit and formula, ready to be shown."""

    name: str
    value: float
    unit: str
    formula: str


def derived_numbers(setup: LaboratorySetup) -> dict[str, tuple[Derived, ...]]:
    """The derived numbers of both nodes, by node. Section 10 of sim/README.md."""
    nodes = {"minus": setup.pair.tuned, "plus": setup.pair.plus}
    return {name: tuple(_of_node(node, setup.given[name])) for name, node in nodes.items()}


def loss_numbers(setup: LaboratorySetup) -> tuple[Derived, ...]:
    """The loss between the oscillators by its causes, and the phases that are compensated."""
    pair = setup.pair
    formulas = {
        "outcoupling_minus": "1 - kappa_ex/kappa of the cavity of -",
        "link": "as given",
        "incoupling_plus": "1 - kappa_ex/kappa of the cavity of +",
    }
    causes = [
        Derived(name=f"loss_{cause}", value=value, unit="", formula=formulas[cause])
        for cause, value in pair.losses.items()
    ]
    return (
        *causes,
        Derived(name="loss", value=pair.total_loss, unit="", formula="1 - product of (1 - each loss)"),
    )


def _of_node(node: LaboratoryNode, given: Given) -> Iterator[Derived]:
    oscillator, light = node.oscillator, node.light
    cavity = isinstance(light, Cavity)
    if isinstance(light, Cavity):
        yield from _of_light(light, given)
    exchange, pairs = (each / _TURN for each in light.rates(node.frequency))
    rate = "kappa g^2/(kappa^2/4 + (Delta {} Omega)^2)"
    yield Derived(
        name="beam_splitter_hz", value=exchange, unit="Hz",
        formula=rate.format("+") if cavity else "Gamma sin^2 theta",
    )  # fmt: skip
    yield Derived(
        name="parametric_hz", value=pairs, unit="Hz", formula=rate.format("-") if cavity else "Gamma cos^2 theta"
    )
    yield Derived(
        name="strength_hz", value=oscillator.strength_hz, unit="Hz",
        formula="Gamma = Gamma_B + Gamma_P" if cavity else _GIVEN,
    )  # fmt: skip
    yield Derived(
        name="theta_pi", value=oscillator.angle_pi, unit="pi",
        formula="tan^2 theta = Gamma_B/Gamma_P" if cavity else _GIVEN,
    )  # fmt: skip
    if isinstance(light, Cavity):
        yield Derived(
            name="theta_max_pi", value=light.largest_angle(node.frequency) / math.pi, unit="pi",
            formula="tan theta = (sqrt(Omega^2 + kappa^2/4) + |Omega|)/(kappa/2)",
        )  # fmt: skip
        yield Derived(
            name="spring_hz", value=node.spring / _TURN, unit="Hz",
            formula="g^2 Im(chi(Omega) + chi(-Omega)), chi(w) = 1/(kappa/2 - i(Delta + w))",
        )  # fmt: skip
        for sideband, passed in zip(("lower", "upper"), light.passages(node.frequency), strict=True):
            yield Derived(
                name=f"passing_loss_{sideband}", value=max(0.0, 1.0 - abs(passed) ** 2), unit="",
                formula=f"1 - |1 - kappa_ex chi|^2 on the {sideband} sideband",
            )  # fmt: skip
    bath = oscillator.bath
    yield Derived(
        name="linewidth_hz", value=bath.linewidth_hz, unit="Hz",
        formula=_GIVEN if given.quality is None else "gamma_0 = Omega/Q",
    )  # fmt: skip
    yield Derived(
        name="occupation", value=bath.occupation, unit="",
        formula=_GIVEN if given.temperature_k is None else "n = 1/(exp(hbar Omega/kT) - 1)",
    )  # fmt: skip
    yield Derived(
        name="decoherence_hz", value=bath.decoherence_rate / _TURN, unit="Hz", formula="gamma~_0 = gamma_0 (n + 1/2)"
    )
    if bath.decoherence_rate:
        yield Derived(name="cooperativity", value=oscillator.cooperativity, unit="", formula="Gamma/gamma~_0")
    yield Derived(
        name="damping_hz", value=oscillator.damping_rate / _TURN, unit="Hz", formula="gamma_0 + Gamma_B - Gamma_P"
    )


def _of_light(cavity: Cavity, given: Given) -> Iterator[Derived]:
    if given.power_w is not None:
        yield Derived(
            name="power_w", value=given.power_w, unit="W",
            formula=_GIVEN if given.by_power else "hbar omega_L n_c (kappa^2/4 + Delta^2)/kappa_ex",
        )  # fmt: skip
    if given.photons is not None:
        yield Derived(
            name="photons", value=given.photons, unit="",
            formula="n_c = kappa_ex P/(hbar omega_L (kappa^2/4 + Delta^2))" if given.by_power else _GIVEN,
        )  # fmt: skip
    formula = _GIVEN if given.vacuum_coupling_hz is None else "g_0 sqrt(n_c)"
    yield Derived(name="coupling_hz", value=cavity.coupling_hz, unit="Hz", formula=formula)
