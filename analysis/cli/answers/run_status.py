"""What ``steering status`` answers: what is finished, missing and damaged in a run directory."""

from pathlib import Path

from rich.table import Table

from cascade_steering.analysis.cli.answers.reports import Report
from cascade_steering.analysis.cli.answers.table_layout import table_of
from cascade_steering.analysis.working_points.appendix_b import COMPARISON, ENSEMBLES
from cascade_steering.sim.ensemble.simulate import WHOLE, ranges
from cascade_steering.sim.runs.contents import SET_ASIDE, Contents
from cascade_steering.sim.runs.manifest import NAME, Manifest

__all__ = ["status", "table"]

# number of missing ranges in the table
_FEW = 5


def status(run: Path) -> Report:
    """The state of a run, ready for JSON; for a comparison that of all its ensembles together.

    Every file is read once and none is changed. Raises ValueError for a path that is no run directory.
    """
    manifest = Manifest.read(run)
    parts = [run, *sorted(path.parent for path in (run / ENSEMBLES).glob(f"*/{NAME}"))]
    found = [_ensemble(path) for path in parts if path != run or "block" in manifest.identity]
    settings = manifest.identity.get("configuration", {})
    return {
        "run": str(run),
        "command": settings.get("command"),
        "configuration": dict(settings),
        "created": manifest.created,
        "trajectories": {name: sum(one["trajectories"][name] for one in found) for name in ("done", "asked")},
        "blocks": {name: sum(one["blocks"][name] for one in found) for name in ("done", "planned")},
        "missing": found[0]["missing"] if len(parts) == 1 and found else [],
        "part": _part(manifest),
        "target": manifest.asked.get("target"),
        "damaged": [name for one in found for name in one["damaged"]],
        "set_aside": sorted(str(path.relative_to(run)) for path in run.rglob(f"{SET_ASIDE}/*")),
        "other_versions": manifest.other_versions(),
        "bytes": sum(path.stat().st_size for path in run.rglob("*") if path.is_file()),
        "complete": _complete(run, manifest, found),
    }


def _complete(run: Path, manifest: Manifest, found: list[Report]) -> bool:
    finished = all(not one["missing"] for one in found)
    if not (run / ENSEMBLES).is_dir():
        return finished
    # Each ensemble of a comparison begins when the one before has ended, which may be early where there is a target.
    begun = all(one["most"] == manifest.trajectories for one in found)
    return (run / COMPARISON).exists() and begun and (finished or "target" in manifest.asked)


def _ensemble(run: Path) -> Report:
    manifest = Manifest.read(run)
    contents = Contents.of(run, manifest.digest)
    planned = ranges(manifest.identity["block"], manifest.trajectories, _part(manifest) or WHOLE)
    there = contents.blocks()
    done = [block for block in planned if block in there]
    missing: list[list[int]] = []
    for block in (each for each in planned if each not in there):
        if missing and missing[-1][1] + 1 == block.start:
            missing[-1][1] = block.stop - 1
        else:
            missing.append([block.start, block.stop - 1])
    return {
        "trajectories": {"done": sum(map(len, done)), "asked": sum(map(len, planned))},
        "blocks": {"done": len(done), "planned": len(planned)},
        "missing": missing,
        "most": manifest.trajectories,
        "damaged": [str(path.relative_to(run)) for path in contents.damaged],
    }


def _part(manifest: Manifest) -> tuple[int, int] | None:
    text = manifest.asked.get("part")
    if text is None:
        return None
    number, parts = map(int, text.split("/"))
    return number, parts


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
    table.add_row("on disk", f"{report['bytes'] / 2**20:.1f} MiB")
    return table
