"""The state of the page, and the query string of its link, which carries all of it.

?c-plus=60&theta-plus=0.41&initial=thermal      numbers that are not the defaults, by the names of the options
?preset=outlook-2019                            a setup that comes with the package
?setup=%5Bminus%5D...                           the text of a file of laboratory numbers
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Self, get_args
from urllib.parse import parse_qsl, urlencode, urlsplit

from cascade_steering.analysis.criteria.steering import SCHEMES, Scheme
from cascade_steering.analysis.laboratory.presets import preset_text
from cascade_steering.analysis.laboratory.setup import LaboratorySetup
from cascade_steering.analysis.laboratory.setup_file import setup_of
from cascade_steering.analysis.toml_files.toml_table import parsed_tables
from cascade_steering.analysis.working_points.regimes.regime_map import Plane
from cascade_steering.analysis.working_points.working_point import WorkingPoint
from cascade_steering.sim.parameters import DETECTION_SCHEMES, Bath, require

__all__ = ["CONFIGURED", "PAGE_PARAMETERS", "STARTS", "LaboratoryNumbers", "PageParameter", "PageState"]

# states at t = 0; the stationary one only where both oscillators are damped
STARTS = ("ground", "thermal", "conditional", "stationary")
_SEEDS = 2**31 - 1
_MOST_DURATION = 1e3


@dataclass(frozen=True, kw_only=True)
class PageParameter:
    """A number of the working point that has a slider.

    Parameters
    ----------
    name : of the field of ``WorkingPoint``
    option : of the command line, and of the link
    label : what the page calls it
    high : end of the slider, which begins at ``low``; a number that is typed may be beyond
    step : of the slider
    """

    name: str
    option: str
    label: str
    high: float
    step: float
    low: float = 0.0


PAGE_PARAMETERS = tuple(
    PageParameter(name=name, option=option, label=label, high=high, step=step)
    for name, option, label, high, step in (
        ("c_minus", "c-minus", "C₋, cooperativity of −", 200.0, 0.5),
        ("c_plus", "c-plus", "C₊, cooperativity of +", 200.0, 0.5),
        ("theta_minus_pi", "theta-minus", "θ₋/π, angle of −", 0.5, 0.005),
        ("theta_plus_pi", "theta-plus", "θ₊/π, angle of +", 0.5, 0.005),
        ("loss", "loss", "loss ε of the path", 1.0, 0.01),
        ("path_phase_pi", "path-phase", "phase φ/π of the path", 2.0, 0.01),
        ("efficiency", "efficiency", "efficiency η of the detection", 1.0, 0.01),
        ("lo_phase_pi", "lo-phase", "local-oscillator phase ϑ/π", 2.0, 0.01),
        ("squeezing_db", "squeezing", "squeezing of the input light, dB", 15.0, 0.1),
        ("squeezing_angle_pi", "squeezing-angle", "its angle ψ/π", 2.0, 0.01),
        ("squeezing_loss", "squeezing-loss", "its loss before −", 1.0, 0.01),
    )
)
_OF_THE_POINT = (*(each.option for each in PAGE_PARAMETERS), "bath-minus", "bath-plus", "scheme")
_OF_THE_LABORATORY = ("setup", "preset")
_OF_THE_VIEW = ("initial", "duration", "seed", "map", "shown")
# what has the name of an option of the commands
CONFIGURED = (*_OF_THE_POINT, "initial", "duration", "seed")


@dataclass(frozen=True, kw_only=True)
class LaboratoryNumbers:
    """The text of a setup file, and the name of the preset if it is one. Raises ValueError for a wrong entry."""

    text: str
    preset: str | None = None

    def __post_init__(self) -> None:
        # what is wrong is said here, not where it is first used
        _ = self.setup.point

    @property
    def name(self) -> str:
        """What messages call it."""
        return f"preset {self.preset}" if self.preset else "setup"

    @property
    def tables(self) -> dict[str, Any]:
        """The tables of the file."""
        return parsed_tables(self.text, self.name)

    @property
    def setup(self) -> LaboratorySetup:
        """The setup that the file describes."""
        return _setup(self)


@lru_cache(maxsize=64)
def _setup(numbers: LaboratoryNumbers) -> LaboratorySetup:
    return setup_of(numbers.tables, numbers.name)


@dataclass(frozen=True, kw_only=True)
class PageState:
    """All that the page shows follows from this.

    Parameters
    ----------
    point : the working point; of a laboratory the one by elimination
    laboratory : the numbers that the working point follows from, if it does
    initial : the state at t = 0 of E(t) and of the trajectory, one of ``STARTS``
    duration_units : how long they are followed, in units of 1/γ̃₀, above 0
    seed : of the trajectory, a whole number ≥ 0
    axes : of the map: both angles, or both cooperativities
    shown : what the map shows: E without the record, or given it

    Raises ValueError for a value out of its range.
    """

    point: WorkingPoint = field(default_factory=WorkingPoint)
    laboratory: LaboratoryNumbers | None = None
    initial: str = "ground"
    duration_units: float = 1.0
    seed: int = 0
    axes: Plane = "angles"
    shown: Scheme = "unconditional"

    def __post_init__(self) -> None:
        _require_one_of(self.initial, "initial", STARTS)
        _require_one_of(self.axes, "map", get_args(Plane))
        _require_one_of(self.shown, "shown", SCHEMES)
        require(self.duration_units, "duration", low=0.0, high=_MOST_DURATION, low_open=True)
        if not 0 <= self.seed <= _SEEDS:
            raise ValueError(f"seed must be a whole number from 0 to {_SEEDS}, got {self.seed}")

    @classmethod
    def of_link(cls, link: str) -> Self:
        """The state of a link, or of its query string alone. Raises ValueError as ``of_query`` does."""
        text = link.strip()
        return cls.of_query(urlsplit(text).query if "?" in text else text)

    @classmethod
    def of_query(cls, query: str) -> Self:
        """The state of a query string; what it does not name is as by default.

        Raises ValueError for a name that is unknown or given twice, for a value that cannot be read or is out of its
        range, and for a setup together with a number of the working point.
        """
        pairs = parse_qsl(query.removeprefix("?"), keep_blank_values=True)
        given = dict(pairs)
        for name, _ in pairs:
            if name not in (*_OF_THE_POINT, *_OF_THE_LABORATORY, *_OF_THE_VIEW):
                known = ", ".join((*_OF_THE_POINT, *_OF_THE_LABORATORY, *_OF_THE_VIEW))
                raise ValueError(f"a link has no {name!r}; known are {known}")
        if len(given) < len(pairs):
            twice = next(name for name in given if [each for each, _ in pairs].count(name) > 1)
            raise ValueError(f"a link has each name once, got {twice} twice")
        state = cls(**_view(given))
        own = [name for name in _OF_THE_LABORATORY if name in given]
        if not own:
            return replace(state, point=_point(given))
        if len(own) > 1 or any(name in _OF_THE_POINT for name in given):
            raise ValueError(f"a link has a {own[0]} or numbers of the working point, got both")
        return state.in_laboratory(preset=given["preset"]) if own == ["preset"] else state.in_laboratory(given["setup"])

    @classmethod
    def of_options(cls, given: Mapping[str, str]) -> Self:
        """The state of texts by names in ``CONFIGURED``. Raises ValueError for a value as ``of_query`` does."""
        return cls(**_view(given), point=_point(given))

    def in_laboratory(self, text: str | None = None, *, preset: str | None = None) -> Self:
        """The same view of a setup, of a text or a preset. Raises ValueError for a wrong entry or an unknown preset."""
        if preset is not None:
            text = preset_text(preset)
        numbers = LaboratoryNumbers(text=(text or "").strip().replace("\r\n", "\n") + "\n", preset=preset)
        return replace(self, laboratory=numbers, point=numbers.setup.point)

    def moved(self, **numbers: Any) -> Self:
        """The state with other numbers of the working point, which is then none of a laboratory."""
        return replace(self, point=replace(self.point, **numbers), laboratory=None)

    @property
    def query(self) -> str:
        """The query string; of numbers that are not the defaults."""
        default = PageState()
        named = {
            "initial": (self.initial, default.initial), "duration": (self.duration_units, default.duration_units),
            "seed": (self.seed, default.seed), "map": (self.axes, default.axes), "shown": (self.shown, default.shown),
        }  # fmt: skip
        view = {name: _text(value) for name, (value, usual) in named.items() if value != usual}
        if self.laboratory is None:
            return urlencode({**self.options, **view}, safe=",")
        preset = self.laboratory.preset
        return urlencode({**({"preset": preset} if preset else {"setup": self.laboratory.text}), **view})

    @property
    def options(self) -> dict[str, str]:
        """The options of the command line by which the working point differs from the default, without dashes."""
        default, point = WorkingPoint(), self.point
        numbers = {each.option: (getattr(point, each.name), getattr(default, each.name)) for each in PAGE_PARAMETERS}
        baths = {
            f"bath-{name}": (getattr(point.cascade, name).bath.text, getattr(default.cascade, name).bath.text)
            for name in ("minus", "plus")
        }
        named = {**numbers, **baths, "scheme": (point.scheme, default.scheme)}
        return {name: _text(value) for name, (value, usual) in named.items() if value != usual}


def _text(value: object) -> str:
    return value if isinstance(value, str) else repr(value)


def _number(given: Mapping[str, str], name: str) -> float:
    try:
        return float(given[name])
    except ValueError:
        raise ValueError(f"{name} must be a number, got {given[name]!r}") from None


def _point(given: Mapping[str, str]) -> WorkingPoint:
    values: dict[str, Any] = {
        each.name: _number(given, each.option) for each in PAGE_PARAMETERS if each.option in given
    }
    values |= {
        f"bath_{which}": Bath.of_text(given[f"bath-{which}"]) for which in ("minus", "plus") if f"bath-{which}" in given
    }
    if "scheme" in given:
        values["scheme"] = _require_one_of(given["scheme"], "scheme", DETECTION_SCHEMES)
    return WorkingPoint(**values)


def _view(given: Mapping[str, str]) -> dict[str, Any]:
    fields = {"initial": "initial", "map": "axes", "shown": "shown"}
    found: dict[str, Any] = {name: given[key] for key, name in fields.items() if key in given}
    if "duration" in given:
        found["duration_units"] = _number(given, "duration")
    if "seed" in given:
        try:
            found["seed"] = int(given["seed"])
        except ValueError:
            raise ValueError(f"seed must be a whole number from 0 to {_SEEDS}, got {given['seed']!r}") from None
    return found


def _require_one_of(value: str, name: str, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"{name} must be one of {', '.join(allowed)}, got {value!r}")
    return value
