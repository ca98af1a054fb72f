"""The runs of one study in MLflow: what they have, and what they still lack."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice

from harness.tracking.content.entry import RunEntry
from harness.tracking.content.keys import SYSTEM
from harness.tracking.content.points import Point, numbered, points_of
from harness.tracking.mlflow.client import Dataset, DatasetInput, InputTag, Metric, MlflowClient, Param, Run

__all__ = ["Child", "child_of", "complete", "describe", "pages"]

METRICS_A_CALL = 1000
PARAMS_A_CALL = 100
PAGE = 500


@dataclass
class Child:
    """A run in MLflow as far as it is known here.

    Attributes:
        run: its id.
        start_ms: when it began, in milliseconds since 1970.
        status: MLflow's.
        tags: as they were when it was looked up.
        params: that it has.
        keys: of the metrics that it had when it was looked up.
        has_inputs: whether it names its data.
        points: that it has; None as long as nobody has asked.
    """

    run: str
    start_ms: int
    status: str
    tags: Mapping[str, str]
    params: dict[str, str]
    keys: tuple[str, ...]
    has_inputs: bool
    points: set[Point] | None = field(default=None, repr=False)

    def known_points(self, client: MlflowClient) -> set[Point]:
        """Return the points that it has, asking MLflow the first time."""
        if self.points is None:
            seen: dict[tuple[str, int, float], int] = {}
            self.points = {
                point
                for key in self.keys
                for point in numbered(key, _pairs(client.get_metric_history(self.run, key)), seen)
            }
        return self.points

    def add(self, client: MlflowClient, points: Mapping[Point, int]) -> None:
        """Write those of `points` that it does not have; what was written is known even if a later call fails."""
        known = self.known_points(client)
        missing = ((point, ms) for point, ms in points.items() if point not in known)
        while batch := list(islice(missing, METRICS_A_CALL)):
            metrics = [Metric(point.key, point.value, ms, point.step) for point, ms in batch]
            client.log_batch(self.run, metrics=metrics)
            known.update(point for point, _ in batch)

    def contradicts(self, client: MlflowClient, entry: RunEntry, points: Mapping[Point, int]) -> bool:
        """Return whether it has what `entry` has not: a param's other value, or a point of one of its curves."""
        if any(self.params.get(key, text) != text for key, text in entry.params.items()):
            return True
        return any(point.key in entry.metrics and point not in points for point in self.known_points(client))

    def is_whole(self, entry: RunEntry, status: str) -> bool:
        """Return whether it shows exactly `entry`."""
        return self.status == status and self.tags.get("projected") == entry.mark


def child_of(run: Run) -> Child:
    """Return what is known of a run that was looked up."""
    return Child(
        run=str(run.info.run_id),
        start_ms=int(run.info.start_time),
        status=str(run.info.status),
        tags=run.data.tags,
        params=dict(run.data.params),
        keys=tuple(key for key in run.data.metrics if not key.startswith(SYSTEM)),
        has_inputs=bool(run.inputs and run.inputs.dataset_inputs),
    )


def describe(client: MlflowClient, child: Child, entry: RunEntry) -> None:
    """Write the params and data sets of `entry` that `child` does not have."""
    missing = iter([Param(key, text) for key, text in entry.params.items() if key not in child.params])
    while batch := list(islice(missing, PARAMS_A_CALL)):
        client.log_batch(child.run, params=batch)
        child.params.update({param.key: param.value for param in batch})
    if entry.datasets and not child.has_inputs:
        client.log_inputs(child.run, datasets=[_input(entry, index) for index in range(len(entry.datasets))])
        child.has_inputs = True


def complete(entry: RunEntry, child: Child) -> dict[Point, int]:
    """Return all points of a run that has ended, spread over the time that it took."""
    a_step_ms = 1000 * entry.duration_s / entry.last_step
    return points_of(entry.metrics, lambda step: child.start_ms + int(step * a_step_ms))


def pages(client: MlflowClient, experiment: str, filter_string: str = "") -> Iterator[Run]:
    """Yield the runs of an experiment that are not deleted."""
    token: str | None = None
    while True:
        page = client.search_runs([experiment], filter_string, max_results=PAGE, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _pairs(metrics: Sequence[Metric]) -> Iterator[tuple[int, float]]:
    return ((metric.step, metric.value) for metric in metrics)


def _input(entry: RunEntry, index: int) -> DatasetInput:
    data = entry.datasets[index]
    source = Dataset(name=data.name, digest=data.digest, source_type="harness", source=data.spec)
    return DatasetInput(source, [InputTag("mlflow.data.context", "train")])
