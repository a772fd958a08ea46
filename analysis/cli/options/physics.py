"""The options that describe an experiment, and the physical objects that are made of them."""

from collections.abc import Callable
from dataclasses import replace

import click

from cascade_steering.analysis.cli.options import readers
from cascade_steering.analysis.cli.options.kinds import (
    BATH,
    DURATION,
    HERTZ,
    LO_PHASE,
    NUMBER,
    NUMBERS,
    TIMES,
    CommandFunction,
    options,
)
from cascade_steering.analysis.working_points.working_point import WorkingPoint, named_state
from cascade_steering.sim.initial_state import InitialState, coherent_state, squeezed_state, thermal_state
from cascade_steering.sim.model.counters import Counter
from cascade_steering.sim.model.linear_model import LinearModel
from cascade_steering.sim.model.schedule import Schedule
from cascade_steering.sim.parameters import DETECTION_SCHEMES, MOST, Cascade

# the options that describe an experiment; the files of a run and of a record may contain them
COUNTING = ("count", "count-efficiency", "dark-rate", "count-sideband", "count-amplitude", "count-phase")
NONLINEAR = ("kerr-minus", "kerr-plus")
EXPERIMENT = (
    "c-minus", "c-plus", "theta-minus", "theta-plus", "bath-minus", "bath-plus", "loss", "path-phase", "squeezing",
    "squeezing-angle", "squeezing-loss", "frequency", "lo-phase", "efficiency", "scheme", "efficiency-orthogonal",
    "bandwidth", "dark-noise", "initial", "pulse", *COUNTING,
)  # fmt: skip


def baths(plus_default: str | None = "hot") -> Callable[[CommandFunction], CommandFunction]:
    """The baths of both oscillators."""
    meaning = "hot (0.1 Hz, 1e5), vacuum (20 kHz, 0) or LINEWIDTH_HZ,OCCUPATION; linewidth = gamma_0/2pi"
    return options(
        click.option("--bath-minus", type=BATH, default="hot", show_default=True, help=f"Bath of -: {meaning}."),
        click.option(
            "--bath-plus", type=BATH, default=plus_default, show_default=plus_default or "hot and vacuum in turn",
            help="Bath of +, in the same form.",
        ),
    )  # fmt: skip


PATH = options(
    click.option("--loss", type=NUMBER, default=0.0, show_default=True, help="Power loss between - and +, 0 to 1."),
    click.option(
        "--path-phase",
        "path_phase_pi",
        type=NUMBER,
        default=0.0,
        show_default=True,
        help="Phase of the path, units of pi.",
    ),
)

_SQUEEZING = click.option(
    "--squeezing", "squeezing_db", type=NUMBER, default=0.0, show_default=True,
    help="Squeezing of the light that arrives at -, in dB, 0 to 30.",
)  # fmt: skip
_SQUEEZING_LOSS = click.option(
    "--squeezing-loss", type=NUMBER, default=0.0, show_default=True,
    help="Power loss between the source of squeezed light and -, 0 to 1.",
)  # fmt: skip
# The angle has no effect at 0 dB, and is accepted there: a scan or a fit may begin at 0 dB.
SQUEEZED = options(
    _SQUEEZING,
    click.option(
        "--squeezing-angle", "squeezing_angle_pi", type=NUMBER, default=0.0, show_default=True,
        help="Angle of the squeezed light, units of pi; 0 squeezes the quadrature that is read at --lo-phase 0.5, "
        "1 that at --lo-phase 0. No effect at 0 dB.",
    ),
    _SQUEEZING_LOSS,
)  # fmt: skip
BEST_SQUEEZED = options(
    _SQUEEZING,
    click.option(
        "--squeezing-angle", "squeezing_angle_pi", type=LO_PHASE, default=readers.BEST, show_default=True,
        help="Angle of the squeezed light, units of pi, or best. No effect at 0 dB.",
    ),
    _SQUEEZING_LOSS,
)  # fmt: skip

CASCADE = options(
    click.option("--c-minus", type=NUMBER, default=50.0, show_default=True, help="Cooperativity of -."),
    click.option("--c-plus", type=NUMBER, default=50.0, show_default=True, help="Cooperativity of +."),
    click.option(
        "--theta-minus", "theta_minus_pi", type=NUMBER, default=0.35, show_default=True, help="Angle of -, units of pi."
    ),
    click.option(
        "--theta-plus", "theta_plus_pi", type=NUMBER, default=0.4, show_default=True, help="Angle of +, units of pi."
    ),
    baths(),
    PATH,
    SQUEEZED,
)

FREQUENCY = click.option(
    "--frequency", "frequency_hz", type=HERTZ, default=None, show_default="rotating-wave model",
    help="Omega/2pi in Hz, or one for - and one for +: the lab-frame model, without the rotating-wave approximation.",
)  # fmt: skip
EFFICIENCY = click.option(
    "--efficiency", type=NUMBER, default=1.0, show_default=True, help="Efficiency of the detection, 0 to 1."
)
SCHEME = click.option(
    "--scheme", type=click.Choice(DETECTION_SCHEMES), default=DETECTION_SCHEMES[0], show_default=True,
    help="How the light is measured.",
)  # fmt: skip
DETECTION = options(
    click.option(
        "--lo-phase",
        "lo_phase_pi",
        type=NUMBER,
        default=0.5,
        show_default=True,
        help="Local-oscillator phase, units of pi.",
    ),
    EFFICIENCY,
    SCHEME,
)


ELECTRONICS = options(
    click.option(
        "--efficiency-orthogonal", type=NUMBER, default=None, show_default="--efficiency",
        help="Efficiency of the second heterodyne detector, at the phase + pi/2.",
    ),
    click.option(
        "--bandwidth", "bandwidth_hz", type=NUMBERS, default=None, metavar="HZ[,HZ...]", show_default="none",
        help="Low-pass filters in series behind each detector, in the rotating wave behind the demodulation.",
    ),
    click.option(
        "--dark-noise", type=NUMBER, default=0.0, show_default=True,
        help="Power of the noise of the electronics, after these filters, over that of shot noise.",
    ),
)  # fmt: skip


WORKING_POINT = options(CASCADE, FREQUENCY, DETECTION, ELECTRONICS)


def named_numbers(point: WorkingPoint) -> dict[str, float]:
    """Numbers of a working point by the names of their options: those of the pair, the path and the detector."""
    return {
        "c-minus": point.c_minus,
        "c-plus": point.c_plus,
        "theta-minus": point.theta_minus_pi,
        "theta-plus": point.theta_plus_pi,
        "loss": point.loss,
        "path-phase": point.path_phase_pi,
        "lo-phase": point.lo_phase_pi,
        "efficiency": point.efficiency,
    }


def schedule(
    point: WorkingPoint, pulse: readers.Duration | None, counter: Counter | None = None
) -> LinearModel | Schedule:
    """The model of light that is on from t = 0 for ever, or the schedule of a pulse; with a counter if there is one.

    Raises ValueError for a pulse that is too long for the numerics.
    """
    lit = point.cascade
    if pulse is None:
        return point.schedule(counter=counter)
    duration = pulse.of(lit)
    if duration > MOST * lit.time_unit:
        raise ValueError(f"pulse must be at most {MOST:g} times 1/gamma~_0, got {duration / lit.time_unit:.4g} times")
    return point.schedule(pulse_s=duration, counter=counter)


def initial_state(start: readers.Start, cascade: Cascade, model: LinearModel | Schedule) -> InitialState:
    """The state at t = 0; the stationary and the conditional one are those of light that is always on.

    Raises ValueError for a stationary state at a point without damping, and for a conditional one where the record does
    not show a motion that grows.
    """
    values = start.numbers
    text = ", ".join(f"{value:g}" for value in values)
    if start.name == "squeezed":
        return replace(squeezed_state(values), name=f"squeezed({text})")
    if start.name == "coherent":
        amplitudes = (complex(*values[:2]), complex(*values[2:]))
        return replace(coherent_state(amplitudes), name=f"coherent({text})")
    if values:
        return thermal_state(values, name=f"thermal({text})")
    return named_state(start.name, cascade, model)


PULSE = click.option(
    "--pulse", type=DURATION, default=None, show_default="always on",
    help="Time for which the light is on from t = 0 (for a record: from its start); then the baths act alone.",
)  # fmt: skip
MOST_QUANTA = click.option(
    "--most-quanta", type=NUMBER, default=None, show_default="as many as can be computed",
    help="Refuse a run in which an oscillator has more quanta than that, where its coupling is no longer linear.",
)  # fmt: skip
OVER_TIME = options(
    click.option(
        "--times", type=TIMES, default="0:10:201", show_default=True, metavar="[log:]START:STOP:COUNT",
        help="COUNT times, evenly spaced; with log: on a logarithmic scale.",
    ),
    PULSE,
    MOST_QUANTA,
)  # fmt: skip
JSON = click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output, nothing else.")
QUIET = click.option("--quiet", is_flag=True, help="No progress bar.")
SEED = click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the ensemble.")
