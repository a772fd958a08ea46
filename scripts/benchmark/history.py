"""The history of the bench: one line of JSON for a run, and the table of ratios between runs."""

import datetime
import importlib.metadata
import json
import math
import os
import platform
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from threadpoolctl import threadpool_info

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A run of the bench.

    Parameters
    ----------
    date : in UTC, ISO 8601
    version : of the package
    commit : of the checkout, with ``+`` if files are changed; empty outside a repository
    machine : the processor and the number of cores
    kernel : of linear algebra, as OpenBLAS names it
    timings : name of what was timed → milliseconds of processor time
    """

    date: str
    version: str
    commit: str
    machine: str
    kernel: str
    timings: dict[str, float]


def entry(timings: Mapping[str, float]) -> Entry:
    """The entry of a run on this machine, now."""
    return Entry(
        date=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        version=importlib.metadata.version("cascade-steering"),
        commit=_commit(),
        machine=_machine(),
        kernel=_kernel(),
        timings={name: float(cost) for name, cost in timings.items() if math.isfinite(cost)},
    )


def append(path: Path, found: Entry) -> None:
    """Write the entry behind those of the file, which is made if it does not exist.

    A line that an interrupted run left without its end is ended first.
    """
    unended = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write("\n" * unended + json.dumps(asdict(found)) + "\n")


def read(path: Path) -> list[Entry]:
    """All entries of a file, oldest first.

    Raises ValueError for a line that is not an entry, with its number.
    """
    found = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            given = Entry(**json.loads(line))
            valid = isinstance(given.timings, dict) and all(
                isinstance(cost, int | float) and math.isfinite(cost) for cost in given.timings.values()
            )
        except (TypeError, ValueError):
            valid = False
        if not valid:
            raise ValueError(f"line {number} of {path} is not an entry of the bench: {line[:60]!r}")
        found.append(given)
    return found


def table(entries: list[Entry]) -> list[str]:
    """Lines of Markdown: the runs, then for each timing its milliseconds in the first run and the ratios to it.

    Times of different machines or kernels are not comparable, so that every run is compared with the first one on the
    same machine and kernel.
    """
    lines = ["| run | date | version | commit | machine | kernel |", "|---|---|---|---|---|---|"]
    for number, each in enumerate(entries, start=1):
        lines.append(
            f"| {number} | {each.date} | {each.version} | {each.commit} | {each.machine} | {each.kernel or 'unknown'} |"
        )
    places = dict.fromkeys((each.machine, each.kernel) for each in entries)
    for place in places:
        runs = [(number, each) for number, each in enumerate(entries, start=1) if (each.machine, each.kernel) == place]
        lines += [
            "",
            f"{place[0]}, {place[1] or 'unknown kernel'}: milliseconds of the first run, ratios of the others",
        ]
        lines += ["", "| | " + " | ".join(f"run {number}" for number, _ in runs) + " |", "|---|" + "---|" * len(runs)]
        for name in dict.fromkeys(name for _, each in runs for name in each.timings):
            lines.append(f"| {name} | " + " | ".join(_cells(name, [each for _, each in runs])) + " |")
    return lines


def _cells(name: str, runs: list[Entry]) -> list[str]:
    first: float | None = None
    cells = []
    for each in runs:
        cost = each.timings.get(name)
        if cost is None:
            cells.append("")
        elif first is None:
            first = cost
            cells.append(f"{cost:,.1f} ms")
        else:
            cells.append(f"{cost / first:.2f} ×" if first > 0.0 else "")
    return cells


def _commit() -> str:
    try:
        found = subprocess.run(
            ["git", "-C", str(_ROOT), "describe", "--always", "--dirty=+", "--exclude=*"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return found.stdout.strip()


def _machine() -> str:
    name = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.split(":", 1)[1].strip()
                break
    except OSError:
        pass
    return f"{name}, {os.cpu_count()} cores"


def _kernel() -> str:
    found = {library.get("architecture", "") for library in threadpool_info() if library["internal_api"] == "openblas"}
    return " ".join(sorted(found - {""}))
