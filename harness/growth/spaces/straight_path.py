"""The gradient of the loss with respect to a linear path past units, from one linear layer to others.

It is what `harness.growth.linear_path` computes from a trace, for networks that cannot be traced: activations are taken
to have slope one (arXiv 2201.05125, section 3).
"""

from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import SpecError
from harness.growth.probe import Probe
from harness.growth.spaces.matrices import matrix_kind
from harness.growth.spaces.space import Member, Space
from harness.models.attributes import same_attributes
from harness.models.call import call
from harness.models.eval_mode import without_side_effects

__all__ = ["straight_gradients"]


def straight_gradients(model: nn.Module, space: Space, probe: Probe, output: str | None) -> tuple[Tensor, ...]:
    """Return for each reader of `space` `[out, 1, M]`, float64 on the CPU; M are the inputs of the one writer.

    Raises:
        SpecError: there are several writers, or layers that do not work position by position; or the probe has no loss.
    """
    writer, readers = space.writers[0], space.readers
    if len(space.writers) > 1 or not all(_is_linear(model, member) for member in (writer, *readers)):
        raise SpecError(
            "expected one linear layer that writes and linear layers that read, to find directions of steepest descent "
            "in a network that torch.fx cannot trace, found others; use copies, pairs or random units"
        )
    inputs, slopes = _inputs_and_slopes(model, writer, readers, probe, output)
    if len(inputs) != 1 or any(slope.shape[:-1] != inputs[0].shape[:-1] for slope in slopes):
        raise SpecError(f"expected one call of {writer.path!r} at the positions of its readers, found {len(inputs)}")
    rows = inputs[0].flatten(0, -2).double()
    return tuple((slope.flatten(0, -2).double().T @ rows)[:, None].cpu() for slope in slopes)


def _inputs_and_slopes(
    model: nn.Module, writer: Member, readers: tuple[Member, ...], probe: Probe, output: str | None
) -> tuple[list[Tensor], tuple[Tensor, ...]]:
    """Return what the writer is given in each call, and the gradient of the loss for the output of each reader."""
    inputs: list[Tensor] = []
    added: dict[nn.Module, Tensor] = {}

    def keep(_module: nn.Module, args: tuple[Any, ...], _output: Any) -> None:
        inputs.append(args[0].detach())

    def add_zero(module: nn.Module, _args: Any, output: Tensor) -> Tensor:
        added[module] = torch.zeros_like(output).requires_grad_()
        return output + added[module]

    reading = [model.get_submodule(member.path) for member in readers]
    handles = [module.register_forward_hook(add_zero, prepend=True) for module in reading]
    handles.append(model.get_submodule(writer.path).register_forward_hook(keep))
    try:
        with same_attributes(model), without_side_effects(model, probe.inputs), torch.enable_grad():
            loss = probe.loss_of(call(model, probe.inputs), output)
            slopes = torch.autograd.grad(loss, [added[module] for module in reading], materialize_grads=True)
    finally:
        for handle in handles:
            handle.remove()
    return inputs, slopes


def _is_linear(model: nn.Module, member: Member) -> bool:
    kind = matrix_kind(model.get_submodule(member.path))
    one = len(member.slots) == 1 and member.slots[0].block == 1
    return kind is not None and kind.features == -1 and kind.inputs is not None and one
