import copy
from typing import ClassVar, Literal

import pytest
import torch
from torch import Tensor

from harness.core.errors import ContractError, DivergedError
from harness.core.history import History
from harness.data import TaskData
from harness.data.augment import AbstractAugmentation, RandomShift
from harness.growth import AbstractFreezePolicy, AtStep, AttachHead, GrowthRule, NoFreezing
from harness.growth.freezing import Candidate, OldParameters
from harness.growth.probe import Probe
from harness.growth.rules import Rule, TriggerMonitor
from harness.growth.triggers import Plateau, Signal
from harness.models import ConvNet, GrowableModel
from harness.staging.network import probe_for
from harness.staging.snapshot import write_snapshot
from harness.training.config import TrainingConfig
from harness.training.features import FeatureCache
from harness.training.loop import batches_of, train_stage
from harness.training.optimizers import SGD
from harness.training.output_specs import output_specs
from harness.training.state import TrainState, fresh_state

CONFIG = TrainingConfig(batch_size=12, evaluate_every=4)
HEAD = AttachHead(name="late", outputs=2, tap="hidden")


class ThawAtAge(AbstractFreezePolicy):
    kind: Literal["test_thaw_at_age"] = "test_thaw_at_age"
    thaw: int

    def frozen(self, candidates: tuple[Candidate, ...], *, growth: int, age: int) -> frozenset[str]:
        return frozenset(c.id for c in candidates if c.birth < growth and age < self.thaw)

    def changes(self) -> tuple[int, ...]:
        return (self.thaw,)


def rule(step: int, freeze: AbstractFreezePolicy | None = None) -> GrowthRule:
    return GrowthRule(trigger=AtStep(step=step), operation=HEAD, freeze=freeze or NoFreezing())


def train(
    state: TrainState, until: int, data: TaskData, *rules: GrowthRule, config: TrainingConfig = CONFIG
) -> tuple[Rule | None, History]:
    history = History()
    return train_stage(state, until, config=config, data=data, monitor=TriggerMonitor(rules), history=history), history


def test_a_stage_without_growth_ends_at_the_end(state: TrainState, data: TaskData) -> None:
    fired, history = train(state, 10, data)

    assert (fired, state.step) == (None, 10)
    assert history["train/loss/total"].steps == list(range(1, 11))


def test_a_trigger_ends_the_stage_between_two_steps(state: TrainState, data: TaskData) -> None:
    fired, history = train(state, 10, data, rule(8), rule(6))

    assert (fired, state.step) == (rule(6), 6)
    assert history["train/loss/known"].steps[-1] == 6


def test_it_evaluates_at_the_start_and_at_its_intervals(state: TrainState, data: TaskData) -> None:
    _, history = train(state, 10, data)

    assert history["val/accuracy/all"].steps == [0, 4, 8]


def test_after_a_growth_every_update_is_evaluated_for_as_long_as_asked(state: TrainState, data: TaskData) -> None:
    config = CONFIG.model_copy(update={"evaluate_after_growth": 3})
    _, before = train(state, 6, data, config=config)
    state.grow(rule(1).change, probe=Probe(data.validation.inputs[:2]))

    _, after = train(state, 17, data, config=config)

    assert before["val/accuracy/all"].steps == [0, 4]
    assert after["val/accuracy/all"].steps == [6, 7, 8, 9, 12, 16]


def test_triggers_see_the_evaluations_after_a_growth_alike_when_trained_and_when_replayed(
    state: TrainState, data: TaskData
) -> None:
    config = CONFIG.model_copy(update={"evaluate_after_growth": 5})
    train(state, 4, data)
    state.grow(rule(1).change, probe=Probe(data.validation.inputs[:2]))
    plateau = rule(1).model_copy(update={"trigger": Plateau(metric="val/loss/total", patience=2, min_delta=9.0)})

    fired, history = train(state, 20, data, plateau, config=config)

    assert (fired, state.step) == (plateau, 7)
    assert TriggerMonitor((plateau,)).replay(history, start=4, until=20) == (7, plateau)


def test_drift_is_recorded_at_evaluations_and_shown_to_no_trigger(state: TrainState, data: TaskData) -> None:
    config, seen = CONFIG.model_copy(update={"record_drift": True}), list[str]()
    keeping = rule(1).model_copy(update={"keep_teacher": True})
    history = History()
    state.grow(keeping.change, probe=Probe(data.validation.inputs[:2]))

    train_stage(
        *(state, 4), config=config, data=data, monitor=TriggerMonitor(()), history=history,
        on_evaluation=lambda _step, metrics: seen.extend(metrics),
    )  # fmt: skip

    assert history["drift/cka/blocks.0.conv"].steps == [0, 4]
    assert history["drift/cka/blocks.0.conv"].values[0] == 1
    assert history["drift/change/blocks.0.conv"].values[1] > 0
    assert not any(name.startswith("drift/") for name in seen)


@pytest.mark.parametrize("option", ["record_classes", "record_drift"])
def test_what_is_recorded_changes_nothing_that_is_trained(state: TrainState, data: TaskData, option: str) -> None:
    histories = []
    for config in (CONFIG, CONFIG.model_copy(update={option: True})):
        again = _fresh_like(state)
        again.grow(rule(1).model_copy(update={"keep_teacher": True}).change, probe=Probe(data.validation.inputs[:2]))
        histories.append(train(again, 9, data, config=config)[1])

    plain, rich = histories
    assert set(rich) > set(plain)
    assert all(rich[name] == plain[name] for name in plain)


def test_late_classes_are_seen_only_after_their_head_exists(state: TrainState, data: TaskData) -> None:
    data.train.inputs[data.train.labels >= 3] = float("nan")

    train(state, 8, data)
    state.grow(rule(1).change, probe=Probe(data.validation.inputs[:2]))

    with pytest.raises(DivergedError):
        train(state, 16, data)


def test_a_new_component_appears_with_its_head(state: TrainState, data: TaskData) -> None:
    _, before = train(state, 4, data)
    state.grow(rule(1).change, probe=Probe(data.validation.inputs[:2]))
    _, after = train(state, 8, data)

    assert "train/loss/late" not in before
    assert after["train/loss/late"].steps == [5, 6, 7, 8]
    assert after["val/loss/late"].steps == [4, 8]


def test_a_stage_in_two_parts_equals_the_whole(state: TrainState, data: TaskData) -> None:
    history, monitor = History(), TriggerMonitor([])
    for until in (7, 12):
        train_stage(state, until, config=CONFIG, data=data, monitor=monitor, history=history)
    parts = [p.clone() for p in state.model.parameters()]
    again = _fresh_like(state)

    _, whole = train(again, 12, data)

    assert whole == history
    assert all(torch.equal(a, b) for a, b in zip(again.model.parameters(), parts, strict=True))


def _fresh_like(state: TrainState) -> TrainState:
    torch.manual_seed(0)
    model = GrowableModel(ConvNet(image=(1, 8, 8), channels=(4, 6), hidden=7, dropout=0.3).build(3), "known")
    return fresh_state(model, SGD(lr=0.05, momentum=0.9, weight_decay=0.01), seed=state.seed, precision="fp32")


def test_a_policy_thaws_at_the_age_it_names(state: TrainState, data: TaskData) -> None:
    state.grow(rule(1, ThawAtAge(thaw=3)).change, probe=Probe(data.validation.inputs[:2]))
    weight = state.model.get_parameter("backbone.hidden.linear.weight")
    start = weight.clone()

    train(state, 3, data)
    still = torch.equal(weight, start)
    train(state, 4, data)

    assert still
    assert not torch.equal(weight, start)
    assert state.model.backbone.training


def test_a_run_that_diverges_says_where(state: TrainState, data: TaskData) -> None:
    for group in state.optimizer.param_groups:
        group["base_lr"] = 1e30

    with pytest.raises(DivergedError, match=r"train/loss/known became .* at step [23]"):
        train(state, 10, data)


def test_a_signal_ends_the_stage_at_the_next_evaluation_and_in_every_replay(state: TrainState, data: TaskData) -> None:
    history, signals = History(), iter([frozenset[str](), frozenset({"now"}), frozenset({"now"})])
    waiting = GrowthRule(trigger=Signal(name="now"), operation=HEAD, freeze=NoFreezing())

    fired = train_stage(
        state,
        20,
        config=CONFIG,
        data=data,
        monitor=TriggerMonitor([waiting]),
        history=history,
        signals=lambda: next(signals),
    )

    assert (fired, state.step) == (waiting, 8)
    assert TriggerMonitor([waiting]).replay(history, start=0, until=8) == (8, waiting)


def test_a_signal_is_recorded_once_where_it_came(state: TrainState, data: TaskData) -> None:
    history = History()

    train_stage(
        state,
        20,
        config=CONFIG,
        data=data,
        monitor=TriggerMonitor(()),
        history=history,
        signals=lambda: frozenset({"now"} if state.step >= 8 else ()),
    )

    assert history["signal/now"].steps == [8]


def test_whoever_watches_hears_of_every_evaluation(state: TrainState, data: TaskData) -> None:
    heard: list[int] = []

    train_stage(
        state,
        9,
        config=CONFIG,
        data=data,
        monitor=TriggerMonitor([]),
        history=History(),
        on_evaluation=lambda step, metrics: heard.append(step) if "val/accuracy/all" in metrics else None,
    )

    assert heard == [0, 4, 8]


@pytest.mark.parametrize(("replay", "late"), [(None, None), (0.0, 12), (0.25, 9)])
def test_a_fraction_of_what_is_seen_after_a_growth_is_old(
    state: TrainState, data: TaskData, replay: float | None, late: int | None
) -> None:
    config = CONFIG.model_copy(update={"replay": replay})
    before = output_specs(state.model, state.lineage, state.effects, data).label_map
    first = batches_of(state, data, config, before).indices(0)
    state.grow(rule(1).change, probe=Probe(data.validation.inputs[:2]))
    after = output_specs(state.model, state.lineage, state.effects, data).label_map
    order = batches_of(state, data, config, after)

    counts = {int((data.train.labels[order.indices(step)] >= 3).sum()) for step in range(order.per_epoch)}

    assert len(first) == 12
    assert (data.train.labels[first] < 3).all()
    assert counts == {late} if late is not None else len(counts) > 1


def test_a_component_that_vanishes_ends_the_stage_with_its_name(state: TrainState, data: TaskData) -> None:
    state.model.backbone.register_forward_hook(
        lambda _module, _inputs, output: {"known": output} | ({"extra_reg": output.mean()} if state.step < 5 else {})
    )

    with pytest.raises(ContractError, match="'extra_reg' vanished at step 6"):
        train(state, 10, data)


def test_a_network_that_changes_a_setting_of_the_process_ends_its_stage_alone(
    state: TrainState, data: TaskData
) -> None:
    state.model.backbone.register_forward_hook(lambda *_: torch.set_num_threads(3))

    with pytest.raises(ContractError, match="leave torch's number of threads as it is, 1, found 3"):
        train(state, 10, data)

    assert torch.get_num_threads() == 1


def test_a_network_that_seeds_the_global_generators_changes_no_draw_of_others(
    state: TrainState, data: TaskData
) -> None:
    seeding = copy.deepcopy(state)
    seeding.model.backbone.register_forward_hook(lambda *_: torch.manual_seed(0) and None)

    assert train(seeding, 10, data)[1] == train(state, 10, data)[1]


def test_a_run_may_skip_what_diverges(state: TrainState, data: TaskData) -> None:
    data.train.inputs[0] = float("nan")  # one batch of each epoch
    model = GrowableModel(torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3)), "known")
    state = fresh_state(model, SGD(lr=0.05), seed=0, precision="fp32")

    _, history = train(state, 12, data, config=CONFIG.model_copy(update={"on_divergence": "skip"}))

    skipped = history["train/skipped_steps"]
    assert sum(skipped.values) == 4
    assert len(history["train/loss/total"].steps) == 12 - 4
    assert all(parameter.isfinite().all() for parameter in model.parameters())


class Blank(AbstractAugmentation):
    """Nothing is left of the inputs; how many there were is noted, and which stream they were changed with."""

    kind: Literal["test_blank"] = "test_blank"
    sizes: ClassVar[list[int]] = []
    streams: ClassVar[list[int]] = []

    def apply(self, inputs: Tensor, generator: torch.Generator) -> Tensor:
        self.sizes.append(len(inputs))
        self.streams.append(generator.initial_seed())
        return torch.zeros_like(inputs)


def test_training_batches_are_augmented_and_evaluations_are_not(
    state: TrainState, data: TaskData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Blank, "sizes", [])
    seen: list[Tensor] = []
    state.model.register_forward_pre_hook(lambda _, args: seen.append(args[0]))

    train(state, 8, data, config=CONFIG.model_copy(update={"augment": (Blank(),)}))

    assert Blank.sizes == [12] * 8
    blank = [inputs.count_nonzero().item() == 0 for inputs in seen]
    assert blank == [False, *[True] * 4, False, *[True] * 4, False]


def test_augmented_training_is_the_same_with_a_feature_cache(state: TrainState, data: TaskData) -> None:
    config = TrainingConfig(batch_size=12, evaluate_every=4, augment=(RandomShift(),))
    histories = [History(), History()]
    change = rule(1, OldParameters()).change
    state.grow(change, probe=probe_for(change, data))
    states = [state, copy.deepcopy(state)]

    for one, history, features in zip(states, histories, (None, FeatureCache()), strict=True):
        train_stage(one, 10, config=config, data=data, monitor=TriggerMonitor(()), history=history, features=features)

    assert histories[0] == histories[1]
    assert write_snapshot(states[0]) == write_snapshot(states[1])


def test_no_draw_of_an_augmentation_comes_twice_in_a_run(
    state: TrainState, data: TaskData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Blank, "streams", [])
    config, change = CONFIG.model_copy(update={"augment": (Blank(), Blank())}), rule(1).change

    train(state, 6, data, config=config)
    state.grow(change, probe=probe_for(change, data))
    train(state, 12, data, config=config)

    assert len(set(Blank.streams)) == 2 * 12
