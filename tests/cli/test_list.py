import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.staging.ledger import Ledger, RunRecord, StudyRecord
from harness.staging.study_spec import StudySpec

Call = Callable[..., subprocess.CompletedProcess[str]]


def write(home: Path, *statuses: str, trials: int = 2, seeds: int = 1, name: str = "tiny") -> None:
    """Leave a home as a launch would that ended runs with these `statuses`."""
    ledger, nothing = Ledger(home), dict[str, Any]()
    ledger.create()
    ledger.save_study(StudyRecord(name, StudySpec({"arms": {"frozen": {}, "unfrozen": {}}}), trials, seeds))
    places = [(trial, arm) for trial in range(trials) for arm in ("frozen", "unfrozen")]
    for (trial, arm), status in zip(places, statuses, strict=False):
        ledger.save_run(RunRecord(name, trial, arm, 0, "0123abcd", nothing, nothing, status))


@pytest.mark.parametrize(
    ("statuses", "state"),
    [
        ([], "half-finished: 0 of 4 runs"),
        (["completed"], "half-finished: 1 of 4 runs"),
        (["completed", "failed"], "half-finished: 2 of 4 runs, 1 failed"),
        (["completed"] * 4, "finished: 4 of 4 runs"),
        (["completed"] * 2 + ["failed"] * 2, "finished: 4 of 4 runs, 2 failed"),
    ],
)
def test_a_study_that_was_begun_is_listed_with_how_far_it_is(
    call: Call, workplace: Path, statuses: list[str], state: str
) -> None:
    write(workplace / "runs", *statuses)

    ended = call("list")

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, f"tiny  {state}\n", "")


def test_a_study_that_was_raised_is_half_finished_again(call: Call, workplace: Path) -> None:
    write(workplace / "runs", *["completed"] * 4, trials=2)
    write(workplace / "runs", trials=3)

    assert call("list").stdout == "tiny  half-finished: 4 of 6 runs\n"


def test_a_study_that_was_not_begun_is_listed_and_nothing_is_written(call: Call, workplace: Path) -> None:
    before = sorted(workplace.rglob("*"))

    ended = call("list")

    assert ended.stdout == "tiny  not begun\n"
    assert sorted(workplace.rglob("*")) == before


def test_a_study_under_another_name_is_listed_too(call: Call, workplace: Path) -> None:
    write(workplace / "runs", "completed", name="tiny-wide")

    assert call("list").stdout == "tiny       not begun\ntiny-wide  half-finished: 1 of 4 runs\n"


def test_the_home_can_be_given_as_an_option_or_by_the_environment(
    call: Call, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(workplace / "there", "completed")

    by_option = call("list", "--home", "there")
    monkeypatch.setenv("HARNESS_HOME", "there")
    by_environment = call("list")

    assert by_option.stdout == by_environment.stdout == "tiny  half-finished: 1 of 4 runs\n"


@pytest.mark.parametrize(
    ("file", "shown"), [("study.py", "study.py"), ("wide/study.py", "wide"), ("a b/s.py", "'a b/s.py'")]
)
def test_where_there_are_no_studies_it_says_what_to_do(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, shown: str
) -> None:
    place = tmp_path / "elsewhere" / file
    place.parent.mkdir(parents=True)
    place.write_text("def study(): ...")
    monkeypatch.chdir(tmp_path / "elsewhere")

    ended = call("list")

    assert ended.returncode == 0
    assert f"looks like one; as it lies there:  harness run {shown}\n" in ended.stdout
    assert "harness new NAME" in ended.stdout
    assert "harness examples" in ended.stdout


def test_a_ledger_that_is_none_is_refused_in_one_line(call: Call, workplace: Path) -> None:
    (workplace / "runs").mkdir()
    (workplace / "runs" / "ledger.sqlite").write_text("not a database")

    ended = call("list")

    assert ended.returncode == 2
    assert ended.stderr.count("\n") == 1
