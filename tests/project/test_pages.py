"""Every command that a page shows works, and prints what the page shows below it.

The options of each are parsed, and the quick ones are run as shown.
"""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from cascade_steering.analysis.cli.run import steering as commands
from tests.analysis.cli.command import Run
from tests.analysis.conftest import steering

ROOT = Path(__file__).parents[2]
BEYOND_STABILITY, MANY_CLIENTS = "analysis/paper/BEYOND_STABILITY.md", "analysis/networks/MANY_CLIENTS.md"
LABORATORY = "analysis/laboratory/LABORATORY.md"
AFTER_A_CLICK = "analysis/heralding/AFTER_A_CLICK.md"
PAGES = (
    "README.md", "analysis/README.md", BEYOND_STABILITY, MANY_CLIENTS, AFTER_A_CLICK, "analysis/nonlinear/NONLINEAR.md",
    "scripts/CONTRIBUTING.md", "scripts/RELEASING.md", "scripts/SLURM.md", "sim/README.md",
    "analysis/records/JUDGING.md", LABORATORY, "analysis/records/RECORDS.md", "analysis/results/PYTHON.md",
    "analysis/estimation/TRUST.md",
)  # fmt: skip
FENCES = re.compile(r"^ *```(\w*)\n(.*?)^ *```", flags=re.DOTALL | re.MULTILINE)
# what a batch system or a shell puts in the place of names
VARIABLES = {
    "$SLURM_CPUS_PER_TASK": "1", "$SLURM_ARRAY_TASK_ID": "1", "$SLURM_ARRAY_TASK_COUNT": "20", "$address": "local",
    "RUN-*": "RUN-1", "…": "",
}  # fmt: skip
PROGRAMS = {"steering", "bash", "pip"}
__all__ = ["steering"]


def joined(block: str) -> str:
    """The text with each command in one line."""
    return block.replace("\\\n", " ")


def lines(page: str) -> Iterator[str]:
    """The command lines of a page, each in one line, without comments."""
    text = (ROOT / page).read_text(encoding="utf-8")
    fenced = "\n".join(block for language, block in FENCES.findall(text) if language in ("", "bash"))
    fenced = joined(fenced)
    quoted = re.findall(r"`((?:steering|bash|pip) [^`\n]*)`", text)
    for line in [*map(str.strip, fenced.splitlines()), *quoted]:  # a block may be part of a list
        for name, value in VARIABLES.items():
            line = line.replace(name, value)
        words = shlex.split(line, comments=True) if line.split(" ")[0] in {*PROGRAMS, "exec"} else []
        if words[:1] == ["exec"]:
            del words[0]
        if words and words[0] in PROGRAMS:
            yield shlex.join(words)


def outputs(page: str) -> Iterator[tuple[str, list[str]]]:
    """Each command of a page with the lines of its output that the page shows in the block below it."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for block, printed in re.findall(r"^```\n(steering [^`]*)```\n\n```\n(│[^`]*)```$", text, flags=re.MULTILINE):
        yield shlex.join(shlex.split(joined(block), comments=True)), printed.splitlines()


OUTPUTS = {**dict(outputs(BEYOND_STABILITY)), **dict(outputs(MANY_CLIENTS))}
SHOWN = sorted({line for page in PAGES for line in lines(page)})
STEERING = [line for line in SHOWN if line.startswith("steering ")]
OTHERS = [line for line in SHOWN if line not in STEERING]
# what makes an environment first, or installs: and where it runs
KNOWN = {
    "bash scripts/demo": "steering compare, below",
    "bash .ci/run": "CI",
    "bash scripts/check-package --keep dist": "by hand before a version",
    "bash scripts/check-package python3.11 python3.12 python3.13": "by hand before a version",
    "bash scripts/docs": ".ci/run",
    "bash scripts/docs --check": ".ci/run",
    "bash scripts/test-long": "by hand before a version",
    "bash scripts/environment requirements-test.txt": "scripts/test",
    "bash scripts/test": "this",
    "bash scripts/test --fast": "scripts/check-bounds",
    "bash scripts/types": ".ci/run",
    "bash scripts/bench": "tests/project/test_bench.py",
    "bash scripts/bench --record FILE": "tests/project/test_bench.py",
    "pip install .": "scripts/check-bounds",
    "pip install '.[cluster]'": "scripts/check-bounds",
    "pip install '.[explore]'": "scripts/check-bounds",
    "pip install --require-hashes -r requirements.txt": "scripts/environment",
}
# what comes later on a line is stronger: the same commands at toy size, what they need being there
TOY = {
    "simulate": ("--trajectories", "10", "--duration", "0.02", "--saves", "2", "--jobs", "1", "--quiet"),
    "resume": ("--trajectories", "12", "--jobs", "1", "--quiet"),
    "merge": ("--jobs", "1",),
    "filter": ("--jobs", "1"),
    "compare": ("--trajectories", "2", "--jobs", "1", "--c-minus", "2", "--lo-phase", "0.5", "--quiet"),
    "figures": ("2", "--quiet"),
}  # fmt: skip
# minutes, or without an end, or workers on other machines: their options are read, and tests of their own run them
DEAR = {"compare", "figures", "validate", "fit", "explore"}
SETUP = "c-minus = 3\nc-plus = 4\nbath-minus = [1, 0.5]\nbath-plus = [1, 0.5]\ntheta-minus = 0.4\ntheta-plus = 0.45\n"


def test_the_pages_show_commands() -> None:
    assert len(STEERING) > 25
    assert {line.split()[1] for line in STEERING} - {"--help"} == set(commands.commands)
    assert {line for line in SHOWN if line.startswith("bash")} == {line for line in KNOWN if line.startswith("bash")}


@pytest.mark.parametrize("line", OTHERS)
def test_a_command_of_another_program_is_known(line: str) -> None:
    assert line in KNOWN
    if line.startswith("bash"):
        path = ROOT / line.split()[1]
        assert path.read_text(encoding="utf-8").startswith("#!/usr/bin/env bash")
        assert path.stat().st_mode & 0o111


def files_of_page() -> Iterator[tuple[str, str]]:
    """The files that the page of many clients shows, each with its name in the first line."""
    for language, block in FENCES.findall((ROOT / MANY_CLIENTS).read_text(encoding="utf-8")):
        if language == "toml":
            yield block.split("\n")[0].removeprefix("# "), block


@pytest.fixture
def prepared(steering: Run, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Runs the command in a directory with a setup, a record, and runs to continue or to merge."""
    # made for the first test, and copied for the others
    kept = tmp_path_factory.getbasetemp() / "prepared-for-pages"
    if not kept.exists():
        Path("setup.toml").write_text(SETUP, encoding="utf-8")
        page = (ROOT / LABORATORY).read_text(encoding="utf-8")
        (laboratory,) = (block for language, block in FENCES.findall(page) if language == "toml")
        for name in ("laboratory.toml", "mine.toml"):
            Path(name).write_text(laboratory, encoding="utf-8")
        for name, text in files_of_page():
            Path(name).write_text(text, encoding="utf-8")
        small = ("--config", "setup.toml", *TOY["simulate"])
        for more in (("--keep", "1", "--saves", "40", "--save-records", "record.csv"), ("--out", "DONE")):
            assert steering("simulate", *small, *more).code == 0
        Path("scope.txt").write_text(
            as_a_scope_writes(Path("record.csv").read_text(encoding="utf-8")), encoding="utf-8"
        )
        shutil.copy("record.csv", "vacuum.csv")
        shutil.copytree(Path.cwd(), kept)
    shutil.copytree(kept, Path.cwd(), dirs_exist_ok=True)
    return steering


def as_a_scope_writes(record: str) -> str:
    rows = [line.split(",") for line in record.splitlines() if line[0].isdigit()]
    text = "".join(f"{1e3 * float(end)!r}\t{x}\t{y}\n" for end, x, y in rows).replace(".", ",")
    return f"Scope 5; sample A\n2025-11-25\nTime (ms)\tX (V)\tY (V)\n{text}"


def agree(shown: str, printed: str) -> bool:
    """Whether the lines are equal, numbers up to two units of the last digit, where optima and rounding may differ."""
    pairs = list(zip(shown.split(), printed.split(), strict=False))
    return len(shown.split()) == len(printed.split()) and all(
        a == b or (digits(a) == digits(b) is not None and abs(float(a.strip("%")) - float(b.strip("%"))) <= digits(a))
        for a, b in pairs
    )


def digits(word: str) -> float | None:
    """Two units of the last digit of a number; None for another word."""
    found = re.fullmatch(r"[+-]?\d+(?:\.(\d+))?(?:e([+-]\d+))?%?", word)
    return None if found is None else 2.1 * 10.0 ** (int(found[2] or 0) - len(found[1] or ""))


def require_output(line: str, out: str) -> None:
    """Fail if a line that a page shows is not among those printed."""
    printed = out.splitlines()
    missing = [each for each in OUTPUTS[line] if not any(agree(each, other) for other in printed)]
    assert not missing, out


def parsed(name: str, arguments: list[str]) -> click.Context:
    """The options of a command, read below the group: a command keeps the names of the help option it first sees."""
    group = commands.make_context("steering", [name])
    return commands.commands[name].make_context(name, arguments, parent=group)


# more than two seconds
SLOW = ("--tolerances", "--optimum")


def marks(line: str) -> list[pytest.MarkDecorator]:
    """What a line costs: an animation is drawn in fifteen seconds, and has tests of its own."""
    if "--animate" in line:
        return [pytest.mark.long, pytest.mark.slow]
    return [pytest.mark.slow] * any(each in line for each in SLOW)


def test_the_pages_show_outputs() -> None:
    assert len(OUTPUTS) == 23
    assert set(OUTPUTS) <= set(STEERING)
    assert agree("│ E+|- │ 0.5 │ 1.2% │", "│ E+|-   │  0.5 │  1.3% │")
    assert not agree("│ E+|- │ 0.5 │ 1.2% │", "│ E+|-   │  0.5 │  1.5% │")
    assert not agree("│ E+|- │ 0.5 │", "│ E-|+ │ 0.5 │")
    assert not agree("│ 0.5 │", "│ 0.50 │")


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in OUTPUTS if line.split()[1] in TOY])
def test_a_command_that_is_shortened_below_prints_what_its_page_shows(steering: Run, line: str) -> None:
    require_output(line, steering(*shlex.split(line)[1:], "--jobs", "1", "--quiet").out)


@pytest.mark.few(30)
@pytest.mark.parametrize("line", [pytest.param(line, marks=marks(line)) for line in STEERING])
def test_a_command_runs_as_shown(prepared: Run, line: str) -> None:
    name, *arguments = shlex.split(line)[1:]
    subject = commands.commands.get(name)
    wanted = [each for each in subject.params if each.required] if subject else []
    if wanted and not arguments:
        # a row of the table names the command alone
        return
    if name in ("resume", "status", "merge"):
        Path("DONE").rename("RUN-1" if name == "merge" else "RUN")
    if "--cluster" in arguments or name in DEAR or {"--count", "--verify"} <= set(arguments):
        # click says what it does not know, and what is missing
        assert parsed(name, arguments).params
        return
    toy = () if "--help" in arguments else TOY.get(name, ())
    # a part is of whole blocks, ten trajectories each
    answer = prepared(name, *arguments, *toy, *(("--trajectories", "200") if "--part" in arguments else ()))
    assert answer.code == 0, answer
    if line in OUTPUTS and not toy:
        require_output(line, answer.out)


@pytest.mark.parametrize("line", ["filter record.csv --confg setup.toml", "simulate --engine fok", "fit record.csv"])
def test_a_command_that_is_not_one_is_found_out(line: str) -> None:
    name, *arguments = shlex.split(line)
    with pytest.raises(click.UsageError):
        parsed(name, arguments)
