from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from harness.core.answers import NOT_ASKED
from harness.reporting.analysis.class_answers import (
    BEFORE,
    calibration_errors,
    confusion,
    reliability,
    states_by_arm,
)
from harness.reporting.analysis.pairing import primary_comparison
from harness.reporting.data.answers import BINS
from harness.reporting.data.study_data import StudyData

StudyDataOf = Callable[..., StudyData]


def in_bins(**by_bin: float) -> list[float]:
    return [by_bin.get(f"b{place}", 0.0) for place in range(BINS)]


def states(*rows: tuple[str, int, int, dict[str, float], dict[str, float], dict[str, float]]) -> pd.DataFrame:
    """Return states of `arm, trial, seed, examples, right, confidence`, the last three by bin."""
    names = ["arm", "trial", "seed", "examples", "right", "confidence"]
    return pd.DataFrame([(*row[:3], *(in_bins(**part) for part in row[3:])) for row in rows], columns=names)


STATES = states(
    ("one", 0, 0, {"b5": 10, "b9": 30}, {"b5": 5, "b9": 30}, {"b5": 0.5, "b9": 1.0}),
    ("one", 0, 1, {"b5": 40}, {"b5": 40}, {"b5": 0.5}),
    ("one", 1, 0, {"b9": 40}, {"b9": 30}, {"b9": 1.0}),
)


def test_confidence_and_accuracy_are_those_of_all_answers_in_a_bin() -> None:
    found = reliability(STATES)

    assert found.to_dict("list") == {
        "arm": ["one", "one"],
        "bin": [5, 9],
        "answers": [50, 70],
        "confidence": [0.5, 1.0],
        "accuracy": [45 / 50, 60 / 70],
    }


def test_the_calibration_error_is_that_of_single_networks_over_seeds_first() -> None:
    assert calibration_errors(STATES) == {"one": pytest.approx(((0.0 + 0.5) / 2 + 0.25) / 2)}


def test_shares_of_a_class_add_up_to_one_and_are_averaged_over_seeds_first() -> None:
    truth = np.array([3, 3, 7, 7], np.int32)
    answers = [[3, 7, 7, 7], [3, 3, 7, NOT_ASKED], [7, 7, 7, 3]]
    rows = STATES[["arm", "trial", "seed"]].assign(answer=[np.array(row, np.int32) for row in answers])

    found = confusion(rows, truth)

    shares = found.set_index(["truth", "answer"])["share"]
    assert shares.to_dict() == {(3, 3): 0.375, (3, 7): 0.625, (7, 3): 0.25, (7, 7): 0.75}


def test_a_state_that_both_arms_go_on_from_is_there_once_and_controls_have_ends_alone(
    answered_data: StudyDataOf,
) -> None:
    data = answered_data(
        arms=("frozen", "unfrozen", "never"), never=("never",), failed=((0, "frozen", 1),), reason="killed"
    )

    found = states_by_arm(data, primary_comparison(data))

    counts = found["arm"].value_counts().to_dict()
    assert counts == {"frozen": 11, "unfrozen": 11, "never": 11, BEFORE: 11}
    assert {known.tolist()[-1] for known in found.loc[found["arm"] == BEFORE, "known"]} == {5}


def test_without_answers_there_are_no_states(finished_data: StudyData) -> None:
    assert not len(states_by_arm(finished_data, primary_comparison(finished_data)))
