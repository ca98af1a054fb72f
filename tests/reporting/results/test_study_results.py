from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harness.core.errors import InputError
from harness.reporting.context import ReportContext
from harness.reporting.data.study_data import StudyData
from harness.reporting.report import Report
from harness.reporting.results.parts import FIGURES, TABLES
from harness.reporting.results.study_results import StudyResults, results_in, results_of_report
from harness.reporting.sections import make_parts
from harness.staging.workspace import Workspace

STUDY = "freeze-or-not"

pytestmark = pytest.mark.usefixtures("figures_undrawn")


def results_of(data: StudyData) -> StudyResults:
    return StudyResults(ReportContext(data), lambda out: Report("no data", "", out or Path()))


@pytest.fixture
def results(rich_data: StudyData) -> StudyResults:
    """The results of a study that recorded all there is to record."""
    return results_of(rich_data)


def test_runs_have_a_row_each_and_no_column_that_only_checks_read(results: StudyResults, rich_data: StudyData) -> None:
    runs = results.runs

    assert runs[["trial", "arm", "seed"]].equals(rich_data.runs[["trial", "arm", "seed"]])
    assert {*rich_data.labels, *results.metrics} <= set(runs.columns)
    assert not [name for name in runs.columns if "sha256" in name or name in ("config", "fork", "machine")]


def test_a_searched_field_with_the_name_of_another_column_keeps_its_prefix(finished_data: StudyData) -> None:
    label = finished_data.labels[0]
    spec = finished_data.study.spec
    spec["space"] = {"status" if name == label else name: content for name, content in spec["space"].items()}
    renamed = finished_data.runs.rename(columns={f"param/{label}": "param/status"})

    runs = results_of(replace(finished_data, runs=renamed)).runs

    assert runs["status"].isin(["completed", "failed"]).all()
    assert runs["param/status"].tolist() == finished_data.runs[f"param/{label}"].tolist()


def test_curves_have_a_row_a_run_series_and_step(results: StudyResults, rich_data: StudyData) -> None:
    assert results.curves["value"].tolist() == rich_data.curves["value"].tolist()
    assert not results.curves.duplicated(["run_id", "trial", "arm", "seed", "name", "step", "grown"]).any()


def test_frames_are_the_readers_own(finished_data: StudyData) -> None:
    before = finished_data.runs.copy()

    runs = results_of(finished_data).runs
    runs["seed"] = 0

    pd.testing.assert_frame_equal(finished_data.runs, before)


def test_the_difference_is_the_one_that_the_report_says(results: StudyResults, rich_data: StudyData) -> None:
    primary = ReportContext(rich_data).comparison

    found = results.difference()

    assert (found.mean, found.interval) == (
        primary.mean.mean,
        primary.mean.interval and (primary.mean.interval.low, primary.mean.interval.high),
    )
    assert str(results.difference(primary.first, primary.second)) == str(found)
    assert found.p == primary.mean.p
    assert f"{primary.first} minus {primary.second}, test accuracy over all classes: " in repr(found)
    assert "over 12 configurations" in repr(found)


def test_the_other_way_round_the_difference_has_the_other_sign(results: StudyResults) -> None:
    one, other = results.difference("unfrozen", "frozen"), results.difference("frozen", "unfrozen")

    assert one.mean == pytest.approx(-other.mean)
    assert one.pairs["difference"].to_numpy() == pytest.approx(-other.pairs["difference"].to_numpy())
    assert len(one.configurations) == 12


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("unfrozn", "frozen"), "no arm 'unfrozn'. Did you mean 'unfrozen'?"),
        (("frozen", "frozen"), "expected two arms, found 'frozen' twice"),
        (("unfrozen", "frozen", "test/acc"), "no metric 'test/acc'"),
    ],
)
def test_what_cannot_be_compared_is_refused(results: StudyResults, arguments: tuple[str, ...], said: str) -> None:
    with pytest.raises(InputError) as error:
        results.difference(*arguments)

    assert said in str(error.value)


def test_few_configurations_have_no_interval(study_data: Callable[..., StudyData]) -> None:
    found = results_of(study_data(trials=2, seeds=1)).difference()

    assert found.interval is None
    assert "too few for an interval" in str(found)


def test_figures_and_tables_are_those_of_the_report(results: StudyResults, rich_data: StudyData) -> None:
    made = [part for part in make_parts(ReportContext(rich_data)).values() if part]

    assert {part.name for part in made} <= {*FIGURES, *TABLES}
    assert results.figure("forest").name == "paired_differences"
    assert "<svg" in results.figure()._repr_svg_()
    assert results.figure()._repr_png_().startswith(b"\x89PNG")
    assert "<table" in results.table("outcomes")._repr_html_()


@pytest.mark.parametrize(("what", "name"), [("figure", "forrest"), ("table", "outcome")])
def test_a_name_of_none_is_refused_with_those_that_there_are(results: StudyResults, what: str, name: str) -> None:
    with pytest.raises(InputError, match=f"no {what} '{name}'.* There are: "):
        getattr(results, what)(name)


def test_a_figure_with_nothing_to_show_says_so(finished_data: StudyData) -> None:
    with pytest.raises(InputError, match="expected results that the figure 'pareto' can show"):
        results_of(finished_data).figure("pareto")


def test_a_home_and_its_report_have_the_same_results(finished_home: Path, finished_report: Path) -> None:
    home, report = results_in(Workspace(finished_home), STUDY), results_of_report(finished_report)

    pd.testing.assert_frame_equal(home.runs, report.runs)
    assert (home.verdict, repr(home)) == (report.verdict, repr(report))
    assert report.report().folder == finished_report
    assert report.report().verdict in report.report()._repr_html_()
    assert STUDY in home._repr_html_()


def test_a_report_is_written_where_it_is_asked_for(finished_home: Path, finished_report: Path, tmp_path: Path) -> None:
    for name, results in (
        ("home", results_in(Workspace(finished_home), STUDY)),
        ("report", results_of_report(finished_report)),
    ):
        written = results.report(tmp_path / name)

        assert (written.folder, written.verdict) == (tmp_path / name, results.verdict)
        assert (tmp_path / name / "report.html").is_file()
