import pandas as pd

from harness.core.history import History
from harness.reporting.context import ReportContext
from harness.reporting.data.curve_frame import curve_frame, segments_of
from harness.reporting.data.study_data import StudyData
from harness.reporting.figures.arrivals import arrivals_figure, arrivals_of
from harness.staging.ledger import StudyOrigin, StudyRecord
from harness.staging.study_spec import StudySpec

BY = "val/accuracy_by_arrival"


def stage(steps: list[int], *, grown: bool, **series: list[float]) -> History:
    history = History()
    if grown:
        history.record(steps[0], {"growth/parameters_added": 1.0})
    for name, values in series.items():
        for step, value in zip(steps, values, strict=True):
            history.record(step, {f"{BY}/{name.removeprefix('of_')}": value})
    return history


def incremental(arms: tuple[str, ...] = ("a", "b")) -> StudyData:
    """Return a study in which classes came twice: what was learned of the first is lost step by step."""
    stages = [
        stage([0, 10], grown=False, mean=[0.1, 0.9]),
        stage([10, 20], grown=True, mean=[0.4, 0.7], of_0=[0.8, 0.6], of_1=[0.0, 0.8]),
        stage([20, 30], grown=True, mean=[0.4, 0.5], of_0=[0.6, 0.3], of_1=[0.8, 0.5], of_2=[0.0, 0.7]),
    ]
    segments = [part for arm in arms for part in segments_of((f"run {arm}", 0, arm, 0), stages, growth=10.0)]
    runs = pd.DataFrame({"run_id": [f"run {arm}" for arm in arms], "trial": 0, "arm": arms, "seed": 0})
    spec = {"comparison": list(arms), "arms": {arm: {} for arm in arms}, "space": {}, "metric": "accuracy/all"}
    study = StudyRecord("arrivals", StudySpec(spec), 1, 1)
    return StudyData(
        study,
        runs.assign(status="completed", **{"test/accuracy/all": 0.5}),
        curve_frame(segments),
        (),
        StudyOrigin("arrivals"),
    )


def test_each_cell_is_the_end_of_a_stage() -> None:
    found = arrivals_of(incremental()).set_index(["arm", "stage", "arrival"])["value"]

    assert found["a"].to_dict() == {(0, 0): 0.9, (1, 0): 0.6, (1, 1): 0.8, (2, 0): 0.3, (2, 1): 0.5, (2, 2): 0.7}


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
    assert len(arrivals_of(finished_data)) == 0
    assert arrivals_figure(ReportContext(finished_data)) is None
