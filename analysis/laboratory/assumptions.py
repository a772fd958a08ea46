"""Where a setup leaves what the models assume: one line for each assumption that fails. Section 10 of sim/README.md.

A line is given where an assumption changes E by 1 % or more, as an order of magnitude. The cavity kept needs neither
elimination nor rotating wave; it does need light that is linear and spins that are an oscillator.
"""

from collections.abc import Iterator

from cascade_steering.analysis.laboratory.setup import Given, LaboratorySetup
from cascade_steering.sim.gaussian.riccati import NoSteadyStateError
from cascade_steering.sim.laboratory.cavities import Cavity
from cascade_steering.sim.laboratory.fast_oscillations import steady_root_of_fast
from cascade_steering.sim.laboratory.pair import LaboratoryNode, LaboratoryPair
from cascade_steering.sim.roots import product

__all__ = ["failed_assumptions"]

# elimination is off by about Γ/κ
_ELIMINATION = 0.01
# the rotating wave is off by 1 % at Ω = 3.5 Γ, see README.md
_ROTATING_WAVE = 1.0 / 3.5
# above κ = 4 |Ω| a cavity cools no oscillator below one quantum
_RESOLVED = 4.0
# one photon moves the cavity by g₀²/Ω, and the oscillator by g₀/κ
_LINEAR = 0.1
# an ensemble of N spins is an oscillator up to quanta/N
_SPINS = 0.01


def failed_assumptions(setup: LaboratorySetup) -> tuple[str, ...]:
    """One line for each assumption that fails, with the two numbers that are compared; none if all hold."""
    quanta = _quanta(setup.pair)
    nodes = {"minus": setup.pair.tuned, "plus": setup.pair.plus}
    return tuple(line for name, node in nodes.items() for line in _of_node(node, setup.given[name], quanta.get(name)))


def _of_node(node: LaboratoryNode, given: Given, quanta: float | None) -> Iterator[str]:
    where, strength = f"[{node.name}]", node.oscillator.strength_hz
    if strength > _ROTATING_WAVE * node.frequency_hz:
        yield (
            f"{where} Gamma/2pi = {strength:.4g} Hz is more than 1/3.5 of the frequency, {node.frequency_hz:.4g} Hz: "
            "the rotating wave is off by more than 1 %"
        )
    if isinstance(node.light, Cavity):
        yield from _of_cavity(node.light, node, given)
    held = node.bath.occupation if quanta is None else max(quanta, node.bath.occupation)
    if given.number is not None and held > _SPINS * given.number:
        yield (
            f"{where} {held:.4g} quanta are more than 1 % of number = {given.number:.4g} spins: the ensemble is not "
            "an oscillator"
        )


def _of_cavity(cavity: Cavity, node: LaboratoryNode, given: Given) -> Iterator[str]:
    where, strength = f"[{node.name}.cavity]", node.oscillator.strength_hz
    if strength > _ELIMINATION * cavity.linewidth_hz:
        yield (
            f"{where} Gamma/2pi = {strength:.4g} Hz is more than 1 % of linewidth_hz = {cavity.linewidth_hz:.4g}: "
            "elimination is off by about Gamma/kappa"
        )
    if cavity.linewidth_hz > _RESOLVED * node.frequency_hz:
        yield (
            f"{where} linewidth_hz = {cavity.linewidth_hz:.4g} is more than 4 times the frequency, "
            f"{node.frequency_hz:.4g} Hz: the sidebands are not resolved"
        )
    if given.vacuum_coupling_hz is not None and given.vacuum_coupling_hz > _LINEAR * cavity.linewidth_hz:
        yield (
            f"{where} vacuum_coupling_hz = {given.vacuum_coupling_hz:.4g} is more than a tenth of linewidth_hz = "
            f"{cavity.linewidth_hz:.4g}: the light is not linear in the motion"
        )


def _quanta(pair: LaboratoryPair) -> dict[str, float]:
    """The mean quanta of − and + without the record, by node; none where there is no steady state."""
    try:
        covariance = product(steady_root_of_fast(pair.eliminated, conditional=False))
    except NoSteadyStateError:
        return {}
    variances = covariance.diagonal()
    places = {name: pair.eliminated.modes.index(name) for name in ("minus", "plus")}
    return {name: float(variances[2 * at] + variances[2 * at + 1] - 1.0) / 2 for name, at in places.items()}
