"""The command that opens a local page to play with: explore."""

import webbrowser
from importlib.util import find_spec
from pathlib import Path

import click

from cascade_steering.analysis.cli.commands.exploring.page_configuration import configured_state
from cascade_steering.analysis.cli.commands.group import steering
from cascade_steering.analysis.cli.options import physics
from cascade_steering.analysis.cli.options.typed import typed
from cascade_steering.analysis.cli.terminal.interruption import stopping
from cascade_steering.analysis.cli.terminal.output import note, show

_NEEDED = "steering explore needs the package bokeh: pip install 'cascade-steering[explore]'"


@steering.command(name="explore")
@click.argument("link", required=False, default=None)
@click.option("--setup", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
              help="Begin with the numbers of a laboratory, a file as for steering setup.")  # fmt: skip
@click.option("--preset", type=str, default=None, help="Begin with a setup that comes with the package.")
@click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    default=None,
    metavar="FILE.toml",
    help="Begin with the options in a file, as other commands take them by --config.",
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default="a free one", help="Port on 127.0.0.1.")
@click.option("--no-browser", is_flag=True, help="Only say where the page is.")
@physics.JSON
@typed
def explore_command(
    link: str | None, setup: Path | None, preset: str | None, config: Path | None, port: int, no_browser: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """A page in the browser to play with: sliders or laboratory numbers, and the answers while they move.

    It shows E, the map of regimes with the working point on it, E(t), a trajectory with its ellipse, what each number
    is worth, and the command lines and the lines of Python that give the same. It is served by this machine for this
    machine alone, until Ctrl-C. LINK is the link of such a page, and begins where that was.
    """
    if find_spec("bokeh") is None:
        raise ValueError(_NEEDED)
    from cascade_steering.analysis.explore.page_server import page_server
    from cascade_steering.analysis.explore.page_state import PageState

    if sum(each is not None for each in (link, setup, preset, config)) > 1:
        raise ValueError("give LINK, --setup FILE.toml, --preset NAME or --config FILE.toml, one of them")
    hidden: list[str] = []
    state = PageState() if link is None else PageState.of_link(link)
    if setup is not None:
        state = state.in_laboratory(setup.read_text(encoding="utf-8"))
    elif preset is not None:
        state = state.in_laboratory(preset=preset)
    elif config is not None:
        state, hidden = configured_state(config)
        if hidden:
            note(f"of {config} the page does not show {', '.join(hidden)}")
    with page_server(port) as server, stopping(server.stop):
        address = f"{server.address}?{state.query}" if state.query else server.address
        show({"address": address, "not_shown": hidden}, [], as_json, address)
        if not as_json:
            note("the page is open until Ctrl-C")
        if not no_browser:
            webbrowser.open(address)
        server.run()
