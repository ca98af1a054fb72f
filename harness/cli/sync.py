"""`harness sync`: what trackers do not show yet."""

import gc
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import options
from harness.core.errors import HarnessError
from harness.reporting.data.wording import count

if TYPE_CHECKING:
    from harness.staging.workspace import Workspace
    from harness.tracking.delivery.destination import Destination

__all__ = ["sync"]


def sync(
    study: Annotated[str | None, typer.Argument(help="A study in this home; all of them, if none is given.")] = None,
    tracker: options.Trackers = None,
    tracking_uri: options.TrackingUri = None,
    tracking_points: options.TrackingPoints = "thinned",
    home: options.Home = Path("runs"),
    storage: options.Storage = None,
) -> None:
    """Deliver to trackers what they do not have, and nothing twice."""
    from harness.staging.not_begun import not_begun
    from harness.tracking.delivery.destination import destinations_of
    from harness.tracking.delivery.projector import OBJECTS_A_COLLECTION
    from harness.tracking.delivery.used_trackers import used_trackers

    workspace = options.open_workspace(home, storage)
    ledger = workspace.ledger
    names = [record.name for record in ledger.studies()] if ledger.exists else []
    if not names or (study and study not in names):
        raise not_begun(study, home, names)
    gc.set_threshold(OBJECTS_A_COLLECTION)
    for name in [study] if study else names:
        for destination in destinations_of(tracker or used_trackers(home, name), tracking_uri, home, tracking_points):
            destination.check()
            destination.authenticate()
            _sync(workspace, name, destination)


def _sync(workspace: "Workspace", study: str, destination: "Destination") -> None:
    from harness.tracking.delivery.lock import delivery_lock
    from harness.tracking.delivery.projector import Projector

    record = workspace.ledger.study(study)
    workspace = workspace.of_study(record) if record else workspace
    with delivery_lock(workspace.home, study, destination.uri, timeout_s=30.0):
        left = Projector(
            workspace, study, lambda: destination.open_tracker(workspace.stages), points=destination.points
        ).finish()
    if left:
        missing = f"{count(left.runs, 'run')} with {count(left.points, 'point')}"
        raise HarnessError(f"{missing} of {study} were not delivered: {left.reason}")
    runs = sum(workspace.ledger.run_counts().get(study, {}).values())
    typer.echo(f"{study}: {destination.title} shows all that is known, {count(runs, 'run')}.")
