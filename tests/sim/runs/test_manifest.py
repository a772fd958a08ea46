import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cascade_steering.analysis.cli.answers.run_status import status
from cascade_steering.sim.runs.manifest import NAME, Manifest
from cascade_steering.sim.runs.merge import merge
from tests.support.stored import Case, everything

pytest_plugins = ["tests.support.stored_runs"]


BREAKAGE: dict[str, Callable[[dict[str, Any]], object]] = {
    "no object": lambda content: [content],
    "text": lambda content: "manifest",
    "nothing": lambda content: None,
    "unknown key": lambda content: {**content, "colour": "red"},
    "identity edited": lambda content: {**content, "identity": {**content["identity"], "seed": 8}},
    "other hash": lambda content: {**content, "sha256": "0" * 64},
    "hash of another kind": lambda content: {**content, "sha256": None},
    "another format": lambda content: {**content, "format": 1, "colour": "red"},
    "format of another kind": lambda content: {**content, "format": [1]},
    "trajectories negative": lambda content: {**content, "trajectories": -1},
    "trajectories text": lambda content: {**content, "trajectories": "22"},
    "trajectories true": lambda content: {**content, "trajectories": True},
    "trajectories beyond reach": lambda content: {**content, "trajectories": 10**30},
    "part zero": lambda content: {**content, "asked": {"part": "0/0"}},
    "part backwards": lambda content: {**content, "asked": {"part": "3/2"}},
    "part too many": lambda content: {**content, "asked": {"part": "1/100"}},
    "part a number": lambda content: {**content, "asked": {"part": 2}},
    "versions of numbers": lambda content: {**content, "versions": {"version_numpy": 2}},
    "conventions a list": lambda content: {**content, "conventions": []},
    "created in the year 0": lambda content: {**content, "created": 0},
}  # fmt: skip


def _refused(run: Path, content: bytes) -> None:
    """A manifest that is no manifest: one line, by whoever reads it, and every file left alone."""
    (run / NAME).write_bytes(content)
    before = everything(run)
    for use in (lambda: Case().opened(run), lambda: status(run), lambda: merge(run.parent / "into", [run])):
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            use()
    assert everything(run) == before
    assert not (run.parent / "into").exists()


@pytest.mark.parametrize("name", BREAKAGE)
def test_a_manifest_that_makes_no_sense_is_refused_in_one_line(tmp_path: Path, whole: Path, name: str) -> None:
    shutil.copytree(whole, tmp_path / "run")
    content = json.loads((whole / NAME).read_text())
    if name.startswith("part "):
        # another part may be asked for: who does says whether there is one
        (tmp_path / "run" / NAME).write_text(json.dumps(BREAKAGE[name](content)))
        with pytest.raises(ValueError, match=r"^[^\n]+$"):
            status(tmp_path / "run")
        return
    _refused(tmp_path / "run", json.dumps(BREAKAGE[name](content)).encode())


@pytest.mark.parametrize("name", [each for each in Manifest.__dataclass_fields__ if each != "format"])
def test_a_manifest_that_lacks_something_is_refused(tmp_path: Path, whole: Path, name: str) -> None:
    shutil.copytree(whole, tmp_path / "run")
    content = json.loads((whole / NAME).read_text())
    del content[name]
    _refused(tmp_path / "run", json.dumps(content).encode())


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b"{", b"[" * 100000, b"1" * 5000, b"\x00" * 300])
def test_a_manifest_that_is_no_json_is_refused(tmp_path: Path, whole: Path, content: bytes) -> None:
    shutil.copytree(whole, tmp_path / "run")
    _refused(tmp_path / "run", content)


def test_a_run_of_an_older_layout_is_refused_by_its_format(tmp_path: Path, whole: Path) -> None:
    shutil.copytree(whole, tmp_path / "run")
    content = {**json.loads((whole / NAME).read_text()), "format": 3, "blocks": []}
    (tmp_path / "run" / NAME).write_text(json.dumps(content))
    with pytest.raises(ValueError, match="has format 3; this version reads 4"):
        Case().opened(tmp_path / "run")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@settings(deadline=None, max_examples=40)
@given(data=st.data())
def test_a_manifest_read_is_sound_or_refused(whole: Path, data: st.DataObject) -> None:
    """One value anywhere is another, or the text is cut short."""
    content = json.loads((whole / NAME).read_text())
    *way, last = data.draw(st.sampled_from(sorted(_ways(content), key=str)))
    inner = content
    for key in way:
        inner = inner[key]
    before = inner[last]
    # a number of trajectories that can be planned is as good as any other
    inner[last] = data.draw(
        JSON.filter(lambda value: not (way == [] and last == "trajectories" and type(value) is int))
    )
    text = json.dumps(content)
    text = text[: data.draw(st.sampled_from([len(text), len(text), len(text) // 2]))]
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        run.mkdir()
        (run / NAME).write_text(text)
        for use in (Manifest.read, status):
            refusal = _refusal(use, run)
            # what is let through changes no number
            assert refusal or [*way, last][0] not in ("identity", "sha256") or inner[last] == before
            assert "\n" not in refusal


def _refusal(use: Callable[[Path], object], run: Path) -> str:
    try:
        use(run)
    except ValueError as error:
        return str(error) or "nothing said"
    return ""


def _ways(content: Any, way: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    return [found for key, value in inner for found in [(*way, key), *_ways(value, (*way, key))]]
