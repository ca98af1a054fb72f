"""New rows of an output layer: their values, and the record of a layer whose tensors they joined."""

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.growth.probe import Probe
from harness.growth.record import Carried, Columns, Moments
from harness.initializers import AbstractInitializer, LayerContext
from harness.models.cosine import CosineLinear
from harness.models.embeddings import output_biases
from harness.models.layer_inputs import layer_inputs
from harness.models.output_layer import OutputLayer
from harness.models.paths import full_path, module_at
from harness.models.rows import replace_rows
from harness.models.widened import output_parts

__all__ = [
    "Rows",
    "all_rows",
    "beside",
    "drawn_rows",
    "late_rows",
    "outer_biases",
    "renewed",
    "replaced",
    "stacked",
    "with_columns",
]

Rows = tuple[Tensor, Tensor | None]


def all_rows(parts: tuple[OutputLayer, ...]) -> Rows:
    """Return the weights `[C, in, ...]` and biases `[C]` of a layer in parts."""
    biases = [part.bias.detach() for part in parts if part.bias is not None]
    return torch.cat([part.weight.detach() for part in parts]), torch.cat(biases) if biases else None


def late_rows(parts: tuple[OutputLayer, ...], first: int, path: str) -> list[tuple[OutputLayer, int]]:
    """Return the parts of the layer at `path` that hold rows from `first` on, each with the index of its first one.

    Raises:
        ModulePathError: outputs are cosines, which the length of a row does not change.
    """
    if isinstance(parts[0], CosineLinear):
        raise ModulePathError(
            f"expected outputs that grow with the rows of {path!r}, found cosines; leave them as they are"
        )
    late, before = [], 0
    for part in parts:
        begin = max(first - before, 0)
        before += len(part.weight)
        if before > first:
            late.append((part, begin))
    return late


def drawn_rows(
    model: nn.Module,
    path: str,
    inits: tuple[AbstractInitializer, AbstractInitializer],
    *,
    total: int,
    count: int,
    probe: Probe | None,
    generator: torch.Generator,
) -> Rows:
    """Return the values of new rows for the output layer at `path`, float32 on the CPU.

    Args:
        model: the network before the layer changes.
        path: of the layer.
        inits: what fills weights and biases.
        total: the number of rows that the layer will have.
        count: the number of new rows among them.
        probe: examples, whose features and targets the initializers see.
        generator: a CPU generator.
    """
    weight, bias = all_rows(output_parts(model, path))
    fan_in, fan_out = weight[0].numel(), total * weight[0, 0].numel()
    features = _features(model, path, probe)
    targets = None if probe is None else probe.rows
    if features is not None and targets is not None and len(features) != len(targets):
        features = None  # a row for each position, or in an order that nothing tells

    def values(init: AbstractInitializer, old: Tensor) -> Tensor:
        shape = (count, *old.shape[1:])
        context = LayerContext(fan_in, fan_out, old.float().cpu(), features, targets)
        return init.values(shape, context, generator) if count else torch.empty(shape)

    return values(inits[0], weight), None if bias is None else values(inits[1], bias)


def _features(model: nn.Module, path: str, probe: Probe | None) -> Tensor | None:
    if probe is None:
        return None
    maps = isinstance(output_parts(model, path)[0], nn.Conv2d)
    return layer_inputs(model, module_at(model, path), probe.inputs, maps=maps)


def stacked(layer: OutputLayer, new: Rows) -> Rows:
    """Return the rows of `layer` with `new` ones after them, on its device and in its type."""
    weight = torch.cat([layer.weight.detach(), new[0].to(layer.weight)])
    if layer.bias is None or new[1] is None:
        return weight, None
    return weight, torch.cat([layer.bias.detach(), new[1].to(layer.bias)])


def renewed(
    model: nn.Module, layer: OutputLayer, weight: Tensor | None, bias: Tensor | None, *, moments: Moments
) -> tuple[Carried, ...]:
    """Give `layer`, and what else in `model` holds its tensors, new ones, in which its old rows come first.

    None leaves a tensor as it is.

    Returns:
        The record for the optimizer.
    """
    carried: tuple[Carried, ...] = ()
    for old, values in ((layer.weight, weight), (layer.bias, bias)):
        if old is not None and values is not None:
            carried += replaced(model, old, values, moments)
    return carried


def replaced(model: nn.Module, old: Tensor, values: Tensor, moments: Moments) -> tuple[Carried, ...]:
    """Put `values` in place of `old` wherever `model` holds it; the record is empty if it is a buffer."""
    new = replace_rows(model, old, values)
    if not isinstance(old, nn.Parameter) or not isinstance(new, nn.Parameter):
        return ()
    return (Carried(old, new, tuple(slice(0, size) for size in old.shape), moments),)


def outer_biases(model: nn.Module, path: str) -> list[Tensor]:
    """Return the biases that modules around the output layer at `path` add to its outputs."""
    parts = output_parts(model, path)
    own = {id(part.bias) for part in parts}
    biases = output_biases(model, [full_path(model, path)], sum(len(part.weight) for part in parts))
    return [bias for bias in biases if id(bias) not in own]


def with_columns(model: nn.Module, biases: Iterable[Tensor], columns: Columns, moments: Moments) -> tuple[Carried, ...]:
    """Give each of `biases` an entry for each column: that of the old column that it comes from, or zero.

    Returns:
        The record of parameters whose old entries come first; others are new.
    """
    carried: tuple[Carried, ...] = ()
    for bias in biases:
        old = bias.detach().flatten()
        values = torch.stack([old.new_zeros(()) if column is None else old[column] for column in columns])
        record = replaced(model, bias, values.reshape(*bias.shape[:-1], -1), moments)
        carried += record if columns[: len(old)] == tuple(range(len(old))) else ()
    return carried


def beside(old: nn.Module, new: OutputLayer) -> dict[nn.Parameter, nn.Parameter]:
    """Return, for each parameter of `new`, that of `old` which it lies beside or replaces.

    Where `old` computes a tensor, as under weight norm, it is one of those that it computes it from.
    """
    pairs: dict[nn.Parameter, nn.Parameter] = {}
    for name, parameter in new.named_parameters():
        origins = [held for path, held in old.named_parameters() if name in path.split(".")]
        pairs |= {parameter: origins[0]} if origins else {}
    return pairs
