"""Networks to be built, and the wrapper that lets any network have more heads."""

from harness.core.model_folder import MINILM, ModelFolder
from harness.models._base import AbstractModel
from harness.models.cnn import ConvNet
from harness.models.decoder import Decoder
from harness.models.growable import GrowableModel
from harness.models.head import Head
from harness.models.mlp import MLP
from harness.models.pretrained import Pretrained
from harness.models.resnet import ResNet
from harness.models.vit import ViT

__all__ = [
    "MINILM",
    "MLP",
    "AbstractModel",
    "ConvNet",
    "Decoder",
    "GrowableModel",
    "Head",
    "ModelFolder",
    "Pretrained",
    "ResNet",
    "ViT",
]
