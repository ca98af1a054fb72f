"""The norm of all gradients, and whether the components of a loss agree in the backbone."""

from collections.abc import Mapping
from itertools import combinations

import torch
from torch import Tensor
from torch.nn.utils import get_total_norm

from harness.training.state import TrainState

__all__ = ["agreement", "total_norm", "trunk_gradients"]


def total_norm(gradients: list[Tensor]) -> Tensor:
    """Return the norm of all gradients together, as `torch.nn.utils.get_total_norm`, to the bit.

    That one sorts them by device and dtype first, which costs more than the norm of a small network.
    """
    kinds = {(gradient.dtype, gradient.device) for gradient in gradients}
    if len(kinds) != 1 or gradients[0].layout != torch.strided:
        return get_total_norm(gradients)
    norms = torch.stack(torch._foreach_norm(gradients))  # noqa: SLF001  # what `get_total_norm` calls
    norm: Tensor = torch.linalg.vector_norm(norms)
    return norm


def trunk_gradients(state: TrainState, weighted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the gradient `[P]` of each weighted component on the backbone; none if the backbone is frozen."""
    trunk = [parameter for parameter in state.model.backbone.parameters() if parameter.requires_grad]
    return {name: _gradient(state, value, trunk) for name, value in weighted.items()} if trunk else {}


def agreement(flat: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the size of each component's gradient, and the cosine between any two.

    Returns:
        `trunk_norm/<component>`, and `trunk_cosine/<one>.<other>`, which is -1 for opposite gradients. A component that
        does not depend on the backbone has the norm 0 and cosines of 0.
    """
    norms = {name: gradient.norm() for name, gradient in flat.items()}
    metrics = {f"trunk_norm/{name}": norm for name, norm in norms.items()}
    tiny = torch.finfo(torch.float32).tiny
    for one, other in combinations(flat, 2):
        length = (norms[one] * norms[other]).clamp(min=tiny)
        metrics[f"trunk_cosine/{one}.{other}"] = (flat[one] @ flat[other]) / length
    return metrics


def _gradient(state: TrainState, value: Tensor, trunk: list[torch.nn.Parameter]) -> Tensor:
    if not value.requires_grad:
        return torch.zeros(sum(parameter.numel() for parameter in trunk), device=value.device)
    scale = state.scaler.scale(
        value.new_ones((), dtype=torch.float32)
    )  # on the device: to read it would make a GPU wait
    # Scaled like the whole loss, or 16-bit gradients would underflow.
    scaled = state.scaler.scale(value)
    parts = torch.autograd.grad(scaled, trunk, retain_graph=True, allow_unused=True, materialize_grads=True)
    return torch.cat([part.flatten().float() for part in parts]) / scale
