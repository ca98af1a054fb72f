import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from harness.core.errors import InputError
from harness.reporting.data.collect import collect
from harness.reporting.publication.manifest import MANIFEST, manifest_of
from harness.reporting.publication.publishing import publish
from harness.reporting.publication.source_files import read_data, written_data
from harness.reporting.verification.compare import SideBySide, compare_reports
from harness.staging.ledger import Ledger, StudyRecord
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace

Write = Callable[..., Path]


def write_data(home: Path, folder: Path) -> Path:
    """Write of a report what is compared: its data, and what the manifest says of them. Figures would take seconds."""
    data = collect(Workspace(home), "freeze-or-not")
    files = {**written_data(data, {}), "report.md": b"Not compared."}
    publish(folder, files | {MANIFEST: manifest_of("freeze-or-not", files, data.runs)})
    return folder


@pytest.fixture
def write(tmp_path: Path, make_home: Callable[..., Path]) -> Write:
    """Write the data of a report named as the first argument, of a study with the given fields."""

    def written(name: str, **fields: Any) -> Path:
        home = make_home(**{"trials": 6, "seeds": 1, **fields})
        report = write_data(home, tmp_path / name)
        shutil.rmtree(home)
        return report

    return written


def differences(found: SideBySide, side: int) -> np.ndarray:
    values: np.ndarray = found.sides[side].comparison.configurations["difference"].to_numpy()
    return values


def test_a_report_beside_itself_has_not_changed(undrawn_report: Path) -> None:
    found = compare_reports(undrawn_report, undrawn_report)

    assert (found.change.mean, found.change.configurations) == (0.0, 6)
    assert (found.runs, found.equal_metrics, found.equal_histories) == (24, 24, 24)
    assert (found.spec, found.environment) == ((), ())


def test_diverged_runs_count_as_in_the_verdict(write: Write) -> None:
    report = write("one", failed=((2, "frozen", 0),))

    found = compare_reports(report, report)

    assert [side.comparison.imputed for side in found.sides] == [1, 1]


def test_a_report_from_before_a_metric_came_has_equal_results(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    report, read, sides = write("one"), read_data, list[int]()

    def read_older(files: Any) -> Any:
        data = read(files)
        sides.append(len(sides))
        return replace(data, runs=data.runs.drop(columns="cost/steps")) if sides[-1] == 0 else data

    monkeypatch.setattr("harness.reporting.verification.compare.read_data", read_older)

    found = compare_reports(report, report)

    assert (found.runs, found.equal_metrics) == (12, 12)


def older(read: Any, name: str, drop: str) -> Any:
    """Read the first report asked for as a version wrote it whose spec lacked a field, and whose runs had other ids."""
    sides = list[int]()

    def read_older(files: Any) -> Any:
        data = read(files)
        sides.append(len(sides))
        if sides[-1]:
            return data
        spec = {key: value for key, value in data.study.spec.items() if key != drop}
        runs = data.runs.assign(run_id=[f"{name} {index}" for index in range(len(data.runs))])
        return replace(data, study=replace(data.study, spec=StudySpec(spec)), runs=runs)

    return read_older


def test_runs_are_the_same_ones_though_a_field_that_came_changed_their_ids(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = write("one")
    monkeypatch.setattr("harness.reporting.verification.compare.read_data", older(read_data, "older", "title"))

    found = compare_reports(report, report)

    assert (found.runs, found.equal_metrics, found.equal_histories) == (12, 12, 12)
    assert found.spec == ("only in the second: title Freeze or not",)


def test_a_change_is_paired_over_the_configurations_that_both_have(write: Write) -> None:
    one, other = write("one"), write("other", effect=0.03, trials=8)

    found = compare_reports(one, other)

    expected = differences(found, 1)[:6] - differences(found, 0)
    interval = stats.t.interval(0.95, 5, expected.mean(), stats.sem(expected))
    assert found.change.configurations == 6
    assert found.change.mean == pytest.approx(expected.mean(), abs=1e-15)
    assert found.change.interval is not None
    assert (found.change.interval.low, found.change.interval.high) == pytest.approx(interval, abs=1e-15)
    assert found.equal_metrics < found.runs == 12
    assert found.spec == ("trials 6 and 8",)


def test_without_common_configurations_the_means_are_compared(write: Write) -> None:
    one, other = write("one"), write("other", where=("elsewhere",))

    found = compare_reports(one, other)

    samples = differences(found, 1), differences(found, 0)
    expected = stats.ttest_ind(*samples, equal_var=False).confidence_interval(0.95)
    assert found.change.configurations == 0
    assert found.change.interval is not None
    assert (found.change.interval.low, found.change.interval.high) == (expected.low, expected.high)


def test_too_few_configurations_have_a_change_without_an_interval(write: Write) -> None:
    found = compare_reports(write("one", trials=2), write("other", trials=3, effect=0.05))

    assert found.change.interval is None
    assert found.change.mean > 0


def test_no_configurations_have_no_change(write: Write) -> None:
    found = compare_reports(write("one", trials=0), write("other"))

    assert np.isnan(found.change.mean)


def test_what_differs_in_the_spec_is_named_with_both_values(write: Write) -> None:
    found = compare_reports(write("one"), write("other", smallest_effect=0.02, title="Another title"))

    assert found.spec == ("title Freeze or not and Another title", "smallest_effect 0.005 and 0.02")


def test_reports_that_answer_different_questions_are_refused(
    write: Write, make_home: Callable[..., Path], tmp_path: Path
) -> None:
    one, home = write("one"), make_home(trials=2, seeds=1)
    record = Ledger(home).study("freeze-or-not")
    assert record is not None
    spec = {**record.spec, "metric": "accuracy/late"}
    Ledger(home).save_study(StudyRecord(record.name, StudySpec(spec), record.trials, record.seeds))
    other = write_data(home, tmp_path / "other")

    with pytest.raises(InputError, match=r"found the metric 'accuracy/all' in .* and 'accuracy/late' in"):
        compare_reports(one, other)


def test_a_report_that_was_changed_is_refused(write: Write) -> None:
    one, other = write("one"), write("other")
    (other / "report.md").write_text("better")

    with pytest.raises(InputError, match=r"expected a report as it was written at .*; see harness verify"):
        compare_reports(one, other)
