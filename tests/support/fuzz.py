"""Junk for the command line, and what may become of it. A little in ``tests/project/test_fuzz.py``, more in
scripts/test-long:

    python -m tests.support.fuzz lines|documents|csv|netcdf|runs COUNT [SEED]

Whatever it is given, a command ends within seconds of processor time with exit status 0, 1 or 2. Where that is 0,
standard output is one JSON object of finite numbers; else there is nothing on it, and one line on standard error that
says what is wrong.
"""

import contextlib
import hashlib
import io
import json
import math
import resource
import shutil
import signal
import sys
import tempfile
import time
import tomllib
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import click
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from cascade_steering.analysis import cli
from cascade_steering.analysis.cli.options.kinds import Text
from cascade_steering.analysis.cli.run import steering
from cascade_steering.analysis.working_points import appendix_b_curve
from cascade_steering.sim.runs.manifest import NAME

SECONDS, GIGABYTES = 20.0, 4
# what none of its users can do anything with
_INTERNAL = (
    " encountered in ",
    "Traceback",
    "out of memory",
    "cannot convert",
    "too big to convert",
    "division",
    "math range",
    "broadcast",
    "NoneType",
)
_HINT = "steering: what is done is kept; go on with: steering resume "


class TooLongError(BaseException):
    """A command did not end in time."""


@dataclass(frozen=True)
class Outcome:
    """What a command did; ``raised`` is the traceback of what it let through, empty for what it may."""

    arguments: tuple[str, ...]
    code: int
    out: str
    err: str
    raised: str
    seconds: float

    @property
    def wrong(self) -> str:
        """What is not as it has to be; empty if all is."""
        if self.raised:
            return self.raised
        if self.code not in (0, 1, 2):
            return f"exit status {self.code}"
        lines = self.err.splitlines()
        errors = [line for line in lines if line.startswith("steering: error: ")]
        rest = [line for line in lines if line not in errors and not line.startswith(("steering: warning: ", _HINT))]
        if rest or len(errors) != (self.code != 0):
            return f"standard error: {lines}"
        if any(word in line for word in _INTERNAL for line in lines):
            return f"not for its users: {lines}"
        if self.code:
            return f"standard output: {self.out}" if self.out else ""
        try:
            found = json.loads(self.out, parse_constant=_refuse)
        except ValueError as error:
            return f"standard output: {error}"
        return "" if isinstance(found, dict) and self.out.count("\n") == 1 else "standard output is not one object"


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def outcome(*arguments: str, seconds: float = SECONDS) -> Outcome:
    """The command in this process, under limits of processor time and memory, its streams caught."""
    out, err, code, raised = io.StringIO(), io.StringIO(), 0, ""
    began = time.process_time()
    with (
        mock.patch.object(sys, "argv", ["steering", *arguments]),
        warnings.catch_warnings(),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        _limited(seconds),
    ):
        warnings.simplefilter("default")
        try:
            cli.main()
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else 99
        except TooLongError:
            raised = f"not done after {seconds} s of processor time"
        except BaseException:
            raised = traceback.format_exc()
    took = time.process_time() - began
    return Outcome(arguments, code, out.getvalue(), err.getvalue(), raised, took)


@contextlib.contextmanager
def _limited(seconds: float) -> Iterator[None]:
    def end(*_: Any) -> None:
        raise TooLongError

    pages = int(Path("/proc/self/statm").read_text().split()[0])
    before, hard = resource.getrlimit(resource.RLIMIT_AS)
    # of the processor, whatever else the machine does
    handler = signal.signal(signal.SIGVTALRM, end)
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + GIGABYTES * 2**30, hard))
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    # compiled code sees no signal until it returns: the kernel ends the process
    used, longest = math.ceil(time.process_time() + 3 * seconds), resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (used, longest[1]))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0.0)
        resource.setrlimit(resource.RLIMIT_CPU, longest)
        resource.setrlimit(resource.RLIMIT_AS, (before, hard))
        signal.signal(signal.SIGVTALRM, handler)


_SETUP = """c-minus = 5
c_plus = 5.0
bath-minus = [1, 0.5]
bath-plus = "1,0.5"
theta-minus = 0.4
theta-plus = 0.45
loss = 0.1
efficiency = 0.9
scheme = "homodyne"
initial = "ground"
lo-phase = 0.3
"""
_SMALL = ("--config", "setup.toml", "--duration", "0.5", "--jobs", "1", "--quiet", "--json")
_FILES = (
    ("--keep", "1", "--saves", "60", "--trajectories", "2", "--save-records", "record.csv"),
    ("--keep", "3", "--saves", "60", "--trajectories", "3", "--save-records", "record.nc", "--out", "e.nc"),
    ("--keep", "1", "--saves", "60", "--trajectories", "2", "--save-records", "lab.csv", "--frequency", "20"),
    ("--keep", "2", "--saves", "3", "--trajectories", "3", "--out", "RUN", "--verify", "--trajectories", "20"),
    ("--saves", "2", "--trajectories", "4001", "--out", "PART", "--part", "1/2"),
)


def _begun(*_: Any, **__: Any) -> None:
    raise ValueError("work begins")


@contextlib.contextmanager
def toys() -> Iterator[Path]:
    """A directory with records, a configuration and runs, to be copied; what takes minutes does nothing."""
    from cascade_steering.analysis.paper import claims, validation
    from cascade_steering.analysis.paper.figures import data
    from cascade_steering.analysis.working_points import optimum, rotating_wave_validity

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        with contextlib.chdir(folder):
            Path("setup.toml").write_text(_SETUP, encoding="utf-8")
            for options in _FILES:
                found = outcome("simulate", *_SMALL, *options)
                assert found.code == 0, found
            netcdf = _classic(Path("record.nc"))
            Path("classic.nc").write_bytes(netcdf)
        for module, name in ((appendix_b_curve, "study"), (optimum, "best_points"), (rotating_wave_validity, "survey")):
            stack.enter_context(mock.patch.object(module, name, _begun))
        stack.enter_context(mock.patch.object(data, "DATA", dict.fromkeys(data.DATA, _begun)))
        stack.enter_context(mock.patch.object(validation, "SUITES", ()))
        stack.enter_context(mock.patch.object(claims, "CLAIMS", ()))
        yield Path(folder)


def _classic(path: Path) -> bytes:
    """The same file in the classic format: what the C library does with a damaged HDF5 file is not ours to test."""
    import xarray as xr

    with xr.open_dataset(path, decode_times=False) as file:
        file.load().to_netcdf(path.with_name("classic.nc"), format="NETCDF3_CLASSIC")
    return path.with_name("classic.nc").read_bytes()


@contextlib.contextmanager
def copied(template: Path) -> Iterator[Path]:
    """A copy of a directory to work in."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(template, folder, dirs_exist_ok=True)
        with contextlib.chdir(folder):
            yield Path(folder)


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
_BATHS = (
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
_STARTS = (
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
    "demodulate": ("0", "-1", "1", "5", "1000000000000000000000", "7"),
    "qutip-method": ("euler", "platen", "magic", ""),
    "largest-ratio": ("1", "100", "1e300", "0"),
    "numbers": ("2", "8", "9", "x"),
}  # fmt: skip
# what makes the work of a command small; what comes later on the line is stronger
_TOY: dict[str, tuple[str, ...]] = {
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
               "RUN/ensemble.nc"),
    "fit": ("record.csv", "record.nc", "lab.csv", "no.csv", ".", "setup.toml"),
    "resume": ("RUN", "PART", ".", "no", "record.csv", ""),
    "status": ("RUN", "PART", ".", "no", "record.csv", ""),
    "merge": ("INTO RUN", "INTO PART", "INTO PART RUN", "RUN RUN", "record.csv RUN", ". PART", "INTO", "INTO no"),
}  # fmt: skip


def values_of(option: click.Parameter) -> st.SearchStrategy[str]:
    """What an option may be given: what it takes, what lies at its edges, and junk."""
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
            "bath": _BATHS, "time": _DURATIONS, "state": _STARTS, "start:stop:count": _TIMES
        }.get(kind.name, _NUMBERS)  # fmt: skip
        if name in ("duration", "dt", "pulse", "dead-time"):
            fitting = _DURATIONS
    else:
        fitting = JUNK
    return st.one_of(*[st.sampled_from(fitting)] * 11, st.sampled_from(JUNK))


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, ...]:
    """A command line: a command, its arguments, and up to four of its options with some value each."""
    name = draw(st.sampled_from(sorted(steering.commands)))
    found: list[str] = [name, "--json", *_TOY.get(name, ())]
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
_KEYS = st.sampled_from(
    [
        *("c-minus", "c_plus", "bath-minus", "bath-plus", "theta-minus", "loss", "efficiency", "lo-phase", "scheme"),
        *("frequency", "initial", "path-phase", "json", "out", "jobs", "config", "keep", "seed", "times", "parameters"),
        *(
            "calibration",
            "quantity",
            "dead-time",
            "demodulate",
            "engine",
            "cutoff",
            "figure",
            "help",
            "record",
            "verify",
        ),
    ]
) | st.text(max_size=5)
_SCALARS = (
    st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(JUNK)
    | st.sampled_from([*_BATHS, *_STARTS])
    | st.dates()
    | st.times()
)
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=5,
)


def toml(value: object) -> str:
    """A value as TOML."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return json.dumps(value).replace("\x7f", "\\u007f")
    if isinstance(value, list):
        return f"[{', '.join(map(toml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{toml(key)} = {toml(item)}' for key, item in value.items())}}}"
    return str(value)


def _settings(draw: st.DrawFn, command: str) -> dict[str, Any]:
    """Some options of a command, with values of the kinds that a file may have for them."""
    options = [each for each in steering.commands[command].params if isinstance(each, click.Option)]
    content: dict[str, Any] = {}
    for option in draw(st.lists(st.sampled_from(options), max_size=3)):
        name = option.opts[0].removeprefix("--")
        value: Any = draw(values_of(option))
        if option.is_flag or isinstance(option.type, click.types.IntParamType):
            value = draw(st.booleans() | st.integers(0, 5))
        elif "," in value and draw(st.booleans()):
            value = value.split(",")
        if name not in ("config", "parameters", "jobs"):
            content[name] = value
    return content


@st.composite
def documents(draw: st.DrawFn) -> tuple[bytes, tuple[str, ...]]:
    """A file of options, and a command that takes it."""
    command = draw(st.sampled_from(["steady", "transient", "simulate", "filter", "fit", "compare", "optimum"]))
    line = [command, "--json", "--config", "fuzzed.toml", *_TOY.get(command, ())]
    line += {"filter": ["record.csv"], "fit": ["record.csv", "--parameters", "efficiency"]}.get(command, [])
    how = draw(st.sampled_from(["random", "valid and more", "cut"]))
    known = {option.opts[0].removeprefix("--") for option in steering.commands[command].params}
    setup = {key: value for key, value in tomllib.loads(_SETUP).items() if key.replace("_", "-") in known}
    if how == "cut":
        return _damaged(draw, _SETUP.encode()), tuple(line)
    content: dict[str, Any] = {} if how == "random" else setup
    if how == "random" or draw(st.booleans()):
        content |= draw(st.dictionaries(_KEYS, _VALUES, max_size=2))
    else:
        content |= _settings(draw, command)
    text = "\n".join(f"{toml(key)} = {toml(value)}" for key, value in content.items())
    return text.encode("utf-8", errors="surrogatepass"), tuple(line)


def _damaged(draw: st.DrawFn, content: bytes) -> bytes:
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(content)))
        skip = draw(st.sampled_from([0, 0, 1, 4, 10_000]))
        content = content[:at] + draw(st.binary(max_size=4)) + content[at + skip :]
    return content


_CELLS = st.floats(-0.3, 0.3).map(repr) | st.sampled_from(
    [*JUNK[:26], "#", "# a", "#: loss = 0.2", "#: loss = ", "\r", "\t", ";", "1e-3", "-1e-3", '"']
)


@st.composite
def texts(draw: st.DrawFn, content: str) -> bytes:
    """A record as text, with cells, rows or bytes that are others."""
    rows = [line.split(",") for line in content.splitlines()]
    for _ in range(draw(st.integers(1, 2))):
        row = draw(st.integers(0, len(rows) - 1))
        how = draw(st.sampled_from(["cell", "cell", "cell", "out", "twice", "swap", "junk", "scale", "option"]))
        if how == "cell":
            rows[row][draw(st.integers(0, len(rows[row]) - 1))] = draw(_CELLS)
        elif how == "out" and len(rows) > 2:
            del rows[row]
        elif how == "twice":
            rows.insert(row, list(rows[row]))
        elif how == "swap":
            rows[row], rows[-1] = rows[-1], rows[row]
        elif how == "junk":
            rows.insert(row, [draw(_CELLS)])
        elif how == "option":
            rows.insert(0, [f"#: {toml(draw(_KEYS))} = {toml(draw(_VALUES))}"])
        else:
            power = draw(st.sampled_from(["e-300", "e9", "e160", "e290", "e300"]))
            rows = [[cell + power if cell.replace(".", "").isdigit() else cell for cell in each] for each in rows]
    found = "\n".join(",".join(each) for each in rows).encode()
    return _damaged(draw, found) if draw(st.integers(0, 7)) == 0 else found


@st.composite
def bytes_of(draw: st.DrawFn, content: bytes) -> bytes:
    """A file with some bytes others, more or fewer."""
    return _damaged(draw, content)


RECORD_LINES = st.sampled_from(
    [
        ("filter", "fuzzed", "--jobs", "1", "--json"),
        ("filter", "fuzzed", "--jobs", "1", "--json", "--engine", "fock"),
        ("filter", "fuzzed", "--jobs", "1", "--json", "--dead-time", "1ms", "--calibration", "2"),
        ("filter", "fuzzed", "--jobs", "1", "--json", "--frequency", "20", "--demodulate", "3"),
        ("fit", "fuzzed", "--json", "--parameters", "efficiency,calibration", "--out", "f.toml"),
    ]
)


@st.composite
def manifests(draw: st.DrawFn, content: dict[str, Any]) -> bytes:
    """A manifest with an entry that is another, vouched for or not, or with bytes that are."""
    how = draw(st.sampled_from(["entry", "inner", "forged", "gone", "bytes"]))
    found = json.loads(json.dumps(content))
    if how == "bytes":
        return _damaged(draw, json.dumps(found).encode())
    name = draw(st.sampled_from(sorted(found)))
    plain = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text(max_size=6)
    value = draw(
        st.recursive(plain, lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(max_size=3), each))
    )
    if how == "gone":
        del found[name]
    elif how == "entry":
        found[name] = value
    else:
        inside = found["identity"] if how == "forged" else found[name]
        inside = inside["configuration"] if how == "forged" and draw(st.booleans()) else inside
        if isinstance(inside, dict):
            key = draw(
                st.sampled_from(sorted(inside) or ["a"])
                | st.text(max_size=4)
                | st.sampled_from(["part", "target", "command"])
            )
            inside[key] = (
                draw(st.sampled_from(["status", "resume", "figures", "999999/999999", "d:0.1"]))
                if draw(st.booleans())
                else value
            )
        if how == "forged":
            text = json.dumps(found["identity"], sort_keys=True)
            found["identity_sha256"] = hashlib.sha256(text.encode()).hexdigest()
    return json.dumps(found).encode()


RUN_LINES = st.sampled_from(
    [
        ("status", "RUN", "--json"),
        ("resume", "RUN", "--json", "--jobs", "1", "--quiet"),
        ("resume", "RUN", "--json", "--jobs", "1", "--trajectories", "21"),
        ("merge", "INTO", "RUN", "--json", "--jobs", "1"),
        ("merge", "INTO", "RUN", "PART", "--json", "--jobs", "1"),
    ]
)


def of_lines(template: Path, check: Callable[[Outcome], None]) -> Callable[..., None]:
    def test(line: tuple[str, ...]) -> None:
        with copied(template):
            check(outcome(*line))

    return given(line=lines())(test)


def of_documents(template: Path, check: Callable[[Outcome], None]) -> Callable[..., None]:
    def test(document: tuple[bytes, tuple[str, ...]]) -> None:
        with copied(template):
            Path("fuzzed.toml").write_bytes(document[0])
            found = outcome(*document[1])
            check(replace_arguments(found, document[0]))

    return given(document=documents())(test)


def replace_arguments(found: Outcome, content: bytes) -> Outcome:
    return replace(found, arguments=(*found.arguments, repr(content)))


def of_records(template: Path, check: Callable[[Outcome], None], kind: str) -> Callable[..., None]:
    strategy = (
        texts(template.joinpath("record.csv").read_text())
        if kind == "csv"
        else bytes_of(template.joinpath("classic.nc").read_bytes())
    )

    def test(content: bytes, line: tuple[str, ...]) -> None:
        with copied(template):
            Path("fuzzed").write_bytes(content)
            check(replace_arguments(outcome(*line), content[:4000]))

    return given(content=strategy, line=RECORD_LINES)(test)


def of_runs(template: Path, check: Callable[[Outcome], None]) -> Callable[..., None]:
    manifest = json.loads(template.joinpath("RUN", NAME).read_text())
    files = sorted(str(path.relative_to(template)) for path in template.joinpath("RUN").rglob("*.nc"))

    def test(data: st.DataObject) -> None:
        with copied(template):
            if data.draw(st.integers(0, 3)):
                content = data.draw(manifests(manifest))
                Path("RUN", NAME).write_bytes(content)
            else:
                path = Path(data.draw(st.sampled_from(files)))
                how = data.draw(st.sampled_from(["cut", "gone", "name", "directory", "other"]))
                content = f"{path} {how}".encode()
                if how == "cut":
                    path.write_bytes(data.draw(bytes_of(path.read_bytes())))
                elif how == "name":
                    path.rename(path.with_name(data.draw(st.sampled_from(["a.nc", "00-1-.nc", ".x.part", "0-0-0.nc"]))))
                elif how == "other":
                    shutil.copy("e.nc", path)
                else:
                    path.unlink()
                    if how == "directory":
                        path.mkdir()
            check(replace_arguments(outcome(*data.draw(RUN_LINES)), content))

    return given(data=st.data())(test)


def main(what: str, count: int, root: int) -> None:
    """So many examples, and what went wrong with them, like with like."""
    wrong: dict[str, list[Outcome]] = {}
    codes: Counter[tuple[str, int]] = Counter()
    failures: Counter[str] = Counter()
    slowest: list[tuple[float, tuple[str, ...]]] = []

    def tally(found: Outcome) -> None:
        command = found.arguments[0] if found.arguments else ""
        codes[command if command in steering.commands else "none", found.code] += 1
        slowest.append((found.seconds, found.arguments))
        slowest.sort(reverse=True)
        del slowest[8:]
        if found.code == 1:
            failures[found.err.splitlines()[-1][:150]] += 1
        if found.wrong:
            wrong.setdefault(found.wrong.strip()[-300:], []).append(found)

    with toys() as template:
        made = {
            "lines": lambda: of_lines(template, tally),
            "documents": lambda: of_documents(template, tally),
            "csv": lambda: of_records(template, tally, "csv"),
            "netcdf": lambda: of_records(template, tally, "netcdf"),
            "runs": lambda: of_runs(template, tally),
        }[what]()
        checks = list(HealthCheck)
        seed(root)(
            settings(
                max_examples=count, deadline=None, database=None, suppress_health_check=checks, phases=[Phase.generate]
            )(made)
        )()
    sys.stdout.write(f"{sum(codes.values())} examples of {what}: {dict(sorted(codes.items()))}\n")
    for seconds, arguments in slowest:
        sys.stdout.write(f"{seconds:.2f} s: {str(arguments)[:300]}\n")
    for message, number in failures.most_common():
        sys.stdout.write(f"{number} times: {message}\n")
    for reason, found in sorted(wrong.items(), key=lambda item: -len(item[1])):
        shortest = min(found, key=lambda each: len(str(each.arguments)))
        sys.stdout.write(f"\n== {len(found)} times: {reason}\n   {str(shortest.arguments)[:1500]}\n")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]) if len(sys.argv) > 3 else 0)
