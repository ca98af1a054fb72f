"""The same batch with more or fewer examples."""

from collections import Counter
from typing import Any

import torch
from torch import Tensor

from harness.models.call import map_tensors, tensors_in

__all__ = ["batch_size", "cropped", "with_examples"]


def batch_size(inputs: Any, axis: int = 0) -> int | None:
    """Return the number of examples in a batch whose tensors have them at `axis`; None if it holds no such tensor."""
    sizes = [tensor.shape[axis] for tensor in tensors_in(inputs) if tensor.dim() > axis]
    # Of equally many, the first: a mask or positions may be shared by all examples.
    return Counter(sizes).most_common(1)[0][0] if sizes else None


def with_examples(inputs: Any, count: int, axis: int = 0) -> Any:
    """Return a batch of `count` examples, the first ones of `inputs`, again from the first where there are too few.

    Tensors that hold no examples stay as they are.
    """
    size = batch_size(inputs, axis)

    def change(tensor: Tensor) -> Tensor:
        # A mask [B, T] may accompany sequences [T, B, F].
        where = axis if tensor.dim() > axis and tensor.shape[axis] == size else 0
        if not tensor.dim() or tensor.shape[where] != size:
            return tensor
        return tensor.index_select(where, torch.arange(count, device=tensor.device) % size)

    return map_tensors(change, inputs)


def cropped(inputs: Any, axis: int) -> Any:
    """Return a batch of the first half of everything along `axis`."""
    size = batch_size(inputs, axis)

    def change(tensor: Tensor) -> Tensor:
        if tensor.dim() <= axis or tensor.shape[axis] != size:
            return tensor
        return tensor.narrow(axis, 0, (size + 1) // 2).contiguous()

    return map_tensors(change, inputs)
