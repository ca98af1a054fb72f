"""Numbers in which a network notes its own sizes, such as `config.intermediate_size`, follow when it is widened.

They are known by their names, and changed only where they were the size that was grown. A config describes many layers
at once, so it follows when all of them have the new size: then a network built from it has the same shapes.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from torch import nn

from harness.growth.spaces.matrices import outputs_of
from harness.growth.spaces.space import Space
from harness.models.network_config import follow

__all__ = ["follow_heads", "follow_width"]

WIDTHS = (
    *("intermediate_size", "ffn_dim", "encoder_ffn_dim", "decoder_ffn_dim", "d_ff", "hidden_dim", "n_inner"),
    *("mlp_dim", "ffn_hidden_size", "hidden_features", "inner_dim", "dim_feedforward"),
)
HEADS = (
    *("num_attention_heads", "num_heads", "n_heads", "n_head", "nhead", "num_key_value_heads", "num_kv_heads"),
    *("heads", "encoder_attention_heads", "decoder_attention_heads"),
)
JOINED = ("all_head_size", "split_size", "inner_dim", "attention_dim")
HEAD_SIZES = ("head_dim", "d_kv")


def follow_width(model: nn.Module, space: Space, added: int) -> None:
    """Let attributes and configs say the new width of the layers that write to `space`."""
    block = space.writers[0].slots[0].block
    old, new = space.units * block, (space.units + added) * block
    near, alike = _parents(model, space), _alike(model, space)

    def changes(holder: object) -> Mapping[str, Any]:
        names = [name for name in WIDTHS if _width(holder, name) == old]
        if isinstance(holder, nn.Module):
            return dict.fromkeys(names if holder in near else (), new)
        return dict.fromkeys((name for name in names if _all_grown(model, space, name, alike)), new)

    follow(model, _paths(space, alike), changes)


def follow_heads(model: nn.Module, space: Space, added: int) -> None:
    """Let attributes and configs say the new number of heads, whose key-value heads are the units of `space`."""
    width = space.units * sum(slot.block for slot in space.readers[0].slots)
    near, alike = _parents(model, space), _alike(model, space)

    def grown(holder: object, names: Iterable[str]) -> dict[str, int]:
        sizes = {name: vars(holder).get(name) for name in names}
        return {
            name: size // space.units * (space.units + added)
            for name, size in sizes.items()
            if isinstance(size, int) and size and size % space.units == 0
        }

    def changes(holder: object) -> Mapping[str, Any]:
        if isinstance(holder, nn.Module):
            joined = [name for name in JOINED if vars(holder).get(name) == width]
            return grown(holder, (*HEADS, *joined)) if holder in near else {}
        # Elsewhere the size of a head follows from their number, and no config can say that there are more of them.
        sized = any(isinstance(vars(holder).get(name), int) for name in HEAD_SIZES)
        sizes = grown(holder, [name for name in HEADS if sized and _all_grown(model, space, name, alike)])
        # Some libraries refuse such a config, though networks of it are possible.
        return {} if any(vars(holder).get("hidden_size", 0) % size for size in sizes.values()) else sizes

    follow(model, _paths(space, alike), changes)


def _width(holder: object, name: str) -> int | None:
    width: int | None = vars(holder).get(name)
    if name == "n_inner" and name in vars(holder) and width is None:
        return 4 * int(getattr(holder, "n_embd", 0))  # GPT-2's, unless it is given
    return width


def _parents(model: nn.Module, space: Space) -> set[nn.Module]:
    """Return the modules that hold a writer or a reader."""
    members = (*space.writers, *space.readers)
    return {model.get_submodule(member.path.rpartition(".")[0]) for member in members}


def _alike(model: nn.Module, space: Space) -> list[str]:
    """Return the paths of layers that are what the first writer is, in other blocks of the network."""
    ending = _ending(space.writers[0].path)
    return [path for path, part in model.named_modules() if outputs_of(part) and _ending(path) == ending]


def _ending(path: str) -> tuple[str, ...]:
    return tuple("*" if part.isdigit() else part for part in path.split(".")[-2:])


def _paths(space: Space, alike: list[str]) -> list[str]:
    return [*alike, *(member.path for member in (*space.writers, *space.readers))]


def _all_grown(model: nn.Module, space: Space, name: str, alike: list[str]) -> bool:
    """Return whether all layers that the field `name` of a config describes have the width of the first writer."""
    first = space.writers[0].path
    side = name.partition("_")[0]
    described = [path for path in alike if side not in ("encoder", "decoder") or side in path.split(".")]
    width = outputs_of(model.get_submodule(first))
    return first in described and all(outputs_of(model.get_submodule(path)) == width for path in described)
