from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import InputError, InterruptedRunError
from harness.core.instruction_sets import is_pinned
from harness.search.heartbeat import IDLE, Heartbeat
from harness.search.run_request import RunRequest
from harness.search.study import Study
from harness.search.worker import WorkerConfig, WorkItem, run_worker
from harness.staging.ledger import Ledger
from harness.staging.workspace import Workspace

RunsOf = Callable[[Study, Sequence[Mapping[str, Any]], int], list[RunRequest]]

POINTS = [{"when": 10, "init": "orthogonal"}]


def config_in(home: Path) -> WorkerConfig:
    return WorkerConfig(Workspace(home).create(), cache_features=True, live=True)


def item_of(runs: Sequence[RunRequest]) -> WorkItem:
    return WorkItem([run.to_json() for run in runs], {})


def test_a_worker_that_is_pinned_otherwise_than_its_launch_refuses(tmp_path: Path) -> None:
    config = replace(config_in(tmp_path), pinned=not is_pinned())

    with pytest.raises(InputError, match="instruction sets pinned for all workers or for none"):
        run_worker(config, lambda: None, list(IDLE), lambda: True)


def test_one_item_is_executed_after_the_other(runs_of: RunsOf, study: Study, tmp_path: Path) -> None:
    runs = runs_of(study, POINTS, 1)
    items, values, waits = [item_of(runs[:1]), item_of(runs[1:])], list(IDLE), list[Heartbeat]()

    def receive() -> WorkItem | None:
        waits.append(Heartbeat(*values))
        return items.pop(0) if items and len(waits) > 2 else None

    run_worker(config_in(tmp_path), receive, values, lambda: len(waits) > 6)

    assert [heartbeat.ready for heartbeat in waits] == [1, 1, 1, 2, 3, 3, 3]
    assert {heartbeat.run for heartbeat in waits} == {-1}
    assert len(Ledger(tmp_path).runs(study.name)) == 2
    assert waits[-1].beats > 40 + 30  # at every step; the second run shares the first ten


def test_an_item_ends_when_asked_to(runs_of: RunsOf, study: Study, tmp_path: Path) -> None:
    item, values = item_of(runs_of(study, POINTS, 1)), list(IDLE)

    with pytest.raises(InterruptedRunError):
        run_worker(config_in(tmp_path), lambda: item, values, lambda: Heartbeat(*values).beats > 20)

    assert Ledger(tmp_path).runs(study.name) == []
