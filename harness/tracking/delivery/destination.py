"""Where a study is shown: a tracking URI, which chooses the tracker, and whose password goes to MLflow alone."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from harness.core.errors import InputError
from harness.tracking._base import AbstractTracker
from harness.tracking.content.thinning import TrackingPoints
from harness.tracking.mlflow.location import SQLITE, default_tracking_uri

__all__ = ["VARIABLE", "Destination", "inherited_destination", "parse_destination"]

SERVERS = ("http", "https")
USER, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
VARIABLE, POINTS = "HARNESS_TRACKING_URI", "HARNESS_TRACKING_POINTS"


@dataclass(frozen=True)
class Destination:
    """Where a tracker writes to.

    Attributes:
        uri: without user and password, so it may be shown and stored.
        credentials: environment variables in which MLflow expects user and password; never shown, never stored.
        points: which points of curves are shown there.
    """

    uri: str
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    points: TrackingPoints = "thinned"

    def authenticate(self) -> None:
        """Hand user and password to MLflow in this process."""
        os.environ.update(self.credentials)

    def environment(self) -> dict[str, str]:
        """Return the environment for a process that writes to the same destination."""
        return {**os.environ, **self.credentials, VARIABLE: self.uri, POINTS: self.points}

    def open_tracker(self, store: Path) -> AbstractTracker:
        """Return the tracker of this URI; it takes final weights from the stages in `store`.

        Raises:
            HarnessError: the database or server cannot be used.
        """
        # Not at the top: the process that trains imports this module, and must not load MLflow.
        from harness.tracking.mlflow.tracker import MlflowTracker

        return MlflowTracker(self.uri, store, self.points)


def parse_destination(tracking_uri: str | None, home: Path) -> Destination:
    """Return the destination that `tracking_uri` names; without one, it is a SQLite database in `home`.

    >>> parse_destination("https://ada:s3cret@host:5000/mlflow", Path("runs"))
    Destination(uri='https://host:5000/mlflow', points='thinned')

    Raises:
        InputError: it is no address of a server and no SQLite file.
    """
    if not tracking_uri:
        return Destination(default_tracking_uri(home))
    if tracking_uri.startswith(SQLITE) and len(tracking_uri) > len(SQLITE):
        return Destination(tracking_uri)
    address = _split(tracking_uri)
    if address is None:
        # The message does not repeat the address: there may be a password in it.
        raise InputError(
            "expected --tracking-uri sqlite:///FILE, http://HOST:PORT or https://USER:PASSWORD@HOST, "
            "found something else; a character of a password that means something in addresses is written as %XX"
        )
    credentials = {USER: unquote(address.username or ""), PASSWORD: unquote(address.password or "")}
    host = address.netloc.rpartition("@")[2]
    return Destination(
        address._replace(netloc=host).geturl(), {name: text for name, text in credentials.items() if text}
    )


def inherited_destination(environment: Mapping[str, str], home: Path) -> Destination:
    """Return the destination that `Destination.environment` names; MLflow has the credentials already."""
    points: TrackingPoints = "all" if environment.get(POINTS) == "all" else "thinned"
    return replace(parse_destination(environment.get(VARIABLE), home), points=points)


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in SERVERS and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return None
    return parts if usable else None
