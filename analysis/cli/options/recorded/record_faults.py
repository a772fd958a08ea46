"""The option that puts faults into records that are written."""

import click

from cascade_steering.analysis.cli.options.kinds import Text
from cascade_steering.analysis.records.faults.injected import GRAMMAR, Fault, fault_of

FAULT = click.option(
    "--fault", type=Text("fault", fault_of), multiple=True, metavar="KIND:NUMBER:...[@CHANNEL]", show_default="none",
    help="Put a fault into the records that --save-records writes; may be given several times. Sizes are in standard "
    "deviations of the vacuum noise of an interval, counts in intervals, START is a fraction of the record: "
    f"{GRAMMAR}.",
)  # fmt: skip


def require_channels(faults: tuple[Fault, ...], names: tuple[str, ...]) -> None:
    """Raise ValueError for a fault in a channel that is not there."""
    for each in faults:
        if each.channel not in (None, *names):
            raise ValueError(f"--fault {each.text} is for channel {each.channel!r}; the record has {', '.join(names)}")
