import hashlib
import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from harness.core.history import History
from harness.reporting.data.collect import collect
from harness.reporting.data.curve_frame import curve_frame, segments_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.publication.manifest import MANIFEST
from harness.reporting.verification.rerun import ChosenRuns, Rerun, Retrained, _first_point, chosen_runs, rerun
from harness.staging.histories import run_history
from harness.staging.ledger import Ledger
from harness.staging.workspace import Workspace

MakeHome = Callable[..., Path]


def recorded(home: Path) -> dict[str, tuple[History, ...]]:
    """Return the recorded stages by run."""
    runs = Ledger(home).runs("freeze-or-not")
    return {run.run_id: tuple(run_history(home / "store", (stage,)) for stage in run.stages) for run in runs}


def first_row(data: StudyData) -> dict[str, Any]:
    return {str(key): value for key, value in data.runs.iloc[0].items()}


def growths(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the growth that a row tells of."""
    return [{"step": row["growth_step"], "parameters_added": row["parameters_added"]}]


def metrics(row: Mapping[str, Any]) -> dict[str, float]:
    """Return the metrics of a row."""
    return {name: value for name, value in row.items() if "/" in name and not name.startswith("param/")}


def again(home: Path, change: Callable[[History], None] = lambda _: None, **options: Any) -> Rerun:
    """Verify one run, which is trained to what was recorded, changed."""
    data = collect(Workspace(home), "freeze-or-not")
    row = first_row(data)
    stages = recorded(home)[row["run_id"]]
    change(stages[-1])

    def train(config: dict[str, Any], heard: Mapping[str, int], test: bool) -> Retrained:
        assert config == json.loads(row["config"])
        assert heard == {}
        assert test
        return Retrained(stages, "some weights", metrics(row), growths(row))

    differences = ["numpy 2.0 and 2.1"] if options.pop("differs", False) else []
    (found,) = rerun(ChosenRuns([row], data.curves, "accuracy/all", differences=differences), train, **options)
    return found


def test_a_run_that_comes_out_the_same_passes(finished_home: Path) -> None:
    assert again(finished_home).outcome == "PASS-BITWISE"


@pytest.mark.parametrize(("last", "outcome"), [(0.25, "PASS-BITWISE"), (0.75, "FAIL")])
def test_before_and_after_a_later_growth_are_two_values_of_one_step(
    finished_home: Path, last: float, outcome: str
) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")
    row = first_row(data)
    stages = [*recorded(finished_home)[row["run_id"]], History()]
    for stage, value in ((stages[1], 0.5), (stages[2], 0.25)):
        stage.record(700, {"val/accuracy/new": value})
    run = (row["run_id"], row["trial"], row["arm"], row["seed"])
    curves = curve_frame(list(segments_of(run, stages, row["growth_step"])))
    whole = stages[0].then(stages[1]).then(stages[2])
    row["history_sha256"] = hashlib.sha256(whole.to_bytes()).hexdigest()
    again = History()
    again.record(700, {"val/accuracy/new": last})
    trained = Retrained([*stages[:2], again], row["final_sha256"], metrics(row), growths(row))

    (found,) = rerun(ChosenRuns([row], curves, "accuracy/all"), lambda *_: trained)

    assert found.outcome == outcome


def test_a_zero_of_another_sign_is_named_with_its_step() -> None:
    curves = []
    for value in (0.0, -0.0):
        history = History()
        history.record(7, {"val/loss/total": value})
        curves.append(curve_frame(list(segments_of(("run", 0, "arm", 0), [history], float("nan")))))

    assert _first_point(curves[0], curves[1], 0.0).startswith("step 7, val/loss/total: recorded ")


def test_one_more_value_is_named_with_its_step(finished_home: Path) -> None:
    found = again(finished_home, lambda history: history.record(700, {"val/accuracy/all": 0.5}))

    assert (found.outcome, found.what) == ("FAIL", "step 700, val/accuracy/all: found, not recorded")


def test_elsewhere_a_difference_proves_nothing_but_numbers_can_be_near(finished_home: Path) -> None:
    def change(history: History) -> None:
        history.record(700, {"val/accuracy/all": 0.5})

    assert again(finished_home, change, differs=True).outcome == "CANNOT-RUN"
    assert again(finished_home, change, differs=True, tolerance=1e-6).outcome == "FAIL"


def test_what_no_curve_shows_is_in_the_digest(finished_home: Path) -> None:
    found = again(finished_home, lambda history: history.record(700, {"elsewhere": 0.5}))

    assert (found.outcome, "between evaluations" in found.what) == ("FAIL", True)


def test_other_weights_are_told(finished_home: Path) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")
    row = first_row(data) | {"final_sha256": "other weights"}
    stages = recorded(finished_home)[row["run_id"]]

    trained = Retrained(stages, "some weights", metrics(row), growths(row))

    (found,) = rerun(ChosenRuns([row], data.curves, "accuracy/all"), lambda *_: trained)

    assert (found.outcome, "final weights" in found.what) == ("FAIL", True)


def test_what_cannot_be_trained_says_why(finished_home: Path) -> None:
    def train(*_: object) -> Retrained:
        raise ValueError("no GPU\nhere")

    data = collect(Workspace(finished_home), "freeze-or-not")

    (found,) = rerun(ChosenRuns([first_row(data)], data.curves, "accuracy/all"), train)

    assert (found.outcome, found.what) == ("CANNOT-RUN", "no GPU here")


def test_a_run_that_stands_in_several_configurations_is_compared_as_one(finished_home: Path) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")
    row = first_row(data)
    stages = recorded(finished_home)[row["run_id"]]
    own = data.curves[data.curves["run_id"] == row["run_id"]]
    curves = pd.concat([own, own.assign(trial=7)], ignore_index=True)

    trained = Retrained(stages, "", metrics(row), growths(row))

    (found,) = rerun(ChosenRuns([row], curves, "accuracy/all"), lambda *_: trained)

    assert found.outcome == "PASS-BITWISE"


def test_runs_are_chosen_by_a_nonce_and_the_manifest(undrawn_report: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(undrawn_report, tmp_path / "report"))

    one, other = ([row["run_id"] for row in chosen_runs(folder, 4, nonce).rows] for nonce in ("a", "b"))
    manifest = folder / MANIFEST
    manifest.write_bytes(manifest.read_bytes() + b" ")
    changed = [row["run_id"] for row in chosen_runs(folder, 4, "a").rows]

    assert len({tuple(one), tuple(other), tuple(changed)}) == 3


def test_a_named_run_comes_first_and_is_not_drawn_again(undrawn_report: Path) -> None:
    drawn = chosen_runs(undrawn_report, 2, "a").rows[0]
    name = f"{drawn['trial']}/{drawn['arm']}/{drawn['seed']}"

    chosen = chosen_runs(undrawn_report, 2, "a", [name, drawn["run_id"]])

    assert (chosen.named, chosen.rows[0]["run_id"]) == (1, drawn["run_id"])
    assert len({row["run_id"] for row in chosen.rows}) == 3


@pytest.mark.parametrize("name", ["a", "b"])
def test_signals_come_when_they_came(make_home: MakeHome, name: str) -> None:
    home = make_home(trials=1, seeds=1)
    data = collect(Workspace(home), "freeze-or-not")
    row = first_row(data)
    stages = recorded(home)[row["run_id"]]
    signal = data.curves[data.curves["run_id"] == row["run_id"]].head(1).astype({"name": "str"})
    heard: list[Mapping[str, int]] = []

    def train(_: dict[str, Any], signals: Mapping[str, int], __: bool) -> Retrained:
        heard.append(signals)
        return Retrained(stages, "")

    list(rerun(ChosenRuns([row], signal.assign(name=f"signal/{name}", step=7), "accuracy/all"), train))

    assert heard == [{name: 7}]


@pytest.mark.parametrize("opened", [True, False])
def test_test_data_are_looked_at_as_they_were(make_home: MakeHome, opened: bool) -> None:
    home = make_home(trials=1, seeds=1)
    data = collect(Workspace(home), "freeze-or-not")
    row = first_row(data)
    stages = recorded(home)[row["run_id"]]
    closed = {name: float("nan") if name.startswith("test/") else value for name, value in row.items()}
    asked: list[bool] = []

    def train(_: dict[str, Any], __: Mapping[str, int], test: bool) -> Retrained:
        asked.append(test)
        return Retrained(stages, "")

    list(rerun(ChosenRuns([row if opened else closed], data.curves, "accuracy/all"), train))

    assert asked == [opened]


@pytest.mark.parametrize("differs", [False, True])
def test_a_claimed_test_metric_fails_whatever_the_environment_is_said_to_be(finished_home: Path, differs: bool) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")
    row = first_row(data)
    trained = Retrained(recorded(finished_home)[row["run_id"]], "", metrics(row), growths(row))
    claimed = row | {"test/accuracy/all": row["test/accuracy/all"] + 0.03}
    differences = ["torch 2.0 and 2.13"] if differs else []

    (found,) = rerun(ChosenRuns([claimed], data.curves, "accuracy/all", differences), lambda *_: trained)

    assert (found.outcome, found.what.startswith("test/accuracy/all: recorded ")) == ("FAIL", True)


@pytest.mark.parametrize("column", ["test/accuracy/late", "val/forgetting", "growth_step", "parameters_added"])
def test_every_column_that_a_run_gives_is_compared(finished_home: Path, column: str) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")
    row = first_row(data)
    trained = Retrained(recorded(finished_home)[row["run_id"]], "", metrics(row), growths(row))
    claimed = row | {column: np.nextafter(row[column], np.inf)}

    (found,) = rerun(ChosenRuns([claimed], data.curves, "accuracy/all"), lambda *_: trained)

    assert (found.outcome, found.what.startswith(f"{column}: recorded ")) == ("FAIL", True)


def test_seconds_are_their_own_each_time(finished_home: Path) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")
    row = first_row(data)
    found = metrics(row) | {"cost/seconds": 1e6}
    trained = Retrained(recorded(finished_home)[row["run_id"]], "", found, growths(row))

    (result,) = rerun(ChosenRuns([row], data.curves, "accuracy/all"), lambda *_: trained)

    assert result.outcome == "PASS-BITWISE"


def test_a_metric_that_nobody_measured_fails(finished_home: Path) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")
    row = first_row(data)
    found = {name: value for name, value in metrics(row).items() if name != "test/accuracy/late"}
    trained = Retrained(recorded(finished_home)[row["run_id"]], "", found, growths(row))

    (result,) = rerun(ChosenRuns([row], data.curves, "accuracy/all"), lambda *_: trained)

    assert (result.outcome, "found none, though the history is" in result.what) == ("FAIL", True)


@pytest.mark.parametrize("differs", [False, True])
@pytest.mark.parametrize(
    ("status", "diverged", "outcome"),
    [("failed", "", "FAIL"), ("failed", "total is nan", "PASS-BITWISE"), ("completed", "total is nan", "FAIL")],
)
def test_a_run_has_to_end_as_it_is_said_to_have_ended(
    finished_home: Path, status: str, diverged: str, outcome: str, differs: bool
) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")
    row = first_row(data) | {"status": status, "reason": "diverged: total is nan"}
    trained = Retrained(recorded(finished_home)[row["run_id"]], "", metrics(row), growths(row), diverged=diverged)
    chosen = ChosenRuns([row], data.curves, "accuracy/all", ["torch 2.0 and 2.13"] if differs else [])

    (found,) = rerun(chosen, lambda *_: trained)

    assert found.outcome == outcome


@pytest.mark.parametrize("same", ["history_sha256", "final_sha256"])
def test_where_history_or_weights_are_the_recorded_ones_no_machine_excuses_another_metric(
    finished_home: Path, same: str
) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")
    row = first_row(data)
    weights = row["final_sha256"] or "weights"
    trained = Retrained(
        recorded(finished_home)[row["run_id"]], weights, metrics(row), growths(row), machine={"processor": "b"}
    )
    metric = "test/accuracy/all"
    other = {"history_sha256": "", "final_sha256": "", same: {"final_sha256": weights}.get(same, row[same])}
    claimed = row | {metric: np.nextafter(row[metric], 2), "machine": json.dumps({"processor": "a"})} | other

    (found,) = rerun(ChosenRuns([claimed], data.curves, "accuracy/all", ["processor a and b"]), lambda *_: trained)
    (near,) = rerun(ChosenRuns([claimed], data.curves, "accuracy/all"), lambda *_: trained, tolerance=0.1)

    assert (found.outcome, near.outcome) == ("FAIL", "FAIL")
    assert "recorded one" in found.what


@pytest.mark.parametrize(
    ("ends", "outcome", "said"),
    [
        ("", "FAIL", "recorded as failed (RuntimeError: not enough memory), and completed when it was trained again"),
        ("total is nan", "FAIL", "and diverged when it was trained again: total is nan"),
        (RuntimeError("not enough memory"), "PASS-BITWISE", "failed as recorded: RuntimeError: not enough memory"),
        (RuntimeError("no disk"), "CANNOT-RUN", "and failed here: RuntimeError: no disk"),
    ],
)
def test_a_run_that_is_said_to_have_failed_is_tried(
    finished_home: Path, ends: str | Exception, outcome: str, said: str
) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")
    row = first_row(data) | {"status": "failed", "reason": "RuntimeError: not enough memory"}

    def train(*_: object) -> Retrained:
        if isinstance(ends, Exception):
            raise ends
        return Retrained(recorded(finished_home)[row["run_id"]], "", metrics(row), growths(row), diverged=ends)

    (found,) = rerun(ChosenRuns([row], data.curves, "accuracy/all"), train)

    assert (found.outcome, said in found.what) == (outcome, True)


def test_what_breaks_a_run_that_completed_is_no_outcome(finished_home: Path) -> None:
    data = collect(Workspace(finished_home), "freeze-or-not")

    def train(*_: object) -> Retrained:
        raise RuntimeError("a defect")

    with pytest.raises(RuntimeError, match="a defect"):
        list(rerun(ChosenRuns([first_row(data)], data.curves, "accuracy/all"), train))
