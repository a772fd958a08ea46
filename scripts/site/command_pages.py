"""The pages of the commands, made of the commands themselves, in reStructuredText."""

import inspect
import re

import click

from cascade_steering.analysis.cli.commands.group import steering

__all__ = ["command_pages"]


def command_pages(pages: dict[str, str]) -> dict[str, str]:
    """The documents, by name without the ending ``.rst``; each lists those of ``pages`` that show the command."""
    group = steering.make_context("steering", [], resilient_parsing=True)
    names = sorted(steering.commands)
    documents = {f"commands/{name}": _page(name, steering.commands[name], group, pages) for name in names}
    return documents | {"commands/index": _index(names)}


def _index(names: list[str]) -> str:
    rows = [f"   * - :doc:`steering {name} <{name}>`\n     - {_escaped(_summary(steering.commands[name]))}"
            for name in names]  # fmt: skip
    entries = "\n".join(f"   {name}" for name in names)
    return "\n".join(
        [_heading("Commands", "="), *_paragraphs(steering.help or ""), ".. list-table::\n   :widths: 25 75\n", *rows,
         "\n.. toctree::\n   :hidden:\n", entries, ""]
    )  # fmt: skip


def _page(name: str, command: click.Command, group: click.Context, pages: dict[str, str]) -> str:
    context = click.Context(command, info_name=name, parent=group)
    out = [_heading(f"``steering {name}``", "="), *_paragraphs(command.help or "")]
    out += ["::\n", f"    steering {name} {' '.join(command.collect_usage_pieces(context))}\n"]
    out += [f".. program:: steering {name}\n"]
    for parameter in command.get_params(context):
        record = parameter.get_help_record(context)
        if record:
            out += [f".. option:: {record[0]}\n", f"   {_escaped(record[1])}\n"]
    shown = [page for page, text in pages.items() if page != "changelog" and re.search(rf"\bsteering {name}\b", text)]
    if shown:
        out += [_heading("Pages that show it", "-"), *(f"- :doc:`/{page}`" for page in sorted(shown)), ""]
    return "\n".join(out)


def _summary(command: click.Command) -> str:
    return " ".join(inspect.cleandoc(command.help or "").split("\n\n")[0].split())


def _paragraphs(text: str) -> list[str]:
    return [f"{_escaped(' '.join(part.split()))}\n" for part in inspect.cleandoc(text).replace("\b", "").split("\n\n")]


def _escaped(text: str) -> str:
    return re.sub(r"([\\*|`_])", r"\\\1", text.replace("\n", " "))


def _heading(title: str, line: str) -> str:
    return f"{title}\n{line * len(title)}\n"
