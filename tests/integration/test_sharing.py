"""Sharing changes nothing: with all in play that a snapshot has to carry, all numbers are the same to the bit."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

from harness.core.errors import InterruptedRunError
from harness.core.spec import with_changes
from harness.data import AbstractTask, Split, TaskData
from harness.data.augment import GaussianNoise, HorizontalFlip, RandomShift
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing
from harness.losses import DarkExperience, JointCrossEntropy, OfExamples
from harness.models import ConvNet
from harness.staging.histories import SNAPSHOT_FILE, stage_folder
from harness.staging.plan import make_plan
from harness.staging.results import RunResult
from harness.staging.run import RunConfig
from harness.staging.runner import Runner
from harness.staging.workspace import Workspace
from harness.training.average import EMA
from harness.training.config import TrainingConfig
from harness.training.memory import RandomExamples
from harness.training.optimizers import SGD
from harness.training.schedules import Cosine

Result = tuple[RunResult, list[bytes]]


class Spots(AbstractTask):
    """Noisy images `[1, 8, 8]`: the class is the row that is bright."""

    kind: Literal["test_spots"] = "test_spots"

    def load(self, folder: Path | None) -> TaskData:  # noqa: ARG002
        """Return the data."""
        return TaskData(_spots(150, 1), _spots(60, 2), _spots(60, 3), self.classes)


def _spots(count: int, seed: int) -> Split:
    labels = torch.arange(count) % 6
    images = torch.randn(count, 1, 8, 8, generator=torch.Generator().manual_seed(seed)) / 2
    images[torch.arange(count), 0, labels] += 2
    return Split(images, labels)


REMEMBERED: dict[str, Any] = {
    "memory": RandomExamples(size=30, per_batch=7),
    "losses": {
        "classes": OfExamples(which="new", loss=JointCrossEntropy()),
        "stored": DarkExperience(weight=0.5),
        "old": OfExamples(which="memory", loss=JointCrossEntropy(), weight=0.5),
    },
}


@pytest.fixture(params=["fp32", "bf16", "fp16", "averaged, augmented and remembered"])
def study(request: pytest.FixtureRequest) -> list[RunConfig]:
    """Runs with two growths each: early and late ones, with what is old frozen after the first, or the second."""
    rules = tuple(
        GrowthRule(
            trigger=AtStep(step=step),
            operation=AttachHead(name=name, outputs=2, tap="hidden", width=4, dropout=0.2),
            freeze=NoFreezing(),
            warm_up=3,
        )
        for name, step in (("late", 12), ("later", 25))
    )
    plain = request.param in ("fp32", "bf16", "fp16")
    base = RunConfig(
        task=Spots(classes={"known": (0, 1), "late": (2, 3), "later": (4, 5)}),
        model=ConvNet(image=(1, 8, 8), channels=(4, 6), hidden=8, dropout=0.3),
        training=TrainingConfig(
            optimizer=SGD(lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01),
            schedule=Cosine(steps=40, warm_up=5),
            batch_size=20,
            clip_norm=2.0,
            evaluate_every=5,
            accumulate=1 if plain else 3,
            average=None if plain else EMA(decay=0.9),
            augment=() if plain else (RandomShift(pixels=1), HorizontalFlip(), GaussianNoise()),
            **({} if plain else REMEMBERED),
        ),
        growths=rules,
        steps=40,
        device="cpu",
        precision=request.param if plain else "fp32",
    )
    return [
        with_changes(base, {f"growths.{number}.freeze": "old_parameters", "growths.0.trigger.step": step, "seed": seed})
        for seed in (0,)
        for number in (0, 1)
        for step in (12, 17)
    ]


def runner_in(home: Path, **settings: Any) -> Runner:
    return Runner(Workspace(home).create(), **settings)


def result_of(runner: Runner, config: RunConfig, **rest: Any) -> Result:
    result = runner.run(config, **rest)
    folders = [stage_folder(runner.store.root, address) for address in result.stages]
    return result, [(folder / SNAPSHOT_FILE).read_bytes() for folder in folders]


def same(one: Result, other: Result) -> bool:
    metrics = [{n: v for n, v in result.metrics.items() if n != "cost/seconds"} for result, _ in (one, other)]
    return one[0].history == other[0].history and metrics[0] == metrics[1] and one[1] == other[1]


def test_shared_equals_unshared(study: list[RunConfig], tmp_path: Path) -> None:
    alone, shared = runner_in(tmp_path / "alone", alone=True), runner_in(tmp_path / "shared", cache_features=True)
    plan = make_plan(study, shared.store)

    pairs = [(result_of(alone, run), result_of(shared, run, forks=plan.forks)) for run in study]

    assert all(same(one, other) for one, other in pairs)
    assert alone.steps_trained == plan.steps
    assert shared.steps_trained == plan.distinct_steps < plan.steps


def stops(seed: int) -> Iterator[int]:
    draws = random.Random(seed)
    while True:
        yield draws.randint(1, 9)


@pytest.mark.parametrize("seed", range(3))
def test_resumed_at_random_steps_equals_never_interrupted(study: list[RunConfig], tmp_path: Path, seed: int) -> None:
    run, left, stop_after = study[seed], 0, stops(seed)
    expected = result_of(runner_in(tmp_path / "whole"), run)
    interruptions = 0

    def stop() -> bool:
        nonlocal left
        left -= 1
        return left < 0

    while True:
        left = next(stop_after)
        try:
            resumed = result_of(runner_in(tmp_path / "resumed", stop=stop, cache_features=True), run)
            break
        except InterruptedRunError:
            interruptions += 1

    assert same(resumed, expected)
    assert interruptions > 2
