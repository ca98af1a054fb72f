"""Low-rank adapters for linear layers."""

from fnmatch import fnmatchcase
from typing import Annotated, Literal

import torch
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from harness.core.errors import ModulePathError, SpecError
from harness.core.spec import did_you_mean
from harness.growth.operations._base import AbstractOperation
from harness.growth.probe import Probe
from harness.growth.record import Growth, Promise
from harness.growth.rollback import all_or_nothing
from harness.growth.spaces.matrices import inputs_dim, kind_of, matrix_kind, outputs_of
from harness.initializers import AbstractInitializer, TorchDefault, Zeros, fill_linear
from harness.models.adapter import Adapter, adapt
from harness.models.call import call
from harness.models.eval_mode import without_side_effects
from harness.models.paths import module_at, short_path

__all__ = ["AddAdapter"]


class AddAdapter(AbstractOperation):
    """Add a product of two small matrices, B A, to linear layers (LoRA, arXiv 2106.09685); B begins at zero.

    All outputs stay the same to the bit. With `freeze=OldParameters()` the adapters alone are trained. `MergeAdapter`
    adds the products to the weights and takes the adapters away.

    Attributes:
        layers: paths of linear layers; `*` stands for any text, and then for the linear layers among what fits.
        rank: of the product.
        alpha: the product counts `alpha / rank` times; once by default.
        name: of the adapters, each the child `name` of its layer.
        init: fills A.
    """

    kind: Literal["add_adapter"] = "add_adapter"
    layers: Annotated[tuple[str, ...], Field(min_length=1)]
    rank: PositiveInt
    alpha: PositiveFloat | None = None
    name: Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = "adapter"
    init: AbstractInitializer = TorchDefault()

    def promise(self) -> Promise:
        """Return that outputs are the same to the bit."""
        return Promise.EXACT

    def apply(self, model: nn.Module, *, probe: Probe | None, generator: torch.Generator) -> Growth:
        """Add them. Raises `ModulePathError` for a layer that cannot have one, `SpecError` without a probe."""
        if probe is None:
            raise SpecError("expected inputs to see that layers are called, found none; give probe=Probe(inputs)")
        before, chosen = list(model.parameters()), self._chosen(model)
        with all_or_nothing(model):
            adapters = {path: self._adapted(layer, generator) for path, layer in chosen.items()}
            _check_called(model, adapters, probe)
        extends = {
            parameter: chosen[path].get_parameter("weight")
            for path, adapter in adapters.items()
            for parameter in adapter.parameters()
        }
        return Growth.between(before, model, extends=extends)

    def _chosen(self, model: nn.Module) -> dict[str, nn.Module]:
        """Return the layers by their paths."""
        modules = {short_path(model, name): module for name, module in model.named_modules()}
        linear = {path: module for path, module in modules.items() if _is_linear(module)}
        for pattern in self.layers:
            if not any(fnmatchcase(path, pattern) for path in linear):
                raise ModulePathError(
                    f"expected linear layers, found none at {pattern!r}.{did_you_mean(pattern, linear)}"
                )
        chosen = {
            path: module
            for path, module in linear.items()
            if any(fnmatchcase(path, pattern) for pattern in self.layers) and not _is_of_adapter(model, path)
        }
        for path, module in chosen.items():
            if hasattr(module, self.name):
                raise SpecError(f"expected a new name for an adapter of {path!r}, found {self.name!r}, which exists")
        return chosen

    def _adapted(self, layer: nn.Module, generator: torch.Generator) -> Adapter:
        """Return the adapter that the layer gets."""
        weight: Tensor = layer.get_parameter("weight")
        inputs, outputs = weight.shape[inputs_dim(layer)], outputs_of(layer)
        # Building a layer draws from the global generator, for values that are overwritten here.
        with torch.random.fork_rng(devices=[]):
            adapter = Adapter(inputs, self.rank, outputs, (self.alpha or self.rank) / self.rank)
        fill_linear(adapter.reading, self.init, generator=generator)
        fill_linear(adapter.writing, Zeros(), generator=generator)
        adapt(layer, self.name, adapter.to(weight.device, weight.dtype).train(layer.training))
        return adapter


def _is_linear(module: nn.Module) -> bool:
    kind = matrix_kind(module)
    own = kind is not None and kind.inputs is not None and outputs_of(module) > 0
    return own and kind_of(module).features == -1


def _is_of_adapter(model: nn.Module, path: str) -> bool:
    return isinstance(module_at(model, path.rpartition(".")[0]), Adapter)


def _check_called(model: nn.Module, adapters: dict[str, Adapter], probe: Probe) -> None:
    called: set[nn.Module] = set()
    handles = [part.register_forward_pre_hook(lambda module, _: called.add(module)) for part in adapters.values()]
    try:
        with without_side_effects(model, probe.inputs):
            call(model, probe.inputs)
    finally:
        for handle in handles:
            handle.remove()
    if idle := [path for path, adapter in adapters.items() if adapter not in called]:
        raise ModulePathError(
            f"expected layers that are called, found that {idle[0]!r} is not: it is unused, or within a module that "
            "uses its weight itself; name others"
        )
