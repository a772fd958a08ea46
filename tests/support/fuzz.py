"""Invalid input for the command line, and the results that are allowed. A few examples run in
``tests/project/test_fuzz.py``, more in scripts/test-long:

    python -m tests.support.fuzz lines|documents|csv|netcdf|runs COUNT [SEED]

Whatever it is given, a command ends within seconds of processor time with exit status 0, 1 or 2. Where that is 0,
standard output is one JSON object of finite numbers; else there is nothing on it, and one line on standard error that
says what is wrong.
"""

import contextlib
import json
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from cascade_steering.analysis.cli.run import steering
from cascade_steering.analysis.working_points import appendix_b_curve
from cascade_steering.sim.runs.manifest import NAME
from tests.support.junk_files import RECORD_LINES, RUN_LINES, SETUP, bytes_of, documents, manifests, texts
from tests.support.junk_lines import lines
from tests.support.outcomes import Outcome, outcome

_SMALL = ("--config", "setup.toml", "--duration", "0.5", "--jobs", "1", "--quiet", "--json")
_FILES = (
    ("--keep", "1", "--saves", "60", "--trajectories", "2", "--save-records", "record.csv"),
    ("--keep", "3", "--saves", "60", "--trajectories", "3", "--save-records", "record.nc", "--out", "e.nc"),
    ("--keep", "1", "--saves", "60", "--trajectories", "2", "--save-records", "lab.csv", "--frequency", "20"),
    (
        "--keep",
        "1",
        "--saves",
        "20",
        "--trajectories",
        "2",
        "--duration",
        "0.05",
        "--engine",
        "fock",
        "--count",
        "0.5",
        "--dark-rate",
        "500",
        "--save-records",
        "counted.csv",
    ),
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
            Path("setup.toml").write_text(SETUP, encoding="utf-8")
            for options in _FILES:
                found = outcome("simulate", *_SMALL, *options)
                assert found.code == 0, found
            netcdf = _classic(Path("record.nc"))
            Path("classic.nc").write_bytes(netcdf)
            Path("bare.csv").write_text(_without_times(Path("record.csv").read_text()))
        for module, name in ((appendix_b_curve, "study"), (optimum, "best_points"), (rotating_wave_validity, "survey")):
            stack.enter_context(mock.patch.object(module, name, _begun))
        stack.enter_context(mock.patch.object(data, "DATA", dict.fromkeys(data.DATA, _begun)))
        stack.enter_context(mock.patch.object(validation, "SUITES", ()))
        stack.enter_context(mock.patch.object(claims, "CLAIMS", ()))
        yield Path(folder)


def _without_times(text: str) -> str:
    lines = text.splitlines(keepends=True)
    return "".join(line if line.startswith("#") else line.split(",", 1)[1] for line in lines)


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
    files = sorted(str(path.relative_to(template)) for path in template.joinpath("RUN").rglob("*.n[cp]*"))

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
                    path.rename(
                        path.with_name(data.draw(st.sampled_from(["a.npz", "00-1-.npz", ".x.part", "0-0-0.nc"])))
                    )
                elif how == "other":
                    shutil.copy("e.nc", path)
                else:
                    path.unlink()
                    if how == "directory":
                        path.mkdir()
            check(replace_arguments(outcome(*data.draw(RUN_LINES)), content))

    return given(data=st.data())(test)


def main(what: str, count: int, root: int) -> None:
    """A number of examples, and the errors found, equal ones together."""
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
