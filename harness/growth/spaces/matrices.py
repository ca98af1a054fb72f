"""Layers whose weight is a matrix, perhaps with kernels: which of its dimensions are outputs, and which inputs."""

from dataclasses import dataclass

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from harness.models.cosine import CosineLinear

__all__ = [
    "TRANSPOSED",
    "MatrixKind",
    "has_fixed_inputs",
    "inputs_dim",
    "is_grouped",
    "kind_of",
    "matrix_kind",
    "outputs_of",
]

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


@dataclass(frozen=True)
class MatrixKind:
    """Where a layer's outputs and inputs lie.

    Attributes:
        outputs: the dimension of the weight.
        inputs: the dimension of the weight; None for embeddings, which read indices.
        features: the dimension of the layer's input and output, counted from the end.
        output_sizes: names of the attributes that count outputs.
        input_sizes: names of the attributes that count inputs.
    """

    outputs: int
    inputs: int | None
    features: int
    output_sizes: tuple[str, ...]
    input_sizes: tuple[str, ...]


def matrix_kind(module: nn.Module) -> MatrixKind | None:
    """Return the kind of a layer of one group, or None for any other module."""
    if isinstance(module, CosineLinear):
        return None  # what it makes of one input depends on all others
    if isinstance(module, nn.Linear):
        return MatrixKind(0, 1, -1, ("out_features",), ("in_features",))
    if isinstance(module, CONVOLUTIONS + TRANSPOSED) and module.groups == 1:
        outputs = 1 if isinstance(module, TRANSPOSED) else 0
        return MatrixKind(outputs, 1 - outputs, 1 - module.weight.dim(), ("out_channels",), ("in_channels",))
    if isinstance(module, nn.Embedding | nn.EmbeddingBag):
        return MatrixKind(1, None, -1, ("embedding_dim",), ())
    if _is_transposed_linear(module):
        return MatrixKind(1, 0, -1, ("nf",), ("nx",))
    return None


def kind_of(module: nn.Module) -> MatrixKind:
    """Return the kind of a layer that has one."""
    kind = matrix_kind(module)
    assert kind is not None, type(module)
    return kind


def inputs_dim(module: nn.Module) -> int:
    """Return the dimension of the weight of a layer that its inputs lie in."""
    dim = kind_of(module).inputs
    assert dim is not None, type(module)
    return dim


def outputs_of(module: nn.Module) -> int:
    """Return the number of outputs of a layer; 0 for a module that is none, and for a layer that has no weights yet."""
    kind = matrix_kind(module)
    weight = getattr(module, "weight", None)
    return weight.shape[kind.outputs] if kind and isinstance(weight, Tensor) and not is_lazy(weight) else 0


def is_grouped(module: nn.Module) -> bool:
    """Return whether a module is a convolution of several groups; a depthwise one has a group for each channel."""
    return isinstance(module, CONVOLUTIONS) and module.groups > 1


def has_fixed_inputs(module: nn.Module) -> bool:
    """Return whether a module reads features with several weights of its own, whose sizes hang together."""
    return isinstance(module, nn.MultiheadAttention | nn.RNNBase | nn.RNNCellBase | nn.Bilinear)


def _is_transposed_linear(module: nn.Module) -> bool:
    # The layer of GPT-2, which is of another library: its weight is [in, out].
    names = (type(module).__name__, getattr(getattr(module, "weight", None), "ndim", 0))
    return names == ("Conv1D", 2) and hasattr(module, "nf")
