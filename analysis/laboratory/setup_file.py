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
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from cascade_steering.analysis.laboratory.setup import Given, LaboratorySetup
from cascade_steering.sim.laboratory.cavities import Cavity
from cascade_steering.sim.laboratory.pair import LaboratoryNode, LaboratoryPair
from cascade_steering.sim.laboratory.quantities import linewidth_of_quality, thermal_occupation
from cascade_steering.sim.laboratory.spins import Readout
from cascade_steering.sim.model.pieces import Mass
from cascade_steering.sim.parameters import DETECTION_SCHEMES, MOST, Bath, Detection, require

__all__ = ["parsed_tables", "read_setup", "read_tables", "setup_of"]

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
_DETECTION = ("lo_phase_pi", "efficiency", "scheme")
_Made = TypeVar("_Made")


def read_setup(path: str | Path) -> LaboratorySetup:
    """The setup in a TOML file.

    Raises ValueError, in one line with the file, the table and the key, for a file that does not parse, a key that is
    unknown, missing or given twice in other words, and a value that is of another kind or out of its range; and OSError
    for a file that cannot be read.
    """
    return setup_of(read_tables(path), str(path))


def read_tables(path: str | Path) -> dict[str, Any]:
    """The tables of a TOML file as they stand there. Raises as ``read_setup`` for a file that does not parse."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: {' '.join(str(error).split())}") from None
    return parsed_tables(text, str(path))


def parsed_tables(text: str, name: str) -> dict[str, Any]:
    """The tables in the text of a TOML file of this name. Raises as ``read_tables``."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{name}: {' '.join(str(error).split())}") from None


def setup_of(tables: Mapping[str, Any], name: str) -> LaboratorySetup:
    """The setup in the tables of a file of this name. Raises ValueError as ``read_setup`` does."""
    try:
        return _setup(_Table(tables, "", _FILE))
    except _WrongEntryError as error:
        raise ValueError(f"{name}: {error}") from None


class _WrongEntryError(ValueError):
    """What is wrong, with the table."""


class _Table:
    """A table of the file, which knows its name, the keys that it may have, and which of them have been read."""

    def __init__(self, content: Mapping[str, Any], name: str, keys: Sequence[str]) -> None:
        self.content, self.name = content, name
        self._read: set[str] = set()
        for key in content:
            units = [each for each in keys if each.rpartition("_")[0] == key]
            if key not in keys:
                why = f"{key} has no unit: write {' or '.join(units)}" if units else f"unknown key {key!r}"
                raise self.wrong(why if units else f"{why}; known are {', '.join(keys)}")

    def wrong(self, text: str) -> _WrongEntryError:
        """The error that says ``text`` of this table."""
        return _WrongEntryError(f"[{self.name}] {text}" if self.name else text)

    def has(self, key: str) -> bool:
        """Whether the key is given; it is then read."""
        self._read.add(key)
        return key in self.content

    def number(self, key: str, default: float | None = None) -> float:
        """A number. Raises an error for another kind, and for a missing key without a default."""
        value = self.content[key] if self.has(key) else default
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise (
                self.wrong(f"{key} is missing")
                if value is None
                else self.wrong(f"{key} must be a number, got {value!r}")
            )
        return value

    def choice(self, key: str, allowed: Sequence[str], default: str | None = None) -> str:
        """One of several words."""
        value = self.content[key] if self.has(key) else default
        if value not in allowed:
            raise (
                self.wrong(f"{key} is missing")
                if value is None
                else self.wrong(f"{key} must be one of {', '.join(allowed)}, got {value!r}")
            )
        return str(value)

    def flag(self, key: str, *, default: bool) -> bool:
        """True or false."""
        value = self.content[key] if self.has(key) else default
        if not isinstance(value, bool):
            raise self.wrong(f"{key} must be true or false, got {value!r}")
        return value

    def table(self, key: str, keys: Sequence[str]) -> "_Table":
        """A table within this one, which may have ``keys``; an empty one if it is not given."""
        value = self.content[key] if self.has(key) else {}
        name = f"{self.name}.{key}" if self.name else key
        if not isinstance(value, Mapping):
            raise self.wrong(f"{key} must be a table, got {value!r}")
        return _Table(value, name, keys)

    def one_of(self, *keys: str) -> str:
        """The one of the keys that is given. Raises an error for none, and for several: a quantity is given once."""
        found = [key for key in keys if self.has(key)]
        if len(found) != 1:
            raise self.wrong(f"give one of {' and '.join(keys)}, got {' and '.join(found) or 'neither'}")
        return found[0]

    def made(self, make: Callable[[], _Made]) -> _Made:
        """What ``make`` returns; an error of a value is one of this table."""
        try:
            return make()
        except _WrongEntryError:
            raise
        except (ValueError, OverflowError, ZeroDivisionError) as error:
            raise self.wrong(str(error)) from None

    def end(self) -> None:
        """Raise an error for the first key that has not been read, since nothing depends on it."""
        for key in self.content:
            if key not in self._read:
                raise self.wrong(f"{key} has no meaning beside {', '.join(sorted(self._read & self.content.keys()))}")


def _setup(content: _Table) -> LaboratorySetup:
    for name in ("minus", "plus"):
        if not content.has(name):
            raise content.wrong(f"table [{name}] is missing")
    minus, minus_given = _node(content.table("minus", _NODE), "negative")
    plus, plus_given = _node(content.table("plus", _NODE), "positive")
    detection = _detection(content.table("detection", _DETECTION))
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


def _node(table: _Table, mass: Mass) -> tuple[LaboratoryNode, Given]:
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


def _positive(table: _Table, key: str) -> float:
    value = table.number(key)
    table.made(lambda: require(value, key, low=1.0 / MOST, high=MOST))
    return value


def _bath(table: _Table, frequency_hz: float) -> tuple[Bath, Given]:
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


def _readout(table: _Table) -> Readout:
    rate, theta = table.number("readout_rate_hz"), table.number("theta_pi")
    return table.made(lambda: Readout(rate_hz=rate, theta_pi=theta))


def _cavity(table: _Table, given: Given) -> tuple[Cavity, Given]:
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


def _driven(table: _Table, empty: Cavity, given: Given) -> Given:
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


def _detection(table: _Table) -> Detection:
    phase, efficiency = table.number("lo_phase_pi", 0.5), table.number("efficiency", 1.0)
    scheme = table.choice("scheme", DETECTION_SCHEMES, DETECTION_SCHEMES[0])
    table.end()
    # mypy does not see that the choice is one of them
    return table.made(lambda: Detection(lo_phase_pi=phase, efficiency=efficiency, scheme=scheme))  # type: ignore[arg-type]
