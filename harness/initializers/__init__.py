"""Values for parameters that did not exist a moment ago."""

from harness.initializers._base import AbstractInitializer, Place
from harness.initializers.constant import Constant
from harness.initializers.copy_of_parent import CopyOfParent
from harness.initializers.fill import fill, fill_linear
from harness.initializers.identity import Identity
from harness.initializers.imprint import Imprint
from harness.initializers.kaiming_normal import KaimingNormal
from harness.initializers.kaiming_uniform import KaimingUniform
from harness.initializers.lecun_normal import LeCunNormal
from harness.initializers.lecun_uniform import LeCunUniform
from harness.initializers.mean_of_old_rows import MeanOfOldRows
from harness.initializers.orthogonal import Orthogonal
from harness.initializers.prior_bias import PriorBias
from harness.initializers.ridge import Ridge
from harness.initializers.torch_default import TorchDefault
from harness.initializers.truncated_normal import TruncatedNormal
from harness.initializers.xavier_normal import XavierNormal
from harness.initializers.xavier_uniform import XavierUniform
from harness.initializers.zeros import Zeros

__all__ = [
    "AbstractInitializer",
    "Constant",
    "CopyOfParent",
    "Identity",
    "Imprint",
    "KaimingNormal",
    "KaimingUniform",
    "LeCunNormal",
    "LeCunUniform",
    "MeanOfOldRows",
    "Orthogonal",
    "Place",
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
