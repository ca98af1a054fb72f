from typing import Any

import pytest
import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from harness.core.errors import SpecError
from harness.growth import AtStep, GrowthRule, NoFreezing, Probe, WidenHead, WidenLayer, growth_state
from harness.growth.freezing import WarmUpThenThaw
from harness.growth.triggers import AbstractTrigger, AtEpoch, Plateau
from harness.integrations.rule_runner import RuleRunner

INPUTS = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))


def rule(trigger: AbstractTrigger, **settings: Any) -> GrowthRule:
    settings = {"operation": WidenHead(path="2", to=4), "freeze": NoFreezing(), **settings}
    return GrowthRule(trigger=trigger, **settings)


class Loop:
    """A loop of somebody else: it knows steps, epochs of three of them, and the value of its evaluations."""

    def __init__(self, *rules: GrowthRule) -> None:
        self.runner = RuleRunner(rules)
        self.model = nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1, weight_decay=0.5)
        self.scheduler = LambdaLR(self.optimizer, lambda _step: 1.0)
        self.grown_at: list[int] = []

    def run(self, first: int, last: int, values: dict[int, float] | None = None) -> None:
        metrics: dict[str, float] = {}
        for step in range(first, last + 1):
            self.optimizer.zero_grad()
            self.model(INPUTS).square().mean().backward()
            self.optimizer.step()
            self.scheduler.step()
            evaluated = step in (values or {})
            metrics = {"val_loss": values[step]} if values and evaluated else metrics
            grown = self.runner.after_step(
                self.model,
                [self.optimizer],
                step=step,
                epoch=step / 3,
                metrics=metrics,
                evaluated=evaluated,
                probe=lambda: Probe(INPUTS),
                schedulers=[self.scheduler],
            )
            self.grown_at += [step] if grown else []


def test_each_rule_acts_once_when_its_trigger_fires() -> None:
    wider = rule(AtEpoch(epoch=1), operation=WidenLayer(path="0", by=2), weight_decay=0.25)
    loop = Loop(rule(AtStep(step=2), lr_factor=0.5, weight_decay=0.125), wider)

    loop.run(1, 9)

    assert loop.grown_at == [2, 5]
    assert [event.step for event in growth_state(loop.model).lineage] == [2, 5]
    assert [(group["lr"], group["weight_decay"]) for group in loop.optimizer.param_groups] == [
        (0.1, 0.5),
        (0.05, 0.125),
    ]


def test_a_metric_is_seen_when_it_was_evaluated() -> None:
    loop = Loop(rule(Plateau(metric="val_loss", patience=2)))

    loop.run(1, 6, {1: 1.0, 3: 1.0, 5: 1.0})

    assert loop.grown_at == [5]


def test_another_runner_goes_on_where_one_was() -> None:
    rules = (rule(Plateau(metric="val_loss", patience=2)), rule(AtStep(step=1), operation=WidenHead(path="2", to=3)))
    loop = Loop(*rules)
    loop.run(1, 4, {2: 1.0, 4: 1.0})
    other = RuleRunner(rules)
    other.load_state_dict(loop.runner.state_dict())
    loop.runner = other
    assert other.waiting == [0]

    loop.run(5, 8, {6: 1.0})

    assert loop.grown_at == [1, 6]
    with pytest.raises(SpecError, match="expected the 2 growth rules"):
        RuleRunner(rules[:1]).load_state_dict(other.state_dict())


def test_a_policy_that_changes_with_time_is_followed() -> None:
    loop = Loop(rule(AtStep(step=1), freeze=WarmUpThenThaw(steps=2)))

    loop.run(1, 2)
    frozen = loop.model.get_parameter("0.weight").requires_grad
    loop.run(3, 3)

    assert not frozen
    assert loop.model.get_parameter("0.weight").requires_grad


@pytest.mark.parametrize("field", [{"reveals": (1,)}, {"loss_weight": 0.5}, {"warm_up": 3}])
def test_what_only_studies_follow_is_refused(field: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match=next(iter(field))):
        RuleRunner([rule(AtStep(step=1), **field)])
