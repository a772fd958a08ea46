"""The option that says what is kept of a simulation beyond means and records."""

from typing import TYPE_CHECKING

import click

from cascade_steering.analysis.cli.options.kinds import Text

if TYPE_CHECKING:
    from cascade_steering.sim.model.linear_model import LinearModel
    from cascade_steering.sim.model.schedule import Schedule
    from cascade_steering.sim.saving import Save

WORDS = ("covariances", "purity", "quanta", "states", "final-states")


def words(text: str) -> tuple[str, ...]:
    """The words of a list separated by commas, in the order of ``WORDS``. Raises ValueError for any other."""
    given = {each.strip() for each in text.split(",")}
    if not given <= set(WORDS):
        raise ValueError(f"save must be some of {', '.join(WORDS)}, separated by commas, got {text!r}")
    if {"states", "final-states"} <= given:
        raise ValueError("save takes states or final-states, and not both")
    return tuple(each for each in WORDS if each in given)


SAVE = click.option(
    "--save", type=Text("save", words), default=None, metavar="WHAT,...", show_default="nothing more",
    help="Into the dataset: purity and quanta (the number of them in each oscillator), averaged and of each trajectory "
    "kept; covariances, and states or final-states (density matrices at all saves or at the end), of each trajectory "
    "kept.",
)  # fmt: skip


def selection(chosen: tuple[str, ...] | None, model: "LinearModel | Schedule") -> "Save":
    """What ``sim.ensemble.simulate.simulate`` is asked to keep."""
    from cascade_steering.sim.conventions import mode_names
    from cascade_steering.sim.observables import quanta
    from cascade_steering.sim.saving import NOTHING, Save

    if chosen is None:
        return NOTHING
    names = model.modes or mode_names(model.dimension // 2)
    observables = {f"quanta_{name}": quanta(mode, len(names)) for mode, name in enumerate(names)}
    return Save(
        covariances="covariances" in chosen,
        purity="purity" in chosen,
        observables=observables if "quanta" in chosen else {},
        states="saves" if "states" in chosen else "end" if "final-states" in chosen else "none",
    )
