"""How much more a network could learn at once if it grew."""

from pydantic import PositiveFloat, PositiveInt

from harness.core.spec import Spec
from harness.growth.operations import AbstractOperation

__all__ = ["NaturalExpansion"]


class NaturalExpansion(Spec):
    """The natural expansion score of self-expanding networks (SENN, arXiv 2307.04526), measured at each evaluation.

    The score of a network is g F^-1 g: by how much a step along the natural gradient lowers the loss, to first order. g
    is the gradient of the loss that is trained, F the Fisher information of all that is trained. Evaluations record
    `val/expansion/<name>`, the score after `operation` over that before, and `val/expansion_gain/<name>`, the first
    minus the second. The paper grows where the ratio exceeds its tau: a `Threshold` of the first. What is tried is
    undone.

    F is the empirical one of the examples, without approximation, plus `damping` times their mean squared gradient; the
    paper takes the expected one, layer by layer as a Kronecker product. With more weights than examples, all scores
    come close to 1 as the damping gets small.

    Attributes:
        operation: what is tried; its new values come from the stream (seed, "expansion", step).
        examples: of the training data: the first ones whose class can be seen and that are not forgotten. Gradients of
            all of them are held at once.
        damping: in units of the mean squared length of an example's gradient, before the operation.
    """

    operation: AbstractOperation
    examples: PositiveInt = 64
    damping: PositiveFloat = 0.01
