from harness.core.history import History
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing
from harness.growth.rules import TriggerMonitor
from harness.growth.triggers import Progress


def rule(step: int, name: str = "late") -> GrowthRule:
    operation = AttachHead(name=name, outputs=2, tap="x")
    return GrowthRule(trigger=AtStep(step=step), operation=operation, freeze=NoFreezing())


def progress(step: int) -> Progress:
    return Progress(step, step, 0, {}, evaluated=False)


def test_the_first_rule_that_fires_is_returned() -> None:
    monitor = TriggerMonitor([rule(3, "a"), rule(2, "b"), rule(2, "c")])

    fired = [monitor.observe(progress(step)) for step in (1, 2)]

    assert fired == [None, monitor.rules[1]]


def test_rules_that_differ_only_in_their_trigger_make_the_same_change() -> None:
    assert rule(1).change == rule(2).change
    assert rule(1).change != rule(1, "other").change


def test_a_replay_fires_where_training_did() -> None:
    history = History()
    for step in range(11, 16):
        history.record(step, {"train/epoch": 0.0})

    assert TriggerMonitor([rule(14)]).replay(history, start=10, until=15) == (14, rule(14))
    assert TriggerMonitor([rule(14)]).replay(history, start=10, until=13) is None
    assert TriggerMonitor([rule(9)]).replay(history, start=10, until=15) is None
