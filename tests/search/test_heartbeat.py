from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.search.heartbeat import IDLE, SEVERAL, Heartbeat, HeartbeatWriter
from harness.search.run_request import RunRequest
from harness.search.study import Study

RunsOf = Callable[[Study, Sequence[Mapping[str, Any]], int], list[RunRequest]]

POINTS = [{"when": 10, "init": "orthogonal"}]


def test_a_run_is_starting_until_it_reports(runs_of: RunsOf, study: Study) -> None:
    values = list(IDLE)
    writer = HeartbeatWriter(values)
    writer.item_begins(runs_of(study, POINTS, 1))

    writer.beat()
    writer.on_run_begin("trial 0 · unfrozen · seed 0", 40)
    began = Heartbeat(*values)
    writer.on_evaluation("trial 0 · unfrozen · seed 0", 0, {})

    assert began == Heartbeat(1, 2, 2)
    assert began.starting
    assert not Heartbeat(*values).starting


def test_of_several_runs_that_are_trained_together_none_is_named(runs_of: RunsOf, study: Study) -> None:
    values = list(IDLE)
    writer = HeartbeatWriter(values)
    writer.item_begins(runs := runs_of(study, POINTS, 1))

    named = []
    for names in ([run.name for run in runs], [runs[1].name]):
        writer.on_training(names)
        named.append(values[0])

    assert named == [SEVERAL, 1]
    assert values[2] == 2


def test_two_attempts_at_the_same_run_have_different_heartbeats(runs_of: RunsOf, study: Study) -> None:
    values, seen = list(IDLE), []
    writer = HeartbeatWriter(values)
    writer.item_begins(runs_of(study, POINTS, 1))

    for _ in range(3):
        writer.on_run_begin("trial 0 · frozen · seed 0", 40)
        seen.append(Heartbeat(*values))

    assert len(set(seen)) == 3
