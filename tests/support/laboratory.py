"""Pairs with cavities: the family of the theory page, section 10, and one with losses and a cavity on either side."""

import math
from dataclasses import replace

from cascade_steering.sim.laboratory.cavities import Cavity
from cascade_steering.sim.laboratory.pair import LaboratoryNode, LaboratoryPair
from cascade_steering.sim.laboratory.spins import Readout
from cascade_steering.sim.parameters import Bath

# E₊|₋ without the record of the family below, by κ/Ω: by elimination, and at g = 0.002 Ω without a retuned frequency,
# at the best phase of the path
ELIMINATED = {0.3: 0.342410, 1.0: 0.280464, 2.0: 0.264046}
NOT_RETUNED = {0.3: 0.34432, 1.0: 0.29983, 2.0: 0.32449}
FREQUENCY_HZ = 1e6


def family(
    width: float, coupling: float, *, outcoupling: float = 1.0, retune: bool = True, path_phase_pi: float = 0.0
) -> LaboratoryPair:
    """κ = ``width`` Ω and g = ``coupling`` Ω at Δ = −√(Ω² + κ²/4).

    Γ₋ = 0.7 Γ₊, θ₋ = 0.3 π, γ₀ = Γ₊/2000 and n̄ = 10 on both, ε = 0.1.
    """
    cavity = Cavity(
        linewidth_hz=width * FREQUENCY_HZ,
        detuning_hz=-math.hypot(1.0, width / 2) * FREQUENCY_HZ,
        coupling_hz=coupling * FREQUENCY_HZ,
        outcoupling=outcoupling,
    )
    strength = sum(cavity.rates(2 * math.pi * FREQUENCY_HZ)) / (2 * math.pi)
    bath = Bath(linewidth_hz=strength / 2000, occupation=10.0)
    minus = LaboratoryNode(
        name="minus", mass="negative", frequency_hz=FREQUENCY_HZ, bath=bath,
        light=Readout(rate_hz=0.7 * strength, theta_pi=0.3),
    )  # fmt: skip
    plus = LaboratoryNode(name="plus", mass="positive", frequency_hz=FREQUENCY_HZ, bath=bath, light=cavity)
    return LaboratoryPair(minus=minus, plus=plus, loss=0.1, path_phase_pi=path_phase_pi, retune=retune)


def with_losses(coupling: float, outcoupling: float = 0.85) -> LaboratoryPair:
    """A cavity of κ = 2 Ω on −, which cools a negative mass at Δ > 0, and one of κ = Ω on +, both with losses."""
    pair = family(1.0, coupling, outcoupling=outcoupling)
    first = Cavity(
        linewidth_hz=2 * FREQUENCY_HZ, detuning_hz=1.2 * FREQUENCY_HZ, coupling_hz=coupling * FREQUENCY_HZ,
        outcoupling=0.8,
    )  # fmt: skip
    return replace(pair, minus=replace(pair.minus, light=first))


def ten_decades(occupation: float, cooperativity: float, theta_pi: float) -> LaboratoryPair:
    """κ/2π = 1 MHz = Ω/2π and γ₀/2π = 1 mHz; C₋ = C₊ of about ``cooperativity``, θ₋ = ``theta_pi`` π."""
    bath = Bath(linewidth_hz=1e-3, occupation=occupation)
    strength = cooperativity * 1e-3 * (occupation + 0.5)
    # Γ₊ = 1.1056 g²/κ or so at this detuning
    cavity = Cavity(linewidth_hz=1e6, detuning_hz=-1.118e6, coupling_hz=(strength * 1e6 / 4) ** 0.5)
    minus = LaboratoryNode(
        name="minus", mass="negative", frequency_hz=1e6, bath=bath, light=Readout(rate_hz=strength, theta_pi=theta_pi)
    )
    plus = LaboratoryNode(name="plus", mass="positive", frequency_hz=1e6, bath=bath, light=cavity)
    return LaboratoryPair(minus=minus, plus=plus, loss=0.1)
