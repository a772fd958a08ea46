"""A setup from a TOML file: tables ``[minus]``, ``[plus]``, ``[link]``, ``[detection]``.

    [minus]                       [plus]
    kind = "spins"                kind = "mechanics"
    larmor_hz = 1.0e6             frequency_hz = 1.0e6
    readout_rate_hz = 2.0e3       quality = 1.0e8              # or linewidth_hz
    theta_pi = 0.3                temperature_k = 4.0          # or occupation
    linewidth_hz = 0.2            cavity = { linewidth_hz = 1.0e6, outcoupling = 0.95, detuning_hz = -1.1e6,
    occupation = 100                         vacuum_coupling_hz = 50, power_w = 2.0e-6, wavelength_m = 850e-9 }

Either kind may have ``readout_rate_hz`` and ``theta_pi``, or a cavity. What is wrong is said in one line with the file,
the table and the key.
"""

import math
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from cascade_steering.analysis.laboratory.setup import Given, LaboratorySetup
from cascade_steering.analysis.toml_files.toml_table import (
    DETECTION_KEYS,
    TomlTable,
    WrongEntryError,
    detection_of,
    read_tables,
)
from cascade_steering.sim.laboratory.cavities import Cavity
from cascade_steering.sim.laboratory.pair import LaboratoryNode, LaboratoryPair
from cascade_steering.sim.laboratory.quantities import linewidth_of_quality, thermal_occupation
from cascade_steering.sim.laboratory.spins import Readout
from cascade_steering.sim.model.pieces import Mass
from cascade_steering.sim.parameters import MOST, Bath, require

__all__ = ["read_setup", "setup_of"]

# the name of the frequency, by kind
_KINDS = {"spins": "larmor_hz", "mechanics": "frequency_hz"}
_FILE = ("minus", "plus", "link", "detection")
_NODE = (
    "kind", *_KINDS.values(), "linewidth_hz", "quality", "occupation", "temperature_k", "readout_rate_hz", "theta_pi",
    "cavity", "number",
)  # fmt: skip
_CAVITY = (
    "linewidth_hz", "outcoupling", "detuning_hz", "coupling_hz", "vacuum_coupling_hz", "photons", "power_w",
    "wavelength_m",
)  # fmt: skip
_SQUEEZED = ("squeezing_db", "squeezing_angle_pi", "squeezing_loss")
_LINK = ("loss", "path_phase_pi", "retune", *_SQUEEZED)


def read_setup(path: str | Path) -> LaboratorySetup:
    """The setup in a TOML file.

    Raises ValueError, in one line with the file, the table and the key, for a file that does not parse, a key that is
    unknown, missing or given twice in other words, and a value that is of another kind or out of its range; and OSError
    for a file that cannot be read.
    """
    return setup_of(read_tables(path), str(path))


def setup_of(tables: Mapping[str, Any], name: str) -> LaboratorySetup:
    """The setup in the tables of a file of this name. Raises ValueError as ``read_setup`` does."""
    try:
        return _setup(TomlTable(tables, "", _FILE))
    except WrongEntryError as error:
        raise ValueError(f"{name}: {error}") from None


def _setup(content: TomlTable) -> LaboratorySetup:
    for name in ("minus", "plus"):
        if not content.has(name):
            raise content.wrong(f"table [{name}] is missing")
    minus, minus_given = _node(content.table("minus", _NODE), "negative")
    plus, plus_given = _node(content.table("plus", _NODE), "positive")
    detection = detection_of(content.table("detection", DETECTION_KEYS))
    link = content.table("link", _LINK)
    loss, phase = link.number("loss", 0.0), link.number("path_phase_pi", 0.0)
    light = {name: link.number(name, 0.0) for name in _SQUEEZED}
    retune = link.flag("retune", default=True)
    link.end()

    def whole() -> LaboratoryPair:
        pair = LaboratoryPair(
            minus=minus, plus=plus, loss=loss, path_phase_pi=phase, **light, detection=detection, retune=retune
        )
        # what cannot be retuned is said here
        _ = pair.cascade
        return pair

    return LaboratorySetup(pair=link.made(whole), given={"minus": minus_given, "plus": plus_given})


def _node(table: TomlTable, mass: Mass) -> tuple[LaboratoryNode, Given]:
    kind = table.choice("kind", tuple(_KINDS))
    frequency = _positive(table, _KINDS[kind])
    bath, given = _bath(table, frequency)
    if kind == "spins" and table.has("number"):
        given = replace(given, number=_positive(table, "number"))
    light: Readout | Cavity
    if table.one_of("readout_rate_hz", "cavity") == "cavity":
        inside = table.table("cavity", _CAVITY)
        light, given = _cavity(inside, given)
    else:
        inside = table
        light = _readout(table)
    table.end()

    def whole() -> LaboratoryNode:
        # of the values that are left to check, the coupling alone may be wrong
        node = LaboratoryNode(name=table.name, mass=mass, frequency_hz=frequency, bath=bath, light=light)
        require(node.oscillator.cooperativity, "C = Gamma/gamma~_0", low=0.0, high=MOST)
        return node

    return inside.made(whole), given


def _positive(table: TomlTable, key: str) -> float:
    value = table.number(key)
    table.made(lambda: require(value, key, low=1.0 / MOST, high=MOST))
    return value


def _bath(table: TomlTable, frequency_hz: float) -> tuple[Bath, Given]:
    given = Given()
    if table.one_of("linewidth_hz", "quality") == "quality":
        quality = table.number("quality")
        linewidth = table.made(lambda: linewidth_of_quality(quality, frequency_hz=frequency_hz))
        given = replace(given, quality=quality)
    else:
        linewidth = _positive(table, "linewidth_hz")
    if table.one_of("occupation", "temperature_k") == "temperature_k":
        temperature = table.number("temperature_k")
        occupation = table.made(lambda: thermal_occupation(temperature_k=temperature, frequency_hz=frequency_hz))
        given = replace(given, temperature_k=temperature)
    else:
        occupation = table.number("occupation")
    bath = table.made(lambda: Bath(linewidth_hz=linewidth, occupation=occupation))
    # C = Γ/γ̃₀ is undefined without decoherence
    table.made(lambda: require(bath.decoherence_rate, "decoherence rate of the bath, rad/s,", low=1.0 / MOST))
    return bath, given


def _readout(table: TomlTable) -> Readout:
    rate, theta = table.number("readout_rate_hz"), table.number("theta_pi")
    return table.made(lambda: Readout(rate_hz=rate, theta_pi=theta))


def _cavity(table: TomlTable, given: Given) -> tuple[Cavity, Given]:
    linewidth, detuning = table.number("linewidth_hz"), table.number("detuning_hz")
    outcoupling = table.number("outcoupling", 1.0)
    empty = table.made(
        lambda: Cavity(linewidth_hz=linewidth, detuning_hz=detuning, coupling_hz=0.0, outcoupling=outcoupling)
    )
    if table.one_of("coupling_hz", "vacuum_coupling_hz") == "coupling_hz":
        coupling = table.number("coupling_hz")
    else:
        given = _driven(table, empty, given)
        coupling = float(given.vacuum_coupling_hz or 0.0) * math.sqrt(given.photons or 0.0)
    table.end()
    return table.made(lambda: replace(empty, coupling_hz=coupling)), given


def _driven(table: TomlTable, empty: Cavity, given: Given) -> Given:
    """What is known of the light in the cavity, from photons or from power."""
    given = replace(given, vacuum_coupling_hz=_positive(table, "vacuum_coupling_hz"))
    if table.one_of("photons", "power_w") == "power_w":
        power, wavelength = table.number("power_w"), _positive(table, "wavelength_m")
        photons = table.made(lambda: empty.photons(power, wavelength_m=wavelength))
        return replace(given, photons=photons, power_w=power, wavelength_m=wavelength, by_power=True)
    photons = table.number("photons")
    table.made(lambda: require(photons, "photons", low=0.0, high=MOST**2))
    if not table.has("wavelength_m"):
        return replace(given, photons=photons)
    wavelength = _positive(table, "wavelength_m")
    power = photons / empty.photons(1.0, wavelength_m=wavelength)
    return replace(given, photons=photons, power_w=power, wavelength_m=wavelength)
