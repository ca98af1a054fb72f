"""Sizes that a network declares of itself: how many labels it has, and what they are called.

Models of Hugging Face's transformers reshape their outputs by `num_labels` when they compute a loss, and build their
layers by `config` when they are loaded. Both are attributes that any module may have, so nothing is imported here.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from harness.growth.record import Columns
from harness.models.paths import full_path, module_at

__all__ = ["declared_sizes", "follow_columns"]


def declared_sizes(model: nn.Module) -> dict[str, int]:
    """Return, by name, the number of outputs of each layer in a network that declares sizes; nothing for others."""
    if not any(_declares(module) for module in model.modules()):
        return {}
    sizes = ((name, getattr(module, "out_features", None)) for name, module in model.named_modules())
    return {name: size for name, size in sizes if isinstance(size, int)}


def follow_columns(model: nn.Module, columns: Mapping[str, Columns], before: Mapping[str, int]) -> None:
    """Let the number and names of labels, and the size of a vocabulary, follow outputs whose columns changed.

    A new label is called `LABEL_<column>`, as an unnamed one is by transformers.

    Args:
        model: after the growth.
        columns: by module path, as in `Growth`.
        before: the sizes of the layers before the growth, by `declared_sizes`.
    """
    for path, origins in columns.items():
        name = full_path(model, path)
        if name in before:
            for module in _around(model, name):
                _follow(module, before[name], origins)
                if _is_decoder(module, module_at(model, path)):
                    module.config.vocab_size = len(origins)  # type: ignore[union-attr]


def _declares(module: nn.Module) -> bool:
    return isinstance(getattr(getattr(module, "config", None), "id2label", None), Mapping)


def _around(model: nn.Module, name: str) -> Iterator[nn.Module]:
    """Yield the modules around the one of `name`, from the outside."""
    parts = name.split(".")
    for depth in range(len(parts)):
        yield model.get_submodule(".".join(parts[:depth]))


def _follow(module: nn.Module, old: int, origins: Columns) -> None:
    if vars(module).get("num_labels") == old:
        module.num_labels = len(origins)  # type: ignore[assignment]
    config: Any = getattr(module, "config", None)
    if _declares(module) and len(config.id2label) == old != len(origins):
        names = _names(dict(config.id2label), origins)
        config.id2label = names
        config.label2id = {label: column for column, label in names.items()}


def _names(old: dict[int, str], origins: Columns) -> dict[int, str]:
    """Return the label of each column: that of the old one that it comes from, where no column before has it."""
    names: dict[int, str] = {}
    for column, origin in enumerate(origins):
        known = old.get(origin) if origin is not None else None
        names[column] = f"LABEL_{column}" if known is None or known in names.values() else known
    return names


def _is_decoder(module: nn.Module, layer: nn.Module) -> bool:
    """Return whether `module` says that `layer` computes the logits of its vocabulary."""
    decoder = getattr(module, "get_output_embeddings", None)
    return callable(decoder) and hasattr(getattr(module, "config", None), "vocab_size") and decoder() is layer
