"""Every metric against the library that people compare with."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from harness.metrics import (
    AUROC,
    AbstractMetric,
    Accuracy,
    BalancedAccuracy,
    BrierScore,
    CalibrationError,
    FromTorchmetrics,
    LogLoss,
    MacroF1,
    MeanAbsoluteError,
    Perplexity,
    Predictions,
    RootMeanSquaredError,
    RSquared,
    TopKAccuracy,
)

STREAM = torch.Generator().manual_seed(0)
TRUTH = torch.multinomial(torch.tensor([8.0, 4.0, 2.0, 1.0, 1.0]), 300, replacement=True, generator=STREAM)
LOGITS = torch.randn(300, 5, generator=STREAM) + torch.nn.functional.one_hot(TRUTH, 5)
YES = torch.rand(300, 3, generator=STREAM) > torch.tensor([0.2, 0.5, 0.9])
YES_LOGITS = torch.randn(300, 3, generator=STREAM) + YES
NUMBERS = torch.randn(300, 2, generator=STREAM, dtype=torch.float64) * 3 + 20
GUESSED = NUMBERS + torch.randn(300, 2, generator=STREAM, dtype=torch.float64)

CLASSES = Predictions("classes", LOGITS, TRUTH)
BINARY = Predictions("binary", YES_LOGITS, YES)
VALUES = Predictions("values", GUESSED, NUMBERS)
P, Q = LOGITS.double().softmax(1).numpy(), YES_LOGITS.double().sigmoid().numpy()
T, A, Y, G = TRUTH.numpy(), LOGITS.argmax(1).numpy(), YES.numpy(), YES_LOGITS.numpy() > 0
SAME: list[tuple[AbstractMetric, Predictions, Callable[[], float]]] = [
    (Accuracy(), CLASSES, lambda: sk.accuracy_score(T, A)),
    (Accuracy(), BINARY, lambda: sk.accuracy_score(Y.ravel(), G.ravel())),
    (BalancedAccuracy(), CLASSES, lambda: sk.balanced_accuracy_score(T, A)),
    (BalancedAccuracy(), BINARY, lambda: np.mean([sk.balanced_accuracy_score(Y[:, d], G[:, d]) for d in range(3)])),
    (TopKAccuracy(k=2), CLASSES, lambda: sk.top_k_accuracy_score(T, P, k=2)),
    (MacroF1(), CLASSES, lambda: sk.f1_score(T, A, average="macro")),
    (MacroF1(), BINARY, lambda: sk.f1_score(Y, G, average="macro")),
    (AUROC(), CLASSES, lambda: sk.roc_auc_score(T, P, multi_class="ovr")),
    (AUROC(), BINARY, lambda: sk.roc_auc_score(Y, Q)),
    (LogLoss(), CLASSES, lambda: sk.log_loss(T, P)),
    (LogLoss(), BINARY, lambda: np.mean([sk.log_loss(Y[:, d], Q[:, d]) for d in range(3)])),
    (Perplexity(), CLASSES, lambda: np.exp(sk.log_loss(T, P))),
    (BrierScore(), CLASSES, lambda: ((P - np.eye(5)[T]) ** 2).sum(1).mean()),
    (BrierScore(), BINARY, lambda: np.mean([sk.brier_score_loss(Y[:, d], Q[:, d]) for d in range(3)])),
    (MeanAbsoluteError(), VALUES, lambda: sk.mean_absolute_error(NUMBERS, GUESSED)),
    (RootMeanSquaredError(), VALUES, lambda: sk.mean_squared_error(NUMBERS, GUESSED) ** 0.5),
    (RSquared(), VALUES, lambda: sk.r2_score(NUMBERS, GUESSED)),
]


@pytest.mark.parametrize(("metric", "predictions", "expected"), SAME, ids=[f"{m.kind} {p.kind}" for m, p, _ in SAME])
def test_it_is_that_of_scikit_learn(
    metric: AbstractMetric, predictions: Predictions, expected: Callable[[], float]
) -> None:
    assert metric.value(predictions).mean().item() == pytest.approx(expected(), rel=1e-9)


def test_f1_by_class_is_that_of_scikit_learn() -> None:
    assert MacroF1().value(CLASSES).tolist() == pytest.approx(sk.f1_score(T, A, average=None).tolist())


@pytest.mark.parametrize(
    ("kind", "ours", "predictions"),
    [
        ("MulticlassCalibrationError", CalibrationError(bins=15), CLASSES),
        ("MultilabelAUROC", AUROC(), BINARY),
        ("R2Score", RSquared(), VALUES),
    ],
)
def test_any_metric_of_torchmetrics_can_be_named(kind: str, ours: AbstractMetric, predictions: Predictions) -> None:
    arguments: dict[str, object] = {"n_bins": 15} if "Calibration" in kind else {}

    found = FromTorchmetrics(name=kind, arguments=arguments).value(predictions)

    assert found.item() == pytest.approx(ours.value(predictions).mean().item(), rel=1e-5)


def test_a_name_that_torchmetrics_does_not_have_is_refused() -> None:
    with pytest.raises(ValueError, match=r"expected a metric of torchmetrics.* found 'F1x'"):
        FromTorchmetrics(name="F1x")


@pytest.mark.parametrize(
    ("metric", "truth", "expected"),
    [
        (MacroF1(), torch.tensor([0, 0, 0]), [1.0, None, None]),
        (AUROC(), torch.tensor([0, 0, 0]), [None, None, None]),
        (BalancedAccuracy(), torch.tensor([0, 0, 1]), [1.0, 0.0, None]),
    ],
)
def test_a_class_without_examples_has_no_value(
    metric: AbstractMetric, truth: torch.Tensor, expected: list[float | None]
) -> None:
    logits = torch.tensor([[3.0, 2.0, 1.0]]).expand(3, -1)

    found = metric.value(Predictions("classes", logits, truth)).tolist()

    assert [None if value != value else value for value in found] == expected


def test_targets_that_are_all_the_same_explain_nothing() -> None:
    constant = torch.tensor([[1.0, 5.0], [2.0, 5.0], [3.0, 5.0]], dtype=torch.float64)

    found = RSquared().value(Predictions("values", constant, constant))
    none = RSquared().value(Predictions("values", constant[:, 1:], constant[:, 1:]))

    assert found.item() == 1.0
    assert none.isnan()
