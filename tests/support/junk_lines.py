"""Command lines of known options, with valid and invalid values."""

import click
from hypothesis import strategies as st

from cascade_steering.analysis.cli.options.kinds import Text
from cascade_steering.analysis.cli.run import steering

# what every number may be and hardly any should
JUNK = (
    "", " ", "nan", "inf", "-inf", "1e308", "-1e308", "1e-308", "5e-324", "-0", "0", "1", "-1", "0.5", "1e400", "1e15",
    "1.0000000001e15", "1_000", "0x10", "١", "½", "∞", "1,2", "1;2", "1,2,3", ",", ":", "'1'", '"1"', "1" * 5000,
    "1e", "--1", "é", "\u202e1", "\n", "a\nb", "[1]", "true", "None", "1.0000000000000002", "best", "auto", "hot",
    "-" * 300, "2**3", "1e-12", "0.25", "0.24999999999999997", "0.49999999", "99999999999999999999",
)  # fmt: skip
_NUMBERS = (
    "0.3",
    "0.45",
    "1",
    "50",
    "0.9",
    "0",
    "1e15",
    "5e-324",
    "1e-300",
    "0.25",
    "0.250000001",
    "0.5",
    "1e6",
    "1e-9",
    "-1",
)
_COUNTS = ("0", "1", "2", "-1", "-2", "3", "1000000000", "1000000000000", "9" * 30, "1.0", "1e3", "2147483648")
_DURATIONS = (
    "0",
    "1",
    "0.1",
    "1us",
    "1 ms",
    "-1us",
    "1e300",
    "1e-300",
    "1e300s",
    "1e-300ns",
    "1h",
    "1e18ns",
    "5e-324s",
)
BATHS = (
    "hot",
    "vacuum",
    "1,0.1",
    "1e15,1e15",
    "1e-300,0",
    "5e-324,1",
    "0,1",
    "1,-1",
    "1e15,0",
    "1e-15,1e15",
    "1,1e300",
)
STARTS = (
    "stationary", "ground", "thermal", "0,0", "1,2", "1e300,0", "squeezed:1,2", "squeezed:400,1", "squeezed:-800,800",
    "coherent:1,2,3,4", "coherent:1e200,0,0,0", "coherent:1e308,1e308,0,0", "squeezed:", "squeezed:nan,1",
)  # fmt: skip
_TIMES = (
    "0:1:3", "0:1:1000000000", "0:1e300:3", "log:1:2:3", "log:5e-324:1e308:5", "0:1us:4", "1e308:1.1e308:2",
    "0:5e-324:2", "log:1:1e300:10000", "0:1:1", "0:1:02", "::", "0:0:5", "log:1:1.0000000000000002:10",
)  # fmt: skip
_PATHS = ("", ".", "..", "a.nc", "a.csv", "a.toml", "a.png", "a", "no/where.nc", "a\nb.nc", "é.nc", "x" * 300, "a.pdf",
          "record.csv", "record.nc", "setup.toml", "RUN", "/proc/x", "a.", ".nc", " ",
          "record.csv/x.nc")  # fmt: skip
_BY_NAME = {
    "jobs": ("1", "1", "0", "-2", "100000", "99999999999"),
    "parameters": ("c-minus", "efficiency,lo-phase", "calibration", "loss", "c_plus, theta-plus", "c-minus,c-minus",
                   "linewidth-minus,occupation-plus", "path-phase", ""),
    "target": ("d:0.1", "d:1e-300", "d:nan", "d:-1", "conditional:plus_given_minus:1e308", "unconditional:inf", "d::1",
               "d:plus_given_minus:0.5"),
    "part": ("1/1", "1/2", "2/1", "0/1", "999999/999999", "1/1000000", "1/"),
    "cutoff": ("auto", "2", "1", "3,4", "0", "-1", "101", "1e2", "2.5", "5"),
    "frequency": ("1e6", "1e-300", "1e300", "1e6,2e6", "0", "-1", "1,2,3", "1e12"),
    "cluster": ("", " ", "é", "1", "x:y"),
    "calibration": ("2", "auto", "cosine=1.1,sine=2", "cosine=1", "cosine=1,cosine=2", "homodyne=3", "=", "auto,1"),
    "columns": ("time=time", "cosine=sine,sine=cosine", "time='time [s]'", "cosine=1,sine=2,time=3", "time=nothing",
                "cosine=2,sine=2", "x=y", "time='", "time=1,time=2", "homodyne=cosine", "time='1 [ns]'"),
    "skip-rows": ("0", "1", "5", "20", "1000000", "-1"),
    "interval": ("1us", "1", "0s", "-1ms", "1e300s", "5e-324s", "1ns"),
    "vacuum-record": ("record.csv", "record.nc", "lab.csv", "no.csv", "setup.toml", ".", "classic.nc"),
    "detrend": ("0", "1", "2", "9", "10", "-1", "1000000"),
    "notch": ("50", "50:1", "50,100,150", "1e300", "0", "-1", "1:1e9", "1:1e300", "50:", ":", "1e-300", "100:0.1"),
    "demodulate": ("0", "-1", "1", "5", "1000000000000000000000", "7"),
    "qutip-method": ("euler", "platen", "magic", ""),
    "largest-ratio": ("1", "100", "1e300", "0"),
    "numbers": ("2", "8", "9", "x"),
    "save": ("purity", "quanta,purity", "covariances", "states", "final-states", "states,final-states", "purity,", ""),
}  # fmt: skip
# what makes the work of a command small; what comes later on the line is stronger
TOY: dict[str, tuple[str, ...]] = {
    "transient": ("--times", "0:1:5"),
    "simulate": ("--trajectories", "3", "--saves", "3", "--duration", "0.05", "--jobs", "1", "--quiet"),
    "compare": ("--trajectories", "2", "--jobs", "1"),
    "filter": ("--jobs", "1"),
    "resume": ("--jobs", "1"),
    "merge": ("--jobs", "1"),
    "figures": ("2",),
    "validate": ("--quiet",),
}
_ARGUMENTS = {
    "filter": ("record.csv", "record.nc", "lab.csv", "e.nc", "no.csv", ".", "setup.toml", "", "x" * 300,
               "RUN/ensemble.nc", "bare.csv"),
    "fit": ("record.csv", "record.nc", "lab.csv", "no.csv", ".", "setup.toml"),
    "resume": ("RUN", "PART", ".", "no", "record.csv", ""),
    "status": ("RUN", "PART", ".", "no", "record.csv", ""),
    "merge": ("INTO RUN", "INTO PART", "INTO PART RUN", "RUN RUN", "record.csv RUN", ". PART", "INTO", "INTO no"),
}  # fmt: skip


def values_of(option: click.Parameter) -> st.SearchStrategy[str]:
    """Values for an option: valid ones, ones at its limits, and junk."""
    kind, name = option.type, option.opts[0].removeprefix("--")
    fitting: tuple[str, ...]
    if name in _BY_NAME:
        fitting = _BY_NAME[name]
    elif isinstance(kind, click.Choice):
        fitting = (*kind.choices, *kind.choices, "HOMODYNE")
    elif isinstance(kind, click.types.IntParamType):
        fitting = _COUNTS
    elif isinstance(kind, click.Path):
        fitting = _PATHS
        return st.sampled_from(fitting)
    elif isinstance(kind, Text):
        fitting = {
            "bath": BATHS, "time": _DURATIONS, "state": STARTS, "start:stop:count": _TIMES
        }.get(kind.name, _NUMBERS)  # fmt: skip
        if name in ("duration", "dt", "pulse", "dead-time"):
            fitting = _DURATIONS
    else:
        fitting = JUNK
    return st.one_of(*[st.sampled_from(fitting)] * 11, st.sampled_from(JUNK))


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, ...]:
    """A command line: a command, its arguments, and up to four of its options with some value each."""
    # explore ends at Ctrl-C, and has tests of its own
    name = draw(st.sampled_from(sorted(steering.commands.keys() - {"explore"})))
    found: list[str] = [name, "--json", *TOY.get(name, ())]
    if name in _ARGUMENTS:
        found += draw(
            st.sampled_from(_ARGUMENTS[name] if draw(st.integers(0, 3)) == 0 else _ARGUMENTS[name][:1])
        ).split(" ")
    if name == "fit" and draw(st.integers(0, 9)):
        found += ["--parameters", draw(st.sampled_from(_BY_NAME["parameters"][:4]))]
    options = [each for each in steering.commands[name].params if isinstance(each, click.Option)]
    for option in draw(st.lists(st.sampled_from(options), max_size=4)):
        flag = draw(st.sampled_from([*option.opts, *option.secondary_opts]))
        if option.is_flag:
            found.append(flag)
        elif draw(st.integers(0, 3)) == 0:
            found.append(f"{flag}={draw(values_of(option))}")
        else:
            found += [flag, draw(values_of(option))]
    if draw(st.integers(0, 30)) == 0:
        found.insert(draw(st.integers(0, len(found))), draw(st.sampled_from(JUNK)))
    return tuple(found)


# what a file of options may hold, by TOML
