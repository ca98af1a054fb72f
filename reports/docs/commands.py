"""The page of all commands and options, written from what the command line says of itself.

`python reports/docs/commands.py` writes it, and a test compares it.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
import typer.core
import typer.main

CHOICES = re.compile(r"[<\[]([\w-]+(?:\|[\w-]+)+)[>\]]")
PAGE = Path(__file__).parent / "pages" / "reference" / "commands.md"
HEADING = """# Commands

Every command and every option, as `harness COMMAND --help` describes them. [Running studies](../running.md) says how
they are used. `python reports/docs/commands.py` writes this page, and a test compares it.
"""


def page() -> str:
    """Return the page."""
    from harness.cli.main import app

    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return "\n".join([HEADING, *_commands("harness", group)])


def _commands(path: str, group: typer.core.TyperGroup) -> Iterator[str]:
    for name, command in sorted(group.commands.items()):
        if isinstance(command, typer.core.TyperGroup):
            yield from _commands(f"{path} {name}", command)
        else:
            yield from _command(f"{path} {name}", command)


def _command(path: str, command: Any) -> Iterator[str]:
    """Describe one command: what it does, how it is called, and a table of its arguments and options."""
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    options = [one for one in command.params if one.param_type_name == "option" and not one.hidden]
    usage = [path, *(one.metavar or one.name.upper() for one in arguments), *(["[OPTIONS]"] if options else [])]
    yield from (f"## {path}", "", *command.help.splitlines(), "", f"`{' '.join(usage)}`", "")
    if arguments or options:
        context = command.make_context(command.name, [], resilient_parsing=True)
        yield from ("| name | what it is | by default |", "|---|---|---|")
        yield from (_row(one.metavar or one.name.upper(), one) for one in arguments)
        yield from (_row(_names(one, context), one) for one in options)
        yield ""


def _names(option: Any, context: Any) -> str:
    """Return an option's names and what may stand behind them; versions of Typer differ in brackets."""
    names = ", ".join([*option.opts, *option.secondary_opts])
    choices = CHOICES.search(option.get_help_record(context)[0])
    return f"{names} {option.metavar or (choices[1] if choices else '')}".strip()


def _row(names: str, parameter: Any) -> str:
    given = parameter.default is not None and parameter.default is not ... and not isinstance(parameter.default, bool)
    default = f"`{parameter.default}`" if given else ""
    variable = f" Or the environment variable `{parameter.envvar}`." if parameter.envvar else ""
    return f"| `{_cell(names)}` | {_cell(parameter.help or '')}{variable} | {default} |"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
