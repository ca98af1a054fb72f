"""What a network is called with: a tensor, or tensors by the name of an argument."""

from collections.abc import Callable
from typing import Any, TypeAlias

from torch import Tensor

__all__ = ["Inputs", "input_tensors", "inputs_at", "map_inputs", "shapes_of", "whole"]

# A tensor `[B, ...]`, a mapping from names to such tensors, or, of a whole split, the source they are read from. Of a
# union, each network and each loss would have to say anew which of them it reads.
Inputs: TypeAlias = Any


def map_inputs(change: Callable[[Tensor], Tensor], inputs: Inputs) -> Inputs:
    """Return `inputs` with `change` made to each tensor."""
    if isinstance(inputs, Tensor):
        return change(inputs)
    return {name: change(tensor) for name, tensor in inputs.items()}


def inputs_at(inputs: Inputs, indices: Tensor) -> Inputs:
    """Return the inputs of the examples at `indices`."""
    return inputs.part(indices) if hasattr(inputs, "part") else map_inputs(lambda tensor: tensor[indices], inputs)


def whole(inputs: Inputs) -> Inputs:
    """Return `inputs` in memory, those of a source read as a network reads them."""
    return inputs.whole() if hasattr(inputs, "whole") else inputs


def input_tensors(inputs: Inputs) -> dict[str, Tensor]:
    """Return the tensors by name; a tensor without a name is called `inputs`."""
    return {"inputs": inputs} if isinstance(inputs, Tensor) else dict(inputs)


def shapes_of(inputs: Inputs) -> str:
    """Say which shape an example has."""
    if isinstance(inputs, Tensor):
        return str(tuple(inputs.shape[1:]))
    return ", ".join(f"{name} {tuple(tensor.shape[1:])}" for name, tensor in inputs.items())
