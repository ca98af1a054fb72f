from typing import Any

import pytest
import torch

from harness.core.errors import ContractError
from harness.losses import Batch, JointCrossEntropy, ParameterNorm, Ramp
from harness.training.combined_loss import combine_losses
from harness.training.loop import StageLoop
from harness.training.packing.losses import PackedBatch, PackedLosses
from tests.training.packing.runs import DATA, Run


def loops(*losses: Any) -> list[StageLoop]:
    training = Run().training
    return [
        Run(seed=seed, training=training.model_copy(update={"losses": {"classes": loss}}), steps=5).loop()
        for seed, loss in enumerate(losses)
    ]


def combined(begun: list[StageLoop], *, together: bool) -> Any:
    """Return the packed losses of random outputs, and those of each run."""
    chosen = (torch.arange(15) % 5 < 3).nonzero().squeeze(1)
    examples = DATA.train.take(chosen)
    count, rows = len(begun), len(chosen)
    outputs = torch.randn(count, rows, 3, generator=torch.Generator().manual_seed(1))
    labels, inputs = examples.labels.expand(count, -1), examples.inputs.expand(count, *examples.inputs.shape)
    found = PackedLosses(begun, together=together)(PackedBatch({"known": outputs}, inputs, labels))
    expected = [
        combine_losses(
            loop.config.losses,
            Batch({"known": outputs[row]}, examples.inputs, examples.labels, loop.specs),
            step=loop.state.step,
            growth_weights={},
            log_variances={},
        )
        for row, loop in enumerate(begun)
    ]
    return found, expected


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0), (1.0, 0.3, 2.0), (Ramp(low=0.5, steps=4), 1.0, Ramp(steps=9))])
def test_each_run_has_its_own_weights(weights: tuple[Any, ...], together: bool) -> None:
    begun = loops(*(JointCrossEntropy(weight=weight) for weight in weights))
    for loop in begun:
        loop.advance()

    found, expected = combined(begun, together=together)

    assert torch.equal(found.total, torch.stack([one.total for one in expected]))
    for kind in ("components", "weighted"):
        values = torch.stack([getattr(one, kind)["known"] for one in expected])
        assert torch.equal(getattr(found, kind)["known"], values)


def test_no_loss_reads_parameters() -> None:
    with pytest.raises(ContractError, match="parameters are read"):
        combined(loops(ParameterNorm(paths=("output.weight",))), together=False)
