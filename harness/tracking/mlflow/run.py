"""A run in MLflow: what it has, what it still lacks, and how it ends."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Self

from harness.core.history import Series
from harness.tracking.content.entry import RunEntry
from harness.tracking.content.keys import SYSTEM
from harness.tracking.content.points import Point, numbered, points_of
from harness.tracking.content.tags import ENDED_TAGS, OPTIONAL_TAGS
from harness.tracking.mlflow._base import AbstractConnection, FoundRun

__all__ = ["KILLED", "NOTE", "PARENT", "RUNNING", "STATUSES", "MlflowRun"]

NOTE = "mlflow.note.content"
PARENT = "mlflow.parentRunId"
RUNNING, KILLED = "RUNNING", "KILLED"
# Pruned is killed, on purpose: finished means trained to the end, with results that can be compared. The tag `outcome`
# tells it from a run whose process died, which has no outcome.
STATUSES = {"completed": "FINISHED", "failed": "FAILED", "pruned": KILLED, "running": RUNNING}
ENTITIES_A_CALL, PARAMS_A_CALL = 1000, 100


@dataclass
class MlflowRun:
    """A run in MLflow as far as it is known here.

    Attributes:
        id: MLflow's.
        name: under which it is shown.
        start_ms: when it began, in milliseconds since 1970.
        status: MLflow's.
        tags: as they were when it was looked up.
        params: that it has.
        keys: of the metrics that it had when it was looked up.
        has_inputs: whether it names its data.
        points: that it has; None as long as nobody has asked.
    """

    id: str
    name: str
    start_ms: int
    status: str
    tags: Mapping[str, str]
    params: dict[str, str]
    keys: tuple[str, ...]
    has_inputs: bool
    points: set[Point] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, run: FoundRun, known: "MlflowRun | None" = None) -> Self:
        """Return what is known of a run that MLflow has returned; its points are those of `known`, if it is the same.

        It is not if another process has written to it.
        """
        return cls(
            id=run.id,
            name=run.name,
            start_ms=run.start_ms,
            status=run.status,
            tags=run.tags,
            params=dict(run.params),
            keys=tuple(key for key in run.latest if not key.startswith(SYSTEM)),
            has_inputs=run.has_inputs,
            points=known.points if known and known.is_all_of(run) else None,
        )

    def is_all_of(self, run: FoundRun) -> bool:
        """Return whether the latest values of a run that MLflow has returned are known here."""
        values = {(point.key, point.value) for point in self.points or ()}
        return self.id == run.id and run.latest.items() <= values

    def shows(self, entry: RunEntry) -> bool:
        """Return whether it shows `entry`, perhaps with more points of its curves."""
        return self.status == STATUSES[entry.status] and self.tags.get("projected") in entry.marks

    def contradicts(self, client: AbstractConnection, entry: RunEntry) -> bool:
        """Return whether it has what `entry` has not: a param's other value, or a point of one of its curves."""
        if any(self.params.get(key, text) != text for key, text in entry.params.items()):
            return True
        shown = self.points_of(entry, entry.metrics)
        others = [point for point in self.known_points(client) if point.key in entry.measured and point not in shown]
        return bool(others) and not self.points_of(entry, entry.measured).keys() >= set(others)

    def points_of(self, entry: RunEntry, metrics: Mapping[str, Series]) -> dict[Point, int]:
        """Return the points of `metrics` of a run that has ended, spread over the time that it took."""
        a_step_ms = 1000 * entry.duration_s / entry.last_step
        return points_of(metrics, lambda step: self.start_ms + int(step * a_step_ms))

    def known_points(self, client: AbstractConnection) -> set[Point]:
        """Return the points that it has, asking MLflow the first time."""
        if self.points is None:
            counts: dict[tuple[str, int, float], int] = {}
            self.points = {
                point
                for key in self.keys
                for point in numbered(key, iter(client.get_metric_history(self.id, key)), counts)
            }
        return self.points

    def log(self, client: AbstractConnection, points: Mapping[Point, int], params: Mapping[str, str]) -> None:
        """Write what it does not have; what was written is known even if a later call fails."""
        known = self.known_points(client)
        points_left = ((point, ms) for point, ms in points.items() if point not in known)
        params_left = iter([param for param in params.items() if param[0] not in self.params])
        while True:
            some = dict(islice(params_left, PARAMS_A_CALL))
            many = list(islice(points_left, ENTITIES_A_CALL - len(some)))
            if not some and not many:
                return
            client.log_batch(self.id, many, some, {})
            known.update(point for point, _ in many)
            self.params.update(some)

    def log_datasets(self, client: AbstractConnection, entry: RunEntry) -> None:
        """Name the data sets of `entry`, unless it names its data."""
        if entry.datasets and not self.has_inputs:
            client.log_inputs(self.id, entry.datasets)
            self.has_inputs = True

    def set_status(self, client: AbstractConnection, status: str) -> None:
        """Set the status, unless it is that already."""
        if self.status != status:
            if status == RUNNING:
                client.update_run(self.id, status=status)
            else:
                client.set_terminated(self.id, status)
            self.status = status

    def reopen(self, client: AbstractConnection) -> None:
        """Let a run that has ended go on."""
        if self.status != RUNNING:
            # Before the status: a run that goes on must not keep these tags if this is cut short.
            for stale in sorted(ENDED_TAGS & self.tags.keys()):
                client.delete_tag(self.id, stale)
            self.tags = {key: text for key, text in self.tags.items() if key not in ENDED_TAGS}
            self.set_status(client, RUNNING)

    def end(self, client: AbstractConnection, entry: RunEntry, further: Mapping[str, str]) -> None:
        """Write the name and the tags, also `further` ones, of a run that has all else, and last of all its end."""
        tags = {**entry.tags, **further, "projected": entry.mark}
        client.log_batch(self.id, [], {}, {key: text for key, text in tags.items() if self.tags.get(key) != text})
        for stale in sorted(OPTIONAL_TAGS & self.tags.keys() - tags.keys()):
            client.delete_tag(self.id, stale)
        if self.name != entry.name:
            client.update_run(self.id, name=entry.name)
            self.name = entry.name
        # Last: only a run that is whole has an end.
        client.set_terminated(self.id, STATUSES[entry.status], self.start_ms + int(1000 * entry.duration_s))
        self.status, self.tags = STATUSES[entry.status], {**self.tags, **tags}
