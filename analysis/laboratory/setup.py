"""A setup in the numbers of a laboratory, and the way from there to models and answers. Section 10 of sim/README.md."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.laboratory.cavities import Cavity
from cascade_steering.sim.laboratory.pair import LaboratoryPair

if TYPE_CHECKING:
    from cascade_steering.analysis.laboratory.elimination import Elimination

__all__ = ["Given", "LaboratorySetup"]


@dataclass(frozen=True, kw_only=True)
class Given:
    """The numbers of a node as they were given, beside those that the models contain; None for what was not given.

    Parameters
    ----------
    vacuum_coupling_hz : g₀/2π, Hz
    photons : n_c in the cavity, given or from the power
    power_w : power on the line, watts, given or from the photons
    by_power : whether the power was given, and not the photons
    wavelength_m : of the light, metres
    number : the spins of the ensemble, each counted as two levels
    quality : Ω/γ₀
    temperature_k : of the bath, kelvin
    """

    vacuum_coupling_hz: float | None = None
    photons: float | None = None
    power_w: float | None = None
    wavelength_m: float | None = None
    by_power: bool = False
    number: float | None = None
    quality: float | None = None
    temperature_k: float | None = None


@dataclass(frozen=True, kw_only=True)
class LaboratorySetup:
    """The pair of a laboratory, from ``read_setup`` or from Python.

        setup = cs.read_setup("laboratory.toml")
        print(setup.elimination())
        result = cs.simulate(setup.pair.kept, cs.Gaussian(), ...)

    Parameters
    ----------
    pair : the nodes, the line and the detection
    given : the numbers as they were given, by node
    """

    pair: LaboratoryPair
    given: Mapping[str, Given] = field(default_factory=lambda: {"minus": Given(), "plus": Given()})

    @property
    def point(self) -> WorkingPoint:
        """The same pair in the numbers of the paper, with the cavities eliminated.

        Raises ValueError for a bath without decoherence, with which C is undefined.
        """
        cascade, detection = self.pair.cascade, self.pair.detection
        for name, node in (("minus", cascade.minus), ("plus", cascade.plus)):
            if node.bath.decoherence_rate == 0.0:
                raise ValueError(f"[{name}] linewidth_hz must be more than 0, since C = Gamma/gamma~_0, got 0")
        return WorkingPoint.of(cascade, detection)

    def elimination(self) -> "Elimination":
        """E with the cavities eliminated and in the rotating wave, with the cavities kept, and the difference."""
        from cascade_steering.analysis.laboratory.elimination import eliminated_and_kept

        return eliminated_and_kept(self.pair)

    @property
    def cavities(self) -> dict[str, Cavity]:
        """The cavities, by node."""
        lights = {"minus": self.pair.minus.light, "plus": self.pair.plus.light}
        return {name: light for name, light in lights.items() if isinstance(light, Cavity)}
