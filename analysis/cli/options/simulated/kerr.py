"""The options of a Kerr term in the Hamiltonian of either oscillator, for ``simulate``."""

import math
from dataclasses import dataclass, replace

import click

from cascade_steering.analysis.cli.options.kinds import NUMBER, options
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.polynomials import Polynomial, kerr
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import MOST, require

KERR = options(
    *(
        click.option(
            f"--kerr-{name}", type=NUMBER, default=0.0, show_default=True, metavar="HZ",
            help=f"By how much a quantum more changes the frequency of {sign}; --engine gaussian is then approximate.",
        )
        for name, sign in (("minus", "-"), ("plus", "+"))
    )
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class KerrOptions:
    """χ/2π of either oscillator in Hz, H = (χ/2)a†²a² (``sim.model.polynomials.kerr``); 0 for a linear one."""

    kerr_minus: float = 0.0
    kerr_plus: float = 0.0

    @property
    def polynomials(self) -> tuple[Polynomial, ...]:
        """Those of the oscillators that are not linear. Raises ValueError for a rate that is too large."""
        found = []
        for mode, rate in (("minus", self.kerr_minus), ("plus", self.kerr_plus)):
            require(rate, f"--kerr-{mode}", low=-MOST, high=MOST)
            if rate:
                found.append(kerr(mode, 2.0 * math.pi * rate))
        return tuple(found)

    @property
    def named(self) -> str:
        """The options that are not 0, as a message names them."""
        given = {"--kerr-minus": self.kerr_minus, "--kerr-plus": self.kerr_plus}
        return " and ".join(name for name, rate in given.items() if rate)

    def added(self, model: LinearModel | Schedule) -> LinearModel | Schedule:
        """The model with these terms, while the light is on and after."""
        if not self.polynomials:
            return model
        if isinstance(model, LinearModel):
            return replace(model, nonlinear=self.polynomials)
        return replace(model, models=tuple(replace(each, nonlinear=self.polynomials) for each in model.models))
