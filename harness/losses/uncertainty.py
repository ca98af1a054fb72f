"""A learned weight."""

from typing import Literal

from torch import Tensor

from harness.losses._base import AbstractWeight

__all__ = ["Uncertainty"]


class Uncertainty(AbstractWeight):
    """The precision of a task whose noise is learned (Kendall, Gal and Cipolla, arXiv 1705.07115).

    The loss L of a task whose log-variance is s adds `exp(-s) * L + s / 2` to the total; for a squared error, the
    negative logarithm of a Gaussian, `exp(-s) * L / 2 + s / 2`. s begins at 0; it is trained with the network, has no
    weight decay and is never frozen. `s / 2` is a component of its own, `<loss>_log_variance`.
    """

    kind: Literal["uncertainty"] = "uncertainty"
    likelihood: Literal["softmax", "gaussian"] = "softmax"

    def at(self, step: int) -> float:  # noqa: ARG002
        """Return the constant part of the factor."""
        return 0.5 if self.likelihood == "gaussian" else 1.0

    def since(self, step: int) -> "Uncertainty":  # noqa: ARG002
        """Return the same weight, which does not depend on time."""
        return self

    @property
    def is_learned(self) -> bool:
        """Return True."""
        return True

    def precision(self, log_variance: Tensor) -> Tensor:
        """Return the learned part of the factor."""
        return (-log_variance).exp()
