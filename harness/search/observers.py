"""Several observers of one launch."""

from collections.abc import Mapping, Sequence

from harness.search.observer import Observer
from harness.staging.ledger import RunRecord

__all__ = ["Observers"]


class Observers(Observer):
    """Tells each of several observers, in their order, whatever it is told."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def on_launch(self, total: int, done: int) -> None:
        """Tell of the launch."""
        for observer in self._observers:
            observer.on_launch(total, done)

    def on_run_begin(self, name: str, steps: int) -> None:
        """Tell of the run that begins."""
        for observer in self._observers:
            observer.on_run_begin(name, steps)

    def on_training(self, names: Sequence[str]) -> None:
        """Tell which runs are trained next."""
        for observer in self._observers:
            observer.on_training(names)

    def on_growth(self, name: str, step: int, metrics: Mapping[str, float]) -> None:
        """Tell of the growth."""
        for observer in self._observers:
            observer.on_growth(name, step, metrics)

    def on_evaluation(self, name: str, step: int, metrics: Mapping[str, float]) -> None:
        """Tell of the evaluation."""
        for observer in self._observers:
            observer.on_evaluation(name, step, metrics)

    def on_run_end(self, record: RunRecord) -> None:
        """Tell of the end of the run."""
        for observer in self._observers:
            observer.on_run_end(record)
