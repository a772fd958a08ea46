"""Options from a TOML file: by the same names, to the same values."""

import contextlib
import tempfile
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade_steering.analysis.cli.run import steering
from tests.analysis.cli.lines import SETTINGS, parameters


def parsed(command: str, content: str | bytes, *flags: str) -> dict[str, Any]:
    """The parameters of a command given a configuration file; nothing is run."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "given.toml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return parameters(command, "--config", str(path), *flags)


# explore reads such a file in its own way
CONFIGURED = [
    name
    for name, command in steering.commands.items()
    if name != "explore" and any("--config" in option.opts for option in command.params)
]


def named(command: str) -> list[str]:
    return [
        option.opts[0].removeprefix("--")
        for option in steering.commands[command].params
        if option.opts[0] not in ("--config", "--help") and not option.required
    ]


@pytest.mark.parametrize("underscores", [False, True])
@pytest.mark.parametrize("command", CONFIGURED)
def test_a_file_says_what_flags_say(command: str, underscores: bool) -> None:
    names = named(command)
    lines = [f"{name.replace('-', '_') if underscores else name} = {SETTINGS[name][0]}" for name in names]
    flags = [part for name in names for part in (f"--{name}", SETTINGS[name][1]) if part]
    from_flags = parameters(command, *flags)
    from_file = parsed(command, "\n".join(lines))
    # values of an axis are an array
    said, meant = ({name: repr(value) for name, value in each.items()} for each in (from_file, from_flags))
    assert said == meant
    # every option took its value from the file
    defaults = parameters(command)
    needed = {option.name for option in steering.commands[command].params if option.required}
    assert all(from_file[name] != defaults[name] for name in defaults.keys() - needed)


@pytest.mark.parametrize("command", CONFIGURED)
def test_flags_win_over_the_file(command: str) -> None:
    given_values = parsed(command, "loss = 0.5\nefficiency = 0.25", "--loss", "0.125")
    assert (given_values["loss"], given_values["efficiency"]) == (0.125, 0.25)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("cminus = 1", r"unknown option 'cminus'; known are bandwidth, bath-minus, bath-plus, c-minus"),
        ("as-json = true", r"unknown option 'as-json'"),
        ('config = "other.toml"', r"unknown option 'config'"),
        ("help = true", r"unknown option 'help'"),
        ("[steady]\nc-minus = 1", r"unknown option 'steady'"),
        ("trajectories = 10", r"unknown option 'trajectories'"),
        ("c-minus = ", r"given\.toml: Invalid value"),
        (b"\xff\xfe\0", r"given\.toml: has the mark of UTF-16, and is not text in UTF-16"),
        (b"c-minus = 1 \xfe\x80", r"given\.toml: neither netCDF nor text in UTF-8: byte 0xfe at position 12"),
        ("c-minus = 1\nc-minus = 2", r"given\.toml: Cannot overwrite a value"),
        ("c-minus = true", r"True is not a number"),
        ('c-minus = "ten"', r"expected one finite number, got 'ten'"),
        ("c-minus = [1, 2]", r"expected one finite number, got '1,2'"),
        ("c-minus = nan", r"expected one finite number, got 'nan'"),
        ("c-minus = {a = 1}", r"is not a number"),
        ("bath-plus = 5", r"bath must be hot, vacuum or LINEWIDTH_HZ,OCCUPATION, got '5'"),
        ("scheme = 3", r"scheme must be text in quotes, got 3"),
        ('json = "maybe"', r"json must be true or false, got 'maybe'"),
    ],
)
def test_bad_files_are_refused(content: str | bytes, message: str) -> None:
    with pytest.raises(click.UsageError, match=message):
        parsed("steady", content)


@pytest.mark.slow
@settings(max_examples=50)
@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_file_is_read_or_a_usage_error(content: str | bytes) -> None:
    if isinstance(content, str):
        content = content.encode(errors="surrogatepass")
    with contextlib.suppress(click.UsageError):
        parsed("steady", content)


@pytest.mark.parametrize(
    "content",
    ["trajectories = [10]", "jobs = {}", "seed = inf", "json = 1", "quiet = []", "out = 3", "out = true"],
)
def test_wrong_types_in_a_file_are_usage_errors(content: str) -> None:
    with pytest.raises(click.UsageError):
        parsed("simulate", content)


@pytest.mark.parametrize(
    "content",
    ["trajectories = 10.5", "jobs = 1.7", "saves = 3.9", "seed = true", "keep = true", "c-minus = 1\nc_minus = 2"],
)
def test_a_file_is_not_rounded_or_half_ignored(content: str) -> None:
    with pytest.raises(click.UsageError):
        parsed("simulate", content)
