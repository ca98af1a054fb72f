"""Networks to be built, and the wrapper that lets any network have more heads."""

from harness.models._base import AbstractModel
from harness.models.cnn import ConvNet
from harness.models.growable import GrowableModel
from harness.models.head import Head
from harness.models.mlp import MLP

__all__ = ["MLP", "AbstractModel", "ConvNet", "GrowableModel", "Head"]
