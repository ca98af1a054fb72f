from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from harness.core.history import History
from harness.core.spec import with_changes
from harness.data import Digits, TaskData
from harness.growth.freezing import AbstractFreezePolicy, AllButLast, GradualThaw, NoFreezing, OldParameters
from harness.growth.rules import TriggerMonitor
from harness.models.cut import Cut
from harness.staging.network import build_network, probe_for
from harness.staging.run import RunConfig
from harness.staging.snapshot import write_snapshot
from harness.training.evaluation import CHUNK, evaluate
from harness.training.features import FeatureCache
from harness.training.impact import snapshot_outputs
from harness.training.loop import train_stage
from harness.training.output_specs import output_specs
from harness.training.state import TrainState, fresh_state

STEPS = 40  # of which the epochs after the growth are more than one


@pytest.fixture(scope="module")
def data() -> TaskData:
    """Digits as images."""
    digits = Digits(classes={"known": (0, 1, 2, 3, 4, 5), "late": (6, 7, 8, 9)}).load(None)
    images = {}
    for name in ("train", "validation", "test"):
        split = getattr(digits, name)
        images[name] = type(split)(split.inputs.view(-1, 1, 8, 8), split.labels)
    return TaskData(**images, classes=digits.classes)


MODELS = {
    "conv": {"model": {"kind": "conv_net", "image": [1, 8, 8], "channels": [4, 6], "hidden": 8, "dropout": 0.3}},
    "mlp": {"model": {"kind": "mlp", "inputs": 64, "widths": [16, 8], "dropout": 0.3}},
}
TAPS = {"conv": ("blocks.0", "hidden"), "mlp": ("hidden.0", "hidden.1")}


def grown(
    run: RunConfig, data: TaskData, freeze: AbstractFreezePolicy, steps: int = 5, untrained: tuple[str, ...] = ()
) -> TrainState:
    model = build_network(run, data)
    for path in untrained:
        model.get_submodule(path).requires_grad_(False).eval()
    state = fresh_state(model, run.training.optimizer, seed=1, precision=run.precision)
    train_stage(state, steps, config=run.training, data=data, monitor=TriggerMonitor(()), history=History())
    change = run.growths[0].change.model_copy(update={"freeze": freeze})
    state.grow(change, probe=probe_for(change, data))
    return state


def finish(state: TrainState, run: RunConfig, data: TaskData, cache: FeatureCache | None) -> tuple[History, bytes]:
    history = History()
    train_stage(
        state, STEPS, config=run.training, data=data, monitor=TriggerMonitor(()), history=history, features=cache
    )
    return history, write_snapshot(state)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return where the sizes of the batches will be noted for which features are computed."""
    sizes: list[int] = []
    original: Callable[[Cut, Tensor], dict[str, Tensor] | None] = Cut.features

    def features(cut: Cut, inputs: Tensor) -> dict[str, Tensor] | None:
        sizes.append(len(inputs))
        return original(cut, inputs)

    monkeypatch.setattr(Cut, "features", features)
    return sizes


@pytest.mark.parametrize("precision", ["fp32", "bf16", "fp16"])
@pytest.mark.parametrize(("model", "tap"), [(model, tap) for model in MODELS for tap in TAPS[model]])
def test_cached_and_recomputed_features_train_the_same_to_the_bit(
    digits_run: RunConfig, data: TaskData, model: str, tap: str, precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = MODELS[model] | {"precision": precision, "growths.0.operation": late_head(tap, dropout=0.2)}
    run = with_changes(digits_run, changes)
    expected = finish(grown(run, data, OldParameters()), run, data, None)
    sizes = counted(monkeypatch)

    found = finish(grown(run, data, OldParameters()), run, data, FeatureCache())

    assert found == expected
    assert sum(sizes) < len(data.train) + len(data.validation) + 400  # a few batches are padded


@pytest.mark.parametrize(("accumulate", "cached"), [(4, True), (5, False)])
def test_features_are_those_of_the_parts_in_which_a_batch_is_seen(
    digits_run: RunConfig, data: TaskData, accumulate: int, cached: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = with_changes(digits_run, MODELS["mlp"] | {"training.accumulate": accumulate})
    expected = finish(grown(run, data, OldParameters()), run, data, None)
    sizes = counted(monkeypatch)

    found = finish(grown(run, data, OldParameters()), run, data, FeatureCache())

    assert found == expected
    assert bool(sizes) == cached
    assert sizes.count(run.training.batch_size // accumulate) >= 20 * cached


def late_head(tap: str, dropout: float = 0.0) -> dict[str, object]:
    return {"kind": "attach_head", "name": "late", "outputs": 4, "tap": tap, "width": 5, "dropout": dropout}


@pytest.mark.parametrize("freeze", [NoFreezing(), AllButLast(blocks="blocks", count=1)])
def test_whatever_is_frozen_the_numbers_are_the_same(
    digits_run: RunConfig, data: TaskData, freeze: AbstractFreezePolicy
) -> None:
    run = with_changes(digits_run, MODELS["conv"] | {"growths.0.operation.tap": "hidden"})
    expected = finish(grown(run, data, freeze), run, data, None)

    assert finish(grown(run, data, freeze), run, data, FeatureCache()) == expected


def test_what_thaws_is_no_longer_taken_from_the_cache(digits_run: RunConfig, data: TaskData) -> None:
    run = with_changes(digits_run, MODELS["mlp"])
    thaw = GradualThaw(layers=("hidden.0", "hidden.1"), every=7)
    expected = finish(grown(run, data, thaw), run, data, None)

    assert finish(grown(run, data, thaw), run, data, FeatureCache()) == expected


def test_features_are_shared_by_runs_that_froze_the_same(
    digits_run: RunConfig, data: TaskData, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, cache = with_changes(digits_run, MODELS["conv"] | {"growths.0.operation.tap": "hidden"}), FeatureCache()
    first = finish(grown(run, data, OldParameters()), run, data, cache)
    sizes = counted(monkeypatch)

    other = with_changes(run, {"growths.0.operation.width": 9})
    again = finish(grown(run, data, OldParameters()), run, data, cache)
    finish(grown(other, data, OldParameters()), other, data, cache)

    assert again == first
    assert sum(sizes) == 2 * 2  # a look at two examples each


def test_another_network_has_features_of_its_own(digits_run: RunConfig, data: TaskData) -> None:
    run, cache = with_changes(digits_run, MODELS["conv"] | {"growths.0.operation.tap": "hidden"}), FeatureCache()
    other = with_changes(run, {"seed": 7})
    expected = finish(grown(other, data, OldParameters()), other, data, None)
    finish(grown(run, data, OldParameters()), run, data, cache)

    assert finish(grown(other, data, OldParameters()), other, data, cache) == expected


def test_other_running_statistics_have_features_of_their_own(digits_run: RunConfig, data: TaskData) -> None:
    run, cache = with_changes(digits_run, MODELS["conv"] | {"growths.0.operation.tap": "hidden"}), FeatureCache()
    plain, other = (grown(run, data, OldParameters()) for _ in range(2))
    for state in (plain, other):
        state.model.get_buffer("backbone.blocks.0.norm.running_mean").add_(1)
    expected = finish(plain, run, data, None)
    finish(grown(run, data, OldParameters()), run, data, cache)

    assert finish(other, run, data, cache) == expected


def test_other_data_have_features_of_their_own(digits_run: RunConfig, data: TaskData) -> None:
    run, cache = with_changes(digits_run, MODELS["conv"] | {"growths.0.operation.tap": "hidden"}), FeatureCache()
    finish(grown(run, data, OldParameters()), run, data, cache)
    doubled = type(data.train)(data.train.inputs * 2, data.train.labels)
    changed = TaskData(doubled, data.validation, data.test, data.classes)
    state = grown(run, data, OldParameters())
    expected = finish(state, run, changed, None)

    assert finish(grown(run, data, OldParameters()), run, changed, cache) == expected


@pytest.mark.parametrize("spill", [True, False])
def test_features_that_do_not_fit_lie_in_a_file_or_are_computed_at_every_step(
    digits_run: RunConfig, data: TaskData, tmp_path: Path, spill: bool
) -> None:
    run = with_changes(digits_run, MODELS["conv"] | {"growths.0.operation.tap": "hidden"})
    expected = finish(grown(run, data, OldParameters()), run, data, None)
    cache = FeatureCache(budget_bytes=1000, folder=tmp_path / "features" if spill else None)

    assert finish(grown(run, data, OldParameters()), run, data, cache) == expected
    assert (tmp_path / "features").exists() == spill
    assert not list(tmp_path.rglob("*.*"))  # the file has no name


def test_old_features_are_forgotten_when_there_are_too_many(digits_run: RunConfig, data: TaskData) -> None:
    run = with_changes(digits_run, MODELS["conv"] | {"growths.0.operation.tap": "hidden"})
    cache = FeatureCache(budget_bytes=100_000)

    for seed in range(4):
        other = with_changes(run, {"seed": seed})
        finish(grown(other, data, OldParameters()), other, data, cache)

    assert 2 <= len(cache._tables) < 8


@pytest.mark.parametrize("count", [1, 7, 153, 250, 251, 403])
def test_the_last_part_of_an_evaluation_is_as_short_as_it_is(
    digits_run: RunConfig, data: TaskData, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = {"kind": "mlp", "inputs": 64, "widths": [16, 8]}
    run = with_changes(digits_run, {"model": model, "growths.0.operation.tap": "hidden.1"})
    some = torch.arange(count) % len(data.validation)
    data = replace(data, validation=data.validation.take(some))
    state, sizes = grown(run, data, OldParameters()), counted(monkeypatch)

    state.set_train_mode()
    FeatureCache().feed(state, data, torch.arange(32), batch_size=32)

    parts = [len(part) for part in data.validation.chunks(CHUNK)]
    assert sizes[-len(parts) :] == parts


def test_a_part_that_no_run_trains_sees_examples_of_an_evaluation_once(
    digits_run: RunConfig, data: TaskData, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = with_changes(digits_run, MODELS["mlp"])
    model = build_network(run, data)
    for layer in list(model.backbone.children())[:-1]:
        layer.requires_grad_(False).eval()
    state = fresh_state(model, run.training.optimizer, seed=1, precision=run.precision)
    specs = output_specs(state.model, (), (), data)
    plain = evaluate(state, data.test, run.training, specs)
    cache, calls = FeatureCache(), counted(monkeypatch)

    for _ in range(2):
        split, forward = cache.of_split(state, data.test)
        assert evaluate(state, split, run.training, specs, forward=forward) == plain

    assert forward is not None
    assert sum(calls) < 2 * len(data.test)


def test_a_part_that_no_run_trains_sees_the_few_examples_at_a_growth_once(
    digits_run: RunConfig, data: TaskData, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = with_changes(digits_run, MODELS["mlp"])
    model = build_network(run, data)
    for layer in list(model.backbone.children())[:-1]:
        layer.requires_grad_(False).eval()
    state = fresh_state(model, run.training.optimizer, seed=1, precision=run.precision)
    specs = output_specs(state.model, (), (), data)
    rows = specs.label_map.known(data.validation.labels).nonzero().squeeze(1)[:20]
    plain = snapshot_outputs(state, data.validation.take(rows), run.training, specs)
    cache, calls = FeatureCache(), counted(monkeypatch)

    for _ in range(2):
        few, forward = cache.of_rows(state, data.validation, rows)
        found = snapshot_outputs(state, few, run.training, specs, forward)
        assert torch.equal(found.outputs["known"], plain.outputs["known"])
        assert replace(found, outputs={}) == replace(plain, outputs={})

    assert forward is not None
    assert sum(calls) < 2 * len(rows)


def test_a_part_that_a_run_has_trained_is_run_anew_in_an_evaluation(digits_run: RunConfig, data: TaskData) -> None:
    run = with_changes(digits_run, MODELS["mlp"])
    state = grown(run, data, OldParameters())

    assert FeatureCache().of_split(state, data.test) == (data.test, None)


@pytest.mark.parametrize("tap", TAPS["mlp"])
def test_features_above_a_part_that_no_run_trains_are_made_from_its_own(
    digits_run: RunConfig, data: TaskData, tap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = with_changes(digits_run, MODELS["mlp"] | {"growths.0.operation.tap": tap})
    cache, calls, computed = FeatureCache(), counted(monkeypatch), []

    for steps in (7, 5):
        plain, cached = (grown(run, data, OldParameters(), steps, ("backbone.hidden.0",)) for _ in range(2))
        calls.clear()
        assert finish(cached, run, data, cache) == finish(plain, run, data, None)
        computed.append(sum(calls))

    assert computed[1] < computed[0] / 4  # a few examples that the first run had not come to
