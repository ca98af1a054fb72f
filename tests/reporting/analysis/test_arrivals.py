from dataclasses import replace

import pandas as pd
import pytest

from harness.reporting.analysis.arrivals import (
    MEASURES,
    accuracy_matrices,
    arrival_measures,
    class_accuracies,
    evaluations_by_arrival,
    forward_transfers,
    intransigence,
    means_by_arm,
    reference_arms,
)
from harness.reporting.data.study_data import StudyData
from tests.reporting.synthetic_arrivals import incremental


def evaluations(*rows: tuple[int, int, float], trial: int = 0, seed: int = 0) -> pd.DataFrame:
    """Return evaluations of one run: arrival, stage, value, in the order in which they were made."""
    frame = pd.DataFrame(rows, columns=["arrival", "stage", "value"])
    return frame.assign(trial=trial, arm="a", seed=seed)


def measured(found: pd.DataFrame) -> dict[str, float]:
    (row,) = arrival_measures(found)[list(MEASURES)].to_dict("records")
    return {str(name): float(value) for name, value in row.items()}


def test_each_cell_of_the_matrix_is_the_end_of_a_stage() -> None:
    found = accuracy_matrices(evaluations_by_arrival(incremental())).set_index(["arm", "stage", "arrival"])["value"]

    assert found["a"].to_dict() == {(0, 0): 0.9, (1, 0): 0.6, (1, 1): 0.8, (2, 0): 0.3, (2, 1): 0.5, (2, 2): 0.7}


def test_the_measures_of_logged_evaluations_are_those_computed_by_hand() -> None:
    data = incremental(arms=("a",))

    assert measured(evaluations_by_arrival(data)) == pytest.approx(
        {
            "average_accuracy": (0.3 + 0.5 + 0.7) / 3,
            "learned": (0.9 + 0.8 + 0.7) / 3,
            "forgetting": ((0.9 - 0.3) + (0.8 - 0.5)) / 2,
            "backward_transfer": ((0.3 - 0.9) + (0.5 - 0.8)) / 2,
            "before_learning": 0.0,
            "min_accuracy": (0.3 + 0.5) / 2,
            "worst_case_accuracy": 0.7 / 3 + 2 / 3 * (0.3 + 0.5) / 2,
        }
    )


def test_what_falls_between_two_stages_counts_for_the_lowest_and_what_comes_back_for_the_rest() -> None:
    found = evaluations(
        *[(0, 0, 0.5), (0, 1, 0.2), (0, 1, 0.6), (0, 2, 0.7), (0, 2, 0.65)],
        *[(1, 1, 0.4), (1, 1, 0.9), (1, 2, 0.1), (1, 2, 0.8)],
        *[(2, 2, 0.3), (2, 2, 0.6)],
    )

    assert measured(found) == pytest.approx(
        {
            "average_accuracy": (0.65 + 0.8 + 0.6) / 3,
            "learned": (0.5 + 0.9 + 0.6) / 3,
            "forgetting": ((0.6 - 0.65) + (0.9 - 0.8)) / 2,  # of the first it is negative: it gained
            "backward_transfer": ((0.65 - 0.5) + (0.8 - 0.9)) / 2,
            "before_learning": (0.4 + 0.3) / 2,
            "min_accuracy": (0.2 + 0.1) / 2,
            "worst_case_accuracy": 0.6 / 3 + 2 / 3 * 0.15,
        }
    )


def test_growths_that_bring_nothing_count_as_stages_and_not_as_arrivals() -> None:
    found = evaluations((0, 0, 0.9), (0, 1, 0.7), (0, 2, 0.5), (1, 2, 0.2), (1, 2, 0.8))

    measures = measured(found)

    assert measures["learned"] == pytest.approx((0.9 + 0.8) / 2)
    assert (measures["min_accuracy"], measures["before_learning"]) == (0.5, 0.2)


def test_seeds_are_averaged_before_configurations() -> None:
    runs = pd.DataFrame({"arm": "a", "trial": [0, 0, 1], "seed": [0, 1, 2], "learned": [0.2, 0.4, 0.9]})

    assert means_by_arm(runs)["learned"].tolist() == [pytest.approx(0.6)]


def test_where_classes_come_once_there_is_nothing_to_measure(finished_data: StudyData) -> None:
    found = evaluations_by_arrival(finished_data)

    assert len(found) == len(accuracy_matrices(found)) == len(arrival_measures(found)) == 0


def test_forward_transfer_is_what_was_known_before_learning_minus_what_an_untrained_network_answers() -> None:
    data = incremental(arms=("a",), telling=True)

    found = forward_transfers(data, evaluations_by_arrival(data))

    assert found["forward_transfer"].tolist() == [pytest.approx(((0.0 - 0.2) + (0.0 - 0.4)) / 2)]
    assert found[["trial", "arm", "seed"]].to_dict("records") == [{"trial": 0, "arm": "a", "seed": 0}]


def test_without_an_untrained_network_there_is_no_forward_transfer() -> None:
    data = incremental()

    assert not len(forward_transfers(data, evaluations_by_arrival(data)))


def test_intransigence_is_what_an_arm_of_all_examples_learned_more() -> None:
    data = incremental(joint="all")
    found = evaluations_by_arrival(data)

    assert reference_arms(data) == ("all",)
    assert intransigence(found, reference_arms(data)) == pytest.approx({"a": 0.1, "b": 0.1, "all": 0.0})
    assert intransigence(found, ()) == {}


@pytest.mark.parametrize(
    ("training", "keeps"),
    [
        ("{}", True),
        ('{"memory": {"kind": "all_examples"}}', True),
        ('{"replay": 0.5}', False),
        ('{"memory": {"kind": "all_examples", "fraction": 0.5}}', False),
        ('{"memory": {"kind": "herding", "size": 9}}', False),
    ],
)
def test_an_arm_is_a_reference_only_if_all_of_its_runs_see_all_examples_alike(training: str, keeps: bool) -> None:
    data = incremental(arms=("a",))
    runs = pd.concat([data.runs, data.runs]).assign(config=['{"training": {}}', f'{{"training": {training}}}'])

    assert reference_arms(replace(data, runs=runs)) == (("a",) if keeps else ())
    assert reference_arms(data) == ()


def test_each_class_is_followed_over_the_stages() -> None:
    found = class_accuracies(incremental(arms=("a",), telling=True)).set_index(["class", "stage"])["value"]

    assert found.to_dict() == {(3, 0): 0.9, (3, 1): 0.4, (3, 2): 0.2, (7, 1): 0.8, (7, 2): 0.6}
    assert not len(class_accuracies(incremental()))
