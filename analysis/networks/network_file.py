"""A network from a TOML file: ``[[node]]`` for each node in the order of the light, ``[light]`` and ``[detection]``.

    [[node]]                          [[node]]
    name = "client"                   name = "server"
    mass = "negative"                 mass = "positive"
    cooperativity = 10                cooperativity = 15
    theta_pi = 0.3                    theta_pi = 0.37
    bath = "hot"                      bath = { linewidth_hz = 0.1, occupation = 1e5 }
                                      loss_before = 0.1            # of the path from the node before

    [light]                           [detection]
    squeezing_db = 6                  efficiency = 0.9

What is wrong is said in one line with the file, the table and the key.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cascade_steering.analysis.networks.network import Network
from cascade_steering.analysis.toml_files.toml_table import (
    DETECTION_KEYS,
    TomlTable,
    WrongEntryError,
    detection_of,
    read_tables,
)
from cascade_steering.sim.model.cascade import Node
from cascade_steering.sim.model.pieces import MASSES
from cascade_steering.sim.parameters import BATHS, Bath

__all__ = ["network_of", "read_network"]

_FILE = ("node", "light", "detection")
_NODE = ("name", "mass", "cooperativity", "theta_pi", "bath", "loss_before", "path_phase_pi", "tap")
_LIGHT = ("squeezing_db", "squeezing_angle_pi", "squeezing_loss")
# characters that separate names on the command line and in records
_SEPARATORS = ", \t\n"


def read_network(path: str | Path) -> Network:
    """The network in a TOML file.

    Raises ValueError, in one line with the file, the table and the key, for a file that does not parse, a key that is
    unknown or missing, a name that is given twice, and a value that is of another kind or out of its range; and OSError
    for a file that cannot be read.
    """
    return network_of(read_tables(path), str(path))


def network_of(tables: Mapping[str, Any], name: str) -> Network:
    """The network in the tables of a file of this name. Raises ValueError as ``read_network`` does."""
    try:
        return _network(TomlTable(tables, "", _FILE))
    except WrongEntryError as error:
        raise ValueError(f"{name}: {error}") from None


def _network(content: TomlTable) -> Network:
    parts = content.tables("node", _NODE)
    if not parts:
        raise content.wrong("table [[node]] is missing: there is one for each node, in the order of the light")
    nodes: dict[str, Node] = {}
    for table in parts:
        node = _node(table)
        if node.name in nodes:
            raise table.wrong(f"name must differ from those of other nodes, got {node.name!r} again")
        nodes[node.name] = node
    light, detection = content.table("light", _LIGHT), detection_of(content.table("detection", DETECTION_KEYS))
    squeezed = {key: light.number(key, 0.0) for key in _LIGHT}
    return light.made(lambda: Network(nodes=tuple(nodes.values()), detection=detection, **squeezed))


def _node(table: TomlTable) -> Node:
    name = table.word("name")
    if any(each in _SEPARATORS for each in name):
        raise table.wrong(f"name must have no commas and spaces, got {name!r}")
    table.name = f"node {name}"
    mass, bath = table.choice("mass", tuple(MASSES)), _bath(table)
    cooperativity, theta_pi = table.number("cooperativity"), table.number("theta_pi")
    light = {key: table.number(key, 0.0) for key in ("loss_before", "path_phase_pi", "tap")}
    return table.made(
        lambda: Node.from_cooperativity(
            cooperativity,
            name=name,
            # mypy does not see that the choice is one of them
            mass=mass,  # type: ignore[arg-type]
            theta_pi=theta_pi,
            bath=bath,
            **light,
        )
    )


def _bath(table: TomlTable) -> Bath:
    """One of the paper's baths by its name, or a table of linewidth_hz and occupation."""
    if not table.has("bath"):
        raise table.wrong("bath is missing")
    given = table.content["bath"]
    if isinstance(given, Mapping):
        numbers = table.table("bath", ("linewidth_hz", "occupation"))
        linewidth, occupation = numbers.number("linewidth_hz"), numbers.number("occupation")
        return numbers.made(lambda: Bath(linewidth_hz=linewidth, occupation=occupation))
    if not isinstance(given, str) or given not in BATHS:
        names = ", ".join(BATHS)
        raise table.wrong(f"bath must be one of {names}, or {{ linewidth_hz = …, occupation = … }}, got {given!r}")
    return Bath.named(given)
