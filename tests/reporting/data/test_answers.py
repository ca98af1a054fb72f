from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from harness.core.answers import JOINT, NOT_ASKED, Answers, ClassAnswers, ValueErrors
from harness.reporting.data.answers import answer_frames, deciding_output
from harness.reporting.data.study_data import StudyData
from harness.reporting.publication.source_files import (
    OPTIONAL_SOURCES,
    SOURCES,
    read_data,
    sources_among,
    written_data,
)

StudyDataOf = Callable[..., StudyData]


def classes(truth: list[int], answer: list[int], confidence: list[float]) -> ClassAnswers:
    right = np.equal(truth, answer)
    probability = np.where(right, confidence, 1 - np.array(confidence))
    arrays = (np.array(truth, np.int32), np.array(answer, np.int32))
    return ClassAnswers(*arrays, probability.astype(np.float16), np.array(confidence, np.float16))


@pytest.mark.parametrize(
    ("metric", "outputs", "expected"),
    [
        ("accuracy/all", [JOINT, "load"], JOINT),
        ("accuracy/late", [JOINT, "load"], JOINT),
        ("rmse/load", [JOINT, "load"], "load"),
        ("loss/total", ["heating", "load"], "heating"),
        ("accuracy/all", [], None),
    ],
)
def test_a_metric_speaks_of_one_output(metric: str, outputs: list[str], expected: str | None) -> None:
    assert deciding_output(metric, outputs) == expected


def test_answers_are_kept_by_truth_and_counted_by_confidence() -> None:
    answers = {"run": Answers({JOINT: classes([2, 0, 1, 0], [2, 0, 0, 0], [1.0, 0.25, 0.75, 0.75])}, np.arange(4) // 2)}

    frames = answer_frames(answers, "accuracy/all")

    assert frames is not None
    assert frames.examples.to_dict("list") == {"example": [1, 3, 2, 0], "group": [0, 1, 1, 0], "truth": [0, 0, 1, 2]}
    row = frames.states.iloc[0]
    assert (row["answer"].tolist(), row["known"].tolist()) == ([0, 0, 0, 2], [0, 1, 2])
    assert row["examples"].tolist() == [0, 0, 1, 0, 0, 0, 0, 2, 0, 1]
    assert row["right"].tolist() == [0, 0, 1, 0, 0, 0, 0, 1, 0, 1]
    assert row["confidence"].tolist() == [0, 0, 0.25, 0, 0, 0, 0, 0.75, 0, 1]


def test_what_was_not_asked_or_not_seen_is_not_counted() -> None:
    unseen = classes([0, 1, 1], [0, 0, NOT_ASKED], [0.5, 1.0, 0.5])

    frames = answer_frames({"run": Answers({JOINT: unseen})}, "accuracy/all")

    assert frames is not None
    assert frames.states["known"].iloc[0].tolist() == [0, 1]
    assert frames.states["examples"].iloc[0].sum() == 2


def test_columns_of_an_example_are_rows_of_it() -> None:
    columns = ClassAnswers(*(np.zeros((3, 2), np.int32),) * 2, *(np.ones((3, 2), np.float16),) * 2)

    frames = answer_frames({"run": Answers({"flags": columns})}, "accuracy/flags")

    assert frames is not None
    assert frames.examples["example"].tolist() == frames.examples["group"].tolist() == [0, 0, 1, 1, 2, 2]
    assert len(frames.states["answer"].iloc[0]) == 6


@pytest.mark.parametrize(("metric", "expected"), [("rmse/load", 4.0), ("mae/load", 2.0)])
def test_errors_are_those_of_the_metric_and_a_state_without_the_output_has_none(metric: str, expected: float) -> None:
    def errors(size: float) -> ValueErrors:
        return ValueErrors(np.full(3, size, np.float32), np.full(3, size**2, np.float32))

    answers = {"before": Answers({"old": errors(1)}), "end": Answers({"old": errors(1), "load": errors(2)})}
    frames = answer_frames(answers, metric)

    assert frames is not None
    assert frames.states["state"].tolist() == ["end"]
    assert frames.states["error"].iloc[0].tolist() == [expected] * 3


@pytest.mark.parametrize("other", [[0, 1], [0, 1, 1]])
def test_there_are_none_of_runs_with_other_test_sets(other: list[int]) -> None:
    answers = {
        "one": Answers({JOINT: classes([0, 1, 2], [0, 1, 2], [1, 1, 1])}),
        "other": Answers({JOINT: classes(other, other, [1] * len(other))}),
    }

    assert answer_frames(answers, "accuracy/all") is None
    assert answer_frames({}, "accuracy/all") is None


def test_answers_are_files_of_the_report_and_read_back(answered_data: StudyDataOf) -> None:
    data = answered_data()

    files = written_data(data, {})

    assert set(files) == {*SOURCES, *OPTIONAL_SOURCES}
    assert sources_among({**files, "report.html": b""}) == files
    assert written_data(read_data(files), {}) == files
    assert set(written_data(replace(data, answers=None), {})) == set(SOURCES)
