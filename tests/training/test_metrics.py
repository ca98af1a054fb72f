import pytest
import torch
from sklearn.metrics import mean_absolute_error, root_mean_squared_error
from torch import Tensor

from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.outputs import Output, Scale
from harness.data import Digits
from harness.losses import Batch
from harness.training.metrics import (
    accuracies,
    accuracies_by_arrival,
    accuracies_within,
    answers_by_class,
    directions,
    output_metrics,
)

BOTH = LabelMap.of({"known": (0, 1, 2), "late": (3, 4)}, arrived={3: 1, 4: 2})


def test_accuracies_are_fractions_of_their_own_examples() -> None:
    outputs = {
        "known": torch.tensor([[9.0, 0, 0], [9, 0, 0], [0, 0, 0]]),
        "late": torch.tensor([[0.0, 0], [0, 0], [0, 9]]),
    }

    found = accuracies(outputs, torch.tensor([0, 1, 4]), BOTH)

    assert {name: value.item() for name, value in found.items()} == {
        "accuracy/all": pytest.approx(2 / 3),
        "accuracy/known": 0.5,
        "accuracy/late": 1,
    }


def test_a_class_without_a_head_counts_as_wrong() -> None:
    found = accuracies(
        {"known": torch.tensor([[9.0, 0, 0], [9, 0, 0]])}, torch.tensor([0, 4]), LabelMap.of({"known": (0, 1, 2)})
    )

    assert {name: value.item() for name, value in found.items()} == {"accuracy/all": 0.5, "accuracy/known": 1}


def rounded(found: dict[str, Tensor]) -> dict[str, float]:
    return {name: round(value.item(), 6) for name, value in found.items()}


OUTPUTS = {
    # Side by side, the third and the fourth example are taken for class 0.
    "known": torch.tensor([[9.0, 0, 0], [0, 9, 0], [9, 0, 0], [9, 0, 0], [0, 0, 0]]),
    "late": torch.tensor([[0.0, 0], [0, 0], [0, 1], [1, 0], [9, 0]]),
}
LABELS = torch.tensor([0, 1, 4, 3, 3])


def test_within_its_head_an_example_competes_with_that_heads_classes_alone() -> None:
    found = accuracies_within(OUTPUTS, LABELS, BOTH)

    assert rounded(found) == {"accuracy_within/known": 1, "accuracy_within/late": 1, "accuracy_within/mean": 1}
    assert accuracies(OUTPUTS, LABELS, BOTH)["accuracy/late"].item() == pytest.approx(1 / 3)


def test_every_arrival_counts_the_same_in_the_mean() -> None:
    found = accuracies_by_arrival(OUTPUTS, LABELS, BOTH)

    assert rounded(found) == {
        "accuracy_by_arrival/0": 1,
        "accuracy_by_arrival/1": 0.5,
        "accuracy_by_arrival/2": 0,
        "accuracy_by_arrival/mean": 0.5,
    }


def test_each_class_says_how_often_it_is_right_and_by_which_arrival_it_is_answered() -> None:
    found = rounded(answers_by_class(OUTPUTS, LABELS, BOTH))

    assert {name: value for name, value in found.items() if name.startswith("accuracy_of_class/")} == {
        "accuracy_of_class/0": 1,
        "accuracy_of_class/1": 1,
        "accuracy_of_class/3": 0.5,
        "accuracy_of_class/4": 0,
    }
    assert [found[f"answered_by/{number}.3"] for number in (0, 1, 2)] == [0.5, 0.5, 0]
    assert [found[f"answered_by/{number}.4"] for number in (0, 1, 2)] == [1, 0, 0]


def test_before_any_growth_there_is_no_other_arrival_to_answer() -> None:
    label_map = LabelMap.of({"known": (0, 1, 2)})

    found = answers_by_class({"known": OUTPUTS["known"]}, torch.tensor([0, 0, 1, 4, 2]), label_map)

    assert rounded(found) == {
        "accuracy_of_class/0": 0.5,
        "accuracy_of_class/1": 0,
        "accuracy_of_class/2": 0,
    }


def test_classes_that_share_a_column_are_both_answered_by_its_arrival() -> None:
    label_map = LabelMap.of({"known": ((0, 3), 1), "late": (2,)}, arrived={2: 1, 3: 1})
    outputs = {"known": torch.tensor([[9.0, 0], [9, 0]]), "late": torch.zeros(2, 1)}

    found = rounded(answers_by_class(outputs, torch.tensor([0, 3]), label_map))

    assert found["accuracy_of_class/3"] == 1
    assert found["answered_by/0.0"] == found["answered_by/0.3"] == 1


def test_a_mean_of_one_stands_alone() -> None:
    label_map = LabelMap.of({"known": (0, 1, 2)})

    assert rounded(accuracies_within(OUTPUTS, LABELS, label_map)) == {"accuracy_within/mean": 1}
    assert rounded(accuracies_by_arrival(OUTPUTS, LABELS, label_map)) == {"accuracy_by_arrival/mean": 1}


def test_errors_are_in_the_targets_own_unit() -> None:
    values, truth = torch.randn(9, 1), torch.randn(9, 2)
    specs = OutputSpecs(LabelMap.of({}), {"load": Output()}, {"load": Scale(20.0, 10.0, "kW")})
    batch = Batch({"load": values}, torch.zeros(9, 1), torch.zeros(9), specs, {"load": truth})

    found = output_metrics(batch)

    own, said = truth[:, 0] * 10 + 20, values[:, 0] * 10 + 20
    assert found["mae/load"].item() == pytest.approx(mean_absolute_error(own, said), rel=1e-5)
    assert found["rmse/load"].item() == pytest.approx(root_mean_squared_error(own, said), rel=1e-5)


def test_each_kind_of_output_has_its_metric_if_it_exists() -> None:
    described = {
        "species": Output(kind="classes", columns=2),
        "marks": Output(kind="binary", columns=2),
        "copy": Output(kind="inputs", columns=2),
        "later": Output(),
    }
    outputs = {
        "species": torch.tensor([[1.0, 0], [0, 1], [1, 0], [1, 0]]),
        "marks": torch.tensor([[1.0, -1], [-1, -1], [1, 1], [1, -1]]),
        "copy": torch.ones(4, 2),
    }
    targets = {
        "species": torch.tensor([0, 1, 1, 1]),
        "marks": torch.tensor([[1.0, 0], [0, 0], [0, 0], [1, 1]]),
    }
    batch = Batch(outputs, torch.zeros(4, 1, 2), torch.zeros(4), OutputSpecs(LabelMap.of({}), described), targets)

    found = {name: value.item() for name, value in output_metrics(batch).items()}

    assert found == {"accuracy/species": 0.5, "accuracy/marks": 0.625, "mae/copy": 1, "rmse/copy": 1}


def test_errors_are_better_when_they_are_low() -> None:
    outputs = {"load": Output(), "species": Output(kind="classes", columns=3)}

    found = directions(Digits(classes={"known": (0, 1)}, outputs=outputs), {})

    low = {name for name, direction in found.items() if direction == "minimize"}
    assert low == {"mae/load", "rmse/load", "loss/total"}
    assert found.keys() - low == {
        "accuracy/all",
        "accuracy/known",
        "accuracy/species",
        "accuracy_by_arrival/mean",
        "accuracy_within/mean",
    }
    assert "accuracy/all" not in directions(Digits(outputs=outputs), {})
