"""Norms and other layers that hold numbers for each unit, such as a scale, and keep the shape of what they read."""

import torch
from torch import Tensor, nn

__all__ = ["group_size", "norm_dim", "norm_sizes", "passing_values", "takes_mean", "unit_tensors"]

ACROSS_CHANNELS = (
    nn.BatchNorm1d,
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.SyncBatchNorm,
    nn.InstanceNorm1d,
    nn.InstanceNorm2d,
    nn.InstanceNorm3d,
    nn.GroupNorm,
    nn.PReLU,
)
ACROSS_FEATURES = (nn.LayerNorm, nn.RMSNorm)
NORMS = tuple(kind for kind in (*ACROSS_CHANNELS, *ACROSS_FEATURES) if kind is not nn.PReLU)
# The values with which a norm passes a unit unchanged.
PASSING = {"weight": 1.0, "bias": 0.0, "running_mean": 0.0, "running_var": 1.0}


def norm_dim(module: nn.Module) -> int | None:
    """Return the dimension of the input in which the units lie; None if the module holds no numbers for each unit."""
    if isinstance(module, ACROSS_CHANNELS):
        return 1 if not isinstance(module, nn.PReLU) or module.num_parameters > 1 else None
    if isinstance(module, ACROSS_FEATURES):
        return -1 if len(module.normalized_shape) == 1 else None
    if any(module.children()) or type(module).forward is nn.Module.forward:
        return None
    # A norm of another library, such as Llama's, or a scale for each unit.
    sizes = {tensor.shape for tensor in unit_tensors(module).values()}
    parameters = dict(module.named_parameters(recurse=False))
    if not parameters or len(sizes) != 1 or len(unit_tensors(module)) < len(parameters):
        return None
    return -1 if len(next(iter(sizes))) == 1 and next(iter(sizes))[0] > 1 else None


def unit_tensors(module: nn.Module) -> dict[str, Tensor]:
    """Return by name the tensors of a norm that hold a number for each unit."""
    own = (*module.named_parameters(recurse=False), *module.named_buffers(recurse=False))
    return {name: tensor for name, tensor in own if tensor.dim() == 1 and tensor.is_floating_point()}


def norm_sizes(module: nn.Module) -> tuple[str, ...]:
    """Return the names of the attributes that count units."""
    names = ("num_features", "num_channels", "num_parameters", "normalized_shape", "hidden_size")
    return tuple(name for name in names if name in vars(module))


def group_size(module: nn.Module) -> int:
    """Return how many channels, side by side, a norm or a grouped convolution takes together."""
    if isinstance(module, nn.GroupNorm):
        return module.num_channels // module.num_groups
    if isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d) and module.groups > 1:
        return module.in_channels // module.groups
    return 1


def takes_mean(module: nn.Module) -> bool:
    """Return whether a norm takes a mean over all units, so that it returns something else if there are more."""
    return not isinstance(module, ACROSS_CHANNELS)


def passing_values(module: nn.Module, name: str, old: Tensor) -> float:
    """Return the value of a unit that has no original: one that passes it unchanged, or else the old ones' mean."""
    if isinstance(module, NORMS) and name in PASSING:
        return PASSING[name]
    return float(old.mean()) if len(old) else torch.nan
