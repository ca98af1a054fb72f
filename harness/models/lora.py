"""Layers with low-rank adapters (LoRA, arXiv 2106.09685), as Hugging Face's PEFT builds them.

They are known by what they hold, so that nothing is imported here.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from harness.core.errors import ModulePathError
from harness.models.paths import full_path

__all__ = [
    "Factor",
    "adapted_layers",
    "adapter_names",
    "check_own_weight",
    "delta_of",
    "factors",
    "is_lora",
    "is_plain_lora",
    "note_ranks",
]


@dataclass(frozen=True)
class Factor:
    """One of the two matrices whose product is added to a weight.

    Attributes:
        module: what holds it.
        name: of the attribute of `module`.
        rank: the dimension along which the ranks lie.
        weight_dim: the dimension of the adapted weight that its other dimension goes along.
    """

    module: nn.Module
    name: str
    rank: int
    weight_dim: int

    @property
    def other(self) -> int:
        """The dimension that goes along with the weight's."""
        return 1 - self.rank

    @property
    def tensor(self) -> nn.Parameter:
        """The matrix, perhaps with a kernel."""
        return self.module.get_parameter(self.name)


def is_lora(module: nn.Module) -> bool:
    """Return whether `module` is a layer with low-rank adapters."""
    return isinstance(getattr(module, "base_layer", None), nn.Module) and isinstance(
        getattr(module, "lora_A", None), nn.ModuleDict
    )


def check_own_weight(module: nn.Module, path: str, model: nn.Module) -> None:
    """Check that the module at `path` is no wrapper of PEFT, and not the layer that such a wrapper leaves unused.

    Raises:
        ModulePathError: it is; the message says what to name instead.
    """
    if is_lora(module):
        raise ModulePathError(
            f"expected a layer with one plain adapter at {path!r}, found adapters {adapter_names(module)} that are "
            "merged or special, several, or on a weight that is tied; merge them first: model.merge_and_unload()"
        )
    owner = path.rpartition(".")[0] if path.endswith(".original_module") else path
    holder = dict(model.named_modules()).get(full_path(model, owner), module)
    saved = getattr(holder, "modules_to_save", None)
    if isinstance(saved, nn.ModuleDict) and len(saved):
        raise ModulePathError(
            f"expected the layer that is trained, found {path!r}, which PEFT wraps or leaves unused; name "
            f"{f'{owner}.modules_to_save.{next(iter(saved))}'!r}"
        )


def adapted_layers(model: nn.Module) -> dict[str, Any]:
    """Return, by name as in `named_modules`, the layers with low-rank adapters."""
    return {name: module for name, module in model.named_modules() if is_lora(module)}


def adapter_names(layer: Any) -> list[str]:
    """Return the names of a layer's adapters."""
    return [*layer.lora_A, *layer.lora_embedding_A]


def is_plain_lora(layer: Any) -> bool:
    """Return whether a layer computes what its base layer does and the product of each active adapter, added."""
    special = [*layer.lora_variant, *(name for name, on in layer.lora_bias.items() if on)]
    return not (special or layer.merged or layer.disable_adapters)


def delta_of(layer: Any, adapter: str) -> Tensor:
    """Return what an adapter adds to the weight of the base layer."""
    delta: Tensor = layer.get_delta_weight(adapter).detach()
    return delta


def factors(layer: Any, adapter: str) -> tuple[Factor, Factor]:
    """Return the matrices of an adapter: A, which reads the input, and B, which writes the output."""
    if adapter in layer.lora_embedding_A:
        reading = Factor(layer.lora_embedding_A, adapter, rank=0, weight_dim=0)
        return reading, Factor(layer.lora_embedding_B, adapter, rank=1, weight_dim=1)
    inputs = 0 if getattr(layer, "fan_in_fan_out", False) else 1  # GPT-2's weights are [in, out]
    reading = Factor(layer.lora_A[adapter], "weight", rank=0, weight_dim=inputs)
    return reading, Factor(layer.lora_B[adapter], "weight", rank=1, weight_dim=1 - inputs)


def note_ranks(model: nn.Module, adapter: str, layers: Mapping[str, Any]) -> None:
    """Let an adapter's config say the ranks and alphas that `layers` have, by which PEFT builds it when it is loaded.

    The config is replaced by a changed copy: who else holds it sees no change.
    """
    everywhere = [layer for layer in adapted_layers(model).values() if adapter in adapter_names(layer)]
    sizes = {(layer.r[adapter], layer.lora_alpha[adapter]) for layer in layers.values()}
    tables = [vars(module).get("peft_config") for module in model.modules()]
    for table in tables:
        if not isinstance(table, dict) or adapter not in table:
            continue
        config = table[adapter] = copy.copy(table[adapter])
        if len(everywhere) == len(layers) and len(sizes) == 1:
            config.r, config.lora_alpha = next(iter(sizes))
            config.rank_pattern, config.alpha_pattern = {}, {}
        else:
            own = {_original_name(name): layer for name, layer in layers.items()}
            ranks = {name: layer.r[adapter] for name, layer in own.items()}
            alphas = {name: layer.lora_alpha[adapter] for name, layer in own.items()}
            # Of several patterns that fit a layer, the first one counts.
            config.rank_pattern = ranks | {k: v for k, v in config.rank_pattern.items() if k not in own}
            config.alpha_pattern = alphas | {k: v for k, v in config.alpha_pattern.items() if k not in own}


def _original_name(name: str) -> str:
    """Return the name of a layer in the network that was adapted."""
    return name.partition("base_model.model.")[2] or name
