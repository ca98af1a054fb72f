"""The family of trackers: user interfaces in which people look at studies and their runs."""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Self

from harness.core.errors import HarnessError
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.content.points import Point
from harness.tracking.content.thinning import TrackingPoints
from harness.tracking.ui_server import LOOPBACK, UiServer

__all__ = ["AbstractTracker", "Place", "UiSettings"]


@dataclass(frozen=True)
class Place:
    """Where a tracker writes, and how much.

    Attributes:
        uri: of its server, database or folder; without a password.
        store: the folder of finished stages, in which the weights of runs are.
        points: which points of curves are shown.
    """

    uri: str
    store: Path | None = None
    points: TrackingPoints = "thinned"


@dataclass(frozen=True)
class UiSettings:
    """How a user interface is started.

    Attributes:
        port: if not the usual one, or any free one where that is taken.
        host: the address at which it answers; by default only this machine can reach it.
        limit_s: after so many seconds without an answer it is given up; it is waited for as long as it lives if None.
    """

    port: int | None = None
    host: str = LOOPBACK
    limit_s: float | None = None


class AbstractTracker(ABC):
    """Shows studies and their runs in a user interface.

    Every method may be called again with the same arguments and then changes nothing, so a delivery that was
    interrupted begins anew. What is shown of a run is decided by `harness.tracking.content.entry`, alike for all.

    Attributes:
        kind: the name by which `--tracker` chooses it.
        title: the name by which people know it.
        package: the module that it needs and that harness does not bring along.
        has_server: whether its user interface is a server that `start_ui` starts.
    """

    kind: ClassVar[str]
    title: ClassVar[str]
    package: ClassVar[str] = ""
    has_server: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def open(cls, place: Place) -> Self:
        """Return a tracker that writes to `place`; each process, and each thread, opens its own.

        Raises:
            HarnessError: it cannot be reached.
        """

    @classmethod
    def uri_in(cls, home: Path) -> str:
        """Return where it writes to if nothing else is said: by default to a folder of its own in the home."""
        return str(home.absolute() / cls.kind)

    @classmethod  # noqa: B027
    def check(cls, uri: str) -> None:
        """Find out whether what is at `uri` can be used; a tracker whose files cannot be damaged does nothing.

        Raises:
            HomeError: it is damaged; the message says what to do.
        """

    @classmethod
    def start_ui(cls, home: Path, settings: UiSettings) -> UiServer:  # noqa: ARG003
        """Start the user interface over a home, and return when it answers.

        Raises:
            HomeError: it shows nothing of this home.
            InputError: the port or host cannot be used.
            HarnessError: it did not start.
        """
        raise HarnessError(f"expected `start_ui` of the tracker {cls.kind!r}, whose `has_server` is true; found none")

    @classmethod
    def links(cls, address: str, study: str | None, home: Path) -> dict[str, str]:  # noqa: ARG003
        """Return what there is to look at, as text by label.

        Args:
            address: of the user interface that was started, or else what `uri_in` returned.
            study: to look at; all of them, if it is None.
            home: that is shown.

        Raises:
            StudyNotFoundError: nothing is shown of the study.
        """
        return {cls.title: address if study is None else str(Path(address, study))}

    @abstractmethod
    def begin_study(self, study: StudyRecord) -> None:
        """Show the study, or what has changed in it; call this before its runs are shown, and again after an error.

        Raises:
            HarnessError: the tracker cannot be reached; nothing is lost, the study can be projected later.
        """

    @abstractmethod
    def project_run(self, record: RunRecord, history: History) -> None:
        """Show a run that has ended; it replaces an earlier run of the same trial, arm and seed.

        Raises:
            HarnessError: its study was not begun, or the tracker cannot be reached.
        """

    @abstractmethod
    def end_study(self, study: StudyRecord, summary: str) -> None:
        """Show that all planned runs have ended, with a line of Markdown about the outcome.

        Raises:
            HarnessError: the study was not begun, or the tracker cannot be reached.
        """

    def show_live_run(self, record: RunRecord, points: Mapping[Point, int], began_ms: int) -> None:  # noqa: B027
        """Show that a run is alive and has measured `points`; a tracker that shows only ended runs does nothing.

        Args:
            record: what is known so far.
            points: with the milliseconds since 1970 at which each was measured.
            began_ms: when the run began, likewise.

        Raises:
            HarnessError: its study was not begun, or the tracker cannot be reached.
        """

    def mark_dead_runs(self, study: StudyRecord, alive: Collection[RunRecord]) -> None:  # noqa: B027
        """Show as killed those runs that have neither ended nor are among `alive`.

        Raises:
            HarnessError: the study was not begun, or the tracker cannot be reached.
        """

    def count_shown_points(self, record: RunRecord) -> int:  # noqa: ARG002
        """Return how many points of a run are known to be shown."""
        return 0
