"""Working points whose states fit ten levels: two different baths, loss, η < 1, phases away from the axes."""

import math

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.model.cascade import rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.parameters import Bath, Cascade, Detection, Oscillator

FloatArray = NDArray[np.float64]


def cascade(
    strengths: tuple[float, float] = (1.0, 0.8),
    angles_pi: tuple[float, float] = (0.40, 0.44),
    loss: float = 0.2,
    occupations: tuple[float, float] = (0.1, 0.2),
    linewidths: tuple[float, float] = (0.3, 0.2),
) -> Cascade:
    minus, plus = (
        Oscillator.si(strength=g, angle=math.pi * angle, bath=Bath.si(linewidth=width, occupation=n))
        for g, angle, width, n in zip(strengths, angles_pi, linewidths, occupations, strict=True)
    )
    return Cascade(minus=minus, plus=plus, loss=loss)


def monitored(system: Cascade, efficiency: float = 0.7, lo_phase_pi: float = 0.3) -> LinearModel:
    return rwa(system, Detection(lo_phase_pi=lo_phase_pi, efficiency=efficiency))


def eq4(system: Cascade) -> FloatArray:
    """Eq. (4) of arXiv:1901.04250 as a covariance matrix (4, 4), retyped from the paper."""
    minus, plus = system.minus, system.plus
    sent = math.sqrt(1 - system.loss)
    r = imbalance(system)
    v_minus = (minus.strength / 2 + minus.bath.decoherence_rate) / minus.damping_rate
    drive = math.sqrt(plus.strength * minus.strength) * math.sin(plus.angle + minus.angle)
    cross = -sent * (drive - 2 * r * v_minus) / (plus.damping_rate + minus.damping_rate)
    v_plus = (plus.strength / 2 + plus.bath.decoherence_rate + 2 * sent * r * cross) / plus.damping_rate
    return np.block([[v_minus * np.eye(2), cross * np.diag([1, -1])], [cross * np.diag([1, -1]), v_plus * np.eye(2)]])


def imbalance(system: Cascade) -> float:
    """R = √(Γ₋B Γ₊P) − √(Γ₊B Γ₋P)."""
    minus, plus = system.minus, system.plus
    return math.sqrt(minus.beam_splitter_rate * plus.parametric_rate) - math.sqrt(
        plus.beam_splitter_rate * minus.parametric_rate
    )
