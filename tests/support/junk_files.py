"""Configurations, records and runs that are almost valid, or damaged."""

import json
import tomllib
from typing import Any

import click
from hypothesis import strategies as st

from cascade_steering.analysis.cli.run import steering
from tests.support.junk_lines import BATHS, JUNK, STARTS, TOY, values_of

SETUP = """c-minus = 5
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

_KEYS = st.sampled_from(
    [
        *("c-minus", "c_plus", "bath-minus", "bath-plus", "theta-minus", "loss", "efficiency", "lo-phase", "scheme"),
        *("frequency", "initial", "path-phase", "json", "out", "jobs", "config", "keep", "seed", "times", "parameters"),
        *(
            "calibration",
            "quantity",
            "dead-time",
            "demodulate",
            "detrend",
            "notch",
            "columns",
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
    | st.sampled_from([*BATHS, *STARTS])
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
    line = [command, "--json", "--config", "fuzzed.toml", *TOY.get(command, ())]
    line += {"filter": ["record.csv"], "fit": ["record.csv", "--parameters", "efficiency"]}.get(command, [])
    how = draw(st.sampled_from(["random", "valid and more", "cut"]))
    known = {option.opts[0].removeprefix("--") for option in steering.commands[command].params}
    setup = {key: value for key, value in tomllib.loads(SETUP).items() if key.replace("_", "-") in known}
    if how == "cut":
        return _damaged(draw, SETUP.encode()), tuple(line)
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
    """A record as text, with changed cells, rows or bytes."""
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
    """A file with bytes changed, added or removed."""
    return _damaged(draw, content)


RECORD_LINES = st.sampled_from(
    [
        ("filter", "fuzzed", "--jobs", "1", "--json"),
        ("filter", "fuzzed", "--jobs", "1", "--json", "--engine", "fock"),
        ("filter", "fuzzed", "--jobs", "1", "--json", "--dead-time", "1ms", "--calibration", "2"),
        ("filter", "fuzzed", "--jobs", "1", "--json", "--resample", "--calibration", "auto", "--detrend", "1"),
        ("filter", "fuzzed", "--jobs", "1", "--json", "--columns", "time='1 [s]',cosine=2,sine=3", "--skip-rows", "18"),
        ("filter", "fuzzed", "--jobs", "1", "--json", "--vacuum-record", "record.csv", "--notch", "100:20"),
        ("filter", "fuzzed", "--jobs", "1", "--json", "--frequency", "20", "--demodulate", "3"),
        ("fit", "fuzzed", "--json", "--parameters", "efficiency,calibration", "--out", "f.toml"),
    ]
)


@st.composite
def manifests(draw: st.DrawFn, content: dict[str, Any]) -> bytes:
    """A manifest in which an entry or some bytes are changed: its hash no longer matches."""
    how = draw(st.sampled_from(["entry", "inner", "gone", "bytes"]))
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
        inside = found[name]
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
