"""Losses of classes against the same of other libraries."""

import pytest
import torch
from sklearn.metrics import log_loss
from torch import Tensor, nn
from torch.nn import functional

from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.outputs import Output
from harness.losses import BinaryCrossEntropy, CrossEntropy, JointCrossEntropy, SeparateCrossEntropy
from harness.losses._base import Batch

HEADS = LabelMap.of({"known": (0, 1, 2), "late": (3, 4)})
LABELS = torch.tensor([0, 4, 1, 3, 3, 2, 0])


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def batch_of(outputs: dict[str, Tensor], specs: OutputSpecs, **targets: Tensor) -> Batch:
    size = len(next(iter(outputs.values())))
    return Batch(outputs, inputs=torch.zeros(size, 1), labels=LABELS[:size], specs=specs, targets=targets)


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_class_weights_and_smoothing_are_those_of_torch(smoothing: float) -> None:
    logits, weights = normal(7, 5), {0: 3.0, 3: 0.25}
    loss = JointCrossEntropy(label_smoothing=smoothing, class_weights=weights)

    found = loss.components("", batch_of({"all": logits}, OutputSpecs(LabelMap.of({"all": range(5)}))))

    theirs = nn.CrossEntropyLoss(torch.tensor([3.0, 1, 1, 0.25, 1]), label_smoothing=smoothing)
    torch.testing.assert_close(found["all"], theirs(logits, LABELS))


def test_class_weights_count_within_each_head() -> None:
    logits = {"known": normal(7, 3), "late": normal(7, 2, seed=1)}
    loss = JointCrossEntropy(class_weights={0: 3.0, 3: 0.25})

    found = loss.components("", batch_of(logits, OutputSpecs(HEADS)))

    joined, late = torch.cat(list(logits.values()), dim=1), LABELS >= 3
    theirs = nn.CrossEntropyLoss(torch.tensor([3.0, 1, 1, 0.25, 1]))
    torch.testing.assert_close(found["known"], theirs(joined[~late], LABELS[~late]))
    torch.testing.assert_close(found["late"], theirs(joined[late], LABELS[late]))


def test_weights_of_classes_without_examples_make_no_nan() -> None:
    logits = {"known": normal(1, 3), "late": normal(1, 2)}

    found = JointCrossEntropy(class_weights={0: 0.0, 9: 2.0}).components("", batch_of(logits, OutputSpecs(HEADS)))

    assert found == {"known": torch.tensor(0.0), "late": torch.tensor(0.0)}


def test_hidden_classes_do_not_compete() -> None:
    logits, labels = normal(7, 6), torch.tensor([0, 2, 0, 2, 0, 0, 2])
    specs = OutputSpecs(LabelMap.of({"all": range(6)}, hidden=(1, 3, 4, 5)))
    batch = Batch({"all": logits}, inputs=torch.zeros(7, 1), labels=labels, specs=specs)

    found = JointCrossEntropy().components("", batch)["all"]

    torch.testing.assert_close(found, functional.cross_entropy(logits[:, [0, 2]], labels // 2))


def test_separate_heads_do_not_compete() -> None:
    logits = {"known": normal(7, 3), "late": normal(7, 2, seed=1)}

    found = SeparateCrossEntropy().components("", batch_of(logits, OutputSpecs(HEADS)))

    late = LABELS >= 3
    torch.testing.assert_close(found["known"], functional.cross_entropy(logits["known"][~late], LABELS[~late]))
    torch.testing.assert_close(found["late"], functional.cross_entropy(logits["late"][late], LABELS[late] - 3))


def test_an_output_that_classifies_for_itself_agrees_with_sklearn() -> None:
    logits, species = normal(7, 4), torch.tensor([0, 3, 2, 2, 1, 0, 3])
    specs = OutputSpecs(HEADS, {"species": Output(kind="classes", columns=4)})

    found = CrossEntropy().components("species", batch_of({"species": logits}, specs, species=species))

    expected = log_loss(species, logits.double().softmax(dim=1), labels=[0, 1, 2, 3])
    assert found["species"].item() == pytest.approx(expected, rel=1e-6)


def test_binary_columns_agree_with_sklearn() -> None:
    logits, marks = normal(7, 3), torch.tensor([[1.0, 0, 0], [0, 1, 1], [1, 1, 1], [0, 0, 0]] * 2)[:7]
    specs = OutputSpecs(HEADS, {"marks": Output(kind="binary", columns=3)})

    found = BinaryCrossEntropy().components("marks", batch_of({"marks": logits}, specs, marks=marks))

    columns = [log_loss(marks[:, n], logits[:, n].double().sigmoid(), labels=[0, 1]) for n in range(3)]
    assert found["marks"].item() == pytest.approx(sum(columns) / 3, rel=1e-6)


def test_the_component_has_the_losss_name_and_the_output_may_have_another() -> None:
    specs = OutputSpecs(HEADS, {"species": Output(kind="classes", columns=4)})
    batch = batch_of({"species": normal(2, 4)}, specs, species=torch.tensor([0, 1]))

    assert list(CrossEntropy(output="species").components("other", batch)) == ["other"]


def test_classes_at_positions_count_alike_in_all_examples() -> None:
    logits, classes = normal(3, 4, 5), torch.tensor([[0, 1, 2, 3], [4, 4, 0, 1], [2, 2, 2, 0]])
    specs = OutputSpecs(LabelMap.of({}), outputs={"next": Output(kind="classes", columns=5)})

    found = CrossEntropy().components("next", batch_of({"next": logits}, specs, next=classes))["next"]

    alone = [nn.functional.cross_entropy(logits[n, t], classes[n, t]) for n in range(3) for t in range(4)]
    torch.testing.assert_close(found, torch.stack(alone).mean())
