"""The parameters of an experiment: baths, oscillators, the cascade and the detection.

Arguments with a unit have it in their names, as ``linewidth_hz`` and ``angle_pi``. The properties ``linewidth`` and
``angle`` are in rad/s and radians, in which everything is computed. Symbols are those of Sec. II of arXiv:1901.04250.
"""

import math
from dataclasses import dataclass
from numbers import Integral
from typing import Any, Literal, Self

__all__ = [
    "BATHS",
    "DETECTION_SCHEMES",
    "MOST",
    "MOST_SQUEEZING_DB",
    "Bath",
    "Cascade",
    "Detection",
    "DetectionScheme",
    "Oscillator",
    "UnstableError",
    "in_python",
    "plain_number",
    "require",
    "require_count",
    "require_squeezing",
]

# The largest rate, occupation or ratio that is accepted, so that products of a few of them stay finite.
MOST = 1e15

# Noise is then a thousand times above that of the vacuum and as far below it; the best sources reach 15 dB.
MOST_SQUEEZING_DB = 30.0

DetectionScheme = Literal["homodyne", "heterodyne"]
DETECTION_SCHEMES: tuple[DetectionScheme, ...] = ("homodyne", "heterodyne")


def require(value: float, name: str, *, low: float, high: float = math.inf, low_open: bool = False) -> None:
    """Raise ValueError, naming the value and what is allowed, unless low ≤ value ≤ high.

    ``low_open`` excludes ``low`` itself. Infinite values and NaN are refused.
    """
    value = plain_number(value)
    above = value > low if low_open else value >= low
    if not (math.isfinite(value) and above and value <= high):
        least = f"{'more than' if low_open else 'at least'} {low:g}"
        most = "finite" if math.isinf(high) else f"at most {high:g}"
        raise ValueError(f"{name} must be {least} and {most}, got {value!r}")


def require_count(value: int, name: str, *, low: int) -> None:
    """Raise ValueError, naming the value and what is allowed, unless it is a whole number of at least ``low``."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < low:
        raise ValueError(f"{name} must be a whole number of at least {low}, got {value!r}")


def in_python(instance: object, *names: str) -> None:
    """Convert the named fields of a frozen dataclass from scalars of numpy to numbers of Python.

    Sums of eight-bit integers wrap around and products in half precision overflow without an error.
    """
    for name in names:
        object.__setattr__(instance, name, plain_number(getattr(instance, name)))


def plain_number(value: Any) -> Any:
    """A scalar of numpy, or an array of one number, as a number of Python; other values unchanged."""
    return value.item() if getattr(value, "ndim", None) == 0 else value


def require_squeezing(decibels: float, angle_pi: float, lost: float) -> None:
    """Raise ValueError, naming the value and what is allowed, for squeezed light that cannot be.

    A negative number of dB would be light squeezed at the angle ψ + π.
    """
    if plain_number(decibels) < 0.0:
        raise ValueError(
            f"squeezing_db must be at least 0 and at most {MOST_SQUEEZING_DB:g}, got {decibels!r}: light squeezed in "
            "the other quadrature has an angle larger by pi"
        )
    require(decibels, "squeezing_db", low=0.0, high=MOST_SQUEEZING_DB)
    require(angle_pi, "squeezing_angle_pi", low=-math.inf)
    require(lost, "squeezing_loss", low=0.0, high=1.0)


class UnstableError(ValueError):
    """The working point has no steady state: a damping rate γ is not positive."""


@dataclass(frozen=True, kw_only=True)
class Bath:
    """Thermal bath of one oscillator.

    Parameters
    ----------
    linewidth_hz : intrinsic damping rate of the energy as a frequency, γ₀/2π in Hz, ≥ 0
    occupation : mean thermal occupation n̄ ≥ 0

    Raises
    ------
    ValueError
        if either is negative or not finite.
    """

    linewidth_hz: float
    occupation: float

    def __post_init__(self) -> None:
        in_python(self, "linewidth_hz", "occupation")
        require(self.linewidth_hz, "linewidth_hz", low=0.0, high=MOST)
        require(self.occupation, "occupation", low=0.0, high=MOST)

    @classmethod
    def si(cls, *, linewidth: float, occupation: float) -> Self:
        """The bath of damping rate ``linewidth`` = γ₀ in rad/s. Raises ValueError as the class does."""
        return cls(linewidth_hz=plain_number(linewidth) / (2 * math.pi), occupation=occupation)

    @property
    def linewidth(self) -> float:
        """γ₀, rad/s."""
        return 2 * math.pi * self.linewidth_hz

    @property
    def decoherence_rate(self) -> float:
        """γ̃₀ = γ₀ (n̄ + ½), rad/s."""
        return self.linewidth * (self.occupation + 0.5)

    @classmethod
    def named(cls, name: str) -> Self:
        """One of the paper's two baths: ``hot`` (2π·0.1 Hz, n̄ = 1e5) or ``vacuum`` (2π·20 kHz, n̄ = 0).

        Raises ValueError for any other name.
        """
        if name not in BATHS:
            raise ValueError(f"bath must be one of {', '.join(BATHS)}, got {name!r}")
        linewidth_hz, occupation = BATHS[name]
        return cls(linewidth_hz=linewidth_hz, occupation=occupation)

    @classmethod
    def of_text(cls, text: str) -> Self:
        """The bath of a name, as for ``named``, or of ``LINEWIDTH_HZ,OCCUPATION``.

        Raises ValueError for any other text, and for a number out of its range.
        """
        if text in BATHS:
            return cls.named(text)
        try:
            linewidth_hz, occupation = (float(part) for part in text.split(","))
        except ValueError:
            linewidth_hz = occupation = math.nan
        if not (math.isfinite(linewidth_hz) and math.isfinite(occupation)):
            raise ValueError(f"bath must be {', '.join(BATHS)} or LINEWIDTH_HZ,OCCUPATION, got {text!r}")
        return cls(linewidth_hz=linewidth_hz, occupation=occupation)

    @property
    def text(self) -> str:
        """The text of which ``of_text`` makes this bath: its name, or its two numbers."""
        names = [name for name, numbers in BATHS.items() if numbers == (self.linewidth_hz, self.occupation)]
        return names[0] if names else f"{self.linewidth_hz!r},{self.occupation!r}"


# name: (linewidth γ₀/2π in Hz, occupation), caption of Fig. 4 of arXiv:1901.04250
BATHS = {"hot": (0.1, 1e5), "vacuum": (20e3, 0.0)}


@dataclass(frozen=True, kw_only=True)
class Oscillator:
    """One oscillator and its coupling to the travelling field.

    Parameters
    ----------
    strength_hz : interaction strength as a frequency, Γ/2π in Hz, ≥ 0; see also ``from_cooperativity``
    angle_pi : interaction angle θ in units of π, 0 ≤ θ ≤ π/2, so from 0 to 0.5; Γ_B = Γ sin²θ exchanges quanta with
        the field (cools), Γ_P = Γ cos²θ creates them in pairs (heats)
    bath : thermal bath of the oscillator

    Raises
    ------
    ValueError
        if strength or angle is outside its range.
    """

    strength_hz: float
    angle_pi: float
    bath: Bath

    def __post_init__(self) -> None:
        in_python(self, "strength_hz", "angle_pi")
        require(self.strength_hz, "strength_hz", low=0.0, high=MOST**2)
        require(self.angle_pi, "angle_pi", low=0.0, high=0.5)

    @classmethod
    def from_cooperativity(cls, cooperativity: float, *, angle_pi: float, bath: Bath) -> Self:
        """The oscillator with Γ = C γ̃₀, its angle θ in units of π.

        Raises ValueError if the cooperativity is negative, or if γ̃₀ of the bath is 0 or below 1e-15 rad/s: C is then
        undefined, and the strength must be given instead.
        """
        cooperativity = plain_number(cooperativity)
        require(cooperativity, "cooperativity", low=0.0, high=MOST)
        if bath.decoherence_rate == 0.0:
            raise ValueError("cooperativity needs a bath of linewidth more than 0; give the strength instead")
        require(bath.decoherence_rate, "decoherence rate of the bath, rad/s,", low=1 / MOST)
        strength_hz = cooperativity * bath.linewidth_hz * (bath.occupation + 0.5)
        return cls(strength_hz=strength_hz, angle_pi=angle_pi, bath=bath)

    @classmethod
    def si(cls, *, strength: float, angle: float, bath: Bath) -> Self:
        """The oscillator of strength Γ in rad/s and angle θ in radians. Raises ValueError as the class does."""
        return cls(
            strength_hz=plain_number(strength) / (2 * math.pi), angle_pi=plain_number(angle) / math.pi, bath=bath
        )

    @property
    def strength(self) -> float:
        """Γ, rad/s."""
        return 2 * math.pi * self.strength_hz

    @property
    def angle(self) -> float:
        """θ, radians."""
        return math.pi * self.angle_pi

    @property
    def cooperativity(self) -> float:
        """C = Γ/γ̃₀ (infinite without a bath)."""
        rate = self.bath.decoherence_rate
        return self.strength / rate if rate else math.inf

    @property
    def beam_splitter_rate(self) -> float:
        """Γ_B = Γ sin²θ, rad/s. Section 1 of sim/README.md."""
        return self.strength * math.sin(self.angle) ** 2

    @property
    def parametric_rate(self) -> float:
        """Γ_P = Γ cos²θ, rad/s. Section 1 of sim/README.md."""
        return self.strength * math.cos(self.angle) ** 2

    @property
    def damping_rate(self) -> float:
        """γ = γ₀ + Γ_B − Γ_P, rad/s. Section 1 of sim/README.md.

        It is computed with cos 2θ, which keeps its digits near θ = π/4.
        """
        return 2 * math.pi * (self.bath.linewidth_hz - self.strength_hz * math.cos(2 * self.angle))


@dataclass(frozen=True, kw_only=True)
class Cascade:
    """Two oscillators in series on a one-way field: − first, + second.

    The light that arrives at the first one may be squeezed. Sections 1 and 2 of sim/README.md.

    Parameters
    ----------
    minus, plus : the oscillators
    loss : power loss ε between them, 0 ≤ ε ≤ 1
    path_phase_pi : phase φ of the path between them, in units of π; the paper's optimum is φ = 0
    squeezing_db : squeezing of the input light, 20 log₁₀ eʳ, from 0 to 30
    squeezing_angle_pi : its angle ψ, in units of π: at 0 the quadrature is squeezed that is read at ϑ = π/2, at 1 that
        read at ϑ = 0. Without squeezing it has no effect
    squeezing_loss : power loss λ between the source of squeezed light and the first oscillator, 0 ≤ λ ≤ 1

    Raises
    ------
    ValueError
        if a loss or the squeezing is outside its range, or a phase or an angle is not finite.
    """

    minus: Oscillator
    plus: Oscillator
    loss: float = 0.0
    path_phase_pi: float = 0.0
    squeezing_db: float = 0.0
    squeezing_angle_pi: float = 0.0
    squeezing_loss: float = 0.0

    def __post_init__(self) -> None:
        in_python(self, "loss", "path_phase_pi", "squeezing_db", "squeezing_angle_pi", "squeezing_loss")
        require(self.loss, "loss", low=0.0, high=1.0)
        require(self.path_phase_pi, "path_phase_pi", low=-math.inf)
        require_squeezing(self.squeezing_db, self.squeezing_angle_pi, self.squeezing_loss)

    @property
    def path_phase(self) -> float:
        """φ, radians."""
        return math.pi * self.path_phase_pi

    @property
    def squeezing_angle(self) -> float:
        """ψ, radians."""
        return math.pi * self.squeezing_angle_pi

    @property
    def time_unit(self) -> float:
        """1/γ̃₀ of the first oscillator, seconds (infinite without a bath)."""
        rate = self.minus.bath.decoherence_rate
        return 1.0 / rate if rate else math.inf

    def require_stable(self) -> None:
        """Raise UnstableError unless γ₋ > 0 and γ₊ > 0. Section 5 of sim/README.md."""
        for name, oscillator in (("minus", self.minus), ("plus", self.plus)):
            rate = oscillator.damping_rate
            if not rate > 0.0:
                raise UnstableError(
                    f"no steady state: the damping rate of oscillator {name} is {rate:.6g} rad/s and must be "
                    f"more than 0; raise its interaction angle ({oscillator.angle_pi:.6g} pi) or its linewidth"
                )


@dataclass(frozen=True, kw_only=True)
class Detection:
    """How the light leaving the second oscillator is measured.

    Parameters
    ----------
    lo_phase_pi : local-oscillator phase ϑ, in units of π
    efficiency : efficiency η, 0 ≤ η ≤ 1
    scheme : ``homodyne`` (one quadrature of the field, demodulated into its cosine and sine parts) or
        ``heterodyne`` (the light split in two equal halves, homodyned at ϑ and ϑ + π/2)
    efficiency_orthogonal : η of the heterodyne detector at ϑ + π/2; None for that of the other one
    bandwidths_hz : of low-pass filters in series behind each detector, in the rotating wave behind the demodulation; Hz
    dark_noise : δ, the power of electronic noise after these filters over that of shot noise, ≥ 0

    Raises
    ------
    ValueError
        if a value is outside its range or the scheme is unknown.
    """

    lo_phase_pi: float = 0.5
    efficiency: float = 1.0
    scheme: DetectionScheme = "homodyne"
    efficiency_orthogonal: float | None = None
    bandwidths_hz: tuple[float, ...] = ()
    dark_noise: float = 0.0

    def __post_init__(self) -> None:
        in_python(self, "lo_phase_pi", "efficiency", "dark_noise")
        object.__setattr__(self, "bandwidths_hz", tuple(map(plain_number, self.bandwidths_hz)))
        require(self.dark_noise, "dark_noise", low=0.0, high=MOST)
        for each in self.bandwidths_hz:
            require(each, "bandwidth_hz", low=0.0, high=MOST, low_open=True)
        if self.efficiency_orthogonal is not None:
            in_python(self, "efficiency_orthogonal")
            require(self.efficiency_orthogonal, "efficiency_orthogonal", low=0.0, high=1.0)
            if self.scheme != "heterodyne":
                raise ValueError(
                    "efficiency_orthogonal is that of the second heterodyne detector, got "
                    f"{self.efficiency_orthogonal!r} for {self.scheme}"
                )
        require(self.lo_phase_pi, "lo_phase_pi", low=-math.inf)
        require(self.efficiency, "efficiency", low=0.0, high=1.0)
        if self.scheme not in DETECTION_SCHEMES:
            raise ValueError(f"scheme must be one of {', '.join(DETECTION_SCHEMES)}, got {self.scheme!r}")

    @classmethod
    def si(
        cls, *, lo_phase: float = math.pi / 2, efficiency: float = 1.0, scheme: DetectionScheme = "homodyne"
    ) -> Self:
        """The detection at ϑ in radians. Raises ValueError as the class does."""
        return cls(lo_phase_pi=plain_number(lo_phase) / math.pi, efficiency=efficiency, scheme=scheme)

    @property
    def lo_phase(self) -> float:
        """ϑ, radians."""
        return math.pi * self.lo_phase_pi

    @property
    def efficiencies(self) -> tuple[float, ...]:
        """η of each homodyne detector, or η/(1+δ) with dark noise and no filter. Section 11 of sim/README.md."""
        each = (self.efficiency, self.efficiency if self.efficiency_orthogonal is None else self.efficiency_orthogonal)
        noise = 1.0 if self.bandwidths_hz else 1.0 + self.dark_noise
        return tuple(value / noise for value in each[: len(self.lo_phases)])

    def require_plain(self, what: str) -> None:
        """Raise ValueError for a detection that ``what`` does not know: more than phase, efficiency and scheme."""
        if self.bandwidths_hz:
            raise ValueError(f"{what} has detectors without a finite bandwidth, got {self.bandwidths_hz[0]:g} Hz")
        if self.efficiency_orthogonal is not None:
            raise ValueError(
                f"{what} has one efficiency of both detectors, got another, {self.efficiency_orthogonal:g}"
            )
        if self.dark_noise:
            equal = self.efficiency / (1.0 + self.dark_noise)
            raise ValueError(
                f"{what} has no dark noise, got {self.dark_noise:g}: it is that of an efficiency of {equal:.6g} without"
            )

    @property
    def lo_phases(self) -> tuple[float, ...]:
        """ϑ of each homodyne detector, radians; they share the light equally. Section 2 of sim/README.md."""
        if self.scheme == "homodyne":
            return (self.lo_phase,)
        return (self.lo_phase, self.lo_phase + math.pi / 2)
