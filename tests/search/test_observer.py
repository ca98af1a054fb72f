from collections.abc import Callable, Mapping

import pytest

from harness.search.observer import Observer
from harness.staging.ledger import RunRecord, StudyRecord


class Journal(Observer):
    """Writes down what it is told, in order."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def on_launch(self, total: int, done: int) -> None:
        self.events.append(f"{done} of {total}")

    def on_run_begin(self, name: str, steps: int) -> None:
        self.events.append(f"{name}, {steps} steps")

    def on_evaluation(self, name: str, step: int, metrics: Mapping[str, float]) -> None:
        assert "val/accuracy/all" in metrics
        self.events.append(str(step))

    def on_run_end(self, record: RunRecord) -> None:
        self.events.append(record.status)


@pytest.fixture
def journal(run_study: Callable[..., StudyRecord]) -> list[str]:
    """What was told of a launch of one configuration."""
    journal = Journal()
    run_study(observer=journal, trials=1)
    return journal.events


def test_a_launch_tells_its_plan_first(journal: list[str]) -> None:
    assert journal[0] == "0 of 2"


@pytest.mark.parametrize("arm", ["frozen", "unfrozen"])
def test_a_run_tells_its_beginning_then_its_evaluations_then_its_end(journal: list[str], arm: str) -> None:
    begin = journal.index(f"trial 0 · {arm} · seed 0, 40 steps")
    end = journal.index("completed", begin)

    steps = [int(event) for event in journal[begin + 1 : end]]
    assert steps == sorted(steps)
    assert steps[-1] == 40
