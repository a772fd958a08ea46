"""A, D, F and S of one pair in the rotating wave, compiled: a search asks for thousands, one after another.

They are those of ``sim.rotating_wave.amplitudes`` for two nodes at one working point; for them the calls of array
functions would take most of the time. Section 5 of sim/README.md.
"""

import math
from typing import NamedTuple, Self, TypeAlias

import numpy as np

from cascade_steering.sim.compiled import compiled, compiled_within
from cascade_steering.sim.parameters import Bath

__all__ = ["PairRates", "PairSetting", "pair_rates", "unshared_noise"]

# of a record (F₁, F₂, S₁, S₂)
_Entries: TypeAlias = tuple[complex, complex, complex, complex]


class PairSetting(NamedTuple):
    """What the working points of a search have in common; all float but ``channels``.

    Parameters
    ----------
    linewidth_minus, linewidth_plus : γ₀, rad/s
    thermal_minus, thermal_plus : γ̃₀, rad/s
    transmission, path_phase : s = √(1−ε), and φ in radians
    squeezing, kept : r of the light that arrives at −, and 1 − λ
    share : efficiency of each record
    channels : 1 record of homodyne, 2 of heterodyne detection
    """

    linewidth_minus: float
    linewidth_plus: float
    thermal_minus: float
    thermal_plus: float
    transmission: float
    path_phase: float
    squeezing: float
    kept: float
    share: float
    channels: int

    @classmethod
    def of(
        cls,
        bath_minus: Bath,
        bath_plus: Bath,
        *,
        loss: float = 0.0,
        path_phase: float = 0.0,
        squeezing_db: float = 0.0,
        squeezing_loss: float = 0.0,
        efficiency: float = 1.0,
        channels: int = 1,
    ) -> Self:
        """From ε, φ in radians, the squeezing of the light that arrives and its loss λ, and the detector."""
        return cls(
            linewidth_minus=bath_minus.linewidth,
            linewidth_plus=bath_plus.linewidth,
            thermal_minus=bath_minus.decoherence_rate,
            thermal_plus=bath_plus.decoherence_rate,
            transmission=math.sqrt(1.0 - loss),
            path_phase=path_phase,
            squeezing=squeezing_db * math.log(10.0) / 20.0,
            kept=1.0 - squeezing_loss,
            share=float(efficiency) / channels,
            channels=channels,
        )


class PairRates(NamedTuple):
    """A, D, F and S of section 5 for one pair: γ∓, N∓, A₂₁ = sR*, D₂₁ = −sQ*/2, and (F₁, F₂, S₁, S₂) of two records."""

    damping_minus: float
    damping_plus: float
    noise_minus: float
    noise_plus: float
    driven: complex
    common: complex
    first: _Entries
    second: _Entries


@compiled
def pair_rates(
    strength_minus: float, angle_minus: float, strength_plus: float, angle_plus: float,
    squeezing_angle: float, lo_phase: float, setting: PairSetting,
) -> PairRates:  # fmt: skip
    """The rates at one working point: Γ∓ in rad/s, θ∓, ψ and ϑ in radians. Section 5 of sim/README.md."""
    s, phi = setting.transmission, setting.path_phase
    scale, root_minus, root_plus = (
        np.sqrt(strength_minus * strength_plus),
        np.sqrt(strength_minus),
        np.sqrt(strength_plus),
    )
    # differences of products of couplings, from sums and differences of the angles so that no digits are lost
    difference, total = scale * np.sin(angle_minus - angle_plus), scale * np.sin(angle_minus + angle_plus)
    cos, sin = np.cos(phi), np.sin(phi)
    alike = complex(cos * total, sin * difference)
    common = -0.5 * s * alike
    noise_minus = strength_minus / 2 + setting.thermal_minus
    noise_plus = strength_plus / 2 + setting.thermal_plus
    couplings = (
        root_minus * np.sin(angle_minus), root_minus * np.cos(angle_minus),
        root_plus * np.cos(angle_plus), root_plus * np.sin(angle_plus),
    )  # fmt: skip
    first = _record(couplings, lo_phase, setting)
    second = (0.0j, 0.0j, 0.0j, 0.0j)
    if setting.channels == 2:
        second = _record(couplings, lo_phase + np.pi / 2, setting)
    if setting.squeezing > 0.0:
        crossed, both = scale * np.cos(angle_minus + angle_plus), scale * np.cos(angle_minus - angle_plus)
        excess = 2.0 * setting.kept * np.sinh(setting.squeezing) ** 2
        turned = _correlation(squeezing_angle + phi, setting)
        noise_minus += strength_minus / 2 * _above(_apart(squeezing_angle, angle_minus), setting)
        noise_plus += s**2 * strength_plus / 2 * _above(_apart(squeezing_angle + 2.0 * phi, angle_plus), setting)
        common -= 0.5 * s * (excess * alike - complex(turned.real * both, turned.imag * crossed))
        first, second = _in_squeezed_light(first, second, couplings, squeezing_angle, lo_phase - phi, setting)
    return PairRates(
        setting.linewidth_minus - strength_minus * np.cos(2 * angle_minus),
        setting.linewidth_plus - strength_plus * np.cos(2 * angle_plus),
        noise_minus, noise_plus, s * complex(cos * difference, sin * total), common, first, second,
    )  # fmt: skip


@compiled
def unshared_noise(
    strength_minus: float, angle_minus: float, strength_plus: float, angle_plus: float,
    squeezing_angle: float, loss: float, setting: PairSetting,
) -> float:  # fmt: skip
    """N₊ − |ρ|²N₋ with ρ = −sQ*/(2N₋), the noise of + that − does not share, without cancellation; ``loss`` is ε.

    N₊ where N₋ = 0. Section 5 of sim/README.md.
    """
    power, phi = setting.transmission**2, setting.path_phase
    unlike = (np.cos(phi) * np.cos(angle_plus + angle_minus)) ** 2
    unlike += (np.sin(phi) * np.cos(angle_minus - angle_plus)) ** 2
    at_minus = 1.0 + _above(_apart(squeezing_angle, angle_minus), setting)
    at_plus = 1.0 + power * _above(_apart(squeezing_angle + 2.0 * phi, angle_plus), setting)
    noise = strength_minus / 2 * at_minus + setting.thermal_minus
    if not noise > 0.0:
        return strength_plus / 2 * at_plus + setting.thermal_plus
    # what the squeezed inputs of both add to the determinant of D is that of their couplings times ν² − |μ|²
    uncertainty = 1.0 + 4.0 * (1.0 - setting.kept) * setting.kept * np.sinh(setting.squeezing) ** 2
    apart = loss * at_minus + power * unlike * uncertainty
    shared = strength_minus * strength_plus / (4 * noise) * apart
    result: float = setting.thermal_plus + setting.thermal_minus * strength_plus / (2 * noise) * at_plus + shared
    return result


@compiled_within
def _record(couplings: tuple[float, float, float, float], lo_phase: float, setting: PairSetting) -> _Entries:
    """(F₁, F₂, S₁, S₂) of the record at ϑ behind +, in the vacuum."""
    lower_minus, upper_minus, lower_plus, upper_plus = couplings
    amplitude = np.sqrt(setting.share)
    far = amplitude * setting.transmission * _turn(setting.path_phase - lo_phase)
    near = amplitude * _turn(-lo_phase)
    return (
        far * lower_minus + np.conj(far) * upper_minus,
        near * lower_plus + np.conj(near) * upper_plus,
        -0.5 * (np.conj(far) * lower_minus - far * upper_minus),
        0.5 * (np.conj(near) * lower_plus - near * upper_plus),
    )


@compiled_within
def _in_squeezed_light(
    first: _Entries, second: _Entries,
    couplings: tuple[float, float, float, float], squeezing_angle: float, phase: float, setting: PairSetting,
) -> tuple[_Entries, _Entries]:  # fmt: skip
    """Both records in squeezed light, in units of their noise without oscillators; ``phase`` is ϑ − φ."""
    part = setting.share * setting.transmission**2
    root = np.sqrt(1.0 + part * _above(2.0 * np.cos(squeezing_angle / 2 - phase) ** 2, setting))
    first = _whitened(_driven(first, couplings, squeezing_angle, phase, setting), first, 0.0, root)
    if setting.channels == 2:
        other = phase + np.pi / 2
        # a triangular root of Λ
        shared = part * setting.kept * np.sinh(2.0 * setting.squeezing) * np.cos(squeezing_angle - phase - other) / root
        noise = 1.0 + part * _above(2.0 * np.cos(squeezing_angle / 2 - other) ** 2, setting)
        second = _driven(second, couplings, squeezing_angle, other, setting)
        second = _whitened(second, first, shared, np.sqrt(noise - shared**2))
    return first, second


@compiled_within
def _driven(
    record: _Entries, couplings: tuple[float, float, float, float],
    squeezing_angle: float, phase: float, setting: PairSetting,
) -> _Entries:  # fmt: skip
    """A record with what its noise and that of the amplitudes have in common because the light is squeezed."""
    lower_minus, upper_minus, lower_plus, upper_plus = couplings
    excess, mu = 2.0 * setting.kept * np.sinh(setting.squeezing) ** 2, _correlation(squeezing_angle, setting)
    amplitude = np.sqrt(setting.share) * setting.transmission
    read, far = _turn(-phase), setting.transmission * _turn(setting.path_phase)
    to_lower = amplitude * (excess * np.conj(read) + mu * read) / 2
    to_upper = amplitude * (excess * read + np.conj(mu) * np.conj(read)) / 2
    return (
        record[0],
        record[1],
        record[2] - lower_minus * to_lower + upper_minus * to_upper,
        record[3] + far * lower_plus * to_lower - np.conj(far) * upper_plus * to_upper,
    )


@compiled_within
def _whitened(
    record: _Entries, other: _Entries,
    shared: float, root: float,
) -> _Entries:  # fmt: skip
    """A record less ``shared`` times another one, over ``root``."""
    return (
        (record[0] - shared * other[0]) / root,
        (record[1] - shared * other[1]) / root,
        (record[2] - shared * other[2]) / root,
        (record[3] - shared * other[3]) / root,
    )


@compiled_within
def _turn(phase: float) -> complex:
    """e^{i phase}."""
    return complex(np.cos(phase), np.sin(phase))


@compiled_within
def _correlation(angle: float, setting: PairSetting) -> complex:
    """μ of light that is squeezed at ``angle``."""
    size: float = setting.kept * np.sinh(2.0 * setting.squeezing)
    return size * _turn(angle)


@compiled_within
def _above(apart: float, setting: PairSetting) -> float:
    """(1 − λ)(e^{−2r} − 1 + ``apart`` sinh 2r), as in ``sim.rotating_wave.squeezed_light``."""
    result: float = setting.kept * (np.expm1(-2.0 * setting.squeezing) + np.sinh(2.0 * setting.squeezing) * apart)
    return result


@compiled_within
def _apart(turned: float, angle: float) -> float:
    """1 − cos(``turned``) sin 2θ."""
    result: float = 2.0 * np.sin(turned / 2.0) ** 2 + 2.0 * np.cos(turned) * np.sin(np.pi / 4.0 - angle) ** 2
    return result
