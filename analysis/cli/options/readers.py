"""Values from the text of a command line or of a file, in SI units or in the units given.

Every function raises ValueError for text that it cannot read; the message has the text and what is allowed.
"""

import math
import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cascade_steering.sim.parameters import MOST, Bath, Cascade

FloatArray = NDArray[np.float64]
_UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
_QUANTITY = re.compile(r"([-+0-9.eE]+)\s*([a-z]*)")
BEST = "best"
AUTO = "auto"
_MOST_TIMES = 1_000_000
# each has its own step and therefore its own exact map, which takes a millisecond
_MOST_LOG_TIMES = 10_000
# a density matrix of two such oscillators takes 1.6 GB
_MOST_LEVELS = 100
STATES = (
    "stationary, ground, thermal (of the baths), occupations N1,N2, conditional (the steady state given the record, "
    "means at 0), squeezed:R1,R2 (variance of X times e^-2R) or "
    "coherent:RE1,IM1,RE2,IM2 (amplitudes)"
)


@dataclass(frozen=True)
class Duration:
    """A time as given: in seconds if ``seconds``, else in units of 1/γ̃₀ of the first oscillator."""

    value: float
    seconds: bool

    @property
    def text(self) -> str:
        """The text of the option."""
        return f"{self.value!r}s" if self.seconds else repr(self.value)

    def of(self, cascade: Cascade) -> float:
        """Seconds."""
        return self.value if self.seconds else self.value * cascade.time_unit

    def in_units(self, unit: float) -> float:
        """In units of 1/γ̃₀, which is ``unit`` seconds."""
        return self.value / unit if self.seconds else self.value


def numbers(text: str) -> tuple[float, ...]:
    """Comma-separated finite numbers."""
    try:
        values = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise ValueError(f"expected numbers separated by commas, got {text!r}") from None
    if not all(math.isfinite(value) for value in values):
        raise ValueError(f"numbers must be finite, got {text!r}")
    return values


def number(text: str) -> float:
    """One finite number."""
    try:
        (value,) = numbers(text)
    except ValueError:
        raise ValueError(f"expected one finite number, got {text!r}") from None
    return value


def bath(text: str) -> Bath:
    """A named bath, or LINEWIDTH_HZ,OCCUPATION."""
    return Bath.of_text(text)


def lo_phase(text: str) -> float | None:
    """ϑ in units of π; None for ``best``."""
    return None if text == BEST else number(text)


def duration(text: str) -> Duration:
    """A duration in units of 1/γ̃₀, or with a unit s, ms, us or ns."""
    matched = _QUANTITY.fullmatch(text.strip())
    unit = matched[2] if matched else ""
    if matched is None or (unit and unit not in _UNITS):
        raise ValueError(f"expected a number, or one with a unit {', '.join(_UNITS)}, got {text!r}")
    value = number(matched[1])
    return Duration(value * _UNITS[unit], True) if unit else Duration(value, False)


@dataclass(frozen=True)
class TimesInUnits:
    """Times as given: ``count`` from ``start`` to ``stop``, evenly spaced in t, or in log t if ``logarithmic``."""

    start: Duration
    stop: Duration
    count: int
    logarithmic: bool = False

    def of(self, cascade: Cascade) -> FloatArray:
        """Seconds, array of shape (count,)."""
        spaced = np.geomspace if self.logarithmic else np.linspace
        return spaced(self.start.of(cascade), self.stop.of(cascade), self.count)


def times(text: str) -> TimesInUnits:
    """START:STOP:COUNT, or log:START:STOP:COUNT."""
    logarithmic = text.startswith("log:")
    parts = text.removeprefix("log:").split(":")
    if len(parts) != 3 or not parts[2].strip().isdecimal():
        raise ValueError(f"times must be START:STOP:COUNT or log:START:STOP:COUNT, got {text!r}")
    start, stop, count = duration(parts[0]), duration(parts[1]), int(parts[2])
    if start.seconds != stop.seconds and 0.0 not in (start.value, stop.value):
        raise ValueError(f"START and STOP must have the same unit, got {text!r}")
    most = _MOST_LOG_TIMES if logarithmic else _MOST_TIMES
    if not (0.0 <= start.value < stop.value and 2 <= count <= most):
        raise ValueError(f"times need 0 <= START < STOP and COUNT from 2 to {most}, got {text!r}")
    if logarithmic and not start.value:
        raise ValueError(f"times on a logarithmic scale need START above 0, got {text!r}")
    return TimesInUnits(start, stop, count, logarithmic)


@dataclass(frozen=True)
class Start:
    """An initial state as given: a name and its numbers."""

    name: str
    numbers: tuple[float, ...] = ()

    @property
    def text(self) -> str:
        """The text of the option."""
        numbers = ",".join(map(repr, self.numbers))
        if self.name == "thermal" and self.numbers:
            return numbers
        return f"{self.name}:{numbers}" if self.numbers else self.name


def start(text: str) -> Start:
    """A named initial state, or N1,N2."""
    if text in ("stationary", "conditional", "thermal", "ground"):
        return Start(text)
    name, tail = text.split(":", 1) if ":" in text else ("occupations", text)
    try:
        values = numbers(tail)
    except ValueError:
        values = ()
    known = ":" in text and len(values) == {"squeezed": 2, "coherent": 4}.get(name, -1)
    if not known and (":" in text or len(values) != 2 or min(values) < 0.0):
        raise ValueError(f"initial state must be {STATES}; got {text!r}")
    # variances, amplitudes and occupations: see MOST
    most = math.log(MOST) / 2 if name == "squeezed" else MOST
    if max(map(abs, values)) > most:
        raise ValueError(f"numbers of an initial state ({name}) must be at most {most:.4g}, got {text!r}")
    return Start("thermal" if name == "occupations" else name, values)


def frequency(text: str) -> tuple[float, float]:
    """|Ω|/2π of − and +, Hz: one for both, or two."""
    values = numbers(text)
    if len(values) > 2 or min(values) <= 0.0:
        raise ValueError(f"frequency must be a positive number of Hz, or two for - and +, got {text!r}")
    if max(values) > MOST:
        raise ValueError(f"frequency must be at most {MOST:g} Hz, got {text!r}")
    return values[0], values[-1]


def cutoffs(text: str) -> tuple[int, int] | None:
    """Levels of each oscillator: N for both, or N1,N2; None for ``auto``."""
    if text == AUTO:
        return None
    values = numbers(text)
    if len(values) > 2 or any(value != int(value) or value > _MOST_LEVELS for value in values):
        raise ValueError(f"cutoff must be a whole number N or N1,N2 of at most {_MOST_LEVELS}, got {text!r}")
    return int(values[0]), int(values[-1])
