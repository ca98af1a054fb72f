"""What workers did, told to an observer in the process that launched them."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from harness.core.history import History
from harness.search.observer import Observer
from harness.staging.histories import run_history
from harness.staging.ledger import RunRecord
from harness.staging.results import growths_in
from harness.staging.run_name import run_name

__all__ = ["retell"]


def retell(record: RunRecord, stages: Path, observer: Observer) -> None:
    """Tell of the beginning, the growths and the evaluations of a run that ended elsewhere, from its stored history.

    Args:
        record: of the run.
        stages: the folder of the stages.
        observer: notified; the end is for others to tell.
    """
    name = run_name(*record.key)
    observer.on_run_begin(name, int(record.config["steps"]))
    history = History()
    with suppress(FileNotFoundError):  # the store was made smaller meanwhile
        history = run_history(stages, record.stages)
    growths, evaluations = growths_in(history), dict(_evaluations(history))
    for step in sorted({*growths, *evaluations}):
        if step in growths:
            observer.on_growth(name, step, growths[step])
        if step in evaluations:
            observer.on_evaluation(name, step, evaluations[step])


def _evaluations(history: History) -> Iterator[tuple[int, dict[str, float]]]:
    """Yield each step at which the run was evaluated on validation data, with what was found there."""
    measured = {name: history[name] for name in history if name.startswith("val/")}
    for step in sorted({step for series in measured.values() for step in series.steps}):
        yield step, {name: series.at(step) for name, series in measured.items() if step in series.steps}
