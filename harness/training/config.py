"""How a network is trained, whatever it is and whatever it learns."""

from pydantic import PositiveFloat, PositiveInt

from harness.core.spec import Spec
from harness.losses import AbstractLoss, JointCrossEntropy
from harness.training.optimizers import AbstractOptimizer, AdamW
from harness.training.schedules import AbstractSchedule, Constant

__all__ = ["TrainingConfig"]


class TrainingConfig(Spec):
    """Settings of the loop.

    Attributes:
        batch_size: examples per optimizer update.
        clip_norm: the largest norm of all gradients together, after unscaling; None clips nothing.
        evaluate_every: steps between evaluations on the validation split.
    """

    batch_size: PositiveInt = 64
    optimizer: AbstractOptimizer = AdamW()
    schedule: AbstractSchedule = Constant()
    loss: AbstractLoss = JointCrossEntropy()
    clip_norm: PositiveFloat | None = None
    evaluate_every: PositiveInt = 25
