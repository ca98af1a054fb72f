"""`harness ui`: where everything that was run can be looked at."""

import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options
from harness.core.errors import HarnessError

if TYPE_CHECKING:
    from harness.tracking.ui_server import UiServer

__all__ = ["ui"]


def ui(
    study: Annotated[str | None, typer.Argument(help="The study to link to; all of them, if none is given.")] = None,
    tracker: Annotated[
        str | None, typer.Option(metavar="NAME", help="The tracker to open; by default the first of the last run.")
    ] = None,
    optuna: Annotated[bool, typer.Option("--optuna", help="Open Optuna's dashboard on the configurations.")] = False,
    port: Annotated[int | None, typer.Option(help="If not the usual one, or any free one where that is taken.")] = None,
    host: Annotated[
        str, typer.Option(help="The address to answer at; by default only this machine can.")
    ] = "127.0.0.1",
    limit: Annotated[
        float | None,
        typer.Option(
            metavar="SECONDS", min=0, help="Give up a server that has not started by then; it is waited for otherwise."
        ),
    ] = None,
    home: options.Home = Path("runs"),
    storage: options.Storage = None,
) -> None:
    """Start the user interface of a tracker on this machine alone, until Ctrl-C."""
    from harness.tracking import UiSettings
    from harness.tracking.delivery.trackers import tracker_of
    from harness.tracking.delivery.used_trackers import used_trackers

    settings = UiSettings(port, host, limit)
    if optuna:
        from harness.search.dashboard import TITLE, dashboard_links, start_dashboard

        workspace = options.open_workspace(home, storage)
        _warn(TITLE, host)
        with _term_as_interrupt(), start_dashboard(workspace, settings) as server:
            _show(server, TITLE, dashboard_links(server.url, workspace, study))
        return
    opened = tracker_of(tracker or used_trackers(home, study)[0])
    if not opened.has_server:
        _print(opened.links(opened.uri_in(home), study, home))
        return
    _warn(opened.title, host)
    with _term_as_interrupt(), opened.start_ui(home, settings) as server:
        _show(server, opened.title, opened.links(server.url, study, home))


def _warn(title: str, host: str) -> None:
    from harness.tracking.ui_server import is_private

    if not is_private(host):
        typer.echo(
            f"harness: {title} asks nobody for a password: whoever can reach {host} will be able to read, "
            "change and delete everything in it",
            err=True,
        )
    typer.echo(f"Starting {title} ...")


def _print(links: Mapping[str, str]) -> None:
    width = max(map(len, links)) + 1
    for label, link in links.items():
        typer.echo(f"{label + ':':<{width}}  {link}")


def _show(server: "UiServer", title: str, links: Mapping[str, str]) -> None:
    _print(links)
    typer.echo("Ctrl-C stops it.")
    try:
        server.wait()
    except KeyboardInterrupt:
        typer.echo("Stopped.")
    else:
        raise HarnessError(f"the server of {title} has ended by itself; {server.log} may say why")


@contextmanager
def _term_as_interrupt() -> Iterator[None]:
    """Take SIGTERM for Ctrl-C: whoever ends this process must not leave the server behind."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
