"""An observer of one's own, whose errors end a launch and are no failures of runs."""

from collections.abc import Callable, Mapping, Sequence

from harness.search.observer import Observer
from harness.staging.ledger import RunRecord

__all__ = ["GuardedObserver"]


class GuardedObserver(Observer):
    """Tells `observer`, until it raises something.

    Attributes:
        error: what it raised first; it is told nothing from then on.
    """

    def __init__(self, observer: Observer) -> None:
        self.error: Exception | None = None
        self._observer = observer

    def on_launch(self, total: int, done: int) -> None:
        """Tell of the launch."""
        self._tell(self._observer.on_launch, total, done)

    def on_run_begin(self, name: str, steps: int) -> None:
        """Tell of the run that begins."""
        self._tell(self._observer.on_run_begin, name, steps)

    def on_training(self, names: Sequence[str]) -> None:
        """Tell which runs are trained next."""
        self._tell(self._observer.on_training, names)

    def on_growth(self, name: str, step: int, metrics: Mapping[str, float]) -> None:
        """Tell of the growth."""
        self._tell(self._observer.on_growth, name, step, metrics)

    def on_evaluation(self, name: str, step: int, metrics: Mapping[str, float]) -> None:
        """Tell of the evaluation."""
        self._tell(self._observer.on_evaluation, name, step, metrics)

    def on_run_end(self, record: RunRecord) -> None:
        """Tell of the end of the run."""
        self._tell(self._observer.on_run_end, record)

    def _tell(self, method: Callable[..., None], *what: object) -> None:
        if self.error is None:
            try:
                method(*what)
            except Exception as error:  # noqa: BLE001  # somebody's own code may raise anything
                self.error = error
