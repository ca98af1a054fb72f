"""The gradient of the loss with respect to a linear path past the units of a layer (arXiv 2201.05125, section 3).

A unit with incoming weights of almost zero and a slope of one acts on the layers that read it like a linear map of the
inputs of its own layer. The gradient with respect to that map says how fast the loss falls in each direction of the
unit's outgoing weights.
"""

from typing import Any

import torch
from torch import Tensor, fx, nn

from harness.growth.consumers import Consumers, Layer, feature_dim
from harness.growth.probe import Probe
from harness.growth.tracing import Trace, Values
from harness.models.call import call
from harness.models.eval_mode import without_side_effects

__all__ = ["path_gradients"]


def path_gradients(
    model: nn.Module, trace: Trace, followers: Consumers, probe: Probe, output: str | None
) -> tuple[Tensor, ...]:
    """Return for each layer that reads the units `[out, K, M]`, float64 on the CPU.

    K weights go from a unit to each of the layer's outputs; M are the inputs of one unit.

    Args:
        model: the network.
        trace: of its forward pass for the inputs of `probe`.
        followers: what reads the units.
        probe: inputs, and the loss.
        output: the name of the output that the loss is of, if there are several; the first unless given.

    Raises:
        SpecError: the probe has no targets, or they do not fit the output.
    """
    readers = [_layer(trace, reader.node) for reader in followers.layers]
    slopes = _output_gradients(model, readers, probe, output)
    with without_side_effects(model, probe.inputs):
        inputs = _along_the_path(trace, followers)
    gradients = []
    for reader, layer in zip(followers.layers, readers, strict=True):
        dim = feature_dim(layer)
        units = inputs[reader.node]
        units = units.narrow(dim, reader.offset, units.shape[dim] - reader.offset)
        # The loss does not depend on a head that is off.
        slope = slopes.get(layer, torch.zeros_like(trace.values[reader.node]))
        gradients.append(_as_path(_weight_gradient(layer, units, slope), reader.block))
    return tuple(gradients)


def _layer(trace: Trace, node: fx.Node) -> Layer:
    module = trace.module(node)
    assert isinstance(module, Layer)
    return module


def _output_gradients(model: nn.Module, layers: list[Layer], probe: Probe, output: str | None) -> dict[Layer, Tensor]:
    """Return the gradient of the loss with respect to the output of each layer that is called."""
    added: dict[Layer, Tensor] = {}

    def add_zero(layer: Any, _inputs: Any, output: Tensor) -> Tensor:
        added[layer] = torch.zeros_like(output).requires_grad_()
        return output + added[layer]

    # Before all other hooks, which may send the output through an inserted layer.
    handles = [layer.register_forward_hook(add_zero, prepend=True) for layer in layers]
    try:
        with without_side_effects(model, probe.inputs), torch.enable_grad():
            loss = probe.loss_of(call(model, probe.inputs), output)
            gradients = torch.autograd.grad(loss, list(added.values()), materialize_grads=True)
            return dict(zip(added, gradients, strict=True))
    finally:
        for handle in handles:
            handle.remove()


def _along_the_path(trace: Trace, followers: Consumers) -> Values:
    """Return the inputs of the readers if the layer had M units, each of which passes on one input of the layer."""
    values = dict(trace.values)
    layer = _layer(trace, followers.source)
    features = values[followers.source.all_input_nodes[0]]
    values[followers.source] = _each_input(layer, features)
    for node in followers.between:
        before = next(earlier for earlier in node.all_input_nodes if earlier in {followers.source, *followers.between})
        if _keeps_shape(trace, node, before):
            values[node] = values[before]  # an activation or a norm, with slope one
        else:
            values[node] = trace.compute(node, values)
    return {reader.node: values[reader.node.all_input_nodes[0]] for reader in followers.layers}


def _keeps_shape(trace: Trace, node: fx.Node, before: fx.Node) -> bool:
    old, new = trace.values[before], trace.values[node]
    return isinstance(old, Tensor) and isinstance(new, Tensor) and old.shape == new.shape


def _each_input(layer: Layer, features: Tensor) -> Tensor:
    """Return the outputs of M units like those of `layer`, each with a weight of one for one input and zeros else."""
    if isinstance(layer, nn.Linear):
        return features
    weight = layer.weight
    basis = torch.eye(weight[0].numel(), device=weight.device, dtype=weight.dtype)
    probe = _blank(layer, weight.shape[1], len(basis))
    probe.weight = nn.Parameter(basis.reshape(len(basis), *weight.shape[1:]), requires_grad=False)
    result: Tensor = probe(features)
    return result


def _weight_gradient(layer: Layer, inputs: Tensor, slope: Tensor) -> Tensor:
    """Return the weight gradient `[out, in, ...]` of a layer like `layer` for `inputs`, given its output's `slope`."""
    twin = _blank(layer, inputs.shape[feature_dim(layer)], layer.weight.shape[0])
    shape = (*twin.weight.shape[:2], *layer.weight.shape[2:])
    twin.weight = nn.Parameter(torch.zeros(shape, device=inputs.device, dtype=inputs.dtype))
    with torch.enable_grad():
        result: Tensor = torch.autograd.grad((twin(inputs) * slope).sum(), twin.weight)[0]
    return result


def _blank(layer: Layer, inputs: int, outputs: int) -> Layer:
    """Return a layer of other sizes without bias, on the meta device, where no values are drawn."""
    if isinstance(layer, nn.Linear):
        return nn.Linear(inputs, outputs, bias=False, device="meta")
    names = ("kernel_size", "stride", "padding", "dilation", "padding_mode")
    settings = {name: getattr(layer, name) for name in names}
    kind = next(kind for kind in (nn.Conv1d, nn.Conv2d, nn.Conv3d) if isinstance(layer, kind))
    return kind(inputs, outputs, bias=False, device="meta", **settings)


def _as_path(gradient: Tensor, block: int) -> Tensor:
    """Return a gradient `[out, M * block, ...]` as `[out, K, M]`; K counts the weights of a block with its kernels."""
    rows = len(gradient)
    kernels = gradient[0, 0].numel()
    units = gradient.reshape(rows, -1, block * kernels)
    return units.transpose(1, 2).double().cpu()
