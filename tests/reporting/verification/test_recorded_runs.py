from pathlib import Path

from harness.reporting.verification.recorded_runs import recorded_study
from harness.staging.ledger import Ledger


def test_runs_are_read_back_as_the_ledger_has_them(finished_report: Path, finished_home: Path) -> None:
    data, runs = recorded_study(finished_report)

    kept = ("trial", "arm", "seed", "run_id", "status", "config", "params", "metrics")
    assert (data.study.name, data.study.trials, data.study.seeds) == ("freeze-or-not", 6, 2)
    assert [[getattr(run, name) for name in kept] for run in runs] == [
        [getattr(run, name) for name in kept] for run in Ledger(finished_home).runs("freeze-or-not")
    ]
