"""Configurations without a value of some dimension, from the ledger to every file of a report."""

import csv
import io
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

from harness.reporting.analysis.pairing import compare
from harness.reporting.data.collect import collect
from harness.reporting.data.columns import is_absent
from harness.reporting.data.measures import measure_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.data.wording import NOTHING
from harness.reporting.importance import fanova, permutation
from harness.reporting.importance.drivers import drivers
from harness.reporting.publication.publishing import publish
from harness.reporting.publication.source_files import read_data, written_data
from harness.reporting.report import report_files
from harness.reporting.verification.compare import compare_reports
from harness.staging.ledger import Ledger
from harness.staging.study_spec import StudySpec
from harness.staging.workspace import Workspace

Undrawn = Callable[[], AbstractContextManager[None]]
NAME = "freeze-or-not"


def forget_odd_widths(home: Path) -> None:
    ledger = Ledger(home)
    for run in ledger.runs(NAME):
        if run.trial % 2:
            ledger.save_run(replace(run, params={k: v for k, v in run.params.items() if k != "width"}))


@pytest.fixture(scope="module")
def home(write_home: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home of 14 configurations, of which the odd ones have no width; to be read only."""
    home = write_home(tmp_path_factory.mktemp("absent") / "home", trials=14, seeds=1)
    forget_odd_widths(home)
    return home


@pytest.fixture(scope="module")
def data(home: Path) -> StudyData:
    return collect(Workspace(home), NAME)


@pytest.fixture(scope="module")
def files(data: StudyData, undrawn: Undrawn) -> dict[str, bytes]:
    """Return all files of the report."""
    return written(data, undrawn)


def written(data: StudyData, undrawn: Undrawn) -> dict[str, bytes]:
    """Return all files of a report in which importance is estimated from few resamples, and no figure is drawn."""
    with undrawn(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(permutation, "RESAMPLES", 2)
        patch.setattr(permutation, "SHUFFLES", 20)
        patch.setattr(fanova, "TREES", 4)
        return report_files(written_data(data, {}))


def test_what_is_absent_stays_absent_and_whole_numbers_stay_whole(data: StudyData) -> None:
    back = read_data(written_data(data, {}))

    for found in (data, back):
        widths = dict(zip(found.runs["trial"], found.runs["param/width"], strict=True))
        assert all(is_absent(width) == trial % 2 for trial, width in widths.items())
        assert all(type(width) is int for trial, width in widths.items() if trial % 2 == 0)
    assert back.runs["param/when"].dtype == data.runs["param/when"].dtype == "int64"


def test_a_report_shows_a_dash_and_leaves_the_cell_of_its_data_empty(
    data: StudyData, files: dict[str, bytes], undrawn: Undrawn
) -> None:
    rows = list(csv.DictReader(io.StringIO(files["tables/runs.csv"].decode())))
    assert all((row["param/width"] == "") == int(row["trial"]) % 2 for row in rows)
    page = "\n".join(content.decode() for path, content in files.items() if path.endswith(".md"))
    assert re.search(r"\b(nan|NaN|None)\b", page) is None
    assert f"| 1 | {data.runs['param/when'][2]} | {data.runs['param/where'][2]} | {NOTHING} |" in page
    forest = list(csv.DictReader(io.StringIO(files["figures/paired_differences.csv"].decode())))
    assert {row["width"] for row in forest if int(row["trial"]) % 2} == {NOTHING}
    assert written(read_data(files), undrawn) == files


def test_a_map_has_axes_of_dimensions_that_always_exist(files: dict[str, bytes]) -> None:
    header = files["figures/effect_map.csv"].decode().splitlines()[0]
    assert header == "trial,when,where,difference"


def test_importance_learns_from_whether_a_dimension_exists(data: StudyData) -> None:
    odd = data.runs["trial"] % 2
    runs = data.runs.assign(**{"test/accuracy/all": 0.5 + 0.2 * odd + 1e-4 * data.runs["trial"]})

    comparison = compare(runs, "unfrozen", "frozen", "test/accuracy/all")

    found = drivers(replace(data, runs=runs), comparison, measure_of("test/accuracy/all"))

    (metric,) = found  # the arms are alike, so that no difference varies
    assert metric.target == "metric"
    assert metric.variance.named == ("width",)
    assert metric.best.named == ("width",)


def test_reports_are_paired_by_what_exists(files: dict[str, bytes], tmp_path: Path) -> None:
    for name in ("one", "two"):
        publish(tmp_path / name, files)

    found = compare_reports(tmp_path / "one", tmp_path / "two")

    assert (found.change.configurations, found.change.mean) == (14, 0)


@pytest.mark.usefixtures("figures_undrawn")
def test_the_space_says_where_a_dimension_exists(make_home: Callable[..., Path]) -> None:
    home = make_home(trials=2, seeds=1)
    forget_odd_widths(home)
    ledger = Ledger(home)
    record = ledger.study(NAME)
    assert record is not None
    space = record.spec["space"] | {
        "width": {**record.spec["space"]["width"], "when": {"where": ["hidden.0", "block2"], "again": [True]}},
        "again": {"kind": "present", "field": "growths.1", "when": {}},
        "share": {"kind": "float", "field": "x", "low": 0.0, "high": 2.0, "step": 1.0, "log": False, "when": {}},
    }
    ledger.save_study(replace(record, spec=StudySpec({**record.spec, "space": space})))

    page = report_files(written_data(collect(Workspace(home), NAME), {}))["report.md"].decode()

    assert "| 16 to 128, in steps of 16; only where where is hidden.0 or block2 and again is yes |" in page
    assert "| again | `growths.1` | present or not |" in page.replace("| growths.1 |", "| `growths.1` |")
    assert "| 0 to 2, in steps of 1.0 |" in page
