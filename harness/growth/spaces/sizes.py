"""Numbers in which a network of another library keeps its sizes: attributes of modules, and fields of its config.

They are known by their names, and changed only where they were the size that was grown. A config is shared by many
layers, so it follows when all layers that it describes have the new size; then a network built from it has the same
shapes. The config that the caller holds is left as it was: modules get a changed copy.
"""

import copy
from collections.abc import Iterator
from typing import Any

from torch import nn

from harness.growth.spaces.matrices import matrix_kind
from harness.growth.spaces.space import Space

__all__ = ["follow_heads", "follow_width"]

WIDTHS = ("intermediate_size", "ffn_dim", "encoder_ffn_dim", "decoder_ffn_dim", "d_ff", "hidden_dim", "n_inner")
WIDTHS += ("mlp_dim", "ffn_hidden_size", "hidden_features", "inner_dim", "dim_feedforward")
HEADS = ("num_attention_heads", "num_heads", "n_heads", "n_head", "nhead", "num_key_value_heads", "num_kv_heads")
HEADS += ("heads", "encoder_attention_heads", "decoder_attention_heads")
JOINED = ("all_head_size", "split_size", "inner_dim", "attention_dim")
HEAD_SIZES = ("head_dim", "d_kv")


def follow_width(model: nn.Module, space: Space, added: int) -> None:
    """Let attributes and configs say the new width of the layers that write to `space`."""
    block = space.writers[0].slots[0].block
    old, new = space.units * block, (space.units + added) * block
    for module in _parents(model, space):
        for name in WIDTHS:
            if vars(module).get(name) == old:
                setattr(module, name, new)
    alike = _alike(model, space.writers[0].path)
    for name in WIDTHS:
        described = {path: part for path, part in alike.items() if _describes(name, path)}
        if space.writers[0].path in described and all(
            _outputs(part) == _outputs_of(model, space) for part in described.values()
        ):
            _change_configs(model, name, old, new)


def follow_heads(model: nn.Module, space: Space, added: int) -> None:
    """Let attributes and configs say the new number of heads, whose key-value heads are the units of `space`."""
    grown = space.units + added
    width = sum(slot.block for slot in space.readers[0].slots) * space.units
    for module in _parents(model, space):
        for name in HEADS:
            count = vars(module).get(name)
            if isinstance(count, int) and count % space.units == 0:
                setattr(module, name, count // space.units * grown)
        for name in JOINED:
            if vars(module).get(name) == width:
                setattr(module, name, width // space.units * grown)
    alike = _alike(model, space.writers[0].path)
    if any(_outputs(part) != _outputs_of(model, space) for part in alike.values()):
        return
    for config in _configs(model):
        # Elsewhere the size of a head follows from their number, and no config can say that there are more of them.
        if any(isinstance(vars(config).get(name), int) for name in HEAD_SIZES):
            for name in HEADS:
                count = vars(config).get(name)
                if isinstance(count, int) and count and count % space.units == 0:
                    _change_configs(model, name, count, count // space.units * grown)


def _parents(model: nn.Module, space: Space) -> Iterator[nn.Module]:
    """Yield the modules that hold a writer or a reader."""
    paths = {member.path.rpartition(".")[0] for member in (*space.writers, *space.readers)}
    for path in sorted(paths):
        yield model.get_submodule(path)


def _outputs(layer: nn.Module) -> int:
    kind = matrix_kind(layer)
    return layer.get_parameter("weight").shape[kind.outputs] if kind else 0


def _outputs_of(model: nn.Module, space: Space) -> int:
    return _outputs(model.get_submodule(space.writers[0].path))


def _alike(model: nn.Module, path: str) -> dict[str, nn.Module]:
    """Return the layers whose path ends like `path`, in other blocks of the network."""
    ending = _ending(path)
    return {other: part for other, part in model.named_modules() if matrix_kind(part) and _ending(other) == ending}


def _ending(path: str) -> tuple[str, ...]:
    return tuple("*" if part.isdigit() else part for part in path.split(".")[-2:])


def _describes(field: str, path: str) -> bool:
    side = field.partition("_")[0]
    return side not in ("encoder", "decoder") or side in path.split(".")


def _configs(model: nn.Module) -> list[Any]:
    """Return the configs that modules hold, each once."""
    held = [vars(module).get("config") for module in model.modules()]
    return list({id(config): config for config in held if hasattr(config, "__dict__")}.values())


def _change_configs(model: nn.Module, name: str, old: int, new: int) -> None:
    """Give modules copies of their configs in which the field `name` is `new`, where it was `old`."""
    copies: dict[int, Any] = {}
    for config in _configs(model):
        if vars(config).get(name) == old or (name == "n_inner" and _is_four_times(config, old)):
            copies[id(config)] = copy.copy(config)
            setattr(copies[id(config)], name, new)
    for config in _configs(model):
        # A config of several networks holds theirs.
        inner = {key: copies[id(value)] for key, value in vars(config).items() if id(value) in copies}
        if inner:
            changed = copies.setdefault(id(config), copy.copy(config))
            for key, value in inner.items():
                setattr(changed, key, value)
    for module in model.modules():
        if id(vars(module).get("config")) in copies:
            module.config = copies[id(vars(module)["config"])]


def _is_four_times(config: Any, width: int) -> bool:
    # GPT-2's width, unless it is given.
    return "n_inner" in vars(config) and config.n_inner is None and 4 * getattr(config, "n_embd", 0) == width
