"""Losses: components by name, whose weighted sum is trained."""

from harness.losses._base import AbstractLoss, AbstractOutputLoss, AbstractWeight, Batch, Weight, total
from harness.losses.absolute import Absolute
from harness.losses.binary_cross_entropy import BinaryCrossEntropy
from harness.losses.cross_entropy import CrossEntropy
from harness.losses.distillation import Distillation
from harness.losses.feature_matching import FeatureMatching
from harness.losses.huber import Huber
from harness.losses.joint_cross_entropy import JointCrossEntropy
from harness.losses.learning_without_forgetting import LearningWithoutForgetting
from harness.losses.mean_squared import MeanSquared
from harness.losses.model_loss import ModelLoss
from harness.losses.parameter_norm import ParameterNorm
from harness.losses.ramp import Ramp
from harness.losses.reconstruction import Reconstruction
from harness.losses.separate_cross_entropy import SeparateCrossEntropy
from harness.losses.target_weighted import TargetWeighted
from harness.losses.uncertainty import Uncertainty

__all__ = [
    "Absolute",
    "AbstractLoss",
    "AbstractOutputLoss",
    "AbstractWeight",
    "Batch",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "Distillation",
    "FeatureMatching",
    "Huber",
    "JointCrossEntropy",
    "LearningWithoutForgetting",
    "MeanSquared",
    "ModelLoss",
    "ParameterNorm",
    "Ramp",
    "Reconstruction",
    "SeparateCrossEntropy",
    "TargetWeighted",
    "Uncertainty",
    "Weight",
    "total",
]
