"""The command lines, and the lines of Python, that give the numbers which the page shows."""

import shlex

from cascade_steering.analysis.explore.page_answers import SAVES
from cascade_steering.analysis.explore.page_state import PAGE_PARAMETERS, PageState
from cascade_steering.analysis.working_points.working_point import WorkingPoint

__all__ = ["SETUP_FILE", "commands", "python_lines"]

# what the text of a setup is to be saved as
SETUP_FILE = "laboratory.toml"


def commands(state: PageState) -> dict[str, str]:
    """Command lines by what they give: ``E``, ``course`` and ``trajectory``; of a laboratory also ``setup``."""
    options = [word for name, value in state.options.items() for word in (f"--{name}", value)]
    start = ["--initial", state.initial]
    end = repr(state.duration_units)
    lines = {
        "E": ["steady", *options],
        "course": ["transient", *options, *start, "--times", f"0:{end}:{SAVES + 1}"],
        "trajectory": [
            "simulate", *options, *start, "--duration", end, "--saves", str(SAVES), "--seed", str(state.seed),
            "--trajectories", "2", "--keep", "1",
        ],
    }  # fmt: skip
    if state.laboratory is not None:
        preset = state.laboratory.preset
        lines = {"setup": ["setup", *(["--preset", preset] if preset else [SETUP_FILE]), "--budget"], **lines}
    return {name: shlex.join(["steering", *words]) for name, words in lines.items()}


def python_lines(state: PageState) -> str:
    """A program that prints the same; in it ``steady``, ``course`` and ``trajectory`` are what the page shows."""
    end, start = repr(state.duration_units), f'initial="{state.initial}"'
    return "\n".join(
        (
            "import numpy as np",
            "",
            "import cascade_steering as cs",
            "",
            *_point_lines(state),
            "steady = point.steady()",
            f"course = point.transient(times_units=np.linspace(0, {end}, {SAVES + 1}), {start})",
            "trajectory = point.simulate(",
            f"    duration_units={end}, saves={SAVES}, {start}, trajectories=2, keep=1, seed={state.seed}",
            ")",
            "print(steady, course, trajectory, sep='\\n')",
            "",
        )
    )


def _point_lines(state: PageState) -> list[str]:
    if state.laboratory is not None:
        preset = state.laboratory.preset
        # a preset is a file once it is written
        why = f"  # steering setup --preset {preset} --write {SETUP_FILE}" if preset else ""
        return [f'setup = cs.read_setup("{SETUP_FILE}"){why}', "print(setup.elimination())", "point = setup.point"]
    default, point = WorkingPoint(), state.point
    values = {each.name: getattr(point, each.name) for each in PAGE_PARAMETERS}
    words = [f"{name}={value!r}" for name, value in values.items() if value != getattr(default, name)]
    for name in ("minus", "plus"):
        bath = getattr(point.cascade, name).bath
        if bath != getattr(default.cascade, name).bath:
            named = f'"{bath.text}"' if "," not in bath.text else _bath(bath.linewidth_hz, bath.occupation)
            words.append(f"bath_{name}={named}")
    if point.scheme != default.scheme:
        words.append(f'scheme="{point.scheme}"')
    return [f"point = cs.WorkingPoint({', '.join(words)})"]


def _bath(linewidth_hz: float, occupation: float) -> str:
    return f"cs.Bath(linewidth_hz={linewidth_hz!r}, occupation={occupation!r})"
