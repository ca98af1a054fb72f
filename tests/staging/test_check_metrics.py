from collections.abc import Callable
from typing import Literal

import pytest
import torch
from torch import Tensor

from harness.core.errors import SpecError
from harness.core.spec import with_changes
from harness.data import load_task
from harness.metrics import AbstractMetric, FromTorchmetrics, Predictions
from harness.staging.check_metrics import check_metrics
from harness.staging.run import RunConfig
from tests.conformance.test_metrics import CLASS_METRICS


class Trying(AbstractMetric):
    """What a user writes for the first time."""

    kind: Literal["trying"] = "trying"
    mistake: Literal["none", "raises", "one per example"] = "none"

    def value(self, predictions: Predictions) -> Tensor:
        right = (predictions.answers == predictions.truth).double()
        if self.mistake == "raises":
            return right @ predictions.outputs[:, :0].double()[0]
        return right if self.mistake == "one per example" else right.mean() + 0 * torch.rand(())


@pytest.fixture
def check(digits_run: RunConfig) -> Callable[[AbstractMetric], None]:
    def of(metric: AbstractMetric) -> None:
        config = with_changes(digits_run, {"training.metrics": {**CLASS_METRICS, "mine": metric}})
        check_metrics(config, load_task(config.task, None))

    return of


def test_metrics_that_can_be_computed_are_accepted_and_nothing_is_drawn(
    check: Callable[[AbstractMetric], None],
) -> None:
    stream = torch.get_rng_state()

    check(Trying())

    assert torch.equal(torch.get_rng_state(), stream)


@pytest.mark.parametrize(
    ("metric", "words"),
    [
        (Trying(mistake="raises"), "expected trying to be computed .* it fails with RuntimeError"),
        (Trying(mistake="one per example"), "expected a scalar, or by_class = True, of the metric 'mine'"),
        (FromTorchmetrics(name="MulticlassF1Score", arguments={"num_classes": 2}), "it fails with"),
    ],
)
def test_one_that_fails_is_refused_before_anything_is_trained(
    check: Callable[[AbstractMetric], None], metric: AbstractMetric, words: str
) -> None:
    with pytest.raises(SpecError, match=f"^training.metrics.mine: .*{words}"):
        check(metric)
