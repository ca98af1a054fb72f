"""Twenty classes of CIFAR-100 are known to a residual network; ten come late. The question of the digits, with augmentation."""

from harness.data import CIFAR100
from harness.data.augment import HorizontalFlip, RandomShift
from harness.growth import AtStep, AttachHead, GrowthRule, Nothing, OldParameters
from harness.growth.freezing import AllButLast, UpToTap
from harness.models import ResNet
from harness.search.space import Choice, Float, Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW

# Fine classes of the coarse classes flowers, furniture, insects and carnivores; then of people and vehicles.
KNOWN = (54, 62, 70, 82, 92, 5, 20, 25, 84, 94, 6, 7, 14, 18, 24, 3, 42, 43, 88, 97)
LATE = (2, 11, 35, 46, 98, 8, 13, 48, 58, 90)


def study() -> Study:
    growth = GrowthRule(
        trigger=AtStep(step=200),
        operation=AttachHead(name="late", outputs=len(LATE), tap="pool"),
        freeze=Nothing(),
    )
    return Study(
        name="late-classes-resnet",
        title="Ten classes of images learned late by a residual network, with all of it frozen, some of it, or nothing",
        question="When a head for ten new classes is attached to a residual network, should what was learned before stay frozen?",
        base=RunConfig(
            task=CIFAR100(classes={"known": KNOWN, "late": LATE}, coarse=(2, 6, 7, 8, 14, 18), as_bytes=True),
            model=ResNet(depth=20),
            training=TrainingConfig(
                optimizer=AdamW(lr=3e-3),
                batch_size=64,
                augment=(HorizontalFlip(), RandomShift(pixels=4)),
                evaluate_every=100,
            ),
            growths=(growth,),
            steps=400,
        ),
        space={
            "when": Int(field="growths.0.trigger.step", low=150, high=250, step=50),
            "where": Choice(field="growths.0.operation.tap", options=("stages.1", "pool")),
            "lr": Float(field="training.optimizer.lr", low=1e-3, high=1e-2, log=True),
        },
        arms={
            "frozen": {"growths.0.freeze": OldParameters()},
            "trunk frozen": {"growths.0.freeze": UpToTap(tap="stages")},  # both heads go on learning
            "last stage": {"growths.0.freeze": AllButLast(blocks="stages")},
            "unfrozen": {"growths.0.freeze": Nothing()},
        },
        comparison=("unfrozen", "trunk frozen"),
        secondary=("accuracy/known", "accuracy/late"),
        smallest_effect=0.01,
        trials=6,
        seeds=1,
    )
