"""The options of the command line, and the physical objects they describe."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np
from numpy.typing import NDArray

from cascade_steering.analysis.cli.options import readers
from cascade_steering.sim.gaussian.covariance import stationary_state
from cascade_steering.sim.initial_state import InitialState, coherent_state, ground_state, squeezed_state, thermal_state
from cascade_steering.sim.model.cascade import lab, rwa
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Drive, unlit
from cascade_steering.sim.parameters import BATHS, DETECTION_SCHEMES, MOST, Bath, Cascade, Detection, Oscillator

if TYPE_CHECKING:
    from cascade_steering.analysis.working_points.optimum import Search
    from cascade_steering.sim.ensemble.simulate import Method

FloatArray = NDArray[np.float64]
_QUTIP_CUTOFFS = (10, 10)


# under which the texts of options are kept in a click context, by name
GIVEN = "analysis.cli.options.physics.given"
# the options that describe an experiment, which the files of a run and of a record may say as well
EXPERIMENT = (
    "c-minus", "c-plus", "theta-minus", "theta-plus", "bath-minus", "bath-plus", "loss", "path-phase", "frequency",
    "lo-phase", "efficiency", "scheme", "initial",
)  # fmt: skip
FILE = click.Path(dir_okay=False, path_type=Path)


class Text(click.ParamType[Any]):
    """An option read by a function that raises ValueError for what it cannot read."""

    def __init__(self, name: str, read: Callable[[str], Any]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The value, from text or from what a configuration file holds."""
        if isinstance(value, bool):
            self.fail(f"{value!r} is not a {self.name}", param, ctx)
        if isinstance(value, (list, tuple)):
            value = ",".join(str(item) for item in value)
        if not isinstance(value, (str, int, float)):
            self.fail(f"{value!r} is not a {self.name}", param, ctx)
        try:
            found = self._read(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if ctx is not None and param is not None:
            ctx.meta.setdefault(GIVEN, {})[param.name] = _canonical(str(value))
        return found


def _canonical(text: str) -> str:
    """The same text for the same numbers: 5, 5.0 and 5e0 are one."""

    def one(part: str) -> str:
        try:
            return repr(float(part))
        except ValueError:
            return part.strip()

    return "".join(part if part in {",", ":"} else one(part) for part in re.split("([,:])", text))


BATH = Text("bath", readers.bath)
CUTOFFS = Text("cutoff", readers.cutoffs)
DURATION = Text("duration", readers.duration)
HERTZ = Text("frequency", readers.frequency)
INITIAL = Text("state", readers.start)
LO_PHASE = Text("phase", readers.lo_phase)
NUMBER = Text("number", readers.number)
NUMBERS = Text("numbers", readers.numbers)
TIMES = Text("start:stop:count", readers.times)

CommandFunction = Callable[..., Any]


def options(*group: Callable[[CommandFunction], CommandFunction]) -> Callable[[CommandFunction], CommandFunction]:
    """Several click options as one decorator, in the order given."""

    def decorate(command: CommandFunction) -> CommandFunction:
        for option in reversed(group):
            command = option(command)
        return command

    return decorate


def baths(plus_default: str | None = "hot") -> Callable[[CommandFunction], CommandFunction]:
    """The baths of both oscillators."""
    meaning = "hot (0.1 Hz, 1e5), vacuum (20 kHz, 0) or LINEWIDTH_HZ,OCCUPATION; linewidth = gamma_0/2pi"
    return options(
        click.option("--bath-minus", type=BATH, default="hot", show_default=True, help=f"Bath of -: {meaning}."),
        click.option(
            "--bath-plus", type=BATH, default=plus_default, show_default=plus_default or "hot and vacuum in turn",
            help="Bath of +, likewise.",
        ),
    )  # fmt: skip


PATH = options(
    click.option("--loss", type=NUMBER, default=0.0, show_default=True, help="Power loss between - and +, 0 to 1."),
    click.option("--path-phase", type=NUMBER, default=0.0, show_default=True, help="Phase of the path, units of pi."),
)

CASCADE = options(
    click.option("--c-minus", type=NUMBER, default=50.0, show_default=True, help="Cooperativity of -."),
    click.option("--c-plus", type=NUMBER, default=50.0, show_default=True, help="Cooperativity of +."),
    click.option("--theta-minus", type=NUMBER, default=0.35, show_default=True, help="Angle of -, units of pi."),
    click.option("--theta-plus", type=NUMBER, default=0.4, show_default=True, help="Angle of +, units of pi."),
    baths(),
    PATH,
)

FREQUENCY = click.option(
    "--frequency", type=HERTZ, default=None, show_default="rotating-wave model",
    help="Omega/2pi in Hz, or one for - and one for +: the lab-frame model, without the rotating-wave approximation.",
)  # fmt: skip
EFFICIENCY = click.option("--efficiency", type=NUMBER, default=1.0, show_default=True, help="Of detection, 0 to 1.")
BEST_LO_PHASE = click.option(
    "--lo-phase",
    type=LO_PHASE,
    default=readers.BEST,
    show_default=True,
    help="Local-oscillator phase of the conditional scheme, units of pi, or best.",
)
SCHEME = click.option(
    "--scheme",
    type=click.Choice(DETECTION_SCHEMES),
    default=DETECTION_SCHEMES[0],
    show_default=True,
    help="How the light is measured.",
)
DETECTION = options(
    click.option(
        "--lo-phase", type=NUMBER, default=0.5, show_default=True, help="Local-oscillator phase, units of pi."
    ),
    EFFICIENCY,
    SCHEME,
)


def cascade(values: dict[str, Any]) -> Cascade:
    """The stable cascade the options describe. Raises ValueError naming what is wrong."""
    result = Cascade(
        minus=_oscillator(values, "minus"),
        plus=_oscillator(values, "plus"),
        loss=values["loss"],
        path_phase_pi=values["path_phase"],
    )
    result.require_stable()
    return result


def _oscillator(values: dict[str, Any], name: str) -> Oscillator:
    try:
        return Oscillator.from_cooperativity(
            values[f"c_{name}"], angle_pi=values[f"theta_{name}"], bath=values[f"bath_{name}"]
        )
    except ValueError as error:
        raise ValueError(f"oscillator {name}: {error}") from None


def detection(values: dict[str, Any]) -> Detection:
    """The detection the options describe."""
    return Detection(lo_phase_pi=values["lo_phase"], efficiency=values["efficiency"], scheme=values["scheme"])


def model(values: dict[str, Any], cascade: Cascade) -> LinearModel:
    """The model the options describe: in the lab frame where a frequency is given, else rotating."""
    if values["frequency"] is None:
        return rwa(cascade, detection(values))
    return lab(cascade, detection(values), values["frequency"])


def drive(values: dict[str, Any], cascade: Cascade) -> Drive:
    """The light the options describe: on from t = 0, for good or for a pulse."""
    lit = model(values, cascade)
    if values["pulse"] is None:
        return Drive(models=(lit,))
    duration = values["pulse"].of(cascade)
    if duration > MOST * cascade.time_unit:
        raise ValueError(
            f"pulse must be at most {MOST:g} times 1/gamma~_0, got {duration / cascade.time_unit:.4g} times"
        )
    return Drive.pulse(lit, model(values, unlit(cascade)), duration)


def searches(values: dict[str, Any]) -> dict[tuple[str, float], "Search"]:
    """One search for every bath of + and C₋."""
    plus = values["bath_plus"]
    by_name = {name: Bath.named(name) for name in BATHS} if plus is None else {_bath_name(plus): plus}
    return {
        (name, c_minus): search_at(values, c_minus, bath)
        for name, bath in by_name.items()
        for c_minus in values["c_minus"]
    }


def search_at(values: dict[str, Any], c_minus: float, bath_plus: Bath) -> "Search":
    """What the options ask to optimise, at one C₋ and bath of +."""
    from cascade_steering.analysis.working_points.optimum import Search

    further = {name: values[name] for name in ("scheme", "symmetric", "largest_ratio") if name in values}
    return Search(
        c_minus=c_minus,
        bath_minus=values["bath_minus"],
        bath_plus=bath_plus,
        loss=values["loss"],
        path_phase_pi=values["path_phase"],
        lo_phase_pi=values["lo_phase"],
        efficiency=values["efficiency"],
        **further,
    )


def _bath_name(bath: Bath) -> str:
    for name in BATHS:
        if bath == Bath.named(name):
            return name
    return f"{bath.linewidth_hz:g},{bath.occupation:g}"


def initial_state(start: readers.Start, cascade: Cascade, model: LinearModel) -> InitialState:
    """The state at t = 0."""
    values = start.numbers
    text = ", ".join(f"{value:g}" for value in values)
    if start.name == "stationary":
        return stationary_state(model)
    if start.name == "ground":
        return ground_state()
    if start.name == "squeezed":
        return replace(squeezed_state(values), name=f"squeezed({text})")
    if start.name == "coherent":
        amplitudes = (complex(*values[:2]), complex(*values[2:]))
        return replace(coherent_state(amplitudes), name=f"coherent({text})")
    if not values:
        return thermal_state((cascade.minus.bath.occupation, cascade.plus.bath.occupation))
    return thermal_state(values, name=f"thermal({text})")


CUTOFF = click.option(
    "--cutoff", type=CUTOFFS, default=None, show_default="auto for fock, 10 for qutip",
    help="Fock levels, N or N1,N2, or auto: as many as the expected state asks for.",
)  # fmt: skip
FRAME = click.option(
    "--frame", type=click.Choice(["squeezed", "moving", "rest"]), default="squeezed", show_default=True,
    help="Fock basis of fock: moving and squeezed with the state, moving, or at rest.",
)  # fmt: skip


_USED: dict[str, tuple[str, ...]] = {"gaussian": (), "fock": ("cutoff", "frame"), "qutip": ("cutoff", "qutip_method")}


def unused(engine: str) -> set[str]:
    """Which options an engine has no use for, of those that some engine has."""
    return {name for names in _USED.values() for name in names} - set(_USED[engine])


def method(values: dict[str, Any]) -> "Method":
    """The engine the options of the running command describe.

    Raises ValueError for a given option that the engine has no use for, rather than ignore it.
    """
    engine, cutoffs = values["engine"], values["cutoff"]
    context = click.get_current_context()
    for name in unused(engine):
        if name in values and context.get_parameter_source(name) is not click.core.ParameterSource.DEFAULT:
            raise ValueError(f"--{name.replace('_', '-')} has no meaning for --engine {engine}")
    if engine == "gaussian":
        from cascade_steering.sim.gaussian.trajectories import Gaussian

        return Gaussian()
    if engine == "fock":
        from cascade_steering.sim.fock.moving.engine import Fock

        return Fock(cutoffs=cutoffs, frame=values["frame"])
    from cascade_steering.sim.fock.qutip.qutip_sme import QutipSME

    return QutipSME(cutoffs=cutoffs or _QUTIP_CUTOFFS, method=values["qutip_method"])


OVER_TIME = options(
    click.option(
        "--times", type=TIMES, default="0:10:201", show_default=True, metavar="[log:]START:STOP:COUNT",
        help="COUNT times, evenly spaced; with log: in even ratios.",
    ),
    click.option(
        "--pulse", type=DURATION, default=None, show_default="on for good",
        help="How long the light is on from t = 0; then the baths act alone.",
    ),
)  # fmt: skip
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output, nothing else.")
QUIET = click.option("--quiet", is_flag=True, help="No progress bar.")
SEED = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the ensemble.")
