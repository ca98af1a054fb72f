import pandas as pd

from harness.reporting.context import ReportContext
from harness.reporting.data.curve_frame import curve_frame, segments_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.arrivals import arrivals_figure
from harness.staging.ledger import StudyRecord
from harness.staging.study_spec import StudySpec
from tests.reporting.synthetic_arrivals import incremental, stage


def test_what_was_lost_is_told_beside_what_is_left() -> None:
    figure = arrivals_figure(ReportContext(incremental()))

    assert figure is not None
    assert "a 50.0 % and 45.0 points" in figure.alt  # (30 + 50 + 70) / 3; (90 - 30 + 80 - 50) / 2


def test_an_arm_to_which_nothing_arrives_has_no_matrix() -> None:
    data = incremental()
    whole = [stage([0, 30], grown=False, mean=[0.1, 0.9])]
    offline = curve_frame(list(segments_of(("run c", 0, "c", 0), whole, growth=float("nan"))))
    both = pd.concat([frame.astype({"run_id": "str", "arm": "str", "name": "str"}) for frame in (data.curves, offline)])
    curves = both.astype({"run_id": "category", "arm": "category", "name": "category"}).reset_index(drop=True)
    runs = pd.concat([data.runs, data.runs.iloc[:1].assign(run_id="run c", arm="c")])
    study = StudyRecord("arrivals", StudySpec({**data.study.spec, "arms": {"a": {}, "b": {}, "c": {}}}), 1, 1)

    figure = arrivals_figure(ReportContext(StudyData(study, runs, curves, (), data.origin)))

    assert figure is not None
    assert set(figure.data["arm"]) == {"a", "b"}


def test_where_classes_come_once_there_is_no_matrix(finished_data: StudyData) -> None:
    assert arrivals_figure(ReportContext(finished_data)) is None
