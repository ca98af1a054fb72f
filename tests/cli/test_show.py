import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from harness.staging.ledger import Ledger

Call = Callable[..., subprocess.CompletedProcess[str]]


def test_a_study_that_was_run_is_shown_with_its_search_its_progress_and_its_files(
    first_run: tuple[Path, object], call: Call
) -> None:
    home = first_run[0] / "runs"

    ended = call("show", "tiny", "--home", str(home))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.splitlines() == [
        "tiny: A tiny study",
        "question    Should the trunk stay frozen?",
        "metric      accuracy/all",
        "searches    when = int(low=10, high=30, step=10) for growths.0.trigger.step",
        "arms        frozen: growths.0.freeze = old_parameters",
        "            unfrozen: as the configuration says",
        "progress    4 of 4 runs: 2 configurations x 2 arms x 1 seed",
        "            4 completed",
        f"study file  {first_run[0] / 'studies' / 'tiny' / 'study.py'}",
        f"ledger      {home / 'ledger.sqlite'}",
        f"stages      {home / 'store'}",
        f"report      {home / 'reports' / 'tiny'}",
    ]


def test_runs_that_failed_are_shown_with_their_reasons(
    first_run: tuple[Path, object], call: Call, workplace: Path
) -> None:
    before, ledger = Ledger(first_run[0] / "runs"), Ledger(workplace / "runs")
    ledger.create()
    record = before.study("tiny")
    assert record is not None
    ledger.save_study(record)
    for run in before.runs("tiny")[:2]:
        ledger.save_run(replace(run, status="failed", reason="raised ValueError: no"))

    ended = call("show", "tiny")

    assert "2 failed, first trial 0 · frozen · seed 0: raised ValueError: no" in ended.stdout


def test_a_study_that_was_not_begun_is_shown_by_name_or_path_and_nothing_is_written(
    call: Call, workplace: Path
) -> None:
    before = sorted(workplace.rglob("*"))

    by_name, by_path = call("show", "tiny"), call("show", "studies/tiny")

    assert by_name.stdout == by_path.stdout
    assert "progress    not begun: 2 configurations, 1 seed" in by_name.stdout
    assert sorted(workplace.rglob("*")) == before


def test_a_study_that_was_begun_is_found_by_its_path(first_run: tuple[Path, object], call: Call) -> None:
    home = str(first_run[0] / "runs")

    assert call("show", "studies/tiny", "--home", home).stdout == call("show", "tiny", "--home", home).stdout


def test_a_study_that_is_nowhere_is_refused(call: Call) -> None:
    assert "Did you mean 'tiny'" in call("show", "tinny").stderr


def test_conditions_and_objectives_are_shown(call: Call, workplace: Path) -> None:
    file = workplace / "studies" / "tiny" / "study.py"
    space = """space={
            "grown": Present(field="growths.0"),
            "when": Int(field="growths.0.trigger.step", low=10, high=30, log=True, when={"grown": [True]}),
        },
        objectives=(Objective(metric="cost/steps", direction="minimize"),),
    """
    text = file.read_text().replace("import Int", "import Int, Present")
    text = text.replace('space={"when": Int(field="growths.0.trigger.step", low=10, high=30, step=10)},', space)
    file.write_text("from harness.search.objective import Objective\n" + text)

    lines = call("show", "tiny").stdout.splitlines()

    assert lines[2:6] == [
        "metric      accuracy/all",
        "weighed     cost/steps, to minimize",
        "searches    grown = present() for growths.0",
        "            when = int(low=10, high=30, step=1, log=True) for growths.0.trigger.step, when grown = True",
    ]
