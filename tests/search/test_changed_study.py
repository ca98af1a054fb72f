import importlib
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import StudyChangedError
from harness.core.spec import with_changes
from harness.reporting.checks.recorded import spec_unchanged
from harness.reporting.data.collect import collect
from harness.search.begin_study import note_of_sizes
from harness.search.observer import Observer
from harness.search.preview import preview_runs
from harness.search.study import Study
from harness.staging.ledger import Ledger, RunKey, RunRecord, StudyRecord
from harness.staging.previous_specs import previous_specs, spec_digest
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace

Launch = Callable[..., StudyRecord]


def runs(home: Path) -> dict[RunKey, RunRecord]:
    return {run.key: run for run in Ledger(home).runs("tiny")}


@pytest.mark.parametrize(
    ("changes", "difference"),
    [
        ({"base.training.batch_size": 16}, "base.training.batch_size was 32 and is 16"),
        ({"space.when.low": 20}, "space.when.low was 10 and is 20"),
        ({"arms.frozen": {}}, "arms.frozen"),
        ({"comparison": ["frozen", "unfrozen"]}, "comparison was ['unfrozen', 'frozen']"),
        ({"base.steps": 50, "base.seed": 1, "smallest_effect": 0.1, "metric": "accuracy/late"}, "and 1 more"),
    ],
)
def test_a_changed_spec_is_refused_naming_the_difference(
    run_study: Launch, study: Study, tmp_path: Path, changes: dict[str, Any], difference: str
) -> None:
    run_study(trials=1)
    before = Ledger(tmp_path / "home").studies()

    with pytest.raises(StudyChangedError) as refusal:
        run_study(with_changes(study, changes))

    with pytest.raises(StudyChangedError, match=r"--as NAME"):
        preview_runs(with_changes(study, changes), Ledger(tmp_path / "home"), None, None)
    assert difference in str(refusal.value)
    assert "--as NAME" in str(refusal.value)
    assert Ledger(tmp_path / "home").studies() == before
    assert len(runs(tmp_path / "home")) == 2


def test_fields_that_came_since_a_study_was_begun_do_not_change_it(run_study: Launch, tmp_path: Path) -> None:
    run_study(trials=1)
    ledger = Ledger(tmp_path / "home")
    (begun,) = ledger.studies()
    ledger.save_study(
        replace(begun, spec=StudySpec({key: value for key, value in begun.spec.items() if key != "sampler"}))
    )

    run_study(trials=1)

    assert ledger.studies() == [begun]


def older(home: Path) -> StudyRecord:
    """Make the study and its runs what a version would have left that did not know the field `sampler`."""
    ledger = Ledger(home)
    (begun,) = ledger.studies()
    before = replace(begun, spec=StudySpec({key: value for key, value in begun.spec.items() if key != "sampler"}))
    ledger.save_study(before)
    for run in ledger.runs(begun.name):
        ledger.save_run(replace(run, spec_digest=spec_digest(before.spec)))
    return before


def test_every_run_is_recorded_with_the_plan_that_it_was_begun_under(
    run_study: Launch, study: Study, tmp_path: Path
) -> None:
    run_study(trials=1)
    run_study(with_changes(study, {"title": "A better title"}), trials=2, seeds=2)

    assert {run.spec_digest for run in runs(tmp_path / "home").values()} == {spec_digest(study.to_json())}
    assert previous_specs(Ledger(tmp_path / "home").database, "tiny") == {}


def test_the_plan_of_a_run_is_what_the_launch_has_loaded_not_what_the_ledger_says(
    run_study: Launch, study: Study, tmp_path: Path
) -> None:
    class Forger(Observer):
        def on_run_end(self, record: RunRecord) -> None:  # noqa: ARG002
            ledger = Ledger(tmp_path / "home")
            (begun,) = ledger.studies()
            ledger.save_study(replace(begun, spec=StudySpec({**begun.spec, "smallest_effect": 0.5})))

    run_study(observer=Forger())

    assert {run.spec_digest for run in runs(tmp_path / "home").values()} == {spec_digest(study.to_json())}


def test_a_form_of_the_plan_before_it_gained_fields_is_kept_and_told_from_another_plan(
    run_study: Launch, study: Study, tmp_path: Path
) -> None:
    run_study(trials=1)
    before = older(tmp_path / "home")

    record = run_study(trials=2)

    digests = {spec_digest(before.spec), spec_digest(study.to_json())}
    assert {run.spec_digest for run in runs(tmp_path / "home").values()} == digests
    assert previous_specs(Ledger(tmp_path / "home").database, "tiny") == {spec_digest(before.spec): before.spec}
    data = collect(Workspace(tmp_path / "home"), "tiny")
    assert data.earlier == (before.spec,)
    badge = spec_unchanged(data.runs, record.spec, [spec_digest(before.spec)])
    assert (badge.status, "after 2 of them" in badge.evidence) == ("PASS", True)


def test_a_plan_that_was_changed_in_file_and_ledger_alike_is_noticed(
    run_study: Launch, study: Study, tmp_path: Path
) -> None:
    run_study(trials=1)
    ledger, changes = Ledger(tmp_path / "home"), {"smallest_effect": 0.5}
    (begun,) = ledger.studies()
    ledger.save_study(replace(begun, spec=StudySpec({**begun.spec, **changes})))

    run_study(with_changes(study, changes), trials=2)

    data = collect(Workspace(tmp_path / "home"), "tiny")
    badge = spec_unchanged(data.runs, data.study.spec, list(map(spec_digest, data.earlier)))
    assert badge.status == "FAIL"
    assert badge.evidence.startswith("2 of 4 runs")


def test_a_spec_that_cannot_be_read_any_more_is_another_one(run_study: Launch, tmp_path: Path) -> None:
    run_study(trials=1)
    ledger = Ledger(tmp_path / "home")
    (begun,) = ledger.studies()
    ledger.save_study(replace(begun, spec=StudySpec({**begun.spec, "gone": 1})))

    with pytest.raises(StudyChangedError, match="gone was 1 and is None"):
        run_study(trials=1)


def test_another_name_begins_another_study(run_study: Launch, study: Study, tmp_path: Path) -> None:
    run_study(trials=1)

    run_study(study.changed({"training.batch_size": 16}, name="smaller"), trials=1)

    assert [record.name for record in Ledger(tmp_path / "home").studies()] == ["smaller", "tiny"]


def test_title_and_question_can_be_reworded(run_study: Launch, study: Study, tmp_path: Path) -> None:
    run_study()

    run_study(with_changes(study, {"title": "A better title", "question": "Better?", "trials": 5}))

    (record,) = Ledger(tmp_path / "home").studies()
    assert (record.spec["title"], record.spec["question"], record.trials) == ("A better title", "Better?", 2)


@pytest.mark.parametrize(
    ("changes", "asked", "said"),
    [
        ({"trials": 3, "seeds": 2}, (None, None), "1 trials (--trials 3 gives it more; in Python trials=3), 1 seeds"),
        ({"trials": 3}, (2, None), ""),
        ({"trials": 1}, (None, None), ""),
    ],
)
def test_numbers_that_a_begun_study_does_not_take_are_said(
    run_study: Launch,
    study: Study,
    tmp_path: Path,
    changes: dict[str, Any],
    asked: tuple[int | None, int | None],
    said: str,
) -> None:
    ledger, changed = Ledger(tmp_path / "home"), with_changes(study, changes)
    assert note_of_sizes(changed, ledger, *asked) == ""
    run_study(trials=1)

    note = note_of_sizes(changed, ledger, *asked)

    assert said in note
    assert bool(note) is bool(said)


OWN = """
from typing import Literal

from torch import nn

from harness.models import AbstractModel


class OwnOfStudy(AbstractModel):
    kind: Literal["own_of_study"] = "own_of_study"

    def build(self, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, outputs))
"""


def test_a_study_whose_own_code_changed_is_refused_or_says_so_in_its_report(
    run_study: Launch, study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def written(source: str) -> Study:
        (tmp_path / "own_of_study.py").write_text(source)
        monkeypatch.delitem(sys.modules, "own_of_study", raising=False)
        importlib.invalidate_caches()
        base = study.base.model_copy(update={"model": importlib.import_module("own_of_study").OwnOfStudy()})
        arms = {arm: {**changes, "growths.0.operation.tap": "1"} for arm, changes in study.arms.items()}
        return study.model_copy(update={"base": base, "arms": arms})

    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    run_study(written(OWN), trials=1)
    run_study(written(OWN + "\n\n# A comment, and a longer study.\n"), trials=2)
    other = written(OWN.replace("nn.ReLU()", "nn.Tanh()"))

    with pytest.raises(StudyChangedError, match="the code of 'own_of_study' has changed"):
        run_study(other, trials=3)
    run_study(other, trials=3, changed_code=True)

    data = collect(Workspace(tmp_path / "home"), "tiny")
    assert data.ledger is not None
    assert data.ledger.changed_code == ("own_of_study",)
    assert len(data.runs) == 6
    assert type(data.ledger).from_json(data.ledger.to_json()) == data.ledger


def test_four_fields_may_change_while_a_study_goes_on() -> None:
    spec = dict.fromkeys(Study.model_fields, 0)

    free = {name for name in spec if spec_digest({**spec, name: 1}) == spec_digest(spec)}

    assert free == {"question", "seeds", "title", "trials"}
