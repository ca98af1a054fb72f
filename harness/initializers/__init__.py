"""Values for parameters that did not exist a moment ago."""

from harness.initializers._base import AbstractInitializer, Place
from harness.initializers.fill import fill, fill_linear
from harness.initializers.kaiming_normal import KaimingNormal
from harness.initializers.kaiming_uniform import KaimingUniform
from harness.initializers.orthogonal import Orthogonal
from harness.initializers.truncated_normal import TruncatedNormal
from harness.initializers.xavier_normal import XavierNormal
from harness.initializers.xavier_uniform import XavierUniform
from harness.initializers.zeros import Zeros

__all__ = [
    "AbstractInitializer",
    "KaimingNormal",
    "KaimingUniform",
    "Orthogonal",
    "Place",
    "TruncatedNormal",
    "XavierNormal",
    "XavierUniform",
    "Zeros",
    "fill",
    "fill_linear",
]
