"""Initializers: values for new parameters."""

from harness.initializers._base import AbstractInitializer, LayerContext
from harness.initializers.constant import Constant
from harness.initializers.copy_of_parent import CopyOfParent
from harness.initializers.fan_scaled import (
    KaimingNormal,
    KaimingUniform,
    LeCunNormal,
    LeCunUniform,
    TorchDefault,
    XavierNormal,
    XavierUniform,
)
from harness.initializers.fill import fill, fill_linear
from harness.initializers.identity import Identity
from harness.initializers.imprint import Imprint
from harness.initializers.like_old_rows import LikeOldRows
from harness.initializers.mean_of_old_rows import MeanOfOldRows
from harness.initializers.orthogonal import Orthogonal
from harness.initializers.prior_bias import PriorBias
from harness.initializers.ridge import Ridge
from harness.initializers.truncated_normal import TruncatedNormal
from harness.initializers.zeros import Zeros

__all__ = [
    "AbstractInitializer",
    "Constant",
    "CopyOfParent",
    "Identity",
    "Imprint",
    "KaimingNormal",
    "KaimingUniform",
    "LayerContext",
    "LeCunNormal",
    "LeCunUniform",
    "LikeOldRows",
    "MeanOfOldRows",
    "Orthogonal",
    "PriorBias",
    "Ridge",
    "TorchDefault",
    "TruncatedNormal",
    "XavierNormal",
    "XavierUniform",
    "Zeros",
    "fill",
    "fill_linear",
]

Place = LayerContext  # its name in study files written before version 0.2, which may import `*`
__all__ += ["Place"]
