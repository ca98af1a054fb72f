"""Losses: components by name, whose weighted sum is trained."""

from harness.losses._base import AbstractLoss, AbstractOutputLoss, AbstractWeight, Batch, Weight, total
from harness.losses._penalty import AbstractPenalty
from harness.losses._state import Learned, LossState, Move, SeenExample
from harness.losses.absolute import Absolute
from harness.losses.binary_cross_entropy import BinaryCrossEntropy
from harness.losses.cross_entropy import CrossEntropy
from harness.losses.dark_experience import DarkExperience
from harness.losses.distillation import Distillation
from harness.losses.elastic_weight_consolidation import ElasticWeightConsolidation
from harness.losses.feature_matching import FeatureMatching
from harness.losses.huber import Huber
from harness.losses.joint_cross_entropy import JointCrossEntropy
from harness.losses.learning_without_forgetting import LearningWithoutForgetting
from harness.losses.less_forget import LessForget
from harness.losses.margin_ranking import MarginRanking
from harness.losses.mean_squared import MeanSquared
from harness.losses.memory_aware_synapses import MemoryAwareSynapses
from harness.losses.model_loss import ModelLoss
from harness.losses.of_examples import OfExamples
from harness.losses.parameter_norm import ParameterNorm
from harness.losses.pooled_outputs_distillation import PooledOutputsDistillation
from harness.losses.ramp import Ramp
from harness.losses.reconstruction import Reconstruction
from harness.losses.separate_cross_entropy import SeparateCrossEntropy
from harness.losses.synaptic_intelligence import SynapticIntelligence
from harness.losses.target_weighted import TargetWeighted
from harness.losses.uncertainty import Uncertainty

__all__ = [
    "Absolute",
    "AbstractLoss",
    "AbstractOutputLoss",
    "AbstractPenalty",
    "AbstractWeight",
    "Batch",
    "BinaryCrossEntropy",
    "CrossEntropy",
    "DarkExperience",
    "Distillation",
    "ElasticWeightConsolidation",
    "FeatureMatching",
    "Huber",
    "JointCrossEntropy",
    "Learned",
    "LearningWithoutForgetting",
    "LessForget",
    "LossState",
    "MarginRanking",
    "MeanSquared",
    "MemoryAwareSynapses",
    "ModelLoss",
    "Move",
    "OfExamples",
    "ParameterNorm",
    "PooledOutputsDistillation",
    "Ramp",
    "Reconstruction",
    "SeenExample",
    "SeparateCrossEntropy",
    "SynapticIntelligence",
    "TargetWeighted",
    "Uncertainty",
    "Weight",
    "total",
]
