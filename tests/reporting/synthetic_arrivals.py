"""A study in memory to which classes come twice after the start."""

import json

import pandas as pd

from harness.core.history import History
from harness.reporting.data.curve_frame import curve_frame, segments_of
from harness.reporting.data.study_data import StudyData
from harness.staging.ledger import StudyOrigin, StudyRecord
from harness.staging.study_spec import StudySpec

BY, OF = "val/accuracy_by_arrival", "val/accuracy_of_class"


def stage(steps: list[int], *, grown: bool, **series: list[float]) -> History:
    history = History()
    if grown:
        history.record(steps[0], {"growth/parameters_added": 1.0})
    for name, values in series.items():
        for step, value in zip(steps, values, strict=True):
            family = OF if name.startswith("class_") else BY
            history.record(step, {f"{family}/{name.removeprefix('of_').removeprefix('class_')}": value})
    return history


def incremental(arms: tuple[str, ...] = ("a", "b"), *, joint: str | None = None, telling: bool = False) -> StudyData:
    """Return a study in which classes came twice: what was learned of the first is lost step by step.

    Args:
        arms: all have the same curves but the arm `joint`, which trains on all examples and learns more.
        joint: another arm, if there is one; then runs have configurations.
        telling: whether runs record each class, and what an untrained network answers.
    """
    every = {arm: _stages(0.0, telling=telling) for arm in arms} | ({joint: _stages(0.1)} if joint else {})
    segments = [
        part for arm, stages in every.items() for part in segments_of((f"run {arm}", 0, arm, 0), stages, growth=10.0)
    ]
    runs = pd.DataFrame({"run_id": [f"run {arm}" for arm in every], "trial": 0, "arm": list(every), "seed": 0})
    if joint:
        runs = runs.assign(config=[_config(None if arm == joint else 0.0) for arm in every])
    spec = {"comparison": list(arms), "arms": {arm: {} for arm in every}, "space": {}, "metric": "accuracy/all"}
    study = StudyRecord("arrivals", StudySpec(spec), 1, 1)
    return StudyData(
        study,
        runs.assign(status="completed", **{"test/accuracy/all": 0.5}),
        curve_frame(segments),
        (),
        StudyOrigin("arrivals"),
    )


def _config(replay: float | None) -> str:
    return json.dumps({"training": {"replay": replay}})


def _stages(more: float, *, telling: bool = False) -> list[History]:
    """Return the histories of the stages; the arrivals after the start are learned by `more` better."""
    stages = [
        stage([0, 10], grown=False, mean=[0.1, 0.9]),
        stage([10, 20], grown=True, mean=[0.4, 0.7], of_0=[0.8, 0.6], of_1=[0.0, 0.8 + more]),
        stage([20, 30], grown=True, mean=[0.4, 0.5], of_0=[0.6, 0.3], of_1=[0.8, 0.5], of_2=[0.0, 0.7 + more]),
    ]
    return [own.then(told) for own, told in zip(stages, _told(), strict=True)] if telling else stages


def _told() -> list[History]:
    """Return what runs record beside that: two classes, and what an untrained network answers to each arrival."""
    told = [
        stage([0, 10], grown=False, class_3=[0.1, 0.9]),
        stage([10, 20], grown=False, class_3=[0.5, 0.4], class_7=[0.0, 0.8]),
        stage([20, 30], grown=False, class_3=[0.4, 0.2], class_7=[0.8, 0.6]),
    ]
    for number, accuracy in ((1, 0.2), (2, 0.4)):
        told[number].record(10 * number, {"growth/untrained_accuracy": accuracy})
    return told
