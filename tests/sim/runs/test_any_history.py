import logging
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade_steering.analysis.cli.answers.run_status import status
from cascade_steering.sim.ensemble.simulate import ranges
from cascade_steering.sim.runs.merge import merge
from tests.support.stored import HARM, Case, full, leftovers, same

pytest_plugins = ["tests.support.stored_runs"]


OPERATIONS = st.one_of(
    st.tuples(st.just("run"), st.integers(1, 4)),
    st.tuples(st.just("raise"), st.integers(1, 7)),
    st.tuples(st.sampled_from(sorted(HARM)), st.integers(0, 5)),
    st.tuples(st.just("lose"), st.integers(0, 5)),
    st.tuples(st.just("full"), st.integers(1, 6)),
    st.tuples(st.just("part"), st.integers(1, 3)),
)


@pytest.mark.slow
@settings(deadline=None, max_examples=10)
@given(st.lists(OPERATIONS, max_size=6), st.integers(1, 12))
def test_whatever_happens_to_a_run_its_numbers_are_those_of_the_uninterrupted(
    other: Path, operations: list[tuple[str, int]], trajectories: int
) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patched:
        run = Path(folder) / "run"
        log = logging.getLogger("cascade_steering.sim")
        patched.setattr(log, "disabled", True)
        for number, (name, value) in enumerate(operations):
            case = Case(trajectories=trajectories)
            if name == "run":
                case.run(run, blocks=value)
            elif name == "raise":
                trajectories += value
                Case(trajectories=trajectories).run(run, blocks=1)
            elif name == "full":
                with pytest.MonkeyPatch.context() as disk, suppress(OSError):
                    full(value, disk)
                    case.run(run)
            elif name == "part":
                parts = min(value, len(ranges(4, trajectories)))
                case.run(Path(folder) / str(number), part=(parts, parts))
                merge(run, [Path(folder) / str(number)])
            else:
                there = [path for path in sorted(run.glob("blocks/*.npz")) if path.is_file()]
                path = there[value % len(there)] if there else None
                if path is None:
                    continue
                if name == "lose":
                    path.unlink()
                else:
                    HARM[name](path, other)
        same(Case(trajectories=trajectories).run(run), trajectories)
        assert status(run)["complete"]
        assert not leftovers(run)
