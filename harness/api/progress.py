"""How a launch looks while it goes on: two bars on a terminal and in a notebook, a line per run elsewhere."""

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from harness.search.observer import Observer
from harness.staging.ledger import RunRecord
from harness.staging.run_name import run_name

__all__ = ["ProgressView"]


class ProgressView(Observer):
    """Shows the runs of a study, the steps of those that are trained now, the latest metric, and the time left.

    Args:
        console: where to.
        metric: shown while a run trains, without its split.
        on_change: called when there is something new to see.

    Attributes:
        bars: of runs, and of the steps of those that are trained now.
    """

    def __init__(self, console: Console, metric: str, on_change: Callable[[], None] = lambda: None) -> None:
        self._console = console
        self._metric = metric
        self._on_change = on_change
        self.bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._runs = self.bars.add_task("runs", total=None, note="")
        self._steps = self.bars.add_task("steps", total=None, note="")
        self._ended = self._total = 0
        self._totals: dict[str, int] = {}  # by run
        self._done: dict[str, int] = {}  # by run that is being trained

    def __enter__(self) -> Self:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def on_launch(self, total: int, done: int) -> None:
        """Show how much there is to do."""
        self._total, self._ended = total, done
        self.bars.update(self._runs, total=total, completed=done)
        self._on_change()

    def on_run_begin(self, name: str, steps: int) -> None:
        """Show the run that begins."""
        self._totals[name] = steps
        self.on_training([name])

    def on_training(self, names: Sequence[str]) -> None:
        """Show which run is trained, or how many are together."""
        self._done = {name: self._done.get(name, 0) for name in names}
        what = names[0] if len(names) == 1 else f"{len(names)} runs at once"
        total = sum(self._totals[name] for name in names)
        self.bars.reset(self._steps, total=total, completed=sum(self._done.values()), description=what, note="")

    def on_evaluation(self, name: str, step: int, metrics: Mapping[str, float]) -> None:
        """Show the steps and the metric."""
        self._done[name] = step
        value = metrics.get(f"val/{self._metric}")
        note = "" if value is None else f"val/{self._metric} {value:.3f}"
        self.bars.update(self._steps, completed=sum(self._done.values()), note=note)
        self._on_change()

    def on_run_end(self, record: RunRecord) -> None:
        """Count the run; without a terminal, say how it ended."""
        self._ended += 1
        self.bars.advance(self._runs)
        self._on_change()
        if not self._console.is_terminal:
            self._console.print(
                f"[{self._ended}/{self._total}] {_ending(record, self._metric)}", markup=False, soft_wrap=True
            )


def _ending(record: RunRecord, metric: str) -> str:
    name = run_name(*record.key)
    if record.status != "completed":
        return f"{name}: {record.status} ({record.reason})"
    value = record.metrics.get(f"val/{metric}")
    return f"{name}: " + (f"completed, without {metric}" if value is None else f"val/{metric} {value:.3f}")
