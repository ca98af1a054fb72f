"""Sizes that a network declares of itself: how many labels it has, what they are called, and how large a vocabulary is.

Models of Hugging Face's transformers reshape their outputs by `num_labels` when they compute a loss, and build their
layers by `config` when they are loaded. Both are attributes that any module may have, so nothing is imported here.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any

from torch import nn

from harness.growth.record import Columns
from harness.models.network_config import follow, modules_around, resized
from harness.models.paths import full_path

__all__ = ["declared_sizes", "follow_columns"]


def declared_sizes(model: nn.Module) -> dict[str, int]:
    """Return, by name, the number of outputs of each layer in a network that declares sizes; nothing for others."""
    if not any("num_labels" in vars(module) or "config" in vars(module) for module in model.modules()):
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
            follow(model, [name], partial(_labels, old=before[name], origins=origins))
            if _is_decoder(model, name):
                follow(model, [name], resized(("vocab_size",), before[name], len(origins)))


def _labels(holder: object, old: int, origins: Columns) -> dict[str, Any]:
    """Return what `holder`, a module or a config, says of `old` labels as it should from now on."""
    if isinstance(holder, nn.Module):
        return {"num_labels": len(origins)} if vars(holder).get("num_labels") == old else {}
    known = getattr(holder, "id2label", None)
    if not isinstance(known, Mapping) or len(known) != old:
        return {}
    names = _names(dict(known), origins)
    return {} if names == known else {"id2label": names, "label2id": {label: column for column, label in names.items()}}


def _names(old: dict[int, str], origins: Columns) -> dict[int, str]:
    """Return the label of each column: that of the old one that it comes from, where no column before has it."""
    names: dict[int, str] = {}
    for column, origin in enumerate(origins):
        known = old.get(origin) if origin is not None else None
        names[column] = f"LABEL_{column}" if known is None or known in names.values() else known
    return names


def _is_decoder(model: nn.Module, name: str) -> bool:
    """Return whether a module around the layer `name` says that it computes the logits of a vocabulary."""
    layer = model.get_submodule(name)
    decoders = [getattr(module, "get_output_embeddings", None) for module in modules_around(model, [name])]
    return any(callable(decoder) and decoder() is layer for decoder in decoders)
