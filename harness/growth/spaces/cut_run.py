"""A forward pass that is cut at every layer with a matrix, to see which layer reads directly what another one writes.

What such a layer returns is replaced by drawn values, so nothing that it reads reaches what lies behind it; norms pass
on what they are given. So the input of a layer depends only on the layers that it reads without another layer between,
through whatever functions the network has. The network itself is called, with its hooks: nothing is traced.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.parametrize import is_parametrized

from harness.growth.spaces.matrices import has_fixed_inputs, is_grouped, matrix_kind
from harness.growth.spaces.switched_on import all_switched_on
from harness.growth.spaces.unit_norms import norm_dim
from harness.models.attributes import same_attributes
from harness.models.call import call, tensors_in
from harness.models.eval_mode import without_side_effects

__all__ = ["Call", "CutRun", "cut_run"]


@dataclass(frozen=True)
class Call:
    """One call of a layer.

    Attributes:
        given: what it was given; None if that is no floating-point tensor.
        returned: what the modules behind it were given as its output.
    """

    path: str
    module: nn.Module
    given: Tensor | None
    returned: Tensor


@dataclass(frozen=True)
class CutRun:
    """A forward pass.

    Attributes:
        calls: of layers with a matrix, grouped convolutions, norms and modules of fixed inputs, in their order.
        outputs: the tensors that the network returned.
    """

    calls: tuple[Call, ...]
    outputs: tuple[Tensor, ...]


def cut_run(model: nn.Module, inputs: Any, changed: Mapping[str, Tensor]) -> CutRun:
    """Call `model` with the batch `inputs`, cut at its layers.

    What layers are given can be differentiated with respect to what others returned.

    Args:
        model: the network, of which nothing is changed.
        inputs: a batch.
        changed: by the path of a layer, for each of its outputs whether it has another drawn value.
    """
    observer = _Observer(changed)
    handles = [
        # Before all other hooks, which may send the output through an inserted layer.
        module.register_forward_hook(observer.hook(path), with_kwargs=True, prepend=True)
        for path, module in model.named_modules()
        if _is_observed(module)
    ]
    try:
        with same_attributes(model), all_switched_on(model), without_side_effects(model, inputs), torch.enable_grad():
            outputs = tuple(tensors_in(call(model, inputs)))
    finally:
        for handle in handles:
            handle.remove()
    return CutRun(tuple(observer.calls), outputs)


def _is_observed(module: nn.Module) -> bool:
    """Return whether calls of a module are taken down."""
    layer = matrix_kind(module) or is_grouped(module) or has_fixed_inputs(module)
    return bool(layer) or norm_dim(module) is not None


class _Observer:
    """Replaces what layers return, and takes down their calls."""

    def __init__(self, changed: Mapping[str, Tensor]) -> None:
        self.changed = changed
        self.calls: list[Call] = []

    def hook(self, path: str) -> Any:
        """Return a forward hook for the module at `path`."""

        def replace(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> Any:
            given = next((value for value in (*args, *kwargs.values()) if isinstance(value, Tensor)), None)
            if given is not None and has_fixed_inputs(module):
                self.calls.append(Call(path, module, given, given))
            if not isinstance(output, Tensor) or given is None or has_fixed_inputs(module):
                return output
            returned = self._returned(path, module, given, output)
            readable = given if given.is_floating_point() else None
            self.calls.append(Call(path, module, readable, returned))
            # A copy, because a function may change in place what can be differentiated.
            return returned.clone() if matrix_kind(module) else returned

        return replace

    def _returned(self, path: str, module: nn.Module, given: Tensor, output: Tensor) -> Tensor:
        kind = matrix_kind(module)
        if is_grouped(module):
            return output if is_parametrized(module) else _means(module, given)
        if kind is None:
            return given if given.shape == output.shape else output
        drawn = _drawn(output, seed=2 * len(self.calls))
        if path in self.changed:
            where = self.changed[path].to(output.device)
            where = where.reshape(-1, *[1] * (-1 - kind.features))
            drawn = torch.where(where, _drawn(output, seed=2 * len(self.calls) + 1), drawn)
        return drawn.requires_grad_()


def _drawn(like: Tensor, seed: int) -> Tensor:
    # Positive, so that no ReLU hides them, and of a size at which functions that saturate do not.
    return (torch.rand(like.shape, generator=torch.Generator().manual_seed(seed)) * 0.5 + 0.25).to(like)


def _means(convolution: nn.Module, given: Tensor) -> Tensor:
    """Return what a convolution returns if it takes means, which are positive where its inputs are."""
    twin = copy.copy(convolution)
    weight = convolution.get_parameter("weight").detach()
    vars(twin)["_parameters"] = {"weight": torch.full_like(weight, 1 / weight[0].numel()), "bias": None}
    means: Tensor = twin.forward(given)
    return means
