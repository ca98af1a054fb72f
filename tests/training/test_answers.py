import numpy as np
import pytest
import torch
from torch import Tensor

from harness.core.answers import JOINT, NOT_ASKED, Answers, ClassAnswers, ValueErrors
from harness.core.label_map import LabelMap
from harness.core.output_specs import OutputSpecs
from harness.core.outputs import Output, Scale
from harness.losses import Batch
from harness.training.answers import answers_of
from harness.training.metrics import accuracies, output_metrics

LABELS = torch.tensor([0, 1, 2, 3, 4, 4])
HEADS = {
    "two heads": LabelMap.of({"known": (0, 1, 2), "late": (3, 4)}),
    "late classes are not seen yet": LabelMap.of({"known": (0, 1, 2)}),
    "classes that share columns": LabelMap.of({"parity": ((0, 2, 4), (1, 3))}),
    "a class of a shared column is hidden": LabelMap.of({"parity": ((0, 2, 4), (1, 3))}, hidden=(0,)),
}


def batch_of(specs: OutputSpecs, targets: dict[str, Tensor] | None = None) -> Batch:
    sizes = dict(zip(specs.label_map.heads, specs.label_map.sizes, strict=True))
    sizes |= {name: output.columns for name, output in specs.outputs.items()}
    stream = torch.Generator().manual_seed(1)
    outputs = {name: torch.randn(len(LABELS), size, generator=stream) for name, size in sizes.items()}
    return Batch(outputs, torch.zeros(len(LABELS), 4), LABELS, specs, targets or {})


def right(answers: Answers, name: str) -> float:
    output = answers.outputs[name]
    assert isinstance(output, ClassAnswers)
    asked = output.answer != NOT_ASKED
    return float((output.answer == output.truth)[asked].mean())


@pytest.mark.parametrize("label_map", HEADS.values(), ids=HEADS)
def test_the_share_of_right_answers_is_the_accuracy(label_map: LabelMap) -> None:
    batch = batch_of(OutputSpecs(label_map))

    answers = answers_of(batch)

    assert right(answers, JOINT) == accuracies(batch.outputs, LABELS, label_map)["accuracy/all"].item()


def test_a_class_that_cannot_be_seen_is_never_answered_and_has_no_probability() -> None:
    found = answers_of(batch_of(OutputSpecs(HEADS["late classes are not seen yet"]))).outputs[JOINT]

    assert isinstance(found, ClassAnswers)
    assert found.answer.max() < 3
    assert found.truth.tolist() == LABELS.tolist()
    assert (found.probability[3:] == 0).all()
    assert (found.probability[:3] > 0).all()


def test_probabilities_are_those_of_truth_and_answer() -> None:
    batch = batch_of(OutputSpecs(HEADS["two heads"]))

    found = answers_of(batch).outputs[JOINT]

    assert isinstance(found, ClassAnswers)
    chances = torch.cat([batch.outputs["known"], batch.outputs["late"]], dim=1).softmax(dim=1).numpy()
    np.testing.assert_allclose(found.probability, chances[range(6), LABELS], rtol=1e-3)
    np.testing.assert_allclose(found.confidence, chances.max(axis=1), rtol=1e-3)
    np.testing.assert_array_equal(found.confidence == found.probability, found.answer == found.truth)


@pytest.mark.parametrize("classes", [{}, {"known": (0, 1, 2)}])
def test_other_outputs_are_asked_where_the_class_can_be_seen(classes: dict[str, tuple[int, ...]]) -> None:
    described = {
        "kind": Output(kind="classes", columns=3),
        "flags": Output(kind="binary", columns=2),
        "load": Output(columns=2),
    }
    targets = {"kind": torch.tensor([0, 1, 2, 0, 1, 2]), "flags": torch.eye(6)[:, :2], "load": torch.ones(6, 2)}
    label_map = LabelMap.of(classes)
    batch = batch_of(OutputSpecs(label_map, described, {"load": Scale(0.0, 2.5)}), targets)
    asked = (
        batch
        if not classes
        else Batch(
            {name: value[:3] for name, value in batch.outputs.items()},
            batch.inputs[:3],
            LABELS[:3],
            batch.specs,
            {name: value[:3] for name, value in targets.items()},
        )
    )

    answers = answers_of(batch)

    metrics = {name: value.item() for name, value in output_metrics(asked).items()}
    errors = answers.outputs["load"]
    assert isinstance(errors, ValueErrors)
    assert right(answers, "kind") == metrics["accuracy/kind"]
    assert right(answers, "flags") == metrics["accuracy/flags"]
    assert np.nanmean(errors.absolute) == pytest.approx(metrics["mae/load"])
    assert np.nanmean(errors.squared) ** 0.5 == pytest.approx(metrics["rmse/load"])
    assert np.isnan(errors.absolute).sum() == (3 if classes else 0)


def test_examples_know_their_group() -> None:
    batch = batch_of(OutputSpecs(HEADS["two heads"]))

    assert answers_of(batch).groups is None
    grouped = answers_of(batch, torch.arange(6) // 2).groups
    assert grouped is not None
    assert grouped.tolist() == [0, 0, 1, 1, 2, 2]


def test_classes_at_positions_are_answered_position_by_position() -> None:
    specs = OutputSpecs(HEADS["two heads"], outputs={"next": Output(kind="classes", columns=3)})
    stream = torch.Generator().manual_seed(1)
    logits, truth = torch.randn(6, 4, 3, generator=stream), torch.randint(3, (6, 4), generator=stream)
    heads = {"known": torch.zeros(6, 3), "late": torch.zeros(6, 2)}
    batch = Batch({**heads, "next": logits}, torch.zeros(6, 4), LABELS, specs, {"next": truth})

    found = answers_of(batch).outputs["next"]

    assert isinstance(found, ClassAnswers)
    assert found.answer.tolist() == logits.argmax(dim=2).tolist()
    assert np.array_equal(found.probability, logits.softmax(dim=2).gather(2, truth[..., None])[..., 0].half())
    assert right(answers_of(batch), "next") == pytest.approx(output_metrics(batch)["accuracy/next"].item())
