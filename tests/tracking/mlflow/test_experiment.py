from collections.abc import Callable
from dataclasses import replace

from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.tracking.mlflow.client import MlflowClient, Run
from harness.tracking.mlflow.tracker import MlflowTracker

MakeRun = Callable[..., RunRecord]
ReadBack = Callable[[], tuple[Run, list[Run]]]


def test_a_study_ends_with_its_outcome_and_goes_on_when_it_is_extended(
    tracker: MlflowTracker, study: StudyRecord, read_back: ReadBack
) -> None:
    tracker.begin_study(study)
    tracker.end_study(study, "48 completed")
    ended, _ = read_back()

    tracker.begin_study(replace(study, trials=9))

    extended, _ = read_back()
    assert ended.info.status == "FINISHED"
    assert ended.data.tags["mlflow.note.content"].startswith("**48 completed**\n\n###")
    assert (extended.info.status, extended.data.tags["planned_runs"]) == ("RUNNING", "54")


def test_a_run_has_the_color_that_its_arm_has_in_reports(
    tracker: MlflowTracker, study: StudyRecord, make_run: Callable[..., RunRecord], read_back: ReadBack
) -> None:
    tracker.begin_study(study)
    for arm in ("frozen", "unfrozen"):
        tracker.project_run(make_run(arm=arm), History())

    colors = {run.data.tags["arm"]: run.data.tags["mlflow.runColor"] for run in read_back()[1]}
    assert colors == {"unfrozen": "#d97706", "frozen": "#1d4e89"}


def test_what_was_deleted_in_the_ui_is_shown_again(
    tracker: MlflowTracker,
    client: MlflowClient,
    study: StudyRecord,
    run: RunRecord,
    history: History,
    read_back: ReadBack,
) -> None:
    tracker.begin_study(study)
    tracker.project_run(run, history)
    parent, _ = read_back()
    client.delete_run(parent.info.run_id)
    client.delete_experiment(parent.info.experiment_id)

    tracker.begin_study(study)
    tracker.project_run(run, history)

    assert len(read_back()[1]) == 1
