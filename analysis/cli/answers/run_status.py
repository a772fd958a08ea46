"""What ``steering status`` answers: the contents of a run directory, and which blocks are missing."""

from itertools import pairwise
from pathlib import Path

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import table_of
from cascade_steering.analysis.working_points.appendix_b import COMPARISON, ENSEMBLES
from cascade_steering.sim.ensemble.simulate import ranges
from cascade_steering.sim.runs.contents import SET_ASIDE, Contents
from cascade_steering.sim.runs.manifest import NAME, Manifest

# number of missing ranges in the table
_FEW = 5


def status(run: Path) -> Report:
    """The state of a run, ready for JSON; for a comparison that of all its ensembles together.

    Every file is read once and none is changed. Raises ValueError if ``run`` is not a run directory.
    """
    manifest = Manifest.read(run)
    parts = [run, *sorted(path.parent for path in (run / ENSEMBLES).glob(f"*/{NAME}"))]
    found = [_ensemble(path) for path in parts if path != run or "block" in manifest.identity]
    seconds = [each for one in found for each in one["seconds"]]
    return {
        "run": str(run),
        "command": manifest.identity.get("configuration", {}).get("command"),
        "configuration": dict(manifest.identity.get("configuration", {})),
        "created": manifest.created,
        "trajectories": {name: sum(one["trajectories"][name] for one in found) for name in ("done", "asked")},
        "blocks": {name: sum(one["blocks"][name] for one in found) for name in ("done", "planned")},
        "missing": [each for one in found for each in one["missing"]] if len(parts) == 1 else [],
        "part": _part(manifest),
        "target": manifest.asked.get("target"),
        "damaged": [name for one in found for name in one["damaged"]],
        "set_aside": sorted(str(path.relative_to(run)) for path in run.rglob(f"{SET_ASIDE}/*")),
        "other_versions": manifest.other_versions(),
        "seconds_per_block": [min(seconds), max(seconds)] if seconds else None,
        "bytes": sum(path.stat().st_size for path in run.rglob("*") if path.is_file()),
        "complete": _complete(run, manifest, found),
    }


def _complete(run: Path, manifest: Manifest, found: list[Report]) -> bool:
    if (run / ENSEMBLES).is_dir():
        # each ensemble begins when the previous one has ended, whether or not that met the target
        begun = all(one["most"] == manifest.trajectories for one in found)
        ended = "target" in manifest.asked or all(not one["missing"] for one in found)
        return (run / COMPARISON).exists() and begun and ended
    return all(not one["missing"] for one in found)


def _ensemble(run: Path) -> Report:
    manifest = Manifest.read(run)
    contents = Contents.of(run, manifest)
    done = contents.done(manifest.identity["keep"])
    planned = ranges(manifest.identity["block"], manifest.trajectories, _part(manifest) or (1, 1))
    lacking = [indices for indices in planned if indices not in done]
    return {
        "trajectories": {
            "done": sum(len(indices) for indices in planned if indices in done),
            "asked": sum(map(len, planned)),
        },
        "blocks": {"done": len(planned) - len(lacking), "planned": len(planned)},
        "missing": _joined(lacking),
        "most": manifest.trajectories,
        "damaged": [str(path.relative_to(run)) for path in contents.damaged],
        "seconds": [entry["seconds"] for entry in manifest.blocks if "seconds" in entry],
    }


def _part(manifest: Manifest) -> tuple[int, int] | None:
    text = manifest.asked.get("part")
    if text is None:
        return None
    number, parts = map(int, text.split("/"))
    return number, parts


def _joined(ranges: list[range]) -> list[list[int]]:
    """[first, last] of ranges of trajectories, where adjacent blocks are joined."""
    edges = [0, *(i for i, (one, two) in enumerate(pairwise(ranges), 1) if one.stop != two.start), len(ranges)]
    return [[ranges[first].start, ranges[last - 1].stop - 1] for first, last in pairwise(edges) if last > first]


def table(report: Report) -> Table:
    """The state of a run as a table."""
    table = table_of(f"Run {report['run']}", "", "found")
    blocks, done = report["blocks"], report["trajectories"]
    table.add_row("command", str(report["command"]))
    table.add_row("trajectories", f"{done['done']} of {done['asked']}")
    table.add_row("blocks", f"{blocks['done']} of {blocks['planned']}")
    if report["part"]:
        table.add_row("part", "{}/{}".format(*report["part"]))
    if report["target"]:
        table.add_row("target", report["target"])
    missing = [f"{first} to {last}" for first, last in report["missing"]]
    if missing:
        table.add_row(
            "missing", ", ".join(missing[:_FEW]) + (f" and {len(missing) - _FEW} more" * (len(missing) > _FEW))
        )
    for name in ("damaged", "set_aside", "other_versions"):
        if report[name]:
            table.add_row(name.replace("_", " "), "\n".join(report[name]))
    if report["seconds_per_block"]:
        table.add_row("seconds per block", "{:.3g} to {:.3g}".format(*report["seconds_per_block"]))
    table.add_row("on disk", f"{report['bytes'] / 2**20:.1f} MiB")
    return table
