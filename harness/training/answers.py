"""From the outputs of a network to its answers, example by example."""

from typing import Any

import torch
from torch import Tensor

from harness.core.answers import JOINT, NOT_ASKED, Answers, ClassAnswers, ValueErrors
from harness.core.label_map import LabelMap
from harness.core.positions import by_position
from harness.losses import Batch

__all__ = ["answers_of"]


def answers_of(batch: Batch, groups: Tensor | None = None) -> Answers:
    """Return how the outputs in `batch` answer its examples.

    The share of right answers, and means of the errors, are the metrics of the same outputs: `accuracy/all`,
    `accuracy/<output>`, `mae/<output>` and the square of `rmse/<output>`.

    Args:
        batch: a whole split, as `forward_split` returns it.
        groups: `[N]` int64, the group of each example.
    """
    outputs: dict[str, ClassAnswers | ValueErrors] = {}
    label_map = batch.specs.label_map
    if label_map.heads:
        outputs[JOINT] = _of_heads(batch, label_map)
    asked = label_map.known(batch.labels)
    for name, described in batch.specs.outputs.items():
        if name not in batch.outputs:
            continue
        values, truth = batch.outputs[name].flatten(1), batch.target(name)
        if described.kind == "classes":
            outputs[name] = _of_classes(batch.outputs[name], truth, asked)
        elif described.kind == "binary":
            outputs[name] = _of_columns(values, truth[:, : values.shape[1]], asked)
        else:
            errors = (values.double() - truth[:, : values.shape[1]].double()) * batch.specs.scale(name).std
            outputs[name] = _errors(errors.where(asked[:, None], torch.nan))
    return Answers(outputs, None if groups is None else _plain(groups))


def _of_heads(batch: Batch, label_map: LabelMap) -> ClassAnswers:
    """Return the answers of the joined heads, among the classes that can be seen."""
    truth, known = batch.labels, label_map.known(batch.labels)
    column = torch.where(known, label_map.column[truth.where(known, 0)], -1)
    logits = label_map.joined(batch.outputs)
    predicted, chances = logits.argmax(dim=1), logits.softmax(dim=1)
    classes = label_map.first_by_column(torch.arange(len(label_map.column), device=truth.device))
    answer = torch.where(predicted == column, truth, classes[predicted])
    of_truth = torch.where(known, _at(chances, column.clamp(min=0)), 0.0)
    return _class_answers(truth, answer, of_truth, _at(chances, predicted))


def _of_classes(outputs: Tensor, truth: Tensor, asked: Tensor) -> ClassAnswers:
    logits, classes = by_position(outputs, truth)
    answer, chances = logits.argmax(dim=1), logits.softmax(dim=1)
    of_truth, of_answer = (_at(chances, columns).view_as(truth) for columns in (classes, answer))
    known = asked if truth.dim() == 1 else asked[:, None]
    return _class_answers(truth, answer.view_as(truth).where(known, NOT_ASKED), of_truth, of_answer)


def _of_columns(logits: Tensor, truth: Tensor, asked: Tensor) -> ClassAnswers:
    """Return the answers to the question that each column `[N, D]` asks: no is the class 0, yes the class 1."""
    yes, chance = truth > 0.5, logits.sigmoid()
    answer = (logits > 0).long().where(asked[:, None], NOT_ASKED)
    return _class_answers(yes.long(), answer, torch.where(yes, chance, 1 - chance), torch.maximum(chance, 1 - chance))


def _at(chances: Tensor, columns: Tensor) -> Tensor:
    return chances.gather(1, columns[:, None]).squeeze(1)


def _class_answers(truth: Tensor, answer: Tensor, probability: Tensor, confidence: Tensor) -> ClassAnswers:
    return ClassAnswers(
        truth=_plain(truth.int()),
        answer=_plain(answer.int()),
        probability=_plain(probability.half()),
        confidence=_plain(confidence.half()),
    )


def _errors(errors: Tensor) -> ValueErrors:
    """Return the errors of each example; `errors` `[N, D]` are in the target's unit."""
    return ValueErrors(
        absolute=_plain(errors.abs().mean(dim=1).float()), squared=_plain(errors.square().mean(dim=1).float())
    )


def _plain(tensor: Tensor) -> Any:
    return tensor.cpu().numpy()
