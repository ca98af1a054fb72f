"""Every loss and every metric on a device, against the CPU."""

from dataclasses import replace

import numpy as np
import torch
from torch.testing import assert_close

from harness.core.output_specs import OutputSpecs
from harness.data import TaskData
from harness.data.augment import GaussianNoise, HorizontalFlip, RandomShift, augmented
from harness.losses import AbstractLoss, Batch
from harness.metrics import Predictions
from harness.training.answers import answers_of
from harness.training.metrics import (
    accuracies,
    accuracies_by_arrival,
    accuracies_within,
    answers_by_class,
    output_metrics,
)
from tests.conformance.test_losses import HEADS, LOSSES, WEIGHTS, batch_of, leaves_of, rebuilt
from tests.conformance.test_metrics import METRICS, predictions_of
from tests.device.moving import moved

CPU = torch.device("cpu")
MEASURES = (accuracies, accuracies_within, accuracies_by_arrival, answers_by_class)


def gradients(loss: AbstractLoss, batch: Batch) -> dict[str, torch.Tensor]:
    """Return the components, and their gradients by what the network gave."""
    leaves = leaves_of(batch)
    components = loss.components("it", rebuilt(batch, leaves))
    torch.stack(list(components.values())).sum().backward()
    found = {str(place): leaf.grad for place, leaf in enumerate(leaves) if leaf.grad is not None}
    return {name: value.detach().cpu() for name, value in {**components, **found}.items()}


def test_every_loss_and_its_gradients_are_those_of_the_cpu(device: torch.device) -> None:
    batch = batch_of(size=12)
    for loss in LOSSES:
        expected = gradients(loss, batch)

        found = gradients(loss, moved(batch, device))

        assert found.keys() == expected.keys(), loss
        for name, value in expected.items():
            assert_close(found[name], value, rtol=1e-4, atol=1e-5, msg=f"{loss!r}: {name}")


def test_every_weight_is_a_scalar_on_the_device(device: torch.device) -> None:
    for weight in WEIGHTS:
        precision = weight.precision(torch.zeros((), device=device, requires_grad=True))

        assert (precision.device.type, precision.dim()) == (device.type, 0), weight
        assert weight.at(4) >= 0, weight


def test_every_metric_is_that_of_the_cpu(device: torch.device) -> None:
    label_map = replace(HEADS, arrival=torch.tensor([0, 0, 0, 1, 1, 0]), arrivals=(0, 1))
    batch = batch_of(size=40)
    batch = replace(
        batch, specs=replace(batch.specs, label_map=label_map), labels=batch.labels - (batch.labels == 2) * 9
    )
    there = moved(batch, device)
    for measure in MEASURES:
        expected = measure(batch.outputs, batch.labels, label_map)

        found = measure(there.outputs, there.labels, there.specs.label_map)

        assert {name: value.item() for name, value in found.items()} == {n: v.item() for n, v in expected.items()}
    expected, found = output_metrics(batch), output_metrics(there)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert_close(found[name].cpu(), value)


def test_every_named_metric_is_that_of_the_cpu(device: torch.device) -> None:
    for metric in METRICS:
        for kind in metric.reads[:1] if metric.kind == "torchmetrics" else metric.reads:
            some = predictions_of(kind)
            there = Predictions(kind, some.outputs.to(device), some.truth.to(device))

            found = metric.whole([metric.part(there), metric.part(there)])

            assert found.device.type == device.type, metric
            assert_close(found.cpu(), metric.whole([metric.part(some), metric.part(some)]), msg=repr(metric))


def test_answers_to_every_example_are_those_of_the_cpu(device: torch.device) -> None:
    batch = batch_of(size=40)

    expected, found = answers_of(batch), answers_of(moved(batch, device))

    assert found.outputs.keys() == expected.outputs.keys()
    for name, own in expected.outputs.items():
        for part, values in vars(own).items():
            np.testing.assert_allclose(getattr(found.outputs[name], part), values, rtol=1e-3, atol=1e-3)


def test_augmented_inputs_are_those_of_the_cpu(data: TaskData, images_on_cpu: TaskData) -> None:
    changes = (RandomShift(pixels=1), HorizontalFlip(), GaussianNoise(std=0.1))
    some = torch.arange(20)

    found = augmented(data.train.take(some.to(data.train.labels.device)), changes, seed=0, step=3)

    assert_close(found.inputs.cpu(), augmented(images_on_cpu.train.take(some), changes, seed=0, step=3).inputs)


def test_the_outputs_of_no_head_have_no_joined_metrics(device: torch.device) -> None:
    batch = moved(batch_of(), device)
    alone = replace(batch, specs=OutputSpecs(moved(HEADS.of({}), device), batch.specs.outputs, batch.specs.scales))

    assert output_metrics(alone).keys() == output_metrics(batch).keys()
