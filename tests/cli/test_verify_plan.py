import json
import shutil
import sys
from pathlib import Path

import pytest

from harness.cli.verify_plan import verify_plan
from harness.search.plan_departures import PlanDepartures

REPORTS = Path(__file__).parents[2] / "reports"


def departing(monkeypatch: pytest.MonkeyPatch, departures: PlanDepartures) -> None:
    monkeypatch.setattr("harness.search.plan_departures.plan_departures", lambda *_, **__: departures)


def test_the_published_runs_are_those_that_were_planned(capsys: pytest.CaptureFixture[str]) -> None:
    assert verify_plan(REPORTS / "digits-each-at-its-best", None, ()) is None

    assert capsys.readouterr().out.startswith("the plan: all 190 runs are those that the study plans")


@pytest.mark.parametrize(
    ("likely", "option"),
    [
        (None, "--study FILE, the file of the study"),
        (Path("studies/dict-losses/study.py"), "--study studies/dict-losses"),
    ],
)
def test_parts_of_a_studys_own_are_asked_for_and_not_executed(
    likely: Path | None, option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    loaded, not_shown = set(sys.modules), list[str]()

    assert verify_plan(REPORTS / "dict-losses", None, (), not_shown, likely=likely) is None

    assert not [name for name in set(sys.modules) - loaded if name.startswith("study_")]
    said = (
        "the plan was not compared: the study defines base.model itself, and nobody's code is executed unasked; once "
    )
    assert (out := capsys.readouterr().out).startswith(said)
    assert f"add {option}" in out
    assert not_shown == ["not shown: that these runs, and no others, are those that the study plans; say --study FILE"]


def test_departures_fail_and_are_shown_without_control_marks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    departing(monkeypatch, PlanDepartures(("a run\x1b[2J",), (), "what trial 1 came to is not recorded"))

    assert verify_plan(REPORTS / "digits-late-classes", None, ()) == "FAIL"

    assert capsys.readouterr().out.splitlines() == [
        "level 1: plan: a run<U+001B>[2J",
        "a part of the plan was not compared: what trial 1 came to is not recorded",
        "FAIL: the runs are not those that the study plans",
    ]


@pytest.mark.parametrize(
    ("report", "departures", "outcome"),
    [
        ("digits-each-at-its-best", PlanDepartures((), ("other values",)), "CANNOT-RUN"),
        ("digits-each-at-its-best", PlanDepartures(("a run",), ()), "FAIL"),
        ("digits-late-classes", PlanDepartures((), ("other values",)), "FAIL"),
    ],
)
def test_another_optuna_may_propose_other_values_if_it_learns(
    monkeypatch: pytest.MonkeyPatch, report: str, departures: PlanDepartures, outcome: str
) -> None:
    departing(monkeypatch, departures)

    assert verify_plan(REPORTS / report, None, ("optuna 4.0 and 5.0",)) == outcome


def test_a_plan_without_end_is_not_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = Path(shutil.copytree(REPORTS / "digits-late-classes", tmp_path / "report"))
    study = json.loads((report / "study.json").read_text())
    (report / "study.json").write_text(json.dumps({**study, "trials": 10**12}))

    assert verify_plan(report, None, ()) == "FAIL"
    assert capsys.readouterr().out == "FAIL: the study plans 9,000,000,000,000 runs, and the report has 108\n"


@pytest.mark.parametrize("known", [{}, {"runs_sha256": "ab" * 32}])
def test_other_runs_than_were_registered_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], known: dict[str, str]
) -> None:
    report = Path(shutil.copytree(REPORTS / "digits-late-classes", tmp_path / "report"))
    study = json.loads((report / "study.json").read_text())
    registration = {"content": {"trials": 2, "seeds": 1, **known}, "at": 0.0, "first_launch": None}
    ledger = {"records_sha256": "", "records_without_digest": 0, "studies_alike": 1, "registration": registration}
    (report / "study.json").write_text(json.dumps({**study, "ledger": ledger}))

    assert verify_plan(report, None, ()) == "FAIL"
    said = capsys.readouterr().out
    assert "level 1: plan: the 2 configurations with 1 seeds are not those that were registered" in said
