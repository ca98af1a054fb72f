"""The heads of an attention module: which layers hold them, and where."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import nn

from harness.core.errors import ModulePathError
from harness.growth.spaces.experiment import Places
from harness.growth.spaces.matrices import outputs_of
from harness.growth.spaces.slots import UnitSlot

__all__ = ["Heads", "attention_heads"]

# Names of the layers that make queries, keys and values, in the libraries that people use.
SEPARATE = (
    ("q_proj", "k_proj", "v_proj"),
    ("query", "key", "value"),
    ("query_proj", "key_proj", "value_proj"),
    ("q", "k", "v"),
    ("q_lin", "k_lin", "v_lin"),
    ("to_q", "to_k", "to_v"),
    ("wq", "wk", "wv"),
    ("linear_q", "linear_k", "linear_v"),
)
PACKED = ("c_attn", "query_key_value", "qkv", "qkv_proj", "Wqkv", "att_proj")
SIZES = ("head_dim", "attention_head_size", "key_value_proj_dim", "head_size")
COUNTS = ("num_attention_heads", "num_heads", "n_heads", "n_head", "heads")


@dataclass(frozen=True)
class Heads:
    """Key-value heads, each with the query heads that read it: one, unless queries are grouped.

    Attributes:
        units: the number of key-value heads.
        layouts: possible places of the heads among the outputs of the layers, by their paths; one of them is right.
    """

    units: int
    layouts: tuple[Places, ...]


def attention_heads(model: nn.Module, path: str) -> Heads | None:
    """Return the heads of the attention module at `path`, the full path; None if it is none that is known.

    Raises:
        ModulePathError: it is torch's own, which cannot have another number of heads, or its heads cannot be counted.
    """
    module = model.get_submodule(path)
    if isinstance(module, nn.MultiheadAttention):
        raise ModulePathError(
            f"expected attention that can have more heads at {path!r}, found nn.MultiheadAttention, whose heads divide "
            "the width of what it reads; use a module with its own projections"
        )
    for inner, part in _within(path, module):
        for names in SEPARATE:
            if all(_has(part, name) for name in names):
                return _separate(part, inner, names)
        for name in PACKED:
            if _has(part, name):
                return _packed(part, inner, name)
    return None


def _has(module: nn.Module, name: str) -> bool:
    child = getattr(module, name, None)
    return isinstance(child, nn.Module) and outputs_of(child) > 0


def _within(path: str, module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    yield path, module
    for name, child in module.named_children():
        yield f"{path}.{name}", child


def _separate(module: nn.Module, path: str, names: tuple[str, ...]) -> Heads:
    outputs = [outputs_of(module.get_submodule(name)) for name in names]
    size = _head_size(module, path, outputs[0])
    units, rest = divmod(outputs[1], size)
    if rest or any(count % units for count in outputs):
        raise ModulePathError(
            f"expected heads of {size} outputs in the layers of {path!r}, found {outputs}; name one of those layers, "
            "the others as together, and rows"
        )
    slots: Places = {
        f"{path}.{name}": (UnitSlot(0, count // units),) for name, count in zip(names, outputs, strict=True)
    }
    return Heads(units, (slots,))


def _packed(module: nn.Module, path: str, name: str) -> Heads:
    outputs = outputs_of(module.get_submodule(name))
    size = _head_size(module, path, outputs // 3)
    queries = _count(module) or outputs // 3 // size
    units, rest = divmod(outputs // size - queries, 2)
    if rest or units < 1 or queries % units or outputs % size:
        raise ModulePathError(f"expected queries, keys and values in {name!r} of {path!r}, found {outputs} outputs")
    group = queries // units
    one_by_one = (UnitSlot(0, group * size), UnitSlot(queries * size, size), UnitSlot((queries + units) * size, size))
    return Heads(units, ({f"{path}.{name}": one_by_one}, {f"{path}.{name}": (UnitSlot(0, outputs // units),)}))


def _head_size(module: nn.Module, path: str, width: int) -> int:
    for name in SIZES:
        size = vars(module).get(name)
        if isinstance(size, int):
            return size
    count = _count(module)
    if not count or width % count:
        raise ModulePathError(
            f"expected {path!r} to say how many heads it has, found none of {', '.join((*COUNTS, *SIZES))}; name its "
            "layers instead: one as path, the others as together, and the outputs of a head as rows"
        )
    return width // count


def _count(module: nn.Module) -> int | None:
    for holder in (module, vars(module).get("config")):
        for name in COUNTS:
            count = vars(holder).get(name) if holder is not None else None
            if isinstance(count, int):
                return count
    return None
