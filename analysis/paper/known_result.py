"""A line of the validation report, and the cascades that several of its suites are about."""

from dataclasses import dataclass

from cascade_steering.sim.parameters import Bath, Cascade, Oscillator

__all__ = ["KnownResult", "cascade_of"]


@dataclass(frozen=True, kw_only=True)
class KnownResult:
    """One line of the report, passed if |value − expected| ≤ tolerance; ``why`` is the source of ``expected``."""

    name: str
    value: float
    expected: float
    tolerance: float
    why: str

    @property
    def passed(self) -> bool:
        """Whether the value is within the tolerance; NaN is not."""
        return bool(abs(self.value - self.expected) <= self.tolerance)


def cascade_of(c: tuple[float, float], theta: tuple[float, float], bath: Bath, loss: float = 0.0) -> Cascade:
    """A cascade from C₋, C₊ and from θ₋, θ₊ in units of π, both oscillators in the same bath."""
    minus, plus = (
        Oscillator.from_cooperativity(strength, angle_pi=angle, bath=bath)
        for strength, angle in zip(c, theta, strict=True)
    )
    return Cascade(minus=minus, plus=plus, loss=loss)
