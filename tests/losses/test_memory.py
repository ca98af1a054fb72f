"""Losses of examples that come from a memory."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.data import Split
from harness.losses import (
    AbstractLoss,
    Batch,
    CrossEntropy,
    DarkExperience,
    JointCrossEntropy,
    MeanSquared,
    OfExamples,
    Uncertainty,
)
from harness.models import GrowableModel
from harness.training.config import TrainingConfig
from harness.training.memory import AllExamples
from harness.training.optimizers import SGD
from harness.training.state import fresh_state
from harness.training.step import train_step

SPECS = OutputSpecs(LabelMap.of({"digits": (0, 1, 2, 3)}))
NEW, OLD = (OfExamples(which=which, loss=JointCrossEntropy()) for which in ("new", "memory"))
NAN = torch.nan


def batch_of(outputs: list[list[float]], stored: list[list[float]], new: int) -> Batch:
    return Batch(
        outputs={"digits": torch.tensor(outputs)},
        inputs=torch.zeros(len(outputs), 1),
        labels=torch.tensor([3, 2, 0, 1][: len(outputs)]),
        specs=SPECS,
        stored={"digits": torch.tensor(stored)},
        new=new,
    )


def test_the_distance_is_a_mean_over_what_was_stored() -> None:
    now: list[list[float]] = [[9.0, 9, 9, 9], [1, 2, 3, 4], [0, 0, 0, 0]]
    batch = batch_of(now, [[NAN] * 4, [1.0, 0, 3, NAN], [3, NAN, NAN, NAN]], new=1)

    assert DarkExperience().components("it", batch) == {"it": torch.tensor((0 + 4 + 0 + 9) / 4)}
    assert DarkExperience().counts("it", batch) == {"it": torch.tensor(4)}


def test_columns_that_are_newer_than_the_answer_get_no_gradient() -> None:
    batch = batch_of([[1.0, 1, 1, 1], [1, 1, 1, 1]], [[NAN] * 4, [0.0, 0, NAN, NAN]], new=1)
    outputs = {"digits": batch.outputs["digits"].requires_grad_()}

    DarkExperience().components("it", replace(batch, outputs=outputs))["it"].backward()

    assert outputs["digits"].grad is not None
    assert outputs["digits"].grad.tolist() == [[0, 0, 0, 0], [1, 1, 0, 0]]


def steps_by_hand(model: nn.Linear, inputs: Tensor, labels: Tensor, stored: Tensor, alpha: float, beta: float) -> None:
    """Make three steps of DER++ as its algorithm 2 says, in the form of the authors' code; the last two are old."""
    for _ in range(3):
        loss = functional.cross_entropy(model(inputs[:-2]), labels[:-2])
        loss = loss + alpha * functional.mse_loss(model(inputs[-2:]), stored)
        loss = loss + beta * functional.cross_entropy(model(inputs[-2:]), labels[-2:])
        for parameter, gradient in zip(
            model.parameters(), torch.autograd.grad(loss, list(model.parameters())), strict=True
        ):
            parameter.data -= 0.3 * gradient


def drawn(count: int = 5) -> tuple[Split, Tensor]:
    """Return a batch of `count` examples, of which two come from a memory, and the logits that it stored."""
    stream = torch.Generator().manual_seed(1)
    inputs, stored = torch.randn(count, 3, generator=stream), torch.randn(2, 4, generator=stream)
    answers = torch.cat([torch.full((count - 2, 4), NAN), stored])
    return Split(inputs, torch.arange(count) % 4, stored={"digits": answers}, new=count - 2), stored


def stepped(batch: Split, losses: dict[str, AbstractLoss], **changes: Any) -> nn.Module:
    """Return a network after three steps."""
    torch.manual_seed(0)
    model = GrowableModel(nn.Linear(3, 4), "digits")
    config = TrainingConfig(losses=losses, memory=AllExamples(fraction=0.4), **changes)
    state = fresh_state(model, SGD(lr=0.3, momentum=0.0), seed=0, precision="fp32")
    for _ in range(3):
        train_step(state, batch, config, SPECS)
    return model.backbone


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, 0.0), (0.3, 0.7)])
def test_together_they_are_dark_experience_replay(alpha: float, beta: float) -> None:
    batch, stored = drawn()
    torch.manual_seed(0)
    expected = nn.Linear(3, 4)
    steps_by_hand(expected, batch.inputs, batch.labels, stored, alpha, beta)

    losses = {"classes": NEW, "stored": DarkExperience(weight=alpha), "old": OLD.model_copy(update={"weight": beta})}

    torch.testing.assert_close(dict(stepped(batch, losses).named_parameters()), dict(expected.named_parameters()))


@pytest.mark.parametrize("count", [4, 9])
def test_parts_of_a_batch_make_the_step_of_the_whole(count: int) -> None:
    batch, _ = drawn(count)
    losses = {"classes": NEW, "stored": DarkExperience(weight=0.5), "old": OLD}

    for parts in (2, 3, 4):  # some of which have no new or no remembered example
        found = stepped(batch, losses, accumulate=parts)

        torch.testing.assert_close(found.state_dict(), stepped(batch, losses).state_dict(), rtol=1e-4, atol=1e-6)


def test_while_nothing_is_remembered_all_examples_are_new() -> None:
    batch = replace(batch_of([[1.0, 2, 3, 4], [4, 3, 2, 1]], [[NAN] * 4] * 2, new=2), stored={}, new=None)

    assert NEW.components("it", batch) == JointCrossEntropy().components("it", batch)
    assert (NEW.counts("it", batch), OLD.counts("it", batch), DarkExperience().counts("it", batch)) == ({}, {}, {})
    assert (OLD.components("it", batch), DarkExperience().components("it", batch)) == ({}, {})


def test_what_they_read_is_what_the_other_loss_reads() -> None:
    outer = OfExamples(which="new", loss=CrossEntropy(output="species"))

    assert (outer.speaks_of("it"), OLD.speaks_of("it"), outer.taps, outer.needs_teacher) == ("species", None, (), False)
    assert OfExamples(which="new", loss=JointCrossEntropy(class_weights={3: 2.0})).classes == {3}


def test_before_a_growth_they_are_what_needs_no_memory() -> None:
    learned = {"weight": Uncertainty()}

    assert NEW.model_copy(update={"weight": 2.0}).before_growth == JointCrossEntropy(weight=2.0)
    assert (OLD.before_growth, DarkExperience().before_growth) == (None, None)
    for loss in (OLD.model_copy(update=learned), DarkExperience(**learned)):
        assert loss.before_growth == loss


@pytest.mark.parametrize(
    ("loss", "message"),
    [
        (MeanSquared(weight=2.0), r"a loss of weight 1, found 2\.0; give the weight to of_examples"),
        (DarkExperience(), "that knows of no memory, found 'dark_experience'"),
    ],
)
def test_a_loss_that_fits_no_part_is_refused(loss: AbstractLoss, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        OfExamples(which="new", loss=loss)
