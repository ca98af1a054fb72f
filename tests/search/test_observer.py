from collections.abc import Callable, Mapping, Sequence

import pytest

from harness.search.observer import Observer
from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.run_name import run_name


class Journal(Observer):
    """Writes down what it is told, in order."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.trained: set[str] = set()

    def on_launch(self, total: int, done: int) -> None:
        self.events.append(f"{done} of {total}")

    def on_run_begin(self, name: str, steps: int) -> None:
        self.events.append(f"{name}, {steps} steps")

    def on_training(self, names: Sequence[str]) -> None:
        self.trained = {*self.trained, *names}

    def on_evaluation(self, name: str, step: int, metrics: Mapping[str, float]) -> None:
        assert "val/accuracy/all" in metrics
        self.events.append(f"{name} at {step}")

    def on_growth(self, name: str, step: int, metrics: Mapping[str, float]) -> None:
        assert metrics["growth/parameters_added"] > 0
        self.events.append(f"{name} grew at {step}")

    def on_run_end(self, record: RunRecord) -> None:
        self.events.append(f"{run_name(*record.key)} {record.status}")


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
    name = f"trial 0 · {arm} · seed 0"
    told = [event.removeprefix(name) for event in journal if event.startswith(name)]

    begun = len(told) - told[::-1].index(", 40 steps")  # it begins again if another run trained what both pass through
    steps = [int(event.rpartition(" at ")[2]) for event in told[begun:-1]]
    assert told[-1] == " completed"
    assert steps == sorted(steps)
    assert sum("grew" in event for event in told[begun:]) == 1
    assert steps[-1] == 40


def test_a_launch_tells_which_runs_it_trains(run_study: Callable[..., StudyRecord]) -> None:
    journal = Journal()

    run_study(observer=journal, trials=1)

    assert journal.trained == {f"trial 0 · {arm} · seed 0" for arm in ("frozen", "unfrozen")}
