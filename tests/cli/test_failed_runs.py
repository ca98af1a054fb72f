import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.cli.failed_runs import failed_runs
from harness.staging.ledger import Ledger, RunRecord

Call = Callable[..., subprocess.CompletedProcess[str]]
DIVERGED, RAISED = "diverged: loss is nan at step 3", "raised KeyError: 'classes' (study.py, line 43)"
ANEW = "; once that is mended, the same command with --retry-failed does them anew"


def ended(*reasons: str) -> list[RunRecord]:
    """Return a run that ended so for each reason; without one, it completed."""
    return [
        RunRecord("mine", trial, "frozen", 0, f"r{trial}", {}, {}, "failed" if reason else "completed", reason)
        for trial, reason in enumerate(reasons)
    ]


@pytest.mark.parametrize(
    ("reasons", "line", "code"),
    [
        (("", DIVERGED), f"1 of 2 runs failed, such as trial 1 · frozen · seed 0: {DIVERGED}; harness show mine", 0),
        ((DIVERGED,), f"1 of 1 run failed, such as trial 0 · frozen · seed 0: {DIVERGED}; harness show mine", 1),
        (("", DIVERGED, RAISED), f"2 of 3 runs failed, such as trial 2 · frozen · seed 0: {RAISED}; harness show", 1),
        (("", "killed: memory"), "1 of 2 runs failed, such as trial 1 · frozen · seed 0: killed: memory; harness", 1),
    ],
    ids=["one diverged", "all diverged", "one raised", "one was killed"],
)
def test_the_exit_code_tells_what_a_run_had_to_show_from_a_fault(
    reasons: tuple[str, ...], line: str, code: int
) -> None:
    found = failed_runs(ended(*reasons), "mine")

    assert found is not None
    assert found.line.startswith(line)
    assert found.exit_code == code
    assert found.line.endswith(ANEW) == any(reason and reason != DIVERGED for reason in reasons)


def test_nothing_is_said_where_no_run_failed() -> None:
    assert failed_runs(ended("", ""), "mine") is None


@pytest.mark.usefixtures("figures_undrawn")
def test_a_study_that_is_repeated_says_why_its_runs_failed(
    first_run: tuple[Path, object], call: Call, workplace: Path
) -> None:
    before, ledger = Ledger(first_run[0] / "runs"), Ledger(workplace / "runs")
    ledger.create()
    record = before.study("tiny")
    assert record is not None
    ledger.save_study(record)
    for run in before.runs("tiny"):
        ledger.save_run(replace(run, status="failed", reason=RAISED))

    again = call("run", "tiny", "--no-tracking")

    assert again.returncode == 1
    assert again.stderr == (
        f"harness: 4 of 4 runs failed, such as trial 0 · frozen · seed 0: {RAISED}; harness show tiny lists the reasons"
        f"{ANEW}\n"
    )
