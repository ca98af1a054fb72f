from dataclasses import replace

from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.content.points import Point
from harness.tracking.memory import MemoryTracker


def test_what_was_projected_can_be_read(study: StudyRecord, run: RunRecord, history: History) -> None:
    tracker = MemoryTracker()

    tracker.begin_study(study)
    tracker.project_run(run, history)
    tracker.end_study(study, "1 completed")

    assert tracker.runs[study.name, 7, "unfrozen", 2].metrics["final/accuracy_all"].values == [0.875]
    assert tracker.summaries == {study.name: "1 completed"}


def test_points_of_a_live_run_are_kept_until_it_ends_or_is_gone(
    study: StudyRecord, run: RunRecord, history: History
) -> None:
    tracker, other = MemoryTracker("all"), replace(run, seed=0)
    tracker.begin_study(study)
    for each in (run, other):
        tracker.show_live_run(each, {Point("a", 1, 2.0): 3}, 0)
    counts = tracker.count_shown_points(run)

    tracker.mark_dead_runs(study, [run])
    tracker.project_run(run, history)

    assert counts == 1
    assert tracker.live == {}
    assert tracker.count_shown_points(other) == 0
    assert tracker.count_shown_points(run) == len(history) + 3
