"""An auxiliary head is there from the start but off; at an epoch it is switched on, with a learning rate of its own."""

from harness.data import FashionMNIST, Output
from harness.growth import AttachHead, GrowthRule, Nothing, ToggleHead
from harness.growth.freezing import ByName
from harness.growth.triggers import AtEpoch
from harness.losses import CrossEntropy, JointCrossEntropy
from harness.models import ConvNet
from harness.search.space import Choice, Float, Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import AdamW

GROUPS = 5
HEAD = AttachHead(name="group", outputs=GROUPS, tap="hidden")


def study() -> Study:
    switch_on = GrowthRule(
        trigger=AtEpoch(epoch=1),
        operation=ToggleHead(name="group", on=True),
        freeze=Nothing(),
    )
    base = RunConfig(
        task=FashionMNIST(
            classes={"clothes": tuple(range(10))}, outputs={"group": Output(kind="classes", columns=GROUPS)}
        ),
        model=ConvNet(image=(1, 28, 28), channels=(16, 32), hidden=64, dropout=0.25),
        training=TrainingConfig(
            optimizer=AdamW(lr=2e-3),
            batch_size=128,
            losses={"clothes": JointCrossEntropy(), "group": CrossEntropy(label_smoothing=0.05)},
            evaluate_every=130,
        ),
        start=(HEAD, ToggleHead(name="group", on=False)),
        growths=(switch_on,),
        steps=1560,  # four epochs of 390
    )
    return Study(
        name="late-head-learning-rate",
        title="An auxiliary head is switched on late, with a learning rate of its own",
        question="When a second head is switched on late, should everything that was trained before stay frozen?",
        base=base,
        space={
            "epoch": Int(field="growths.0.trigger.epoch", low=1, high=3),
            "lr factor": Float(field="growths.0.lr_factor", low=0.1, high=10.0, log=True),
            "loss weight": Float(field="growths.0.loss_weight", low=0.1, high=1.0, log=True),
            "init": Choice(field="start.0.init", options=("xavier_uniform", "orthogonal")),
        },
        arms={
            "frozen": {"growths.0.freeze": ByName(patterns=("heads.group.*",), matched="train")},
            "unfrozen": {},
            "on from the start": {"start.1.on": True, "growths": ()},
            "never on": {"growths": ()},
        },
        comparison=("unfrozen", "frozen"),
        metric="accuracy/group",
        smallest_effect=0.002,
        trials=6,
        seeds=2,
    )
