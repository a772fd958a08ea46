"""The engines of the command line. This is the only module in which they are distinguished by name.

An engine of your own is added by an entry, which has to be registered before the commands are loaded. This is a whole
program::

    from cascade_steering.analysis.cli import main
    from cascade_steering.analysis.cli.options.engines import Entry, register

    register(Entry(name="mine", settings=MySettings, build=my_engine, commands={"simulate": "what it is"}, ...))
    main()

``settings`` is a dataclass, and ``build`` makes an engine of it as ``sim.ensemble.contract`` defines it. For ``filter``
the engine also needs the members of ``Filtering``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Self, TypeVar

import click

from cascade_steering.analysis.cli.options.kinds import CUTOFFS, CommandFunction, options
from cascade_steering.analysis.cli.options.typed import made_of
from cascade_steering.sim.ensemble.contract import Method

_Settings = TypeVar("_Settings")
OptionDecorator = Callable[[CommandFunction], CommandFunction]
# the commands that take an engine; the default of each is the first engine registered for it
SIMULATE, COMPARE, FILTER = "simulate", "compare", "filter"


@dataclass(frozen=True, kw_only=True)
class Entry(Generic[_Settings]):
    """An engine as the command line knows it.

    Parameters
    ----------
    name : the value of ``--engine``
    commands : the commands that can use the engine, each with the text of its help about the engine
    settings : a dataclass; its fields are the parameters of the options in ``options``
    options : the options of the engine, by the name of the parameter; engines that share an option share the object
    build : makes the engine from its settings; the engine is imported only when this is called
    trajectories : default number of ``compare`` at each working point and scheme: some minutes of work
    initial : default state at t = 0 of ``simulate``
    counting : makes the engine for a model with photon counters from the same settings; None if there is none
    nonlinear : makes the engine for oscillators that are not linear from the same settings; None if there is none
    """

    name: str
    commands: Mapping[str, str]
    settings: type[_Settings]
    build: Callable[[_Settings], Method]
    options: Mapping[str, OptionDecorator] = field(default_factory=dict)
    trajectories: int = 10000
    initial: str = "stationary"
    counting: Callable[[_Settings], Method] | None = None
    nonlinear: Callable[[_Settings], Method] | None = None


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """The engine that was chosen: its entry and its settings."""

    entry: Entry[Any]
    settings: Any

    @classmethod
    def of_options(cls, values: Mapping[str, Any]) -> Self:
        """The engine and the settings in the options of the running command.

        Raises ValueError for an option that was given although this engine does not take it.
        """
        entry, context = _ENTRIES[values["engine"]], click.get_current_context()
        for name in unused_options(entry.name):
            if name in values and context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
                raise ValueError(f"--{name.replace('_', '-')} has no meaning for --engine {entry.name}")
        return cls(entry=entry, settings=made_of(entry.settings, values))

    @property
    def name(self) -> str:
        """The value of ``--engine``."""
        return self.entry.name

    def method(self) -> Method:
        """The engine itself. Raises ValueError for settings that it does not take."""
        found: Method = self.entry.build(self.settings)
        return found

    def counting_method(self) -> Method:
        """The engine for a model with photon counters. Raises ValueError if there is none."""
        if self.entry.counting is None:
            able = ", ".join(entry.name for entry in _ENTRIES.values() if entry.counting is not None)
            raise ValueError(f"--count has no meaning for --engine {self.name}: clicks need --engine {able}")
        found: Method = self.entry.counting(self.settings)
        return found

    def nonlinear_method(self, option: str) -> Method:
        """The engine for oscillators that ``option`` makes nonlinear. Raises ValueError if there is none."""
        if self.entry.nonlinear is None:
            able = ", ".join(entry.name for entry in _ENTRIES.values() if entry.nonlinear is not None)
            raise ValueError(f"{option} has no meaning for --engine {self.name}: it needs --engine {able}")
        found: Method = self.entry.nonlinear(self.settings)
        return found


_ENTRIES: dict[str, Entry[Any]] = {}
# commands whose options exist already: an engine registered later would not be among them
_OFFERED: set[str] = set()


def register(entry: Entry[Any]) -> None:
    """Add an engine to the command line.

    Raises ValueError for a name that is taken, and if a command that it is for has been loaded already.
    """
    if entry.name in _ENTRIES:
        raise ValueError(f"there is an engine {entry.name!r} already")
    late = sorted(_OFFERED & entry.commands.keys())
    if late:
        raise ValueError(f"engine {entry.name!r} must be registered before the command {late[0]!r} is loaded")
    _ENTRIES[entry.name] = entry


def engines_of(command: str) -> list[Entry[Any]]:
    """The engines that a command can use, in the order in which they were registered."""
    return [entry for entry in _ENTRIES.values() if command in entry.commands]


def unused_options(engine: str) -> set[str]:
    """The parameters that other engines take and this one does not."""
    return {name for entry in _ENTRIES.values() for name in entry.options} - _ENTRIES[engine].options.keys()


def engine_option(command: str) -> OptionDecorator:
    """The option ``--engine`` of a command."""
    _OFFERED.add(command)
    known = engines_of(command)
    return click.option(
        "--engine", type=click.Choice([entry.name for entry in known]), default=known[0].name, show_default=True,
        help="; ".join(f"{entry.name}: {entry.commands[command]}" for entry in known) + ".",
    )  # fmt: skip


def engine_settings(command: str) -> OptionDecorator:
    """The options of all engines that a command can use."""
    return options(*{name: option for entry in engines_of(command) for name, option in entry.options.items()}.values())


def by_engine(command: str, value: Callable[[Entry[Any]], object]) -> str:
    """The text of a default that depends on the engine: that of the first engine, and every different one."""
    first, *others = engines_of(command)
    different = (f"{value(entry)} for {entry.name}" for entry in others if value(entry) != value(first))
    return "; ".join([str(value(first)), *different])


# ---- the engines of this package -----------------------------------------------------------------------------------

_CUTOFF = click.option(
    "--cutoff", type=CUTOFFS, default=None, show_default="auto for fock, 10 for qutip",
    help="Fock levels, N or N1,N2, or auto: as many as the expected state needs.",
)  # fmt: skip
_FRAME = click.option(
    "--frame", type=click.Choice(["squeezed", "moving", "rest"]), default="squeezed", show_default=True,
    help="Fock basis of fock: moving and squeezed with the state, moving, or at rest.",
)  # fmt: skip
_QUTIP_METHOD = click.option(
    "--qutip-method", default="platen", show_default=True, help="Scheme of its smesolve."
)  # fmt: skip
_QUTIP_CUTOFFS = (10, 10)


@dataclass(frozen=True, kw_only=True)
class GaussianSettings:
    """The Gaussian engine has no settings."""


@dataclass(frozen=True, kw_only=True)
class FockSettings:
    """Levels of each oscillator, None for as many as the state needs; and the basis."""

    cutoff: tuple[int, int] | None
    frame: str


@dataclass(frozen=True, kw_only=True)
class QutipSettings:
    """Levels of each oscillator, None for ten; and QuTiP's name of the scheme."""

    cutoff: tuple[int, int] | None
    qutip_method: str


def _gaussian(_: GaussianSettings) -> Method:
    from cascade_steering.sim.gaussian.trajectories import Gaussian

    return Gaussian()


def _gaussian_approximation(_: GaussianSettings) -> Method:
    from cascade_steering.sim.gaussian.nonlinear.approximation import GaussianApproximation

    return GaussianApproximation()


def _fock(given: FockSettings) -> Method:
    from cascade_steering.sim.fock.moving.engine import Fock

    return Fock(cutoffs=given.cutoff, frame=given.frame)


def _fock_counting(given: FockSettings) -> Method:
    from cascade_steering.sim.fock.counting.counting_engine import FockCounting

    return FockCounting(cutoffs=given.cutoff, frame=given.frame)


def _qutip(given: QutipSettings) -> Method:
    from cascade_steering.sim.fock.qutip.qutip_sme import QutipSME

    return QutipSME(cutoffs=given.cutoff or _QUTIP_CUTOFFS, method=given.qutip_method)


register(
    Entry(
        name="gaussian",
        commands={SIMULATE: "exact moments", COMPARE: "exact moments", FILTER: "exact"},
        settings=GaussianSettings,
        build=_gaussian,
        nonlinear=_gaussian_approximation,
    )
)
register(
    Entry(
        name="fock",
        commands={
            SIMULATE: "the master equation in a Fock basis that moves with the state",
            COMPARE: "the master equation in a Fock basis that moves, about four minutes on two cores for six C-",
            FILTER: "the master equation, a step to an interval, if a Fock space holds the state",
        },
        settings=FockSettings,
        build=_fock,
        options={"cutoff": _CUTOFF, "frame": _FRAME},
        # the difference from Gaussian means on the same noise is sampled, which takes few
        trajectories=20,
        counting=_fock_counting,
        nonlinear=_fock_counting,
    )
)
register(
    Entry(
        name="qutip",
        commands={SIMULATE: "its smesolve in a Fock space at rest"},
        settings=QutipSettings,
        build=_qutip,
        nonlinear=_qutip,
        options={"cutoff": _CUTOFF, "qutip_method": _QUTIP_METHOD},
        # a basis at rest holds few other states
        initial="ground",
    )
)
