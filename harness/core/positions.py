"""Classes at the positions of an example, such as the next token at each of a sequence."""

from torch import Tensor

__all__ = ["by_position"]


def by_position(logits: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
    """Return logits `[M, C]` and classes `[M]`: those of all positions, one example after another.

    Args:
        logits: `[N, C]`, or `[N, T, C]` of classes at T positions.
        classes: `[N]` or `[N, T]`.
    """
    if classes.dim() == 1:
        return logits.flatten(1), classes
    return logits.flatten(0, -2), classes.flatten()
