"""Students that are too narrow for their teacher get five units, one after the other: towards the steepest descent?"""

from typing import Any

from harness.data import Output, TeacherStudent
from harness.growth import AtStep, GrowthRule, NoFreezing, WidenLayer
from harness.growth.units import AbstractUnits, GradMaxUnits, RandomUnits
from harness.initializers import TruncatedNormal, XavierUniform
from harness.losses import MeanSquared
from harness.models import MLP
from harness.search.space import Float, Int
from harness.search.study import Study
from harness.staging.run import RunConfig
from harness.training.config import TrainingConfig
from harness.training.optimizers import SGD

WIDE, NARROW, EVERY = 10, 5, 200
GRADMAX = GradMaxUnits()
# The same but for the direction of the outgoing weights, which is drawn.
RANDOM = RandomUnits(incoming=TruncatedNormal(std=1e-7), outgoing=XavierUniform())


def growths(method: AbstractUnits) -> tuple[GrowthRule, ...]:
    return tuple(
        GrowthRule(
            trigger=AtStep(step=EVERY * number),
            operation=WidenLayer(path="hidden.0.linear", by=1, method=method),
            freeze=NoFreezing(),
        )
        for number in range(1, WIDE - NARROW + 1)
    )


def study() -> Study:
    never: dict[str, Any] = {"growths": ()}
    return Study(
        name="students-grow",
        title="A student grows from five units to the ten of its teacher, along the gradient or at random",
        question="When a layer gets one more unit, should its outgoing weights point where the loss falls fastest?",
        base=RunConfig(
            task=TeacherStudent(inputs=10, widths=(WIDE,), columns=10, outputs={"values": Output(columns=10)}),
            model=MLP(inputs=10, widths=(NARROW,), activation="tanh"),
            training=TrainingConfig(
                optimizer=SGD(lr=0.1, momentum=0.0),
                batch_size=1000,  # all examples, as in the paper
                losses={"values": MeanSquared()},
                evaluate_every=50,
            ),
            growths=growths(GRADMAX),
            steps=EVERY * (WIDE - NARROW) + 500,
        ),
        space={
            "rate": Float(field="training.optimizer.lr", low=0.05, high=0.4, log=True),
            "teacher": Int(field="task.data_seed", low=0, high=999),
        },
        arms={
            "gradmax": {},
            "random": {"growths": growths(RANDOM)},
            "small": never,
            "big": {**never, "model.widths": (WIDE,)},
        },
        comparison=("gradmax", "random"),
        metric="rmse/values",
        smallest_effect=0.01,
        trials=8,
        seeds=3,
    )
