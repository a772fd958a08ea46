"""The group that all commands belong to."""

import inspect
import logging
from collections.abc import Iterator, MutableMapping
from importlib import import_module, metadata
from typing import Any

import click


def version() -> str:
    """The version of the installed package."""
    try:
        return metadata.version("cascade-steering")
    except metadata.PackageNotFoundError:
        return "of a checkout that is not installed"


DOCUMENTATION = "bash scripts/docs in a checkout"


class Command(click.Command):
    """A command whose line in the list of commands is the first paragraph of its help, whole."""

    def get_short_help_str(self, limit: int = 45) -> str:
        """The first paragraph. Click would cut it to a width, in the middle of a sentence."""
        return " ".join(inspect.cleandoc(self.help or "").split("\n\n")[0].split())

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Where more is said: the page of the documentation with the name of the command."""
        super().format_epilog(ctx, formatter)
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(f"More: page 'steering {self.name}' of the documentation ({DOCUMENTATION}).")


# the module of each command, in this folder
MODULES = {
    "steady": "exact", "optimum": "exact", "transient": "exact", "pulse": "pulsing", "feedback": "controlled",
    "scan": "scanning", "setup": "laboratory_command", "network": "networks.network_command",
    "plan": "planning.plan_command", "simulate": "ensembles.simulate_command", "compare": "comparison",
    "resume": "kept_runs", "status": "kept_runs", "merge": "kept_runs", "filter": "recorded.filter_command",
    "fit": "recorded.fit_command", "explore": "exploring.explore_command", "figures": "pages", "validate": "pages",
}  # fmt: skip


class Commands(MutableMapping[str, click.Command]):
    """The commands by name; the module of each is loaded when it is asked for, so that one needs no other's packages.

    A command that is not in ``MODULES`` is a KeyError where it is defined.
    """

    def __init__(self) -> None:
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            import_module(f"cascade_steering.analysis.cli.commands.{MODULES[name]}")
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        if name not in MODULES:
            raise KeyError(f"{name} is not in the table of commands")
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        del self._loaded[name]

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __len__(self) -> int:
        return len(MODULES)


class Group(click.Group):
    """A group whose commands are of the class ``Command``, and are loaded when they are asked for."""

    command_class = Command

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self.commands = Commands()


@click.group(
    cls=Group,
    epilog=f"More: page 'Commands' of the documentation ({DOCUMENTATION}).",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(version=version(), prog_name="steering")
@click.option("--verbose", is_flag=True, help="Log what is done, block by block, on standard error.")
def steering(verbose: bool) -> None:
    """Steering between two oscillators cascaded by one light field, with and without a homodyne record.

    - is the first oscillator (negative mass), + the second. Times are in units of 1/gamma~_0 of the first
    oscillator unless a unit (s, ms, us, ns) is given; angles and phases are in units of pi; linewidths are
    gamma_0/2pi in Hz. There is steering where E < 1/2.
    """
    logging.getLogger("cascade_steering.sim").setLevel(logging.INFO if verbose else logging.WARNING)
