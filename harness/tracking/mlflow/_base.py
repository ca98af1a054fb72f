"""What tracking writes to MLflow and asks of it, whichever way that goes."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.tracking.content.entry import Dataset
from harness.tracking.content.points import Point

__all__ = ["CONTEXT", "CONTEXT_TAG", "AbstractConnection", "FoundExperiment", "FoundRun"]

CONTEXT_TAG, CONTEXT = "mlflow.data.context", "train"  # what a run used its data for


@dataclass(frozen=True)
class FoundExperiment:
    """An experiment that MLflow has."""

    id: str
    is_deleted: bool
    tags: Mapping[str, str]


@dataclass(frozen=True)
class FoundRun:
    """A run that MLflow has.

    Attributes:
        start_ms: when it began, in milliseconds since 1970.
        latest: the latest value of each metric.
        has_inputs: whether it names its data.
    """

    id: str
    name: str
    start_ms: int
    status: str
    tags: Mapping[str, str]
    params: Mapping[str, str]
    latest: Mapping[str, float]
    has_inputs: bool


class AbstractConnection(ABC):
    """The calls of MLflow's client that tracking needs.

    Names and meaning are those of the client's methods. Each call is one step: it is made whole or not at all, and
    may be made again.

    Attributes:
        errors: what calls raise if MLflow cannot do something, or cannot be reached.
    """

    errors: ClassVar[tuple[type[Exception], ...]]

    @abstractmethod
    def get_experiment_by_name(self, name: str) -> FoundExperiment | None:
        """Return an experiment, deleted or not."""

    @abstractmethod
    def create_experiment(self, name: str, artifacts: str | None, tags: Mapping[str, str]) -> str:
        """Create an experiment, and return its id; `artifacts` is the URI of its folder, chosen by MLflow if None."""

    @abstractmethod
    def restore_experiment(self, experiment: str) -> None:
        """Take back that an experiment was deleted, with all its runs."""

    @abstractmethod
    def set_experiment_tag(self, experiment: str, key: str, text: str) -> None:
        """Set a tag of an experiment."""

    @abstractmethod
    def search_runs(self, experiment: str, tags: Mapping[str, str]) -> Iterator[FoundRun]:
        """Yield the runs of an experiment that are not deleted and have `tags`, however many."""

    @abstractmethod
    def create_run(self, experiment: str, start_ms: int, tags: Mapping[str, str], name: str) -> FoundRun:
        """Create a run that goes on."""

    @abstractmethod
    def delete_run(self, run: str) -> None:
        """Delete a run."""

    @abstractmethod
    def get_metric_history(self, run: str, key: str) -> list[tuple[int, float]]:
        """Return steps and values of a metric."""

    @abstractmethod
    def log_batch(
        self, run: str, points: Sequence[tuple[Point, int]], params: Mapping[str, str], tags: Mapping[str, str]
    ) -> None:
        """Write points, each with its milliseconds since 1970, params and tags: at most as many as MLflow takes."""

    @abstractmethod
    def log_inputs(self, run: str, datasets: Sequence[Dataset]) -> None:
        """Name the data that a run was trained on."""

    @abstractmethod
    def log_file(self, run: str, name: str, content: bytes) -> None:
        """Write a file of a run."""

    @abstractmethod
    def delete_tag(self, run: str, key: str) -> None:
        """Delete a tag that a run has."""

    @abstractmethod
    def update_run(self, run: str, *, status: str | None = None, name: str | None = None) -> None:
        """Set the status of a run that goes on, or its name."""

    @abstractmethod
    def set_terminated(self, run: str, status: str, end_ms: int | None = None) -> None:
        """End a run, now unless it ended at `end_ms`."""
