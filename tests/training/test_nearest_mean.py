from dataclasses import replace

import torch
from torch.nn import functional

from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.losses import Batch
from harness.training.metrics import accuracies
from harness.training.nearest_mean import NearestMean

SPECS = OutputSpecs(LabelMap.of({"known": (0, 1, 7), "late": ((2, 5), 3)}, hidden=(0,)))


def batch_of(features: torch.Tensor, labels: torch.Tensor) -> Batch:
    outputs = {"known": torch.zeros(len(labels), 3), "late": torch.zeros(len(labels), 2), "copy": features}
    return Batch(outputs, features, labels, SPECS, features={"hidden": features})


def test_answers_are_those_of_the_paper() -> None:
    stream = torch.Generator().manual_seed(0)
    classes = torch.tensor([1, 7, 2, 5, 3])
    centers = torch.randn(5, 6, generator=stream)
    features, labels = centers.repeat(8, 1) + 0.9 * torch.randn(40, 6, generator=stream), classes.repeat(8)
    batch = batch_of(3.0 * features[20:], labels[20:])

    answered = NearestMean.of("hidden", features[:20], labels[:20]).answered(batch)

    unit = functional.normalize(features.double(), dim=1)
    means = torch.stack([functional.normalize(unit[:20][labels[:20] == c].mean(0), dim=0) for c in classes.tolist()])
    nearest = classes[torch.cdist(unit[20:], means).argmin(dim=1)]
    column = {1: 0, 7: 1, 2: 2, 5: 2, 3: 3}
    found = SPECS.label_map.joined(answered.outputs).argmax(dim=1)
    assert found.tolist() == [column[label] for label in nearest.tolist()]
    assert not torch.equal(nearest, labels[20:])  # some answers are wrong
    squared = torch.cdist(unit[20:], means).square().float()
    torch.testing.assert_close(answered.outputs["late"][:, 1], -squared[:, 4])
    torch.testing.assert_close(answered.outputs["late"][:, 0], -squared[:, 2:4].amin(dim=1))


def test_a_class_without_a_mean_is_never_answered_and_other_outputs_stay() -> None:
    features = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    means = NearestMean.of("hidden", features, torch.tensor([1, 3]))
    batch = batch_of(-features, torch.tensor([7, 2]))

    answered = means.answered(batch)

    assert accuracies(answered.outputs, batch.labels, SPECS.label_map)["accuracy/all"] == 0
    assert answered.outputs["copy"] is batch.outputs["copy"]
    assert replace(answered, outputs=batch.outputs) == batch
