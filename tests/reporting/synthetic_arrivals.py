"""A study in memory to which classes come twice after the start."""

import pandas as pd

from harness.core.history import History
from harness.reporting.data.curve_frame import curve_frame, segments_of
from harness.reporting.data.study_data import StudyData
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
