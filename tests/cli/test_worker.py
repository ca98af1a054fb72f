import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.core.errors import AwayError
from harness.staging.ledger import Ledger, StudyRecord

Call = Callable[..., subprocess.CompletedProcess[str]]


def test_a_worker_does_the_runs_that_are_left(first_run: tuple[Path, object], call: Call, workplace: Path) -> None:
    shutil.copytree(first_run[0] / "runs", workplace / "runs")
    ledger = Ledger(workplace / "runs")
    before = ledger.runs("tiny")
    with ledger.database.transaction() as transaction:
        transaction.execute("DELETE FROM runs WHERE trial = 1")

    ended = call("worker", "tiny")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.count("val/accuracy/all") == 2
    assert "All runs of tiny have ended" in ended.stdout
    assert [run.stages for run in ledger.runs("tiny")] == [run.stages for run in before]


def test_a_study_is_joined_by_its_path_too(first_run: tuple[Path, object], call: Call) -> None:
    assert call("worker", "studies/tiny", "--home", str(first_run[0] / "runs")).returncode == 0


def test_the_file_may_lie_elsewhere_on_this_machine(
    first_run: tuple[Path, object], call: Call, workplace: Path
) -> None:
    shutil.copytree(first_run[0] / "runs", workplace / "runs")
    with Ledger(workplace / "runs").database.transaction() as transaction:
        transaction.execute("UPDATE studies SET file = '/not/here/study.py'")

    assert call("worker", "tiny").returncode == 0


def test_a_study_that_was_not_begun_cannot_be_joined(call: Call, workplace: Path) -> None:
    ended = call("worker", "tiny")

    assert ended.returncode == 2
    assert "begin it with harness run tiny" in ended.stderr
    assert not (workplace / "runs").exists()


def test_a_server_that_breaks_off_the_first_question_is_asked_again(
    first_run: tuple[Path, object], call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, asked = Ledger.study, list[str]()

    def broken_off(ledger: Ledger, name: str) -> StudyRecord | None:
        asked.append(name)
        if len(asked) == 1:
            raise AwayError("gone")
        return study(ledger, name)

    monkeypatch.setattr(Ledger, "study", broken_off)
    monkeypatch.setattr("harness.search.retry.PAUSE_S", 0.0)

    assert call("worker", "tiny", "--home", str(first_run[0] / "runs")).returncode == 0
    assert asked[:2] == ["tiny", "tiny"]
