from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from harness.search.observers import Observers
from harness.search.retell import retell
from harness.search.study import Study
from harness.staging.ledger import Ledger, StudyRecord
from tests.search.test_observer import Journal

Launch = Callable[..., StudyRecord]


def test_what_is_retold_is_what_was_told(run_study: Launch, tmp_path: Path) -> None:
    told, other, again = Journal(), Journal(), Journal()
    run_study(observer=Observers(told, other), trials=1)

    for run in Ledger(tmp_path / "home").runs("tiny"):
        retell(run, tmp_path / "home" / "store", again)

    assert told.events == other.events
    assert set(again.events) >= {what for what in told.events if " of " not in what and "completed" not in what}
    assert grown(again) == grown(told)


def grown(journal: Journal) -> set[str]:
    return {what for what in journal.events if "grew" in what}


def test_a_run_whose_history_is_gone_has_only_begun(launched_home: Path, study: Study) -> None:
    journal = Journal()
    run = Ledger(launched_home).runs(study.name)[0]

    retell(replace(run, stages=run.stages[:1]), launched_home / "gone", journal)

    assert journal.events == [f"trial 0 · {run.arm} · seed 0, 40 steps"]
