"""Where a study is shown: trackers, and for MLflow a tracking URI, whose password goes to MLflow alone."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from harness.core.errors import InputError
from harness.tracking._base import AbstractTracker, Place
from harness.tracking.content.thinning import TrackingPoints
from harness.tracking.delivery.trackers import NONE, name_of_tracker, tracker_of
from harness.tracking.mlflow.location import SQLITE, default_tracking_uri

__all__ = [
    "MLFLOW",
    "TRACKERS",
    "VARIABLE",
    "Destination",
    "destinations_of",
    "inherited_destinations",
    "parse_destination",
]

SERVERS = ("http", "https")
USER, PASSWORD = "MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD"
VARIABLE, POINTS = "HARNESS_TRACKING_URI", "HARNESS_TRACKING_POINTS"
TRACKERS = "HARNESS_TRACKER"  # of users
MLFLOW = "mlflow"


@dataclass(frozen=True)
class Destination:
    """Where a tracker writes to.

    Attributes:
        uri: without user and password, so it may be shown and stored.
        credentials: environment variables in which MLflow expects user and password; never shown, never stored.
        points: which points of curves are shown there.
        tracker: the name of the tracker, as `--tracker` takes it.
    """

    uri: str
    credentials: Mapping[str, str] = field(default_factory=dict, repr=False)
    points: TrackingPoints = "thinned"
    tracker: str = MLFLOW

    @property
    def title(self) -> str:
        """The name by which people know the tracker."""
        return tracker_of(self.tracker).title

    def check(self) -> None:
        """Find out whether what is there can be used, without waiting for a server.

        Raises:
            HomeError: it is damaged; the message says what to do.
        """
        tracker_of(self.tracker).check(self.uri)

    def authenticate(self) -> None:
        """Hand user and password to MLflow in this process."""
        os.environ.update(self.credentials)

    def environment(self) -> dict[str, str]:
        """Return what a process that writes to the same destination must find in its environment."""
        own = {VARIABLE: self.uri} if self.tracker == MLFLOW else {}
        return {**self.credentials, **own, POINTS: self.points}

    def open_tracker(self, store: Path) -> AbstractTracker:
        """Return the tracker; it takes final weights from the stages in `store`.

        Raises:
            HarnessError: it cannot be used.
        """
        return tracker_of(self.tracker).open(Place(self.uri, store, self.points))


def destinations_of(
    trackers: Iterable[str | type[AbstractTracker]],
    tracking_uri: str | None,
    home: Path,
    points: TrackingPoints = "thinned",
) -> tuple[Destination, ...]:
    """Return where a study is shown by `trackers`, MLflow if there are none; `none` alone stands for nowhere.

    Raises:
        InputError: a tracker cannot be used, or `tracking_uri` is none of MLflow's.
    """
    names = list(dict.fromkeys(map(name_of_tracker, trackers))) or [MLFLOW]
    if names == [NONE]:
        return ()
    if NONE in names:
        raise InputError(f"expected --tracker {NONE} alone, found it beside {', '.join(set(names) - {NONE})}")
    return tuple(replace(_destination(name, tracking_uri, home), points=points) for name in names)


def _destination(name: str, tracking_uri: str | None, home: Path) -> Destination:
    if name == MLFLOW:
        return parse_destination(tracking_uri, home)
    return Destination(tracker_of(name).uri_in(home), tracker=name)


def parse_destination(tracking_uri: str | None, home: Path) -> Destination:
    """Return the destination that `tracking_uri` names; without one, it is a SQLite database in `home`.

    >>> parse_destination("https://ada:s3cret@host:5000/mlflow", Path("runs"))
    Destination(uri='https://host:5000/mlflow', points='thinned', tracker='mlflow')

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


def inherited_destinations(
    trackers: Iterable[str], environment: Mapping[str, str], home: Path
) -> tuple[Destination, ...]:
    """Return the destinations of `trackers` in an environment like theirs; MLflow has the credentials already."""
    points: TrackingPoints = "all" if environment.get(POINTS) == "all" else "thinned"
    return destinations_of(trackers, environment.get(VARIABLE), home, points)


def _split(address: str) -> SplitResult | None:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in SERVERS and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return None
    return parts if usable else None
