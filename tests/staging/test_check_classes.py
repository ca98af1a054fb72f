from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from harness.core.errors import DataError, InputError, SpecError
from harness.core.spec import with_changes
from harness.data import Output, Split, TaskData
from harness.losses import CrossEntropy, JointCrossEntropy
from harness.metrics import MacroF1
from harness.staging.check_classes import check_classes, check_metric
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig


def data_of(train: list[int], validation: list[int], test: list[int], **targets: list[int]) -> TaskData:
    """Return data with these labels; targets are those of the training examples."""

    def split(labels: list[int], more: dict[str, Tensor]) -> Split:
        return Split(torch.zeros(len(labels), 2), torch.tensor(labels), more)

    others = {name: torch.tensor(values) for name, values in targets.items()}
    return TaskData(split(train, others), split(validation, {}), split(test, {}), {})


EVERY = list(range(10))


def refusal(config: RunConfig, data: TaskData) -> str:
    with pytest.raises(InputError) as refused:
        check_classes(config, data)
    return str(refused.value)


def test_data_with_an_example_of_every_class_are_accepted(digits_run: RunConfig) -> None:
    check_classes(digits_run, data_of(EVERY, [0], [0]))


def test_classes_without_an_example_and_labels_without_a_column_are_named_together(digits_run: RunConfig) -> None:
    found = refusal(digits_run, data_of([*range(1, 11), 10], [10], [3]))

    assert "class 0 has no training example, label 10 (3 rows) has no column" in found
    assert "\n" not in found


def test_an_example_for_testing_alone_is_none_to_learn_from(digits_run: RunConfig) -> None:
    assert "class 4, 9 have no training example" in refusal(
        digits_run, data_of([*range(4), *range(5, 9)], EVERY, EVERY)
    )


def test_many_classes_are_not_all_listed(digits_run: RunConfig) -> None:
    assert "class 0, 1, 2, 3, 4, 5, 6, 7 and 1 more have no training" in refusal(digits_run, data_of([9], [9], [9]))


def test_labels_that_a_growth_reveals_have_a_column_then(digits_run: RunConfig) -> None:
    rule = digits_run.growths[0].model_copy(update={"reveals": (10, 11)})
    run = digits_run.model_copy(update={"growths": (rule,)})

    check_classes(run, data_of([*EVERY, 10, 11], [0], [0]))


def test_hidden_labels_may_be_without_a_column(digits_run: RunConfig) -> None:
    data = replace(data_of([*EVERY, 10], [0], [0]), hidden=(10,))

    check_classes(digits_run, data)


@pytest.mark.parametrize("weights", [{10: 0.0}, {0: 1.0, 99: 2.0}])
def test_weights_of_classes_that_do_not_exist_are_refused(digits_run: RunConfig, weights: dict[int, float]) -> None:
    losses: dict[str, Any] = {"x": JointCrossEntropy(class_weights=weights).to_json()}
    run = with_changes(digits_run, {"training.losses": losses})

    with pytest.raises(
        SpecError, match=rf"training.losses.x: expected classes of the task, 0, 1.*; found {max(weights)}$"
    ):
        check_classes(run, data_of(EVERY, [0], [0]))


def test_a_class_of_an_output_without_an_example_is_named(digits_run: RunConfig) -> None:
    output = Output(kind="classes", columns=3, target="sort")
    task = digits_run.task.model_copy(update={"outputs": {"kind": output}})
    training = TrainingConfig(losses={**digits_run.training.losses, "kind": CrossEntropy()})
    run = digits_run.model_copy(update={"task": task, "training": training})

    with pytest.raises(DataError, match="every class of the output 'kind', found none of 1 in 'digits'"):
        check_classes(run, data_of(EVERY, [0], [0], sort=[0, 2] * 5))


@pytest.mark.parametrize("metric", ["accuracy/late", "accuracy_within/mean", "accuracy_by_arrival/mean", "f1/late"])
@pytest.mark.parametrize(("validation", "test", "part"), [([0, 6], [0], "test"), ([0], [0, 6], "validation")])
def test_a_metric_of_classes_without_an_example_is_refused(
    digits_run: RunConfig, metric: str, validation: list[int], test: list[int], part: str
) -> None:
    data = data_of(EVERY, validation, test)

    run = with_changes(digits_run, {"training.metrics": {"f1": MacroF1()}})
    with pytest.raises(SpecError, match=f"metric: '{metric}' has nothing to compare: the {part} data of 'digits'"):
        check_metric("metric", metric, run, data)
    for other in ("accuracy/all", "accuracy/known", "f1/all", "f1/known", "loss/total"):
        check_metric("metric", other, run, data)
