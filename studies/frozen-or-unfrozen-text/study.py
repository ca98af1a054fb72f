"""Forty intents of a bank's customers are known; 37 come late. What stays frozen above a pretrained encoder?"""

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from harness.data import AbstractTask, Banking77, Split, TaskData, Tokenizer
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing, OldParameters
from harness.growth.freezing import DiscriminativeRates, OldRate, UpToTap, WarmUpThenThaw
from harness.models import MINILM, MLP, Pretrained
from harness.search.designs import Tuned
from harness.search.space import Float
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.memory import AllExamples, RandomExamples
from harness.training.optimizers import AdamW

BEFORE, AFTER = 400, 240  # updates
KNOWN = 40
TOGETHER = 64  # questions that the encoder reads at once
SEEN_AGAIN = {
    "none": RandomExamples(size=0),
    "few": RandomExamples(per_class=3, fraction=0.5),
    "all": AllExamples(fraction=0.5),
}
FROZEN = {
    "unfrozen": NoFreezing(),
    "trunk": UpToTap(tap="hidden"),
    "trunk-and-head": OldParameters(),
    "all-but-last": UpToTap(tap="hidden.0"),
    "thaw": WarmUpThenThaw(steps=AFTER // 3),
    "rates": DiscriminativeRates(layers=("hidden.0", "hidden.1")),
}


class Sentences(AbstractTask):
    """Every second question of Banking77 as all-MiniLM-L6-v2 reads it: inputs `[384]`, features that are never trained.

    All of its validation questions validate.
    """

    kind: Literal["sentences_of_a_bank"] = "sentences_of_a_bank"

    def load(self, folder: Path | None) -> TaskData:
        """Return the data, from `folder` or the publisher. Raises `DataError`."""
        data = Banking77(classes=self.classes, tokenizer=Tokenizer(files=MINILM, length=24)).load(folder)
        with torch.random.fork_rng(devices=[]):
            encoder = Pretrained(files=MINILM, trained=False).build(outputs=1).get_submodule("encoder").eval()
        fewer = (_every_second(data.train), data.validation, _every_second(data.test))
        train, validation, test = (_read(encoder, split) for split in fewer)
        return replace(data, train=train, validation=validation, test=test)


def _every_second(split: Split) -> Split:
    return split.take(torch.arange(0, len(split), 2))


def _read(encoder: torch.nn.Module, split: Split) -> Split:
    """Return the split with the features of its questions, those of one length read together."""
    words: dict[str, Tensor] = dict(split.inputs)
    order = words["attention_mask"].sum(dim=1).argsort(stable=True)
    with torch.no_grad():
        features = [encoder(_without_padding(words, rows)) for rows in order.split(TOGETHER)]
    return Split(torch.cat(features)[order.argsort()], split.labels)


def _without_padding(words: dict[str, Tensor], rows: Tensor) -> dict[str, Tensor]:
    longest = int(words["attention_mask"][rows].sum(dim=1).max())
    return {name: values[rows, :longest] for name, values in words.items()}


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
        operation=AttachHead(name="late", outputs=77 - KNOWN, tap="hidden.1"),
        freeze=OldRate(factor=1.0, policy=NoFreezing()),
    )
    return Study(
        name="frozen-or-unfrozen-text",
        title="Frozen or unfrozen? A bank's questions, with nothing, little or all of the past seen again",
        question="When 37 intents come late, does freezing win, and does that hang on what is seen again?",
        base=RunConfig(
            task=Sentences(classes={"known": tuple(range(KNOWN)), "late": tuple(range(KNOWN, 77))}),
            model=MLP(inputs=384, widths=(64, 64)),
            training=TrainingConfig(optimizer=AdamW(lr=3e-3), batch_size=64, evaluate_every=80),
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
