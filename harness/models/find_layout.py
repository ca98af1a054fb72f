"""Which axis of a module's output counts examples, and which features.

Both are told by experiments where the module's type does not say them. The network is called with two and with three
examples: the axis that gets longer counts them. The axis of features is that of the last layer that the output comes
from; layers of known types say which axis theirs is. Where several axes are as long, the network is called with half of
a sequence or a map: an axis that gets shorter counts positions.
"""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from harness.core.errors import TapNotFoundError
from harness.models.call import FAILURES, call, tensors_in
from harness.models.eval_mode import without_side_effects
from harness.models.features import first_of
from harness.models.layout import layout_for, standard_layout
from harness.models.resized_batch import batch_size, cropped, with_examples

__all__ = ["find_examples_axis", "find_layout"]

CHANNELS = (
    nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d, nn.BatchNorm1d,
    nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm, nn.GroupNorm, nn.InstanceNorm1d, nn.InstanceNorm2d,
    nn.InstanceNorm3d, nn.MaxPool1d, nn.MaxPool2d, nn.MaxPool3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d,
    nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d, nn.AdaptiveMaxPool1d, nn.AdaptiveMaxPool2d,
    nn.Upsample,
)  # fmt: skip
LAST = (
    nn.Linear, nn.Embedding, nn.LayerNorm, nn.RMSNorm, nn.RNNBase, nn.MultiheadAttention, nn.TransformerEncoderLayer,
    nn.TransformerDecoderLayer, nn.TransformerEncoder, nn.TransformerDecoder,
)  # fmt: skip
ELEMENTWISE = (
    nn.Identity, nn.Dropout, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid, nn.ELU, nn.SELU,
    nn.CELU, nn.Softplus, nn.Hardswish, nn.Hardsigmoid, nn.Hardtanh, nn.Mish,
)  # fmt: skip
ATTENTION = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)


def find_layout(
    model: nn.Module,
    module: nn.Module,
    inputs: Any,
    features: Tensor,
    where: str,
    *,
    nth: int = -1,
    typed: nn.Module | None = None,
) -> str | None:
    """Return the layout of `features`, an output of `module` when `model` is called with `inputs`.

    Args:
        model: the network.
        module: in it.
        inputs: a batch.
        features: its output.
        where: it lies, for the message of an error.
        nth: which output, if it has several.
        typed: a module with the same output whose type may say more.

    Returns:
        None for that of `standard_layout`.

    Raises:
        TapNotFoundError: it cannot be told.
    """
    dims = features.dim()
    if dims == 2 and batch_size(inputs) in (len(features), None):
        return None
    known = _by_type(typed or module, dims)
    if known is None:
        known = _by_experiment(model, module, inputs, features, nth)
    layout = None if known is None else layout_for(dims, *known)
    if dims == 2 and layout != "BF":
        raise TapNotFoundError(
            f"expected a row for each of {batch_size(inputs)} examples {where}, found {list(features.shape)}; choose "
            "another module"
        )
    if layout is None:
        raise TapNotFoundError(
            f"expected to tell which axis of the features {list(features.shape)} {where} counts examples and which "
            "features, found no sign of it; say layout='...' with a letter for each axis, B for examples, F for "
            "features, others for positions, such as 'BTF', 'TBF' or 'BCHW'"
        )
    return None if layout == standard_layout(dims) else layout


def find_examples_axis(model: nn.Module, module: nn.Module, inputs: Any) -> int | None:
    """Return the axis of the examples in what `module` reads when `model` is called with `inputs`, None if unclear."""
    seen = _experiment(model, module, inputs, -1, of_inputs=True)
    return None if seen is None else seen.axis


def _by_type(module: nn.Module, dims: int) -> tuple[int, int] | None:
    """Return the axis of examples and that of features that the type of `module` says."""
    while type(module) is nn.Sequential and len(module):
        module = next((part for part in reversed(module) if not isinstance(part, ELEMENTWISE)), module[0])
    if isinstance(module, CHANNELS) and dims >= 3:
        return 0, 1
    first = _batch_first(module)
    return None if first is None or dims != 3 else (0 if first else 1, 2)


def _batch_first(module: nn.Module) -> bool | None:
    if isinstance(module, nn.TransformerEncoder | nn.TransformerDecoder):
        module = module.layers[0]
    if isinstance(module, ATTENTION):
        module = module.get_submodule("self_attn")
    return bool(module.batch_first) if isinstance(module, nn.RNNBase | nn.MultiheadAttention) else None


def _by_experiment(
    model: nn.Module, module: nn.Module, inputs: Any, features: Tensor, nth: int
) -> tuple[int, int] | None:
    seen = _experiment(model, module, inputs, nth)
    if seen is None or seen.axis is None:
        return None
    if features.dim() == 2:
        return seen.axis, 1 - seen.axis
    axis = (
        seen.features if seen.features not in (None, seen.axis) else _left_by_cropping(model, module, inputs, nth, seen)
    )
    return None if axis is None else (seen.axis, axis)


def _left_by_cropping(model: nn.Module, module: nn.Module, inputs: Any, nth: int, seen: "_Seen") -> int | None:
    """Return the only axis that stays as long whichever axis of the inputs is halved; it has the features."""
    left = set(range(seen.dims)) - {seen.axis}
    few = with_examples(inputs, 2)
    whole = _output(model, module, few, nth)
    for axis in range(1, max(tensor.dim() for tensor in tensors_in(few))):
        part = _output(model, module, cropped(few, axis), nth)
        if whole is not None and part is not None and part.dim() == whole.dim():
            left -= {i for i in left if part.shape[i] != whole.shape[i]}
    return left.pop() if len(left) == 1 else None


def _output(model: nn.Module, module: nn.Module, inputs: Any, nth: int) -> Tensor | None:
    run = _Run()
    with suppress(*FAILURES):  # such as those of a linear layer that reads all of a map, after `module`
        _call(run, model, module, inputs)
    return run.outputs[nth][0] if -len(run.outputs) <= nth < len(run.outputs) else None


@dataclass(frozen=True)
class _Seen:
    """What the experiment shows: the axis of examples and that of features, each None if it shows none."""

    dims: int
    axis: int | None
    features: int | None


def _experiment(model: nn.Module, module: nn.Module, inputs: Any, nth: int, *, of_inputs: bool = False) -> _Seen | None:
    for axis in (0, 1):
        runs = []
        with suppress(*FAILURES):
            for count in (2, 3):
                _call(run := _Run(), model, module, with_examples(inputs, count, axis), of_inputs=of_inputs)
                runs.append(run)
        if len(runs) < 2:
            continue
        first, second = runs
        turned = {_longer(one, other) for one, other in zip(first.rows, second.rows, strict=False)}
        # Layers that have examples at the second axis say whether what comes in has them there: [T, B, ...].
        if 0 in turned if axis == 0 else turned != {1}:
            continue
        if any(not -len(run.outputs) <= nth < len(run.outputs) for run in runs):
            return None
        (one, features), (other, _) = first.outputs[nth], second.outputs[nth]
        return _Seen(one.dim(), _longer(one, other, 2, 3), features)
    return None


def _longer(one: Tensor, other: Tensor, *sizes: int) -> int | None:
    """Return the one axis in which `other` is longer, perhaps from and to given sizes."""
    changed = [axis for axis, (a, b) in enumerate(zip(one.shape, other.shape, strict=False)) if a != b]
    if one.dim() != other.dim() or len(changed) != 1:
        return None
    axis = changed[0]
    return axis if not sizes or (one.shape[axis], other.shape[axis]) == sizes else None


@dataclass
class _Run:
    """What was seen in one call of a network.

    Attributes:
        outputs: of the module that is asked about, or its inputs, each with its axis of features if that is known.
        rows: outputs `[T, B, F]` of layers that have examples at the second axis.
        known: tensors whose axis of features a layer's type says, in the order of computation.
    """

    outputs: list[tuple[Tensor, int | None]] = field(default_factory=list)
    rows: list[Tensor] = field(default_factory=list)
    known: list[tuple[Tensor, int]] = field(default_factory=list)

    def axis_of(self, features: Tensor) -> int | None:
        """Return the axis of features: that of the tensor itself, or of the last one like it; None if it is unclear."""
        same = [axis for tensor, axis in self.known if tensor is features]
        shape = features.shape
        alike = [
            axis
            for tensor, axis in self.known
            if tensor.dim() == features.dim() and tensor.shape[axis] == shape[axis] and _is_only(shape, axis)
        ]
        whole = [axis for tensor, axis in self.known if tensor.shape == shape and _is_only(shape, axis)]
        return next((found[-1] for found in (same, whole, alike) if found), None)

    def add(self, module: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
        """Add what a call of `module` shows."""
        if isinstance(module, ELEMENTWISE):
            axis = next((axis for tensor, axis in self.known if args and tensor is args[0]), None)
        else:
            axis = _axis_by_type(module, output)
        if axis is not None:
            self.known.append((output, axis))
        if _batch_first(module) is False and output.dim() == 3:
            self.rows.append(output)


def _is_only(shape: torch.Size, axis: int) -> bool:
    """Return whether no other axis is as long."""
    return shape.count(shape[axis]) == 1


def _axis_by_type(module: nn.Module, output: Tensor) -> int | None:
    if isinstance(module, CHANNELS):
        return 1 if output.dim() >= 3 else None
    width = _width(module)
    if width is None or output.shape[-1] != width:
        return output.dim() - 1 if width is None and isinstance(module, LAST) else None
    # A layer of another library may work along another axis that happens to be as long.
    return output.dim() - 1 if type(module) in LAST or _is_only(output.shape, output.dim() - 1) else None


def _width(module: nn.Module) -> int | None:
    """Return the number of features that `module` says its output has."""
    for name in ("out_features", "embedding_dim", "normalized_shape", "nf"):
        if (value := getattr(module, name, None)) is not None:
            return int(value[-1] if isinstance(value, tuple) else value)
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() != 1 or any(True for _ in module.children()):
        return None
    return len(weight)  # a norm


def _call(run: _Run, model: nn.Module, module: nn.Module, inputs: Any, *, of_inputs: bool = False) -> None:
    """Add to `run` what a call of the network shows."""

    def add(one: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if _is_plain(tensor := first_of(output)):
            run.add(one, args, tensor)

    def keep(_module: nn.Module, args: tuple[Any, ...], output: Any) -> None:
        if _is_plain(tensor := first_of(args if of_inputs else output)):
            run.outputs.append((tensor, run.axis_of(tensor)))

    # First of all, a module's own output; at last, what is left of it after hooks such as those of inserted layers.
    handles = [part.register_forward_hook(add, prepend=True) for part in model.modules()]
    handles.append(module.register_forward_hook(keep))
    try:
        with without_side_effects(model, inputs):
            call(model, inputs)
    finally:
        for handle in handles:
            handle.remove()


def _is_plain(value: Any) -> bool:
    return isinstance(value, Tensor) and not value.is_nested
