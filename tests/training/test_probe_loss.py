import pytest
import torch
from torch import nn

from harness.core.errors import SpecError
from harness.data import Output, Split, TaskData
from harness.losses import (
    AbstractLoss,
    CrossEntropy,
    Distillation,
    FeatureMatching,
    JointCrossEntropy,
    MeanSquared,
    Uncertainty,
)
from harness.models import GrowableModel
from harness.models.teacher import keep_teacher
from harness.training.output_specs import output_specs
from harness.training.probe_loss import TrainedLoss

INPUTS = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
TRAIN = Split(INPUTS, torch.tensor([0, 1, 2, 0, 1, 2]), {"size": INPUTS[:, :1]})


def trained(
    losses: dict[str, AbstractLoss], *, outputs: dict[str, Output] | None = None, hidden: tuple[int, ...] = ()
) -> TrainedLoss:
    classes = {} if outputs else {"known": (0, 1, 2)}
    data = TaskData(TRAIN, TRAIN, TRAIN, classes, outputs=outputs or {}, hidden=hidden)
    torch.manual_seed(0)
    model = GrowableModel(nn.Linear(4, 3 if not outputs else 1), "known" if not outputs else "size")
    return TrainedLoss(model, losses, output_specs(model, (), (), data))


def test_the_loss_of_classes_is_the_one_that_is_trained() -> None:
    loss = trained({"classes": JointCrossEntropy(weight=2.0)})

    probe = loss.probe(TRAIN, size=4)

    outputs = loss.model(probe.inputs)
    expected = 2 * nn.functional.cross_entropy(outputs["known"], TRAIN.labels[:4])
    torch.testing.assert_close(probe.loss_of(outputs), expected)


def test_the_loss_of_values_is_the_one_that_is_trained() -> None:
    loss = trained({"size": MeanSquared()}, outputs={"size": Output()})

    probe = loss.probe(TRAIN, size=100)

    outputs = loss.model(probe.inputs)
    expected = (outputs["size"] - TRAIN.targets["size"]).square().mean()
    torch.testing.assert_close(probe.loss_of(outputs), expected)


def test_examples_of_hidden_classes_are_left_out() -> None:
    probe = trained({"classes": JointCrossEntropy()}, hidden=(2,)).probe(TRAIN, size=3)

    assert torch.equal(probe.inputs, INPUTS[[0, 1, 3]])


def test_weights_that_are_learned_count() -> None:
    loss = trained({"classes": JointCrossEntropy(weight=Uncertainty())})
    probe = loss.probe(TRAIN, size=4)
    before = probe.loss_of(loss.model(probe.inputs))

    loss.model.learn_weights(["classes"])
    with torch.no_grad():
        loss.model.log_variances["classes"].fill_(1.0)

    assert not torch.isclose(probe.loss_of(loss.model(probe.inputs)), before)


def test_a_teacher_is_asked() -> None:
    loss = trained({"classes": JointCrossEntropy(), "old": Distillation()})
    keep_teacher(loss.model).join(loss.model)
    probe = loss.probe(TRAIN, size=4)

    same = probe.loss_of(loss.model(probe.inputs))
    other = probe.loss_of({"known": loss.model(probe.inputs)["known"] * 2})

    assert same < other


def test_losses_of_features_are_refused() -> None:
    loss = trained({"classes": CrossEntropy(output="known"), "old": FeatureMatching(tap="fc")})

    with pytest.raises(SpecError, match="found old, which read the features at fc; grow by another operation"):
        loss.probe(TRAIN, size=4)
