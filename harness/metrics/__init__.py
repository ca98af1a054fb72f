"""Metrics: how good predictions are, each as one number that people read."""

from harness.metrics._base import OF_CLASS, PERCENT, TARGET, AbstractMetric, AbstractSummedMetric, Direction
from harness.metrics.accuracy import Accuracy
from harness.metrics.auroc import AUROC
from harness.metrics.balanced_accuracy import BalancedAccuracy
from harness.metrics.brier_score import BrierScore
from harness.metrics.calibration_error import CalibrationError
from harness.metrics.from_torchmetrics import FromTorchmetrics
from harness.metrics.log_loss import LogLoss
from harness.metrics.macro_f1 import MacroF1
from harness.metrics.mean_absolute_error import MeanAbsoluteError
from harness.metrics.perplexity import Perplexity
from harness.metrics.predictions import UNSEEN, PredictedKind, Predictions
from harness.metrics.r_squared import RSquared
from harness.metrics.root_mean_squared_error import RootMeanSquaredError
from harness.metrics.top_k import TopKAccuracy

__all__ = [
    "AUROC",
    "OF_CLASS",
    "PERCENT",
    "TARGET",
    "UNSEEN",
    "AbstractMetric",
    "AbstractSummedMetric",
    "Accuracy",
    "BalancedAccuracy",
    "BrierScore",
    "CalibrationError",
    "Direction",
    "FromTorchmetrics",
    "LogLoss",
    "MacroF1",
    "MeanAbsoluteError",
    "Perplexity",
    "PredictedKind",
    "Predictions",
    "RSquared",
    "RootMeanSquaredError",
    "TopKAccuracy",
]
