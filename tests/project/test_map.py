"""The map of the rooms of analysis, and the page for contributors: what they name is there, and is as they say."""

import importlib
import pkgutil
import re
from pathlib import Path
from typing import Any

import pytest

import cascade_steering as cs
from cascade_steering.analysis.cli.run import steering as commands

ROOT = Path(__file__).parents[2]
MAP = (ROOT / "analysis" / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "scripts" / "CONTRIBUTING.md").read_text(encoding="utf-8")
NAMES = sorted(set(re.findall(r"`(analysis(?:\.\w+)+)`", MAP)))
PUBLIC = sorted(set(re.findall(r"\*\*`(analysis(?:\.\w+)+)`\*\*", MAP)))
FILES = sorted(set(re.findall(r"`((?:sim|analysis|tests|scripts)/[\w/.-]+)`", MAP + CONTRIBUTING)))


def found(name: str) -> Any:
    """What a dotted name under ``cascade_steering`` stands for; raises ImportError or AttributeError without one."""
    parts = f"cascade_steering.{name}".split(".")
    for length in range(len(parts), 0, -1):
        try:
            here: Any = importlib.import_module(".".join(parts[:length]))
        except ModuleNotFoundError:
            continue
        for part in parts[length:]:
            here = getattr(here, part)
        return here
    raise ImportError(name)


def test_names_on_the_map_exist() -> None:
    assert [name for name in NAMES if found(name) is None] == []


def test_a_name_that_does_not_exist_is_found_out() -> None:
    with pytest.raises(AttributeError):
        found("analysis.criteria.steering.steering_parametre")


def test_what_is_said_to_be_public_is() -> None:
    assert [name for name in PUBLIC if getattr(cs, name.rpartition(".")[2]) is not found(name)] == []


def test_every_room_is_on_the_map() -> None:
    rooms = {each.name for each in pkgutil.iter_modules([str(ROOT / "analysis")]) if each.ispkg}
    # the folder of the package over both
    rooms -= {"cascade_steering"}
    assert rooms == {room for room in rooms if re.search(rf"`(?:analysis\.)?{room}`", MAP)}
    assert len(rooms) > 8


def test_every_command_is_on_the_map() -> None:
    named = set(re.findall(r"`steering (\w+)", MAP))
    # of runs that last, which answer no question of their own
    assert set(commands.commands) - named == {"resume", "status", "merge"}


def test_files_on_the_pages_exist() -> None:
    assert [path for path in FILES if not (ROOT / path).exists()] == []
