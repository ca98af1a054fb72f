"""Thirteen letters are known; thirteen more come late. What stays frozen, and how much of the past is seen again?"""

from typing import Any

from harness.data import Letters
from harness.growth import AtStep, AttachHead, GrowthRule, NoFreezing, OldParameters
from harness.growth.freezing import DiscriminativeRates, OldRate, UpToTap, WarmUpThenThaw
from harness.models import MLP
from harness.search.designs import Tuned
from harness.search.space import Float
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.memory import AllExamples, RandomExamples
from harness.training.optimizers import AdamW

BEFORE, AFTER = 400, 240  # updates
SEEN_AGAIN = {
    "none": RandomExamples(size=0),
    "few": RandomExamples(per_class=10, fraction=0.5),
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
        operation=AttachHead(name="late", outputs=13, tap="hidden.1"),
        freeze=OldRate(factor=1.0, policy=NoFreezing()),
    )
    return Study(
        name="frozen-or-unfrozen-table",
        title="Frozen or unfrozen? Letters in a table, with nothing, little or all of the past seen again",
        question="When thirteen letters come late, does freezing win, and does that hang on what is seen again?",
        base=RunConfig(
            task=Letters(classes={"known": tuple(range(13)), "late": tuple(range(13, 26))}),
            model=MLP(inputs=16, widths=(64, 64)),
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
