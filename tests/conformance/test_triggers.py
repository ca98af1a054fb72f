"""What every trigger promises."""

import copy
import importlib
import json
import math
import pkgutil

from pydantic import JsonValue

from harness.core.spec import LeafSpec
from harness.growth import triggers
from harness.growth.triggers import (
    AbstractTrigger,
    AllOf,
    AnyOf,
    AtEpoch,
    AtMost,
    AtStep,
    NotBefore,
    Plateau,
    Progress,
    Schedule,
    Signal,
    Threshold,
)

PLATEAU = Plateau(patience=2, cooldown=1, min_delta=0.1)
THRESHOLD = Threshold(metric="val/accuracy/all", above=0.6, times=2, warm_up=3)
TRIGGERS = [
    AtStep(step=1),
    AtStep(step=7),
    AtStep(step=24),
    AtEpoch(epoch=2),
    Schedule(steps=(3, 15)),
    PLATEAU,
    Plateau(metric="val/accuracy/all", mode="max", patience=1),
    THRESHOLD,
    Threshold(metric="val/loss/total", below=0.8),
    Signal(name="go"),
    AnyOf(triggers=(AtStep(step=5), PLATEAU)),
    AllOf(triggers=(Signal(name="go"), PLATEAU, AtEpoch(epoch=1))),
    NotBefore(step=18, trigger=PLATEAU),
    AtMost(times=1, trigger=THRESHOLD),
    AtMost(times=3, trigger=AnyOf(triggers=(NotBefore(step=6, trigger=PLATEAU), AllOf(triggers=(THRESHOLD,))))),
]

# Twenty-four steps with an evaluation at every second one and a growth after the twelfth.
LOSSES = [0.9, 0.7, 0.69, math.nan, 0.68, 0.3, 2.0, 1.0, 1.0, math.inf, 0.99, 0.98]
ACCURACIES = [0.1, 0.7, 0.8, 0.8, 0.5, 0.9, 0.2, 0.3, 0.7, 0.8, 0.8, math.nan]


def progress_at(step: int) -> Progress:
    seen = max(step // 2 - 1, 0)
    metrics = {"val/loss/total": LOSSES[seen], "val/accuracy/all": ACCURACIES[seen]}
    age = step - 12 if step > 12 else step
    signals = frozenset({"go"}) if step >= 9 else frozenset()
    return Progress(step, age, age // 4, metrics, evaluated=step % 2 == 0, signals=signals)


WAY = [progress_at(step) for step in range(1, 25)]


def own_leaves(family: type[LeafSpec]) -> set[type[LeafSpec]]:
    for module in pkgutil.iter_modules(triggers.__path__, f"{triggers.__name__}."):
        importlib.import_module(module.name)
    return {leaf for leaf in family.__subclasses__() if leaf.__module__.startswith("harness.")}


def through_json(memory: JsonValue) -> JsonValue:
    again: JsonValue = json.loads(json.dumps(memory, allow_nan=False))
    return again


def firings(trigger: AbstractTrigger, way: list[Progress], *, save_at: frozenset[int] = frozenset()) -> list[int]:
    memory, fired = trigger.begin(), []
    for progress in way:
        if progress.step in save_at:
            memory, trigger = through_json(memory), AbstractTrigger.model_validate(trigger.to_json())
        memory, fires = trigger.observe(memory, progress)
        fired += [progress.step] * fires
    return fired


def test_every_trigger_is_tested_here() -> None:
    assert {type(trigger) for trigger in TRIGGERS} == own_leaves(AbstractTrigger)


def test_each_survives_json() -> None:
    again = [AbstractTrigger.model_validate(json.loads(json.dumps(trigger.to_json()))) for trigger in TRIGGERS]

    assert again == TRIGGERS


def test_each_fires_on_this_way_but_not_always() -> None:
    assert [trigger for trigger in TRIGGERS if not 0 < len(firings(trigger, WAY)) < len(WAY)] == []


def test_a_fork_at_any_step_fires_at_the_same_steps() -> None:
    for trigger in TRIGGERS:
        straight = firings(trigger, WAY)
        forked = {step: firings(trigger, WAY, save_at=frozenset({step})) for step in range(1, 25)}

        assert forked == dict.fromkeys(range(1, 25), straight), trigger


def test_memory_that_is_written_and_read_at_every_step_is_the_same() -> None:
    for trigger in TRIGGERS:
        assert firings(trigger, WAY, save_at=frozenset(range(1, 25))) == firings(trigger, WAY), trigger


def test_one_trigger_watches_two_runs_at_once() -> None:
    for trigger in TRIGGERS:
        memories, fired = [trigger.begin(), trigger.begin()], []
        for progress in WAY:
            for run in range(2):
                memories[run], fires = trigger.observe(memories[run], progress)
                fired += [progress.step] * fires

        assert fired[::2] == fired[1::2] == firings(trigger, WAY), trigger


def test_to_observe_twice_gives_the_same_result_and_leaves_memory_alone() -> None:
    for trigger in TRIGGERS:
        memory = trigger.begin()
        for progress in WAY:
            before = copy.deepcopy(memory)

            first, second = trigger.observe(memory, progress), trigger.observe(memory, progress)

            assert first == second, trigger
            assert memory == before, trigger
            memory = first[0]


def test_metrics_are_looked_at_only_when_they_are_new() -> None:
    bare = [p if p.evaluated else Progress(p.step, p.age, p.epoch, {}, evaluated=False, signals=p.signals) for p in WAY]

    assert [trigger for trigger in TRIGGERS if firings(trigger, bare) != firings(trigger, WAY)] == []


def test_one_that_names_its_only_step_fires_at_that_step_and_no_other() -> None:
    named = [trigger for trigger in TRIGGERS if trigger.only_step is not None]

    assert named
    assert [firings(trigger, WAY) for trigger in named] == [[trigger.only_step] for trigger in named]


def test_one_that_foresees_its_steps_fires_at_these() -> None:
    for trigger in TRIGGERS:
        step, foreseen = 0, []
        while (following := trigger.next_firing_step(step)) is not None and following <= len(WAY):
            step = following
            foreseen.append(step)

        assert trigger.next_firing_step(0) is None or foreseen == firings(trigger, WAY), trigger
