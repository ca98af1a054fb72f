import pytest
import torch
from torch import nn

from harness.training.optimizers import SGD, AbstractOptimizer, AdamW


@pytest.mark.parametrize(("spec", "built"), [(SGD(), torch.optim.SGD), (AdamW(), torch.optim.AdamW)])
def test_a_spec_builds_its_optimizer(spec: AbstractOptimizer, built: type) -> None:
    optimizer = spec.start(nn.Linear(2, 2).parameters())

    assert type(optimizer) is built
    assert (optimizer.param_groups[0]["base_lr"], optimizer.param_groups[0]["born"]) == (spec.lr, 0)


def test_every_setting_arrives() -> None:
    sgd = SGD(lr=0.3, momentum=0.5, nesterov=True, weight_decay=0.2).build(nn.Linear(2, 2).parameters()).defaults
    adamw = AdamW(lr=0.3, betas=(0.5, 0.6), weight_decay=0.2).build(nn.Linear(2, 2).parameters()).defaults

    assert (sgd["lr"], sgd["momentum"], sgd["nesterov"], sgd["weight_decay"]) == (0.3, 0.5, True, 0.2)
    assert (adamw["lr"], adamw["betas"], adamw["weight_decay"]) == (0.3, (0.5, 0.6), 0.2)
