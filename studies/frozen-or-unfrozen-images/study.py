"""Five kinds of clothes are known; five more come late. What stays frozen, and how much of the past is seen again?"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch

from harness.data import AbstractTask, FashionMNIST, Split, TaskData
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing, OldParameters
from harness.growth.freezing import DiscriminativeRates, OldRate, UpToTap, WarmUpThenThaw
from harness.models import ConvNet
from harness.search.designs import Tuned
from harness.search.space import Float
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.memory import AllExamples, RandomExamples
from harness.training.optimizers import AdamW

BEFORE, AFTER = 180, 90  # updates
SEEN_AGAIN = {
    "none": RandomExamples(size=0),
    "few": RandomExamples(per_class=20, fraction=0.5),
    "all": AllExamples(fraction=0.5),
}
FROZEN = {
    "unfrozen": NoFreezing(),
    "trunk": UpToTap(tap="hidden"),
    "trunk-and-head": OldParameters(),
    "all-but-last": UpToTap(tap="blocks"),
    "thaw": WarmUpThenThaw(steps=AFTER // 3),
    "rates": DiscriminativeRates(layers=("blocks.0", "blocks.1", "hidden")),
}


class SomeClothes(AbstractTask):
    """The first images of each part of Fashion-MNIST: 10,000 train, 1,000 validate and 4,000 test."""

    kind: Literal["some_clothes"] = "some_clothes"

    def load(self, folder: Path | None) -> TaskData:
        """Return the data, from `folder` or the publisher. Raises `DataError`."""
        data = FashionMNIST(classes=self.classes).load(folder)
        return replace(
            data,
            train=_first(data.train, 10_000),
            validation=_first(data.validation, 1_000),
            test=_first(data.test, 4_000),
        )


def _first(split: Split, count: int) -> Split:
    return split.take(torch.arange(count))


def arms() -> dict[str, dict[str, Any]]:
    """Return what is frozen, by how much of the past is seen again; and unfrozen at the compute of a frozen trunk."""
    found: dict[str, dict[str, Any]] = {}
    for seen, memory in SEEN_AGAIN.items():
        again = {"training.memory": memory}
        for name, policy in FROZEN.items():
            found[f"{seen}:{name}"] = again | {"growths.0.freeze.policy": policy}
        found[f"{seen}:unfrozen-third"] = again | {"steps": BEFORE + AFTER // 3}
    return found


def study() -> Study:
    growth = GrowthRule(
        trigger=AtStep(step=BEFORE),
        operation=AttachHead(name="late", outputs=5, tap="hidden"),
        freeze=OldRate(factor=1.0, policy=NoFreezing()),
    )
    return Study(
        name="frozen-or-unfrozen-images",
        title="Frozen or unfrozen? Images of clothes, with nothing, little or all of the past seen again",
        question="When five kinds of clothes come late, does freezing win, and does that hang on what is seen again?",
        base=RunConfig(
            task=SomeClothes(classes={"known": (0, 1, 2, 3, 4), "late": (5, 6, 7, 8, 9)}),
            model=ConvNet(image=(1, 28, 28), channels=(8, 16), hidden=64),
            training=TrainingConfig(optimizer=AdamW(lr=3e-3), batch_size=64, evaluate_every=45),
            growths=(growth,),
            steps=BEFORE + AFTER,
        ),
        space={
            "old rate": Float(field="growths.0.freeze.factor", low=0.01, high=1.0, log=True),
            "new rate": Float(field="growths.0.lr_factor", low=0.03, high=3.0, log=True),
        },
        arms=arms(),
        comparison=("none:trunk-and-head", "none:unfrozen"),
        secondary=("accuracy/known", "accuracy/late"),
        smallest_effect=0.01,
        design=Tuned(replicates=5, confirmation=1),
        trials=6,
        seeds=1,
    )
