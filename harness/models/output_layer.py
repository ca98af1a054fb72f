"""Output layers: `nn.Linear` and `nn.Conv2d` whose rows are the outputs, one a class or a regression target."""

from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter
from torch.nn.utils.parametrize import is_parametrized

from harness.core.errors import ModulePathError
from harness.core.spec import did_you_mean
from harness.models.cosine import CosineLinear
from harness.models.lora import check_own_weight

__all__ = ["OutputLayer", "check_plain", "check_renewable", "check_usable", "output_layer_like"]

OutputLayer = nn.Linear | nn.Conv2d


def check_usable(layer: nn.Module, path: str, model: nn.Module) -> OutputLayer:
    """Return `layer`, to which rows can be added.

    Raises:
        ModulePathError: it is no linear layer or convolution, or its rows are not independent of each other.
    """
    check_own_weight(layer, path, model)
    if not isinstance(layer, OutputLayer):
        layers = [name for name, module in model.named_modules() if name and isinstance(module, OutputLayer)]
        raise ModulePathError(
            f"expected nn.Linear or nn.Conv2d at {path!r}, found {type(layer).__name__}; name the layer that computes "
            f"the outputs.{did_you_mean(path, layers)}"
        )
    if isinstance(layer, nn.Conv2d) and layer.groups != 1:
        raise ModulePathError(f"expected a convolution of one group at {path!r}, found {layer.groups} groups")
    if not is_parametrized(layer) and (inner := [name for name, _ in layer.named_children()]):
        raise ModulePathError(f"expected a layer that holds no others at {path!r}, found {inner[0]!r} in it")
    if isinstance(layer.weight, UninitializedParameter):
        raise ModulePathError(f"expected a weight at {path!r}, found a lazy layer without; run the network once")
    if layer.weight.is_complex():
        found = str(layer.weight.dtype).removeprefix("torch.")
        raise ModulePathError(f"expected a weight of real numbers at {path!r}, found {found}; name another layer")
    if not (_is_own(layer, "weight") or is_parametrized(layer, "weight")):
        raise ModulePathError(
            f"expected {path!r} to own its weight, found one that a hook computes; use torch.nn.utils.parametrizations"
        )
    return layer


def check_renewable(layer: OutputLayer, path: str, model: nn.Module, names: tuple[str, ...], advice: str) -> None:
    """Check that the tensors `names` of `layer` can be replaced, and nothing else depends on them.

    Raises:
        ModulePathError: another module uses one of them too, or one is computed from other tensors.
    """
    check_plain(layer, path, names, advice)
    for name in names:
        tensor = getattr(layer, name)
        others = [] if tensor is None else _other_holders(model, layer, tensor)
        if others:
            raise ModulePathError(
                f"expected {path!r} alone to hold its {name}, found it in {others[0]!r} too; {advice}"
            )


def check_plain(layer: OutputLayer, path: str, names: tuple[str, ...], advice: str) -> None:
    """Check that `layer` holds the tensors `names` itself.

    Raises:
        ModulePathError: one is computed from other tensors.
    """
    for name in names:
        if getattr(layer, name) is not None and not _is_own(layer, name):
            raise ModulePathError(f"expected a plain {name} at {path!r}, found a parametrized one; {advice}")


def _is_own(layer: nn.Module, name: str) -> bool:
    return any(key == name for key, _ in layer.named_parameters(recurse=False))


def _other_holders(model: nn.Module, layer: nn.Module, tensor: Tensor) -> list[str]:
    return [
        f"{path}.{name}"
        for path, module in model.named_modules()
        for name, held in module.named_parameters(recurse=False)
        if held is tensor and module is not layer
    ]


def output_layer_like(layer: OutputLayer, weight: Tensor, bias: Tensor | None, *, trainable: bool) -> OutputLayer:
    """Return a layer that reads what `layer` reads, with rows `weight` `[rows, in, ...]` and `bias` `[rows]`.

    Its tensors take device and type of those of `layer`.
    """
    new = _blank(layer, len(weight), bias=bias is not None)
    new.weight = nn.Parameter(weight.detach().to(layer.weight, copy=True), requires_grad=trainable)
    if bias is not None:
        new.bias = nn.Parameter(bias.detach().to(layer.weight, copy=True), requires_grad=trainable)
    return new.train(layer.training)


def _blank(layer: OutputLayer, rows: int, *, bias: bool) -> OutputLayer:
    # On the meta device nothing is drawn from the global generator.
    if isinstance(layer, CosineLinear):
        return CosineLinear(layer.in_features, rows, bias=False, device="meta")
    if isinstance(layer, nn.Linear):
        return nn.Linear(layer.in_features, rows, bias=bias, device="meta")
    return nn.Conv2d(
        layer.in_channels,
        rows,
        kernel_size=layer.kernel_size,  # type: ignore[arg-type]
        stride=layer.stride,  # type: ignore[arg-type]
        padding=layer.padding,  # type: ignore[arg-type]
        dilation=layer.dilation,  # type: ignore[arg-type]
        bias=bias,
        padding_mode=layer.padding_mode,
        device="meta",
    )
