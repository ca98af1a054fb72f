"""What every tracker promises: the same runs, points, params and results, each once, however often it is cut short."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from harness.core.errors import HarnessError
from harness.core.history import History
from harness.staging.ledger import RunRecord, StudyRecord
from harness.staging.study_spec import StudySpec
from harness.tracking import AbstractTracker, Place, run_entry
from harness.tracking._study_folder import StudyFolder
from harness.tracking.content.finals import FINAL
from harness.tracking.content.points import Point
from harness.tracking.delivery.trackers import TRACKERS, tracker_of
from tests.tracking.readers import READERS, Shown, as_shown

SPEC: dict[str, Any] = {
    "name": "study",
    "title": "Should old layers stay frozen?",
    "question": "Is it better to freeze what is known?",
    "space": {"width": {"kind": "choice", "field": "growths.0.width", "options": [16, 32]}},
    "arms": {"frozen": {"freeze": "all"}, "unfrozen": {}},
    "comparison": ["unfrozen", "frozen"],
    "metric": "accuracy/all",
}
STUDY = StudyRecord("study", StudySpec(SPEC), trials=2, seeds=1)
CONFIG = {
    "task": {"kind": "digits"},
    "lr": 0.001,
    "note": 'a "quoted", one',
    "growths": [{"width": 16}],
    "layers": [64],
}
DONE = RunRecord("study", 0, "frozen", 0, "0123abcd", {"width": 16}, CONFIG, "completed")
RUNS = (
    replace(DONE, metrics={"test/accuracy/all": 0.875, "cost/seconds": 2.5, "cost/steps": 40.0}),
    replace(DONE, arm="unfrozen", metrics={"test/accuracy/all": 1 / 3}, growths=({"step": 20, "parameters_added": 5},)),
    replace(DONE, trial=1, status="failed", reason="train/loss was NaN\nat step 3"),
)
NOTHING: Mapping[Point, int] = {}
SYSTEM = {Point("system/memory_bytes", 0, 5e8): 1000, Point("system/cpu_percent", 5, 99.5): 6000}


def history() -> History:
    """Forty steps with a growth after twenty, before and after which the accuracy is the same."""
    measured = History()
    for step in range(1, 41):
        measured.record(step, {"train/loss/total": 1 / step})
        if step % 10 == 0:
            measured.record(step, {"val/accuracy/all": step / 300})
        if step == 20:
            measured.record(step, {"val/accuracy/all": 20 / 300})
    return measured


@dataclass
class Shelf:
    """A tracker's place, where it can be opened again and again."""

    kind: str
    place: Place

    def open(self) -> AbstractTracker:
        return tracker_of(self.kind).open(self.place)

    def read(self) -> dict[str, Shown]:
        return READERS[self.kind](self.place, "study")


# To load their clients takes seconds, so all but one test of these is for campaigns.
SLOW = {"mlflow", "wandb"}
KINDS = [pytest.param(kind, marks=[pytest.mark.campaign] if kind in SLOW else []) for kind in sorted(TRACKERS)]


@pytest.fixture(params=KINDS)
def shelf(request: pytest.FixtureRequest, tmp_path: Path, new_database: Callable[[Path], str]) -> Shelf:
    kind = str(request.param)
    if kind == "mlflow":
        new_database(tmp_path)
    return Shelf(kind, Place(TRACKERS[kind].uri_in(tmp_path), points="all"))


def deliver(tracker: AbstractTracker, runs: tuple[RunRecord, ...] = RUNS, study: StudyRecord = STUDY) -> None:
    tracker.begin_study(study)
    for run in runs:
        tracker.show_live_run(replace(run, status="running", metrics={}, growths=()), SYSTEM, 1000)
        tracker.project_run(run, history())
    tracker.end_study(study, "unfrozen is better")


def expected(kind: str, runs: tuple[RunRecord, ...] = RUNS, study: StudyRecord = STUDY) -> dict[str, Shown]:
    shown = {}
    for run in runs:
        entry = run_entry(study, run, history(), "all")
        points = {
            key: sorted((step, as_shown(kind, value)) for step, value in zip(s.steps, s.values, strict=True))
            for key, s in entry.metrics.items()
        }
        finals = {key: pairs[0][1] for key, pairs in points.items() if key.startswith(f"{FINAL}/")}
        curves = {key: pairs for key, pairs in points.items() if key not in finals}
        system = {point.key: [(point.step, point.value)] for point in SYSTEM}
        shown[entry.name] = Shown(entry.params, entry.tags, curves | system, finals)
    return shown


def compared(shown: dict[str, Shown], other: dict[str, Shown], leaving_out: Mapping[Point, int] = NOTHING) -> None:
    """Compare what is shown; a tracker may have tags of its own, and cells of tables hold no line breaks."""
    left_out = {point.key for point in leaving_out}
    assert shown.keys() == other.keys()
    for name, run in other.items():
        points, known = ({k: pairs for k, pairs in of.points.items() if k not in left_out} for of in (shown[name], run))
        assert points == known
        assert shown[name].finals == run.finals
        assert shown[name].params == run.params
        tags = {key: text.replace("\n", " ") for key, text in shown[name].tags.items()}
        assert {key: tags.get(key) for key in run.tags} == {k: text.replace("\n", " ") for k, text in run.tags.items()}


def test_every_run_is_shown_with_all_its_points_params_results_and_tags(shelf: Shelf) -> None:
    deliver(shelf.open())

    compared(shelf.read(), expected(shelf.kind))


@pytest.mark.parametrize("shelf", sorted(TRACKERS), indirect=True)
def test_delivering_twice_adds_nothing(shelf: Shelf) -> None:
    tracker = shelf.open()
    deliver(tracker)
    deliver(tracker)

    deliver(shelf.open())

    compared(shelf.read(), expected(shelf.kind))


@pytest.mark.parametrize("cut", [0, 1, 2])
def test_a_delivery_that_was_cut_short_goes_on_and_shows_everything_once(
    shelf: Shelf, cut: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker, kept = shelf.open(), []

    def die(folder: StudyFolder, *about: Any) -> None:
        kept.append(about)
        if len(kept) > cut:
            raise KeyboardInterrupt
        keep(folder, *about)

    keep = StudyFolder.keep
    monkeypatch.setattr(StudyFolder, "keep", die)
    try:
        deliver(tracker, RUNS[: cut + 1])
    except KeyboardInterrupt:
        monkeypatch.undo()

    deliver(shelf.open())

    compared(shelf.read(), expected(shelf.kind))


def test_a_run_that_was_done_again_replaces_the_one_before_and_so_does_one_with_another_name(shelf: Shelf) -> None:
    deliver(shelf.open())
    again = (replace(RUNS[0], metrics={"test/accuracy/all": 0.5}), *RUNS[1:])
    wider = replace(STUDY, trials=11)

    deliver(shelf.open(), again, wider)

    shown = shelf.read()
    compared(shown, expected(shelf.kind, again, wider), leaving_out=SYSTEM)  # of the run that was replaced
    assert min(shown).startswith("trial 00")


def test_the_curves_of_a_run_that_failed_before_anything_was_stored_are_kept(shelf: Shelf) -> None:
    tracker = shelf.open()
    tracker.begin_study(STUDY)
    for value in (1.0, 2.0):
        tracker.show_live_run(replace(DONE, status="running"), {Point("train/loss/total", int(value), value): 5}, 0)

    shelf.open().begin_study(STUDY)
    tracker.project_run(replace(DONE, status="failed", reason="out of memory"), History())

    (run,) = shelf.read().values()
    assert run.points == {"train/loss/total": [(1, 1.0), (2, 2.0)]}
    assert run.tags["outcome"] == "failed"


def test_what_was_not_begun_is_refused(shelf: Shelf) -> None:
    tracker = shelf.open()

    with pytest.raises(HarnessError, match="expected begin_study"):
        tracker.project_run(RUNS[0], history())
    with pytest.raises(HarnessError, match="expected begin_study"):
        tracker.end_study(STUDY, "")


def test_points_are_counted(shelf: Shelf) -> None:
    tracker = shelf.open()
    deliver(tracker)
    entry = run_entry(STUDY, RUNS[0], history(), "all")

    assert tracker.count_shown_points(RUNS[0]) == sum(len(series.steps) for series in entry.metrics.values())
    assert tracker.count_shown_points(replace(DONE, seed=5)) == 0


def test_there_is_a_reader_for_each() -> None:
    assert READERS.keys() == TRACKERS.keys()
