"""Which column of a file is the time and which are the channels: by its heading, or as the caller says."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from cascade_steering.analysis.records.reading.layout import CHANNELS, CLOCK, FileLayout, arranged, shown

__all__ = ["Chosen", "Heading", "chosen", "columns_said", "heading"]

_HEADING = re.compile(r"([^\[\]()]*?) *(?:\[ *([^\[\]]*?) *\]|\( *([^()]*?) *\))?")
_MICRO = str.maketrans("µμ", "uu")
_SAID = re.compile(r"""\s*([A-Za-z_]+)\s*=\s*('[^']*'|"[^"]*"|[^,'"]+)\s*(?:,|$)""")
_MOST_NAMED = 12


@dataclass(frozen=True, kw_only=True)
class Heading:
    """The heading of a column: the whole of it, the name in it, and the unit, empty where there is none."""

    text: str
    name: str
    unit: str


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The columns of a record.

    Parameters
    ----------
    clock : number of the column of times, from 0; None in a file without times
    clock_unit : its unit
    channels : names of the channels, in the order of the file
    places, units : their columns, from 0, and their units
    aside : headings of the columns that are not read
    """

    clock: int | None
    clock_unit: str
    channels: tuple[str, ...]
    places: tuple[int, ...]
    units: tuple[str, ...]
    aside: tuple[str, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """What was left aside."""
        return (f"left aside: {_listed(self.aside)}",) if self.aside else ()


def heading(text: str) -> Heading | None:
    """The heading in a cell; None if it is none, as a number, or a text that does not print, is not."""
    plain = text.strip().translate(_MICRO)
    if len(plain) > 1 and plain[0] == plain[-1] and plain[0] in "\"'":
        plain = plain[1:-1].strip()
    found = _HEADING.fullmatch(plain)
    if found is None or not plain.isprintable() or _is_number(plain) or '"' in plain:
        return None
    return Heading(text=plain, name=found[1], unit=found[2] or found[3] or "")


def columns_said(text: str) -> dict[str, str]:
    """``time='Time (ms)',cosine='X (V)'`` as a table. Raises ValueError for text of another form."""
    found: dict[str, str] = {}
    place = 0
    while place < len(text):
        pair = _SAID.match(text, place)
        if pair is None or pair[1] in found:
            raise ValueError(f"columns must be as in time='Time (ms)',cosine='X (V)', each once, got {shown(text)}")
        found[pair[1]] = pair[2].strip().strip("'\"")
        place = pair.end()
    if not found or text.rstrip().endswith(","):
        raise ValueError(f"columns must be as in time='Time (ms)',cosine='X (V)', got {shown(text)}")
    return found


def chosen(headings: Sequence[Heading], said: FileLayout, where: str, example: str) -> Chosen:
    """The columns of a record among those of a file, ``where`` for messages, which show an ``example``.

    Raises ValueError for a column that is not there or is there twice, and for channels that are not those of a record.
    """
    columns = list(headings)
    places: dict[str, int] = {}
    for name, text in said.columns.items():
        place, unit = _named(columns, name, text, where)
        places[name] = place
        columns[place] = replace(columns[place], unit=unit)
    clocks = [] if CLOCK in places else _own(columns, CLOCK, places)
    if said.interval is not None and clocks:
        raise ValueError(
            f"{where}: there is a column {columns[clocks[0]].text!r}, and an interval is given for files without "
            f"times: leave the interval out"
        )
    if said.interval is None and CLOCK not in places:
        if len(clocks) != 1:
            raise ValueError(
                f"{where}: one column must be {CLOCK!r}, as in {example}, got {len(clocks)} in "
                f"{_listed([each.text for each in columns])}: say which it is (--columns {CLOCK}=NAME), or give the "
                f"length of the intervals (--interval)"
                + ("; what is above the headings is left out by --skip-rows" if where.startswith("line") else "")
            )
        places[CLOCK] = clocks[0]
    clock = places.pop(CLOCK, None)
    names = _channels(columns, places, clock, where)
    at = [places[name] for name in names]
    return Chosen(
        clock=clock,
        clock_unit="" if clock is None else columns[clock].unit,
        channels=names,
        places=tuple(at),
        units=tuple(columns[place].unit for place in at),
        aside=tuple(
            each.text or f"column {place + 1}"
            for place, each in enumerate(columns)
            if place != clock and place not in at
        ),
    )


def _channels(columns: list[Heading], places: dict[str, int], clock: int | None, where: str) -> tuple[str, ...]:
    """The names of the channels in the order of the file; their columns are put into ``places``."""
    found: list[str] = list(places)
    for name in dict.fromkeys(name for each in CHANNELS for name in each):
        if name not in places:
            own = [place for place in _own(columns, name, places) if place != clock]
            found += [name] * len(own)
            for place in own:
                places[name] = place
    try:
        arranged(found)
    except ValueError as error:
        seen = _listed([each.text for place, each in enumerate(columns) if place != clock])
        raise ValueError(
            f"{where}: {error}; the file has {seen}: say which is which (--columns cosine=NAME,sine=NAME)"
        ) from None
    return tuple(sorted(found, key=lambda name: places[name]))


def _own(columns: list[Heading], name: str, taken: dict[str, int]) -> list[int]:
    """The columns of that name that are not another's."""
    return [place for place, each in enumerate(columns) if each.name.casefold() == name and place not in taken.values()]


def _named(columns: list[Heading], name: str, text: str, where: str) -> tuple[int, str]:
    """The column that the caller means, and its unit."""
    wanted = heading(text)
    said = Heading(text=text.strip(), name=text.strip(), unit="") if wanted is None else wanted
    by_text = [place for place, each in enumerate(columns) if each.text == said.text]
    by_name = [place for place, each in enumerate(columns) if each.name == (said.text if not said.unit else said.name)]
    found = by_text or by_name
    number = re.fullmatch(r"(\d{1,6})(?: *\[ *([^\[\]]*?) *\])?", text.strip())
    unit = said.unit
    if not found and number is not None and 1 <= int(number[1]) <= len(columns):
        found, unit = [int(number[1]) - 1], number[2] or ""
    if len(found) != 1:
        seen = _listed([each.text for each in columns])
        raise ValueError(f"{where}: column {name!r} is said to be {text!r}, of which there are {len(found)} in {seen}")
    own = columns[found[0]].unit
    if unit and own and unit != own:
        raise ValueError(f"{where}: column {text!r} is said to be in {unit}, and is in {own}")
    return found[0], unit or own


def _is_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return (", ".join(map(shown, names[:_MOST_NAMED])) or "none") + more
